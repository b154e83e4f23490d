//! Back-off models from n-grams in any order.

use super::restore::restore_suffixes;
use super::trie::TrieBuilder;
use super::{BackoffTrie, MAX_ORDER};
use crate::error::{Error, NgramProblem, Result};
use crate::text::{Token, Vocab};

impl BackoffTrie {
    /// A model from its n-grams, in any order: the tokens of each (oldest first),
    /// its probability after its context, and its back-off weight as a context.
    ///
    /// Every token of the vocabulary needs an n-gram of length 1, and every
    /// n-gram its context, the n-gram without its newest token. A suffix that
    /// lacks, as pruning may leave it, is restored: its probability is what
    /// backing off gives (at most 1), its back-off weight is 1, and it does not
    /// count as one of the model's [own](Self::is_explicit). The back-off
    /// weights of n-grams of the highest order are checked, and not kept.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for an order or a vocabulary size of 0,
    /// [`Error::InvalidSetting`] for an order above 32,
    /// [`Error::VocabularyTooLarge`], [`Error::TokenOutOfRange`],
    /// [`Error::TooManyNgrams`], and [`Error::Ngram`] with the n-gram and the
    /// [`NgramProblem`].
    ///
    /// # Complexity
    ///
    /// `O(n log n)` time for n n-grams, and memory twice that of the model.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::ngram::BackoffTrie;
    ///
    /// // Two tokens; 1 comes after 0 for certain.
    /// let ngrams = [(vec![0], 0.5, 0.0), (vec![1], 0.5, 1.0), (vec![0, 1], 1.0, 1.0)];
    /// let model = BackoffTrie::from_ngrams(2, 2, ngrams)?;
    /// let after = model.state_after(&[0]);
    /// assert_eq!(model.step(after, 1).probability, 1.0);
    /// assert_eq!(model.step(after, 0).probability, 0.0);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn from_ngrams<S: AsRef<[Token]>>(
        vocabulary_size: usize,
        order: usize,
        ngrams: impl IntoIterator<Item = (S, f64, f64)>,
    ) -> Result<Self> {
        check_sizes(vocabulary_size, order)?;
        let mut given = vec![GivenLevel::default(); order];
        for (tokens, probability, backoff) in ngrams {
            let tokens = tokens.as_ref();
            check(tokens, probability, backoff, vocabulary_size, order)?;
            let level = &mut given[tokens.len() - 1];
            level.tokens.extend_from_slice(tokens);
            level.values.push((probability, backoff));
        }
        // Before anything is allocated for the vocabulary, all of it must be there.
        if let Some(token) = first_missing(&given[0].tokens, vocabulary_size) {
            return Err(wrong(&[token], NgramProblem::MissingToken));
        }
        let mut builder = BackoffBuilder::new(vocabulary_size, order);
        for (level, length) in given.into_iter().zip(1..) {
            for (ngram, (probability, backoff)) in level.tokens.chunks_exact(length).zip(level.values) {
                builder.push(ngram, probability, backoff, 0).map_err(|problem| wrong(ngram, problem))?;
            }
            if let Some(duplicate) = builder.end_level()? {
                return Err(wrong(&duplicate.ngram, NgramProblem::Duplicate));
            }
        }
        builder.finish()
    }
}

/// The n-grams of one length as they were given.
#[derive(Debug, Clone, Default)]
struct GivenLevel {
    /// The tokens of one n-gram after the other.
    tokens: Vec<Token>,
    values: Vec<(f64, f64)>,
}

fn check_sizes(vocabulary_size: usize, order: usize) -> Result<()> {
    if order == 0 {
        return Err(Error::MustBePositive { what: "order" });
    }
    if order > MAX_ORDER {
        let requirement = "at most 32";
        return Err(Error::InvalidSetting { name: "order", value: order as f64, requirement });
    }
    if vocabulary_size == 0 {
        return Err(Error::MustBePositive { what: "vocabulary size" });
    }
    if vocabulary_size > Vocab::MAX_LEN {
        return Err(Error::VocabularyTooLarge { size: vocabulary_size, allowed: Vocab::MAX_LEN });
    }
    Ok(())
}

fn check(
    tokens: &[Token],
    probability: f64,
    backoff: f64,
    vocabulary_size: usize,
    order: usize,
) -> Result<()> {
    if tokens.is_empty() || tokens.len() > order {
        return Err(wrong(tokens, NgramProblem::Length { order }));
    }
    if let Some(&token) = tokens.iter().find(|&&token| token as usize >= vocabulary_size) {
        return Err(Error::TokenOutOfRange { token, vocabulary_size });
    }
    if !(0.0..=1.0).contains(&probability) {
        return Err(wrong(tokens, NgramProblem::Probability { value: probability }));
    }
    if !(backoff >= 0.0 && backoff.is_finite()) {
        return Err(wrong(tokens, NgramProblem::Backoff { value: backoff }));
    }
    Ok(())
}

