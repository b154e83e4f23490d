//! Sets of n-grams with their contexts and suffixes.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::text::Token;

/// A set of n-grams of lengths 1 to the order, closed under taking contexts and
/// suffixes, that every single token belongs to.
///
/// The n-grams of one length are numbered in the order of their tokens, oldest
/// first, so that those with the same context stand side by side, newest tokens
/// ascending; the n-gram of length 1 with number `v` is the token `v`. Numbers
/// have 32 bits. An n-gram takes 12 bytes, one of the highest order 8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NgramTrie {
    levels: Vec<Level>,
}

/// The n-grams of one length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Level {
    /// The newest token of each n-gram.
    tokens: Vec<Token>,
    /// Where in the next level the n-grams with this context start, and, one
    /// entry more, where the last of them end. Empty at the highest order.
    children: Vec<u32>,
    /// The number of the suffix in the level before. Empty for single tokens.
    suffixes: Vec<u32>,
}

/// Appends the n-grams of each length in their order.
///
/// Suffixes are found by [`finish`](Self::finish) only.
#[derive(Debug, Clone)]
pub(crate) struct TrieBuilder {
    trie: NgramTrie,
}

impl TrieBuilder {
    /// Every token of a vocabulary, and no longer n-grams yet.
    ///
    /// # Panics
    ///
    /// If the order is 0.
    pub(crate) fn new(vocabulary_size: usize, order: usize) -> Self {
        assert!(order > 0, "an n-gram has at least one token");
        let mut levels = vec![Level::default(); order];
        levels[0].tokens = (0..vocabulary_size as Token).collect();
        Self { trie: NgramTrie { levels } }
    }

    /// How many n-grams of a length there are so far.
    pub(crate) fn len(&self, length: usize) -> usize {
        self.trie.len(length)
    }

    /// Appends an n-gram of `length` tokens to those that follow the context
    /// with number `context` among the n-grams of `length - 1`. Contexts come in
    /// ascending order, tokens after the same context too.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyNgrams`] beyond 32 bits.
    pub(crate) fn push(&mut self, length: usize, context: usize, token: Token) -> Result<()> {
        if self.len(length) >= u32::MAX as usize {
            return Err(Error::TooManyNgrams { length, allowed: u32::MAX as usize });
        }
        self.append(length, context, token);
        Ok(())
    }

    /// Appends an n-gram that is known to have a number.
    fn append(&mut self, length: usize, context: usize, token: Token) {
        let levels = &mut self.trie.levels;
        let number = levels[length - 1].tokens.len() as u32;
        let contexts = &mut levels[length - 2].children;
        debug_assert!(contexts.len() <= context + 1, "contexts ascend");
        contexts.resize(context + 1, number);
        levels[length - 1].tokens.push(token);
    }

    /// Ends the n-grams of a length above 1, after those of all shorter ones.
    pub(crate) fn close(&mut self, length: usize) {
        let levels = &mut self.trie.levels;
        let end = levels[length - 1].tokens.len() as u32;
        let contexts = levels[length - 2].tokens.len();
        let children = &mut levels[length - 2].children;
        children.resize(contexts + 1, end);
        children.shrink_to_fit();
        levels[length - 1].tokens.shrink_to_fit();
    }

    /// The n-grams so far, without links to suffixes. Those of a length that is
    /// not [closed](Self::close) yet cannot be found.
    pub(crate) fn trie(&self) -> &NgramTrie {
        &self.trie
    }

    /// Closes the levels and links every n-gram to its suffix.
    ///
    /// # Errors
    ///
    /// The length and number of the first n-gram whose suffix is missing.
    pub(crate) fn finish(mut self) -> std::result::Result<NgramTrie, (usize, usize)> {
        for length in 2..=self.trie.order() {
            self.close(length);
        }
        self.link()?;
        Ok(self.trie)
    }

    /// Links every n-gram to its suffix, once all levels are closed.
    ///
    /// # Errors
    ///
    /// The length and number of the first n-gram whose suffix is missing.
    pub(crate) fn link(&mut self) -> std::result::Result<(), (usize, usize)> {
        for length in 2..=self.trie.order() {
            let suffixes = self.trie.find_suffixes(length).map_err(|number| (length, number))?;
            self.trie.levels[length - 1].suffixes = suffixes;
        }
        Ok(())
    }

