//! The n-grams of a model, context by context.

use std::ops::Range;

use super::ends::Ends;
use crate::error::{Error, Result};
use crate::ngram::{BackoffTrie, ContextTree, StateNumbers};
use crate::prob::Law;
use crate::text::Token;

/// The n-grams that follow the contexts of a chain: those after the empty
/// context first, then those after each state, tokens ascending.
///
/// States stand in the order of their suffixes, so contexts that look at the
/// same shorter one are read one after another. 20 bytes an n-gram, 12 a state.
#[derive(Debug, Clone)]
pub(super) struct Entries {
    /// Where the n-grams after each state start, and where the last end.
    starts: Vec<u32>,
    /// The newest token of each n-gram.
    tokens: Vec<Token>,
    /// Its probability after its context.
    pub(super) probabilities: Vec<f64>,
    /// The state that it leads to.
    pub(super) targets: Vec<u32>,
    /// The n-gram without its oldest token; 0 for a single token.
    pub(super) links: Vec<u32>,
    /// The back-off weight of each state.
    pub(super) backoffs: Vec<f64>,
}

/// An n-gram found by its context and its token.
pub(super) struct Found {
    /// The n-gram: that of the longest suffix of the context that the token follows.
    pub(super) entry: usize,
    /// The product of the back-off weights on the way there.
    pub(super) weight: f64,
}

impl Entries {
    /// Collects the n-grams whose contexts are states.
    ///
    /// # Errors
    ///
    /// [`Error::ContextSum`] for a context that is no state because nothing
    /// follows it, although its back-off weight is not one.
    pub(super) fn new(
        model: &BackoffTrie,
        tree: &ContextTree,
        numbers: &StateNumbers,
        ends: &Ends,
    ) -> Result<Self> {
        let trie = model.trie();
        let v = tree.vocabulary_size();
        let mut entries = Self {
            starts: Vec::with_capacity(tree.len() + 1),
            tokens: (0..v as Token).collect(),
            probabilities: model.probabilities(1).to_vec(),
            targets: (0..v as Token).map(|token| ends.after_single(tree, token) as u32).collect(),
            links: vec![0; v],
            backoffs: vec![0.0; tree.len()],
        };
        // The place of each n-gram of the length before, by its number in the trie.
        let mut places: Vec<u32> = (0..v as u32).collect();
        for length in 1..=tree.longest() {
            let states = tree.of_length(length);
            let numbered =
                (0..trie.len(length)).filter_map(|number| Some((numbers.get(length, number)?, number)));
            let mut trie_numbers = vec![0; states.len()];
            numbered.for_each(|(state, number)| trie_numbers[state - states.start] = number);
            let longer = if length < trie.order() { trie.len(length + 1) } else { 0 };
            let mut longer_places = vec![0; longer];
            for (state, &number) in states.zip(&trie_numbers) {
                entries.starts.push(entries.tokens.len() as u32);
                if ends.absorbing == Some(state) {
                    continue;
                }
                entries.backoffs[state] = model.backoff(length, number);
                for child in trie.children(length, number) {
                    longer_places[child] = entries.tokens.len() as u32;
                    let link = places[trie.suffix(length + 1, child)] as usize;
                    let token = trie.tokens(length + 1)[child];
                    let target = match numbers.get(length + 1, child) {
                        Some(target) => target as u32,
                        None => {
                            check_leaf(model, length + 1, child, token, ends)?;
                            entries.targets[link]
                        }
                    };
                    entries.tokens.push(token);
                    entries.probabilities.push(model.probabilities(length + 1)[child]);
                    entries.targets.push(target);
                    entries.links.push(link as u32);
                }
            }
            places = longer_places;
        }
        entries.starts.push(entries.tokens.len() as u32);
        Ok(entries)
    }

    /// Number of n-grams.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The n-grams after the empty context: the single tokens.
    pub(super) fn singles(&self) -> Range<usize> {
        0..self.starts[0] as usize
    }

    /// Where the n-grams after a state start, or, after the last state, where all end.
    pub(super) fn start_after(&self, state: usize) -> usize {
        self.starts[state] as usize
    }

    /// The n-grams after a state.
    pub(super) fn after(&self, state: usize) -> Range<usize> {
        self.starts[state] as usize..self.starts[state + 1] as usize
    }

    /// The n-grams after a state, or after the empty context.
    pub(super) fn after_context(&self, context: Option<usize>) -> Range<usize> {
        context.map_or(self.singles(), |state| self.after(state))
    }

    /// The newest token of an n-gram.
    pub(super) fn token(&self, entry: usize) -> Token {
        self.tokens[entry]
    }

    /// The n-gram of a state and a token, if it is stored.
    pub(super) fn child(&self, state: usize, token: Token) -> Option<usize> {
        let range = self.after(state);
        self.tokens[range.clone()].binary_search(&token).ok().map(|at| range.start + at)
    }

    /// The n-gram that says how probable a token is after a state.
    pub(super) fn find(&self, tree: &ContextTree, state: usize, token: Token) -> Found {
        let mut context = Some(state);
        let mut weight = 1.0;
        while let Some(state) = context {
            if let Some(entry) = self.child(state, token) {
                return Found { entry, weight };
            }
            weight *= self.backoffs[state];
            context = tree.suffix(state);
        }
        // The empty context is followed by every token.
        Found { entry: token as usize, weight }
    }

    /// The first token at or after `token` that is stored after a context.
    pub(super) fn next_token(&self, context: Option<usize>, token: Token) -> Option<Token> {
        let tokens = &self.tokens[self.after_context(context)];
        tokens.get(tokens.partition_point(|&other| other < token)).copied()
    }
}

/// Refuses an n-gram that nothing follows but that is weighted as a context.
fn check_leaf(model: &BackoffTrie, length: usize, number: usize, token: Token, ends: &Ends) -> Result<()> {
    let sum = model.backoff(length, number);
    let tolerance = Law::sum_tolerance(1);
    let is_context = model.trie().children(length, number).is_empty() && ends.end != Some(token);
    if is_context && (sum - 1.0).abs() > tolerance {
        return Err(Error::ContextSum { context: model.trie().ngram(length, number), sum, tolerance });
    }
    Ok(())
}
