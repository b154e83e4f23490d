//! Lengths and products of vectors.

use rayon::prelude::*;

use crate::operator::map_in_place;
use crate::prob::{dot, sum_by};

/// States that one task takes a vector and a whole basis through: few enough for
/// the part of the vector to stay at hand. Fixed, so that sums are the same on
/// any number of threads.
const CHUNK: usize = 1 << 12;

pub(crate) fn largest(vector: &[f64]) -> f64 {
    vector.iter().map(|value| value.abs()).fold(0.0, f64::max)
}

/// Divides by the largest entry, which is returned.
pub(crate) fn scale_to_one(vector: &mut [f64]) -> f64 {
    let scale = largest(vector);
    if scale > 0.0 {
        vector.iter_mut().for_each(|value| *value /= scale);
    }
    scale
}

/// The unit vector and the length that it had.
pub(super) fn unit(mut vector: Vec<f64>) -> (Vec<f64>, f64) {
    let length = dot(&vector, &vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    (vector, length)
}

/// The inner product `sum of weight · a · b`, for positive weights.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighted<'a>(pub(super) &'a [f64]);

impl Weighted<'_> {
    pub(super) fn dot(self, a: &[f64], b: &[f64]) -> f64 {
        sum_by(a.len(), |i| self.0[i] * a[i] * b[i])
    }

    pub(super) fn length(self, a: &[f64]) -> f64 {
        self.dot(a, a).sqrt()
    }

    /// Takes the parts along orthonormal vectors out of a vector, and returns
    /// them and the length that is left. If much was taken it is done again: twice
    /// is enough (Daniel, Gragg, Kaufman and Stewart 1976).
    pub(super) fn orthogonalize(self, vector: &mut [f64], basis: &[Vec<f64>]) -> (Vec<f64>, f64) {
        let mut parts = vec![0.0; basis.len()];
        let mut before = self.length(vector);
        for turn in 0..2 {
            let along = self.parts(vector, basis);
            combine(vector, basis, |row| -along[row]);
            parts.iter_mut().zip(&along).for_each(|(part, more)| *part += more);
            let left = self.length(vector);
            if turn == 1 || left > 0.7 * before {
                return (parts, left);
            }
            before = left;
        }
        (parts, before)
    }

    /// The products of a vector with all of a basis, in fixed chunks of states.
    fn parts(self, vector: &[f64], basis: &[Vec<f64>]) -> Vec<f64> {
        let chunk = |(number, values): (usize, &[f64])| {
            let at = number * CHUNK;
            let weighted: Vec<f64> = values.iter().zip(&self.0[at..]).map(|(value, w)| value * w).collect();
            basis.iter().map(|other| sum_by(weighted.len(), |i| weighted[i] * other[at + i])).collect()
        };
        let chunks: Vec<Vec<f64>> = vector.par_chunks(CHUNK).enumerate().map(chunk).collect();
        let mut sums = vec![0.0; basis.len()];
        for chunk in chunks {
            sums.iter_mut().zip(chunk).for_each(|(sum, part)| *sum += part);
        }
        sums
    }
}

/// Adds a combination of vectors, chunk by chunk of states.
pub(super) fn combine(vector: &mut [f64], basis: &[Vec<f64>], factor: impl Fn(usize) -> f64 + Sync) {
    vector.par_chunks_mut(CHUNK).enumerate().for_each(|(number, values)| {
        for (row, other) in basis.iter().enumerate() {
            let factor = factor(row);
            let other = &other[number * CHUNK..];
            values.iter_mut().zip(other).for_each(|(value, o)| *value += factor * o);
        }
    });
}

/// Multiplies by a number.
pub(super) fn scale(vector: &mut [f64], factor: f64) {
    map_in_place(vector, |_, value| value * factor);
}
