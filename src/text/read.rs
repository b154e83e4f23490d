//! Reading text into a corpus.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustc_hash::FxHashMap;

use super::corpus::{check_special_tokens, reserved_tokens};
use super::utf8::{Utf8Reader, read_error};
use super::{Corpus, DocumentEnd, InvalidUtf8, Token, Tokenizer, Vocab};
use crate::error::{Error, Result};
use crate::solve::{Observer, Progress, Silent};

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
    tokenizer: Tokenizer,
    minimum_count: u64,
    document_end: DocumentEnd,
    invalid_utf8: InvalidUtf8,
    unknown_tokens: UnknownTokens,
    vocab: Option<Vocab>,
}

impl CorpusSettings {
    /// Text cut by this tokenizer; every token kept, the text circular, invalid UTF-8 refused.
    pub fn new(tokenizer: Tokenizer) -> Self {
        Self {
            tokenizer,
            minimum_count: 1,
            document_end: DocumentEnd::default(),
            invalid_utf8: InvalidUtf8::default(),
            unknown_tokens: UnknownTokens::default(),
            vocab: None,
        }
    }

    /// Tokens that occur less often become `<unk>`. Above 1 the vocabulary has
    /// an `<unk>` even where none is rare. A given vocabulary is not touched.
    #[must_use]
    pub fn minimum_count(mut self, minimum_count: u64) -> Self {
        self.minimum_count = minimum_count;
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

/// An observer and how far the whole work is.
struct Watch<'a> {
    observer: &'a mut dyn Observer,
    before: u64,
    total: Option<u64>,
}

impl Watch<'_> {
    fn tell(&mut self, done: u64) -> Result<()> {
        const STAGE: &str = "reading text";
        let progress = Progress { stage: STAGE, done: self.before + done, total: self.total, residual: None };
        match self.observer.observe(&progress) {
            std::ops::ControlFlow::Continue(()) => Ok(()),
            std::ops::ControlFlow::Break(()) => Err(Error::Cancelled { stage: STAGE }),
        }
    }
}

/// The names met so far, or those given.
enum Names<'a> {
    /// Provisional tokens, in the order of first occurrence, and their counts.
    Growing {
        tokens: FxHashMap<String, Token>,
        counts: Vec<u64>,
        ascii: [Token; 128],
    },
    Given {
        vocab: &'a Vocab,
        reserved: [Option<Token>; 2],
    },
}

/// Marks a single ASCII character not met yet.
const NOT_MET: Token = Token::MAX;

/// A corpus in the making.
struct Builder<'a> {
    settings: &'a CorpusSettings,
    names: Names<'a>,
    tokens: Vec<Token>,
    starts: Vec<usize>,
    document: usize,
    /// Text that cannot be cut before more of it is seen.
    pending: String,
    /// Bytes of it in which there is no place to cut.
    scanned: usize,
    skipped: usize,
    replaced: usize,
}

impl<'a> Builder<'a> {
    fn new(settings: &'a CorpusSettings) -> Result<Self> {
        if settings.minimum_count == 0 {
            return Err(Error::MustBePositive { what: "minimum count" });
        }
        let names = match &settings.vocab {
            None => {
                Names::Growing { tokens: FxHashMap::default(), counts: Vec::new(), ascii: [NOT_MET; 128] }
            }
            Some(vocab) => {
                check_special_tokens(vocab, settings.document_end)?;
                Names::Given { vocab, reserved: reserved_tokens(vocab, settings.document_end) }
            }
        };
        Ok(Self {
            settings,
            names,
            tokens: Vec::new(),
            starts: Vec::new(),
            document: 0,
            pending: String::new(),
            scanned: 0,
            skipped: 0,
            replaced: 0,
        })
    }

    fn read(
        &mut self,
        reader: impl Read,
        path: Option<&Path>,
        by_line: bool,
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let mut reader = Utf8Reader::new(reader, path, self.settings.invalid_utf8);
        let mut text = String::new();
        let mut held_return = false;
        while reader.read_piece(&mut text)? {
            if by_line {
                self.push_lines(&text, &mut held_return)?;
            } else {
                self.push(&text)?;
            }
            watch.tell(reader.offset())?;
        }
        if held_return {
            self.push("\r")?;
        }
        self.end_document()?;
        self.replaced += reader.replaced();
        watch.before += reader.offset();
        Ok(())
    }

    /// Adds text of which every line is a document; a carriage return at the end
    /// of the text is held back until it is known whether the line ends there.
    fn push_lines(&mut self, text: &str, held_return: &mut bool) -> Result<()> {
        for (line, part) in text.split('\n').enumerate() {
            if line > 0 {
                *held_return = false;
                self.end_document()?;
            }
            if part.is_empty() {
                continue;
            }
            if std::mem::take(held_return) {
                self.push("\r")?;
            }
            let (part, held) = match part.strip_suffix('\r') {
                Some(part) => (part, true),
                None => (part, false),
            };
            *held_return = held;
            self.push(part)?;
        }
        Ok(())
    }

