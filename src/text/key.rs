//! Token sequences as base-V numbers wide enough for most contexts.
//!
//! Where only some contexts are met, `V^K` may be far beyond a `usize`; these
//! numbers have 128 bits. Oldest token first, as in
//! [`ContextSpace`](super::ContextSpace).

use super::Token;
use crate::error::{Error, Result};

/// How many sequences of `length` tokens there are, `V^length`, if they can be
/// numbered in 128 bits.
pub(crate) fn sequence_count(vocabulary_size: usize, length: usize) -> Option<u128> {
    (vocabulary_size as u128).checked_pow(u32::try_from(length).ok()?)
}

/// The number of the last `length` tokens of a prompt.
///
/// # Errors
///
/// [`Error::PromptTooShort`], and [`Error::TokenOutOfRange`] for one of those tokens.
pub(crate) fn prompt_key(prompt: &[Token], length: usize, vocabulary_size: usize) -> Result<u128> {
    let Some(start) = prompt.len().checked_sub(length) else {
        return Err(Error::PromptTooShort { tokens: prompt.len(), needed: length });
    };
    let context = &prompt[start..];
    match context.iter().find(|&&token| token as usize >= vocabulary_size) {
        Some(&token) => Err(Error::TokenOutOfRange { token, vocabulary_size }),
        None => Ok(sequence_key(context, vocabulary_size)),
    }
}

/// The number of a sequence whose length has a [`sequence_count`].
pub(crate) fn sequence_key<'a>(tokens: impl IntoIterator<Item = &'a Token>, vocabulary_size: usize) -> u128 {
    tokens.into_iter().fold(0, |key, &token| key * vocabulary_size as u128 + u128::from(token))
}

/// Writes the tokens of a number into a slice as long as the sequence was.
pub(crate) fn write_sequence(mut key: u128, vocabulary_size: usize, tokens: &mut [Token]) {
    for token in tokens.iter_mut().rev() {
        *token = (key % vocabulary_size as u128) as Token;
        key /= vocabulary_size as u128;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_numbers_of_a_context_space() {
        let space = crate::text::ContextSpace::new(5, 3).unwrap();
        assert_eq!(sequence_count(5, 3), Some(space.len() as u128));
        let mut tokens = [0; 3];
        for context in 0..space.len() {
            write_sequence(context as u128, 5, &mut tokens);
            assert_eq!(tokens.to_vec(), space.tokens(context));
            assert_eq!(sequence_key(&tokens, 5), context as u128);
        }
        assert_eq!(sequence_count(50_000, 9), None);
    }
}
