//! The contexts that a back-off model tells apart.

use std::ops::Range;

use super::BackoffTrie;
use crate::text::Token;

/// Marks an n-gram that is not a state.
const NONE: u32 = u32::MAX;

/// A set of contexts of different lengths that has with every context its
/// suffixes: the states of a back-off model's chain.
///
/// Whatever the past, its longest suffix in the set is the state. Every token
/// that may come is a context, so the newest token of a state is known. A
/// context is numbered after all shorter ones; among those of its length first
/// comes the smaller newest token, then the smaller token before it, and so on:
/// the contexts one token longer with the same suffix stand side by side, and
/// so do, at every length, all that end alike. 12 bytes a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextTree {
    vocabulary_size: usize,
    /// Where the contexts of each length start, from length 1, and where the last end.
    starts: Vec<u32>,
    /// The oldest token of each context.
    oldest: Vec<Token>,
    /// The context without its oldest token; for single tokens NONE.
    suffixes: Vec<u32>,
    /// Where the contexts one longer with this suffix start; one entry more
    /// than contexts.
    longer: Vec<u32>,
    /// The context of each single token, or NONE.
    single: Vec<u32>,
}

/// Which contexts that hold an end-of-text token are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndContexts {
    /// All of them: there is no such token, or it is one like any other.
    All,
    /// None: after this token the text starts anew.
    Without(Token),
    /// Only this token by itself: nothing follows it.
    Alone(Token),
}

/// Which state each n-gram of a trie is, by length and number.
#[derive(Debug, Clone)]
pub(crate) struct StateNumbers(Vec<Vec<u32>>);

impl StateNumbers {
    /// The state that an n-gram is as a context.
    pub(crate) fn get(&self, length: usize, number: usize) -> Option<usize> {
        let state = *self.0.get(length - 1)?.get(number)?;
        (state != NONE).then_some(state as usize)
    }
}

impl ContextTree {
    /// The single tokens and the longer n-grams that something follows in a
    /// back-off model, as far as they may hold the end of a text.
    pub(crate) fn new(model: &BackoffTrie, ends: EndContexts) -> (Self, StateNumbers) {
        let trie = model.trie();
        let mut tree = Self {
            vocabulary_size: model.vocabulary_size(),
            starts: vec![0],
            oldest: Vec::new(),
            suffixes: Vec::new(),
            longer: Vec::new(),
            single: Vec::new(),
        };
        for token in 0..tree.vocabulary_size as Token {
            let state = if ends == EndContexts::Without(token) { NONE } else { tree.push(token, NONE) };
            tree.single.push(state);
        }
        tree.starts.push(tree.oldest.len() as u32);
        let mut numbers = vec![tree.single.clone()];
        if let EndContexts::Alone(end) = ends {
            // Until the end, it counts as left out, so that nothing longer holds it.
            numbers[0][end as usize] = NONE;
        }
        // The oldest token of each n-gram of the length before.
        let mut oldest: Vec<Token> = trie.tokens(1).to_vec();
        for length in 2..model.order() {
            oldest = (0..trie.len(length - 1))
                .flat_map(|context| trie.children(length - 1, context).map(move |_| context))
                .map(|context| oldest[context])
                .collect();
            let numbered = tree.add_length(model, length, &oldest, &numbers[length - 2]);
            numbers.push(numbered);
        }
        numbers[0].copy_from_slice(&tree.single);
        tree.close();
        (tree, StateNumbers(numbers))
    }

    /// Adds the contexts of one length, and says which state each n-gram is.
    fn add_length(
        &mut self,
        model: &BackoffTrie,
        length: usize,
        oldest: &[Token],
        shorter: &[u32],
    ) -> Vec<u32> {
        let trie = model.trie();
        // A context is among the states if its prefix and suffix are, which the
        // end of a text decides.
        let mut contexts: Vec<(u32, Token, u32)> = Vec::new();
        for prefix in (0..trie.len(length - 1)).filter(|&prefix| shorter[prefix] != NONE) {
            for number in trie.children(length - 1, prefix) {
                let suffix = shorter[trie.suffix(length, number)];
                if suffix != NONE && !trie.children(length, number).is_empty() {
                    contexts.push((suffix, oldest[number], number as u32));
                }
            }
        }
        contexts.sort_unstable();
        let mut numbers = vec![NONE; trie.len(length)];
        for (suffix, oldest, number) in contexts {
            numbers[number as usize] = self.push(oldest, suffix);
        }
        self.starts.push(self.oldest.len() as u32);
        numbers
    }

    fn push(&mut self, oldest: Token, suffix: u32) -> u32 {
        self.oldest.push(oldest);
        self.suffixes.push(suffix);
        (self.oldest.len() - 1) as u32
    }

    /// Finds where the longer contexts of each context start.
    fn close(&mut self) {
        let first_longer = self.starts[1];
        self.longer = vec![first_longer; self.oldest.len() + 1];
        let mut next = 0;
        for state in first_longer as usize..self.oldest.len() {
            let suffix = self.suffixes[state] as usize;
            while next <= suffix {
                self.longer[next] = state as u32;
                next += 1;
            }
        }
        self.longer[next..].fill(self.oldest.len() as u32);
    }

    /// Number of contexts.
    pub fn len(&self) -> usize {
        self.oldest.len()
    }

    /// Whether there are no contexts.
    pub fn is_empty(&self) -> bool {
        self.oldest.is_empty()
    }

    /// Vocabulary size V.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// The length of the longest contexts.
    pub fn longest(&self) -> usize {
        self.starts.len() - 1
    }

    /// The contexts of a length from 1 to the longest.
    ///
    /// # Panics
    ///
    /// If there is no such length; so do the other methods for contexts that there are not.
    pub fn of_length(&self, length: usize) -> Range<usize> {
        self.starts[length - 1] as usize..self.starts[length] as usize
    }

