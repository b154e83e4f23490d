//! Laws followed by how far they are from another one.

use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, map_in_place};
use crate::prob::{divergence_term, sum_by};
use crate::solve::{Observer, Progress};

/// The difference of a law and a reference law, step by step.
///
/// The chain moves differences as it moves laws. Followed for themselves
/// they keep their digits where the two laws agree in all of theirs, so that the
/// information left in them is right however little it is.
pub(super) struct Deviation {
    values: Vec<f64>,
    next: Vec<f64>,
}

impl Deviation {
    pub(super) fn new(values: Vec<f64>) -> Self {
        let next = vec![0.0; values.len()];
        Self { values, next }
    }

    /// One step on, to a time when the reference law is `reference`.
    ///
    /// A difference of laws sums to zero. What rounding leaves of its sum would
    /// stay while the rest dies out, so it is taken out.
    pub(super) fn step<O: TransitionOperator>(&mut self, operator: &O, reference: &[f64]) {
        operator.push_forward(&self.values, &mut self.next);
        std::mem::swap(&mut self.values, &mut self.next);
        let left = sum_by(self.values.len(), |state| self.values[state]);
        if left != 0.0 {
            map_in_place(&mut self.values, |state, value| value - left * reference[state]);
        }
    }

    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Relative entropy of the law to the reference law, in bits.
    pub(super) fn relative_entropy(&self, reference: &[f64]) -> f64 {
        let term = |state: usize| match (self.values[state], reference[state]) {
            (deviation, expected) if expected > 0.0 => {
                divergence_term(expected, deviation, deviation / expected)
            }
            // What the reference cannot do, the law cannot do either.
            _ => 0.0,
        };
        sum_by(self.values.len(), term) / std::f64::consts::LN_2
    }
}

/// Does so many things, so many at a time in parallel, and tells the observer
/// in between.
pub(super) fn in_batches<T: Send>(
    count: usize,
    stage: &'static str,
    observer: &mut dyn Observer,
    one: impl Fn(usize) -> T + Sync,
) -> Result<Vec<T>> {
    const BATCH: usize = 32;
    let mut all = Vec::with_capacity(count);
    for start in (0..count).step_by(BATCH) {
        let progress = Progress { stage, done: start as u64, total: Some(count as u64), residual: None };
        if let ControlFlow::Break(()) = observer.observe(&progress) {
            return Err(Error::Cancelled { stage });
        }
        let end = count.min(start + BATCH);
        let batch: Vec<T> = (start..end).into_par_iter().map(&one).collect();
        all.extend(batch);
    }
    Ok(all)
}
