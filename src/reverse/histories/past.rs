//! The past of a stationary chain, without a horizon.

use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::reverse::Reversed;
use crate::solve::{MEMORY_LIMIT, check_memory};

impl<O: TransitionOperator> MarkovChain<O> {
    /// The stationary law given that the state is in a set: where the walks
    /// into the past of the set start.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a law over other states or a set of
    /// another chain, [`Error::EmptySet`], and [`Error::Impossible`] if the law
    /// does not visit the set.
    pub fn law_within(&self, stationary: &Law, set: &StateSet) -> Result<Law> {
        if stationary.len() != self.len() {
            return Err(Error::LengthMismatch { expected: self.len(), found: stationary.len() });
        }
        set.check(self.len(), "set to look back from")?;
        set.condition(stationary).ok_or(Error::Impossible { what: "the set to look back from" })
    }

    /// The law of the state `0, 1, ..., steps` steps before the stationary chain
    /// is in a set: it may have been there before.
    ///
    /// The reversed chain pushed forward from the stationary law within the set;
    /// one product a step. It is the law given the end of
    /// [`histories`](Self::histories) from the stationary law, without a horizon.
    /// For samples, let the [`walker`](Self::walker) of the
    /// [`reversed`](Self::reversed) chain start in [`law_within`](Self::law_within).
    ///
    /// # Errors
    ///
    /// As [`law_within`](Self::law_within); [`Error::NoPast`] if the law is in a
    /// state of the set that it does not enter, or with a probability that cannot
    /// be divided by; [`Error::TooLarge`].
    pub fn past_laws(&self, stationary: &Law, set: &StateSet, steps: usize) -> Result<Vec<Law>> {
        let needed = (steps as u128 + 1) * (self.len() * size_of::<f64>()) as u128;
        check_memory("the laws of the past", needed, MEMORY_LIMIT)?;
        let mut law = self.law_within(stationary, set)?;
        let reversed = Reversed::new(self.operator(), stationary.clone())?;
        if let Some(state) = (0..law.len()).find(|&state| law[state] > 0.0 && !reversed.has_past(state)) {
            return Err(Error::NoPast { state, label: self.states().label(state) });
        }
        let mut laws = Vec::with_capacity(steps + 1);
        for _ in 0..steps {
            let mut before = vec![0.0; law.len()];
            reversed.push_forward(&law, &mut before);
            laws.push(std::mem::replace(&mut law, Law::from_computed(before)));
        }
        laws.push(law);
        Ok(laws)
    }
}
