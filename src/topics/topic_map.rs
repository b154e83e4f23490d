//! What every way to give states their topics has in common.

use super::{Memberships, TopicLaw, Topics};
use crate::error::{Error, Result};
use crate::prob::Law;

/// States with topics: a partition ([`Topics`]) or [`Memberships`].
///
/// What is asked of topics step by step holds for both: a topic is then drawn
/// from the memberships of the state, anew at every step. What follows a visit
/// to a topic from its first step to its last needs a partition.
pub trait TopicMap: Sync {
    /// The names of the topics.
    fn names(&self) -> &[String];

    /// Number of states that have topics.
    fn states(&self) -> usize;

    /// How much of a topic a state is in, between 0 and 1.
    ///
    /// # Panics
    ///
    /// If there is no such state or topic.
    fn share(&self, state: usize, topic: usize) -> f64;

    /// How much of a law is in each topic.
    ///
    /// # Panics
    ///
    /// If the law is over another number of states.
    fn law(&self, law: &[f64]) -> TopicLaw;

    /// One topic as an observable: how much of it each state is in.
    ///
    /// # Panics
    ///
    /// If there is no such topic.
    fn observable(&self, topic: usize) -> Vec<f64> {
        (0..self.states()).map(|state| self.share(state, topic)).collect()
    }

    /// A law of states given that the topic is this one.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyTopic`] if the law never visits the topic.
    ///
    /// # Panics
    ///
    /// If the law is over another number of states, or there is no such topic.
    fn condition(&self, law: &Law, topic: usize) -> Result<Law> {
        assert_eq!(law.len(), self.states(), "a law over the states that have topics");
        let joint = law.iter().enumerate().map(|(state, p)| p * self.share(state, topic)).collect();
        Law::normalized(joint).map_err(|error| match error {
            Error::ZeroMass => Error::EmptyTopic { name: self.names()[topic].clone() },
            other => other,
        })
    }
}

impl TopicMap for Topics {
    fn names(&self) -> &[String] {
        self.names()
    }

    fn states(&self) -> usize {
        self.states()
    }

    fn share(&self, state: usize, topic: usize) -> f64 {
        assert!(topic < self.count(), "a topic of the partition");
        f64::from(u8::from(self.of_state(state) == topic))
    }

    fn law(&self, law: &[f64]) -> TopicLaw {
        self.law(law)
    }

    fn condition(&self, law: &Law, topic: usize) -> Result<Law> {
        let within = self.states_of(topic).condition(law);
        within.ok_or_else(|| Error::EmptyTopic { name: self.names()[topic].clone() })
    }
}

impl TopicMap for Memberships {
    fn names(&self) -> &[String] {
        self.names()
    }

    fn states(&self) -> usize {
        self.states()
    }

    fn share(&self, state: usize, topic: usize) -> f64 {
        self.of_state(state)[topic]
    }

    fn law(&self, law: &[f64]) -> TopicLaw {
        self.law(law)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_and_its_memberships_are_the_same_map() {
        let topics = Topics::from_indices(vec!["a".into(), "b".into(), "c".into()], [1, 0, 1].into_iter());
        let soft = Memberships::of_topics(&topics);
        let law = Law::new(vec![0.5, 0.25, 0.25]).unwrap();
        for topic in 0..2 {
            assert_eq!(TopicMap::observable(&topics, topic), soft.observable(topic));
            let condition = |map: &dyn TopicMap| map.condition(&law, topic).unwrap();
            assert_eq!(condition(&topics), condition(&soft));
        }
        for map in [&topics as &dyn TopicMap, &soft] {
            assert_eq!(map.law(&law), [0.25, 0.75, 0.0]);
            assert!(matches!(map.condition(&law, 2), Err(Error::EmptyTopic { name }) if name == "c"));
        }
    }
}
