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

/// The distance to the next eigenvalue from which on the two are told apart.
const APART: f64 = 1e-8;

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

    /// The derivative of the modulus with respect to one entry. That of an eigenvalue 0, whose
    /// modulus grows whichever way it moves, is how fast it grows.
    #[track_caller]
    pub fn modulus(&self, from: usize, to: usize) -> f64 {
        let derivative = self.left[from] * self.right[to];
        if self.is_zero() {
            return derivative.norm();
        }
        (self.value.conj() * derivative).re / self.value.norm()
    }

    /// The derivative of the implied timescale `-1 / ln |lambda|`, in steps, with
    /// respect to one entry: infinite at 0 and 1, where the timescale has a vertical
    /// tangent, but for entries that do not move the modulus.
    #[track_caller]
    pub fn timescale(&self, from: usize, to: usize) -> f64 {
        let (modulus, moves) = (self.value.norm(), self.modulus(from, to));
        if moves == 0.0 {
            return 0.0;
        }
        if self.is_zero() {
            return f64::INFINITY;
        }
        moves / (modulus * modulus.ln().powi(2))
    }

    /// Whether the eigenvalue is 0, up to the rounding of a matrix with rows of sum 1.
    fn is_zero(&self) -> bool {
        self.value.norm() <= self.left.len() as f64 * f64::EPSILON
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// How an eigenvalue near the one given moves with the entries of the matrix.
    ///
    /// Both eigenvectors by inverse iteration, for up to 1024 states: `O(N^3)`.
    /// The report's residual is the larger of `|P r - lambda r|` and
    /// `|l P - lambda l|` for vectors of length one; one above 1e-8 is
    /// [`Stop::Unproven`], and so is an eigenvalue with a condition number above
    /// 1e8, which may be defective, as those of windows over independent tokens are, and
    /// one with another within about 1e-8: a repeated eigenvalue has no derivative
    /// with respect to single entries, its copies part in different ways.
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
            let operations = |n: usize| 8.0 * (n as f64).powi(3);
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
    let right = inverse_iteration(matrix, given, None).vector;
    let left = inverse_iteration(&transposed, given, None).vector;
    let pair = |left: &DVector<Complex<f64>>, right: &DVector<Complex<f64>>| {
        left.iter().zip(right.iter()).map(|(l, r)| l * r).sum::<Complex<f64>>()
    };
    let product = pair(&left, &right);
    // Right to second order in both vectors.
    let value = pair(&left, &(matrix * &right)) / product;
    let condition = product.norm().recip();
    let next = inverse_iteration(matrix, value, Some(&right));
    let off = |matrix: &DMatrix<Complex<f64>>, vector: &DVector<Complex<f64>>| {
        (matrix * vector - vector * value).norm()
    };
    let residual = off(matrix, &right).max(off(&transposed, &left));
    let trusted = residual <= TOLERANCE && condition <= WORST_CONDITION && next.distance >= APART;
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

/// What inverse iteration finds.
struct Found {
    /// Of length one.
    vector: DVector<Complex<f64>>,
    /// How far the eigenvalue is from the one given, about, by how much the last step grew.
    distance: f64,
}

/// An eigenvector near an eigenvalue (Wielandt 1944); or if one is known the next vector
/// of a Schur basis, orthogonal to it, whose eigenvalue is the next nearest one.
fn inverse_iteration(
    matrix: &DMatrix<Complex<f64>>,
    eigenvalue: Complex<f64>,
    known: Option<&DVector<Complex<f64>>>,
) -> Found {
    let n = matrix.nrows();
    // A shift just off the eigenvalue keeps the system solvable.
    let shift = eigenvalue + Complex::new(1e-13, 0.0);
    let mut shifted = matrix.clone();
    (0..n).for_each(|state| shifted[(state, state)] -= shift);
    let factors = shifted.lu();
    // Entries that no symmetry of the chain makes orthogonal to the eigenvector.
    let start = |state: usize| Complex::new(1.0 + ((state * 7919 + 13) % 101) as f64 / 101.0, 0.0);
    let orthogonal = |vector: DVector<Complex<f64>>| match known {
        Some(known) => &vector - known * known.dotc(&vector),
        None => vector,
    };
    let first = orthogonal(DVector::from_fn(n, |state, _| start(state))).normalize();
    let mut found = Found { vector: first, distance: f64::INFINITY };
    for _ in 0..4 {
        let Some(next) = factors.solve(&found.vector).map(orthogonal) else { break };
        let length = next.norm();
        if !(length.is_finite() && length > 0.0) {
            break;
        }
        found = Found { vector: next.unscale(length), distance: length.recip() };
    }
    found
}
