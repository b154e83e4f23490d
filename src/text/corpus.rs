//! A text as tokens.

use super::{CorpusSettings, DocumentEnd, Token, Tokenizer, Vocab, windows};
use crate::error::{Error, Result};

/// A corpus: documents as tokens, their vocabulary, the tokenizer that cut
/// them, and what follows the end of a document.
///
/// [`CorpusSettings`] reads one from text. It takes four bytes a token.
///
/// # Example
///
/// ```
/// use lmchain::text::{CorpusSettings, DocumentEnd, Tokenizer};
///
/// let corpus = CorpusSettings::new(Tokenizer::whitespace())
///     .document_end(DocumentEnd::Reset)
///     .read_strings(["the cat sat", "the dog"])?;
/// assert_eq!(corpus.vocab().names(), ["<s>", "</s>", "cat", "dog", "sat", "the"]);
/// let mut windows = Vec::new();
/// corpus.for_each_window(1, |context, next| windows.push((context[0], next)));
/// assert_eq!(windows, [(0, 5), (5, 2), (2, 4), (4, 1), (0, 5), (5, 3), (3, 1)]);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Corpus {
    vocab: Vocab,
    tokenizer: Tokenizer,
    document_end: DocumentEnd,
    tokens: Vec<Token>,
    /// Where each document starts in `tokens`; none is empty.
    starts: Vec<usize>,
    /// Tokens left out because the vocabulary does not have them.
    skipped: usize,
    /// Invalid sequences of bytes replaced by U+FFFD.
    replaced: usize,
}

/// Tokens that stand in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch<'a> {
    pub(crate) tokens: &'a [Token],
    /// Whether the first token follows the last.
    pub(crate) circular: bool,
}

/// A text encoded with a vocabulary that it may go beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedText {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// How many of them are `<unk>`.
    pub unknown: usize,
    /// How many more were left out, for want of an `<unk>`. The tokens on both
    /// sides then stand side by side.
    pub skipped: usize,
}

impl Corpus {
    /// A corpus from documents that are tokens already.
    ///
    /// Documents without tokens are left out. The tokenizer is taken to be
    /// [`Tokenizer::whitespace`]; see [`with_tokenizer`](Self::with_tokenizer).
    ///
    /// # Errors
    ///
    /// [`Error::TokenOutOfRange`]; [`Error::EmptyText`];
    /// [`Error::MissingToken`] if the rule for the ends of documents needs a
    /// token that the vocabulary lacks; [`Error::ReservedToken`] if a document
    /// contains `<s>`, or `</s>` where that follows every document.
    pub fn from_tokens<D: AsRef<[Token]>>(
        vocab: Vocab,
        documents: impl IntoIterator<Item = D>,
        document_end: DocumentEnd,
    ) -> Result<Self> {
        check_special_tokens(&vocab, document_end)?;
        let reserved = reserved_tokens(&vocab, document_end);
        let (mut tokens, mut starts) = (Vec::new(), Vec::new());
        for document in documents {
            let document = document.as_ref();
            if !document.is_empty() {
                starts.push(tokens.len());
            }
            for &token in document {
                if token as usize >= vocab.len() {
                    return Err(Error::TokenOutOfRange { token, vocabulary_size: vocab.len() });
                }
                if reserved.contains(&Some(token)) {
                    let name = vocab.name(token).to_owned();
                    return Err(Error::ReservedToken { name, position: tokens.len() });
                }
                tokens.push(token);
            }
        }
        Self::from_parts(vocab, Tokenizer::whitespace(), document_end, tokens, starts)
    }

    /// A corpus from tokens that are known to be in range and not reserved.
    pub(super) fn from_parts(
        vocab: Vocab,
        tokenizer: Tokenizer,
        document_end: DocumentEnd,
        tokens: Vec<Token>,
        starts: Vec<usize>,
    ) -> Result<Self> {
        if tokens.is_empty() {
            return Err(Error::EmptyText);
        }
        Ok(Self { vocab, tokenizer, document_end, tokens, starts, skipped: 0, replaced: 0 })
    }

    pub(super) fn with_losses(self, skipped: usize, replaced: usize) -> Self {
        Self { skipped, replaced, ..self }
    }

    /// The same corpus with another tokenizer for [`encode`](Self::encode) and
    /// [`decode`](Self::decode).
    #[must_use]
    pub fn with_tokenizer(self, tokenizer: Tokenizer) -> Self {
        Self { tokenizer, ..self }
    }

