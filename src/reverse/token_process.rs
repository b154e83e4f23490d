//! Which chains are processes of tokens, window by window.

use rayon::prelude::*;

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::prob::Law;

impl<O: TransitionOperator> MarkovChain<O> {
    /// Refuses a chain that does not show the tokens of its steps under a law:
    /// its states must be windows, and each step from a visited state a shift.
    pub(super) fn check_token_process(&self, law: &Law, what: &'static str) -> Result<()> {
        let states = self.states();
        if law.len() != self.len() {
            return Err(Error::LengthMismatch { expected: self.len(), found: law.len() });
        }
        if !states.are_windows() {
            let remedy = "enumerate or observe all contexts";
            return Err(Error::NotWindows { what, remedy });
        }
        let kept = states.context_length() - 1;
        let v = states.vocabulary_size() as u128;
        let shifted = |from: usize, to: usize| states.suffix_key(from, kept) == states.key(to) / v;
        let broken = |from: usize| {
            let jump = successors(self.operator(), from).find(|next| !shifted(from, next.state))?;
            Some(Error::NotShiftRegister { from: states.label(from), to: states.label(jump.state) })
        };
        let visited = (0..self.len()).into_par_iter().filter(|&state| law[state] > 0.0);
        visited.find_map_first(broken).map_or(Ok(()), Err)
    }
}
