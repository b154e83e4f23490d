//! Two states step together, so that the tokens appended agree as often as can be.

use std::ops::Range;

use rand::RngExt;

use crate::chain::MarkovChain;
use crate::operator::{TransitionOperator, successors};
use crate::prob::StreamRng;

/// A transition and the token that it appends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    token: u32,
    pub(super) state: u32,
    pub(super) probability: f64,
}

/// Writes the transitions out of a state, by token and then by state.
pub(super) fn write_row<O: TransitionOperator>(chain: &MarkovChain<O>, state: usize, row: &mut Vec<Entry>) {
    row.clear();
    row.extend(successors(chain.operator(), state).map(|to| Entry {
        token: chain.states().newest_token(to.state),
        state: to.state as u32,
        probability: to.probability,
    }));
    row.sort_unstable_by_key(|entry| (entry.token, entry.state));
}

/// Draws the next state from a row.
pub(super) fn draw_next(row: &[Entry], rng: &mut StreamRng) -> usize {
    let total = row.iter().map(|entry| entry.probability).sum::<f64>();
    let place = place_of(row.iter().map(|entry| entry.probability), rng.random::<f64>() * total);
    row[place].state as usize
}

/// The place that a number falls on among weights laid end to end; the last weight that
/// is positive takes what rounding leaves over.
fn place_of(weights: impl Iterator<Item = f64>, mut number: f64) -> usize {
    let mut last = 0;
    for (place, weight) in weights.enumerate().filter(|(_, weight)| *weight > 0.0) {
        if number < weight {
            return place;
        }
        number -= weight;
        last = place;
    }
    last
}

/// The maximal coupling of the tokens after two states: the tokens appended agree
/// with probability `sum over v of min(p(v), q(v))`, which no coupling exceeds
/// (Lindvall 1992).
///
/// It is a sum of products. First, both go to the same state as often as can be. Where they
/// cannot, both append the same token as often as can be. What is left over of either goes its
/// own way. In the chain of a window, each token leads to one state.
#[derive(Debug, Default)]
pub(super) struct TokenCoupling {
    /// States that both go to, with the probability.
    same: Vec<(u32, f64)>,
    products: Vec<Product>,
    /// States and weights that the products draw from.
    sides: [Vec<(u32, f64)>; 2],
}

/// Two states drawn independently, each from its range of weights.
#[derive(Debug)]
struct Product {
    probability: f64,
    ranges: [Range<usize>; 2],
    sums: [f64; 2],
}

/// What is left over of the two rows when as much as can be is coupled.
#[derive(Default)]
struct Rest([Vec<(u32, f64)>; 2]);

impl TokenCoupling {
    /// Couples two rows that are sorted.
    pub(super) fn couple(&mut self, rows: [&[Entry]; 2]) {
        self.same.clear();
        self.products.clear();
        self.sides.iter_mut().for_each(Vec::clear);
        let mut rest = Rest::default();
        let [mut one, mut other] = rows;
        while let Some(token) =
            [one, other].iter().filter_map(|row| row.first()).map(|entry| entry.token).min()
        {
            let count = |row: &[Entry]| row.iter().take_while(|entry| entry.token == token).count();
            let (mine, theirs);
            (mine, one) = one.split_at(count(one));
            (theirs, other) = other.split_at(count(other));
            self.couple_token(mine, theirs, &mut rest);
        }
        let starts = self.starts();
        for (side, rest) in self.sides.iter_mut().zip(&rest.0) {
            side.extend(rest);
        }
        self.close(starts, None);
    }

    /// Couples the transitions that append one token.
    fn couple_token(&mut self, mut mine: &[Entry], mut theirs: &[Entry], rest: &mut Rest) {
        let starts = self.starts();
        while let Some(state) = [mine, theirs].iter().filter_map(|row| row.first()).map(|e| e.state).min() {
            let take = |row: &mut &[Entry]| match row.split_first() {
                Some((first, others)) if first.state == state => {
                    *row = others;
                    first.probability
                }
                _ => 0.0,
            };
            let (p, q) = (take(&mut mine), take(&mut theirs));
            if p.min(q) > 0.0 {
                self.same.push((state, p.min(q)));
            }
            for (side, left) in self.sides.iter_mut().zip([p - q, q - p]) {
                if left > 0.0 {
                    side.push((state, left));
                }
            }
        }
        self.close(starts, Some(rest));
    }

    fn starts(&self) -> [usize; 2] {
        [self.sides[0].len(), self.sides[1].len()]
    }

    /// Makes a product of what was added to the sides, as far as it pairs up; hands on
    /// the rest of the heavier side.
    fn close(&mut self, starts: [usize; 2], rest: Option<&mut Rest>) {
        let ranges = [0, 1].map(|side| starts[side]..self.sides[side].len());
        let sums = [0, 1].map(|side| {
            let added = &self.sides[side][ranges[side].clone()];
            added.iter().map(|&(_, weight)| weight).sum::<f64>()
        });
        let paired = sums[0].min(sums[1]);
        if let Some(rest) = rest {
            for side in 0..2 {
                let share = (sums[side] - paired) / sums[side];
                if share > 0.0 {
                    let added = &self.sides[side][ranges[side].clone()];
                    rest.0[side].extend(added.iter().map(|&(state, weight)| (state, weight * share)));
                }
            }
        }
        if paired > 0.0 {
            self.products.push(Product { probability: paired, ranges, sums });
        }
    }

