//! The windows of a text: contexts and the tokens that followed them.

use super::Token;

/// What follows the end of a document.
///
/// Four of the five answers make a chain that goes on for ever; they are
/// different chains, so the caller chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DocumentEnd {
    /// The documents, joined without a mark, are one circular text: after the
    /// last token comes the first. A text of N tokens has N windows of every
    /// length, so the law of its contexts is exactly stationary for the chain
    /// counted from it.
    #[default]
    Circular,
    /// As circular, but after every document comes an ordinary token `</s>`.
    Token,
    /// Every document starts in the context of K tokens `<s>` and ends with
    /// `</s>`, after which the chain is back at that start. Windows: a document
    /// of m tokens has m + 1, the last of them leading to `</s>`.
    Reset,
    /// As reset, but `</s>` ends for ever: the chain is absorbed. The windows
    /// are the same.
    Absorbing,
    /// Every document is cut at both ends: what came before its first token and
    /// after its last is not known. Windows lie inside documents; a document of
    /// m tokens has m - K of them, or none.
    Open,
}

impl DocumentEnd {
    /// Whether `</s>` follows every document.
    pub fn has_end_token(self) -> bool {
        matches!(self, Self::Token | Self::Reset | Self::Absorbing)
    }

    /// Whether `<s>` fills the context before every document.
    pub fn has_start_token(self) -> bool {
        matches!(self, Self::Reset | Self::Absorbing)
    }

    /// What it is, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Circular => "a circular text",
            Self::Token => "an end-of-text token",
            Self::Reset => "a reset at the end of a document",
            Self::Absorbing => "an absorbing end of a document",
            Self::Open => "an open text",
        }
    }
}

/// The windows of one circular text, in the order of the token that follows.
pub(super) fn circular<E>(
    tokens: &[Token],
    context_length: usize,
    mut visit: impl FnMut(&[Token], Token) -> Result<(), E>,
) -> Result<(), E> {
    let n = tokens.len();
    let mut context = vec![0; context_length];
    for next in 0..n.min(context_length) {
        // The context reaches back over the start of the text, maybe several times around.
        for (back, token) in context.iter_mut().rev().enumerate() {
            *token = tokens[(next + n - 1 - back % n) % n];
        }
        visit(&context, tokens[next])?;
    }
    open(tokens, context_length, visit)
}

/// The windows of a document after a context of start tokens, with an end token.
pub(super) fn padded<E>(
    document: &[Token],
    context_length: usize,
    (start, end): (Token, Token),
    visit: impl FnMut(&[Token], Token) -> Result<(), E>,
) -> Result<(), E> {
    let mut text = vec![start; context_length];
    text.reserve(document.len() + 1);
    text.extend_from_slice(document);
    text.push(end);
    open(&text, context_length, visit)
}

/// The windows inside a document.
pub(super) fn open<E>(
    document: &[Token],
    context_length: usize,
    mut visit: impl FnMut(&[Token], Token) -> Result<(), E>,
) -> Result<(), E> {
    for next in context_length..document.len() {
        visit(&document[next - context_length..next], document[next])?;
    }
    Ok(())
}
