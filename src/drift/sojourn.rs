//! How long a visit to a topic lasts.

use crate::chain::{MarkovChain, Start, StateSet};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::passage::{PassageSolver, PassageTimes};
use crate::prob::{Law, sum_by};
use crate::solve::Outcome;
use crate::topics::Topics;

/// The length of a visit to a topic, in steps: how often in a row the chain is
/// found there.
#[derive(Debug, Clone, PartialEq)]
pub struct Sojourn {
    /// Mean length in steps: the share of time spent in the topic divided by
    /// the rate of entries. Infinite for a topic that is never left or entered;
    /// of several recurrent classes, those count that are in the topic now and then.
    pub mean: f64,
    /// `survival[n]`: the probability that a visit lasts more than `n` steps,
    /// from `n = 0` (which is 1) as far as was asked for.
    pub survival: Vec<f64>,
}

impl Sojourn {
    /// The first `n` with at most half of the visits longer than `n` steps, or
    /// `None` if that is beyond the steps asked for.
    pub fn half_life(&self) -> Option<usize> {
        half_life(&self.survival)
    }

    /// The half-life between two steps, the survival taken to fall by the same
    /// factor all the way from the one to the other; `None` if that is beyond the
    /// steps asked for. For a topic that is left at a constant rate `h` it is
    /// `ln 2 / -ln(1 - h)`, exactly.
    pub fn half_life_between_steps(&self) -> Option<f64> {
        half_life_between_steps(&self.survival)
    }

    /// The hazard: element `n - 1` is the probability that a visit ends with its `n`-th
    /// step, given that it lasts `n` steps or more. As far as there are such visits.
    ///
    /// Constant if the topic is left at the same rate from everywhere in it; falling if
    /// those who stayed are those who are deep inside.
    pub fn hazard(&self) -> Vec<f64> {
        let pairs = self.survival.windows(2).take_while(|pair| pair[0] > 0.0);
        pairs.map(|pair| (1.0 - pair[1] / pair[0]).max(0.0)).collect()
    }

    /// The sojourn law: element `n - 1` is the probability that a visit lasts `n` steps.
    pub fn law(&self) -> Vec<f64> {
        self.survival.windows(2).map(|pair| (pair[0] - pair[1]).max(0.0)).collect()
    }
}

/// The first step at which a curve is at most 1/2.
pub(super) fn half_life(survival: &[f64]) -> Option<usize> {
    survival.iter().position(|&p| p <= 0.5)
}