fn wrong(ngram: &[Token], problem: NgramProblem) -> Error {
    Error::Ngram { ngram: ngram.to_vec(), problem }
}

/// One n-gram of the length being given: 32 bytes.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The number of the context, then the token: sorting by it sorts the n-grams.
    key: u64,
    probability: f64,
    backoff: f64,
    /// Where it was given, for messages.
    line: u32,
}

impl Entry {
    fn context(&self) -> usize {
        (self.key >> 32) as usize
    }

    fn token(&self) -> Token {
        self.key as Token
    }
}

/// An n-gram that was given twice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Duplicate {
    pub(super) ngram: Vec<Token>,
    /// The lines given with it, the earlier one first.
    pub(super) lines: [u32; 2],
}

/// Takes n-grams in any order within a length, the shortest first.
///
/// Tokens and values have been checked by whoever gives them, and so has that
/// every single token is there.
#[derive(Debug)]
pub(super) struct BackoffBuilder {
    builder: TrieBuilder,
    probabilities: Vec<Vec<f64>>,
    backoffs: Vec<Vec<f64>>,
    entries: Vec<Entry>,
}

impl BackoffBuilder {
    /// # Panics
    ///
    /// If the order is 0.
    pub(super) fn new(vocabulary_size: usize, order: usize) -> Self {
        Self {
            builder: TrieBuilder::new(vocabulary_size, order),
            probabilities: Vec::with_capacity(order),
            backoffs: Vec::with_capacity(order),
            entries: Vec::new(),
        }
    }

    /// Adds an n-gram of the current length.
    ///
    /// # Errors
    ///
    /// [`NgramProblem::Orphan`] if its context is missing.
    pub(super) fn push(
        &mut self,
        ngram: &[Token],
        probability: f64,
        backoff: f64,
        line: u32,
    ) -> Result<(), NgramProblem> {
        debug_assert_eq!(ngram.len(), self.probabilities.len() + 1);
        let (Some((&token, context)), Some(context_number)) =
            (ngram.split_last(), self.builder.trie().find(&ngram[..ngram.len() - 1]))
        else {
            return Err(NgramProblem::Orphan);
        };
        debug_assert!(context.len() == self.probabilities.len());
        let key = (context_number as u64) << 32 | u64::from(token);
        self.entries.push(Entry { key, probability, backoff, line });
        Ok(())
    }

    /// Ends the n-grams of the current length, or finds one that was given twice.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyNgrams`].
    pub(super) fn end_level(&mut self) -> Result<Option<Duplicate>> {
        let length = self.probabilities.len() + 1;
        let mut entries = std::mem::take(&mut self.entries);
        // The line decides between equals, so that the later one is to blame.
        entries.sort_unstable_by_key(|entry| (entry.key, entry.line));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].key == pair[1].key) {
            let mut ngram = self.builder.trie().ngram(length - 1, pair[0].context());
            ngram.push(pair[0].token());
            return Ok(Some(Duplicate { ngram, lines: [pair[0].line, pair[1].line] }));
        }
        // The single tokens are in the trie from the start.
        if length > 1 {
            for entry in &entries {
                self.builder.push(length, entry.context(), entry.token())?;
            }
            self.builder.close(length);
        }
        self.probabilities.push(entries.iter().map(|entry| entry.probability).collect());
        if length < self.builder.trie().order() {
            self.backoffs.push(entries.iter().map(|entry| entry.backoff).collect());
        }
        Ok(None)
    }

    /// The model, once all levels are ended.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyNgrams`] if the missing suffixes are too many.
    pub(super) fn finish(mut self) -> Result<BackoffTrie> {
        let order = self.builder.trie().order();
        if self.builder.link().is_ok() {
            let trie = self.builder.into_trie();
            return Ok(BackoffTrie::from_parts(
                trie,
                self.probabilities,
                self.backoffs,
                vec![Vec::new(); order],
            ));
        }
        restore_suffixes(&self.builder.into_trie(), &self.probabilities, &self.backoffs)
    }
}

