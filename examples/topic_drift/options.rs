//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::Parser;

/// How long a model of texts on several topics stays with one of them, and with its prompt.
#[derive(Debug, Parser)]
#[command(name = "topic_drift")]
pub(crate) struct Options {
    /// Labelled documents, one a line, columns separated by tabs, the topic in the first;
    /// without it, three texts that come along
    #[arg(long, value_name = "FILE.tsv")]
    pub(crate) labelled: Option<PathBuf>,

    /// The column that the text is in, counted from 0
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) column: usize,

    /// Words that are told apart, the most frequent ones
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub(crate) vocabulary: usize,

    /// Words an n-gram of the model has
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=5))]
    pub(crate) order: u8,

    /// The model says one of the N most probable words
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) top_k: usize,

    /// Words that topics are followed for
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,

    /// Words a window; by default, an eighth of the text, at most 5,000
    #[arg(long, value_name = "N")]
    pub(crate) window: Option<usize>,

    /// The prompt whose track is followed; by default, where the first topic is most itself
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,

    /// The seed of whatever is sampled or shuffled
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    #[arg(value_name = "FILE.tsv", hide = true, value_parser = refuse_unnamed)]
    _unnamed: Option<String>,

    /// The folder that the plots are written to
    #[arg(long, value_name = "DIR", default_value = "target/plots")]
    pub(crate) plots: PathBuf,
}

impl Options {
    /// Words that topics are followed for.
    pub(crate) fn steps(&self) -> usize {
        self.steps as usize
    }
}

/// Points out how a file is given, to whoever gives one as other examples take it.
fn refuse_unnamed(_: &str) -> Result<String, &'static str> {
    Err("labelled documents are given with --labelled FILE.tsv")
}
