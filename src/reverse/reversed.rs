//! The reversed chain as an operator.

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{Transition, TransitionOperator, counted_bytes, map_columns};
use crate::prob::Law;

/// The time reversal of an operator under a law: `P*(i, j) = pi(j) P(j, i) / (pi P)(i)`.
///
/// Nothing but two vectors is stored: a law is pushed forward by pulling back
/// in the original chain, and the other way round,
///
/// ```text
/// law · P* = pi ⊙ P (law ⊘ pi P)        P* · f = ((pi ⊙ f) P) ⊘ pi P.
/// ```
///
/// Dividing by `pi P`, which equals `pi` when `pi` is stationary, makes the
/// rows sum to one up to rounding even where `pi` is only nearly stationary.
///
/// A state with `(pi P)(i) = 0` has no past; its row is that of the identity,
/// so that the operator stays stochastic. Ask [`has_past`](Self::has_past).
#[derive(Debug, Clone)]
pub struct Reversed<O> {
    operator: O,
    law: Law,
    /// The law one step later, `pi P`.
    entered: Vec<f64>,
}

impl<O: TransitionOperator> Reversed<O> {
    /// The reversal of `operator` under `law`, which should be stationary.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a law over other states.
    pub fn new(operator: O, law: Law) -> Result<Self> {
        if law.len() != operator.states() {
            return Err(Error::LengthMismatch { expected: operator.states(), found: law.len() });
        }
        let mut entered = vec![0.0; law.len()];
        operator.push_forward(&law, &mut entered);
        Ok(Self { operator, law, entered })
    }

    /// Whether anything can come before a state: whether the law ever enters
    /// it, with a probability that can be divided by (2^-1022 or more).
    ///
    /// # Panics
    ///
    /// If there is no such state.
    pub fn has_past(&self, state: usize) -> bool {
        self.entered[state] >= f64::MIN_POSITIVE
    }

    /// The law that the chain was reversed under.
    pub fn law(&self) -> &Law {
        &self.law
    }

    /// The operator that was reversed.
    pub fn operator(&self) -> &O {
        &self.operator
    }

    /// The identity's row of a state without a past.
    fn stay(state: usize, cursor: usize) -> Option<Transition> {
        (cursor == 0).then_some(Transition { state, probability: 1.0, cursor: 1 })
    }
}

impl<O: TransitionOperator> TransitionOperator for Reversed<O> {
    fn states(&self) -> usize {
        self.operator.states()
    }

    fn stored_entries(&self) -> usize {
        self.operator.stored_entries()
    }

    fn longest_sum(&self) -> usize {
        // Two roundings more, and those of the divisor.
        2 * self.operator.longest_sum() + 2
    }

    fn push_forward(&self, law: &[f64], next: &mut [f64]) {
        let over = |state: usize| if self.has_past(state) { law[state] / self.entered[state] } else { 0.0 };
        let ratio: Vec<f64> = (0..law.len()).map(over).collect();
        self.operator.pull_back(&ratio, next);
        for (state, value) in next.iter_mut().enumerate() {
            *value *= self.law[state];
            if !self.has_past(state) {
                *value += law[state];
            }
        }
    }

    fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
        let weighted: Vec<f64> = observable.iter().zip(self.law.iter()).map(|(f, p)| f * p).collect();
        self.operator.push_forward(&weighted, expected);
        for (state, value) in expected.iter_mut().enumerate() {
            *value = if self.has_past(state) { *value / self.entered[state] } else { observable[state] };
        }
    }

    fn push_block(&self, laws: &[f64], next: &mut [f64], columns: usize) {
        let over = |state: usize, column: usize| {
            if self.has_past(state) { laws[state * columns + column] / self.entered[state] } else { 0.0 }
        };
        let mut ratios = vec![0.0; laws.len()];
        map_columns(&mut ratios, columns, |state, column, _| over(state, column));
        self.operator.pull_block(&ratios, next, columns);
        map_columns(next, columns, |state, column, value| {
            let stays = if self.has_past(state) { 0.0 } else { laws[state * columns + column] };
            value * self.law[state] + stays
        });
    }

    fn pull_block(&self, observables: &[f64], expected: &mut [f64], columns: usize) {
        let mut weighted = observables.to_vec();
        map_columns(&mut weighted, columns, |state, _, f| f * self.law[state]);
        self.operator.push_block(&weighted, expected, columns);
        map_columns(expected, columns, |state, column, value| {
            if self.has_past(state) {
                value / self.entered[state]
            } else {
                observables[state * columns + column]
            }
        });
    }

    fn check_products(&self) -> Result<()> {
        self.operator.check_products()
    }

    fn looks_cost_rows(&self) -> bool {
        self.operator.looks_cost_rows()
    }

    fn next_successor(&self, state: usize, mut cursor: usize) -> Option<Transition> {
        if !self.has_past(state) {
            return Self::stay(state, cursor);
        }
        while let Some(before) = self.operator.next_predecessor(state, cursor) {
            let probability = self.law[before.state] * before.probability / self.entered[state];
            if probability > 0.0 {
                return Some(Transition { probability, ..before });
            }
            cursor = before.cursor;
        }
        None
    }

    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
        // Cursor 0 is the state itself where it has no past, later ones walk the
        // transitions of the original chain out of it.
        if cursor == 0 && !self.has_past(state) {
            return Self::stay(state, cursor);
        }
        let mut inner = cursor.saturating_sub(1);
        while let Some(after) = self.operator.next_successor(state, inner) {
            inner = after.cursor;
            let probability = self.probability(after.state, state);
            if self.has_past(after.state) && probability > 0.0 {
                return Some(Transition { state: after.state, probability, cursor: after.cursor + 1 });
            }
        }
        None
    }

    fn sampler_bytes(&self) -> u128 {
        counted_bytes(self)
    }

    fn probability(&self, from: usize, to: usize) -> f64 {
        if self.has_past(from) {
            self.law[to] * self.operator.probability(to, from) / self.entered[from]
        } else {
            f64::from(u8::from(from == to))
        }
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The chain run backwards under its stationary law, over the same states.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a law over other states.
    pub fn reversed(&self, stationary: &Law) -> Result<MarkovChain<Reversed<&O>>> {
        Ok(self.with_operator(Reversed::new(self.operator(), stationary.clone())?))
    }
}
