//! What can be asked for on the command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, ValueEnum};
use lmchain::text::{CorpusSettings, DocumentEnd, InvalidUtf8, Tokenizer};

use crate::fields;
use crate::limits::Limits;

/// Everything that can be said about a chain, as one JSON object.
///
/// FILE is one of three things.
///
/// A model table, `NAME.json`: an object with `vocab_size` (or `V`), `order`
/// (or `K`) and `p`, an array with one law of the next token per context; maybe
/// `vocab`, an array of names. The states are all its contexts.
///
/// A transition matrix: `NAME.json` with an array of rows, or an object that
/// has one under `P`; `NAME.mtx` in the Matrix Market format; `NAME.npz` as
/// written by scipy.sparse.save_npz. Rows must sum to one.
///
/// A text, any other name: UTF-8. The states are the contexts that occur, each
/// followed by what followed it there, as often as it did.
///
/// Bad input ends with exit code 2 and one line on standard error.
#[derive(Debug, Parser)]
#[command(name = "analyze", after_long_help = fields::help())]
pub(crate) struct Options {
    /// The file to read
    pub(crate) file: PathBuf,

    /// Read the file as a text, whatever its name
    #[arg(long)]
    pub(crate) text: bool,

    /// What a token of a text is
    #[arg(long, value_enum, default_value_t = Tokens::Characters)]
    pub(crate) tokens: Tokens,

    /// Turn a text to lower case
    #[arg(long)]
    pub(crate) lower_case: bool,

    /// Of a text: replace bytes that are not UTF-8 by U+FFFD instead of refusing them
    #[arg(long)]
    pub(crate) lossy: bool,

    /// Tokens of a text that occur less often become `<unk>`
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) minimum_count: u64,

    /// Tokens a state, for a text
    // Longer contexts over two tokens or more could not be numbered in 128 bits.
    #[arg(long, value_name = "K", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=127))]
    pub(crate) context: u8,

    /// What follows the end of a text
    #[arg(long, value_enum, default_value_t = Ends::Circular)]
    pub(crate) ends: Ends,

    /// Tokens a window of `window_drift_bits`, for a text
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) window: usize,

    /// The last time of the curve `tv_worst_start_t0`
    #[arg(long, value_name = "T", default_value_t = 12)]
    pub(crate) steps: usize,

    /// Lags of mutual information, in steps
    #[arg(long, value_name = "D,D,...", value_delimiter = ',', default_values_t = [1, 2, 3, 4, 5, 10])]
    lags: Vec<usize>,

    /// Add the long-run law from this state (its number) to `steady_state_from`; may be repeated
    #[arg(long, value_name = "STATE")]
    pub(crate) start: Vec<usize>,

    #[command(flatten)]
    pub(crate) drift: Drift,

    #[command(flatten)]
    pub(crate) against: Against,

    /// Of a text: draw so many chains from the posterior of its counts, for intervals of
    /// 95 %, which take 39 chains at least
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(39..=100_000))]
    pub(crate) draws: Option<u32>,

    #[command(flatten)]
    pub(crate) backwards: Backwards,

    #[command(flatten)]
    pub(crate) limits: Limits,

    /// Break the line after every field
    #[arg(long)]
    pub(crate) pretty: bool,
}

/// Topics, and a prompt to be kept to.
#[derive(Debug, Args)]
pub(crate) struct Drift {
    /// A topic by its tokens: a state is in that of its latest token listed; may be repeated
    #[arg(long, value_name = "NAME=TOKEN,TOKEN,...", group = "topics")]
    pub(crate) topic: Vec<NamedTopic>,

    /// Topics that the chain seldom leaves, so many, found by the chain itself
    #[arg(long, value_name = "N", conflicts_with = "topic", group = "topics")]
    #[arg(value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) sets: Option<u16>,

    /// A prompt to ask how long it is kept to; needs topics
    #[arg(long, value_name = "TEXT", requires = "topics")]
    pub(crate) prompt: Option<String>,
}

/// A topic as it stands on the command line.
#[derive(Debug, Clone)]
pub(crate) struct NamedTopic {
    pub(crate) name: String,
    pub(crate) tokens: Vec<String>,
}

