//! How long it takes to reach a set.

use super::Enclosure;
use super::dirichlet::Reward;
use crate::chain::StateSet;
use crate::solve::{Outcome, Report};

/// Mean and variance of a hitting time, from every state, in steps.
///
/// Zero on the target; both are infinite where the target may never be reached.
#[derive(Debug, Clone, PartialEq)]
pub struct PassageTimes {
    mean: Enclosure,
    variance: Enclosure,
}

impl PassageTimes {
    /// The mean time from every state.
    pub fn mean(&self) -> &Enclosure {
        &self.mean
    }

    /// The variance of the time from every state. Its bounds are those of the
    /// mean square less those of the squared mean: they say little about times
    /// that hardly vary.
    pub fn variance(&self) -> &Enclosure {
        &self.variance
    }

    /// What a state adds to the mean square `s` of the time whose mean is `m`:
    /// from `T = 1 + T'` follows `s = 1 + 2 P m + P s = (2 m - 1) + P s`.
    pub(super) fn reward_of_square(mean: &Enclosure) -> Reward {
        // As `2 m - 1` is at least `m`, it is off by twice as much at most.
        let relative_error = mean.relative_width() + 4.0 * f64::EPSILON;
        let reward = |state: usize| (2.0 * mean.midpoint(state) - 1.0).max(0.0);
        Reward::Each { values: (0..mean.len()).map(reward).collect(), relative_error }
    }

    /// From a mean without upper bounds, as an iteration leaves it that was
    /// stopped early: nothing is known of the variance.
    pub(super) fn without_variance(mean: &Outcome<Enclosure>, may_fail: &StateSet) -> Outcome<Self> {
        let bounds = mean.value();
        // On the target, and there alone, the mean is known to be zero.
        let most = |_, bound: f64| if bound == 0.0 { 0.0 } else { f64::INFINITY };
        let variance = for_ever(&bounds.map(|_, _| 0.0, most), may_fail);
        Outcome::new(Self { mean: for_ever(bounds, may_fail), variance }, *mean.report())
    }

    /// From the outcomes of mean and mean square; the states that may fail to
    /// reach the target take for ever.
    pub(super) fn of(
        mean: &Outcome<Enclosure>,
        square: &Outcome<Enclosure>,
        may_fail: &StateSet,
    ) -> Outcome<Self> {
        let rounding = 4.0 * f64::EPSILON;
        let bounds = mean.value();
        let least = |state: usize, square: f64| {
            (square * (1.0 - rounding) - bounds.upper()[state].powi(2) * (1.0 + rounding)).max(0.0)
        };
        let most = |state: usize, square: f64| {
            let most = square * (1.0 + rounding) - bounds.lower()[state].powi(2) * (1.0 - rounding);
            if square == 0.0 { 0.0 } else { most.max(0.0) }
        };
        let variance = for_ever(&square.value().map(least, most), may_fail);
        let Report { iterations, stop, .. } = mean.report().worse(square.report());
        let report = Report { iterations, stop, ..*mean.report() };
        Outcome::new(Self { mean: for_ever(bounds, may_fail), variance }, report)
    }
}

/// The bounds, infinite where the target may never be reached.
fn for_ever(bounds: &Enclosure, may_fail: &StateSet) -> Enclosure {
    let bound = |state: usize, bound: f64| if may_fail.contains(state) { f64::INFINITY } else { bound };
    bounds.map(bound, bound)
}
