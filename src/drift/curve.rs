//! Topics over time.

use crate::chain::{MarkovChain, Start};
use crate::error::Result;
use crate::operator::{TransitionOperator, block_batches, push_all};
use crate::prob::Law;
use crate::topics::{TopicLaw, TopicMap};

impl<O: TransitionOperator> MarkovChain<O> {
    /// The law of the topic after `0..=steps` steps from a start: one law a
    /// step. `steps` products.
    ///
    /// From a prompt, start there; from a topic, in [`law_in_topic`](Self::law_in_topic).
    ///
    /// # Errors
    ///
    /// As [`Start::law`].
    ///
    /// # Panics
    ///
    /// If the topics are of another chain, or there is no such topic; so do the
    /// other methods here.
    #[track_caller]
    pub fn topic_curve(
        &self,
        topics: &impl TopicMap,
        start: Start<'_>,
        steps: usize,
    ) -> Result<Vec<TopicLaw>> {
        self.check_topics(topics);
        let mut law = start.law(self.states())?.into_vec();
        let mut next = vec![0.0; law.len()];
        let mut curve = vec![topics.law(&law)];
        for _ in 0..steps {
            self.operator().push_forward(&law, &mut next);
            std::mem::swap(&mut law, &mut next);
            curve.push(topics.law(&law));
        }
        Ok(curve)
    }

    /// The stationary law given a topic.
    ///
    /// # Errors
    ///
    /// [`EmptyTopic`](crate::Error::EmptyTopic) if the stationary law never visits the topic.
    #[track_caller]
    pub fn law_in_topic(&self, topics: &impl TopicMap, topic: usize, stationary: &Law) -> Result<Law> {
        self.check_topics(topics);
        topics.condition(stationary, topic)
    }

    /// The flow matrix: `flow[a][b]` is the probability of topic `b` one step
    /// after topic `a`, under the stationary law; `None` for a topic that it
    /// never visits. One product a topic.
    #[track_caller]
    pub fn topic_flow(&self, topics: &impl TopicMap, stationary: &Law) -> Vec<Option<TopicLaw>> {
        let visited = |topic| Some((topic, self.law_in_topic(topics, topic, stationary).ok()?));
        let mut flow = vec![None; topics.names().len()];
        for run in block_batches(self.len(), flow.len()).flatten() {
            let (visited, laws): (Vec<usize>, Vec<Law>) = run.filter_map(visited).unzip();
            let curves = self.topic_curves(topics, laws, 1);
            visited.into_iter().zip(curves).for_each(|(topic, mut curve)| flow[topic] = curve.pop());
        }
        flow
    }

    /// The law of the topic after `0..=steps` steps from each of several laws, which are
    /// moved together.
    #[track_caller]
    pub(super) fn topic_curves(
        &self,
        topics: &impl TopicMap,
        laws: Vec<Law>,
        steps: usize,
    ) -> Vec<Vec<TopicLaw>> {
        self.check_topics(topics);
        let mut laws: Vec<Vec<f64>> = laws.into_iter().map(Law::into_vec).collect();
        let mut curves: Vec<Vec<TopicLaw>> = laws.iter().map(|law| vec![topics.law(law)]).collect();
        for _ in 0..steps {
            push_all(self.operator(), &mut laws);
            curves.iter_mut().zip(&laws).for_each(|(curve, law)| curve.push(topics.law(law)));
        }
        curves
    }

    /// Retention: the probability of being in the topic after `0..=steps` steps,
    /// given that one was at the start, under the stationary law. It ends, unless
    /// the chain is periodic or reducible, at the topic's share of that law; it starts at 1 for
    /// a partition, and for memberships at the probability of drawing the topic
    /// twice from the state that it was drawn from.
    ///
    /// # Errors
    ///
    /// [`EmptyTopic`](crate::Error::EmptyTopic).
    #[track_caller]
    pub fn retention(
        &self,
        topics: &impl TopicMap,
        topic: usize,
        stationary: &Law,
        steps: usize,
    ) -> Result<Vec<f64>> {
        let start = self.law_in_topic(topics, topic, stationary)?;
        let curve = self.topic_curve(topics, Start::Law(&start), steps)?;
        Ok(curve.into_iter().map(|law| law[topic]).collect())
    }

    #[track_caller]
    pub(super) fn check_topics(&self, topics: &impl TopicMap) {
        assert_eq!(topics.states(), self.len(), "topics of the states of this chain");
    }
}
