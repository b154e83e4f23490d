//! Contexts as numbers.

use std::ops::Range;

use crate::error::{Error, Result};

/// A token: an index into a vocabulary.
pub type Token = u32;

/// All contexts of `K` tokens over a vocabulary of `V`, numbered `0..V^K`.
///
/// A context is numbered as a base-`V` number, oldest token first, so the
/// newest token is the last digit. A step appends a token and drops the oldest:
///
/// ```text
/// shift(c, v)   = (c mod V^(K-1)) * V + v
/// unshift(c, a) = a * V^(K-1) + c div V
/// ```
///
/// # Example
///
/// ```
/// use lmchain::text::ContextSpace;
///
/// let space = ContextSpace::new(3, 2)?;
/// let context = space.index(&[0, 2]);
/// assert_eq!(context, 2);
/// assert_eq!(space.tokens(space.shift(context, 1)), [2, 1]);
/// assert_eq!(space.tokens(space.unshift(context, 1)), [1, 0]);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextSpace {
    vocabulary_size: usize,
    context_length: usize,
    suffixes: usize,
}

impl ContextSpace {
    /// The contexts of `context_length` tokens over `vocabulary_size`.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] if either is zero,
    /// [`Error::ContextSpaceTooLarge`] if `V^K` does not fit in a `usize`.
    pub fn new(vocabulary_size: usize, context_length: usize) -> Result<Self> {
        if vocabulary_size == 0 {
            return Err(Error::MustBePositive { what: "vocabulary size" });
        }
        if context_length == 0 {
            return Err(Error::MustBePositive { what: "context length" });
        }
        let too_large = Error::ContextSpaceTooLarge { vocabulary_size, context_length, bits: usize::BITS };
        if vocabulary_size > u32::MAX as usize {
            return Err(too_large);
        }
        let power = |exponent| vocabulary_size.checked_pow(u32::try_from(exponent).ok()?);
        match (power(context_length - 1), power(context_length)) {
            (Some(suffixes), Some(_)) => Ok(Self { vocabulary_size, context_length, suffixes }),
            _ => Err(too_large),
        }
    }

    /// Vocabulary size V.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// Context length K, in tokens.
    pub fn context_length(&self) -> usize {
        self.context_length
    }

    /// Number of contexts, `V^K`.
    #[allow(clippy::len_without_is_empty, reason = "there is always at least one context")]
    pub fn len(&self) -> usize {
        self.suffixes * self.vocabulary_size
    }

    /// Number of contexts without their oldest token, `V^(K-1)`.
    pub fn suffixes(&self) -> usize {
        self.suffixes
    }

    /// The context after `token` was appended and the oldest token dropped.
    pub fn shift(&self, context: usize, token: Token) -> usize {
        (context % self.suffixes) * self.vocabulary_size + token as usize
    }

    /// The numbers of all successors of a context, in the order of the token appended.
    pub fn successors(&self, context: usize) -> Range<usize> {
        let first = (context % self.suffixes) * self.vocabulary_size;
        first..first + self.vocabulary_size
    }

    /// The context before the newest token was appended, when `token` was then the oldest.
    pub fn unshift(&self, context: usize, token: Token) -> usize {
        token as usize * self.suffixes + context / self.vocabulary_size
    }

    /// The newest token of a context.
    pub fn newest(&self, context: usize) -> Token {
        (context % self.vocabulary_size) as Token
    }

    /// The oldest token of a context.
    pub fn oldest(&self, context: usize) -> Token {
        (context / self.suffixes) as Token
    }

    /// The number of a context given as tokens, oldest first.
    ///
    /// # Panics
    ///
    /// If there are not exactly K tokens, or one is outside the vocabulary;
    /// [`try_index`](Self::try_index) is for tokens that come from outside.
    #[track_caller]
    pub fn index(&self, tokens: &[Token]) -> usize {
        match self.try_index(tokens) {
            Ok(index) => index,
            Err(error) => panic!("{error}"),
        }
    }

    /// The number of a context given as tokens, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] if there are not exactly K tokens,
    /// [`Error::TokenOutOfRange`] if one is outside the vocabulary.
    pub fn try_index(&self, tokens: &[Token]) -> Result<usize> {
        if tokens.len() != self.context_length {
            return Err(Error::LengthMismatch { expected: self.context_length, found: tokens.len() });
        }
        tokens.iter().try_fold(0, |index, &token| {
            if (token as usize) < self.vocabulary_size {
                Ok(index * self.vocabulary_size + token as usize)
            } else {
                Err(Error::TokenOutOfRange { token, vocabulary_size: self.vocabulary_size })
            }
        })
    }

    /// The tokens of a context, oldest first.
    pub fn tokens(&self, context: usize) -> Vec<Token> {
        let mut tokens = vec![0; self.context_length];
        self.write_tokens(context, &mut tokens);
        tokens
    }

    /// Writes the tokens of a context, oldest first, into a slice of length K.
    ///
    /// # Panics
    ///
    /// If the slice does not have length K.
    #[track_caller]
    pub fn write_tokens(&self, mut context: usize, tokens: &mut [Token]) {
        assert_eq!(tokens.len(), self.context_length, "one place per token of the context");
        for token in tokens.iter_mut().rev() {
            *token = (context % self.vocabulary_size) as Token;
            context /= self.vocabulary_size;
        }
    }

    /// The context with its tokens in the opposite order: the window-reversal involution.
    pub fn reversed(&self, mut context: usize) -> usize {
        let mut reversed = 0;
        for _ in 0..self.context_length {
            reversed = reversed * self.vocabulary_size + context % self.vocabulary_size;
            context /= self.vocabulary_size;
        }
        reversed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_and_unshift_agree_with_the_tokens() {
        let space = ContextSpace::new(3, 4).unwrap();
        for context in 0..space.len() {
            let tokens = space.tokens(context);
            assert_eq!(space.index(&tokens), context);
            assert_eq!(space.newest(context), tokens[3]);
            assert_eq!(space.oldest(context), tokens[0]);
            for token in 0..3 {
                let next = [&tokens[1..], &[token]].concat();
                assert_eq!(space.shift(context, token), space.index(&next));
                assert_eq!(space.successors(context).nth(token as usize), Some(space.index(&next)));
                let before = [&[token], &tokens[..3]].concat();
                assert_eq!(space.unshift(context, token), space.index(&before));
            }
            let backwards: Vec<_> = tokens.iter().rev().copied().collect();
            assert_eq!(space.reversed(context), space.index(&backwards));
        }
    }

    #[test]
    fn a_space_that_cannot_be_numbered_is_refused() {
        assert!(matches!(ContextSpace::new(50_000, 5), Err(Error::ContextSpaceTooLarge { bits: 64, .. })));
        assert!(matches!(ContextSpace::new(2, usize::MAX), Err(Error::ContextSpaceTooLarge { .. })));
        assert!(matches!(ContextSpace::new(0, 1), Err(Error::MustBePositive { .. })));
        assert!(matches!(ContextSpace::new(2, 0), Err(Error::MustBePositive { .. })));
    }

    #[test]
    fn tokens_from_outside_are_checked() {
        let space = ContextSpace::new(3, 2).unwrap();
        assert!(matches!(space.try_index(&[0, 3]), Err(Error::TokenOutOfRange { token: 3, .. })));
        assert!(matches!(space.try_index(&[0]), Err(Error::LengthMismatch { expected: 2, found: 1 })));
    }
}