    /// The n-grams as they are.
    pub(crate) fn into_trie(self) -> NgramTrie {
        self.trie
    }
}

impl NgramTrie {
    /// The length of the longest n-grams that are stored.
    pub fn order(&self) -> usize {
        self.levels.len()
    }

    /// Vocabulary size V: the number of n-grams of length 1.
    pub fn vocabulary_size(&self) -> usize {
        self.levels[0].tokens.len()
    }

    /// How many n-grams of a length there are.
    ///
    /// # Panics
    ///
    /// If the length is 0 or more than the order; so do the other methods here,
    /// and for a number that there is no n-gram of.
    pub fn len(&self, length: usize) -> usize {
        self.levels[length - 1].tokens.len()
    }

    /// Whether there are no tokens, and so no n-grams.
    pub fn is_empty(&self) -> bool {
        self.vocabulary_size() == 0
    }

    /// Bytes that the trie takes.
    pub fn bytes(&self) -> usize {
        let numbers = |level: &Level| level.tokens.len() + level.children.len() + level.suffixes.len();
        self.levels.iter().map(numbers).sum::<usize>() * size_of::<u32>()
    }

    /// The newest tokens of all n-grams of a length.
    pub fn tokens(&self, length: usize) -> &[Token] {
        &self.levels[length - 1].tokens
    }

    /// The numbers, among the n-grams one longer, of those with this context.
    /// None at the highest order.
    pub fn children(&self, length: usize, number: usize) -> Range<usize> {
        let children = &self.levels[length - 1].children;
        if children.is_empty() { 0..0 } else { children[number] as usize..children[number + 1] as usize }
    }

    /// The numbers of the n-grams of a length whose oldest token is this one.
    pub fn starting_with(&self, token: Token, length: usize) -> Range<usize> {
        let first = token as usize..token as usize + 1;
        (1..length).fold(first, |range, shorter| {
            let children = &self.levels[shorter - 1].children;
            children[range.start] as usize..children[range.end] as usize
        })
    }

    /// The number, among the n-grams one shorter, of the n-gram without its oldest token.
    /// 0 for a single token, whose suffix is the empty n-gram.
    pub fn suffix(&self, length: usize, number: usize) -> usize {
        if length == 1 { 0 } else { self.levels[length - 1].suffixes[number] as usize }
    }

    /// The number, among the n-grams one shorter, of the n-gram without its
    /// newest token. Costs a binary search.
    pub fn context(&self, length: usize, number: usize) -> usize {
        if length == 1 {
            return 0;
        }
        self.levels[length - 2].children.partition_point(|&start| start as usize <= number) - 1
    }

    /// The n-gram of `length + 1` tokens made of an n-gram and a token, if it is
    /// stored. Length 0 is the empty n-gram. Costs a binary search.
    pub fn child(&self, length: usize, number: usize, token: Token) -> Option<usize> {
        if length == 0 {
            return ((token as usize) < self.vocabulary_size()).then_some(token as usize);
        }
        let range = self.children(length, number);
        let start = range.start;
        let tokens = &self.levels.get(length)?.tokens[range];
        tokens.binary_search(&token).ok().map(|at| start + at)
    }

    /// The number of an n-gram, if it is stored.
    ///
    /// Costs a binary search a token. The empty n-gram has number 0.
    pub fn find(&self, ngram: &[Token]) -> Option<usize> {
        if ngram.len() > self.order() {
            return None;
        }
        ngram.iter().enumerate().try_fold(0, |number, (length, &token)| self.child(length, number, token))
    }

    /// Writes the tokens of an n-gram, oldest first, into a slice of its length.
    pub fn write_ngram(&self, mut number: usize, ngram: &mut [Token]) {
        for length in (1..=ngram.len()).rev() {
            ngram[length - 1] = self.levels[length - 1].tokens[number];
            number = self.context(length, number);
        }
    }

    /// The tokens of an n-gram, oldest first.
    pub fn ngram(&self, length: usize, number: usize) -> Vec<Token> {
        let mut ngram = vec![0; length];
        self.write_ngram(number, &mut ngram);
        ngram
    }

