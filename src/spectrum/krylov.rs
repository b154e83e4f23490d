//! A small picture of a large map: its Krylov space.

use nalgebra::{Complex, DMatrix, DVector, Schur};

use super::blocks::Map;
use super::vectors::unit;
use crate::prob::dot;

/// Most vectors of a Krylov basis.
const BASIS: usize = 80;

/// Most bytes that a Krylov basis may take; at least four vectors are kept.
const BASIS_BYTES: usize = 1 << 30;

/// Sizes at which a growing basis is asked whether it is enough.
const LOOKS: [usize; 4] = [8, 16, 32, 56];

/// A part of a product this small relative to the whole is rounding: the basis
/// spans everything that the first vector can reach.
const BREAKDOWN: f64 = 1e-13;

/// An orthonormal basis of the Krylov space and the operator within it.
pub(crate) struct Krylov {
    pub(crate) basis: Vec<Vec<f64>>,
    hessenberg: DMatrix<f64>,
    /// Length of what the last product left outside the space.
    outside: f64,
}

impl Krylov {
    /// Builds a basis from a first vector, until it is full, spans all that can
    /// be reached, or holds the leading eigenpair to a relative tolerance.
    pub(crate) fn build(map: &mut impl Map, first: &[f64], tolerance: f64) -> Self {
        let n = first.len();
        let room = (BASIS_BYTES / size_of_val(first)).clamp(4, BASIS).min(n);
        let mut basis = vec![unit(first.to_vec()).0];
        let mut hessenberg = DMatrix::zeros(room, room);
        let mut outside = 0.0;
        for column in 0..room {
            let mut image = map.apply(&basis[column]);
            let length = dot(&image, &image).sqrt();
            // Twice is enough (Kahan; Parlett 1980, section 6.9).
            for _ in 0..2 {
                for (row, vector) in basis.iter().enumerate() {
                    let along = dot(vector, &image);
                    hessenberg[(row, column)] += along;
                    image.iter_mut().zip(vector).for_each(|(value, v)| *value -= along * v);
                }
            }
            let (next, left) = unit(image);
            outside = if left <= BREAKDOWN * length { 0.0 } else { left };
            let size = column + 1;
            if outside == 0.0 || size == room {
                break;
            }
            // Looking costs as much as `size^3` multiplications, the next vector `size N`.
            let look = || leading_pair(&hessenberg.view_range(..size, ..size).into());
            if let Some((eigenvalue, coordinates)) = LOOKS.contains(&size).then(look).flatten()
                && outside * coordinates[size - 1].norm() <= tolerance * eigenvalue.norm()
            {
                break;
            }
            hessenberg[(column + 1, column)] = left;
            basis.push(next);
        }
        let size = basis.len();
        Self { basis, hessenberg: hessenberg.resize(size, size, 0.0), outside }
    }

    /// The leading eigenvalue, its residual, and a real vector to go on from.
    pub(crate) fn leading(&self, first: &[f64]) -> (Complex<f64>, f64, Vec<f64>) {
        let Some((leading, coordinates)) = leading_pair(&self.hessenberg) else {
            return (Complex::new(0.0, 0.0), f64::INFINITY, first.to_vec());
        };
        let residual = self.outside * coordinates[self.basis.len() - 1].norm();
        let mut ritz = vec![0.0; first.len()];
        for (vector, c) in self.basis.iter().zip(coordinates.iter()) {
            ritz.iter_mut().zip(vector).for_each(|(value, v)| *value += (c.re + c.im) * v);
        }
        (leading, residual, ritz)
    }
}

/// The leading eigenvalue of a small matrix and its eigenvector, unless the
/// iteration that finds them does not end.
fn leading_pair(matrix: &DMatrix<f64>) -> Option<(Complex<f64>, DVector<Complex<f64>>)> {
    let schur = Schur::try_new(matrix.clone(), f64::EPSILON, 1000 * matrix.nrows())?;
    let eigenvalues = schur.complex_eigenvalues();
    let leading = eigenvalues.iter().copied().reduce(|a, b| if b.norm() > a.norm() { b } else { a })?;
    Some((leading, eigenvector(matrix, leading)))
}

/// A unit eigenvector of a small matrix by inverse iteration near its eigenvalue.
fn eigenvector(matrix: &DMatrix<f64>, eigenvalue: Complex<f64>) -> DVector<Complex<f64>> {
    let size = matrix.nrows();
    let scale = matrix.norm().max(f64::MIN_POSITIVE);
    // A shift just off the eigenvalue keeps the system solvable.
    let shift = eigenvalue + Complex::new(scale * 1e-14, 0.0);
    let shifted = DMatrix::from_fn(size, size, |row, column| {
        let diagonal = if row == column { shift } else { Complex::new(0.0, 0.0) };
        Complex::new(matrix[(row, column)], 0.0) - diagonal
    });
    let factors = shifted.lu();
    let mut vector = DVector::from_element(size, Complex::new(1.0, 0.0)).normalize();
    for _ in 0..3 {
        let Some(next) = factors.solve(&vector) else { break };
        let length = next.norm();
        if !(length.is_finite() && length > 0.0) {
            break;
        }
        vector = next.unscale(length);
    }
    vector
}
