//! Which tokens followed which contexts, and how often.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::text::{Corpus, Token, sequence_count, sequence_key, write_sequence};

/// For every context length k from 0 to K, the contexts that occur in a corpus
/// and how often each token followed.
///
/// At every length the windows of that length are counted
/// ([`Corpus::for_each_window`]), so that in an open text the shorter contexts
/// include those that no longer window starts with. Contexts are packed into
/// 128 bits, sorted, and found by binary search; memory is 28 bytes a context
/// and 12 bytes a different n-gram.
#[derive(Debug, Clone, PartialEq)]
pub struct NgramCounts {
    vocabulary_size: usize,
    levels: Vec<Level>,
}

/// The tokens that followed one context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuations<'a> {
    tokens: &'a [Token],
    counts: &'a [u64],
    total: u64,
}

impl<'a> Continuations<'a> {
    /// The different tokens, in ascending order: at least one.
    pub fn tokens(&self) -> &'a [Token] {
        self.tokens
    }

    /// How often each of them followed: at least once.
    pub fn counts(&self) -> &'a [u64] {
        self.counts
    }

    /// How often the context occurs: the sum of the counts.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many different tokens followed.
    pub fn distinct(&self) -> usize {
        self.tokens.len()
    }

    /// How often this token followed.
    pub fn count(&self, token: Token) -> u64 {
        self.tokens.binary_search(&token).map_or(0, |at| self.counts[at])
    }
}

/// The counts of one context length.
#[derive(Debug, Clone, PartialEq, Default)]
struct Level {
    /// The contexts as base-V numbers, ascending.
    keys: Vec<u128>,
    totals: Vec<u64>,
    /// Where the continuations of each context end.
    ends: Vec<usize>,
    tokens: Vec<Token>,
    counts: Vec<u64>,
}

impl NgramCounts {
    /// Counts the windows of every context length from 0 to `context_length`.
    ///
    /// Sorts the windows of each length, in parallel; the result does not
    /// depend on the number of threads. While it sorts it needs 8 bytes a
    /// window where V^(K+1) fits in 64 bits, else 32.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for a context length of 0;
    /// [`Error::ContextSpaceTooLarge`] if V^K does not fit in 128 bits;
    /// [`Error::TextTooShort`] if there is no window of that length.
    pub fn from_corpus(corpus: &Corpus, context_length: usize) -> Result<Self> {
        let vocabulary_size = corpus.vocab().len();
        if context_length == 0 {
            return Err(Error::MustBePositive { what: "context length" });
        }
        // A single token takes no bits; two bound the length of its contexts all the same.
        sequence_count(vocabulary_size.max(2), context_length).ok_or(Error::ContextSpaceTooLarge {
            vocabulary_size,
            context_length,
            bits: 128,
        })?;
        if corpus.window_count(context_length) == 0 {
            return Err(Error::TextTooShort { needed: context_length + 1 });
        }
        let levels = (0..=context_length).map(|k| Level::count(corpus, k)).collect();
        Ok(Self { vocabulary_size, levels })
    }

    /// Vocabulary size V.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// The largest context length K that was counted.
    pub fn context_length(&self) -> usize {
        self.levels.len() - 1
    }

    /// What followed a context of at most K tokens, if it occurs.
    ///
    /// Costs a binary search among the contexts of that length.
    ///
    /// # Panics
    ///
    /// If the context is longer than K.
    #[track_caller]
    pub fn continuations(&self, context: &[Token]) -> Option<Continuations<'_>> {
        assert!(context.len() < self.levels.len(), "no contexts of {} tokens were counted", context.len());
        let level = &self.levels[context.len()];
        if context.iter().any(|token| *token as usize >= self.vocabulary_size) {
            return None;
        }
        let at = level.keys.binary_search(&sequence_key(context, self.vocabulary_size)).ok()?;
        Some(level.continuations(at))
    }

    /// Hands out the contexts of `length` tokens that occur, in ascending
    /// order, with what followed.
    ///
    /// # Panics
    ///
    /// If `length` is more than K.
    #[track_caller]
    pub fn for_each_context(&self, length: usize, mut visit: impl FnMut(&[Token], Continuations<'_>)) {
        let level = &self.levels[length];
        let mut context = vec![0; length];
        for (at, &key) in level.keys.iter().enumerate() {
            write_sequence(key, self.vocabulary_size, &mut context);
            visit(&context, level.continuations(at));
        }
    }

    /// How many different contexts of `length` tokens occur.
    ///
    /// # Panics
    ///
    /// If `length` is more than K.
    #[track_caller]
    pub fn context_count(&self, length: usize) -> usize {
        self.levels[length].keys.len()
    }

    /// How many different n-grams occur: contexts of `length` tokens with the next token.
    ///
    /// # Panics
    ///
    /// If `length` is more than K.
    #[track_caller]
    pub fn ngram_count(&self, length: usize) -> usize {
        self.levels[length].tokens.len()
    }

    /// How many different n-grams, contexts of `length` tokens with the next
    /// token, occur exactly once, twice, three and four times.
    ///
    /// # Panics
    ///
    /// If `length` is more than K.
    #[track_caller]
    pub fn counts_of_counts(&self, length: usize) -> [u64; 4] {
        let mut counts_of_counts = [0; 4];
        for &count in &self.levels[length].counts {
            if let 1..=4 = count {
                counts_of_counts[count as usize - 1] += 1;
            }
        }
        counts_of_counts
    }
}

