//! Whether a topic that was left is come back to.

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, sum_by};
use crate::topics::Topics;

/// What becomes of the topic once it has been left, under the stationary law.
///
/// Time is counted from the first step outside.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicReturn {
    /// `at[n]`: the probability of being in the topic `n` steps after it was
    /// left, from `n = 0` (which is 0) as far as was asked for.
    pub at: Vec<f64>,
    /// `within[n]`: the probability of having come back by then, not counting how often.
    pub within: Vec<f64>,
    /// Mean number of steps spent outside in a row: the share of time outside divided by
    /// the rate at which the topic is left. Of several recurrent classes, those count that
    /// are outside now and then.
    pub mean_absence: f64,
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The probability of being back in a topic after having left it, at `n`
    /// steps and within `n`, for `n` up to `steps`.
    ///
    /// `2 steps + 1` products, and the classes of the chain.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyTopic`] if the stationary law never visits the topic,
    /// [`Error::Impossible`] if it never leaves it.
    ///
    /// # Panics
    ///
    /// If the topics are of another chain, or there is no such topic.
    #[track_caller]
    pub fn topic_return(
        &self,
        topics: &Topics,
        topic: usize,
        stationary: &Law,
        steps: usize,
    ) -> Result<TopicReturn> {
        let from = self.law_in_topic(topics, topic, stationary)?;
        let (inside, outside) = (topics.states_of(topic), topics.states_of(topic).complement());
        let left = self.pushed_within(&from, &outside);
        let rate = sum_by(left.len(), |state| left[state]);
        if rate == 0.0 {
            return Err(Error::Impossible { what: "leaving the topic" });
        }
        let mut law: Vec<f64> = left.iter().map(|p| p / rate).collect();
        let kept_outside = self.kept_within(law.clone(), &outside, steps);
        let within = kept_outside.iter().map(|kept| (1.0 - kept).max(0.0)).collect();
        let mut at = vec![inside.mass(&law)];
        let mut next = vec![0.0; law.len()];
        for _ in 0..steps {
            self.operator().push_forward(&law, &mut next);
            std::mem::swap(&mut law, &mut next);
            at.push(inside.mass(&law));
        }
        let (share, apart) = (inside.mass(stationary), self.mass_passing(&outside, stationary));
        Ok(TopicReturn { at, within, mean_absence: apart / (share * rate) })
    }
}