    /// The same text read from right to left: the tokens of every document, and
    /// the documents, in the opposite order. `<s>` and `</s>` keep their parts.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let (mut tokens, mut starts) = (Vec::with_capacity(self.tokens.len()), Vec::new());
        let documents: Vec<&[Token]> = self.documents().collect();
        for document in documents.into_iter().rev() {
            starts.push(tokens.len());
            tokens.extend(document.iter().rev());
        }
        Self { tokens, starts, ..self.clone() }
    }

    /// The vocabulary.
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// What follows the end of a document.
    pub fn document_end(&self) -> DocumentEnd {
        self.document_end
    }

    /// The tokens of all documents, without start and end tokens.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The documents, without start and end tokens.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = &[Token]> {
        self.starts.iter().enumerate().map(|(document, &start)| {
            let end = self.starts.get(document + 1).copied().unwrap_or(self.tokens.len());
            &self.tokens[start..end]
        })
    }

    /// How many tokens are `<unk>`.
    pub fn unknown(&self) -> usize {
        count_unknown(&self.vocab, &self.tokens)
    }

    /// How many tokens were left out because a given vocabulary does not have them.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// How many invalid sequences of bytes became U+FFFD.
    pub fn replaced(&self) -> usize {
        self.replaced
    }

    /// The context in which every document starts, K tokens `<s>`, if documents have such a start.
    pub fn start_context(&self, context_length: usize) -> Option<Vec<Token>> {
        let start = self.vocab.start().filter(|_| self.document_end.has_start_token())?;
        Some(vec![start; context_length])
    }

    /// Hands out the windows: every context of `context_length` tokens with the
    /// token that followed, as [`DocumentEnd`] lays down, in the order of the text.
    ///
    /// These are the transitions that n-gram models count and that the chain
    /// observed in the text makes. A context length of 0 gives the single tokens.
    pub fn for_each_window(&self, context_length: usize, mut visit: impl FnMut(&[Token], Token)) {
        let done: Result<(), std::convert::Infallible> =
            self.try_for_each_window(context_length, |context, next| {
                visit(context, next);
                Ok(())
            });
        match done {
            Ok(()) => {}
        }
    }

    /// As [`for_each_window`](Self::for_each_window), up to the first error.
    ///
    /// # Errors
    ///
    /// What `visit` returns.
    pub fn try_for_each_window<E>(
        &self,
        context_length: usize,
        mut visit: impl FnMut(&[Token], Token) -> Result<(), E>,
    ) -> Result<(), E> {
        let ends = (self.vocab.start(), self.vocab.end());
        match (self.document_end, ends) {
            (DocumentEnd::Token, (_, Some(end))) => {
                let mut text = Vec::with_capacity(self.tokens.len() + self.starts.len());
                for document in self.documents() {
                    text.extend_from_slice(document);
                    text.push(end);
                }
                windows::circular(&text, context_length, visit)
            }
            (DocumentEnd::Reset | DocumentEnd::Absorbing, (Some(start), Some(end))) => self
                .documents()
                .try_for_each(|document| windows::padded(document, context_length, (start, end), &mut visit)),
            (DocumentEnd::Open, _) => {
                self.documents().try_for_each(|document| windows::open(document, context_length, &mut visit))
            }
            // Every corpus was checked to have the tokens its rule needs.
            (DocumentEnd::Circular | DocumentEnd::Token | DocumentEnd::Reset | DocumentEnd::Absorbing, _) => {
                windows::circular(&self.tokens, context_length, visit)
            }
        }
    }

    /// Hands out the stretches of text that n-grams lie in: documents with
    /// their start and end tokens, or one circular text.
    ///
    /// # Errors
    ///
    /// What `visit` returns.
    pub(crate) fn try_for_each_stretch<E>(
        &self,
        mut visit: impl FnMut(Stretch<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut text = Vec::new();
        match (self.document_end, self.vocab.start(), self.vocab.end()) {
            (DocumentEnd::Token, _, Some(end)) => {
                text.reserve(self.stretch_tokens());
                for document in self.documents() {
                    text.extend_from_slice(document);
                    text.push(end);
                }
                visit(Stretch { tokens: &text, circular: true })
            }
            (DocumentEnd::Reset | DocumentEnd::Absorbing, Some(start), Some(end)) => {
                self.documents().try_for_each(|document| {
                    text.clear();
                    text.push(start);
                    text.extend_from_slice(document);
                    text.push(end);
                    visit(Stretch { tokens: &text, circular: false })
                })
            }
            (DocumentEnd::Open, ..) => {
                self.documents().try_for_each(|tokens| visit(Stretch { tokens, circular: false }))
            }
            // Every corpus was checked to have the tokens its rule needs.
            (
                DocumentEnd::Circular | DocumentEnd::Token | DocumentEnd::Reset | DocumentEnd::Absorbing,
                ..,
            ) => visit(Stretch { tokens: &self.tokens, circular: true }),
        }
    }

    /// How many tokens all stretches have.
    pub(crate) fn stretch_tokens(&self) -> usize {
        let marks =
            usize::from(self.document_end.has_start_token()) + usize::from(self.document_end.has_end_token());
        self.tokens.len() + marks * self.starts.len()
    }

    /// How many windows of a context length there are.
    pub fn window_count(&self, context_length: usize) -> usize {
        match self.document_end {
            DocumentEnd::Circular => self.tokens.len(),
            DocumentEnd::Open => {
                self.documents().map(|document| document.len().saturating_sub(context_length)).sum()
            }
            _ => self.tokens.len() + self.starts.len(),
        }
    }

    /// Another text as tokens of this vocabulary; tokens outside it become `<unk>`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownToken`] for a token outside a vocabulary without `<unk>`.
    pub fn encode(&self, text: &str) -> Result<EncodedText> {
        self.encode_with(text, |name, position| Err(Error::UnknownToken { name: name.to_owned(), position }))
    }

    /// As [`encode`](Self::encode), but tokens outside a vocabulary without
    /// `<unk>` are left out and counted.
    pub fn encode_skipping(&self, text: &str) -> EncodedText {
        let encoded: Result<_, std::convert::Infallible> = self.encode_with(text, |_, _| Ok(()));
        match encoded {
            Ok(encoded) => encoded,
        }
    }

    fn encode_with<E>(
        &self,
        text: &str,
        miss: impl Fn(&str, usize) -> Result<(), E>,
    ) -> Result<EncodedText, E> {
        let (mut tokens, mut skipped) = (Vec::new(), 0);
        self.tokenizer.try_for_each_piece(text, |piece| {
            match self.vocab.token(piece).or(self.vocab.unknown()) {
                Some(token) => tokens.push(token),
                None => {
                    miss(piece, tokens.len() + skipped)?;
                    skipped += 1;
                }
            }
            Ok(())
        })?;
        Ok(EncodedText { unknown: count_unknown(&self.vocab, &tokens), tokens, skipped })
    }

    /// Readable text; see [`Tokenizer::join`].
    ///
    /// # Panics
    ///
    /// If a token is outside the vocabulary.
    #[track_caller]
    pub fn decode(&self, tokens: &[Token]) -> String {
        self.tokenizer.join(tokens.iter().map(|&token| self.vocab.name(token)))
    }

    /// Settings that read a held-out text as this one was read, with its vocabulary.
    pub fn held_out_settings(&self) -> CorpusSettings {
        CorpusSettings::new(self.tokenizer.clone()).document_end(self.document_end).vocab(self.vocab.clone())
    }
}

