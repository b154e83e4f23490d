//! How far a law is from the stationary one, measured in four ways.

use crate::prob::{sum_by, total_variation};

/// A measure of how far a law `mu` is from the stationary law `pi`.
///
/// None of them grows along a chain, whatever the start: they are convex in
/// `mu`, so the start that is worst is always a single state, and a step never
/// makes two laws easier to tell apart (data processing). With `mu` at `pi` all are
/// zero. For one `mu`, with relative entropy in bits,
///
/// ```text
/// TV <= separation,    2 TV^2 <= ln 2 · relative entropy <= ln(1 + chi-square),
/// ```
///
/// (Levin & Peres, *Markov Chains and Mixing Times*, 2017, lemma 6.16; Pinsker;
/// Gibbs & Su 2002).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Divergence {
    /// Half the L1 distance: from 0 to 1.
    TotalVariation,
    /// Separation `max of 1 - mu(j) / pi(j)` over the states that `pi` visits
    /// (Aldous & Diaconis 1987): from 0 to 1. It is 1 as long as any such state
    /// cannot have been reached, so over contexts of K tokens for K steps at least.
    Separation,
    /// Relative entropy of `mu` to `pi`, `sum of mu log2(mu / pi)`, in bits:
    /// infinite as long as there is mass where `pi` has none, on transient states.
    RelativeEntropy,
    /// `sum of (mu - pi)^2 / pi`: infinite just where relative entropy is.
    ChiSquare,
}

impl Divergence {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::TotalVariation, Self::Separation, Self::RelativeEntropy, Self::ChiSquare];

    /// What it is called, with its unit.
    pub fn name(self) -> &'static str {
        match self {
            Self::TotalVariation => "total variation",
            Self::Separation => "separation",
            Self::RelativeEntropy => "relative entropy, bits",
            Self::ChiSquare => "chi-square",
        }
    }

    /// How far `law` is from `stationary`. `O(N)`.
    ///
    /// Relative entropy and chi-square are sums of non-negative terms, so near
    /// zero they keep their digits as far as the differences `mu - pi` have any.
    ///
    /// # Panics
    ///
    /// If the laws have different lengths.
    #[track_caller]
    pub fn between(self, law: &[f64], stationary: &[f64]) -> f64 {
        assert_eq!(law.len(), stationary.len(), "laws over the same states");
        let excess = |state: usize| law[state] - stationary[state];
        let ratio = |state: usize| excess(state) / stationary[state];
        // A sum over the states that are visited, infinite if there is mass on others.
        let sum = |term: &(dyn Fn(usize) -> f64 + Sync)| {
            let at = |state: usize| match stationary[state] > 0.0 {
                true => term(state),
                false if law[state] > 0.0 => f64::INFINITY,
                false => 0.0,
            };
            sum_by(law.len(), at)
        };
        match self {
            Self::TotalVariation => total_variation(law, stationary),
            Self::Separation => {
                let visited = (0..law.len()).filter(|&state| stationary[state] > 0.0);
                visited.map(|state| -ratio(state)).fold(0.0, f64::max)
            }
            Self::RelativeEntropy => {
                sum(&|state| stationary[state] * entropy_term(ratio(state))) / std::f64::consts::LN_2
            }
            Self::ChiSquare => sum(&|state| excess(state) * ratio(state)),
        }
    }
}

/// `(1 + d) ln(1 + d) - d` for `d >= -1`: what is left of `x ln x` at `x = 1 + d`
/// once its tangent at 1 is taken away, and never negative. By its series where
/// the two terms cancel.
fn entropy_term(d: f64) -> f64 {
    if d <= -1.0 {
        return 1.0;
    }
    if d.abs() > 0.05 {
        return ((1.0 + d) * d.ln_1p() - d).max(0.0);
    }
    // d^2 (1/2 - d/6 + d^2/12 - ...): 0.05^12 is below the rounding of the first term.
    let series = (2..=14).rev().fold(0.0, |sum, k| 1.0 / f64::from(k * (k - 1)) - d * sum);
    d * d * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_term_of_relative_entropy_is_smooth_where_its_series_begins() {
        // By 40-digit arithmetic.
        let known = [
            (1e-8, 4.999999983333334e-17),
            (0.04999, 0.0012291845238811077),
            (0.05001, 0.0012301603271641938),
            (-0.9, 0.6697414907005955),
        ];
        for (d, value) in known {
            assert!((entropy_term(d) - value).abs() <= 1e-13 * value, "{d}: {}", entropy_term(d));
        }
        assert_eq!(entropy_term(-1.0), 1.0);
        assert_eq!(entropy_term(0.0), 0.0);
    }

    #[test]
    fn mass_on_transient_states_is_infinitely_surprising() {
        let (law, stationary) = ([0.25, 0.75, 0.0], [0.0, 0.5, 0.5]);
        assert_eq!(Divergence::RelativeEntropy.between(&law, &stationary), f64::INFINITY);
        assert_eq!(Divergence::ChiSquare.between(&law, &stationary), f64::INFINITY);
        assert_eq!(Divergence::Separation.between(&law, &stationary), 1.0);
        assert_eq!(Divergence::TotalVariation.between(&law, &stationary), 0.5);
    }

    #[test]
    fn all_agree_with_their_definitions() {
        let (p, q) = ([0.5, 0.25, 0.25], [0.25, 0.25, 0.5]);
        assert_eq!(Divergence::RelativeEntropy.between(&p, &q), 0.25);
        assert_eq!(Divergence::ChiSquare.between(&p, &q), 0.375);
        assert_eq!(Divergence::Separation.between(&p, &q), 0.5);
        for divergence in Divergence::ALL {
            assert_eq!(divergence.between(&q, &q), 0.0, "{}", divergence.name());
        }
    }
}
