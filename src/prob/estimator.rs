//! Entropy and mutual information from counts, by estimators that differ in bias.

use std::f64::consts::LN_2;

use super::digamma::{digamma, grassberger};
use super::{miller_madow_entropy, plug_in_entropy, sum_by};

/// How entropy is estimated from counts, in bits.
///
/// All but the plug-in estimator correct for what was not seen. Differences
/// matter where observations are few: of ten fair bits the expected estimates are
/// 0.9235, 0.9955, 1.0000, 1.0733 and 0.9392 bits in the order below, and the truth is 1.
///
/// An estimator of Bayesian kind (Nemenman, Shafee & Bialek 2002) is not offered:
/// it takes numeric integration over a prior, which belongs into a crate of its own.
///
/// # Example
///
/// ```
/// use lmchain::prob::EntropyEstimator;
///
/// let counts = [4, 2, 1, 1];
/// assert!((EntropyEstimator::PlugIn.entropy(&counts) - 1.75).abs() < 1e-15);
/// assert!(EntropyEstimator::Grassberger.entropy(&counts) > 1.75);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum EntropyEstimator {
    /// The entropy of the relative frequencies, biased downwards by about
    /// `(m - 1) / (2 N ln 2)` for `m` possible outcomes and `N` observations.
    PlugIn,
    /// Plug-in and `(m - 1) / (2 N ln 2)` for the `m` outcomes that occur (Miller 1955).
    MillerMadow,
    /// `psi(N) - 1/N sum n G(n)` (Grassberger 2003, with `psi(N)` for the `ln N` there):
    /// without any bias for two equally likely outcomes, and for many with less than the two above.
    #[default]
    Grassberger,
    /// `ln N - 1/N sum n G(n)`, as Grassberger (2003) has it: higher than with
    /// `psi(N)` by about `1 / (2 N ln 2)` an entropy, so also a mutual information.
    GrassbergerLogarithm,
    /// Frequencies times the share of the law that was seen, `1 - f_1 / N` for
    /// `f_1` outcomes seen once, each weighted by the inverse of its chance to be seen at
    /// all (Chao & Shen 2003). If all were seen once, one of them counts as seen twice.
    ChaoShen,
}

impl EntropyEstimator {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::PlugIn, Self::MillerMadow, Self::Grassberger, Self::GrassbergerLogarithm, Self::ChaoShen];

    /// The name in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlugIn => "plug-in",
            Self::MillerMadow => "Miller-Madow",
            Self::Grassberger => "Grassberger, psi(N)",
            Self::GrassbergerLogarithm => "Grassberger, ln N",
            Self::ChaoShen => "Chao-Shen",
        }
    }

    /// The estimate of the entropy, in bits; zero for no counts. Outcomes that
    /// do not occur may be left out. `O(outcomes)`.
    pub fn entropy(self, counts: &[u64]) -> f64 {
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return 0.0;
        }
        match self {
            Self::PlugIn => plug_in_entropy(counts),
            Self::MillerMadow => miller_madow_entropy(counts),
            Self::Grassberger => (digamma(total) - mean_of_g(counts, total)) / LN_2,
            Self::GrassbergerLogarithm => ((total as f64).ln() - mean_of_g(counts, total)) / LN_2,
            Self::ChaoShen => chao_shen(counts, total),
        }
    }

    /// The estimate of the mutual information of two things counted together,
    /// `H(first) + H(second) - H(both)`, in bits: below zero now and then, since it
    /// is not corrected for knowing better.
    ///
    /// `both` holds the counts of pairs in any order, those that do not occur may be left out.
    pub fn mutual_information(self, first: &[u64], second: &[u64], both: &[u64]) -> f64 {
        self.entropy(first) + self.entropy(second) - self.entropy(both)
    }
}

/// `1/N sum n G(n)`, in nats.
fn mean_of_g(counts: &[u64], total: u64) -> f64 {
    let term = |i: usize| match counts[i] {
        0 => 0.0,
        count => count as f64 * grassberger(count),
    };
    sum_by(counts.len(), term) / total as f64
}

fn chao_shen(counts: &[u64], total: u64) -> f64 {
    let singles = counts.iter().filter(|&&count| count == 1).count() as u64;
    // A coverage of zero would leave nothing to estimate from.
    let singles = if singles == total { total - 1 } else { singles };
    let n = total as f64;
    let coverage = 1.0 - singles as f64 / n;
    let term = |i: usize| match counts[i] {
        0 => 0.0,
        count => {
            let p = coverage * count as f64 / n;
            let seen = -(n * (-p).ln_1p()).exp_m1();
            -p * p.log2() / seen
        }
    };
    sum_by(counts.len(), term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_has_no_entropy_and_nothing_has_none() {
        for estimator in EntropyEstimator::ALL {
            assert_eq!(estimator.entropy(&[]), 0.0, "{}", estimator.name());
            assert_eq!(estimator.entropy(&[0, 0]), 0.0, "{}", estimator.name());
            // The bias of the correction is that of one outcome; it vanishes as 1 / N.
            assert!(estimator.entropy(&[0, 100_000]).abs() < 1e-5, "{}", estimator.name());
        }
    }

    #[test]
    fn outcomes_that_do_not_occur_change_nothing() {
        for estimator in EntropyEstimator::ALL {
            let (with, without) = (estimator.entropy(&[3, 0, 1, 0, 5]), estimator.entropy(&[3, 1, 5]));
            assert!((with - without).abs() < 1e-15, "{}", estimator.name());
        }
    }

    #[test]
    fn frequent_outcomes_need_no_correction() {
        let counts = [1_000_000; 8];
        for estimator in EntropyEstimator::ALL {
            assert!((estimator.entropy(&counts) - 3.0).abs() < 1e-6, "{}", estimator.name());
        }
    }

    #[test]
    fn all_seen_once_is_still_finite() {
        assert!(EntropyEstimator::ChaoShen.entropy(&[1; 20]).is_finite());
        assert!(EntropyEstimator::ChaoShen.entropy(&[1]).is_finite());
    }
}
