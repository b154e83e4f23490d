//! Reading the ARPA format.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::entry::not_a_number;
use super::lines::Lines;
use super::section::Section;
use super::words::{Words, duplicate};
use crate::error::{ArpaFileProblem, Error, Result};
use crate::ngram::builder::{BackoffBuilder, Duplicate};
use crate::ngram::{BackoffTrie, MAX_ORDER};
use crate::solve::{Observer, Silent};
use crate::text::Vocab;

/// What an ARPA file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ArpaModel {
    /// The words, in the order of the file's 1-grams.
    pub vocab: Vocab,
    /// The probabilities and back-off weights.
    pub model: BackoffTrie,
}

/// Reads a back-off model from a file in the ARPA format, which KenLM, SRILM,
/// IRSTLM and others write.
///
/// ```text
/// \data\
/// ngram 1=3
/// ngram 2=1
///
/// \1-grams:
/// 0       <s>     -0.3
/// -0.3    </s>
/// -0.3    a       -0.2
///
/// \2-grams:
/// -0.1    <s> a
///
/// \end\
/// ```
///
/// A line holds the decimal logarithm of a probability, the words of the n-gram,
/// and the decimal logarithm of its back-off weight, which is 0 where it is left
/// out. Tokens are numbered in the order of the 1-grams.
///
/// # What is read
///
/// - Spaces, tabs, carriage returns and zero bytes separate fields, as in KenLM;
///   every other character is part of a word, other white space too. Blank lines,
///   and lines before `\data\`, are skipped.
/// - A file may be compressed with gzip, in one member or several: its first two
///   bytes tell.
/// - `<s>` is never generated: whatever a file says (KenLM writes 0, SRILM -99),
///   n-grams that end with it have probability 0.
/// - `<UNK>` is taken for `<unk>` if there is no `<unk>`.
/// - `-inf` is the logarithm of 0, and what is below the range of an `f64` is 0
///   too: from about -324 down. The -99 by which SRILM means 0 is read as it is,
///   1e-99.
/// - n-grams whose suffix is missing are fine, those without their context are
///   not: see [`BackoffTrie::from_ngrams`]. A back-off weight at the highest order
///   must be 1.
/// - n-grams have up to 32 words, and lines up to 1 MiB.
/// - Probabilities are not scaled to sum to one; see [`BackoffTrie::normalized`].
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be opened, [`Error::ArpaFile`] with path,
/// line and [`ArpaFileProblem`] if it does not hold a model,
/// [`Error::TooManyNgrams`].
///
/// # Complexity
///
/// The file is read as a stream, line by line. Memory grows with the n-grams
/// that are truly there, to about twice the model; the header's word is not
/// taken for it.
pub fn read_arpa(path: impl AsRef<Path>) -> Result<ArpaModel> {
    read_arpa_watched(path, &mut Silent)
}

/// As [`read_arpa`], telling an observer how many bytes of the file were read.
///
/// # Errors
///
/// As [`read_arpa`]; [`Error::Cancelled`] if the observer asks to stop.
pub fn read_arpa_watched(path: impl AsRef<Path>, observer: &mut dyn Observer) -> Result<ArpaModel> {
    let path = path.as_ref();
    let io_error = |source| Error::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io_error)?;
    let total = file.metadata().map_err(io_error)?.len();
    let read = Lines::new(file, Some(total), observer).and_then(read_model);
    read.map_err(|error| match error {
        Error::ArpaFile { line, problem, .. } => {
            Error::ArpaFile { path: Some(path.to_owned()), line, problem }
        }
        other => other,
    })
}

/// Reads a back-off model in the ARPA format, compressed with gzip or not.
///
/// # Errors
///
/// As [`read_arpa`], without a path.
///
/// # Example
///
/// ```
/// let file = "\\data\\\nngram 1=2\n\n\\1-grams:\n-0.30103\t<unk>\n-0.30103\ta\n\n\\end\\\n";
/// let read = lmchain::ngram::read_arpa_from(file.as_bytes())?;
/// assert_eq!(read.vocab.names(), ["<unk>", "a"]);
/// assert!((read.model.probabilities(1)[1] - 0.5).abs() < 1e-6);
/// # Ok::<(), lmchain::Error>(())
/// ```
pub fn read_arpa_from(reader: impl Read) -> Result<ArpaModel> {
    read_arpa_from_watched(reader, &mut Silent)
}

