//! Back-off models in the ARPA format, which KenLM, SRILM, IRSTLM and others
//! read and write.
//!
//! ```text
//! \data\
//! ngram 1=5
//! ngram 2=2
//!
//! \1-grams:
//! -0.6    <unk>
//! 0       <s>     -0.3
//! -0.6    </s>
//! -0.5    a       -0.2
//! -0.6    b
//!
//! \2-grams:
//! -0.3    <s> a
//! -0.4    a b
//!
//! \end\
//! ```
//!
//! A line holds the decimal logarithm of a probability, the words of the n-gram,
//! and the decimal logarithm of its back-off weight, which is 0 where it is left
//! out. Tokens are numbered in the order of the 1-grams.
//!
//! # What is read
//!
//! - Spaces, tabs, carriage returns and zero bytes separate fields, as in KenLM;
//!   every other character is part of a word, other white space too. Blank lines,
//!   and lines before `\data\`, are skipped.
//! - A file may be compressed with gzip, in one member or several: its first two
//!   bytes tell.
//! - `<s>` is never generated: whatever a file says (KenLM writes 0, SRILM -99),
//!   n-grams that end with it have probability 0.
//! - `<UNK>` is taken for `<unk>` if there is no `<unk>`.
//! - `-inf` is the logarithm of 0, and what is below the range of an `f64` is 0
//!   too: from about -324 down. The -99 by which SRILM means 0 is read as it is,
//!   1e-99.
//! - n-grams whose suffix is missing are fine, those without their context are
//!   not: see [`BackoffTrie::from_ngrams`]. A back-off weight at the highest order
//!   must be 1.
//! - Probabilities are not scaled to sum to one; see [`BackoffTrie::normalized`].
//!
//! # What is written
//!
//! Probability 0, and that of every n-gram that ends with `<s>`, is written as -99;
//! so is a back-off weight of 0. Every n-gram below the highest order gets a
//! back-off weight. Numbers have as many digits as it takes to read the same
//! [`ArpaPrecision`] back.
//!
//! References: SRILM's manual page `ngram-format(5)`; the sources of KenLM,
//! `lm/read_arpa.cc`.

mod entry;
mod lines;
mod read;
mod section;
mod words;
mod write;

pub use read::{ArpaModel, read_arpa, read_arpa_from, read_arpa_from_watched, read_arpa_watched};
pub use write::{ArpaPrecision, ArpaSettings, write_arpa};

#[cfg(doc)]
use super::BackoffTrie;

/// Whether a byte separates fields.
fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0)
}
