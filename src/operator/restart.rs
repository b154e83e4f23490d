//! Chains that now and then start afresh.

use rand::RngExt;

use super::block::map_columns;
use super::transition::{Arc, LikelyStep, StepSampler, Transition, TransitionOperator, predecessors};
use crate::error::{Error, Result};
use crate::prob::{AliasTable, LANES, Law, StreamRng, dot, sum_by, sum_columns, sum_depth};

/// The chain `(1 - eps) P + eps 1 mu`: at every step, with probability `eps`
/// the state is forgotten and drawn afresh from the restart law `mu`.
///
/// Also known as the teleporting chain. It has one recurrent class, whatever
/// `P` is, and forgets its start at least as fast as `(1 - eps)^t`.
///
/// # Example
///
/// ```
/// use lmchain::operator::{Restart, SparseOperator, TransitionOperator};
/// use lmchain::prob::Law;
///
/// let cycle = SparseOperator::from_triplets(2, vec![(0, 1, 1.0), (1, 0, 1.0)])?;
/// let chain = Restart::new(cycle, 0.5, Law::point(2, 0))?;
/// assert_eq!(chain.probability(0, 0), 0.5);
/// assert_eq!(chain.probability(1, 0), 1.0);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Restart<O> {
    operator: O,
    restart: f64,
    law: Law,
    /// The states that the restart law can draw, ascending.
    support: Vec<u32>,
}

impl<O: TransitionOperator> Restart<O> {
    /// Restarts `operator` with probability `restart` per step, from `law`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] unless `0 < restart <= 1`,
    /// [`Error::LengthMismatch`] if the law is not over the operator's states.
    pub fn new(operator: O, restart: f64, law: Law) -> Result<Self> {
        if !(restart > 0.0 && restart <= 1.0) {
            return Err(Error::InvalidSetting {
                name: "restart",
                value: restart,
                requirement: "above 0 and at most 1",
            });
        }
        if law.len() != operator.states() {
            return Err(Error::LengthMismatch { expected: operator.states(), found: law.len() });
        }
        let support = (0..law.len() as u32).filter(|&state| law[state as usize] > 0.0).collect();
        Ok(Self { operator, restart, law, support })
    }

    /// The chain that is restarted.
    pub fn operator(&self) -> &O {
        &self.operator
    }

    /// The restart probability per step.
    pub fn restart(&self) -> f64 {
        self.restart
    }

    /// The restart law.
    pub fn law(&self) -> &Law {
        &self.law
    }

    fn keep(&self) -> f64 {
        1.0 - self.restart
    }

    fn hub(&self) -> usize {
        self.operator.states() + self.operator.hubs()
    }
}

impl<O: TransitionOperator> TransitionOperator for Restart<O> {
    fn states(&self) -> usize {
        self.operator.states()
    }

    fn stored_entries(&self) -> usize {
        self.operator.stored_entries() + self.support.len()
    }

    fn longest_sum(&self) -> usize {
        self.operator.longest_sum() + 1 + sum_depth(self.states())
    }

    fn push_forward(&self, law: &[f64], next: &mut [f64]) {
        self.operator.push_forward(law, next);
        let restarted = self.restart * sum_by(law.len(), |state| law[state]);
        let keep = self.keep();
        super::map_in_place(next, |state, kept| keep * kept + restarted * self.law[state]);
    }

    fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
        self.operator.pull_back(observable, expected);
        let restarted = self.restart * dot(&self.law, observable);
        let keep = self.keep();
        super::map_in_place(expected, |_, kept| keep * kept + restarted);
    }

    fn push_block(&self, laws: &[f64], next: &mut [f64], columns: usize) {
        self.operator.push_block(laws, next, columns);
        let sums = sum_columns(self.states(), columns, |state, column| laws[state * columns + column]);
        let restarted: Vec<f64> = sums.iter().map(|sum| self.restart * sum).collect();
        let keep = self.keep();
        map_columns(next, columns, |state, column, kept| keep * kept + restarted[column] * self.law[state]);
    }

    fn pull_block(&self, observables: &[f64], expected: &mut [f64], columns: usize) {
        self.operator.pull_block(observables, expected, columns);
        let term = |state: usize, column: usize| self.law[state] * observables[state * columns + column];
        let sums = sum_columns(self.states(), columns, term);
        let restarted: Vec<f64> = sums.iter().map(|sum| self.restart * sum).collect();
        let keep = self.keep();
        map_columns(expected, columns, |_, column, kept| keep * kept + restarted[column]);
    }

    /// A state is entered best by a transition of the inner chain, or by a restart
    /// from wherever the weight is largest.
    fn push_largest(&self, weights: &[f64], next: &mut [f64]) {
        super::check_lengths(self, weights, next);
        let top = weights.iter().copied().fold(0.0, f64::max);
        let keep = self.keep();
        super::map_in_place(next, |state, _| {
            let restarted = self.restart * self.law[state];
            let term = |from: Transition| weights[from.state] * (keep * from.probability + restarted);
            let inner = if keep > 0.0 {
                predecessors(&self.operator, state).map(term).fold(0.0, f64::max)
            } else {
                0.0
            };
            inner.max(top * restarted)
        });
    }

    /// The likely steps of the inner chain: a restart is one among all others.
    fn likely_steps(&self, steps: &mut [LikelyStep]) {
        self.operator.likely_steps(steps);
        let keep = self.keep();
        for step in steps {
            *step = LikelyStep {
                probability: keep * step.probability,
                rest: keep * step.rest + self.restart,
                ..*step
            };
        }
    }

    fn check_products(&self) -> Result<()> {
        self.operator.check_products()
    }

    fn looks_cost_rows(&self) -> bool {
        self.operator.looks_cost_rows()
    }

    /// Cursors up to the number of restart targets walk those that the inner
    /// chain does not lead to; later ones walk the inner chain.
    fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
        let inner = |target: usize| self.keep() > 0.0 && self.operator.probability(state, target) > 0.0;
        let targets = self.support.len();
        if let Some(at) = (cursor..targets).find(|&at| !inner(self.support[at] as usize)) {
            let target = self.support[at] as usize;
            let probability = self.restart * self.law[target];
            return Some(Transition { state: target, probability, cursor: at + 1 });
        }
        if self.keep() == 0.0 {
            return None;
        }
        let inner = self.operator.next_successor(state, cursor.max(targets) - targets)?;
        let probability = self.keep() * inner.probability + self.restart * self.law[inner.state];
        Some(Transition { state: inner.state, probability, cursor: inner.cursor + targets })
    }

    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
        if self.law[state] > 0.0 {
            // Every state leads here.
            return (cursor < self.states()).then(|| Transition {
                state: cursor,
                probability: self.probability(cursor, state),
                cursor: cursor + 1,
            });
        }
        if self.keep() == 0.0 {
            return None;
        }
        let inner = self.operator.next_predecessor(state, cursor)?;
        Some(Transition { probability: self.keep() * inner.probability, ..inner })
    }

    fn probability(&self, from: usize, to: usize) -> f64 {
        self.keep() * self.operator.probability(from, to) + self.restart * self.law[to]
    }

    fn is_evidently_regular(&self) -> bool {
        self.restart < 1.0 && self.operator.is_evidently_regular()
    }

    fn hubs(&self) -> usize {
        self.operator.hubs() + 1
    }

    fn next_arc(&self, node: usize, cursor: usize) -> Option<Arc> {
        if node == self.hub() {
            let target = *self.support.get(cursor)?;
            return Some(Arc { node: target as usize, steps: 0, cursor: cursor + 1 });
        }
        let is_state = node < self.states();
        if is_state && cursor == 0 {
            return Some(Arc { node: self.hub(), steps: 1, cursor: 1 });
        }
        if self.keep() == 0.0 {
            return None;
        }
        let inner = self.operator.next_arc(node, cursor.max(1) - 1)?;
        Some(Arc { cursor: inner.cursor + 1, ..inner })
    }

    fn single_precision_bytes(&self) -> Option<u128> {
        let law = ((size_of::<f64>() + size_of::<u32>()) * self.states()) as u128;
        self.operator.single_precision_bytes().map(|inner| inner + law)
    }

    fn single_precision(&self) -> Option<Box<dyn TransitionOperator + '_>> {
        let operator = self.operator.single_precision()?;
        let Self { restart, law, support, .. } = self;
        Some(Box::new(Restart { operator, restart: *restart, law: law.clone(), support: support.clone() }))
    }

    fn sampler_bytes(&self) -> u128 {
        self.operator.sampler_bytes() + AliasTable::bytes(self.states())
    }

    fn sampler(&self) -> Box<dyn StepSampler + '_> {
        let inner = self.operator.sampler();
        Box::new(RestartingSteps { inner, restart: self.restart, law: AliasTable::new(&self.law) })
    }
}

/// Steps that with probability `restart` forget the state and draw afresh from a law.
struct RestartingSteps<'a> {
    inner: Box<dyn StepSampler + 'a>,
    restart: f64,
    law: AliasTable,
}

impl StepSampler for RestartingSteps<'_> {
    fn step(&self, state: usize, rng: &mut StreamRng) -> usize {
        if rng.random_bool(self.restart) { self.law.draw(rng) } else { self.inner.step(state, rng) }
    }

    /// Walks that go on side by side take their steps together.
    fn step_many(&self, states: &mut [u32], rngs: &mut [StreamRng]) {
        assert_eq!(states.len(), rngs.len(), "one stream a walk");
        let mut restarts = [false; LANES];
        for (states, rngs) in states.chunks_mut(LANES).zip(rngs.chunks_mut(LANES)) {
            let restarts = &mut restarts[..states.len()];
            for (restarts, rng) in restarts.iter_mut().zip(&mut *rngs) {
                *restarts = rng.random_bool(self.restart);
            }
            let mut first = 0;
            for alike in restarts.chunk_by(|one, two| one == two) {
                let run = first..first + alike.len();
                first = run.end;
                let (states, rngs) = (&mut states[run.clone()], &mut rngs[run]);
                if alike[0] {
                    states.iter_mut().zip(rngs).for_each(|(state, rng)| *state = self.law.draw(rng) as u32);
                } else {
                    self.inner.step_many(states, rngs);
                }
            }
        }
    }
}
