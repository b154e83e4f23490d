//! The one system of equations behind all questions of passage.

use super::Enclosure;
use crate::chain::StateSet;
use crate::operator::TransitionOperator;

/// A Dirichlet problem with a running reward: to find the `h` with
///
/// ```text
/// h(i) = r(i) + sum over j of P(i, j) h(j)   for every open state i,
/// h(i) = g(i)                                for all others, the boundary.
/// ```
///
/// `h(i)` is the expected reward collected from `i` on until the boundary is
/// met, and the value `g` met there. From every open state the boundary is met
/// with probability one; the caller sees to that. No value or reward is negative.
///
/// Probabilities of passage have `r = 0` and `g` in `{0, 1}`, mean times
/// `r = 1` and `g = 0` (Norris, *Markov Chains*, 1997, theorems 1.3.2, 1.3.5 and
/// 4.2.3).
pub(super) struct Dirichlet<'a, O> {
    pub(super) operator: &'a O,
    pub(super) open: StateSet,
    /// `g` on the boundary; whatever stands at open states is not read.
    pub(super) boundary: Vec<f64>,
    pub(super) reward: Reward,
}

/// What an open state adds each time it is left.
pub(super) enum Reward {
    /// The same for every state.
    Constant(f64),
    /// One value a state, each right within this relative error.
    Each { values: Vec<f64>, relative_error: f64 },
}

impl Reward {
    pub(super) fn of(&self, state: usize) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Each { values, .. } => values[state],
        }
    }

    pub(super) fn relative_error(&self) -> f64 {
        match self {
            Self::Constant(_) => 0.0,
            Self::Each { relative_error, .. } => *relative_error,
        }
    }
}

impl<O: TransitionOperator> Dirichlet<'_, O> {
    /// The bounds of all states from those of the open ones, each bound
    /// computed with at most this relative error, zero if it is rounded outwards already.
    pub(super) fn enclosure(&self, lower: Vec<f64>, upper: Vec<f64>, relative_error: f64) -> Enclosure {
        let error = relative_error + self.reward.relative_error();
        let (shrink, stretch) =
            ((1.0 - error).max(0.0), if error < 1.0 { 1.0 / (1.0 - error) } else { f64::INFINITY });
        let of = |state: usize, bound: f64, factor: f64| {
            if self.open.contains(state) { bound * factor } else { self.boundary[state] }
        };
        let bounds = |values: Vec<f64>, factor: f64| {
            values.into_iter().enumerate().map(|(state, bound)| of(state, bound, factor)).collect()
        };
        Enclosure::new(bounds(lower, shrink), bounds(upper, stretch))
    }
}
