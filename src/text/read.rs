//! Reading text into a corpus.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::builder::{Builder, Watch};
use super::utf8::read_error;
use super::{Corpus, DocumentEnd, InvalidUtf8, Tokenizer, Vocab};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::solve::{Observer, Silent};

/// What to do with tokens outside a given vocabulary that has no `<unk>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UnknownTokens {
    /// Refuse the text, and say which token.
    #[default]
    Reject,
    /// Leave them out, and count; the tokens on both sides then stand side by side.
    Skip,
}

/// How to read a corpus.
///
/// Text is read as a stream: beside the tokens it takes a buffer of fixed size,
/// and the piece of text that cannot be cut yet. A document without tokens is
/// left out. A byte order mark is text like any other.
///
/// # Example
///
/// ```
/// use lmchain::text::{CorpusSettings, Tokenizer};
///
/// let corpus = CorpusSettings::new(Tokenizer::whitespace())
///     .minimum_count(2)
///     .read("to be or not to be".as_bytes())?;
/// assert_eq!(corpus.vocab().names(), ["<unk>", "be", "to"]);
/// assert_eq!(corpus.decode(corpus.tokens()), "to be <unk> <unk> to be");
/// assert_eq!(corpus.unknown(), 2);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CorpusSettings {
    pub(super) tokenizer: Tokenizer,
    pub(super) minimum_count: u64,
    pub(super) most_frequent: Option<usize>,
    pub(super) document_end: DocumentEnd,
    pub(super) invalid_utf8: InvalidUtf8,
    pub(super) unknown_tokens: UnknownTokens,
    pub(super) vocab: Option<Vocab>,
    pub(super) unknown_token: bool,
}

impl CorpusSettings {
    /// Text cut by this tokenizer; every token kept, the text circular, invalid UTF-8 refused.
    pub fn new(tokenizer: Tokenizer) -> Self {
        Self {
            tokenizer,
            minimum_count: 1,
            most_frequent: None,
            document_end: DocumentEnd::default(),
            invalid_utf8: InvalidUtf8::default(),
            unknown_tokens: UnknownTokens::default(),
            vocab: None,
            unknown_token: false,
        }
    }

    /// Tokens that occur less often become `<unk>`. Above 1 the vocabulary has
    /// an `<unk>` even where none is rare. A given vocabulary is not touched.
    #[must_use]
    pub fn minimum_count(mut self, minimum_count: u64) -> Self {
        self.minimum_count = minimum_count;
        self
    }

    /// Keeps so many different tokens, those that occur most often (of equals
    /// the first by name); the others become `<unk>`, which the vocabulary then
    /// has, beside them and the marks of documents. A given vocabulary is not touched.
    #[must_use]
    pub fn most_frequent(mut self, tokens: usize) -> Self {
        self.most_frequent = Some(tokens);
        self
    }

    /// Whether the vocabulary has an `<unk>` even where no token is rare, so
    /// that a model has a probability for what the text does not contain; not
    /// so at first. A given vocabulary is not touched.
    #[must_use]
    pub fn unknown_token(mut self, unknown_token: bool) -> Self {
        self.unknown_token = unknown_token;
        self
    }

    /// What follows the end of a document.
    #[must_use]
    pub fn document_end(mut self, document_end: DocumentEnd) -> Self {
        self.document_end = document_end;
        self
    }

    /// What to do with bytes that are not UTF-8.
    #[must_use]
    pub fn invalid_utf8(mut self, invalid_utf8: InvalidUtf8) -> Self {
        self.invalid_utf8 = invalid_utf8;
        self
    }

    /// Encodes the text with this vocabulary, for held-out text. Tokens outside
    /// it become `<unk>` if it has one; else see [`unknown_tokens`](Self::unknown_tokens).
    #[must_use]
    pub fn vocab(mut self, vocab: Vocab) -> Self {
        self.vocab = Some(vocab);
        self
    }

