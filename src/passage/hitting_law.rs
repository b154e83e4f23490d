//! The law of the time at which a set is reached.

use crate::chain::{MarkovChain, Start, StateSet};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::sum_by;
use crate::solve::{MEMORY_LIMIT, check_memory, check_operations};

/// The law of a first passage, as far as it was followed.
#[derive(Debug, Clone, PartialEq)]
pub struct HittingLaw {
    /// `law[set][t]`: the probability that the set, of all sets, is reached first,
    /// and at time `t`.
    law: Vec<Vec<f64>>,
    survival: f64,
}

impl HittingLaw {
    /// The probability of reaching the set (the one given first is number 0)
    /// before the others, and at time `t = 0, 1, ...`.
    ///
    /// # Panics
    ///
    /// If there is no such set.
    pub fn of_set(&self, set: usize) -> &[f64] {
        &self.law[set]
    }

    /// The probability of reaching the set before the others, within the steps
    /// that were followed.
    ///
    /// # Panics
    ///
    /// If there is no such set.
    pub fn probability(&self, set: usize) -> f64 {
        self.law[set].iter().sum()
    }

    /// The probability that no set is reached within the steps that were followed.
    pub fn survival(&self) -> f64 {
        self.survival
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The law of the hitting time `min {t >= 0: X_t in target}` over the times
    /// `0..=steps`. One product a step.
    ///
    /// # Errors
    ///
    /// As [`race_law`](Self::race_law).
    pub fn hitting_time_law(&self, start: Start<'_>, target: &StateSet, steps: usize) -> Result<HittingLaw> {
        self.race_law(start, &[target], steps)
    }

    /// The law of the return time `min {t >= 1: X_t in target}` over the times
    /// `0..=steps`: the start itself does not count. One product a step.
    ///
    /// # Errors
    ///
    /// As [`race_law`](Self::race_law).
    pub fn return_time_law(&self, start: Start<'_>, target: &StateSet, steps: usize) -> Result<HittingLaw> {
        target.check(self.len(), "target")?;
        check_times(self.operator(), 1, steps)?;
        let law = start.law(self.states())?.into_vec();
        Ok(self.followed(law, &[target], steps, true))
    }

    /// Which of several disjoint sets is reached first, and when, over the times
    /// `0..=steps`. One product a step, whatever the number of sets.
    ///
    /// # Errors
    ///
    /// [`Error::EmptySet`], [`Error::LengthMismatch`], [`Error::OverlappingSets`]
    /// for the sets, [`Error::MustBePositive`] if there are none, [`Error::TooLarge`]
    /// for a result beyond 8 GiB, [`Error::TooExpensive`] beyond 10^12 operations, and as [`Start::law`].
    pub fn race_law(&self, start: Start<'_>, sets: &[&StateSet], steps: usize) -> Result<HittingLaw> {
        check_racers(self, sets)?;
        check_times(self.operator(), sets.len(), steps)?;
        let law = start.law(self.states())?.into_vec();
        Ok(self.followed(law, sets, steps, false))
    }

    fn followed(&self, mut law: Vec<f64>, sets: &[&StateSet], steps: usize, spare_start: bool) -> HittingLaw {
        let mut found = vec![Vec::with_capacity(steps + 1); sets.len()];
        let mut next = vec![0.0; law.len()];
        for step in 0..=steps {
            if step > 0 {
                self.operator().push_forward(&law, &mut next);
                std::mem::swap(&mut law, &mut next);
            }
            for (set, times) in sets.iter().zip(&mut found) {
                let spared = spare_start && step == 0;
                times.push(if spared { 0.0 } else { take(&mut law, set) });
            }
        }
        HittingLaw { law: found, survival: sum_by(law.len(), |state| law[state]) }
    }

    /// From every state, the probability of being in the target at some time
    /// within `steps` steps, the present included. One product a step.
    ///
    /// # Errors
    ///
    /// [`Error::EmptySet`] and [`Error::LengthMismatch`] for the set.
    pub fn hitting_probability_within(&self, target: &StateSet, steps: usize) -> Result<Vec<f64>> {
        target.check(self.len(), "target")?;
        let mut reached = vec![0.0; self.len()];
        let mut next = vec![0.0; self.len()];
        target.iter().for_each(|state| reached[state] = 1.0);
        for _ in 0..steps {
            self.operator().pull_back(&reached, &mut next);
            std::mem::swap(&mut reached, &mut next);
            target.iter().for_each(|state| reached[state] = 1.0);
        }
        Ok(reached)
    }
}

/// Refuses more times than fit in memory, or can be followed.
fn check_times(operator: &impl TransitionOperator, sets: usize, steps: usize) -> Result<()> {
    let work = steps as f64 * (operator.stored_entries() + operator.states()) as f64;
    check_operations("the products of the law of a time", work, "ask for fewer steps")?;
    let needed = sets as u128 * (steps as u128 + 1) * size_of::<f64>() as u128;
    check_memory("the law of the time", needed, MEMORY_LIMIT)
}

/// Takes the mass in a set out of a law.
fn take(law: &mut [f64], set: &StateSet) -> f64 {
    let mass = set.mass(law);
    set.iter().for_each(|state| law[state] = 0.0);
    mass
}

/// Refuses sets that cannot race each other.
pub(super) fn check_racers<O: TransitionOperator>(chain: &MarkovChain<O>, sets: &[&StateSet]) -> Result<()> {
    if sets.is_empty() {
        return Err(Error::MustBePositive { what: "number of sets" });
    }
    for (place, set) in sets.iter().enumerate() {
        set.check(chain.len(), "target")?;
        for other in &sets[..place] {
            set.check_disjoint(other, chain.states())?;
        }
    }
    Ok(())
}
