//! The operator.

use std::sync::Arc as Shared;

use super::block_hubs::Blocks;
use super::ends::Ends;
use super::entries::{Entries, Found};
use super::incoming::Incoming;
use super::pull::{Pull, pull_error};
use super::push::{Push, push_error};
use crate::error::{Error, Result};
use crate::ngram::{BackoffTrie, ContextTree};
use crate::prob::Law;
use crate::solve::{MEMORY_LIMIT, check_memory};
use crate::text::{EndRule, Token};

/// The chain of a whole smoothed back-off model, over the contexts that the
/// model tells apart ([`ContextTree`]).
///
/// A back-off model's law depends on a context only through its longest stored
/// suffix, so the chain of all `V^K` contexts is lumped exactly into the chain
/// of these: the token `v` leads from `h` to the longest suffix of `h v` that is
/// a state. All `V` tokens may follow every state, yet a product costs only the
/// stored n-grams: a word model of 30,000 tokens and a million n-grams stands for
/// 10^11 transitions or more, and is pushed in milliseconds.
///
/// With [`EndRule::Reset`] no state holds the end token; it leads to the state of
/// the start context. With [`EndRule::Absorbing`] the end token by itself is a
/// state that is never left.
///
/// # Accuracy
///
/// For non-negative vectors every number computed is a sum of non-negative
/// parts, or at least half of what something was subtracted from: **each
/// component of a product has a relative error of at most
/// [`longest_sum`](crate::operator::TransitionOperator::longest_sum) units of 2^-52**, underflow
/// apart, however small it is and however the mass is spread. A vector of both signs
/// is taken apart into its positive and negative parts; then the bound is
/// relative to the same product of absolute values.
///
/// # Memory
///
/// At most 38 bytes an n-gram and 40 a state, the contexts included; a product
/// takes at most 32 bytes a state and 10 an n-gram below the highest order more.
#[derive(Debug, Clone)]
pub struct BackoffOperator {
    pub(super) tree: Shared<ContextTree>,
    pub(super) entries: Entries,
    pub(super) incoming: Incoming,
    pub(super) ends: Ends,
    /// The mass of the tokens that each state has no n-gram for, under its suffix.
    pub(super) rest: Vec<f64>,
    pub(super) blocks: Blocks,
    pub(super) longest_sum: usize,
}

impl BackoffOperator {
    /// The chain of a back-off model under a rule for the token `end`.
    ///
    /// [`EndRule::Token`] needs no end token. The start context of
    /// [`EndRule::Reset`] may have any length: its longest suffix that is a
    /// state is where texts start.
    ///
    /// # Errors
    ///
    /// [`Error::ContextSum`] for a context whose law does not sum to one within
    /// [`Law::sum_tolerance`] of [`longest_sum`](crate::operator::TransitionOperator::longest_sum) terms: see
    /// [`BackoffTrie::normalized`]. [`Error::InvalidProbability`] for a
    /// probability or weight that is negative or not finite, with its number
    /// among those of the n-grams of its length.
    /// [`Error::MissingToken`] if the rule needs an end token,
    /// [`Error::TokenOutOfRange`] for that or a start token,
    /// [`Error::MustBePositive`] for a start context that is empty or ends with
    /// the end token, or an empty vocabulary; [`Error::TooLarge`] beyond 8 GiB.
    pub fn new(model: &BackoffTrie, end: Option<Token>, rule: &EndRule) -> Result<Self> {
        if model.vocabulary_size() == 0 {
            return Err(Error::MustBePositive { what: "vocabulary size" });
        }
        check_memory("the chain of a back-off model", Self::bytes(model), MEMORY_LIMIT)?;
        check_numbers(model)?;
        let contexts = Ends::contexts(model.vocabulary_size(), end, rule)?;
        let (tree, numbers) = ContextTree::new(model, contexts);
        if tree.is_empty() {
            return Err(Error::NoStates);
        }
        let ends = Ends::new(&tree, contexts, rule)?;
        let entries = Entries::new(model, &tree, &numbers, &ends)?;
        drop(numbers);
        let incoming = Incoming::new(&tree, &entries);
        let longest_sum = pull_error(&tree, &entries).max(push_error(&tree, &incoming));
        let blocks = Blocks::new(&entries.probabilities);
        let (tree, rest) = (Shared::new(tree), Vec::new());
        let mut operator = Self { tree, entries, incoming, ends, rest, blocks, longest_sum };
        operator.rest = operator.masses(|_, _, rest| rest);
        operator.check_sums()?;
        Ok(operator)
    }

