//! Two continuations of one prompt.

use super::meeting::MeetingTime;
use super::pair_chain::PairChain;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{Transition, TransitionOperator, successors};
use crate::prob::Law;
use crate::solve::{Observer, report};

/// Two continuations of one prompt, drawn independently until they part and coupled from there on.
#[derive(Debug, Clone, PartialEq)]
pub struct Continuations {
    /// `together[n]`: the probability that two independent continuations are the same for `n` steps.
    pub together: Vec<f64>,
    /// When they are in the same state again, counted from the step at which they parted,
    /// given that they part within the steps followed.
    pub meeting: MeetingTime,
}

impl Continuations {
    /// The mean number of steps for which two independent continuations are the same,
    /// not counted beyond the steps followed.
    pub fn mean_time_together(&self) -> f64 {
        self.together.iter().skip(1).sum()
    }

    /// Exactly; `None` if the continuations never part.
    pub(super) fn exact<O: TransitionOperator>(
        chain: &MarkovChain<O>,
        pairs: &PairChain,
        prompt: usize,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> Result<Option<Self>> {
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
        let start = match pairs.law(apart) {
            Err(Error::ZeroMass) => return Ok(None),
            start => start?,
        };
        let meeting = MeetingTime::exact(pairs, &start, steps, observer)?;
        Ok(Some(Self { together, meeting }))
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
