//! The mean of a time.

use std::fmt;

use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::passage::{Interval, PassageSolver};
use crate::prob::Law;
use crate::solve::{Observer, Stop};

/// The mean of a time, and how it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum MeanTime {
    /// Solved: it is between proven bounds. Both are infinite if the time may be.
    Bounds {
        /// The bounds.
        bounds: Interval,
        /// Why the solver stopped. Unless it converged, the bounds may be far apart, the upper
        /// one infinite though the time is not.
        stop: Stop,
    },
    /// The mean of a sample, with its standard error.
    Sampled {
        /// The mean.
        mean: f64,
        /// The standard error of the mean.
        standard_error: f64,
    },
    /// As far as it was followed: some had not ended by then, so the mean is larger.
    AtLeast(f64),
}

impl MeanTime {
    /// The mean: the middle of the bounds, or what was found.
    pub fn value(&self) -> f64 {
        match self {
            Self::Bounds { bounds, .. } => bounds.midpoint(),
            Self::Sampled { mean, .. } | Self::AtLeast(mean) => *mean,
        }
    }

    /// The bounds, if it was solved.
    pub fn bounds(&self) -> Option<Interval> {
        match self {
            Self::Bounds { bounds, .. } => Some(*bounds),
            Self::Sampled { .. } | Self::AtLeast(_) => None,
        }
    }

    /// The mean time until a set is reached from a start.
    pub(super) fn solve<O: TransitionOperator>(
        solver: &PassageSolver,
        chain: &MarkovChain<O>,
        target: &StateSet,
        start: &Law,
        stage: &'static str,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let times = solver.times_watched(chain, target, observer)?;
        match times.report().stop {
            Stop::Cancelled => Err(Error::Cancelled { stage }),
            stop => Ok(Self::Bounds { bounds: times.value().mean().mean(start), stop }),
        }
    }

    /// The mean of at least two times, those beyond the steps followed unknown.
    pub(super) fn of_sample(times: &[Option<usize>], steps: usize) -> Self {
        let n = times.len() as f64;
        let followed = |time: &Option<usize>| time.unwrap_or(steps) as f64;
        let mean = times.iter().map(followed).sum::<f64>() / n;
        let square = times.iter().map(|time| (followed(time) - mean).powi(2)).sum::<f64>();
        match times.iter().all(Option::is_some) {
            true => Self::Sampled { mean, standard_error: (square / (n * (n - 1.0))).sqrt() },
            false => Self::AtLeast(mean),
        }
    }
}

/// The middle of bounds that the solver brought close together, else both; what is known of a sample.
impl fmt::Display for MeanTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Bounds { bounds, stop: Stop::Converged | Stop::Direct } => {
                format!("{:.2}", bounds.midpoint())
            }
            Self::Bounds { bounds: Interval { lower, upper: f64::INFINITY }, .. } if lower.is_finite() => {
                format!("> {lower:.2}")
            }
            Self::Bounds { bounds: Interval { lower, upper }, .. } => format!("{lower:.2} to {upper:.2}"),
            Self::Sampled { mean, standard_error } => format!("{mean:.2} ± {standard_error:.2}"),
            Self::AtLeast(mean) => format!("> {mean:.1}"),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::passage::PassageMethod;
    use crate::solve::Silent;

    #[test]
    fn means_that_were_not_reached_say_so() {
        // A walk on four states, up or down with 1/10 each; it ends at the top: m = 10 + 50, 50, 30.
        let walk =
            array![[0.9, 0.1, 0.0, 0.0], [0.1, 0.8, 0.1, 0.0], [0.0, 0.1, 0.8, 0.1], [0.0, 0.0, 0.0, 1.0]];
        let chain = MarkovChain::from_dense(walk.view()).unwrap();
        let (target, start) = (StateSet::of(4, [3]).unwrap(), Law::point(4, 0));
        let solve =
            |solver: &PassageSolver| MeanTime::solve(solver, &chain, &target, &start, "", &mut Silent);
        let found = solve(&PassageSolver::new()).unwrap();
        assert!((found.value() - 60.0).abs() < 1e-5 && found.to_string() == "60.00", "{found:?}");
        let short = PassageSolver::new().method(PassageMethod::Iteration).max_iterations(1);
        let MeanTime::Bounds { bounds, stop } = solve(&short).unwrap() else { panic!("it is solved for") };
        assert!(stop == Stop::MaxIterations && bounds.contains(60.0) && bounds.width() > 1.0, "{bounds:?}");
        let mut stop = |_: &crate::solve::Progress| std::ops::ControlFlow::Break(());
        let iterated = PassageSolver::new().method(PassageMethod::Iteration);
        let stopped = MeanTime::solve(&iterated, &chain, &target, &start, "here", &mut stop);
        assert!(matches!(stopped, Err(Error::Cancelled { stage: "here" })));
    }

    #[test]
    fn what_is_not_known_exactly_is_not_shown_as_if_it_were() {
        let show =
            |lower, upper, stop| MeanTime::Bounds { bounds: Interval { lower, upper }, stop }.to_string();
        assert_eq!(show(2.0, 2.0 + 1e-9, Stop::Converged), "2.00");
        assert_eq!(show(2.0, f64::INFINITY, Stop::MaxIterations), "> 2.00");
        assert_eq!(show(2.0, 7.5, Stop::MaxIterations), "2.00 to 7.50");
        assert_eq!(show(f64::INFINITY, f64::INFINITY, Stop::Direct), "inf");
        assert_eq!(format!("{:>6}", MeanTime::AtLeast(2.0)), " > 2.0");
    }
}
