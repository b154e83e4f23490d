//! One stationary law per recurrent class.

use crate::chain::Classes;
use crate::error::{Error, Result};
use crate::operator::map_in_place;
use crate::prob::{Law, sum_by};

/// The stationary laws of a chain, one per recurrent class.
///
/// Recurrent classes share no state, so one vector holds all the laws.
#[derive(Debug, Clone)]
pub struct StationaryLaws<'a> {
    classes: &'a Classes,
    /// The probability of each state in the law of its class; 0 if transient.
    within_class: Vec<f64>,
}

impl<'a> StationaryLaws<'a> {
    pub(super) fn new(classes: &'a Classes, within_class: Vec<f64>) -> Self {
        Self { classes, within_class }
    }

    /// The recurrent classes, by their numbers in [`Classes`], ascending.
    pub fn classes(&self) -> impl Iterator<Item = usize> + '_ {
        self.classes.recurrent()
    }

    /// The stationary law of a recurrent class, over all states of the chain.
    ///
    /// # Panics
    ///
    /// If the class is not recurrent.
    #[track_caller]
    pub fn law(&self, class: usize) -> Law {
        assert!(self.classes.is_recurrent(class), "class {class} is transient: it has no stationary law");
        let mut law = vec![0.0; self.within_class.len()];
        for &state in self.classes.members(class) {
            law[state as usize] = self.within_class[state as usize];
        }
        Law::from_computed(law)
    }

    /// The one stationary law of a chain with one recurrent class.
    ///
    /// # Errors
    ///
    /// [`Error::SeveralRecurrentClasses`].
    pub fn unique(self) -> Result<Law> {
        match self.classes.recurrent_count() {
            1 => Ok(Law::from_computed(self.within_class)),
            classes => Err(Error::SeveralRecurrentClasses { classes }),
        }
    }

    /// The mixture of the laws with one weight per recurrent class, in the
    /// order of [`classes`](Self::classes): the long-run law, if the weights
    /// are the absorption weights of a start.
    ///
    /// # Panics
    ///
    /// If there is not one weight per recurrent class.
    #[track_caller]
    pub fn mixture(&self, weights: &[f64]) -> Law {
        assert_eq!(weights.len(), self.classes.recurrent_count(), "one weight per recurrent class");
        let mut law = vec![0.0; self.within_class.len()];
        for (class, weight) in self.classes.recurrent().zip(weights) {
            for &state in self.classes.members(class) {
                law[state as usize] = weight * self.within_class[state as usize];
            }
        }
        Law::from_computed(law)
    }
}

/// Divides the law of every recurrent class by its sum; transient states have none.
pub(super) fn normalize(classes: &Classes, law: &mut [f64]) {
    for class in classes.recurrent() {
        let states = classes.members(class);
        if states.len() == law.len() {
            let sum = sum_by(law.len(), |state| law[state]);
            map_in_place(law, |_, p| p / sum);
        } else {
            let sum = sum_by(states.len(), |i| law[states[i] as usize]);
            states.iter().for_each(|&state| law[state as usize] /= sum);
        }
    }
}

/// `||law P - law||_1`, given `law` and `next = law P`: the largest over the recurrent classes.
pub(super) fn largest_residual(classes: &Classes, law: &[f64], next: &[f64]) -> f64 {
    let of_class = |class| {
        let states = classes.members(class);
        if states.len() == law.len() {
            return sum_by(law.len(), |state| (next[state] - law[state]).abs());
        }
        sum_by(states.len(), |i| (next[states[i] as usize] - law[states[i] as usize]).abs())
    };
    classes.recurrent().map(of_class).fold(0.0, f64::max)
}
