//! How far a law is from the stationary one, measured in four ways.

use crate::operator::Block;
use crate::prob::{l1, relative_entropy_term, sum_by};

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
        let term = |state: usize| self.term(law[state], stationary[state]);
        self.of_total(match self {
            Self::TotalVariation => l1(law, stationary),
            Self::Separation => (0..law.len()).map(term).fold(0.0, f64::max),
            Self::RelativeEntropy | Self::ChiSquare => sum_by(law.len(), term),
        })
    }

    /// How far each law of a block is from `stationary`, as by [`between`](Self::between).
    pub(super) fn of_block(self, laws: &Block, stationary: &[f64]) -> Vec<f64> {
        let totals = match self {
            Self::Separation => {
                let mut largest = vec![0.0f64; laws.columns()];
                for (masses, &expected) in laws.values().chunks_exact(laws.columns()).zip(stationary) {
                    let terms = masses.iter().map(|&mass| self.term(mass, expected));
                    largest.iter_mut().zip(terms).for_each(|(largest, term)| *largest = largest.max(term));
                }
                largest
            }
            _ => laws.sums(|state, _, mass| self.term(mass, stationary[state])),
        };
        totals.into_iter().map(|total| self.of_total(total)).collect()
    }

    /// What a state adds to the total, or, for separation, what the largest is taken of.
    fn term(self, mass: f64, expected: f64) -> f64 {
        let excess = mass - expected;
        match self {
            Self::TotalVariation => excess.abs(),
            // Infinite if there is mass on a state that is not visited.
            Self::RelativeEntropy | Self::ChiSquare if expected == 0.0 && mass > 0.0 => f64::INFINITY,
            _ if expected == 0.0 => 0.0,
            Self::Separation => -excess / expected,
            Self::RelativeEntropy => relative_entropy_term(mass, expected),
            Self::ChiSquare => excess * (excess / expected),
        }
    }

    fn of_total(self, total: f64) -> f64 {
        match self {
            Self::TotalVariation => (0.5 * total).min(1.0),
            Self::RelativeEntropy => total / std::f64::consts::LN_2,
            Self::Separation | Self::ChiSquare => total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
