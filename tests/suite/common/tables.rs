//! Random tables over small context spaces.

use lmchain::chain::{MarkovChain, States};
use lmchain::operator::ShiftOperator;
use lmchain::text::ContextSpace;
use proptest::prelude::*;

/// Tables over context spaces of these sizes (V, K); `zeros` of every three
/// entries are zero, the others are `least` or more before a row is normalised.
pub(crate) fn tables(
    sizes: impl Strategy<Value = (usize, usize)>,
    zeros: u32,
    least: f64,
) -> impl Strategy<Value = (ContextSpace, Vec<f64>)> {
    sizes.prop_flat_map(move |(v, k)| {
        let space = ContextSpace::new(v, k).unwrap();
        let entry = (least..1.0f64, 0u32..3).prop_map(move |(p, zero)| if zero < zeros { 0.0 } else { p });
        let row = prop::collection::vec(entry, v).prop_map(|mut row| {
            if row.iter().all(|p| *p == 0.0) {
                row[0] = 1.0;
            }
            let sum: f64 = row.iter().sum();
            row.iter().map(|p| p / sum).collect::<Vec<_>>()
        });
        prop::collection::vec(row, space.len()).prop_map(move |rows| (space, rows.concat()))
    })
}

/// The chain of a table.
pub(crate) fn shift(space: ContextSpace, table: Vec<f64>) -> MarkovChain<ShiftOperator> {
    MarkovChain::new(ShiftOperator::new(space, table).unwrap(), States::contexts(space, None))
}
