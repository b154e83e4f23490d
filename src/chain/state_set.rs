//! Sets of states: what is bad, what is safe, where a walk starts or must not go.

use super::States;
use crate::error::{Error, Result};
use crate::prob::{Law, sum_by};
use crate::text::Token;

/// Some of the states of a chain.
///
/// One byte a state. Built from numbers, from a predicate on contexts, or from
/// the tokens that contexts end with.
///
/// # Example
///
/// ```
/// use lmchain::chain::{StateSet, States};
/// use lmchain::text::ContextSpace;
///
/// let states = States::contexts(ContextSpace::new(3, 2)?, None);
/// let repeats = StateSet::by_context(&states, |context| context[0] == context[1]);
/// assert_eq!(repeats.iter().collect::<Vec<_>>(), [0, 4, 8]);
/// let ends = StateSet::ending_with(&states, &[&[2], &[1, 1]])?;
/// assert_eq!(ends.union(&repeats).len(), 5);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSet {
    inside: Vec<bool>,
    len: usize,
}

impl StateSet {
    /// The states with these numbers, out of `states`.
    ///
    /// # Errors
    ///
    /// [`Error::StateOutOfRange`].
    pub fn of(states: usize, members: impl IntoIterator<Item = usize>) -> Result<Self> {
        let mut inside = vec![false; states];
        for state in members {
            *inside.get_mut(state).ok_or(Error::StateOutOfRange { state, states })? = true;
        }
        Ok(Self::new(inside))
    }

    /// The states that a predicate holds of, out of `states`.
    pub fn by_state(states: usize, predicate: impl Fn(usize) -> bool) -> Self {
        Self::new((0..states).map(predicate).collect())
    }

    /// The states of whose tokens, oldest first, a predicate holds. The states
    /// of a back-off model's chain have up to K tokens, all others have K.
    pub fn by_context(states: &States, predicate: impl Fn(&[Token]) -> bool) -> Self {
        Self::by_state(states.len(), |state| predicate(&states.tokens(state)))
    }

    /// The states whose newest tokens are one of these strings of tokens: in
    /// them, one of the strings has just been said.
    ///
    /// # Errors
    ///
    /// [`Error::StringTooLong`] for a string that is longer than contexts are,
    /// [`Error::UnknownState`] for one that no state ends with;
    /// [`Error::TokenOutOfRange`]; [`Error::EmptyText`] for a string without tokens.
    pub fn ending_with(states: &States, strings: &[&[Token]]) -> Result<Self> {
        let mut inside = vec![false; states.len()];
        for string in strings {
            if string.is_empty() {
                return Err(Error::EmptyText);
            }
            let (tokens, context) = (string.len(), states.context_length());
            if tokens > context {
                return Err(Error::StringTooLong { tokens, context });
            }
            let vocabulary_size = states.vocabulary_size();
            if let Some(&token) = string.iter().find(|&&token| token as usize >= vocabulary_size) {
                return Err(Error::TokenOutOfRange { token, vocabulary_size });
            }
            for state in states.ending_with(string)? {
                inside[state] = true;
            }
        }
        Ok(Self::new(inside))
    }

    fn new(inside: Vec<bool>) -> Self {
        let len = inside.iter().filter(|&&inside| inside).count();
        Self { inside, len }
    }

    /// Whether a state is in the set.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    #[track_caller]
    pub fn contains(&self, state: usize) -> bool {
        self.inside[state]
    }

    /// Number of states in the set.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no state is in the set.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of states N of the chain that this is a set of.
    pub fn states(&self) -> usize {
        self.inside.len()
    }

