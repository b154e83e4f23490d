//! What may happen between two resets, and how long it may take.

use ndarray::Array2;

use super::watch::Watch;
use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, sum_by};
use crate::solve::{MEMORY_LIMIT, Stop, check_memory, check_operations};

/// Excursions that are followed until less than this share of them is left.
const LEFT_OVER: f64 = 1e-15;

/// The states that can be met after some first states and before a reset, those
/// first ones included.
pub(super) fn reachable<O: TransitionOperator>(
    operator: &O,
    first: impl Iterator<Item = usize>,
    resets: Option<&StateSet>,
) -> Vec<bool> {
    let states = operator.states();
    let is_reset = |node: usize| node < states && resets.is_some_and(|resets| resets.contains(node));
    let mut met = vec![false; states + operator.hubs()];
    let mut pending: Vec<usize> = first.collect();
    pending.iter().for_each(|&state| met[state] = true);
    while let Some(node) = pending.pop() {
        let mut cursor = 0;
        while let Some(arc) = operator.next_arc(node, cursor) {
            cursor = arc.cursor;
            if !met[arc.node] && !is_reset(arc.node) {
                met[arc.node] = true;
                pending.push(arc.node);
            }
        }
    }
    met.truncate(states);
    met
}

/// Excursions of a chain from a set of resets, until the next one.
pub(super) struct Excursions<'a, O> {
    chain: &'a MarkovChain<O>,
    resets: &'a StateSet,
    max_iterations: usize,
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
        let met = reachable(self.chain.operator(), self.resets.iter(), Some(self.resets));
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

    /// The law of the state in which the chain is reset, in the long run: the
    /// stationary law of the chain watched only at resets (Kemeny and Snell
    /// 1960, section 6.1), whose rows are found by following excursions.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] and [`Error::TooExpensive`] for too many resets, and
    /// as [`MarkovChain::stationary`]: in particular if there are resets in
    /// several recurrent classes.
    pub(super) fn reset_law(&self, longest_mean: f64, watch: &mut Watch<'_>) -> Result<Law> {
        let resets: Vec<usize> = self.resets.iter().collect();
        if let [reset] = resets[..] {
            return Ok(Law::point(self.chain.len(), reset));
        }
        let count = resets.len() as f64;
        check_memory("the chain of resets", (resets.len() as u128).pow(2) * 8, MEMORY_LIMIT)?;
        // A mean time m leaves a share e^-k after about e k m steps.
        let steps = std::f64::consts::E * longest_mean * -LEFT_OVER.ln();
        let needed = count * steps * self.chain.operator().stored_entries() as f64;
        check_operations("the law of resets", needed, "name fewer resets, such as the start of text alone")?;
        let mut rows = Array2::zeros((resets.len(), resets.len()));
        for (mut row, &reset) in rows.rows_mut().into_iter().zip(&resets) {
            let landed = self.landing_law(reset, watch)?;
            row.iter_mut().zip(&resets).for_each(|(p, &to)| *p = landed[to]);
        }
        let watched = MarkovChain::from_dense(rows.view())?.stationary()?.converged()?;
        let mut law = vec![0.0; self.chain.len()];
        resets.iter().zip(watched.iter()).for_each(|(&reset, &p)| law[reset] = p);
        Ok(Law::from_computed(law))
    }

    /// The law of the state of the next reset after one in `reset`.
    fn landing_law(&self, reset: usize, watch: &mut Watch<'_>) -> Result<Law> {
        let n = self.chain.len();
        let mut going_on = Law::point(n, reset).into_vec();
        let mut next = vec![0.0; n];
        let mut landed = vec![0.0; n];
        for _ in 0..self.max_iterations {
            self.chain.operator().push_forward(&going_on, &mut next);
            for state in self.resets.iter() {
                landed[state] += std::mem::take(&mut next[state]);
            }
            std::mem::swap(&mut going_on, &mut next);
            if sum_by(n, |state| going_on[state]) <= LEFT_OVER {
                return Law::normalized(landed);
            }
            watch.step()?;
        }
        let (stop, iterations) = (Stop::MaxIterations.describe(), self.max_iterations);
        Err(Error::NotConverged { stop, iterations, residual: sum_by(n, |state| going_on[state]) })
    }
}