    /// Adds text to the document.
    fn push(&mut self, text: &str) -> Result<()> {
        if self.settings.tokenizer.is_memoryless() {
            return self.cut(text);
        }
        let mut pending = std::mem::take(&mut self.pending);
        pending.push_str(text);
        match self.settings.tokenizer.split_point_after(&pending, self.scanned) {
            Some(split) => {
                self.cut(&pending[..split])?;
                pending.drain(..split);
                self.scanned = 0;
            }
            // The last character may yet prove a place to cut.
            None => self.scanned = pending.char_indices().next_back().map_or(0, |(last, _)| last),
        }
        self.pending = pending;
        Ok(())
    }

    /// Ends the document; without tokens, it is left out.
    fn end_document(&mut self) -> Result<()> {
        let mut pending = std::mem::take(&mut self.pending);
        self.cut(&pending)?;
        pending.clear();
        self.pending = pending;
        self.scanned = 0;
        if self.tokens.len() > self.document {
            self.starts.push(self.document);
            self.document = self.tokens.len();
        }
        Ok(())
    }

    /// Adds the tokens of text that may be cut here.
    fn cut(&mut self, text: &str) -> Result<()> {
        let Self { settings, names, tokens, skipped, .. } = self;
        settings.tokenizer.try_for_each_piece(text, |piece| {
            let position = tokens.len() + *skipped;
            match names {
                Names::Growing { tokens: known, counts, ascii } => {
                    let token = known_token(known, ascii, piece);
                    let token = match token {
                        Some(token) => token,
                        None => {
                            check_not_reserved(piece, position, settings.document_end)?;
                            let token = new_token(counts.len())?;
                            known.insert(piece.to_owned(), token);
                            if let [byte @ 0..128] = piece.as_bytes() {
                                ascii[usize::from(*byte)] = token;
                            }
                            counts.push(0);
                            token
                        }
                    };
                    counts[token as usize] += 1;
                    tokens.push(token);
                }
                Names::Given { vocab, reserved } => match vocab.token(piece).or(vocab.unknown()) {
                    Some(token) if reserved.contains(&Some(token)) => {
                        return Err(Error::ReservedToken { name: piece.to_owned(), position });
                    }
                    Some(token) => tokens.push(token),
                    None if settings.unknown_tokens == UnknownTokens::Skip => *skipped += 1,
                    None => return Err(Error::UnknownToken { name: piece.to_owned(), position }),
                },
            }
            Ok(())
        })
    }

    /// The corpus, its tokens numbered for good.
    fn finish(self) -> Result<Corpus> {
        let Self { settings, names, mut tokens, starts, skipped, replaced, .. } = self;
        let vocab = match names {
            Names::Given { vocab, .. } => vocab.clone(),
            Names::Growing { tokens: known, counts, .. } => {
                if tokens.is_empty() {
                    return Err(Error::EmptyText);
                }
                let kept = |name: &str, token: Token| {
                    name == Vocab::UNKNOWN || counts[token as usize] >= settings.minimum_count
                };
                let mut special = Vec::new();
                if settings.minimum_count > 1 && !known.contains_key(Vocab::UNKNOWN) {
                    special.push(Vocab::UNKNOWN);
                }
                if settings.document_end.has_start_token() {
                    special.push(Vocab::START);
                }
                if settings.document_end.has_end_token() {
                    special.push(Vocab::END);
                }
                let names = known.iter().filter(|(name, token)| kept(name, **token));
                let names = names.map(|(name, _)| name.as_str()).chain(special);
                let vocab = Vocab::sorted(names.map(str::to_owned).collect())?;
                // What was not kept is numbered as `<unk>`, which is there if anything was not kept.
                let mut numbers = vec![vocab.unknown().unwrap_or(0); counts.len()];
                for (name, provisional) in &known {
                    if let Some(token) = vocab.token(name) {
                        numbers[*provisional as usize] = token;
                    }
                }
                for token in &mut tokens {
                    *token = numbers[*token as usize];
                }
                vocab
            }
        };
        tokens.shrink_to_fit();
        let corpus =
            Corpus::from_parts(vocab, settings.tokenizer.clone(), settings.document_end, tokens, starts)?;
        Ok(corpus.with_losses(skipped, replaced))
    }
}

/// The provisional token of a piece, if it was met; single ASCII characters without hashing.
fn known_token(known: &FxHashMap<String, Token>, ascii: &[Token; 128], piece: &str) -> Option<Token> {
    match piece.as_bytes() {
        [byte @ 0..128] => Some(ascii[usize::from(*byte)]).filter(|token| *token != NOT_MET),
        _ => known.get(piece).copied(),
    }
}

/// The next provisional token.
fn new_token(met: usize) -> Result<Token> {
    if met >= Vocab::MAX_LEN {
        return Err(Error::VocabularyTooLarge { size: met + 1, allowed: Vocab::MAX_LEN });
    }
    Ok(met as Token)
}

fn check_not_reserved(piece: &str, position: usize, document_end: DocumentEnd) -> Result<()> {
    if piece == Vocab::START || (piece == Vocab::END && document_end.has_end_token()) {
        return Err(Error::ReservedToken { name: piece.to_owned(), position });
    }
    Ok(())
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
