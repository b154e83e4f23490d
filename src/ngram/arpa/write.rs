//! Writing the ARPA format.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::is_separator;
use crate::error::{ArpaFileProblem, Error, Result};
use crate::files::replace_file;
use crate::ngram::{BackoffTrie, MAX_ORDER};
use crate::text::{Token, Vocab};

/// Bytes gathered before they are handed on.
const CHUNK: usize = 1 << 16;

/// What other tools write for the logarithm of zero.
const ZERO: &[u8] = b"-99";

/// How many digits the numbers of a file have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ArpaPrecision {
    /// As few as read back as the same logarithm in double precision; so a
    /// probability comes back with a relative error of about 1e-15.
    #[default]
    Double,
    /// As few as read back as the same logarithm in single precision, as other
    /// tools write; the files are much smaller.
    Single,
}

/// How to write a model in the ARPA format, which [`read_arpa`](super::read_arpa) describes.
///
/// The logarithm of 0 is written as `-inf` in double precision; in single
/// precision as -99, which is what other tools write and reads back as 1e-99.
/// n-grams that end with `<s>` get -99. Every n-gram below the highest order gets
/// a back-off weight. Numbers have as many digits as it takes to read the same
/// [`ArpaPrecision`] back.
///
/// n-grams come in the order of their tokens. Implied n-grams are left out:
/// reading restores them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ArpaSettings {
    precision: ArpaPrecision,
}

/// Writes a model to a file in the ARPA format; see [`ArpaSettings::write`].
///
/// # Errors
///
/// As [`ArpaSettings::write`].
pub fn write_arpa(path: impl AsRef<Path>, vocab: &Vocab, model: &BackoffTrie) -> Result<()> {
    ArpaSettings::new().write(path, vocab, model)
}

impl ArpaSettings {
    /// Double precision.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many digits the numbers have.
    #[must_use]
    pub fn precision(mut self, precision: ArpaPrecision) -> Self {
        self.precision = precision;
        self
    }

    /// Writes a model to a file, compressed if its name ends in `.gz`.
    ///
    /// The file is written beside its place and then moved there, so there is
    /// never half a file. `O(1)` memory.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::VocabularyMismatch`] if the vocabulary has another
    /// size, [`Error::ArpaFile`] for a name that is empty or contains white space.
    pub fn write(&self, path: impl AsRef<Path>, vocab: &Vocab, model: &BackoffTrie) -> Result<()> {
        let path = path.as_ref();
        check(vocab, model).map_err(|error| match error {
            Error::ArpaFile { problem, .. } => {
                Error::ArpaFile { path: Some(path.to_owned()), line: None, problem }
            }
            other => other,
        })?;
        let compressed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        replace_file(path, |file| {
            let written = self.write_file(file, compressed, vocab, model);
            written.map_err(|source| Error::Io { path: path.to_owned(), source })
        })
    }

    /// Writes a model, uncompressed.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); if the writer fails, [`Error::ArpaFile`].
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::ngram::{ArpaSettings, BackoffTrie};
    /// use lmchain::text::Vocab;
    ///
    /// let vocab = Vocab::new(vec!["a".to_owned(), "b".to_owned()])?;
    /// let ngrams = [(vec![0], 0.1, 1.0), (vec![1], 0.01, 1.0), (vec![0, 1], 1.0, 1.0)];
    /// let model = BackoffTrie::from_ngrams(2, 2, ngrams)?;
    /// let mut file = Vec::new();
    /// ArpaSettings::new().write_to(&mut file, &vocab, &model)?;
    /// let text = String::from_utf8_lossy(&file);
    /// assert!(text.starts_with("\\data\\\nngram 1=2\nngram 2=1\n\n\\1-grams:\n-1.0\ta\t0\n"));
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn write_to(&self, writer: impl Write, vocab: &Vocab, model: &BackoffTrie) -> Result<()> {
        check(vocab, model)?;
        Writer::new(writer, self.precision, vocab, model)
            .write()
            .map_err(|source| problem(ArpaFileProblem::Unwritable { source }))
    }

    fn write_file(
        &self,
        file: &mut File,
        compressed: bool,
        vocab: &Vocab,
        model: &BackoffTrie,
    ) -> io::Result<()> {
        if compressed {
            let mut encoder = GzEncoder::new(file, Compression::default());
            Writer::new(&mut encoder, self.precision, vocab, model).write()?;
            encoder.finish()?;
            Ok(())
        } else {
            Writer::new(file, self.precision, vocab, model).write()
        }
    }
}

/// Refuses what could not be read back.
fn check(vocab: &Vocab, model: &BackoffTrie) -> Result<()> {
    if model.order() > MAX_ORDER {
        return Err(problem(ArpaFileProblem::OrderTooHigh { limit: MAX_ORDER }));
    }
    if vocab.len() != model.vocabulary_size() {
        return Err(Error::VocabularyMismatch { model: model.vocabulary_size(), text: vocab.len() });
    }
    let breaks = |name: &str| name.is_empty() || name.bytes().any(|byte| byte == b'\n' || is_separator(byte));
    match vocab.names().iter().zip(0..).find(|(name, _)| breaks(name)) {
        None => Ok(()),
        Some((word, token)) => Err(problem(ArpaFileProblem::UnwritableWord { token, word: word.clone() })),
    }
}

