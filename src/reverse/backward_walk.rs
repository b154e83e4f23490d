//! Walking backwards from a state.

use rand::RngExt;

use super::Reversed;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::prob::{StreamRng, stream};

/// A walk into the past: an iterator over the state and those before it.
///
/// Each step reads the transitions into the current state, so nothing is
/// tabulated beforehand; for very many walks, use the reversed chain's
/// [`walker`](MarkovChain::walker).
#[derive(Debug)]
pub struct BackwardWalk<'a, O> {
    operator: &'a Reversed<O>,
    rng: StreamRng,
    next: usize,
}

impl<O: TransitionOperator> MarkovChain<Reversed<O>> {
    /// Walks backwards in time from a state; draws from stream 0 of the seed.
    ///
    /// # Errors
    ///
    /// [`Error::StateOutOfRange`], and [`Error::NoPast`] if the stationary law
    /// never visits the state.
    pub fn walk_back(&self, state: usize, seed: u64) -> Result<BackwardWalk<'_, O>> {
        if state >= self.len() {
            return Err(Error::StateOutOfRange { state, states: self.len() });
        }
        if !self.operator().has_past(state) {
            return Err(Error::NoPast { state, label: self.states().label(state) });
        }
        Ok(BackwardWalk { operator: self.operator(), rng: stream(seed, 0), next: state })
    }
}

impl<O: TransitionOperator> Iterator for BackwardWalk<'_, O> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let state = self.next;
        let mut left: f64 = self.rng.random();
        // Rounding may leave a little of the draw over: then the last
        // predecessor, which has positive probability, is taken.
        for before in successors(self.operator, state) {
            self.next = before.state;
            left -= before.probability;
            if left < 0.0 {
                break;
            }
        }
        Some(state)
    }
}
