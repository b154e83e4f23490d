//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::Parser;

/// How the errors of a model pile up once it reads its own text: how large they
/// get, in which contexts that starts, and what look-ahead calibration does about it.
#[derive(Debug, Parser)]
#[command(name = "snowball")]
pub(crate) struct Options {
    /// A text file in UTF-8, of which the letters count; without one, three voices
    pub(crate) path: Option<PathBuf>,

    /// Two tokens instead of a text, and a model with a loop that the data rarely visit
    #[arg(long, conflicts_with = "path")]
    pub(crate) toy: bool,

    /// Letters an n-gram of the data has
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(2..=10))]
    pub(crate) data_order: u8,

    /// Letters an n-gram of the model has; no more than one of the data
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=4))]
    pub(crate) model_order: u8,

    /// The temperature that the model writes at; below 1 it says what is likely more often
    #[arg(long, value_name = "T", default_value_t = 1.0)]
    pub(crate) temperature: f64,

    /// Tokens that the model writes on
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(crate) steps: usize,

    /// Contexts that are shown
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) contexts: usize,

    /// The largest probability of taking a text of the model for another's
    #[arg(long, value_name = "P", default_value_t = 0.01, value_parser = probability)]
    pub(crate) false_alarms: f64,

    /// Tokens of the text that the model writes for the test
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub(crate) tokens: usize,

    /// The seed of that text
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// The folder that the plots are written to
    #[arg(long, value_name = "DIR", default_value = "target/plots")]
    pub(crate) plots: PathBuf,
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(p) if p > 0.0 && p < 1.0 => Ok(p),
        Ok(_) => Err("it must be between 0 and 1".to_owned()),
        Err(error) => Err(format!("{error}")),
    }
}