/// As [`read_arpa_from`], telling an observer how many bytes were read.
///
/// # Errors
///
/// As [`read_arpa_from`]; [`Error::Cancelled`] if the observer asks to stop.
pub fn read_arpa_from_watched(reader: impl Read, observer: &mut dyn Observer) -> Result<ArpaModel> {
    Lines::new(reader, None, observer).and_then(read_model)
}

/// Reads up to the line that starts every model.
fn skip_to_data(lines: &mut Lines<'_>) -> Result<()> {
    while lines.advance()? {
        if lines.bytes() == br"\data\" {
            return Ok(());
        }
    }
    Err(lines.here(ArpaFileProblem::NoModel))
}

fn read_model(mut lines: Lines<'_>) -> Result<ArpaModel> {
    skip_to_data(&mut lines)?;
    let announced = read_counts(&mut lines)?;
    let order = announced.len();

    let mut section = Section { length: 1, order, announced: announced[0] };
    let words = Words::read(&mut lines, section)?;
    let mut builder = BackoffBuilder::new(words.vocab.len(), order);
    for (token, &(probability, backoff)) in (0..).zip(&words.values) {
        builder.push(&[token], probability, backoff, 0).expect("the empty n-gram is always there");
    }
    end_level(&mut builder, &words)?;
    for &count in &announced[1..] {
        section = Section { length: section.length + 1, announced: count, ..section };
        let mut ngram = vec![0; section.length];
        section.for_each(&mut lines, |text, line| {
            let (probability, backoff) = words.parse(text, section, &mut ngram)?;
            builder
                .push(&ngram, probability, backoff, line)
                .map_err(|_| ArpaFileProblem::Orphan { ngram: words.join(&ngram) })
        })?;
        end_level(&mut builder, &words)?;
    }
    lines.expect(r"\end\")?;
    if lines.advance()? {
        return Err(lines.unexpected("nothing after `\\end\\`"));
    }
    Ok(ArpaModel { model: builder.finish()?, vocab: words.vocab })
}

/// Reads the lines `ngram N=COUNT`, and the line after them.
fn read_counts(lines: &mut Lines<'_>) -> Result<Vec<u64>> {
    let mut announced: Vec<u64> = Vec::new();
    loop {
        lines.require(r"`\1-grams:`")?;
        let Some(count) = lines.bytes().strip_prefix(b"ngram") else { break };
        let Some((length, count)) = str::from_utf8(count).ok().and_then(|count| count.split_once('=')) else {
            return Err(lines.unexpected("`ngram N=COUNT`"));
        };
        let parse = |text: &str, what| {
            let number = text.trim_matches(|c| c == ' ' || c == '\t');
            number.parse::<u64>().map_err(|_| lines.here(not_a_number(what, number)))
        };
        let (length, count) = (parse(length, "a length of n-grams")?, parse(count, "a number of n-grams")?);
        let expected = announced.len() + 1;
        if length != expected as u64 {
            return Err(lines.here(ArpaFileProblem::CountOrder { expected, found: length }));
        }
        if expected > MAX_ORDER {
            return Err(lines.here(ArpaFileProblem::OrderTooHigh { limit: MAX_ORDER }));
        }
        announced.push(count);
    }
    if announced.is_empty() { Err(lines.here(ArpaFileProblem::NoCounts)) } else { Ok(announced) }
}

fn end_level(builder: &mut BackoffBuilder, words: &Words) -> Result<()> {
    match builder.end_level()? {
        None => Ok(()),
        Some(Duplicate { ngram, lines }) => Err(duplicate(&words.join(&ngram), lines)),
    }
}
