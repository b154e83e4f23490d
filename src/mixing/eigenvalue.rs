//! The second eigenvalue.

use nalgebra::{Complex, DMatrix, DVector, Schur};
use rand::RngExt;

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, stream, sum_by};
use crate::solve::{Outcome, Report, Stop};

/// Most vectors of a Krylov basis.
const BASIS: usize = 80;

/// Most bytes that a Krylov basis may take; at least four vectors are kept.
const BASIS_BYTES: usize = 1 << 30;

/// Products that wash the nilpotent part out of the first vector, at least.
const WASH: usize = 64;

/// A part of a product this small relative to the whole is rounding: the basis
/// spans everything that the first vector can reach.
const BREAKDOWN: f64 = 1e-13;

/// The largest eigenvalue in modulus once the eigenvalue 1 is taken out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SecondEigenvalue {
    /// Real part.
    pub re: f64,
    /// Imaginary part, non-negative; its conjugate is an eigenvalue too.
    pub im: f64,
}

impl SecondEigenvalue {
    /// Its modulus (SLEM): between 0 and 1. Zero if nothing is left but the
    /// nilpotent part.
    pub fn modulus(&self) -> f64 {
        self.re.hypot(self.im).min(1.0)
    }

    /// Relaxation time `1 / (1 - modulus)`, in steps.
    pub fn relaxation_time(&self) -> f64 {
        (1.0 - self.modulus()).recip()
    }

    /// Implied timescale `-1 / ln(modulus)`, in steps; 0 for modulus 0, infinite for modulus 1.
    pub fn implied_timescale(&self) -> f64 {
        self.modulus().ln().abs().recip()
    }
}

/// Finds the second eigenvalue by Arnoldi's method (Arnoldi 1951; Saad 2011,
/// chapter 6) on observables, with the constant taken out by the stationary law.
///
/// The nilpotent part of a context chain makes plain eigenvalue solvers report
/// noise; here the first vector is pulled back at least K and at least 64 times
/// (or N times on smaller chains), which removes it exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct SecondEigenvalueSolver {
    tolerance: f64,
    max_iterations: usize,
    seed: u64,
}

impl Default for SecondEigenvalueSolver {
    fn default() -> Self {
        Self::new()
    }
}

impl SecondEigenvalueSolver {
    /// Relative residual 1e-10, at most 20,000 products.
    pub fn new() -> Self {
        Self { tolerance: 1e-10, max_iterations: 20_000, seed: 1 }
    }

    /// The residual `||P f - lambda f||_2 / ||f||_2` to reach, relative to the modulus.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The most products.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// The seed of the first vector.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The second eigenvalue of a chain with this stationary law.
    ///
    /// It is 1 for a chain with several recurrent classes, and a root of unity
    /// for a periodic one. The report's residual is that of the eigenpair; no
    /// bound on the error of an eigenvalue of a non-symmetric matrix is claimed.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`], [`Error::LengthMismatch`] for a law over other states.
    pub fn solve<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        stationary: &Law,
    ) -> Result<Outcome<SecondEigenvalue>> {
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            let requirement = "between 0 and 1";
            return Err(Error::InvalidSetting { name: "tolerance", value: self.tolerance, requirement });
        }
        if stationary.len() != chain.len() {
            return Err(Error::LengthMismatch { expected: chain.len(), found: stationary.len() });
        }
        let direct = |re, im| {
            let report = Report { iterations: 0, residual: 0.0, error_bound: None, stop: Stop::Direct };
            Ok(Outcome::new(SecondEigenvalue { re, im }, report))
        };
        let classes = chain.classes();
        if classes.recurrent_count() > 1 {
            return direct(1.0, 0.0);
        }
        // A class of period d has all d-th roots of unity (Seneta 1981, theorem 1.7).
        if let Some(period) = classes.recurrent().map(|class| classes.period(class)).find(|&d| d > 1) {
            let angle = std::f64::consts::TAU / period as f64;
            return direct(angle.cos(), angle.sin());
        }
        let mut deflated = Deflated { operator: chain.operator(), stationary, products: 0 };
        let Some(mut first) = self.washed(&mut deflated, chain.states().context_length()) else {
            return direct(0.0, 0.0);
        };
        loop {
            let krylov = Krylov::build(&mut deflated, &first);
            let (eigenvalue, residual, ritz) = krylov.leading(&first);
            let converged = residual <= self.tolerance * eigenvalue.norm();
            if converged || deflated.products >= self.max_iterations {
                let stop = if converged { Stop::Converged } else { Stop::MaxIterations };
                let report = Report { iterations: deflated.products, residual, error_bound: None, stop };
                let value = SecondEigenvalue { re: eigenvalue.re, im: eigenvalue.im.abs() };
                return Ok(Outcome::new(value, report));
            }
            first = ritz;
        }
    }

    /// A random observable without nilpotent part, or `None` if nothing is left of it.
    fn washed<O: TransitionOperator>(
        &self,
        deflated: &mut Deflated<'_, O>,
        context: usize,
    ) -> Option<Vec<f64>> {
        let n = deflated.operator.states();
        let mut rng = stream(self.seed, 0);
        let mut vector: Vec<f64> = (0..n).map(|_| rng.random_range(-1.0..1.0)).collect();
        let rounding = 4.0 * (deflated.operator.longest_sum() + 4) as f64 * f64::EPSILON;
        for _ in 0..context.max(WASH.min(n)) {
            let before = scale_to_one(&mut vector);
            let image = deflated.apply(&vector);
            vector = image;
            if before == 0.0 || largest(&vector) <= rounding {
                return None;
            }
        }
        Some(vector)
    }
}

