//! One number for how much a chain of tokens repeats itself.

use nalgebra::{DMatrix, DVector};

use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};

/// States up to which the matrices are formed and solved with.
const MOST_STATES: usize = 2048;

/// The average repetition probability of Fu, Lam, So and Shi, "A theoretical
/// analysis of the repetition problem in text generation" (AAAI 2021, section 3).
///
/// With `B` the transition matrix without the end-of-text token, `n` its number
/// of states and `zeta` the share of its entries that are not zero,
///
/// ```text
/// R = sum over k >= 1 of tr(B^(2k)) / (zeta n)^k = tr(B^2 (zeta n I - B^2)^-1).
/// ```
///
/// `tr(B^(2k))` adds up the probabilities of being back after `2k` steps, over
/// all starts; `zeta n` is the number of choices at a step. `R` is a score, not
/// a probability: it may exceed 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AverageRepetition {
    /// The average repetition probability `R`.
    pub value: f64,
    /// Share of the entries that are not zero, `zeta`.
    pub density: f64,
    /// Number of states left in, `n`.
    pub states: usize,
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The average repetition probability of the chain without some of its
    /// states: those of the end-of-text token, or none.
    ///
    /// It is Fu et al.'s number for contexts of one token; for longer contexts it
    /// is the same formula over contexts. `O(n^3)` for the `n` states left in.
    ///
    /// The series converges if `zeta n` is above the spectral radius of `B^2`.
    /// That is proven by a positive `x` with `(zeta n I - B^2) x` positive
    /// (Berman & Plemmons 1994, chapter 6, theorem 2.3, condition I27).
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a set of states of another chain,
    /// [`Error::EmptySet`] if no state is left, [`Error::TooExpensive`] for more
    /// than 2,048 states, [`Error::RepetitionDiverges`].
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::{MarkovChain, StateSet};
    /// use ndarray::array;
    ///
    /// let chain = MarkovChain::from_dense(array![[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.0, 0.0, 1.0]].view())?;
    /// let end = StateSet::of(3, [2])?;
    /// let repetition = chain.average_repetition(&end)?;
    /// // B^2 = I / 4 and zeta n = 1: two states, a third each.
    /// assert!((repetition.value - 2.0 / 3.0).abs() < 1e-15);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn average_repetition(&self, without: &StateSet) -> Result<AverageRepetition> {
        if without.states() != self.len() {
            return Err(Error::LengthMismatch { expected: self.len(), found: without.states() });
        }
        let kept: Vec<usize> = without.complement().iter().collect();
        check_size(kept.len())?;
        let matrix = self.restricted_matrix(&kept);
        let states = kept.len();
        let entries = matrix.iter().filter(|&&p| p > 0.0).count();
        let scale = entries as f64 / states as f64;
        let square = &matrix * &matrix;
        let solver = (DMatrix::identity(states, states) * scale - &square).lu();
        let above = solver.solve(&DVector::from_element(states, 1.0));
        if !above.is_some_and(|above| proves_convergence(&square, scale, &above)) {
            return Err(Error::RepetitionDiverges { scale });
        }
        let returns = solver.solve(&square).ok_or(Error::RepetitionDiverges { scale })?;
        Ok(AverageRepetition { value: returns.trace(), density: scale / states as f64, states })
    }

    /// The transitions among some states, given in ascending order, as a dense matrix.
    fn restricted_matrix(&self, kept: &[usize]) -> DMatrix<f64> {
        let mut matrix = DMatrix::zeros(kept.len(), kept.len());
        for (row, &from) in kept.iter().enumerate() {
            for step in successors(self.operator(), from) {
                if let Ok(column) = kept.binary_search(&step.state) {
                    matrix[(row, column)] = step.probability;
                }
            }
        }
        matrix
    }
}

fn check_size(states: usize) -> Result<()> {
    if states == 0 {
        return Err(Error::EmptySet { what: "rest of the chain" });
    }
    if states > MOST_STATES {
        // The square, the decomposition, and two triangles for every column.
        let operations = |n: usize| (2.0 + 2.0 / 3.0) * (n as f64).powi(3);
        return Err(Error::TooExpensive {
            what: "the average repetition probability",
            needed: operations(states),
            allowed: operations(MOST_STATES),
            remedy: "leave more states out, or take contexts of one token and a smaller vocabulary",
        });
    }
    Ok(())
}

/// Whether `x > 0` and `scale x - B^2 x > 0`, rounding allowed for: then the
/// spectral radius of `B^2` is below the scale (Collatz and Wielandt).
fn proves_convergence(square: &DMatrix<f64>, scale: f64, x: &DVector<f64>) -> bool {
    let product = square * x;
    // Sums of n non-negative terms, which are sums of n themselves.
    let rounding = 2.0 * (square.nrows() + 2) as f64 * f64::EPSILON;
    let below = |(x, product): (&f64, &f64)| *x > 0.0 && *product * (1.0 + rounding) < scale * x;
    x.iter().zip(product.iter()).all(below)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn a_series_that_diverges_is_refused() {
        // Without choices zeta n = 1, which is the spectral radius of a rotation.
        let rotation = MarkovChain::from_dense(array![[0.0, 1.0], [1.0, 0.0]].view()).unwrap();
        let refused = rotation.average_repetition(&StateSet::of(2, []).unwrap());
        assert!(matches!(refused, Err(Error::RepetitionDiverges { scale: 1.0 })));
        // Among three states only one transition stays: zeta n = 1/3, but it is certain.
        let stuck =
            array![[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]];
        let stuck = MarkovChain::from_dense(stuck.view()).unwrap();
        let refused = stuck.average_repetition(&StateSet::of(4, [3]).unwrap());
        assert!(matches!(refused, Err(Error::RepetitionDiverges { .. })));
        // No transition at all stays.
        let refused = rotation.average_repetition(&StateSet::of(2, [0]).unwrap());
        assert!(matches!(refused, Err(Error::RepetitionDiverges { scale: 0.0 })));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let chain = MarkovChain::from_dense(array![[0.5, 0.5], [0.5, 0.5]].view()).unwrap();
        let without = |states: usize, members: &[usize]| {
            chain.average_repetition(&StateSet::of(states, members.iter().copied()).unwrap())
        };
        assert!(matches!(without(3, &[]), Err(Error::LengthMismatch { expected: 2, found: 3 })));
        assert!(matches!(without(2, &[0, 1]), Err(Error::EmptySet { .. })));
        let large = MarkovChain::from_dense(Array2::<f64>::eye(MOST_STATES + 1).view()).unwrap();
        let refused = large.average_repetition(&StateSet::of(MOST_STATES + 1, []).unwrap());
        assert!(matches!(refused, Err(Error::TooExpensive { .. })));
    }
}