impl FromStr for NamedTopic {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, tokens) = text.split_once('=').ok_or("it is not of the form NAME=TOKEN,TOKEN,...")?;
        if name.is_empty() || tokens.is_empty() {
            return Err("it has no name, or no tokens");
        }
        Ok(Self { name: name.to_owned(), tokens: tokens.split(',').map(str::to_owned).collect() })
    }
}

/// A model to hold the chain against.
#[derive(Debug, Args)]
pub(crate) struct Against {
    /// A model table over the same tokens, with at most as long a context
    #[arg(long, value_name = "NAME.json")]
    pub(crate) against: Option<PathBuf>,

    /// Of a text: its Witten-Bell model of this order, at most --context + 1
    #[arg(long, value_name = "ORDER", conflicts_with = "against", value_parser = clap::value_parser!(u8).range(1..=127))]
    pub(crate) against_order: Option<u8>,

    /// Tokens that the model goes on by itself
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(crate) rollout: usize,
}

/// What is bad, and how far to look back from it.
#[derive(Debug, Args)]
pub(crate) struct Backwards {
    /// A string of at most K tokens that is bad once it is said; may be repeated
    #[arg(long, value_name = "STRING")]
    pub(crate) bad: Vec<String>,

    /// A state (its number) that is bad; may be repeated
    #[arg(long, value_name = "STATE")]
    pub(crate) bad_state: Vec<usize>,

    /// A string after which it is safe, for committors and transition paths; may be repeated
    #[arg(long, value_name = "STRING")]
    pub(crate) safe: Vec<String>,

    /// A state (its number) that is safe; may be repeated
    #[arg(long, value_name = "STATE")]
    pub(crate) safe_state: Vec<usize>,

    /// A text to follow with the committor
    #[arg(long, value_name = "TEXT")]
    pub(crate) follow: Option<String>,

    /// Steps within which the bad states may be reached
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) horizon: usize,

    /// Steps of the histories that end in a bad state
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) history: usize,

    /// Histories and pathways to list, the most probable ones
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) best: usize,
}

impl Backwards {
    /// The first option given, if any, that is about bad states.
    pub(crate) fn needs_bad(&self) -> Option<&'static str> {
        let safe = !self.safe.is_empty() || !self.safe_state.is_empty();
        safe.then_some("--safe").or(self.follow.is_some().then_some("--follow"))
    }
}

/// What a token of a text is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Tokens {
    /// Every byte of the UTF-8 text
    Bytes,
    /// Every Unicode scalar value
    Characters,
    /// Unicode words and punctuation marks
    Words,
    /// What lies between white space
    Whitespace,
}

/// What follows the end of a text.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Ends {
    /// Its start
    Circular,
    /// A token `</s>`, then its start
    Token,
    /// `</s>`, then a context of `<s>` tokens
    Reset,
    /// `</s>` for ever
    Absorbing,
    /// Nothing is known
    Open,
}

impl Options {
    /// The lags, ascending, each once.
    pub(crate) fn lags(&self) -> Vec<usize> {
        let mut lags = self.lags.clone();
        lags.sort_unstable();
        lags.dedup();
        lags
    }

    /// How to read a text.
    pub(crate) fn corpus_settings(&self) -> CorpusSettings {
        let tokenizer = match self.tokens {
            Tokens::Bytes => Tokenizer::bytes(),
            Tokens::Characters => Tokenizer::characters(),
            Tokens::Words => Tokenizer::words(),
            Tokens::Whitespace => Tokenizer::whitespace(),
        };
        let end = match self.ends {
            Ends::Circular => DocumentEnd::Circular,
            Ends::Token => DocumentEnd::Token,
            Ends::Reset => DocumentEnd::Reset,
            Ends::Absorbing => DocumentEnd::Absorbing,
            Ends::Open => DocumentEnd::Open,
        };
        let invalid = if self.lossy { InvalidUtf8::Replace } else { InvalidUtf8::Reject };
        CorpusSettings::new(tokenizer.lower_case(self.lower_case))
            .invalid_utf8(invalid)
            .minimum_count(self.minimum_count)
            .document_end(end)
    }
}
