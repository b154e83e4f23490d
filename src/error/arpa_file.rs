//! What can be wrong with a file in the ARPA format.

use std::io;

/// Why a file does not hold a back-off model that can be read, or why a model
/// cannot be written to one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArpaFileProblem {
    // ---- bytes and lines -----------------------------------------------------------
    /// The bytes could not be read, or the compressed data is damaged.
    #[error("cannot be read: {source}")]
    Unreadable {
        /// What the system, or the decompressor, said.
        source: io::Error,
    },
    /// A line is longer than allowed.
    #[error("the line is longer than {limit} bytes; this is hardly an ARPA file")]
    LineTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A line is not text in UTF-8.
    #[error("the line is not valid UTF-8; convert the file")]
    NotText,

    // ---- the parts of the file ---------------------------------------------------------
    /// The file ends too early.
    #[error("the file ends before {what}; it may have been cut short")]
    UnexpectedEnd {
        /// What was to come.
        what: String,
    },
    /// The file has no `\data\` line.
    #[error(
        "there is no line `\\data\\`, with which every file in the ARPA format starts; to make a model of a text, use NgramSettings"
    )]
    NoModel,
    /// A line that belongs nowhere, such as a section out of order.
    #[error("expected {expected}, found {found:?}")]
    UnexpectedLine {
        /// What was to come.
        expected: String,
        /// The line, cut short if it is long.
        found: String,
    },
    /// The header gives no counts.
    #[error("the header gives no counts; a line `ngram 1=COUNT` must follow `\\data\\`")]
    NoCounts,
    /// The header's lines of counts are not those of the lengths 1, 2, 3 and so on.
    #[error("the header counts n-grams of length {found} where length {expected} must come")]
    CountOrder {
        /// The length that must come.
        expected: usize,
        /// The length found.
        found: u64,
    },
    /// The n-grams are longer than is ever read.
    #[error("n-grams of more than {limit} words are neither read nor written; lower the order of the model")]
    OrderTooHigh {
        /// The limit.
        limit: usize,
    },
    /// There are fewer n-grams than the header announced.
    #[error("the header announces {announced} n-grams of length {length}, but there are only {found}")]
    TooFewNgrams {
        /// Words an n-gram has.
        length: usize,
        /// Number announced.
        announced: u64,
        /// Number found.
        found: u64,
    },
    /// There are more n-grams than the header announced.
    #[error("the header announces {announced} n-grams of length {length}, but there are more")]
    ExtraNgrams {
        /// Words an n-gram has.
        length: usize,
        /// Number announced.
        announced: u64,
    },
    /// There are no words.
    #[error("the model has no n-grams of length 1, and so no vocabulary")]
    NoWords,

    // ---- n-grams -----------------------------------------------------------------------
    /// A line has the wrong number of fields.
    #[error(
        "an n-gram of length {length} needs a probability, {length} words and perhaps a back-off weight, but the line has {found} fields; words cannot contain spaces"
    )]
    FieldCount {
        /// Words an n-gram has.
        length: usize,
        /// How many fields there are.
        found: usize,
    },
    /// A field is not a number of the kind needed.
    #[error("{found:?} is not {what}")]
    NotANumber {
        /// The kind needed.
        what: &'static str,
        /// The field, cut short if it is long.
        found: String,
    },
    /// The logarithm of a probability is positive.
    #[error("the log probability {value} is positive; logarithms of probabilities are at most 0")]
    PositiveProbability {
        /// The value found.
        value: f64,
    },
    /// A back-off weight is infinite.
    #[error("the log back-off weight {value} is not that of a finite weight")]
    InfiniteBackoff {
        /// The value found.
        value: f64,
    },
    /// An n-gram of the highest order has a back-off weight.
    #[error("n-grams of the highest order, {length}, can have no back-off weight, but here it is {value}")]
    NeedlessBackoff {
        /// The highest order.
        length: usize,
        /// The logarithm of the weight.
        value: f64,
    },
    /// A word of a longer n-gram is not in the vocabulary.
    #[error("the word {word:?} is not among the n-grams of length 1; add it there")]
    UnknownWord {
        /// The word, cut short if it is long.
        word: String,
    },
    /// An n-gram is given twice.
    #[error("the n-gram {ngram:?} was already given{}; give every n-gram once", EarlierLine(*earlier))]
    Duplicate {
        /// Its words with spaces between them.
        ngram: String,
        /// The line where it was given first.
        earlier: Option<usize>,
    },
    /// The context of an n-gram is not there.
    #[error(
        "the n-gram {ngram:?} has no context: the same without its last word is not among the n-grams one shorter; add that, or leave this one out"
    )]
    Orphan {
        /// Its words with spaces between them.
        ngram: String,
    },

    // ---- writing ------------------------------------------------------------------------
    /// The bytes could not be written.
    #[error("cannot be written: {source}")]
    Unwritable {
        /// What the system said.
        source: io::Error,
    },
    /// A word cannot be told from its neighbours in a file.
    #[error("the name {word:?} of token {token} is empty or contains white space; rename it")]
    UnwritableWord {
        /// The token.
        token: u32,
        /// Its name.
        word: String,
    },
}

/// ` in line 7`, if the line is known.
struct EarlierLine(Option<usize>);

impl std::fmt::Display for EarlierLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(line) => write!(f, " in line {line}"),
            None => Ok(()),
        }
    }
}