fn count_unknown(vocab: &Vocab, tokens: &[Token]) -> usize {
    match vocab.unknown() {
        Some(unknown) => tokens.iter().filter(|token| **token == unknown).count(),
        None => 0,
    }
}

/// The tokens that no document may contain.
pub(super) fn reserved_tokens(vocab: &Vocab, document_end: DocumentEnd) -> [Option<Token>; 2] {
    [vocab.start(), vocab.end().filter(|_| document_end.has_end_token())]
}

/// Whether the vocabulary has the tokens that the ends of documents need.
pub(super) fn check_special_tokens(vocab: &Vocab, document_end: DocumentEnd) -> Result<()> {
    let missing = |name| Err(Error::MissingToken { name, needed_for: document_end.name() });
    if document_end.has_end_token() && vocab.end().is_none() {
        return missing(Vocab::END);
    }
    if document_end.has_start_token() && vocab.start().is_none() {
        return missing(Vocab::START);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocab(names: &[&str]) -> Vocab {
        Vocab::new(names.iter().map(|name| (*name).to_owned()).collect()).unwrap()
    }

    fn windows(document_end: DocumentEnd, documents: &[&[Token]], k: usize) -> Vec<(Vec<Token>, Token)> {
        let vocab = vocab(&["a", "b", "c", "<s>", "</s>"]);
        let corpus = Corpus::from_tokens(vocab, documents, document_end).unwrap();
        let mut windows = Vec::new();
        corpus.for_each_window(k, |context, next| windows.push((context.to_vec(), next)));
        assert_eq!(windows.len(), corpus.window_count(k));
        windows
    }

    fn pairs(windows: &[(&[Token], Token)]) -> Vec<(Vec<Token>, Token)> {
        windows.iter().map(|(context, next)| (context.to_vec(), *next)).collect()
    }

    #[test]
    fn each_rule_for_the_ends_gives_its_windows() {
        let documents: [&[Token]; 3] = [&[0, 1], &[], &[2]];
        assert_eq!(
            windows(DocumentEnd::Circular, &documents, 2),
            pairs(&[(&[1, 2], 0), (&[2, 0], 1), (&[0, 1], 2)])
        );
        assert_eq!(
            windows(DocumentEnd::Token, &documents, 1),
            pairs(&[(&[4], 0), (&[0], 1), (&[1], 4), (&[4], 2), (&[2], 4)])
        );
        let reset = pairs(&[(&[3, 3], 0), (&[3, 0], 1), (&[0, 1], 4), (&[3, 3], 2), (&[3, 2], 4)]);
        assert_eq!(windows(DocumentEnd::Reset, &documents, 2), reset);
        assert_eq!(windows(DocumentEnd::Absorbing, &documents, 2), reset);
        assert_eq!(windows(DocumentEnd::Open, &documents, 1), pairs(&[(&[0], 1)]));
        assert_eq!(windows(DocumentEnd::Open, &documents, 0), pairs(&[(&[], 0), (&[], 1), (&[], 2)]));
    }

    #[test]
    fn a_circular_text_shorter_than_the_context_goes_around() {
        let expected = pairs(&[(&[1, 0, 1, 0, 1], 0), (&[0, 1, 0, 1, 0], 1)]);
        assert_eq!(windows(DocumentEnd::Circular, &[&[0, 1]], 5), expected);
        assert_eq!(windows(DocumentEnd::Circular, &[&[2]], 3), pairs(&[(&[2, 2, 2], 2)]));
    }

    #[test]
    fn tokens_that_do_not_belong_are_refused() {
        let names = ["a", "<s>", "</s>"];
        let build = |tokens: &[Token], end| Corpus::from_tokens(vocab(&names), [tokens], end).map(|_| ());
        assert!(matches!(build(&[0, 3], DocumentEnd::Open), Err(Error::TokenOutOfRange { token: 3, .. })));
        assert!(matches!(build(&[0, 1], DocumentEnd::Open), Err(Error::ReservedToken { position: 1, .. })));
        assert!(matches!(build(&[2], DocumentEnd::Reset), Err(Error::ReservedToken { position: 0, .. })));
        assert!(build(&[0, 2], DocumentEnd::Circular).is_ok());
        assert!(matches!(build(&[], DocumentEnd::Circular), Err(Error::EmptyText)));
        let bare = Corpus::from_tokens(vocab(&["a", "</s>"]), [[0]], DocumentEnd::Absorbing);
        assert!(matches!(bare, Err(Error::MissingToken { name: "<s>", .. })));
        let bare = Corpus::from_tokens(vocab(&["a"]), [[0]], DocumentEnd::Token);
        assert!(matches!(bare, Err(Error::MissingToken { name: "</s>", .. })));
    }

    #[test]
    fn a_text_read_backwards_has_its_windows_backwards() {
        let documents: [&[Token]; 2] = [&[0, 1], &[2, 1, 0]];
        let corpus = Corpus::from_tokens(vocab(&["a", "b", "c"]), documents, DocumentEnd::Circular).unwrap();
        let reversed = corpus.reversed();
        assert_eq!(reversed.documents().collect::<Vec<_>>(), [&[0, 1, 2][..], &[1, 0]]);
        assert_eq!(reversed.reversed(), corpus);
        let pairs = |corpus: &Corpus, swap: bool| {
            let mut pairs = Vec::new();
            corpus.for_each_window(1, |c, next| pairs.push(if swap { (next, c[0]) } else { (c[0], next) }));
            pairs.sort_unstable();
            pairs
        };
        assert_eq!(pairs(&corpus, true), pairs(&reversed, false));
    }

    #[test]
    fn another_text_is_encoded_with_the_vocabulary() {
        let closed = Corpus::from_tokens(vocab(&["a", "b"]), [[0, 1]], DocumentEnd::Open).unwrap();
        assert_eq!(closed.encode("b a").unwrap().tokens, [1, 0]);
        assert!(matches!(
            closed.encode("b x a"),
            Err(Error::UnknownToken { name, position: 1 }) if name == "x"
        ));
        let skipped = EncodedText { tokens: vec![1, 0], unknown: 0, skipped: 2 };
        assert_eq!(closed.encode_skipping("b x a y"), skipped);
        let open = Corpus::from_tokens(vocab(&["a", "<unk>"]), [[0, 1]], DocumentEnd::Open).unwrap();
        assert_eq!(open.encode("x a").unwrap(), EncodedText { tokens: vec![1, 0], unknown: 1, skipped: 0 });
        assert_eq!(open.unknown(), 1);
        assert_eq!(open.decode(&[0, 1, 0]), "a <unk> a");
        assert_eq!(open.with_tokenizer(Tokenizer::characters()).decode(&[0, 0]), "aa");
    }
}
