//! What may happen between two resets, and how long it may take.

use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::solve::{Stop, Watch};

/// The states that can be met after some first states, up to the next reset,
/// that one included.
pub(super) fn met_after<O: TransitionOperator>(
    operator: &O,
    first: impl Iterator<Item = usize>,
    resets: Option<&StateSet>,
) -> Vec<bool> {
    let states = operator.states();
    let is_reset = |node: usize| node < states && resets.is_some_and(|resets| resets.contains(node));
    let mut met = vec![false; states + operator.hubs()];
    let mut pending: Vec<usize> = first.collect();
    while let Some(node) = pending.pop() {
        let mut cursor = 0;
        while let Some(arc) = operator.next_arc(node, cursor) {
            cursor = arc.cursor;
            if !std::mem::replace(&mut met[arc.node], true) && !is_reset(arc.node) {
                pending.push(arc.node);
            }
        }
    }
    met.truncate(states);
    met
}

/// Excursions of a chain from a set of resets, until the next one.
pub(super) struct Excursions<'a, O> {
    pub(super) chain: &'a MarkovChain<O>,
    pub(super) resets: &'a StateSet,
    pub(super) max_iterations: usize,
}

impl<'a, O: TransitionOperator> Excursions<'a, O> {
    /// # Errors
    ///
    /// [`Error::LengthMismatch`], [`Error::EmptySet`], and [`Error::NoPast`] for
    /// a transient reset, after which the chain may never be reset again.
    pub(super) fn new(
        chain: &'a MarkovChain<O>,
        resets: &'a StateSet,
        max_iterations: usize,
    ) -> Result<Self> {
        resets.check(chain.len(), "resets")?;
        let classes = chain.classes();
        let transient = |&state: &usize| !classes.is_recurrent(classes.class_of(state));
        if let Some(state) = resets.iter().find(transient) {
            return Err(Error::NoPast { state, label: chain.states().label(state) });
        }
        Ok(Self { chain, resets, max_iterations })
    }

    /// An upper bound on the mean number of states that are met before the next
    /// reset, this one included, from any state that is met after a reset.
    ///
    /// If after `s` steps no more than a share `q < 1` has not been reset from
    /// anywhere, and `u_k` is the largest share not reset after `k`, then the mean
    /// is at most `(u_0 + ... + u_{s-1}) / (1 - q)`.
    ///
    /// # Errors
    ///
    /// [`Error::NotConverged`] if `q` is above 1/2 after all iterations allowed;
    /// [`Error::Cancelled`].
    pub(super) fn longest_mean(&self, watch: &mut Watch<'_>) -> Result<f64> {
        let met = met_after(self.chain.operator(), self.resets.iter(), Some(self.resets));
        let inside = |state: usize| met[state] && !self.resets.contains(state);
        let mut going_on: Vec<f64> = (0..met.len()).map(|state| f64::from(u8::from(inside(state)))).collect();
        let mut before = going_on.clone();
        let (mut sum, mut share) = (1.0, 1.0);
        for _ in 0..self.max_iterations {
            self.chain.operator().pull_back(&going_on, &mut before);
            share = (0..met.len()).filter(|&state| met[state]).map(|state| before[state]).fold(0.0, f64::max);
            if share <= 0.5 {
                return Ok(sum / (1.0 - share));
            }
            sum += share;
            for (state, p) in going_on.iter_mut().enumerate() {
                *p = if inside(state) { before[state] } else { 0.0 };
            }
            watch.step()?;
        }
        let (stop, iterations) = (Stop::MaxIterations.describe(), self.max_iterations);
        Err(Error::NotConverged { stop, iterations, residual: share })
    }
}