    /// Bytes that the chain of a model takes, at most.
    pub fn bytes(model: &BackoffTrie) -> u128 {
        let of_length = |length| model.trie().len(length) as u128;
        let ngrams: u128 = (1..=model.order()).map(of_length).sum();
        let states: u128 = (1..model.order().max(2)).map(of_length).sum();
        38 * ngrams + 40 * states
    }

    /// The states.
    pub fn contexts(&self) -> &Shared<ContextTree> {
        &self.tree
    }

    /// The state in which every text starts, under [`EndRule::Reset`].
    pub fn start(&self) -> Option<usize> {
        self.ends.start
    }

    /// The token that ends a text, unless it is one like any other.
    pub fn end(&self) -> Option<Token> {
        self.ends.end
    }

    /// The probability of a token after a state. A binary search a length.
    ///
    /// # Panics
    ///
    /// If there is no such state or token.
    pub fn token_probability(&self, state: usize, token: Token) -> f64 {
        if Some(state) == self.ends.absorbing {
            return f64::from(u8::from(Some(token) == self.ends.end));
        }
        let Found { entry, weight } = self.entries.find(&self.tree, state, token);
        weight * self.entries.probabilities[entry]
    }

    /// The state that a token leads to from a state. A binary search a length.
    ///
    /// # Panics
    ///
    /// If there is no such state or token.
    pub fn after(&self, state: usize, token: Token) -> usize {
        self.entries.targets[self.entries.find(&self.tree, state, token).entry] as usize
    }

    /// Pulls back an observable without negative values.
    pub(super) fn pull_nonnegative(&self, observable: &[f64], expected: &mut [f64]) {
        let Entries { probabilities, targets, backoffs, .. } = &self.entries;
        let value = |entry: usize| probabilities[entry] * observable[targets[entry] as usize];
        let carry = |state: usize, rest: f64| backoffs[state] * rest;
        let pull = Pull { tree: &self.tree, entries: &self.entries, value, carry };
        pull.write(expected, |state, own, rest| own + carry(state, rest));
        if let Some(absorbing) = self.ends.absorbing {
            expected[absorbing] = observable[absorbing];
        }
    }

    /// Pushes forward a law without negative values.
    pub(super) fn push_nonnegative(&self, law: &[f64], next: &mut [f64]) {
        let push =
            Push { tree: &self.tree, entries: &self.entries, incoming: &self.incoming, ends: self.ends };
        push.write(law, next);
    }

    /// What `finish` makes of the mass of the tokens that each state has
    /// n-grams for, and of the others under its suffix.
    fn masses(&self, finish: impl Fn(usize, f64, f64) -> f64 + Sync) -> Vec<f64> {
        let Entries { probabilities, backoffs, .. } = &self.entries;
        let pull = Pull {
            tree: &self.tree,
            entries: &self.entries,
            value: |entry: usize| probabilities[entry],
            carry: |state: usize, rest: f64| backoffs[state] * rest,
        };
        let mut masses = vec![0.0; self.tree.len()];
        pull.write(&mut masses, finish);
        masses
    }

    /// Refuses rows that are no laws.
    fn check_sums(&self) -> Result<()> {
        let tolerance = Law::sum_tolerance(self.longest_sum);
        let sums = self.masses(|state, own, rest| own + self.entries.backoffs[state] * rest);
        let is_law = |&(state, sum): &(usize, f64)| {
            (sum - 1.0).abs() <= tolerance || self.ends.absorbing == Some(state)
        };
        match sums.into_iter().enumerate().find(|row| !is_law(row)) {
            Some((state, sum)) => Err(Error::ContextSum { context: self.tree.tokens(state), sum, tolerance }),
            None => Ok(()),
        }
    }
}

/// Refuses probabilities and weights that are negative or not finite.
fn check_numbers(model: &BackoffTrie) -> Result<()> {
    let probabilities = (1..=model.order()).map(|length| model.probabilities(length));
    let backoffs = (1..model.order()).map(|length| model.backoffs(length));
    for values in probabilities.chain(backoffs) {
        if let Some(index) = values.iter().position(|p| !(p.is_finite() && *p >= 0.0)) {
            return Err(Error::InvalidProbability { index, value: values[index] });
        }
    }
    Ok(())
}
