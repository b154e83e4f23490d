//! The rows of a chain, as labelled steps that can be compared bit by bit.

use std::hash::{Hash, Hasher};

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHasher};

use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::{TransitionOperator, successors};
use crate::parallel::of_each_part;
use crate::prob::Law;
use crate::solve::{MEMORY_LIMIT, check_memory};

/// A step out of a state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LabelledStep {
    /// What tells it from the other steps of the row: the token appended, or the state entered.
    pub(super) label: u32,
    /// Its probability.
    pub(super) probability: f64,
    /// The state entered, by its place among those listed.
    pub(super) target: u32,
}

/// The rows of the states that a law gives weight to, and of those that these lead to.
pub(super) struct Rows {
    /// The states, ascending.
    pub(super) states: Vec<u32>,
    starts: Vec<usize>,
    steps: Vec<LabelledStep>,
}

impl Rows {
    /// Every row, its steps in the order of their labels. 16 bytes a step, at most 8 GiB.
    pub(super) fn new<O: TransitionOperator>(
        chain: &MarkovChain<O>,
        law: &Law,
        label: impl Fn(usize) -> u32 + Sync,
    ) -> Result<Self> {
        let states = closure(chain, law);
        let length = |place: usize| successors(chain.operator(), states[place] as usize).count();
        let count = of_each_part(states.len(), &length).into_iter().sum();
        let needed = count as u128 * size_of::<LabelledStep>() as u128;
        check_memory("the rows of the chain, to be compared", needed, MEMORY_LIMIT)?;
        let mut place = vec![u32::MAX; chain.len()];
        (0..).zip(&states).for_each(|(number, &state)| place[state as usize] = number);
        let row = |&state: &u32| {
            let step = |to: crate::operator::Transition| LabelledStep {
                label: label(to.state),
                probability: to.probability,
                target: place[to.state],
            };
            let mut row: Vec<LabelledStep> = successors(chain.operator(), state as usize).map(step).collect();
            row.sort_by_key(|step| (step.label, step.target));
            row
        };
        let mut steps = Vec::with_capacity(count);
        let mut starts = vec![0];
        for chunk in states.chunks(1 << 12) {
            for row in of_each_part(chunk.len(), &|place| row(&chunk[place])) {
                steps.extend(row);
                starts.push(steps.len());
            }
        }
        Ok(Self { states, starts, steps })
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// The steps of a row, by its place among the states listed.
    pub(super) fn row(&self, place: usize) -> &[LabelledStep] {
        &self.steps[self.starts[place]..self.starts[place + 1]]
    }

    /// Whether two rows have the same labels with the same probabilities, to the bit.
    pub(super) fn agree(&self, one: usize, two: usize) -> bool {
        let same =
            |(a, b): (&LabelledStep, &LabelledStep)| a.label == b.label && a.probability == b.probability;
        let (one, two) = (self.row(one), self.row(two));
        one.len() == two.len() && one.iter().zip(two).all(same)
    }

    /// The blocks of equal rows, numbered by their first states: the number of the
    /// block of every row, and how many there are.
    pub(super) fn equal(&self) -> (Vec<u32>, usize) {
        let hash = |place: usize| {
            let mut hasher = FxHasher::default();
            self.row(place)
                .iter()
                .for_each(|step| (step.label, step.probability.to_bits()).hash(&mut hasher));
            hasher.finish()
        };
        grouped(self.len(), hash, |one, two| self.agree(one, two))
    }
}

/// Numbers the groups of equal things by their first members. Equal hashes are only a hint.
pub(super) fn grouped(
    count: usize,
    hash: impl Fn(usize) -> u64 + Send + Sync,
    equal: impl Fn(usize, usize) -> bool,
) -> (Vec<u32>, usize) {
    let hashes: Vec<u64> = (0..count).into_par_iter().map(hash).collect();
    // The groups with a hash, each by its first member and its number.
    let mut known: FxHashMap<u64, Vec<(usize, u32)>> = FxHashMap::default();
    let mut groups = 0;
    let mut number = |place: usize| {
        let candidates = known.entry(hashes[place]).or_default();
        if let Some(&(_, group)) = candidates.iter().find(|&&(first, _)| equal(first, place)) {
            return group;
        }
        candidates.push((place, groups));
        groups += 1;
        groups - 1
    };
    let of_each = (0..count).map(&mut number).collect();
    (of_each, groups as usize)
}

/// The states of positive weight and all that they lead to, ascending. Under a
/// stationary law nothing is led to but what has weight, underflow apart.
fn closure<O: TransitionOperator>(chain: &MarkovChain<O>, law: &Law) -> Vec<u32> {
    let mut met: Vec<bool> = law.iter().map(|&p| p > 0.0).collect();
    let mut open: Vec<usize> = (0..met.len()).filter(|&state| met[state]).collect();
    while let Some(state) = open.pop() {
        for to in successors(chain.operator(), state) {
            if !std::mem::replace(&mut met[to.state], true) {
                open.push(to.state);
            }
        }
    }
    (0..met.len() as u32).filter(|&state| met[state as usize]).collect()
}
