//! Repetition counted in a text.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{Error, Result};
use crate::text::Token;

/// seq-rep-n: one minus the number of different n-grams over the number of
/// n-grams (Welleck et al. 2020, "Neural text generation with unlikelihood
/// training", section 4.2). 0 if no n-gram occurs twice.
///
/// `O(length · n)`.
///
/// # Errors
///
/// [`Error::MustBePositive`] for `n = 0`, [`Error::TextTooShort`] for fewer than `n` tokens.
///
/// # Example
///
/// ```
/// use lmchain::loops::ngram_repetition;
///
/// // Seven bigrams, three of them different: 12, 21, 13.
/// assert_eq!(ngram_repetition(&[1, 2, 1, 2, 1, 2, 1, 3], 2)?, 1.0 - 3.0 / 7.0);
/// # Ok::<(), lmchain::Error>(())
/// ```
pub fn ngram_repetition(tokens: &[Token], n: usize) -> Result<f64> {
    check_ngram(tokens.len(), n)?;
    let different: FxHashSet<&[Token]> = tokens.windows(n).collect();
    Ok(1.0 - different.len() as f64 / (tokens.len() - n + 1) as f64)
}

/// rep-w: the share of tokens that occur among the `w` tokens before them
/// (Welleck et al. 2020, section 4.2, on the tokens of a text; the first token
/// has none before it and counts as new).
///
/// `O(length)`.
///
/// # Errors
///
/// [`Error::MustBePositive`] for `w = 0`, [`Error::EmptyText`].
///
/// # Example
///
/// ```
/// use lmchain::loops::window_repetition;
///
/// assert_eq!(window_repetition(&[1, 2, 3, 1, 1], 2)?, 1.0 / 5.0);
/// assert_eq!(window_repetition(&[1, 2, 3, 1, 1], 3)?, 2.0 / 5.0);
/// # Ok::<(), lmchain::Error>(())
/// ```
pub fn window_repetition(tokens: &[Token], w: usize) -> Result<f64> {
    check_window(tokens.len(), w)?;
    let mut last_place: FxHashMap<Token, usize> = FxHashMap::default();
    let mut repeated = 0;
    for (place, &token) in tokens.iter().enumerate() {
        let before = last_place.insert(token, place);
        repeated += usize::from(before.is_some_and(|before| place - before <= w));
    }
    Ok(repeated as f64 / tokens.len() as f64)
}

/// Refuses n-grams that a text of this length does not have.
pub(super) fn check_ngram(length: usize, n: usize) -> Result<()> {
    if n == 0 {
        return Err(Error::MustBePositive { what: "n of seq-rep-n" });
    }
    if length < n { Err(Error::TextTooShort { needed: n }) } else { Ok(()) }
}

/// Refuses a window without tokens, and a text without tokens.
pub(super) fn check_window(length: usize, w: usize) -> Result<()> {
    if w == 0 {
        return Err(Error::MustBePositive { what: "w of rep-w" });
    }
    if length == 0 { Err(Error::EmptyText) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_that_are_too_short_are_refused() {
        assert!(matches!(ngram_repetition(&[1, 2], 0), Err(Error::MustBePositive { .. })));
        assert!(matches!(ngram_repetition(&[1, 2], 3), Err(Error::TextTooShort { needed: 3 })));
        assert!(matches!(window_repetition(&[1, 2], 0), Err(Error::MustBePositive { .. })));
        assert!(matches!(window_repetition(&[], 1), Err(Error::EmptyText)));
    }

    proptest! {
        #[test]
        fn repetition_is_what_a_slow_count_says(tokens in prop::collection::vec(0u32..4, 1..40), n in 1usize..5) {
            prop_assume!(tokens.len() >= n);
            let ngrams: Vec<&[Token]> = tokens.windows(n).collect();
            let is_new = |place: &usize| !ngrams[..*place].contains(&ngrams[*place]);
            let different = (0..ngrams.len()).filter(is_new).count();
            let expected = 1.0 - different as f64 / ngrams.len() as f64;
            prop_assert_eq!(ngram_repetition(&tokens, n).unwrap(), expected);

            let occurs = |place: &usize| tokens[place.saturating_sub(n)..*place].contains(&tokens[*place]);
            let repeated = (0..tokens.len()).filter(occurs).count();
            prop_assert_eq!(window_repetition(&tokens, n).unwrap(), repeated as f64 / tokens.len() as f64);
        }
    }
}