fn problem(problem: ArpaFileProblem) -> Error {
    Error::ArpaFile { path: None, line: None, problem }
}

struct Writer<'a, W> {
    writer: W,
    buffer: Vec<u8>,
    numbers: zmij::Buffer,
    precision: ArpaPrecision,
    vocab: &'a Vocab,
    start: Option<Token>,
    model: &'a BackoffTrie,
}

impl<'a, W: Write> Writer<'a, W> {
    fn new(writer: W, precision: ArpaPrecision, vocab: &'a Vocab, model: &'a BackoffTrie) -> Self {
        let numbers = zmij::Buffer::new();
        Self { writer, buffer: Vec::new(), numbers, precision, vocab, start: vocab.start(), model }
    }

    fn write(mut self) -> io::Result<()> {
        writeln!(self.buffer, r"\data\")?;
        for length in 1..=self.model.order() {
            writeln!(self.buffer, "ngram {length}={}", self.model.ngram_count(length))?;
        }
        for length in 1..=self.model.order() {
            writeln!(self.buffer, "\n\\{length}-grams:")?;
            self.write_level(length)?;
        }
        writeln!(self.buffer, "\n\\end\\")?;
        self.hand_on()?;
        self.writer.flush()
    }

    fn hand_on(&mut self) -> io::Result<()> {
        self.writer.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the n-grams of one length, context by context.
    fn write_level(&mut self, length: usize) -> io::Result<()> {
        if length == 1 {
            return self.write_children(1, 0..self.model.vocabulary_size(), b"");
        }
        let mut walk = ContextWalk::new(self.model, length - 1);
        let mut words = Vec::new();
        for context in 0..self.model.trie().len(length - 1) {
            let children = self.model.trie().children(length - 1, context);
            if !children.is_empty() {
                walk.write_words(self.vocab, context, &mut words);
                self.write_children(length, children, &words)?;
            }
        }
        Ok(())
    }

    /// Writes the n-grams of a context, whose words are given with a space after each.
    fn write_children(
        &mut self,
        length: usize,
        children: std::ops::Range<usize>,
        words: &[u8],
    ) -> io::Result<()> {
        let model = self.model;
        let has_backoff = length < model.order();
        let implied = model.implied(length);
        let mut implied =
            implied[implied.partition_point(|&number| (number as usize) < children.start)..].iter();
        let mut next_implied = implied.next();
        for number in children {
            if next_implied.is_some_and(|&implied| implied as usize == number) {
                next_implied = implied.next();
                continue;
            }
            let token = model.trie().tokens(length)[number];
            let never = self.start == Some(token);
            if never {
                self.buffer.extend_from_slice(ZERO);
            } else {
                self.push_logarithm(model.probabilities(length)[number].min(1.0));
            }
            self.buffer.push(b'\t');
            self.buffer.extend_from_slice(words);
            self.buffer.extend_from_slice(self.vocab.name(token).as_bytes());
            if has_backoff {
                self.buffer.push(b'\t');
                self.push_logarithm(model.backoffs(length)[number]);
            }
            self.buffer.push(b'\n');
            if self.buffer.len() >= CHUNK {
                self.hand_on()?;
            }
        }
        Ok(())
    }

    fn push_logarithm(&mut self, value: f64) {
        if value == 1.0 {
            self.buffer.push(b'0');
        } else if value == 0.0 {
            self.buffer.extend_from_slice(match self.precision {
                ArpaPrecision::Double => b"-inf",
                ArpaPrecision::Single => ZERO,
            });
        } else {
            let logarithm = value.log10();
            let digits = match self.precision {
                ArpaPrecision::Double => self.numbers.format(logarithm),
                ArpaPrecision::Single => self.numbers.format(logarithm as f32),
            };
            self.buffer.extend_from_slice(digits.as_bytes());
        }
    }
}

/// The words of n-grams of one length in their order, without searching for
/// the context of each.
struct ContextWalk<'a> {
    model: &'a BackoffTrie,
    /// The context of each length up to the current one.
    numbers: Vec<usize>,
}

impl<'a> ContextWalk<'a> {
    fn new(model: &'a BackoffTrie, length: usize) -> Self {
        Self { model, numbers: vec![0; length] }
    }

    /// Writes the words of an n-gram, with a space after each. Numbers ascend.
    fn write_words(&mut self, vocab: &Vocab, number: usize, words: &mut Vec<u8>) {
        let trie = self.model.trie();
        let length = self.numbers.len();
        self.numbers[length - 1] = number;
        for shorter in (1..length).rev() {
            let next = self.numbers[shorter];
            while trie.children(shorter, self.numbers[shorter - 1]).end <= next {
                self.numbers[shorter - 1] += 1;
            }
        }
        words.clear();
        for (at, &number) in self.numbers.iter().enumerate() {
            words.extend_from_slice(vocab.name(trie.tokens(at + 1)[number]).as_bytes());
            words.push(b' ');
        }
    }
}
