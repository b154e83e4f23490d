//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::Parser;

/// Which prefix makes a model of characters say a suffix: the best of all, and
/// what searches find that cannot look at all.
#[derive(Debug, Parser)]
#[command(name = "elicit")]
pub(crate) struct Options {
    /// A text file in UTF-8; without one, the log of a ship
    pub(crate) path: Option<PathBuf>,

    /// What the model is to be made to say
    #[arg(long, value_name = "TEXT", default_value = " storm")]
    pub(crate) suffix: String,

    /// Characters of a prefix
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) length: usize,

    /// Characters that the model sees
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) context: usize,

    /// How many of the best prefixes are shown
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) count: usize,

    /// Weights of the prefix's own log-probability
    #[arg(long, value_name = "WEIGHTS", value_delimiter = ',', default_value = "0,0.1,0.3,1")]
    pub(crate) naturalness: Vec<f64>,

    /// Prefixes that the beam search keeps
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub(crate) width: usize,

    /// Random prefixes that the coordinate search starts from
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) restarts: usize,

    /// The seed of the coordinate search
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// The folder that the plot is written to
    #[arg(long, value_name = "DIR", default_value = "target/plots")]
    pub(crate) plots: PathBuf,
}
