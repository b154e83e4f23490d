//! Chains of few states that stand for the whole.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use std::ops::Range;

/// States taken together, and the chain of what they are taken into.
pub(in crate::stationary) trait Aggregation {
    /// The means of an observable given the coarse states under a law, and the
    /// solution `g` of `g - Q g = f` for these (Galerkin's condition); the mean of the
    /// observable under the law is zero.
    fn solve(&self, law: &[f64], observable: &[f64]) -> (Vec<f64>, Vec<f64>);

    /// Adds a function of the coarse states to one of the states.
    fn add_refined(&self, coarse: &[f64], values: &mut [f64]);

    /// Adds an approximate solution `g` of `g - P g = f` to values.
    fn add_solution(&self, law: &[f64], observable: &[f64], values: &mut [f64]) {
        let (_, solution) = self.solve(law, observable);
        self.add_refined(&solution, values);
    }

    /// Adds what that solution is beyond what the coarse states tell of `f` itself.
    fn add_beyond(&self, law: &[f64], observable: &[f64], values: &mut [f64]) {
        let (means, mut solution) = self.solve(law, observable);
        solution.iter_mut().zip(means).for_each(|(solution, mean)| *solution -= mean);
        self.add_refined(&solution, values);
    }
}

/// What is added up over the states of a coarse one.
pub(super) trait Terms: Sync {
    fn term(&self, state: usize) -> f64;

    fn run(&self, states: Range<usize>) -> impl Iterator<Item = f64>;
}

impl Terms for [f64] {
    fn term(&self, state: usize) -> f64 {
        self[state]
    }

    fn run(&self, states: Range<usize>) -> impl Iterator<Item = f64> {
        self[states].iter().copied()
    }
}

/// Values times the probabilities of their states.
pub(super) struct Weighted<'a> {
    pub(super) law: &'a [f64],
    pub(super) values: &'a [f64],
}

impl Terms for Weighted<'_> {
    fn term(&self, state: usize) -> f64 {
        self.law[state] * self.values[state]
    }

    fn run(&self, states: Range<usize>) -> impl Iterator<Item = f64> {
        self.law[states.clone()].iter().zip(&self.values[states]).map(|(p, value)| p * value)
    }
}

/// The sums of values over the coarse states that they are taken into.
pub(super) fn added_up<T: Terms + ?Sized>(values: &T, into: &[u32], places: usize) -> Vec<f64> {
    let mut sums = vec![0.0; places];
    values.run(0..into.len()).zip(into).for_each(|(value, &place)| sums[place as usize] += value);
    sums
}

/// What takes coarse states from what they have now to what they have in the long run.
pub(super) fn factors(now: Vec<f64>, long_run: Vec<f64>) -> Vec<f64> {
    let both = now.into_par_iter().zip(long_run);
    both.map(|(now, long_run)| if now > 0.0 { long_run / now } else { 1.0 }).collect()
}

/// Divides by weights; where there is no weight, nothing is known.
pub(super) fn divide(values: &mut [f64], weights: &[f64]) {
    values.par_iter_mut().with_min_len(1 << 12).zip(weights).for_each(|(value, &weight)| {
        *value = if weight > 0.0 { *value / weight } else { 0.0 };
    });
}

/// The solution `g` of `g - Q g = f` with mean zero, for the chain `Q` whose
/// transitions are proportional to flows, up to the mean of `f`: by
/// `(I - Q + 1 m) g = f`, `m` the law of the flows (Kemeny & Snell 1960, section 4.3).
pub(super) fn potential(flows: &[f64], observable: &[f64]) -> Option<Vec<f64>> {
    let n = observable.len();
    let out: Vec<f64> = flows.chunks_exact(n).map(|row| row.iter().sum()).collect();
    let total: f64 = out.iter().sum();
    let matrix = DMatrix::from_fn(n, n, |i, j| {
        let step = if out[i] > 0.0 { flows[i * n + j] / out[i] } else { 0.0 };
        f64::from(u8::from(i == j)) - step + out[j] / total
    });
    let solution = matrix.lu().solve(&DVector::from_column_slice(observable))?;
    solution.iter().all(|value| value.is_finite()).then(|| solution.as_slice().to_vec())
}
