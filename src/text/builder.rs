//! A corpus in the making.

use std::cmp::Reverse;
use std::io::Read;
use std::path::Path;

use rustc_hash::FxHashMap;

use super::corpus::{check_special_tokens, reserved_tokens};
use super::utf8::Utf8Reader;
use super::{Corpus, CorpusSettings, DocumentEnd, Token, UnknownTokens, Vocab};
use crate::error::{Error, Result};
use crate::solve::{Observer, report};

/// An observer and how far the whole work is.
pub(super) struct Watch<'a> {
    pub(super) observer: &'a mut dyn Observer,
    pub(super) before: u64,
    pub(super) total: Option<u64>,
}

impl Watch<'_> {
    fn tell(&mut self, done: u64) -> Result<()> {
        const STAGE: &str = "reading text";
        report(self.observer, STAGE, self.before + done, self.total)
    }
}

/// The names met so far, or those given.
enum Names<'a> {
    /// Provisional tokens, in the order of first occurrence, and their counts.
    Growing {
        tokens: FxHashMap<String, Token>,
        counts: Vec<u64>,
        ascii: Box<[Token; 128]>,
    },
    Given {
        vocab: &'a Vocab,
        reserved: [Option<Token>; 2],
    },
}

/// Marks a single ASCII character not met yet.
const NOT_MET: Token = Token::MAX;

/// A corpus in the making.
pub(super) struct Builder<'a> {
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
    pub(super) fn new(settings: &'a CorpusSettings) -> Result<Self> {
        if settings.minimum_count == 0 {
            return Err(Error::MustBePositive { what: "minimum count" });
        }
        let names = match &settings.vocab {
            None => Names::Growing {
                tokens: FxHashMap::default(),
                counts: Vec::new(),
                ascii: Box::new([NOT_MET; 128]),
            },
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

    pub(super) fn read(
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
    pub(super) fn push(&mut self, text: &str) -> Result<()> {
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
    pub(super) fn end_document(&mut self) -> Result<()> {
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
    pub(super) fn finish(self) -> Result<Corpus> {
        let Self { settings, names, mut tokens, starts, skipped, replaced, .. } = self;
        let vocab = match names {
            Names::Given { vocab, .. } => vocab.clone(),
            Names::Growing { tokens: known, counts, .. } => {
                if tokens.is_empty() {
                    return Err(Error::EmptyText);
                }
                let threshold = settings.most_frequent.map(|kept| rarest_kept(&known, &counts, kept));
                let kept = |name: &str, token: Token| {
                    let count = counts[token as usize];
                    let is_frequent =
                        threshold.is_none_or(|rarest| rarest.is_some_and(|r| (Reverse(count), name) <= r));
                    name == Vocab::UNKNOWN || (count >= settings.minimum_count && is_frequent)
                };
                let mut special = Vec::new();
                let wants_unknown =
                    settings.minimum_count > 1 || threshold.is_some() || settings.unknown_token;
                if wants_unknown && !known.contains_key(Vocab::UNKNOWN) {
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

/// The last of the `kept` most frequent names, and its count; none if nothing is kept.
fn rarest_kept<'a>(
    known: &'a FxHashMap<String, Token>,
    counts: &[u64],
    kept: usize,
) -> Option<(Reverse<u64>, &'a str)> {
    let mut ranked: Vec<_> = known
        .iter()
        .filter(|(name, _)| name.as_str() != Vocab::UNKNOWN)
        .map(|(name, &token)| (Reverse(counts[token as usize]), name.as_str()))
        .collect();
    let last = kept.min(ranked.len()).checked_sub(1)?;
    Some(*ranked.select_nth_unstable(last).1)
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