/// `f -> P f - (pi f) 1`: the operator with the eigenvalue 1 taken out.
struct Deflated<'a, O> {
    operator: &'a O,
    stationary: &'a Law,
    products: usize,
}

impl<O: TransitionOperator> Deflated<'_, O> {
    fn apply(&mut self, observable: &[f64]) -> Vec<f64> {
        let mut image = vec![0.0; observable.len()];
        self.operator.pull_back(observable, &mut image);
        let mean = dot(self.stationary, observable);
        image.iter_mut().for_each(|value| *value -= mean);
        self.products += 1;
        image
    }
}

/// An orthonormal basis of the Krylov space and the operator within it.
struct Krylov {
    basis: Vec<Vec<f64>>,
    hessenberg: DMatrix<f64>,
    /// Length of what the last product left outside the space.
    outside: f64,
}

impl Krylov {
    fn build<O: TransitionOperator>(deflated: &mut Deflated<'_, O>, first: &[f64]) -> Self {
        let n = first.len();
        let room = (BASIS_BYTES / size_of_val(first)).clamp(4, BASIS).min(n);
        let mut basis = vec![unit(first.to_vec()).0];
        let mut hessenberg = DMatrix::zeros(room, room);
        let mut outside = 0.0;
        for column in 0..room {
            let mut image = deflated.apply(&basis[column]);
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
            if left <= BREAKDOWN * length || column + 1 == room {
                outside = if left <= BREAKDOWN * length { 0.0 } else { left };
                break;
            }
            hessenberg[(column + 1, column)] = left;
            basis.push(next);
        }
        let size = basis.len();
        Self { basis, hessenberg: hessenberg.resize(size, size, 0.0), outside }
    }

    /// The leading eigenvalue, its residual, and a real vector to go on from.
    fn leading(&self, first: &[f64]) -> (Complex<f64>, f64, Vec<f64>) {
        let size = self.basis.len();
        let sweeps = 1000 * size;
        let Some(schur) = Schur::try_new(self.hessenberg.clone(), f64::EPSILON, sweeps) else {
            return (Complex::new(0.0, 0.0), f64::INFINITY, first.to_vec());
        };
        let zero = Complex::new(0.0, 0.0);
        let eigenvalues = schur.complex_eigenvalues();
        let leading = eigenvalues.iter().copied().reduce(|a, b| if b.norm() > a.norm() { b } else { a });
        let leading = leading.unwrap_or(zero);
        let coordinates = eigenvector(&self.hessenberg, leading);
        let residual = self.outside * coordinates[size - 1].norm();
        let mut ritz = vec![0.0; first.len()];
        for (vector, c) in self.basis.iter().zip(coordinates.iter()) {
            ritz.iter_mut().zip(vector).for_each(|(value, v)| *value += (c.re + c.im) * v);
        }
        (leading, residual, ritz)
    }
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

fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_by(a.len(), |i| a[i] * b[i])
}

fn largest(vector: &[f64]) -> f64 {
    vector.iter().map(|value| value.abs()).fold(0.0, f64::max)
}

/// Divides by the largest entry, which is returned.
fn scale_to_one(vector: &mut [f64]) -> f64 {
    let scale = largest(vector);
    if scale > 0.0 {
        vector.iter_mut().for_each(|value| *value /= scale);
    }
    scale
}

/// The unit vector and the length that it had.
fn unit(mut vector: Vec<f64>) -> (Vec<f64>, f64) {
    let length = dot(&vector, &vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    (vector, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_that_forgets_nothing_has_an_infinite_timescale() {
        let timescale = |re| SecondEigenvalue { re, im: 0.0 }.implied_timescale();
        assert_eq!(timescale(1.0), f64::INFINITY);
        assert_eq!(timescale(0.0), 0.0);
        assert!((timescale((-0.5f64).exp()) - 2.0).abs() < 1e-15);
    }
}
