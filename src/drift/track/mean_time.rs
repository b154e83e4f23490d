//! The mean of a time.

use crate::passage::Interval;

/// The mean of a time, and how it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum MeanTime {
    /// Solved exactly: between proven bounds.
    Bounds(Interval),
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
            Self::Bounds(bounds) => bounds.midpoint(),
            Self::Sampled { mean, .. } | Self::AtLeast(mean) => *mean,
        }
    }
}
