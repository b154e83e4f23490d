//! Which chains are processes of tokens, window by window.

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::Law;

impl<O: TransitionOperator> MarkovChain<O> {
    /// Refuses a chain that does not show the tokens of its steps under a law:
    /// its states must be windows, and each step from a visited state a shift.
    pub(super) fn check_token_process(&self, law: &Law, what: &'static str) -> Result<()> {
        if law.len() != self.len() {
            return Err(Error::LengthMismatch { expected: self.len(), found: law.len() });
        }
        if !self.states().are_windows() {
            let remedy = "enumerate or observe all contexts";
            return Err(Error::NotWindows { what, remedy });
        }
        self.check_shifts(law)
    }
}