/// The first token of a vocabulary that is not among some of its tokens.
fn first_missing(tokens: &[Token], vocabulary_size: usize) -> Option<Token> {
    let mut tokens = tokens.to_vec();
    tokens.sort_unstable();
    tokens.dedup();
    let first = (0..).zip(&tokens).find(|(expected, token)| expected != *token).map(|(expected, _)| expected);
    first.or((tokens.len() < vocabulary_size).then_some(tokens.len() as Token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unigrams() -> Vec<(Vec<Token>, f64, f64)> {
        vec![(vec![2], 0.25, 1.0), (vec![0], 0.5, 0.5), (vec![1], 0.25, 0.25)]
    }

    fn with(more: &[(&[Token], f64, f64)]) -> Result<BackoffTrie> {
        let more = more.iter().map(|&(tokens, p, b)| (tokens.to_vec(), p, b));
        BackoffTrie::from_ngrams(3, 3, unigrams().into_iter().chain(more))
    }

    fn problem(more: &[(&[Token], f64, f64)]) -> (Vec<Token>, NgramProblem) {
        match with(more) {
            Err(Error::Ngram { ngram, problem }) => (ngram, problem),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_order_in_which_ngrams_are_given_does_not_matter() {
        let ngrams: [(&[Token], f64, f64); 4] =
            [(&[0, 1, 2], 0.9, 1.0), (&[1, 2], 0.7, 2.0), (&[0, 1], 0.6, 0.5), (&[0, 0], 0.1, 1.0)];
        let model = with(&ngrams).unwrap();
        let mut reversed = ngrams;
        reversed.reverse();
        assert_eq!(model, with(&reversed).unwrap());
        assert_eq!((model.ngram_count(1), model.ngram_count(2), model.ngram_count(3)), (3, 3, 1));
        let state = model.state_after(&[0, 1]);
        assert_eq!(model.step(state, 2).probability, 0.9);
        assert_eq!(model.step(state, 0).probability, 0.5 * 0.25 * 0.5);
    }

    #[test]
    fn ngrams_that_do_not_fit_are_named() {
        let orphan = NgramProblem::Orphan;
        assert_eq!(problem(&[(&[0, 1, 2], 0.5, 1.0)]), (vec![0, 1, 2], orphan));
        let twice: [(&[Token], f64, f64); 2] = [(&[0, 1], 0.5, 1.0), (&[0, 1], 0.25, 1.0)];
        assert_eq!(problem(&twice), (vec![0, 1], NgramProblem::Duplicate));
        assert_eq!(problem(&[(&[1], 0.5, 1.0)]), (vec![1], NgramProblem::Duplicate));
        for value in [-0.1, 1.0 + 1e-15, f64::INFINITY] {
            assert_eq!(problem(&[(&[0, 1], value, 1.0)]).1, NgramProblem::Probability { value });
        }
        for value in [-0.1, f64::INFINITY] {
            assert_eq!(problem(&[(&[0, 1], 0.5, value)]).1, NgramProblem::Backoff { value });
        }
        assert!(matches!(problem(&[(&[0, 1], f64::NAN, 1.0)]).1, NgramProblem::Probability { .. }));
        assert!(matches!(problem(&[(&[0, 1], 0.5, f64::NAN)]).1, NgramProblem::Backoff { .. }));
        for tokens in [&[][..], &[0; 4]] {
            assert_eq!(problem(&[(tokens, 0.5, 1.0)]).1, NgramProblem::Length { order: 3 });
        }
        assert!(matches!(
            with(&[(&[0, 3], 0.5, 1.0)]),
            Err(Error::TokenOutOfRange { token: 3, vocabulary_size: 3 })
        ));
    }

    #[test]
    fn every_token_needs_a_probability() {
        for missing in 0..3 {
            let ngrams = unigrams().into_iter().filter(|(tokens, ..)| tokens != &[missing]);
            let Err(Error::Ngram { ngram, problem: NgramProblem::MissingToken }) =
                BackoffTrie::from_ngrams(3, 1, ngrams)
            else {
                panic!("a missing token must be noticed");
            };
            assert_eq!(ngram, [missing]);
        }
    }

    #[test]
    fn models_without_tokens_or_lengths_are_refused() {
        let none: [(Vec<Token>, f64, f64); 0] = [];
        assert!(matches!(BackoffTrie::from_ngrams(0, 1, none.clone()), Err(Error::MustBePositive { .. })));
        assert!(matches!(BackoffTrie::from_ngrams(1, 0, none.clone()), Err(Error::MustBePositive { .. })));
        let hostile = BackoffTrie::from_ngrams(1, usize::MAX, none.clone());
        assert!(matches!(hostile, Err(Error::InvalidSetting { name: "order", .. })));
        let hostile = BackoffTrie::from_ngrams(usize::MAX, 1, none.clone());
        assert!(matches!(hostile, Err(Error::VocabularyTooLarge { .. })));
        let hostile = BackoffTrie::from_ngrams(Vocab::MAX_LEN, 1, none);
        assert!(matches!(hostile, Err(Error::Ngram { problem: NgramProblem::MissingToken, .. })));
    }

    #[test]
    fn longer_levels_may_be_empty() {
        let model = with(&[]).unwrap();
        assert_eq!((model.order(), model.ngram_count(2), model.ngram_count(3)), (3, 0, 0));
        assert_eq!(model.step(model.state_after(&[0, 1]), 2).probability, 0.25 * 0.25);
    }
}
