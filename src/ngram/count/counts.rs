//! How often n-grams occur.

use crate::ngram::NgramTrie;
use crate::text::Token;

/// The n-grams of a corpus, up to an order, and how often each occurs.
///
/// Documents start with one `<s>` and end with `</s>` where their
/// [`DocumentEnd`](crate::text::DocumentEnd) says so: n-grams across documents
/// are not counted, nor is `<s>` as a single token, for it is never generated.
/// A circular text goes round. [`CountSettings`](super::CountSettings) counts.
///
/// Memory is 16 bytes an n-gram, 12 for one of the highest order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NgramCounts {
    trie: NgramTrie,
    /// By length, then by number.
    counts: Vec<Vec<u32>>,
    start: Option<Token>,
}

/// The tokens that followed one context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuations<'a> {
    tokens: &'a [Token],
    counts: &'a [u32],
}

impl<'a> Continuations<'a> {
    /// The different tokens, in ascending order: at least one.
    pub fn tokens(&self) -> &'a [Token] {
        self.tokens
    }

    /// How often each of them followed: at least once.
    pub fn counts(&self) -> &'a [u32] {
        self.counts
    }

    /// How often anything followed the context: the sum of the counts.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum()
    }

    /// How many different tokens followed.
    pub fn distinct(&self) -> usize {
        self.tokens.len()
    }

    /// How often this token followed.
    pub fn count(&self, token: Token) -> u32 {
        self.tokens.binary_search(&token).map_or(0, |at| self.counts[at])
    }
}

impl NgramCounts {
    pub(super) fn from_parts(trie: NgramTrie, counts: Vec<Vec<u32>>, start: Option<Token>) -> Self {
        Self { trie, counts, start }
    }

    /// The n-grams, which the counts are for.
    pub fn trie(&self) -> &NgramTrie {
        &self.trie
    }

    /// The n-grams alone, once nobody asks how often they occur.
    pub fn into_trie(self) -> NgramTrie {
        self.trie
    }

    /// The length of the longest n-grams counted.
    pub fn order(&self) -> usize {
        self.trie.order()
    }

    /// Vocabulary size V.
    pub fn vocabulary_size(&self) -> usize {
        self.trie.vocabulary_size()
    }

    /// The counts of all n-grams of a length, in the order of the trie.
    ///
    /// # Panics
    ///
    /// If the length is 0 or more than the order; so do the other methods that
    /// take a length.
    pub fn counts(&self, length: usize) -> &[u32] {
        &self.counts[length - 1]
    }

    /// How often an n-gram occurs. Costs a binary search a token.
    pub fn count(&self, ngram: &[Token]) -> u32 {
        match (ngram, self.trie.find(ngram)) {
            ([_, ..], Some(number)) => self.counts[ngram.len() - 1][number],
            _ => 0,
        }
    }

    /// What followed a context, if anything did.
    ///
    /// The context may be shorter than the order allows, and empty. Costs a
    /// binary search a token.
    ///
    /// # Panics
    ///
    /// If the context has as many tokens as the order or more.
    #[track_caller]
    pub fn continuations(&self, context: &[Token]) -> Option<Continuations<'_>> {
        let length = context.len() + 1;
        assert!(length <= self.order(), "no contexts of {} tokens were counted", context.len());
        let number = self.trie.find(context)?;
        let range =
            if context.is_empty() { 0..self.trie.len(1) } else { self.trie.children(length - 1, number) };
        let counts = &self.counts[length - 1][range.clone()];
        let tokens = &self.trie.tokens(length)[range];
        (!tokens.is_empty()).then_some(Continuations { tokens, counts })
    }

    /// How many different n-grams of a length occur exactly once, twice, three and four times.
    pub fn counts_of_counts(&self, length: usize) -> [u64; 4] {
        counts_of_counts(self.counts(length))
    }

    /// How many different tokens came before each n-gram of a length: the
    /// continuation counts of Kneser & Ney (1995), as Chen & Goodman (1998,
    /// section 3) and Heafield et al. (2013) take them.
    ///
    /// N-grams of the highest order, and those that start with `<s>`, which
    /// nothing comes before, have the number of their occurrences instead. The
    /// open start of a document counts as no token; an n-gram that is found
    /// only there counts once.
    pub fn continuation_counts(&self, length: usize) -> Vec<u32> {
        let occurrences = self.counts(length);
        if length == self.order() {
            return occurrences.to_vec();
        }
        let mut counts = vec![0u32; occurrences.len()];
        for longer in 0..self.trie.len(length + 1) {
            counts[self.trie.suffix(length + 1, longer)] += 1;
        }
        for (count, &occurrences) in counts.iter_mut().zip(occurrences) {
            *count = (*count).max(occurrences.min(1));
        }
        if let Some(start) = self.start {
            let first = self.trie.starting_with(start, length);
            counts[first.clone()].copy_from_slice(&occurrences[first]);
        }
        counts
    }
}

/// How many of some counts are 1, 2, 3 and 4.
pub(crate) fn counts_of_counts(counts: &[u32]) -> [u64; 4] {
    let mut counts_of_counts = [0; 4];
    for &count in counts {
        if let 1..=4 = count {
            counts_of_counts[count as usize - 1] += 1;
        }
    }
    counts_of_counts
}

#[cfg(test)]
#[path = "counts_tests.rs"]
mod tests;
