//! The prompt leaving the window, and the decay that comes after, apart.

use rustc_hash::FxHashMap;

use crate::chain::{MarkovChain, Start, States};
use crate::error::Result;
use crate::operator::{Block, TransitionOperator};
use crate::prob::{Law, l1, sum_columns, total_variation};
use crate::text::Token;

/// How a chain forgets its prompt, the purge of the window and the decay apart.
///
/// After `t` steps the window still shows the newest `K - t` tokens of the
/// prompt. The **distance** sees these: it compares whole windows. What the chain has
/// **generated** since are the newest `min(t, K)` tokens, and the law of these is
/// compared with that of as many tokens of the stationary process. They are part of the window,
/// so this distance is never larger; the difference is the **purge**, what is left only
/// because the prompt has not been pushed out. From `K` steps on it is zero:
///
/// ```text
/// distance(t) = generated(t) + purge(t),    purge(t) = 0 for t >= K.
/// ```
///
/// If the next token does not depend on the context, all is purge: nothing
/// generated is ever unlike the stationary process, yet windows are far from it for K steps. What
/// is left after K steps is decay, and ends up falling like the second eigenvalue
/// ([`tail_rate`](Self::tail_rate)).
///
/// For the worst start both curves are maxima over starts, each of its own.
/// Where states are more than windows, `min(t, K)` newest tokens are read off as many as a state
/// shows; from `K` steps on the state counts as a whole. A restart counts as generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Forgetting {
    context_length: usize,
    distance: Vec<f64>,
    generated: Vec<f64>,
    /// A distance that rounding, or the residual of the stationary law, may be all of.
    floor: f64,
}

/// How many times the floor a distance must be to have three digits.
const DIGITS: f64 = 1e3;

impl Forgetting {
    /// Total variation distance of the whole state from the stationary law, after `0..`
    /// steps: it never grows.
    pub fn distance(&self) -> &[f64] {
        &self.distance
    }

    /// Total variation distance of the tokens generated since the prompt from as
    /// many of the stationary process. It starts at zero, as nothing has been
    /// generated, and over windows it never falls before K steps: there is more to tell by.
    pub fn generated(&self) -> &[f64] {
        &self.generated
    }

    /// What of the distance is due to the prompt still being in the window.
    pub fn purge(&self) -> Vec<f64> {
        self.distance.iter().zip(&self.generated).map(|(all, new)| all - new).collect()
    }

    /// Context length K: the steps that it takes for the prompt to leave the window.
    pub fn purge_steps(&self) -> usize {
        self.context_length
    }

    /// What is left of the distance after K steps, when the purge is over, or after
    /// all steps followed if these are fewer.
    pub fn after_purge(&self) -> f64 {
        self.distance[self.context_length.min(self.distance.len() - 1)]
    }

    /// An estimate of the factor by which the distance falls a step in the end:
    /// its geometric mean over the later half of the steps after the purge, as far as
    /// the distance stands out of rounding and of the residual of the stationary law
    /// a thousandfold. It tends to the modulus of the second eigenvalue, from
    /// either side.
    ///
    /// `None` if less than two steps are left, as where nothing is left after the purge.
    pub fn tail_rate(&self) -> Option<f64> {
        let trusted = |&&distance: &&f64| distance >= DIGITS * self.floor;
        let last = self.distance.iter().take_while(trusted).count().checked_sub(1)?;
        let first = self.context_length + last.checked_sub(self.context_length)? / 2;
        let steps = last.checked_sub(first).filter(|&steps| steps >= 2)?;
        Some((self.distance[last] / self.distance[first]).powf(1.0 / steps as f64))
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// How the chain forgets a start over `0..=steps` steps.
    ///
    /// `steps + K` products, and `O(N)` a step; `4 K N` bytes.
    ///
    /// # Errors
    ///
    /// As [`Start::law`].
    ///
    /// # Panics
    ///
    /// If the stationary law is over other states.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::prelude::*;
    ///
    /// // Fair coin tosses through a window of two: all is purge.
    /// let chain = MarkovChain::enumerated(&TableModel::from_rows(2, &[[0.5, 0.5]; 4])?)?;
    /// let law = chain.stationary()?.converged()?;
    /// let forgetting = chain.forgetting(Start::State(0), &law, 3)?;
    /// assert_eq!(forgetting.distance(), [0.75, 0.5, 0.0, 0.0]);
    /// assert_eq!(forgetting.generated(), [0.0; 4]);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    #[track_caller]
    pub fn forgetting(&self, start: Start<'_>, stationary: &Law, steps: usize) -> Result<Forgetting> {
        let blocks = Blocks::new(self, stationary);
        let law = start.law(self.states())?.into_vec();
        let filling = steps.min(blocks.groups.len());
        let generated = self.measured_along(law, filling, |law, step| blocks.distance(law, step));
        let distance = self.distance_curve(start, stationary, steps)?;
        Ok(self.forgotten(distance, generated, stationary))
    }

    /// How the chain forgets the worst start over `0..=steps` steps: each curve is
    /// the largest over all starts.
    ///
    /// `N` starts times `steps + K` products.
    ///
    /// # Errors
    ///
    /// [`Error::TooExpensive`](crate::Error::TooExpensive) beyond 10^12 multiplications.
    ///
    /// # Panics
    ///
    /// If the stationary law is over other states.
    #[track_caller]
    pub fn worst_forgetting(&self, stationary: &Law, steps: usize) -> Result<Forgetting> {
        self.check_every_start(steps)?;
        let blocks = Blocks::new(self, stationary);
        let starts: Vec<usize> = (0..self.len()).collect();
        let filling = steps.min(blocks.groups.len());
        let generated = self.worst_over(&starts, filling, |laws, step| blocks.distances(laws, step))?;
        let distance = self.worst_distance_curve(stationary, steps)?;
        Ok(self.forgotten(distance, generated, stationary))
    }

    /// The curve of what was generated goes on as that of the whole from K steps on.
    fn forgotten(&self, distance: Vec<f64>, mut generated: Vec<f64>, stationary: &Law) -> Forgetting {
        generated.extend_from_slice(&distance[generated.len()..]);
        let mut next = vec![0.0; self.len()];
        self.operator().push_forward(stationary, &mut next);
        let unit = (self.operator().longest_sum() + 2) as f64 * f64::EPSILON;
        let floor = l1(stationary, &next) + distance.len() as f64 * unit;
        Forgetting { context_length: self.states().context_length(), distance, generated, floor }
    }
}

/// The states grouped by their newest tokens, for every number of these below K.
struct Blocks {
    /// By length from 1 on, the group of every state.
    groups: Vec<Vec<u32>>,
    /// By length from 1 on, the stationary law of the groups.
    laws: Vec<Vec<f64>>,
}

impl Blocks {
    #[track_caller]
    fn new<O: TransitionOperator>(chain: &MarkovChain<O>, stationary: &Law) -> Self {
        assert_eq!(stationary.len(), chain.len(), "a law over the states of the chain");
        let lengths = 1..chain.states().context_length();
        let groups: Vec<Vec<u32>> = lengths.map(|length| groups_by_newest(chain.states(), length)).collect();
        let laws = groups.iter().map(|groups| added_up(stationary, groups)).collect();
        Self { groups, laws }
    }

