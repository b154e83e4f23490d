//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::Parser;
use lmchain::prob::EntropyEstimator;

/// Mutual information by lag of the characters of a text, and of models of it that see only
/// the last few; what these models know at all, and how they forget.
#[derive(Debug, Parser)]
#[command(name = "memory")]
pub(crate) struct Options {
    /// A text file in UTF-8; without one, three voices that come along
    pub(crate) path: Option<PathBuf>,

    /// Characters that the largest model sees
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub(crate) context: u8,

    /// The longest lag that is looked at in the text
    #[arg(long, value_name = "LAG", default_value_t = 1000)]
    pub(crate) longest: usize,

    /// The longest lag that the models are followed to
    #[arg(long, value_name = "LAG", default_value_t = 64)]
    pub(crate) followed: usize,

    /// Shuffles of the text that its information is held against
    #[arg(long, value_name = "N", default_value_t = 19)]
    pub(crate) shuffles: usize,

    /// The seed of the shuffles
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// The folder that the plots are written to
    #[arg(long, value_name = "DIR", default_value = "target/plots")]
    pub(crate) plots: PathBuf,
}

/// The estimator whose numbers are held against shuffles, and drawn.
pub(crate) const ESTIMATOR: EntropyEstimator = EntropyEstimator::Grassberger;
