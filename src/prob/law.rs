//! Probability vectors.

use std::ops::Deref;

use approx::AbsDiffEq;

use crate::error::{Error, Result};

/// A law: a probability vector over states or tokens, as a row vector.
///
/// A law is valid by construction: its entries are finite and non-negative and
/// sum to one within [`Law::sum_tolerance`]. It dereferences to `[f64]`.
///
/// # Example
///
/// ```
/// use lmchain::prob::Law;
///
/// let law = Law::new(vec![0.5, 0.25, 0.25])?;
/// assert_eq!(law.entropy(), 1.5); // bits
/// assert!(Law::new(vec![0.5, 0.6]).is_err());
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Law(Vec<f64>);

impl Law {
    /// A law from probabilities that already sum to one.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyLaw`], [`Error::InvalidProbability`] for an entry that is
    /// negative or not finite, [`Error::NotNormalized`] for a sum that is not
    /// one within [`Law::sum_tolerance`].
    pub fn new(probabilities: Vec<f64>) -> Result<Self> {
        Self::check(&probabilities)?;
        Ok(Self(probabilities))
    }

    /// Refuses what is no law, as [`new`](Self::new) does.
    pub(crate) fn check(probabilities: &[f64]) -> Result<()> {
        let sum = checked_sum(probabilities)?;
        let tolerance = Self::sum_tolerance(probabilities.len());
        if (sum - 1.0).abs() > tolerance {
            return Err(Error::NotNormalized { sum, tolerance });
        }
        Ok(())
    }

    /// A law from weights, divided by their sum.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyLaw`], [`Error::InvalidProbability`], and
    /// [`Error::ZeroMass`] if all weights are zero.
    pub fn normalized(mut weights: Vec<f64>) -> Result<Self> {
        // Dividing by the largest weight first keeps the sum from overflowing.
        checked_sum(&weights)?;
        let largest = weights.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return Err(Error::ZeroMass);
        }
        for weight in &mut weights {
            *weight /= largest;
        }
        let sum: f64 = weights.iter().sum();
        for weight in &mut weights {
            *weight /= sum;
        }
        Ok(Self(weights))
    }

    /// The law that gives `1/n` to each of `n` states.
    ///
    /// # Panics
    ///
    /// If `n` is zero.
    #[track_caller]
    pub fn uniform(n: usize) -> Self {
        assert!(n > 0, "a uniform law needs at least one state");
        Self(vec![1.0 / n as f64; n])
    }

    /// The law that gives everything to one state.
    ///
    /// # Panics
    ///
    /// If `state` is not below `n`.
    #[track_caller]
    pub fn point(n: usize, state: usize) -> Self {
        assert!(state < n, "state {state} is outside the chain of {n} states");
        let mut probabilities = vec![0.0; n];
        probabilities[state] = 1.0;
        Self(probabilities)
    }

    /// How far from one the sum of `n` probabilities may be: `4 n eps`, at least `1e-12`.
    ///
    /// Adding `n` rounded numbers in any order is off by at most `n eps` in
    /// units of the sum, and each number may itself be off by `eps`; the floor
    /// admits probabilities that were printed with 13 digits.
    pub fn sum_tolerance(n: usize) -> f64 {
        (4.0 * n as f64 * f64::EPSILON).max(1e-12)
    }

    /// Shannon entropy, in bits.
    pub fn entropy(&self) -> f64 {
        super::entropy(&self.0)
    }

    /// The `count` most probable states with their probabilities, most probable
    /// first, ties to the lower number; states of probability zero are left out.
    ///
    /// Costs `O(n + count log count)`.
    pub fn top(&self, count: usize) -> Vec<(usize, f64)> {
        let mut states: Vec<usize> = (0..self.0.len()).filter(|&state| self.0[state] > 0.0).collect();
        let order = |a: &usize, b: &usize| self.0[*b].total_cmp(&self.0[*a]).then(a.cmp(b));
        if count < states.len() {
            if count > 0 {
                states.select_nth_unstable_by(count - 1, order);
            }
            states.truncate(count);
        }
        states.sort_unstable_by(order);
        states.into_iter().map(|state| (state, self.0[state])).collect()
    }

    /// The probabilities, given up.
    pub fn into_vec(self) -> Vec<f64> {
        self.0
    }

    /// A law from the result of a computation that keeps laws laws up to rounding.
    pub(crate) fn from_computed(probabilities: Vec<f64>) -> Self {
        debug_assert!(probabilities.iter().all(|p| p.is_finite() && *p >= 0.0));
        Self(probabilities)
    }
}

impl Deref for Law {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.0
    }
}

impl AsRef<[f64]> for Law {
    fn as_ref(&self) -> &[f64] {
        &self.0
    }
}

/// Laws are compared entry by entry, as `approx::assert_abs_diff_eq!` does.
impl AbsDiffEq for Law {
    type Epsilon = f64;

    fn default_epsilon() -> f64 {
        f64::EPSILON
    }

    fn abs_diff_eq(&self, other: &Self, epsilon: f64) -> bool {
        self.0.abs_diff_eq(&other.0, epsilon)
    }
}

/// Sum of entries that were checked to be finite and non-negative.
fn checked_sum(values: &[f64]) -> Result<f64> {
    if values.is_empty() {
        return Err(Error::EmptyLaw);
    }
    match values.iter().position(|value| !value.is_finite() || *value < 0.0) {
        Some(index) => Err(Error::InvalidProbability { index, value: values[index] }),
        None => Ok(values.iter().sum()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_laws_are_refused() {
        assert!(matches!(Law::new(vec![]), Err(Error::EmptyLaw)));
        assert!(matches!(Law::new(vec![0.5, f64::NAN]), Err(Error::InvalidProbability { index: 1, .. })));
        assert!(matches!(Law::new(vec![1.5, -0.5]), Err(Error::InvalidProbability { index: 1, .. })));
        assert!(matches!(Law::new(vec![0.5, 0.4]), Err(Error::NotNormalized { .. })));
        assert!(matches!(Law::normalized(vec![0.0, 0.0]), Err(Error::ZeroMass)));
    }

    #[test]
    fn huge_weights_do_not_overflow() {
        let law = Law::normalized(vec![f64::MAX, f64::MAX]).unwrap();
        assert_eq!(*law, [0.5, 0.5]);
    }

    #[test]
    fn top_is_sorted_and_breaks_ties_by_number() {
        let law = Law::new(vec![0.25, 0.0, 0.5, 0.25]).unwrap();
        assert_eq!(law.top(2), [(2, 0.5), (0, 0.25)]);
        assert_eq!(law.top(9), [(2, 0.5), (0, 0.25), (3, 0.25)]);
        assert_eq!(law.top(0), []);
    }
}
