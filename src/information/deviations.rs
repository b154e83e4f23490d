//! Laws followed by how far they are from another one.

use crate::operator::{Block, TransitionOperator};
use crate::prob::divergence_term;

/// The differences of laws and a reference law, step by step.
///
/// The chain moves differences as it moves laws. Followed for themselves
/// they keep their digits where the two laws agree in all of theirs, so that the
/// information left in them is right however little it is.
pub(super) struct Deviations {
    block: Block,
}

impl Deviations {
    /// Differences given by state and column.
    pub(super) fn new(states: usize, columns: usize, entry: impl Fn(usize, usize) -> f64 + Sync) -> Self {
        Self { block: Block::new(states, columns, entry) }
    }

    /// One step on, to a time when the reference law is `reference`.
    ///
    /// A difference of laws sums to zero. What rounding leaves of its sum would
    /// stay while the rest dies out, so it is taken out.
    pub(super) fn step<O: TransitionOperator>(&mut self, operator: &O, reference: &[f64]) {
        self.block.push(operator);
        let left = self.block.sums(|_, _, value| value);
        if left.iter().any(|&left| left != 0.0) {
            self.block.map(|state, column, value| value - left[column] * reference[state]);
        }
    }

    /// For every difference its sums over groups of states.
    pub(super) fn added_up(&self, group_of: &[u32], groups: usize) -> Vec<Vec<f64>> {
        let (columns, sums) = (self.block.columns(), self.block.added_up(group_of, groups));
        (0..columns).map(|column| sums[column..].iter().step_by(columns).copied().collect()).collect()
    }

    /// Relative entropy of each law to the reference law, in bits.
    pub(super) fn relative_entropies(&self, reference: &[f64]) -> Vec<f64> {
        let term = |state: usize, _, deviation: f64| match reference[state] {
            expected if expected > 0.0 => divergence_term(expected, deviation, deviation / expected),
            // What the reference cannot do, the law cannot do either.
            _ => 0.0,
        };
        self.block.sums(term).into_iter().map(|sum| sum / std::f64::consts::LN_2).collect()
    }
}
