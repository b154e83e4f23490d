//! Implied timescales of small chains.

use nalgebra::{DMatrix, Schur};

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};

/// States up to which all eigenvalues are computed.
const SMALL: usize = 512;

impl<O: TransitionOperator> MarkovChain<O> {
    /// Implied timescales `- lag / ln |mu|` in steps, of all eigenvalues `mu` of `P^lag` that can be
    /// told from 0, but for the eigenvalue 1 itself: the slowest first.
    ///
    /// For a Markov chain they do not depend on the lag, up to rounding. But the
    /// matrix of a chain over contexts of K tokens has a nilpotent part, whose eigenvalue 0
    /// rounding spreads over a disc of radius `eps^(1/K)`, among the true ones. In `P^K` that part
    /// is gone: zeros are zeros up to rounding, and are left out, so a lag of
    /// K or more is what to ask for. Eigenvalues below some 1000 N units of rounding
    /// count as zeros. Timescales are infinite for the other eigenvalues of modulus 1, which the
    /// classes and their periods tell.
    ///
    /// The power by squaring, `O(N^3 log lag)`, and all eigenvalues of a dense matrix by the QR
    /// algorithm, `O(N^3)`, for up to 512 states. Of an
    /// eigenvalue of a non-symmetric matrix no error bound is claimed.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for a lag of 0, [`Error::TooExpensive`] beyond 512
    /// states, [`Error::NotConverged`].
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::MarkovChain;
    /// use ndarray::array;
    ///
    /// let chain = MarkovChain::from_dense(array![[0.9, 0.1], [0.3, 0.7]].view())?;
    /// let timescales = chain.implied_timescales(1)?;
    /// assert!((timescales[0] + 1.0 / 0.6f64.ln()).abs() < 1e-13); // the other eigenvalue is 0.6
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn implied_timescales(&self, lag: usize) -> Result<Vec<f64>> {
        if lag == 0 {
            return Err(Error::MustBePositive { what: "lag" });
        }
        let n = self.len();
        if n > SMALL {
            let remedy = "take the second eigenvalue by SecondEigenvalueSolver";
            let cost = |n: usize| 25.0 * (n as f64).powi(3);
            let what = "all eigenvalues of a dense matrix";
            return Err(Error::TooExpensive { what, needed: cost(n), allowed: cost(SMALL), remedy });
        }
        let moduli = moduli(&power(self.operator(), lag))?;
        let classes = self.classes();
        let unit: usize = classes.recurrent().map(|class| classes.period(class)).sum();
        let zero = 1e3 * n as f64 * f64::EPSILON;
        let others = moduli.into_iter().skip(unit).filter(|&modulus| modulus > zero);
        let finite = others.map(|modulus| -(lag as f64) / modulus.ln());
        Ok(std::iter::repeat_n(f64::INFINITY, unit.saturating_sub(1)).chain(finite).collect())
    }
}

/// A power of the transition matrix, by squaring; rows are divided by their sums each time, or
/// what rounding does to these would grow with the lag.
fn power<O: TransitionOperator>(operator: &O, lag: usize) -> DMatrix<f64> {
    let n = operator.states();
    let mut matrix = DMatrix::zeros(n, n);
    for state in 0..n {
        for to in successors(operator, state) {
            matrix[(state, to.state)] += to.probability;
        }
    }
    let product = |one: &DMatrix<f64>, other: &DMatrix<f64>| {
        let mut product = one * other;
        for mut row in product.row_iter_mut() {
            let sum = row.sum();
            row /= sum;
        }
        product
    };
    // From the second binary digit of the lag on.
    let digits = (0..lag.ilog2()).rev().map(|digit| (lag >> digit) & 1 == 1);
    digits.fold(matrix.clone(), |power, odd| {
        let square = product(&power, &power);
        if odd { product(&square, &matrix) } else { square }
    })
}

/// The moduli of all eigenvalues, the largest first.
fn moduli(matrix: &DMatrix<f64>) -> Result<Vec<f64>> {
    let limit = 1000 * matrix.nrows();
    let schur = Schur::try_new(matrix.clone(), f64::EPSILON, limit);
    let stop = "the QR algorithm did not find all eigenvalues";
    let failed = Error::NotConverged { stop, iterations: limit, residual: f64::NAN };
    let mut moduli: Vec<f64> = schur.ok_or(failed)?.complex_eigenvalues().iter().map(|z| z.norm()).collect();
    moduli.sort_unstable_by(|a, b| b.total_cmp(a));
    Ok(moduli)
}
