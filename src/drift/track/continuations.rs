//! Two continuations of one prompt.

use super::mean_time::MeanTime;
use super::meeting::MeetingTime;
use super::pair_chain::PairChain;
use crate::chain::{MarkovChain, StateSet, States};
use crate::error::{Error, Result};
use crate::operator::{SparseOperator, Transition, TransitionOperator, successors};
use crate::passage::PassageSolver;
use crate::prob::Law;
use crate::solve::{Observer, report};

/// Two continuations of one prompt, drawn independently until they part and coupled from there on.
#[derive(Debug, Clone, PartialEq)]
pub struct Continuations {
    /// `together[n]`: the probability that two independent continuations are the same for `n` steps.
    pub together: Vec<f64>,
    /// When they part: the first step at which they differ.
    pub time_to_part: MeanTime,
    /// When they are in the same state again, counted from the step at which they parted,
    /// given that they part within the steps followed. `None` if they never do, or fewer than two of
    /// the pairs sampled.
    pub meeting: Option<MeetingTime>,
}

impl Continuations {
    /// Solved on the chain of one continuation, and that of pairs.
    pub(super) fn exact<O: TransitionOperator>(
        chain: &MarkovChain<O>,
        pairs: &PairChain,
        prompt: usize,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let (together, visits) = together(chain, prompt, steps, observer)?;
        let visited = (0..chain.len()).filter(|&state| visits[state] > 0.0);
        let apart = visited.flat_map(|state| {
            let row: Vec<Transition> = successors(chain.operator(), state).collect();
            let after = |(place, one): (usize, &Transition)| {
                let weight = visits[state] * one.probability;
                let others = row[place + 1..].iter();
                others.map(|other| (one.state, other.state, weight * other.probability)).collect::<Vec<_>>()
            };
            row.iter().enumerate().flat_map(after).collect::<Vec<_>>()
        });
        let meeting = match pairs.law(apart) {
            Err(Error::ZeroMass) => None,
            start => Some(MeetingTime::exact(pairs, &start?, steps, observer)?),
        };
        Ok(Self { together, time_to_part: time_to_part(chain, prompt, observer)?, meeting })
    }
}

/// The probability that two independent continuations are the same for `0..=steps` steps, and
/// how often on average they are together in each state before the last of these.
fn together<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    prompt: usize,
    steps: usize,
    observer: &mut dyn Observer,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut both = Law::point(chain.len(), prompt).into_vec();
    let (mut together, mut visits) = (vec![1.0], vec![0.0; chain.len()]);
    for step in 0..steps {
        report(observer, "two continuations until they part", step as u64, Some(steps as u64))?;
        let mut next = vec![0.0; chain.len()];
        for (state, &weight) in both.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            visits[state] += weight;
            for one in successors(chain.operator(), state) {
                next[one.state] += weight * one.probability.powi(2);
            }
        }
        both = next;
        together.push(both.iter().sum());
    }
    Ok((together, visits))
}

/// The mean time until two independent continuations differ: on the chain of the two for as
/// long as they are the same, with one more state for when they are not.
fn time_to_part<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    prompt: usize,
    observer: &mut dyn Observer,
) -> Result<MeanTime> {
    let parted = chain.len();
    let mut weights = vec![(parted as u32, parted as u32, 1.0)];
    for state in 0..parted {
        let mut apart = 0.0;
        for one in successors(chain.operator(), state) {
            weights.push((state as u32, one.state as u32, one.probability.powi(2)));
            apart += one.probability * (1.0 - one.probability).max(0.0);
        }
        weights.extend((apart > 0.0).then_some((state as u32, parted as u32, apart)));
    }
    let same =
        MarkovChain::new(SparseOperator::from_weights(parted + 1, weights)?, States::numbered(parted + 1));
    let (target, start) = (StateSet::of(parted + 1, [parted])?, Law::point(parted + 1, prompt));
    MeanTime::solve(
        &PassageSolver::new(),
        &same,
        &target,
        &start,
        "the mean time until two continuations part",
        observer,
    )
}
