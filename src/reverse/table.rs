//! Which token came before.

use rayon::prelude::*;

use super::Reversed;
use crate::chain::{MarkovChain, States};
use crate::error::Result;
use crate::operator::{ShiftOperator, TableEntry, TransitionOperator, successors};
use crate::prob::Law;
use crate::solve::{MEMORY_LIMIT, check_memory};

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
    /// The previous token is the oldest token of the state before. `O(N·V)`
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
                for before in successors(&reversed, state) {
                    row[self.states().oldest_token(before.state) as usize] += before.probability;
                }
            }
        });
        let has_past = (0..self.len()).map(|state| reversed.has_past(state)).collect();
        Ok(ReverseTable { vocabulary_size, table, has_past })
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
