//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::Parser;

/// How a model of a text comes to say a bad word: how likely it is, by which
/// roads, and when it was sealed.
#[derive(Debug, Parser)]
#[command(name = "bad_state")]
pub(crate) struct Options {
    /// A text file in UTF-8; without one, the log of a ship
    pub(crate) path: Option<PathBuf>,

    /// The word that must not be said
    #[arg(long, value_name = "WORD", default_value = "storm")]
    pub(crate) bad: String,

    /// The word or mark at which it is safe: what counts is which of the two comes first
    #[arg(long, value_name = "WORD", default_value = ".")]
    pub(crate) safe: String,

    /// Words an n-gram of the model has
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=5))]
    pub(crate) order: u8,

    /// The model says one of the N most probable words
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) top_k: usize,

    /// Words within which the bad one may come
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) horizon: usize,

    /// Words of the roads that are shown
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) road: usize,

    /// The seed of the text that is sampled
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// The folder that the plot is written to
    #[arg(long, value_name = "DIR", default_value = "target/plots")]
    pub(crate) plots: PathBuf,
}
