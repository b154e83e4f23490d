//! Steps drawn from the rows of a table.

use super::operator::ShiftOperator;
use super::table_entry::TableEntry;
use crate::operator::transition::{StepSampler, TransitionOperator};
use crate::prob::{AliasRows, StreamRng};
use crate::text::{ContextSpace, Token};

/// Alias tables over tokens; the shift gives the state.
pub(super) struct ShiftSteps {
    space: ContextSpace,
    rows: AliasRows,
}

impl ShiftSteps {
    pub(super) fn new<T: TableEntry>(operator: &ShiftOperator<T>) -> Self {
        let mut rows = AliasRows::with_capacity(operator.states(), operator.stored_entries());
        let mut law = vec![0.0; operator.space.vocabulary_size()];
        for context in 0..operator.states() {
            for (entry, p) in law.iter_mut().zip(operator.row(context)) {
                *entry = p.widen();
            }
            rows.push(&law);
        }
        Self { space: operator.space, rows }
    }
}

impl StepSampler for ShiftSteps {
    fn step(&self, state: usize, rng: &mut StreamRng) -> usize {
        self.space.shift(state, self.rows.draw(state, rng) as Token)
    }
}
