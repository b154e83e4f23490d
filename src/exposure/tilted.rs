//! A chain whose steps are made more or less likely by where they lead.

use crate::error::{Error, Result};
use crate::operator::{Arc, Transition, TransitionOperator, counted_bytes, map_columns, map_in_place};

/// The chain `P(i, j) w(j) / (P w)(i)`: each step in proportion to a weight of the
/// state that it enters.
///
/// Nothing but two vectors is stored, so it works on any operator:
///
/// ```text
/// law · P_w = w ⊙ ((law ⊘ P w) · P)        P_w · f = P (w ⊙ f) ⊘ P w.
/// ```
///
/// # Example
///
/// ```
/// use lmchain::exposure::Tilted;
/// use lmchain::operator::{SparseOperator, TransitionOperator};
///
/// let coin = SparseOperator::from_triplets(2, vec![(0, 0, 0.5), (0, 1, 0.5), (1, 0, 1.0)])?;
/// let biased = Tilted::new(coin, vec![1.0, 3.0])?;
/// assert_eq!((biased.probability(0, 1), biased.probability(1, 0)), (0.75, 1.0));
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Tilted<O> {
    operator: O,
    weights: Vec<f64>,
    /// `P w`.
    sums: Vec<f64>,
}

impl<O: TransitionOperator> Tilted<O> {
    /// The chain of an operator with one weight a state.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`]; [`Error::InvalidSetting`] for a weight that is not
    /// positive and finite.
    pub fn new(operator: O, weights: Vec<f64>) -> Result<Self> {
        if weights.len() != operator.states() {
            return Err(Error::LengthMismatch { expected: operator.states(), found: weights.len() });
        }
        if let Some(&value) = weights.iter().find(|&&weight| !(weight > 0.0 && weight.is_finite())) {
            return Err(Error::InvalidSetting { name: "weight", value, requirement: "positive and finite" });
        }
        let mut sums = vec![0.0; weights.len()];
        operator.pull_back(&weights, &mut sums);
        Ok(Self { operator, weights, sums })
    }

    /// The operator that was tilted.
    pub fn operator(&self) -> &O {
        &self.operator
    }

    /// The weights, one a state.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn tilt(&self, from: usize, to: usize, probability: f64) -> f64 {
        probability * self.weights[to] / self.sums[from]
    }
}

impl<O: TransitionOperator> TransitionOperator for Tilted<O> {
    fn states(&self) -> usize {
        self.operator.states()
    }

    fn stored_entries(&self) -> usize {
        self.operator.stored_entries()
    }

    fn longest_sum(&self) -> usize {
        // Two roundings more, and those of the divisor.
        self.operator.longest_sum() + self.operator.longest_row() + 2
    }

    fn longest_row(&self) -> usize {
        2 * self.operator.longest_row() + 2
    }

    fn push_forward(&self, law: &[f64], next: &mut [f64]) {
        assert_eq!(law.len(), self.states(), "one entry per state");
        let ratio: Vec<f64> = law.iter().zip(&self.sums).map(|(p, sum)| p / sum).collect();
        self.operator.push_forward(&ratio, next);
        map_in_place(next, |state, pushed| pushed * self.weights[state]);
    }

    fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
        assert_eq!(observable.len(), self.states(), "one entry per state");
        let weighted: Vec<f64> = observable.iter().zip(&self.weights).map(|(f, w)| f * w).collect();
        self.operator.pull_back(&weighted, expected);
        map_in_place(expected, |state, pulled| pulled / self.sums[state]);
    }

    fn push_block(&self, laws: &[f64], next: &mut [f64], columns: usize) {
        let mut ratios = laws.to_vec();
        map_columns(&mut ratios, columns, |state, _, p| p / self.sums[state]);
        self.operator.push_block(&ratios, next, columns);
        map_columns(next, columns, |state, _, pushed| pushed * self.weights[state]);
    }

    fn pull_block(&self, observables: &[f64], expected: &mut [f64], columns: usize) {
        let mut weighted = observables.to_vec();
        map_columns(&mut weighted, columns, |state, _, f| f * self.weights[state]);
        self.operator.pull_block(&weighted, expected, columns);
        map_columns(expected, columns, |state, _, pulled| pulled / self.sums[state]);
    }

    fn check_products(&self) -> Result<()> {
        self.operator.check_products()
    }

    fn looks_cost_rows(&self) -> bool {
        self.operator.looks_cost_rows()
    }

    fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
        let next = self.operator.next_successor(state, cursor)?;
        Some(Transition { probability: self.tilt(state, next.state, next.probability), ..next })
    }

    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
        let before = self.operator.next_predecessor(state, cursor)?;
        Some(Transition { probability: self.tilt(before.state, state, before.probability), ..before })
    }

    fn probability(&self, from: usize, to: usize) -> f64 {
        self.tilt(from, to, self.operator.probability(from, to))
    }

    fn is_evidently_regular(&self) -> bool {
        self.operator.is_evidently_regular()
    }

    fn hubs(&self) -> usize {
        self.operator.hubs()
    }

    fn next_arc(&self, node: usize, cursor: usize) -> Option<Arc> {
        self.operator.next_arc(node, cursor)
    }

    fn sampler_bytes(&self) -> u128 {
        counted_bytes(self)
    }
}