    /// How many pairs of states [`for_each`](Self::for_each) visits.
    pub(super) fn len(&self) -> usize {
        self.same.len() + self.products.iter().map(|p| p.ranges[0].len() * p.ranges[1].len()).sum::<usize>()
    }

    /// All pairs of states that may be next, with their probabilities.
    pub(super) fn for_each(&self, mut visit: impl FnMut(u32, u32, f64)) {
        self.same.iter().for_each(|&(state, p)| visit(state, state, p));
        for Product { probability, ranges, sums } in &self.products {
            for &(one, p) in &self.sides[0][ranges[0].clone()] {
                for &(other, q) in &self.sides[1][ranges[1].clone()] {
                    visit(one, other, probability * (p / sums[0]) * (q / sums[1]));
                }
            }
        }
    }

    /// Draws the next pair of states.
    pub(super) fn draw(&self, rng: &mut StreamRng) -> [usize; 2] {
        let same = self.same.iter().map(|&(_, p)| p);
        let all = || same.clone().chain(self.products.iter().map(|product| product.probability));
        let place = place_of(all(), rng.random::<f64>() * all().sum::<f64>());
        if let Some(&(state, _)) = self.same.get(place) {
            return [state as usize; 2];
        }
        let product = &self.products[place - self.same.len()];
        [0, 1].map(|side| {
            let drawn = &self.sides[side][product.ranges[side].clone()];
            let number = rng.random::<f64>() * product.sums[side];
            drawn[place_of(drawn.iter().map(|&(_, weight)| weight), number)].0 as usize
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prob::stream;

    fn row(entries: &[(u32, u32, f64)]) -> Vec<Entry> {
        entries.iter().map(|&(token, state, probability)| Entry { token, state, probability }).collect()
    }

    fn pairs(coupling: &TokenCoupling) -> Vec<(u32, u32, f64)> {
        let mut pairs = Vec::new();
        coupling.for_each(|one, other, p| pairs.push((one, other, p)));
        pairs
    }

    /// The probability of a state on one side.
    fn marginal(coupling: &TokenCoupling, side: usize, state: u32) -> f64 {
        let at = |&(one, other, _): &(u32, u32, f64)| [one, other][side] == state;
        pairs(coupling).iter().filter(|pair| at(pair)).map(|pair| pair.2).sum()
    }

    #[test]
    fn tokens_agree_as_often_as_in_the_reference_case() {
        // Case C32: (.5, .3, .2) and (.2, .3, .5) agree with probability 0.7. Their states differ.
        let one = row(&[(0, 0, 0.5), (1, 1, 0.3), (2, 2, 0.2)]);
        let other = row(&[(0, 10, 0.2), (1, 11, 0.3), (2, 12, 0.5)]);
        let mut coupling = TokenCoupling::default();
        coupling.couple([&one, &other]);
        let agree: f64 = pairs(&coupling).iter().filter(|(a, b, _)| a + 10 == *b).map(|pair| pair.2).sum();
        assert!((agree - 0.7).abs() < 1e-15);
        for entry in &one {
            assert!((marginal(&coupling, 0, entry.state) - entry.probability).abs() < 1e-15);
        }
        for entry in &other {
            assert!((marginal(&coupling, 1, entry.state) - entry.probability).abs() < 1e-15);
        }
    }

    #[test]
    fn states_are_matched_before_tokens_where_a_token_leads_to_several() {
        let one = row(&[(0, 0, 0.25), (0, 1, 0.25), (1, 2, 0.5)]);
        let other = row(&[(0, 1, 0.125), (0, 3, 0.625), (1, 2, 0.25)]);
        let mut coupling = TokenCoupling::default();
        coupling.couple([&one, &other]);
        let found = pairs(&coupling);
        // The same state: 1 with 1/8, 2 with 1/4; then token 0 with what is left of it.
        assert_eq!(found[..2], [(1, 1, 0.125), (2, 2, 0.25)]);
        let token_zero: f64 = found[2..].iter().filter(|pair| pair.0 < 2).map(|pair| pair.2).sum();
        assert!((token_zero - 0.375).abs() < 1e-15);
        for (side, state, p) in
            [(0, 0, 0.25), (0, 1, 0.25), (0, 2, 0.5), (1, 1, 0.125), (1, 3, 0.625), (1, 2, 0.25)]
        {
            assert!((marginal(&coupling, side, state) - p).abs() < 1e-15, "{side} {state}");
        }
    }

    #[test]
    fn draws_have_the_probabilities_that_are_listed() {
        let one = row(&[(0, 0, 0.5), (1, 1, 0.3), (2, 2, 0.2)]);
        let other = row(&[(0, 0, 0.2), (1, 11, 0.3), (2, 12, 0.5)]);
        let mut coupling = TokenCoupling::default();
        coupling.couple([&one, &other]);
        let (draws, mut rng) = (40_000, stream(3, 0));
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..draws {
            let [a, b] = coupling.draw(&mut rng);
            *counts.entry((a as u32, b as u32)).or_insert(0.0) += 1.0 / f64::from(draws);
        }
        let listed = pairs(&coupling);
        assert_eq!(listed.len(), coupling.len());
        assert!(counts.keys().all(|key| listed.iter().any(|&(a, b, _)| (a, b) == *key)));
        for (a, b, p) in listed {
            let found = counts.get(&(a, b)).copied().unwrap_or(0.0);
            // Six standard deviations: a fault of chance once in 5e8 cells.
            assert!((found - p).abs() < 6.0 * (p * (1.0 - p) / f64::from(draws)).sqrt(), "{a} {b}");
        }
    }
}