    /// Tokens of a context.
    pub fn length(&self, context: usize) -> usize {
        assert!(context < self.len(), "there are {} contexts", self.len());
        self.starts.partition_point(|&start| start as usize <= context)
    }

    /// The oldest token of a context.
    pub fn oldest(&self, context: usize) -> Token {
        self.oldest[context]
    }

    /// The newest token of a context. Costs its length.
    pub fn newest(&self, mut context: usize) -> Token {
        while let Some(suffix) = self.suffix(context) {
            context = suffix;
        }
        self.oldest[context]
    }

    /// The context without its oldest token; none for a single token.
    pub fn suffix(&self, context: usize) -> Option<usize> {
        let suffix = self.suffixes[context];
        (suffix != NONE).then_some(suffix as usize)
    }

    /// The contexts one token longer with this suffix, oldest tokens ascending.
    pub fn longer(&self, context: usize) -> Range<usize> {
        self.longer[context] as usize..self.longer[context + 1] as usize
    }

    /// The tokens of a context, oldest first.
    pub fn tokens(&self, context: usize) -> Vec<Token> {
        std::iter::successors(Some(context), |&context| self.suffix(context))
            .map(|context| self.oldest[context])
            .collect()
    }

    /// The context of a single token, unless it was left out.
    ///
    /// # Panics
    ///
    /// If the token is outside the vocabulary.
    pub fn single(&self, token: Token) -> Option<usize> {
        let context = self.single[token as usize];
        (context != NONE).then_some(context as usize)
    }

    /// The longest suffix of some tokens that is a context; none if the newest
    /// token is not one, or there are no tokens. A binary search a token.
    ///
    /// # Panics
    ///
    /// If the newest token is outside the vocabulary.
    pub fn longest_suffix(&self, tokens: &[Token]) -> Option<usize> {
        let (&newest, older) = tokens.split_last()?;
        let mut context = self.single(newest)?;
        for token in older.iter().rev() {
            let longer = self.longer(context);
            match self.oldest[longer.clone()].binary_search(token) {
                Ok(at) => context = longer.start + at,
                Err(_) => break,
            }
        }
        Some(context)
    }

    /// All contexts, from this length on, that end with a context, length by length.
    pub fn ending_with(&self, context: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        std::iter::successors(Some(context..context + 1), |range| {
            let longer = self.longer[range.start] as usize..self.longer[range.end] as usize;
            (!longer.is_empty()).then_some(longer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ngram::trie::TrieBuilder;

    /// Tokens a b c; contexts of two tokens: b a, c a, a b; something follows each.
    fn tree(ends: EndContexts) -> ContextTree {
        let mut builder = TrieBuilder::new(3, 3);
        for (context, token) in [(0, 1), (0, 2), (1, 0), (1, 1), (2, 0)] {
            builder.push(2, context, token).unwrap();
        }
        // a b a, b a b, c a b.
        for (context, token) in [(0, 0), (2, 1), (4, 1)] {
            builder.push(3, context, token).unwrap();
        }
        let trie = builder.finish().unwrap();
        let probabilities = (1..=3).map(|length| vec![0.1; trie.len(length)]).collect();
        let backoffs = (1..3).map(|length| vec![1.0; trie.len(length)]).collect();
        let model = BackoffTrie::from_parts(trie, probabilities, backoffs, vec![Vec::new(); 3]);
        let (tree, numbers) = ContextTree::new(&model, ends);
        for length in 1..3 {
            for number in 0..model.trie().len(length) {
                if let Some(state) = numbers.get(length, number) {
                    assert_eq!(tree.tokens(state), model.trie().ngram(length, number));
                }
            }
        }
        assert_eq!(numbers.get(3, 0), None);
        tree
    }

    #[test]
    fn contexts_stand_in_the_order_of_their_newest_tokens() {
        let tree = tree(EndContexts::All);
        let all: Vec<Vec<Token>> = (0..tree.len()).map(|context| tree.tokens(context)).collect();
        assert_eq!(all, [vec![0], vec![1], vec![2], vec![1, 0], vec![2, 0], vec![0, 1]]);
        for (context, tokens) in all.iter().enumerate() {
            assert_eq!(tree.length(context), tokens.len());
            assert_eq!(tree.longest_suffix(tokens), Some(context));
            assert_eq!((tree.oldest(context), tree.newest(context)), (tokens[0], tokens[tokens.len() - 1]));
        }
        assert_eq!(tree.longer(0), 3..5);
        assert_eq!(tree.longer(2), 6..6);
        assert_eq!(tree.ending_with(0).collect::<Vec<_>>(), [0..1, 3..5]);
        assert_eq!(tree.longest_suffix(&[2, 2, 1, 0]), Some(3));
        assert_eq!(tree.longest_suffix(&[0, 0]), Some(0));
        assert_eq!(tree.longest_suffix(&[]), None);
        assert_eq!((tree.longest(), tree.of_length(2)), (2, 3..6));
    }

    #[test]
    fn contexts_with_an_end_can_be_left_out() {
        let all = |tree: &ContextTree| -> Vec<Vec<Token>> {
            (0..tree.len()).map(|context| tree.tokens(context)).collect()
        };
        let without = tree(EndContexts::Without(2));
        assert_eq!(all(&without), [vec![0], vec![1], vec![1, 0], vec![0, 1]]);
        assert_eq!((without.single(2), without.longest_suffix(&[0, 2])), (None, None));
        let alone = tree(EndContexts::Alone(2));
        assert_eq!(all(&alone), [vec![0], vec![1], vec![2], vec![1, 0], vec![0, 1]]);
        assert_eq!(alone.longest_suffix(&[0, 2]), Some(2));
    }
}
