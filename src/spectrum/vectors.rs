//! Lengths and products of vectors.

use crate::operator::map_in_place;
use crate::prob::sum_by;

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_by(a.len(), |i| a[i] * b[i])
}

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

    /// Takes the parts along orthonormal vectors out of a vector and returns them.
    /// Twice is enough (Kahan; Parlett 1980, section 6.9).
    pub(super) fn orthogonalize(self, vector: &mut [f64], basis: &[Vec<f64>]) -> Vec<f64> {
        let mut parts = vec![0.0; basis.len()];
        for _ in 0..2 {
            for (part, other) in parts.iter_mut().zip(basis) {
                let along = self.dot(other, vector);
                *part += along;
                add(vector, -along, other);
            }
        }
        parts
    }
}

/// Adds a multiple of another vector.
pub(super) fn add(vector: &mut [f64], factor: f64, other: &[f64]) {
    map_in_place(vector, |i, value| value + factor * other[i]);
}

/// Multiplies by a number.
pub(super) fn scale(vector: &mut [f64], factor: f64) {
    map_in_place(vector, |_, value| value * factor);
}
