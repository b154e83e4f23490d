//! Memberships: how much of each topic a state is in.

use super::{TopicLaw, Topics};
use crate::error::{Error, Result};
use crate::prob::{Law, sum_by};

/// For every state of a chain a law over named topics.
///
/// A partition is the case in which every state is wholly in one topic:
/// [`of_topics`](Self::of_topics), and back again by [`largest`](Self::largest).
///
/// # Example
///
/// ```
/// use lmchain::topics::Memberships;
///
/// let soft = Memberships::new(["low", "high"], vec![1.0, 0.0, 0.5, 0.5, 0.0, 1.0])?;
/// assert_eq!(soft.of_state(1), [0.5, 0.5]);
/// assert_eq!(soft.law(&[0.5, 0.5, 0.0]), [0.75, 0.25]);
/// assert_eq!(soft.largest().of_state(2), 1);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Memberships {
    names: Vec<String>,
    by_state: Vec<f64>,
}

impl Memberships {
    /// Memberships by state: `states` rows of one number for each name.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyLaw`] without names, [`Error::LengthMismatch`] if the
    /// numbers do not fill whole rows; for a row that is no law what
    /// [`Law::new`] says, [`Error::RowSum`] naming the row for one that does
    /// not sum to one.
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>, by_state: Vec<f64>) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.is_empty() {
            return Err(Error::EmptyLaw);
        }
        let whole = by_state.len().div_ceil(names.len()) * names.len();
        if by_state.len() != whole {
            return Err(Error::LengthMismatch { expected: whole, found: by_state.len() });
        }
        for (row, law) in by_state.chunks_exact(names.len()).enumerate() {
            Law::check(law).map_err(|error| match error {
                Error::NotNormalized { sum, tolerance } => Error::RowSum { row, sum, tolerance },
                other => other,
            })?;
        }
        Ok(Self { names, by_state })
    }

    /// Every state wholly in its topic.
    pub fn of_topics(topics: &Topics) -> Self {
        let mut by_state = vec![0.0; topics.states() * topics.count()];
        for (state, row) in by_state.chunks_exact_mut(topics.count().max(1)).enumerate() {
            row[topics.of_state(state)] = 1.0;
        }
        Self { names: topics.names().to_vec(), by_state }
    }

    /// The partition in which every state is in its largest topic, the first of equals.
    pub fn largest(&self) -> Topics {
        let largest = |row: &[f64]| {
            let better = |best: usize, topic: usize| if row[topic] > row[best] { topic } else { best };
            (1..row.len()).fold(0, better)
        };
        Topics::from_indices(self.names.clone(), self.rows().map(largest))
    }

    /// The names of the topics.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of topics.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.by_state.len() / self.names.len()
    }

    /// The law of the topic of a state.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    #[track_caller]
    pub fn of_state(&self, state: usize) -> &[f64] {
        &self.by_state[state * self.count()..(state + 1) * self.count()]
    }

    /// The laws of all states in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.by_state.chunks_exact(self.count())
    }

    /// One topic as an observable: how much of it each state is in.
    ///
    /// # Panics
    ///
    /// If there is no such topic.
    #[track_caller]
    pub fn observable(&self, topic: usize) -> Vec<f64> {
        assert!(topic < self.count(), "a topic of the memberships");
        self.rows().map(|row| row[topic]).collect()
    }

    /// How much of a law is in each topic.
    ///
    /// # Panics
    ///
    /// If the law is over another number of states.
    #[track_caller]
    pub fn law(&self, law: &[f64]) -> TopicLaw {
        assert_eq!(law.len(), self.states(), "a law over the states that have memberships");
        (0..self.count())
            .map(|topic| sum_by(law.len(), |state| law[state] * self.by_state[state * self.count() + topic]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_no_laws_are_refused() {
        let of = |by_state: &[f64]| Memberships::new(["a", "b"], by_state.to_vec()).unwrap_err();
        assert!(matches!(of(&[1.0, 0.0, 0.5]), Error::LengthMismatch { expected: 4, found: 3 }));
        assert!(matches!(of(&[1.0, 0.0, 0.5, 0.6]), Error::RowSum { row: 1, .. }));
        assert!(matches!(of(&[f64::NAN, 0.0]), Error::InvalidProbability { .. }));
        assert!(matches!(Memberships::new::<String>([], vec![]), Err(Error::EmptyLaw)));
    }

    #[test]
    fn a_partition_comes_back() {
        let topics = Topics::from_indices(vec!["a".into(), "b".into()], [1, 0, 1].into_iter());
        assert_eq!(Memberships::of_topics(&topics).largest(), topics);
        assert_eq!(Memberships::of_topics(&topics).observable(1), [1.0, 0.0, 1.0]);
    }
}
