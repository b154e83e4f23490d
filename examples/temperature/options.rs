//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use lmchain::model::Smoothing;

/// How the temperature of decoding moves mixing, loops and topic drift of an n-gram model.
#[derive(Debug, Parser)]
#[command(name = "temperature")]
pub(crate) struct Options {
    /// A text file in UTF-8; without one, three voices that come with the examples
    pub(crate) path: Option<PathBuf>,

    /// Tokens an n-gram of the model has: contexts are one shorter
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(2..=6))]
    pub(crate) order: u8,

    /// How probability is shared with what does not occur
    #[arg(long, value_enum, default_value_t = Method::WittenBell)]
    pub(crate) smoothing: Method,

    /// Take characters as tokens instead of words
    #[arg(long)]
    pub(crate) characters: bool,

    /// How often a token must occur; all others are <unk>
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) min_count: u64,

    /// The lowest temperature
    #[arg(long, value_name = "T", default_value_t = 0.2)]
    pub(crate) from: f64,

    /// The highest temperature
    #[arg(long, value_name = "T", default_value_t = 2.0)]
    pub(crate) to: f64,

    /// How many temperatures, in equal ratios
    #[arg(long, value_name = "N", default_value_t = 9)]
    pub(crate) points: usize,

    /// The seed of the text that is sampled
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// The folder that the plots are written to
    #[arg(long, value_name = "DIR", default_value = "target/plots")]
    pub(crate) plots: PathBuf,
}

impl Options {
    /// From the lowest to the highest, in equal ratios.
    pub(crate) fn temperatures(&self) -> Result<Vec<f64>, String> {
        let (from, to) = (self.from, self.to);
        if !(from > 0.0 && from < to && to.is_finite() && self.points >= 2) {
            return Err("temperatures go from --from above 0 up to --to, in 2 --points or more".to_owned());
        }
        let last = (self.points - 1) as f64;
        Ok((0..self.points).map(|i| from * (to / from).powf(i as f64 / last)).collect())
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Method {
    WittenBell,
    KneserNey,
    ModifiedKneserNey,
}

impl Method {
    pub(crate) fn smoothing(self) -> Smoothing {
        match self {
            Self::WittenBell => Smoothing::WittenBell,
            Self::KneserNey => Smoothing::KneserNey,
            Self::ModifiedKneserNey => Smoothing::ModifiedKneserNey,
        }
    }
}