    /// What to do with tokens outside a given vocabulary that has no `<unk>`.
    #[must_use]
    pub fn unknown_tokens(mut self, unknown_tokens: UnknownTokens) -> Self {
        self.unknown_tokens = unknown_tokens;
        self
    }

    /// Whether the tokenizer finds anything in a text.
    pub(crate) fn has_tokens(&self, text: &str) -> bool {
        self.tokenizer.try_for_each_piece(text, |_| Err(())).is_err()
    }

    /// Reads strings, each a document.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyText`] if there are no tokens; [`Error::ReservedToken`] if
    /// the text contains `<s>`, or `</s>` where that follows every document;
    /// with a given vocabulary [`Error::UnknownToken`] and
    /// [`Error::MissingToken`]; [`Error::MustBePositive`] for a minimum count
    /// of 0; [`Error::VocabularyTooLarge`].
    pub fn read_strings<S: AsRef<str>>(&self, documents: impl IntoIterator<Item = S>) -> Result<Corpus> {
        let mut builder = Builder::new(self)?;
        for document in documents {
            builder.push(document.as_ref())?;
            builder.end_document()?;
        }
        builder.finish()
    }

    /// Reads one document from a reader.
    ///
    /// # Errors
    ///
    /// As [`read_strings`](Self::read_strings); [`Error::Read`] and
    /// [`Error::InvalidUtf8`].
    pub fn read(&self, reader: impl Read) -> Result<Corpus> {
        self.read_watched(reader, &mut Silent)
    }

    /// As [`read`](Self::read), telling an observer how many bytes were read.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); [`Error::Cancelled`] if the observer asks to stop.
    pub fn read_watched(&self, reader: impl Read, observer: &mut dyn Observer) -> Result<Corpus> {
        let mut builder = Builder::new(self)?;
        builder.read(reader, None, false, &mut Watch { observer, before: 0, total: None })?;
        builder.finish()
    }

    /// Reads files, each a document.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); [`Error::Io`] with the path.
    pub fn read_files<P: AsRef<Path>>(&self, paths: &[P]) -> Result<Corpus> {
        self.read_files_watched(paths, &mut Silent)
    }

    /// As [`read_files`](Self::read_files), telling an observer how many bytes were read.
    ///
    /// # Errors
    ///
    /// As [`read_files`](Self::read_files); [`Error::Cancelled`] if the observer asks to stop.
    pub fn read_files_watched<P: AsRef<Path>>(
        &self,
        paths: &[P],
        observer: &mut dyn Observer,
    ) -> Result<Corpus> {
        self.read_paths(paths, false, observer)
    }

    /// Reads a file of which every line is a document.
    ///
    /// A line ends with `\n` or `\r\n`; lines without tokens are left out.
    ///
    /// # Errors
    ///
    /// As [`read_files`](Self::read_files).
    pub fn read_lines(&self, path: impl AsRef<Path>) -> Result<Corpus> {
        self.read_lines_watched(path, &mut Silent)
    }

    /// As [`read_lines`](Self::read_lines), telling an observer how many bytes were read.
    ///
    /// # Errors
    ///
    /// As [`read_lines`](Self::read_lines); [`Error::Cancelled`] if the observer asks to stop.
    pub fn read_lines_watched(&self, path: impl AsRef<Path>, observer: &mut dyn Observer) -> Result<Corpus> {
        self.read_paths(&[path], true, observer)
    }

    fn read_paths<P: AsRef<Path>>(
        &self,
        paths: &[P],
        by_line: bool,
        observer: &mut dyn Observer,
    ) -> Result<Corpus> {
        let mut builder = Builder::new(self)?;
        let mut total = 0;
        for path in paths {
            let path = path.as_ref();
            total += std::fs::metadata(path).map_err(|source| read_error(Some(path), source))?.len();
        }
        let mut watch = Watch { observer, before: 0, total: Some(total) };
        for path in paths {
            let path = path.as_ref();
            let file = File::open(path).map_err(|source| read_error(Some(path), source))?;
            builder.read(file, Some(path), by_line, &mut watch)?;
        }
        builder.finish()
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
