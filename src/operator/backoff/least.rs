//! The least probability of every token after any state.

use rayon::prelude::*;

use super::operator::BackoffOperator;

/// N-grams that one task looks at.
const NGRAMS: usize = 1 << 10;

impl BackoffOperator {
    /// For every token the least of its probabilities after all states.
    ///
    /// An n-gram `h v` gives `v` its probability after `h`, and after every longer state that ends
    /// with `h` and stores no longer one, times the back-off weights on the way.
    /// A context that stores no n-gram with `v` is in no suffix of one that does, so below the
    /// contexts one token longer than `h` that do not store `v` no state does: of these the one
    /// counts whose states lose the most by backing off.
    /// `O(n-grams log n-grams + states log states)`.
    pub(super) fn least_probabilities(&self) -> Vec<f64> {
        let lost = self.lost();
        let singles = self.entries.singles();
        let order = Self::by_loss(self.tree.of_length(1), &lost);
        let mut floors: Vec<f64> = singles
            .clone()
            .into_par_iter()
            .with_min_len(NGRAMS)
            .map(|entry| match self.least_onto(entry, &order, &lost) {
                Some(onto) => self.entries.probabilities[entry] * onto,
                None => f64::INFINITY,
            })
            .collect();
        // The empty context is no state: a token has its probability there only after others.
        let after = |state: usize| {
            let order = Self::by_loss(self.tree.longer(state), &lost);
            let least = |entry: usize| {
                let onto = self.least_onto(entry, &order, &lost).map_or(1.0, |onto| onto.min(1.0));
                (self.entries.token(entry) as usize, self.entries.probabilities[entry] * onto)
            };
            self.entries.after(state).map(least).collect::<Vec<_>>()
        };
        let states = (0..self.tree.len()).into_par_iter().with_min_len(64);
        for (token, least) in states.flat_map_iter(after).collect::<Vec<_>>() {
            floors[token] = floors[token].min(least);
        }
        self.floor_at_end(&mut floors);
        floors
    }

    /// What each state leaves of its suffix's probability at worst: the least
    /// product of the back-off weights from a state that ends with it, its own included.
    fn lost(&self) -> Vec<f64> {
        let mut lost = vec![0.0; self.tree.len()];
        for state in (0..self.tree.len()).rev() {
            let below = self.tree.longer(state).map(|longer| lost[longer]).fold(1.0, f64::min);
            lost[state] = self.entries.backoffs[state] * below;
        }
        lost
    }

    /// Contexts by what they leave, the least first.
    fn by_loss(contexts: std::ops::Range<usize>, lost: &[f64]) -> Vec<u32> {
        let mut order: Vec<u32> = contexts.map(|context| context as u32).collect();
        order.sort_unstable_by(|&one, &two| {
            lost[one as usize].total_cmp(&lost[two as usize]).then(one.cmp(&two))
        });
        order
    }

    /// What the first context in an order leaves that has no n-gram of its own
    /// with the token of an entry; nothing is asked of an absorbing state, which never backs off.
    fn least_onto(&self, entry: usize, order: &[u32], lost: &[f64]) -> Option<f64> {
        let token = self.entries.token(entry);
        let backs_off = |&&context: &&u32| {
            Some(context as usize) != self.ends.absorbing
                && self.entries.child(context as usize, token).is_none()
        };
        order.iter().find(backs_off).map(|&context| lost[context as usize])
    }

    /// After the end of all only the end follows.
    fn floor_at_end(&self, floors: &mut [f64]) {
        if let (Some(_), Some(end)) = (self.ends.absorbing, self.ends.end) {
            for (token, floor) in floors.iter_mut().enumerate() {
                *floor = if token == end as usize { floor.min(1.0) } else { 0.0 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::operator::TransitionOperator;
    use crate::operator::backoff::test_matrix::for_models;
    use crate::text::Token;

    #[test]
    fn the_floor_is_the_least_over_all_states() {
        for_models(0..120, |model, operator, _| {
            let floors = operator.token_floors().unwrap();
            for (token, floor) in floors.iter().enumerate() {
                let probabilities =
                    (0..operator.states()).map(|state| operator.token_probability(state, token as Token));
                let least = probabilities.fold(f64::INFINITY, f64::min);
                // A product of at most as many weights as the order, in either order.
                let allowed = 2.0 * model.order() as f64 * f64::EPSILON * least;
                assert!((floor - least).abs() <= allowed, "token {token}: {floor}, not {least}");
            }
        });
    }
}
