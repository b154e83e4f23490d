//! A history: what happened, state by state.

use crate::chain::States;
use crate::text::Token;

/// A sequence of states that ends in a set, oldest first, and how probable it is.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The states, oldest first. The last one is in the set.
    pub states: Vec<usize>,
    /// Natural logarithm of the weight of this history: its joint probability
    /// with the end, or what [`Histories`](super::Histories) and
    /// [`ResetHistories`](super::ResetHistories) say.
    pub ln_weight: f64,
    /// The probability of this history given the end.
    pub posterior: f64,
}

impl History {
    /// Steps from the first state to the last.
    pub fn steps(&self) -> usize {
        self.states.len() - 1
    }

    /// The tokens of the history, oldest first: those of its first state, then
    /// the newest of every later one. Where a step is not a shift of the context,
    /// as in a [`Restart`](crate::operator::Restart), they do not show it.
    ///
    /// # Panics
    ///
    /// If the states are of another chain.
    #[track_caller]
    pub fn tokens(&self, states: &States) -> Vec<Token> {
        let mut tokens = states.tokens(self.states[0]);
        tokens.extend(self.states[1..].iter().map(|&state| states.newest_token(state)));
        tokens
    }
}
