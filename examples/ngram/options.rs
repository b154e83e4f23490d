//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use lmchain::model::{Discount, NgramSettings, Smoothing};
use lmchain::ngram::ArpaPrecision;

/// Estimates an n-gram model of a text, one sentence a line, and scores it on the last lines.
#[derive(Parser)]
#[command(name = "ngram")]
pub(crate) struct Options {
    /// A text file in UTF-8, one sentence a line; without one, three voices that come with the examples
    pub(crate) path: Option<PathBuf>,
    /// The longest n-grams
    #[arg(short, long, default_value_t = 3)]
    pub(crate) order: usize,
    /// How probability is shared with what does not occur
    #[arg(short, long, value_enum, default_value_t = Method::ModifiedKneserNey)]
    pub(crate) smoothing: Method,
    /// Use the discounts 0.5, 1 and 1.5 where none can be estimated, instead of giving up
    #[arg(long)]
    pub(crate) fallback: bool,
    /// Leave out n-grams that occur so often or less, by length: --prune 0,0,1
    #[arg(long, value_delimiter = ',', default_value = "0")]
    pub(crate) prune: Vec<u32>,
    /// Give all that is taken from single tokens to <unk>, instead of mixing in the uniform law
    #[arg(long)]
    pub(crate) no_interpolate_unigrams: bool,
    /// Take characters as tokens instead of words, white space as _
    #[arg(long)]
    pub(crate) characters: bool,
    /// Keep the case of the text
    #[arg(long)]
    pub(crate) keep_case: bool,
    /// Percent of the lines, the last ones, that are held out
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=90))]
    pub(crate) held_out: u8,
    /// Where to write the model of the lines that are not held out, compressed if the name ends in .gz; by default it is not kept
    #[arg(long)]
    pub(crate) arpa: Option<PathBuf>,
    /// Write numbers in single precision, as other tools do
    #[arg(long)]
    pub(crate) single: bool,
    /// How many documents of its own are read backwards
    #[arg(long, default_value_t = 2000)]
    pub(crate) documents: usize,
    /// The seed of those
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Megabytes that counting may take before it goes to disk
    #[arg(long, default_value_t = 1024)]
    pub(crate) memory: usize,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Method {
    ModifiedKneserNey,
    KneserNey,
    WittenBell,
    Absolute,
    Katz,
    Additive,
}

impl Options {
    pub(crate) fn settings(&self) -> Result<NgramSettings, String> {
        let smoothing = match self.smoothing {
            Method::ModifiedKneserNey => Smoothing::ModifiedKneserNey,
            Method::KneserNey => Smoothing::KneserNey,
            Method::WittenBell => Smoothing::WittenBell,
            Method::Absolute => Smoothing::AbsoluteDiscounting(Discount::Estimated),
            Method::Katz => Smoothing::Katz { largest: 5 },
            Method::Additive => Smoothing::Additive(0.1),
        };
        let bytes = self.memory.checked_mul(1 << 20).ok_or("that is more memory than there can be")?;
        let settings = NgramSettings::new(self.order)
            .smoothing(smoothing)
            .prune(&self.prune)
            .interpolate_unigrams(!self.no_interpolate_unigrams)
            .memory(bytes);
        // The voices that come along are too short to estimate every discount.
        let fallback = self.fallback || self.path.is_none();
        Ok(if fallback { settings.fallback_discounts([0.5, 1.0, 1.5]) } else { settings })
    }

    pub(crate) fn precision(&self) -> ArpaPrecision {
        if self.single { ArpaPrecision::Single } else { ArpaPrecision::Double }
    }
}
