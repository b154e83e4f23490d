//! Sensitivity of an eigenvalue.

use nalgebra::{Complex, DMatrix, DVector};

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::mixing::SecondEigenvalue;
use crate::operator::{TransitionOperator, successors};
use crate::solve::{Outcome, Report, Stop};

/// States up to which the matrix is written out and factored.
const MOST_STATES: usize = 1024;

/// Residual of the eigenvectors that counts as converged.
const TOLERANCE: f64 = 1e-8;

/// Condition number from which on an eigenvalue may be a defective one.
const WORST_CONDITION: f64 = 1e8;

/// How a simple eigenvalue moves with the entries of the matrix:
/// `d lambda / d P(i, j) = l(i) r(j) / (l r)`, for a left eigenvector `l` and a
/// right one `r` (Wilkinson 1965, chapter 2; no complex conjugate is taken).
///
/// As for everything here, only directions whose rows sum to zero keep the
/// matrix a transition matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct EigenvalueSensitivity {
    value: Complex<f64>,
    /// Scaled so that `l r = 1`.
    left: Vec<Complex<f64>>,
    right: Vec<Complex<f64>>,
    condition: f64,
}

impl EigenvalueSensitivity {
    /// The eigenvalue, refined from the one given: real and imaginary part.
    pub fn value(&self) -> (f64, f64) {
        (self.value.re, self.value.im)
    }

    /// The condition number `|l| |r| / |l r|` of the eigenvalue: 1 at best, and
    /// beyond all bounds for one that is defective, whose sensitivity is infinite.
    pub fn condition(&self) -> f64 {
        self.condition
    }

    /// The derivative with respect to one entry: real and imaginary part.
    ///
    /// # Panics
    ///
    /// If there is no such state; so do the other methods here.
    #[track_caller]
    pub fn of(&self, from: usize, to: usize) -> (f64, f64) {
        let derivative = self.left[from] * self.right[to];
        (derivative.re, derivative.im)
    }

    /// The derivative of the modulus with respect to one entry.
    #[track_caller]
    pub fn modulus(&self, from: usize, to: usize) -> f64 {
        let derivative = self.left[from] * self.right[to];
        (self.value.conj() * derivative).re / self.value.norm()
    }

    /// The derivative of the implied timescale `-1 / ln |lambda|`, in steps, with
    /// respect to one entry.
    #[track_caller]
    pub fn timescale(&self, from: usize, to: usize) -> f64 {
        let modulus = self.value.norm();
        self.modulus(from, to) / (modulus * modulus.ln().powi(2))
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// How an eigenvalue near the one given moves with the entries of the matrix.
    ///
    /// Both eigenvectors by inverse iteration, for up to 1024 states: `O(N^3)`.
    /// The report's residual is the larger of `|P r - lambda r|` and
    /// `|l P - lambda l|` for vectors of length one; one above 1e-8 is
    /// [`Stop::Unproven`], and so is an eigenvalue with a condition number above
    /// 1e8, which may be defective, as those of windows over independent tokens are.
    ///
    /// # Errors
    ///
    /// [`Error::TooExpensive`] for more states.
    pub fn eigenvalue_sensitivity(
        &self,
        eigenvalue: &SecondEigenvalue,
    ) -> Result<Outcome<EigenvalueSensitivity>> {
        let n = self.len();
        if n > MOST_STATES {
            let operations = |n: usize| 16.0 / 3.0 * (n as f64).powi(3);
            return Err(Error::TooExpensive {
                what: "the eigenvectors of the whole matrix",
                needed: operations(n),
                allowed: operations(MOST_STATES),
                remedy: "ask how a long-run mean moves, which takes products only",
            });
        }
        Ok(sensitivity(&dense(self.operator()), Complex::new(eigenvalue.re, eigenvalue.im)))
    }
}

fn sensitivity(matrix: &DMatrix<Complex<f64>>, given: Complex<f64>) -> Outcome<EigenvalueSensitivity> {
    let transposed = matrix.transpose();
    let right = inverse_iteration(matrix, given);
    let left = inverse_iteration(&transposed, given);
    let pair = |left: &DVector<Complex<f64>>, right: &DVector<Complex<f64>>| {
        left.iter().zip(right.iter()).map(|(l, r)| l * r).sum::<Complex<f64>>()
    };
    let product = pair(&left, &right);
    // Right to second order in both vectors.
    let value = pair(&left, &(matrix * &right)) / product;
    let condition = product.norm().recip();
    let off = |matrix: &DMatrix<Complex<f64>>, vector: &DVector<Complex<f64>>| {
        (matrix * vector - vector * value).norm()
    };
    let residual = off(matrix, &right).max(off(&transposed, &left));
    let trusted = residual <= TOLERANCE && condition <= WORST_CONDITION;
    let stop = if trusted { Stop::Direct } else { Stop::Unproven };
    let left = left.iter().map(|l| l / product).collect();
    let found = EigenvalueSensitivity { value, left, right: right.iter().copied().collect(), condition };
    Outcome::new(found, Report { iterations: 0, residual, error_bound: None, stop })
}

fn dense<O: TransitionOperator>(operator: &O) -> DMatrix<Complex<f64>> {
    let n = operator.states();
    let mut matrix = DMatrix::from_element(n, n, Complex::new(0.0, 0.0));
    for state in 0..n {
        for next in successors(operator, state) {
            matrix[(state, next.state)] = Complex::new(next.probability, 0.0);
        }
    }
    matrix
}

/// A unit eigenvector near an eigenvalue (Wielandt 1944).
fn inverse_iteration(matrix: &DMatrix<Complex<f64>>, eigenvalue: Complex<f64>) -> DVector<Complex<f64>> {
    let n = matrix.nrows();
    // A shift just off the eigenvalue keeps the system solvable.
    let shift = eigenvalue + Complex::new(1e-13, 0.0);
    let mut shifted = matrix.clone();
    (0..n).for_each(|state| shifted[(state, state)] -= shift);
    let factors = shifted.lu();
    // Entries that no symmetry of the chain makes orthogonal to the eigenvector.
    let start = |state: usize| Complex::new(1.0 + ((state * 7919 + 13) % 101) as f64 / 101.0, 0.0);
    let mut vector = DVector::from_fn(n, |state, _| start(state)).normalize();
    for _ in 0..4 {
        let Some(next) = factors.solve(&vector) else { break };
        let length = next.norm();
        if !(length.is_finite() && length > 0.0) {
            break;
        }
        vector = next.unscale(length);
    }
    vector
}