    /// The states in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.inside.iter().enumerate().filter(|(_, inside)| **inside).map(|(state, _)| state)
    }

    /// The states that are not in the set.
    pub fn complement(&self) -> Self {
        Self { inside: self.inside.iter().map(|inside| !inside).collect(), len: self.states() - self.len }
    }

    /// The states that are in one of the two sets.
    ///
    /// # Panics
    ///
    /// If the sets are of different chains; so do the other combinations here.
    #[track_caller]
    pub fn union(&self, other: &Self) -> Self {
        self.combined(other, |one, two| one || two)
    }

    /// The states that are in both sets.
    #[track_caller]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combined(other, |one, two| one && two)
    }

    /// The states that are in this set and not in the other.
    #[track_caller]
    pub fn difference(&self, other: &Self) -> Self {
        self.combined(other, |one, two| one && !two)
    }

    #[track_caller]
    fn combined(&self, other: &Self, keep: impl Fn(bool, bool) -> bool) -> Self {
        assert_eq!(self.states(), other.states(), "two sets of states of one chain");
        Self::new(self.inside.iter().zip(&other.inside).map(|(&one, &two)| keep(one, two)).collect())
    }

    /// How much of a law is in the set.
    ///
    /// # Panics
    ///
    /// If the law is over another number of states.
    #[track_caller]
    pub fn mass(&self, law: &[f64]) -> f64 {
        assert_eq!(law.len(), self.states(), "a law over the states that this is a set of");
        sum_by(law.len(), |state| if self.inside[state] { law[state] } else { 0.0 })
    }

    /// The set as an observable: 1 in it, 0 elsewhere.
    pub fn indicator(&self) -> Vec<f64> {
        self.inside.iter().map(|&inside| f64::from(u8::from(inside))).collect()
    }

    /// Sets the entries of all states that are not in the set to zero: what
    /// remains of a law is the part of it in the set.
    ///
    /// # Panics
    ///
    /// If there is not one value a state.
    #[track_caller]
    pub fn restrict(&self, values: &mut [f64]) {
        assert_eq!(values.len(), self.states(), "one value a state that this is a set of");
        values
            .iter_mut()
            .zip(&self.inside)
            .filter(|(_, inside)| !**inside)
            .for_each(|(value, _)| *value = 0.0);
    }

    /// A law given that the state is in the set; `None` if the law is never there.
    ///
    /// # Panics
    ///
    /// If the law is over another number of states.
    #[track_caller]
    pub fn condition(&self, law: &Law) -> Option<Law> {
        let mut within = law.to_vec();
        self.restrict(&mut within);
        Law::normalized(within).ok()
    }

    /// Refuses a set of the states of another chain, and one without states.
    pub(crate) fn check(&self, states: usize, what: &'static str) -> Result<()> {
        if self.states() != states {
            return Err(Error::LengthMismatch { expected: states, found: self.states() });
        }
        if self.is_empty() { Err(Error::EmptySet { what }) } else { Ok(()) }
    }

    /// Refuses two sets that share a state.
    pub(crate) fn check_disjoint(&self, other: &Self, states: &States) -> Result<()> {
        match (0..self.states()).find(|&state| self.inside[state] && other.inside[state]) {
            Some(state) => Err(Error::OverlappingSets { state, label: states.label(state) }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ContextSpace;

    fn states() -> States {
        States::contexts(ContextSpace::new(3, 2).unwrap(), None)
    }

    #[test]
    fn sets_are_combined_state_by_state() {
        let low = StateSet::of(6, [0, 1, 2, 2]).unwrap();
        let even = StateSet::by_state(6, |state| state % 2 == 0);
        let members = |set: &StateSet| set.iter().collect::<Vec<_>>();
        assert_eq!(members(&low.union(&even)), [0, 1, 2, 4]);
        assert_eq!(members(&low.intersection(&even)), [0, 2]);
        assert_eq!(members(&low.difference(&even)), [1]);
        assert_eq!(members(&low.complement()), [3, 4, 5]);
        assert_eq!((low.len(), low.complement().len(), low.states()), (3, 3, 6));
        assert_eq!(even.mass(&[0.5, 0.25, 0.125, 0.125, 0.0, 0.0]), 0.625);
        assert_eq!(low.indicator(), [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_law_given_a_set_is_its_part_in_the_set() {
        let law = Law::new(vec![0.5, 0.25, 0.125, 0.125]).unwrap();
        let even = StateSet::of(4, [0, 2]).unwrap();
        assert_eq!(*even.condition(&law).unwrap(), [0.8, 0.0, 0.2, 0.0]);
        assert_eq!(even.condition(&Law::point(4, 3)), None);
    }

    #[test]
    fn bad_sets_are_refused_with_the_place() {
        assert!(matches!(StateSet::of(3, [3]), Err(Error::StateOutOfRange { state: 3, states: 3 })));
        let ending = |string: &[Token]| StateSet::ending_with(&states(), &[string]);
        assert!(matches!(ending(&[]), Err(Error::EmptyText)));
        assert!(matches!(ending(&[0, 1, 2]), Err(Error::StringTooLong { tokens: 3, context: 2 })));
        assert!(matches!(ending(&[3]), Err(Error::TokenOutOfRange { token: 3, vocabulary_size: 3 })));
        let one = StateSet::of(9, [4]).unwrap();
        assert!(matches!(one.check(8, "target"), Err(Error::LengthMismatch { expected: 8, found: 9 })));
        let none = StateSet::of(9, []).unwrap();
        assert!(matches!(none.check(9, "target"), Err(Error::EmptySet { what: "target" })));
        let refused = one.check_disjoint(&one, &states());
        assert!(matches!(refused, Err(Error::OverlappingSets { state: 4, ref label }) if label == "1 1"));
    }
}
