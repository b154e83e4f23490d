//! Which token came before.

use rayon::prelude::*;

use super::Reversed;
use crate::chain::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::operator::{ShiftOperator, TableEntry, TransitionOperator, successors};
use crate::prob::{Law, sum_by};
use crate::solve::{MEMORY_LIMIT, check_memory};
use crate::text::Token;

/// `q(previous token | context)`: the law of the token that stood before each
/// state's window, under the stationary law. `N·V` entries.
#[derive(Debug, Clone)]
pub struct ReverseTable {
    vocabulary_size: usize,
    table: Vec<f64>,
    has_past: Vec<bool>,
}

impl ReverseTable {
    /// The law of the token before a state, or `None` if the state has
    /// probability zero and so no past.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    pub fn law_before(&self, state: usize) -> Option<&[f64]> {
        let row = &self.table[state * self.vocabulary_size..(state + 1) * self.vocabulary_size];
        self.has_past[state].then_some(row)
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The reverse table of the chain under its stationary law.
    ///
    /// The previous token is the oldest token of the state before, or, where
    /// states are contexts of different lengths, the one that stood before: see
    /// [`law_before`](Self::law_before), which gives a single row. `O(N·V)`
    /// memory, `O(transitions)` time.
    ///
    /// # Errors
    ///
    /// [`LengthMismatch`](crate::Error::LengthMismatch) for a law over other states,
    /// [`TooLarge`](crate::Error::TooLarge) beyond 8 GiB.
    pub fn reverse_table(&self, stationary: &Law) -> Result<ReverseTable> {
        let vocabulary_size = self.states().vocabulary_size();
        let needed = self.len() as u128 * vocabulary_size as u128 * size_of::<f64>() as u128;
        check_memory("the reverse table", needed, MEMORY_LIMIT)?;
        let reversed = Reversed::new(self.operator(), stationary.clone())?;
        let mut table = vec![0.0; self.len() * vocabulary_size];
        table.par_chunks_mut(vocabulary_size).enumerate().for_each(|(state, row)| {
            if reversed.has_past(state) {
                self.add_before(&reversed, state, 1.0, row);
            }
        });
        let has_past = (0..self.len()).map(|state| reversed.has_past(state)).collect();
        Ok(ReverseTable { vocabulary_size, table, has_past })
    }

    /// The law of the token that stood before a state's tokens, under the
    /// stationary law: one row of the [`reverse_table`](Self::reverse_table).
    ///
    /// Of the states before `z v`, all that are longer than `z` show the token.
    /// If it was `z` itself, the token is that before `z`, which does not depend
    /// on what came after. Where a text starts anew, what stood before its start
    /// context is the newest token of the text before.
    ///
    /// One product, and the transitions into the state and its prefixes.
    ///
    /// # Errors
    ///
    /// [`LengthMismatch`](Error::LengthMismatch) for a law over other states,
    /// [`StateOutOfRange`](Error::StateOutOfRange), and
    /// [`NoPast`](Error::NoPast) if the stationary law never visits the state.
    pub fn law_before(&self, stationary: &Law, state: usize) -> Result<Law> {
        let reversed = Reversed::new(self.operator(), stationary.clone())?;
        if state >= self.len() {
            return Err(Error::StateOutOfRange { state, states: self.len() });
        }
        if !reversed.has_past(state) {
            return Err(Error::NoPast { state, label: self.states().label(state) });
        }
        let mut law = vec![0.0; self.states().vocabulary_size()];
        self.add_before(&reversed, state, 1.0, &mut law);
        Ok(Law::from_computed(law))
    }

    /// The law of the token before an occurrence of some tokens, under the
    /// stationary law, whatever stands before that.
    ///
    /// In the chain of a whole model a state is the *longest* stored suffix: the
    /// state `v` means that `v` came and that no longer context is known, which
    /// excludes just the words that `v` is known to follow. This adds up all
    /// states that end with the tokens.
    ///
    /// # Errors
    ///
    /// As [`law_before`](Self::law_before); [`UnknownState`](Error::UnknownState)
    /// if the tokens are not those of a state, nor shorter than windows;
    /// [`EmptyText`](Error::EmptyText) if there are none.
    pub fn law_before_tokens(&self, stationary: &Law, tokens: &[Token]) -> Result<Law> {
        let states = self.states();
        if tokens.is_empty() {
            return Err(Error::EmptyText);
        }
        let reversed = Reversed::new(self.operator(), stationary.clone())?;
        let ending: Vec<usize> = states.ending_with(tokens)?;
        let mass = sum_by(ending.len(), |i| stationary[ending[i]]);
        if mass <= 0.0 {
            let state = ending[0];
            return Err(Error::NoPast { state, label: states.label(state) });
        }
        let mut law = vec![0.0; states.vocabulary_size()];
        for state in ending.into_iter().filter(|&state| reversed.has_past(state)) {
            let share = stationary[state] / mass;
            match states.token_before(state, tokens.len()) {
                Some(token) => law[token as usize] += share,
                None => self.add_before(&reversed, state, share, &mut law),
            }
        }
        Ok(Law::from_computed(law))
    }

    /// Adds a share of the law of the token before a state that has a past.
    pub(super) fn add_before(&self, reversed: &Reversed<&O>, state: usize, share: f64, law: &mut [f64]) {
        let states = self.states();
        if states.are_windows() {
            for before in successors(reversed, state) {
                law[states.oldest_token(before.state) as usize] += share * before.probability;
            }
            return;
        }
        // A text that starts anew forgets what the end token was appended to.
        let length = if states.restart() == Some(state) { 1 } else { states.tokens(state).len() };
        for before in successors(reversed, state) {
            match states.token_before(before.state, length - 1) {
                Some(token) => law[token as usize] += share * before.probability,
                None => self.add_before(reversed, before.state, share * before.probability, law),
            }
        }
    }
}

impl<T: TableEntry> MarkovChain<ShiftOperator<T>> {
    /// The reversed chain as a shift register of its own: its states are the
    /// windows read from right to left, newest token first, and a step appends
    /// the token that came before.
    ///
    /// State `c` of this chain is state [`ContextSpace::reversed`] of `c` there.
    /// States without a past are followed by every token alike; they are never
    /// reached from states that have one.
    ///
    /// [`ContextSpace::reversed`]: crate::text::ContextSpace::reversed
    ///
    /// # Errors
    ///
    /// As [`reverse_table`](Self::reverse_table).
    pub fn reversed_register(&self, stationary: &Law) -> Result<MarkovChain<ShiftOperator>> {
        let reverse = self.reverse_table(stationary)?;
        let space = *self.operator().space();
        let v = space.vocabulary_size();
        let mut table = vec![1.0 / v as f64; space.len() * v];
        table.par_chunks_mut(v).enumerate().for_each(|(window, row)| {
            if let Some(law) = reverse.law_before(space.reversed(window)) {
                row.copy_from_slice(law);
            }
        });
        let states = States::contexts(space, self.states().vocab().cloned());
        Ok(MarkovChain::new(ShiftOperator::new(space, table)?, states))
    }
}