/// Where a curve that falls geometrically from step to step is 1/2.
pub(super) fn half_life_between_steps(survival: &[f64]) -> Option<f64> {
    let after = half_life(survival)?;
    let Some(before) = after.checked_sub(1) else { return Some(0.0) };
    let fall = survival[after] / survival[before];
    // A fall to zero has infinite rate: half is lost at once.
    Some(before as f64 + (0.5 / survival[before]).ln() / fall.ln())
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The sojourn law of a topic, followed for `steps` steps.
    ///
    /// `steps + 1` products, and the classes of the chain. The topic is entered with the
    /// stationary flow from outside; if there is none (the topic is never left), its stationary law.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyTopic`] if the stationary law never visits the topic.
    ///
    /// # Panics
    ///
    /// If the topics are of another chain, or there is no such topic; so do the
    /// other methods here.
    #[track_caller]
    pub fn sojourn(&self, topics: &Topics, topic: usize, stationary: &Law, steps: usize) -> Result<Sojourn> {
        self.check_topics(topics);
        let inside = topics.states_of(topic);
        let share = inside.mass(stationary);
        if share == 0.0 {
            return Err(Error::EmptyTopic { name: topics.names()[topic].clone() });
        }
        let mut outside = stationary.to_vec();
        inside.complement().restrict(&mut outside);
        let entered = self.pushed_within(&outside, &inside);
        let entries = sum_by(entered.len(), |state| entered[state]);
        let law =
            if entries > 0.0 { entered } else { self.law_in_topic(topics, topic, stationary)?.into_vec() };
        let whole = sum_by(law.len(), |state| law[state]);
        let survival = self.kept_within(law, &inside, steps).into_iter().map(|p| p / whole).collect();
        let mean =
            if entries > 0.0 { self.mass_passing(&inside, stationary) / entries } else { f64::INFINITY };
        Ok(Sojourn { mean, survival })
    }

    /// The probability of having been in a topic at all of the steps `0..=n`, for
    /// `n` up to `steps`, from a start: how long a prompt is kept to.
    ///
    /// `steps` products.
    ///
    /// # Errors
    ///
    /// As [`Start::law`].
    #[track_caller]
    pub fn topic_survival(
        &self,
        topics: &Topics,
        topic: usize,
        start: Start<'_>,
        steps: usize,
    ) -> Result<Vec<f64>> {
        self.check_topics(topics);
        let inside = topics.states_of(topic);
        let mut law = start.law(self.states())?.into_vec();
        inside.restrict(&mut law);
        Ok(self.kept_within(law, &inside, steps))
    }

    /// The number of steps until a topic is left, from every state: mean and
    /// variance between proven bounds. Zero outside the topic, infinite from where it may
    /// never be left. [`PassageSolver`] with another tolerance takes
    /// [`Topics::states_of`] and its complement.
    ///
    /// # Errors
    ///
    /// [`Error::EmptySet`] if all states are in the topic, so that it is never left.
    #[track_caller]
    pub fn time_to_leave(&self, topics: &Topics, topic: usize) -> Result<Outcome<PassageTimes>> {
        self.check_topics(topics);
        let outside = topics.states_of(topic).complement();
        outside.check(self.len(), "states outside the topic")?;
        PassageSolver::new().times(self, &outside)
    }

    /// The mass of a set but for recurrent classes that lie wholly within it: what is in
    /// those takes no part in entering the set or leaving it.
    pub(super) fn mass_passing(&self, set: &StateSet, law: &[f64]) -> f64 {
        let classes = self.classes();
        let stays = |class: usize| {
            classes.is_recurrent(class)
                && classes.members(class).iter().all(|&state| set.contains(state as usize))
        };
        let stays: Vec<bool> = (0..classes.count()).map(stays).collect();
        let passing = |state: usize| set.contains(state) && !stays[classes.class_of(state)];
        StateSet::by_state(self.len(), passing).mass(law)
    }

    /// How much of a measure stays in a set for `0..=steps` steps.
    pub(super) fn kept_within(&self, mut law: Vec<f64>, inside: &StateSet, steps: usize) -> Vec<f64> {
        let mut kept = vec![sum_by(law.len(), |state| law[state])];
        for _ in 0..steps {
            law = self.pushed_within(&law, inside);
            kept.push(sum_by(law.len(), |state| law[state]));
        }
        kept
    }

    /// The part of `law · P` that lies in some states.
    pub(super) fn pushed_within(&self, law: &[f64], inside: &StateSet) -> Vec<f64> {
        let mut next = vec![0.0; law.len()];
        self.operator().push_forward(law, &mut next);
        inside.restrict(&mut next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sojourn(survival: &[f64]) -> Sojourn {
        Sojourn { mean: f64::NAN, survival: survival.to_vec() }
    }

    #[test]
    fn half_lives_are_read_off_the_survival() {
        let geometric: Vec<f64> = (0..20).map(|n| 0.9f64.powi(n)).collect();
        let sojourn_law = sojourn(&geometric);
        assert_eq!(sojourn_law.half_life(), Some(7));
        let expected = 2f64.ln() / -0.9f64.ln();
        assert!((sojourn_law.half_life_between_steps().unwrap() - expected).abs() < 1e-12);
        assert_eq!(sojourn(&[1.0, 0.5]).half_life_between_steps(), Some(1.0));
        assert_eq!(sojourn(&[1.0, 0.0]).half_life_between_steps(), Some(0.0));
        assert_eq!(sojourn(&[1.0, 0.9]).half_life_between_steps(), None);
    }

    #[test]
    fn the_hazard_ends_with_the_last_visit() {
        let visits = sojourn(&[1.0, 0.5, 0.125, 0.0, 0.0]);
        assert_eq!(visits.hazard(), [0.5, 0.75, 1.0]);
        assert_eq!(visits.law(), [0.5, 0.375, 0.125, 0.0]);
    }
}