impl Level {
    fn count(corpus: &Corpus, context_length: usize) -> Self {
        let vocabulary_size = corpus.vocab().len();
        let windows = corpus.window_count(context_length);
        let narrow = sequence_count(vocabulary_size, context_length + 1).is_some_and(|n| n <= 1 << 64);
        if narrow {
            let mut ngrams: Vec<u64> = Vec::with_capacity(windows);
            let size = vocabulary_size as u64;
            corpus.for_each_window(context_length, |context, next| {
                let key = context.iter().fold(0, |key, &token| key * size + u64::from(token));
                ngrams.push(key * size + u64::from(next));
            });
            ngrams.par_sort_unstable();
            Self::from_sorted(
                ngrams.into_iter().map(|ngram| (u128::from(ngram / size), (ngram % size) as Token)),
            )
        } else {
            let mut ngrams: Vec<(u128, Token)> = Vec::with_capacity(windows);
            corpus.for_each_window(context_length, |context, next| {
                ngrams.push((sequence_key(context, vocabulary_size), next));
            });
            ngrams.par_sort_unstable();
            Self::from_sorted(ngrams.into_iter())
        }
    }

    /// Counts equal neighbours.
    fn from_sorted(ngrams: impl Iterator<Item = (u128, Token)>) -> Self {
        let mut level = Self::default();
        let mut last = None;
        for (key, token) in ngrams {
            if last == Some((key, token)) {
                if let Some(count) = level.counts.last_mut() {
                    *count += 1;
                }
            } else {
                if last.is_none_or(|(last, _)| last != key) {
                    if last.is_some() {
                        level.ends.push(level.tokens.len());
                    }
                    level.keys.push(key);
                }
                level.tokens.push(token);
                level.counts.push(1);
                last = Some((key, token));
            }
        }
        level.ends.push(level.tokens.len());
        level.totals = (0..level.keys.len()).map(|at| level.counts[level.range(at)].iter().sum()).collect();
        for vector in [&mut level.totals, &mut level.counts] {
            vector.shrink_to_fit();
        }
        level.keys.shrink_to_fit();
        level.ends.shrink_to_fit();
        level.tokens.shrink_to_fit();
        level
    }

    fn range(&self, at: usize) -> std::ops::Range<usize> {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        start..self.ends[at]
    }

    fn continuations(&self, at: usize) -> Continuations<'_> {
        let range = self.range(at);
        Continuations {
            tokens: &self.tokens[range.clone()],
            counts: &self.counts[range],
            total: self.totals[at],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::text::{DocumentEnd, Vocab};

    fn corpus(v: usize, documents: &[Vec<Token>], end: DocumentEnd) -> Corpus {
        let names = (0..v).map(|i| i.to_string()).chain(["<s>".into(), "</s>".into()]).collect();
        Corpus::from_tokens(Vocab::new(names).unwrap(), documents, end).unwrap()
    }

    proptest! {
        #[test]
        fn counts_are_those_of_a_hash_map(
            documents in prop::collection::vec(prop::collection::vec(0..3 as Token, 1..12), 1..4),
            // V^5 fits in 64 bits or does not: two ways to sort.
            v in prop::sample::select(vec![3usize, 9_000]),
            end in prop::sample::select(vec![DocumentEnd::Circular, DocumentEnd::Reset, DocumentEnd::Open]),
        ) {
            let corpus = corpus(v, &documents, end);
            let longest = 4;
            prop_assume!(corpus.window_count(longest) > 0);
            let counts = NgramCounts::from_corpus(&corpus, longest).unwrap();
            for k in 0..=longest {
                let mut slow: HashMap<Vec<Token>, HashMap<Token, u64>> = HashMap::new();
                corpus.for_each_window(k, |context, next| {
                    *slow.entry(context.to_vec()).or_default().entry(next).or_default() += 1;
                });
                prop_assert_eq!(counts.context_count(k), slow.len());
                let mut seen = 0;
                counts.for_each_context(k, |context, continuations| {
                    let expected = &slow[context];
                    assert_eq!(continuations.distinct(), expected.len());
                    assert_eq!(continuations.total(), expected.values().sum::<u64>());
                    for (token, count) in continuations.tokens().iter().zip(continuations.counts()) {
                        assert_eq!(expected[token], *count);
                    }
                    assert_eq!(counts.continuations(context), Some(continuations));
                    seen += 1;
                });
                prop_assert_eq!(seen, slow.len());
                let once = slow.values().flat_map(HashMap::values).filter(|count| **count == 1).count();
                prop_assert_eq!(counts.counts_of_counts(k)[0], once as u64);
                prop_assert_eq!(counts.ngram_count(k), slow.values().map(HashMap::len).sum::<usize>());
            }
        }
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let open = corpus(2, &[vec![0, 1], vec![0]], DocumentEnd::Open);
        assert!(matches!(NgramCounts::from_corpus(&open, 0), Err(Error::MustBePositive { .. })));
        assert!(matches!(NgramCounts::from_corpus(&open, 2), Err(Error::TextTooShort { needed: 3 })));
        assert!(NgramCounts::from_corpus(&open, 1).is_ok());
        assert!(matches!(
            NgramCounts::from_corpus(&open, 64),
            Err(Error::ContextSpaceTooLarge { bits: 128, .. })
        ));
        let circular = corpus(1, &[vec![0]], DocumentEnd::Circular);
        assert!(NgramCounts::from_corpus(&circular, 70).is_ok());
        assert!(matches!(
            NgramCounts::from_corpus(&circular, usize::MAX),
            Err(Error::ContextSpaceTooLarge { .. })
        ));
    }

    #[test]
    fn contexts_outside_the_text_have_no_continuations() {
        let counts = NgramCounts::from_corpus(&corpus(2, &[vec![0, 0]], DocumentEnd::Circular), 1).unwrap();
        assert!(counts.continuations(&[1]).is_none());
        assert!(counts.continuations(&[99]).is_none());
        let after = counts.continuations(&[0]).unwrap();
        assert_eq!((after.count(0), after.count(1), after.total()), (2, 0, 2));
    }
}
