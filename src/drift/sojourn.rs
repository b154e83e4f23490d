//! How long a visit to a topic lasts.

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, sum_by};
use crate::topics::Topics;

/// The length of a visit to a topic, from an entry to the next exit, under the
/// stationary law.
#[derive(Debug, Clone, PartialEq)]
pub struct Sojourn {
    /// Mean length in steps: the share of time spent in the topic divided by
    /// the rate of entries. Infinite for a topic that is never left or entered.
    pub mean: f64,
    /// `survival[n]`: the probability that a visit lasts more than `n` steps,
    /// from `n = 0` (which is 1) as far as was asked for.
    pub survival: Vec<f64>,
}

impl Sojourn {
    /// The first `n` with at most half of the visits longer than `n` steps, or
    /// `None` if that is beyond the steps asked for.
    pub fn half_life(&self) -> Option<usize> {
        self.survival.iter().position(|&p| p <= 0.5)
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The sojourn law of a topic, followed for `steps` steps.
    ///
    /// `steps + 1` products. The topic is entered with the stationary flow from
    /// outside; if there is none (the topic is never left), its stationary law.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyTopic`] if the stationary law never visits the topic.
    ///
    /// # Panics
    ///
    /// If the topics are of another chain, or there is no such topic.
    #[track_caller]
    pub fn sojourn(&self, topics: &Topics, topic: usize, stationary: &Law, steps: usize) -> Result<Sojourn> {
        self.check_topics(topics);
        let inside = |state: usize| topics.of_state(state) == topic;
        let share = sum_by(self.len(), |state| if inside(state) { stationary[state] } else { 0.0 });
        if share == 0.0 {
            return Err(Error::EmptyTopic { name: topics.names()[topic].clone() });
        }
        let outside: Vec<f64> =
            (0..self.len()).map(|state| if inside(state) { 0.0 } else { stationary[state] }).collect();
        let entered = self.pushed_within(&outside, &inside);
        let entries = sum_by(entered.len(), |state| entered[state]);
        let mut law =
            if entries > 0.0 { entered } else { self.law_in_topic(topics, topic, stationary)?.into_vec() };
        let whole = sum_by(law.len(), |state| law[state]);
        let mut survival = vec![1.0];
        for _ in 0..steps {
            law = self.pushed_within(&law, &inside);
            survival.push(sum_by(law.len(), |state| law[state]) / whole);
        }
        Ok(Sojourn { mean: share / entries, survival })
    }

    /// The part of `law · P` that lies in some states.
    fn pushed_within(&self, law: &[f64], inside: &impl Fn(usize) -> bool) -> Vec<f64> {
        let mut next = vec![0.0; law.len()];
        self.operator().push_forward(law, &mut next);
        for (state, p) in next.iter_mut().enumerate() {
            if !inside(state) {
                *p = 0.0;
            }
        }
        next
    }
}
