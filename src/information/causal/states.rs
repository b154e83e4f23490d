//! The causal states, and the machine that they make.

use crate::chain::{MarkovChain, States};
use crate::error::Result;
use crate::information::rows::Rows;
use crate::operator::SparseOperator;
use crate::prob::Law;
use crate::text::{Token, Vocab};

/// The causal states of a chain (Crutchfield & Young 1989; Shalizi & Crutchfield 2001): the
/// coarsest partition of its states that tells as much about the future as they do.
///
/// Two states are in the same one if any text is as probable after the one as after
/// the other: the same laws of the next token, and, whichever token comes, the same causal
/// state again. Only states that the stationary law visits are in any.
#[derive(Debug)]
pub struct CausalStates {
    of_state: Vec<u32>,
    law: Law,
    first: Vec<usize>,
    steps: Vec<Vec<CausalStep>>,
    machine: MarkovChain<SparseOperator>,
    within: Option<f64>,
}

/// A step of the machine that the causal states make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CausalStep {
    /// The token said.
    pub token: Token,
    /// Its probability.
    pub probability: f64,
    /// The causal state entered.
    pub target: usize,
}

impl CausalStates {
    pub(super) fn new(
        states: &States,
        stationary: &Law,
        rows: &Rows,
        blocks: &[u32],
        count: usize,
        within: Option<f64>,
    ) -> Result<Self> {
        let mut of_state = vec![u32::MAX; states.len()];
        let mut weights = vec![0.0; count];
        let mut first = vec![usize::MAX; count];
        for (&state, &block) in rows.states.iter().zip(blocks) {
            of_state[state as usize] = block;
            weights[block as usize] += stationary[state as usize];
            first[block as usize] = first[block as usize].min(state as usize);
        }
        let steps = merged(rows, blocks, count, stationary);
        let names = Vocab::new(first.iter().map(|&state| states.label(state)).collect());
        let named = names.map_or_else(|_| States::numbered(count), States::named);
        let machine = MarkovChain::new(SparseOperator::from_weights(count, joined(&steps))?, named);
        Ok(Self { of_state, law: Law::normalized(weights)?, first, steps, machine, within })
    }

    /// How many causal states there are.
    pub fn count(&self) -> usize {
        self.first.len()
    }

    /// The causal state of a state, or `None` for one that the stationary law does not visit.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    #[track_caller]
    pub fn of_state(&self, state: usize) -> Option<usize> {
        Some(self.of_state[state]).filter(|&causal| causal != u32::MAX).map(|causal| causal as usize)
    }

    /// The first of the states that are in a causal state, which it is named after in the machine.
    ///
    /// # Panics
    ///
    /// If there is no such causal state.
    #[track_caller]
    pub fn first_state(&self, causal: usize) -> usize {
        self.first[causal]
    }

    /// The stationary law of the causal states.
    pub fn law(&self) -> &Law {
        &self.law
    }

    /// Statistical complexity, the entropy of the causal state in bits: what the past must
    /// be remembered of to predict as well as it allows. Unless the states are
    /// [approximate](Self::is_exact), at least the excess entropy, which is what of it
    /// can be seen in the future; at most the entropy of the states.
    pub fn statistical_complexity(&self) -> f64 {
        self.law.entropy()
    }

    /// The steps out of a causal state, by token: the machine is unifilar, a state and
    /// a token tell the next state.
    ///
    /// # Panics
    ///
    /// If there is no such causal state.
    #[track_caller]
    pub fn steps(&self, causal: usize) -> &[CausalStep] {
        &self.steps[causal]
    }

    /// The chain of the causal states, each named after the first state that is in it. It
    /// does not show tokens: two that lead the same way are one transition.
    pub fn machine(&self) -> &MarkovChain<SparseOperator> {
        &self.machine
    }

    /// Whether states were merged only for being the same to the bit.
    pub fn is_exact(&self) -> bool {
        self.within.is_none()
    }
}

/// The row of each block: the rows of its states, weighted by the stationary law. The
/// states of a block have steps with the same labels, which enter the same blocks.
fn merged(rows: &Rows, blocks: &[u32], count: usize, stationary: &Law) -> Vec<Vec<CausalStep>> {
    let mut steps: Vec<Vec<CausalStep>> = vec![Vec::new(); count];
    let mut weights = vec![0.0; count];
    for (place, &block) in blocks.iter().enumerate() {
        let (merged, weight) = (&mut steps[block as usize], &mut weights[block as usize]);
        let own = stationary[rows.states[place] as usize];
        let is_first = merged.is_empty();
        *weight += own;
        for (at, step) in rows.row(place).iter().enumerate() {
            if is_first {
                let target = blocks[step.target as usize] as usize;
                merged.push(CausalStep { token: step.label, probability: step.probability, target });
            } else if own > 0.0 {
                // A running mean: equal rows stay as they are, to the bit.
                merged[at].probability += own / *weight * (step.probability - merged[at].probability);
            }
        }
    }
    steps
}

/// Transitions of the machine, those by different tokens to one state added up.
fn joined(steps: &[Vec<CausalStep>]) -> Vec<(u32, u32, f64)> {
    let mut transitions = Vec::new();
    for (from, row) in steps.iter().enumerate() {
        let mut targets: Vec<(usize, f64)> = row.iter().map(|step| (step.target, step.probability)).collect();
        targets.sort_by_key(|&(target, _)| target);
        transitions.extend(targets.chunk_by(|a, b| a.0 == b.0).map(|group| {
            let probability = group.iter().map(|(_, p)| p).sum();
            (from as u32, group[0].0 as u32, probability)
        }));
    }
    transitions
}