    /// The same set without some n-grams longer than one token: those that
    /// `keep`, asked by length and number, does not want.
    ///
    /// # Panics
    ///
    /// If the context or the suffix of an n-gram to be kept is not kept.
    pub(crate) fn retain(&self, keep: impl Fn(usize, usize) -> bool) -> Self {
        let mut kept = TrieBuilder::new(self.vocabulary_size(), self.order());
        let mut numbers: Vec<u32> = self.tokens(1).to_vec();
        for length in 2..=self.order() {
            let mut longer = vec![u32::MAX; self.len(length)];
            for (context, &number) in numbers.iter().enumerate() {
                for child in self.children(length - 1, context).filter(|&child| keep(length, child)) {
                    assert!(number != u32::MAX, "the context of an n-gram that is kept is kept");
                    longer[child] = kept.len(length) as u32;
                    kept.append(length, number as usize, self.tokens(length)[child]);
                }
            }
            numbers = longer;
        }
        kept.finish().unwrap_or_else(|_| panic!("the suffix of an n-gram that is kept is kept"))
    }

    /// The suffixes of all n-grams of a length, or the first that has none.
    fn find_suffixes(&self, length: usize) -> std::result::Result<Vec<u32>, usize> {
        if length == 2 {
            return Ok(self.levels[1].tokens.clone());
        }
        let mut suffixes = Vec::with_capacity(self.len(length));
        for context in 0..self.len(length - 1) {
            // Both lists ascend by token: the longer one is searched onwards from the last hit.
            let longer = self.children(length - 1, context);
            let mut shorter = self.children(length - 2, self.suffix(length - 1, context));
            for number in longer {
                let token = self.levels[length - 1].tokens[number];
                let ahead = &self.levels[length - 2].tokens[shorter.clone()];
                let at = gallop(ahead, token);
                shorter.start += at;
                if ahead.get(at) != Some(&token) {
                    return Err(number);
                }
                suffixes.push(shorter.start as u32);
            }
        }
        Ok(suffixes)
    }
}

/// How many of some ascending tokens are smaller: `O(log answer)`.
fn gallop(tokens: &[Token], token: Token) -> usize {
    let mut bound = 1;
    while bound < tokens.len() && tokens[bound - 1] < token {
        bound *= 2;
    }
    let (start, end) = (bound / 2, bound.min(tokens.len()));
    start + tokens[start..end].partition_point(|&other| other < token)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a b, a c, b c · a b c.
    fn trie() -> NgramTrie {
        let mut builder = TrieBuilder::new(3, 3);
        for (context, token) in [(0, 1), (0, 2), (1, 2)] {
            builder.push(2, context, token).unwrap();
        }
        builder.push(3, 0, 2).unwrap();
        builder.finish().unwrap()
    }

    #[test]
    fn ngrams_are_found_by_their_tokens_and_the_other_way_round() {
        let trie = trie();
        assert_eq!((trie.order(), trie.len(1), trie.len(2), trie.len(3)), (3, 3, 3, 1));
        for length in 1..=3 {
            for number in 0..trie.len(length) {
                let ngram = trie.ngram(length, number);
                assert_eq!(trie.find(&ngram), Some(number));
                assert_eq!(trie.find(&ngram[1..]), Some(trie.suffix(length, number)));
                assert_eq!(trie.find(&ngram[..length - 1]), Some(trie.context(length, number)));
            }
        }
        assert_eq!(trie.find(&[2, 0]), None);
        assert_eq!(trie.find(&[0, 1, 2, 0]), None);
        assert_eq!(trie.find(&[3]), None);
        assert_eq!(trie.find(&[]), Some(0));
        assert_eq!(trie.children(2, 1), 1..1);
    }

    #[test]
    fn an_ngram_without_its_suffix_is_noticed() {
        let mut builder = TrieBuilder::new(3, 3);
        builder.push(2, 0, 1).unwrap();
        builder.push(3, 0, 2).unwrap();
        assert_eq!(builder.finish(), Err((3, 0)));
    }

    #[test]
    fn galloping_counts_what_is_smaller() {
        let tokens = [2, 3, 5, 7, 11, 13];
        for token in 0..15 {
            let smaller = tokens.iter().filter(|&&other| other < token).count();
            for end in 0..=tokens.len() {
                assert_eq!(gallop(&tokens[..end], token), smaller.min(end));
            }
        }
    }
}