    /// Distance of the law of the newest tokens, as many as there were steps, below K.
    fn distance(&self, law: &[f64], steps: usize) -> f64 {
        match steps.checked_sub(1) {
            None => 0.0,
            Some(length) => total_variation(&added_up(law, &self.groups[length]), &self.laws[length]),
        }
    }

    /// The distances of several laws.
    fn distances(&self, laws: &Block, steps: usize) -> Vec<f64> {
        let columns = laws.columns();
        let Some(length) = steps.checked_sub(1) else { return vec![0.0; columns] };
        let expected = &self.laws[length];
        let sums = laws.added_up(&self.groups[length], expected.len());
        let l1 = sum_columns(expected.len(), columns, |group, column| {
            (sums[group * columns + column] - expected[group]).abs()
        });
        l1.into_iter().map(|l1| (0.5 * l1).min(1.0)).collect()
    }
}

/// The number of each state's group by its newest tokens; a state that has fewer
/// is grouped by all it has.
fn groups_by_newest(states: &States, length: usize) -> Vec<u32> {
    if states.are_windows() {
        return numbered((0..states.len()).map(|state| states.suffix_key(state, length)));
    }
    let newest = |state: usize| -> Vec<Token> {
        let tokens = states.tokens(state);
        tokens[tokens.len().saturating_sub(length)..].to_vec()
    };
    numbered((0..states.len()).map(newest))
}

/// Numbers things in the order in which they are first met.
fn numbered<T: std::hash::Hash + Eq>(things: impl Iterator<Item = T>) -> Vec<u32> {
    let mut numbers: FxHashMap<T, u32> = FxHashMap::default();
    things
        .map(|thing| {
            let next = numbers.len() as u32;
            *numbers.entry(thing).or_insert(next)
        })
        .collect()
}

fn added_up(law: &[f64], groups: &[u32]) -> Vec<f64> {
    let mut sums = vec![0.0; groups.iter().max().map_or(0, |&most| most as usize + 1)];
    for (&group, p) in groups.iter().zip(law) {
        sums[group as usize] += p;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_measured_where_it_stands_out() {
        let curve: Vec<f64> = (0..200).map(|t| 0.5 * 0.8f64.powi(t)).collect();
        let forgetting = |distance: Vec<f64>| Forgetting {
            context_length: 3,
            generated: vec![0.0; distance.len()],
            distance,
            floor: 1e-15,
        };
        let rate = forgetting(curve.clone()).tail_rate().unwrap();
        assert!((rate - 0.8).abs() < 1e-12);
        assert_eq!(forgetting(curve[..5].to_vec()).tail_rate(), None);
        assert_eq!(forgetting(vec![0.9, 0.8, 0.7, 0.0, 0.0, 0.0, 0.0, 0.0]).tail_rate(), None);
    }
}
