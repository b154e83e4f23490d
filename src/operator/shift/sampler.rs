//! Steps drawn from the rows of a table.

use super::operator::ShiftOperator;
use super::table_entry::TableEntry;
use crate::operator::transition::{StepSampler, TransitionOperator};
use crate::prob::{AliasGrid, LANES, StreamRng};
use crate::text::{ContextSpace, Token};

/// Alias tables over tokens, 8 bytes a transition; the shift gives the state.
pub(super) struct ShiftSteps {
    space: ContextSpace,
    tables: AliasGrid,
}

impl ShiftSteps {
    pub(super) fn new<T: TableEntry>(operator: &ShiftOperator<T>) -> Self {
        let tokens = operator.space.vocabulary_size();
        let tables = AliasGrid::tabulate(operator.states(), tokens, |context, weights| {
            for (weight, p) in weights.iter_mut().zip(operator.row(context)) {
                *weight = p.widen();
            }
        });
        Self { space: operator.space, tables }
    }

    /// Bytes that the tables take.
    pub(super) fn bytes(space: &ContextSpace) -> u128 {
        AliasGrid::bytes(space.len(), space.vocabulary_size())
    }
}

impl StepSampler for ShiftSteps {
    fn step(&self, state: usize, rng: &mut StreamRng) -> usize {
        self.space.shift(state, self.tables.draw(state, rng) as Token)
    }

    fn step_many(&self, states: &mut [u32], rngs: &mut [StreamRng]) {
        assert_eq!(states.len(), rngs.len(), "one stream a walk");
        let mut tokens = [0; LANES];
        for (states, rngs) in states.chunks_mut(LANES).zip(rngs.chunks_mut(LANES)) {
            self.tables.draw_each(states, rngs, &mut tokens);
            for (state, &token) in states.iter_mut().zip(&tokens) {
                *state = self.space.shift(*state as usize, token) as u32;
            }
        }
    }
}
