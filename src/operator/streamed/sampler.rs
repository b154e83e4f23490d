//! Steps drawn from rows that are had one by one.

use super::operator::StreamedOperator;
use super::rows::RowSource;
use crate::error::Result;
use crate::operator::shift::TableEntry;
use crate::operator::transition::{StepSampler, TransitionOperator};
use crate::prob::{AliasTable, StreamRng};
use crate::text::Token;

/// Makes the alias table of a row when a step is drawn from it: `O(V)` a step,
/// and the same draws as from tables made beforehand.
pub(super) struct StreamedSteps<'a, R: RowSource>(pub(super) &'a StreamedOperator<R>);

impl<R: RowSource> StepSampler for StreamedSteps<'_, R> {
    fn step(&self, state: usize, rng: &mut StreamRng) -> usize {
        let space = self.0.space();
        let Some(row) = self.0.row(state) else {
            // Void, as everything is after a failure.
            return space.shift(state, 0);
        };
        let law: Vec<f64> = row.iter().map(|p| p.widen()).collect();
        space.shift(state, AliasTable::new(&law).draw(rng) as Token)
    }

    fn check_steps(&self) -> Result<()> {
        self.0.check_products()
    }
}
