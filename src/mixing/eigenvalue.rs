//! The second eigenvalue.

use nalgebra::Complex;
use rand::RngExt;

use crate::chain::{Classes, MarkovChain};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, dot, stream, sum_by};
use crate::solve::{Outcome, Report, Stop};
use crate::spectrum::{Deflated, Krylov, Map, TransientClasses, largest, scale_to_one};

/// Products that wash the nilpotent part out of the first vector, at least
/// (or as many as there are states).
const WASH: usize = 64;

/// Multiplications that washing may take beyond those.
const WASH_OPERATIONS: usize = 200_000_000;

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
/// chapter 6) on observables.
///
/// The spectrum of a chain is that of its communicating classes together. In
/// the recurrent class the constant is taken out by the stationary law; of the
/// transient classes only the transitions within each are looked at.
///
/// Context chains have a large nilpotent part, which makes plain eigenvalue
/// solvers report noise. Here the first vector is pulled back many times before
/// anything is built on it: N times where 2·10^8 multiplications allow that,
/// which removes any nilpotent part, and at least K and 64 times otherwise,
/// which removes that of a chain over all contexts; or until it is an
/// eigenvector to the tolerance, which has no nilpotent part.
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

    /// Products after which no new basis is begun.
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
        if let Some((re, im)) = known_from_structure(chain.classes()) {
            return Ok(outcome(Complex::new(re, im), 0, 0.0, Stop::Direct));
        }
        let context = chain.states().context_length();
        let recurrent = self.leading(&mut Deflated::new(chain, stationary), context);
        let Some(mut within) = TransientClasses::new(chain) else {
            return Ok(recurrent);
        };
        let transient = self.leading(&mut within, context);
        let trusted = recurrent.is_converged() && transient.is_converged();
        let larger = transient.value().modulus() > recurrent.value().modulus();
        // A larger one that may be wrong must not be outdone by one that is right.
        Ok(if larger || (!trusted && recurrent.is_converged()) { transient } else { recurrent })
    }

    /// The largest eigenvalue in modulus of a map, 0 if it is nilpotent.
    fn leading(&self, map: &mut impl Map, context: usize) -> Outcome<SecondEigenvalue> {
        let mut products = 0;
        let Some(mut first) = self.washed(map, context, &mut products) else {
            return outcome(Complex::new(0.0, 0.0), products, 0.0, Stop::Direct);
        };
        loop {
            let krylov = Krylov::build(map, &first, self.tolerance);
            products += krylov.basis.len();
            let (eigenvalue, residual, ritz) = krylov.leading(&first);
            if residual <= self.tolerance * eigenvalue.norm() {
                return outcome(eigenvalue, products, residual, Stop::Converged);
            }
            if products >= self.max_iterations {
                return outcome(eigenvalue, products, residual, Stop::MaxIterations);
            }
            first = ritz;
        }
    }

    /// A random vector without nilpotent part, or `None` if nothing is left of it.
    fn washed(&self, map: &mut impl Map, context: usize, products: &mut usize) -> Option<Vec<f64>> {
        let mut rng = stream(self.seed, 0);
        let mut vector: Vec<f64> = (0..map.len()).map(|_| rng.random_range(-1.0..1.0)).collect();
        map.project(&mut vector);
        let affordable = WASH_OPERATIONS / map.entries().max(1);
        let enough = context.max(map.size().min(affordable.max(WASH)));
        for product in 1..=enough {
            let before = scale_to_one(&mut vector);
            let image = map.apply(&vector);
            *products += 1;
            if before == 0.0 || largest(&image) <= map.rounding() {
                return None;
            }
            // An eigenvector has no nilpotent part, and stays as it is.
            let done = product % WASH == 0 && relative_residual(&vector, &image) <= self.tolerance;
            vector = image;
            if done {
                break;
            }
        }
        Some(vector)
    }
}

/// How far the image of a vector is from the nearest multiple of it, relative to the image.
fn relative_residual(vector: &[f64], image: &[f64]) -> f64 {
    let value = dot(vector, image) / dot(vector, vector);
    let left = sum_by(image.len(), |i| (image[i] - value * vector[i]).powi(2));
    (left / dot(image, image)).sqrt()
}

/// What the classes alone say: 1 for several recurrent classes, and for a class
/// of period d a primitive d-th root of unity (Seneta 1981, theorem 1.7).
fn known_from_structure(classes: &Classes) -> Option<(f64, f64)> {
    if classes.recurrent_count() > 1 {
        return Some((1.0, 0.0));
    }
    let period = classes.recurrent().map(|class| classes.period(class)).find(|&period| period > 1)?;
    let angle = std::f64::consts::TAU / period as f64;
    Some((angle.cos(), angle.sin()))
}

fn outcome(
    eigenvalue: Complex<f64>,
    iterations: usize,
    residual: f64,
    stop: Stop,
) -> Outcome<SecondEigenvalue> {
    let value = SecondEigenvalue { re: eigenvalue.re, im: eigenvalue.im.abs() };
    Outcome::new(value, Report { iterations, residual, error_bound: None, stop })
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
