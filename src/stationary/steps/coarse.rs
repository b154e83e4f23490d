//! Chains of few states that stand for the whole.

use nalgebra::{DMatrix, DVector};

/// Divides by weights; where there is no weight, nothing is known.
pub(super) fn divide(values: &mut [f64], weights: &[f64]) {
    values.iter_mut().zip(weights).for_each(|(value, &weight)| {
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
