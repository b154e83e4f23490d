//! Transition matrices, known by what they do.
//!
//! A **law** is a row vector; a step **pushes it forward**: `law · P`. An
//! **observable** is a column vector; a step **pulls it back**: `P · f`. These
//! two products are the only numeric primitives of the crate. Every analysis is
//! written once, against [`TransitionOperator`]; each operator makes a size of
//! problem possible that the others cannot.

mod backoff;
mod block;
mod fundamental;
mod matrix_market;
#[cfg(feature = "npz")]
mod npz;
mod restart;
mod shift;
mod sparse;
mod streamed;
mod sweep;
mod tabulated;
#[cfg(test)]
mod test_steps;
mod transition;
mod triplets;

pub use backoff::BackoffOperator;
#[cfg(test)]
pub(crate) use backoff::test_matrix;
pub(crate) use block::{Block, add_up_groups, block_batches, map_columns, pull_all, push_all};
pub(crate) use fundamental::Fundamental;
pub use restart::Restart;
pub use shift::{ShiftOperator, TableEntry, round_to_f32};
pub use sparse::{SparseMatrix, SparseOperator};
pub use streamed::{FileEntry, FunctionRows, RoundedRows, RowSource, StreamedOperator, TableFile};
pub(crate) use tabulated::counted_bytes;
#[cfg(test)]
pub(crate) use test_steps::assert_steps_side_by_side;
pub use transition::{
    Arc, LikelyStep, Pushed, StepSampler, Transition, TransitionOperator, predecessors, successors,
};
pub use triplets::Triplets;

use crate::parallel::for_each_part;
use crate::prob::extremes_by;

/// Panics unless both vectors of a product have one entry per state.
#[track_caller]
fn check_lengths<O: TransitionOperator>(operator: &O, input: &[f64], output: &[f64]) {
    assert_eq!(input.len(), operator.states(), "one entry per state");
    assert_eq!(output.len(), operator.states(), "one entry per state");
}

/// Replaces every entry by a function of its place and value, in parallel.
pub(crate) fn map_in_place(values: &mut [f64], f: impl Fn(usize, f64) -> f64 + Sync) {
    for_each_part(values, 1 << 12, &|first, part| {
        part.iter_mut().zip(first..).for_each(|(value, place)| *value = f(place, *value));
    });
}

/// States in the order of their groups, and in each as they are numbered; where the states of
/// each group begin, and the last ones end. `O(N)`.
pub(crate) fn by_group(group_of: &[u32], groups: usize) -> (Vec<u32>, Vec<usize>) {
    let mut starts = vec![0; groups + 1];
    group_of.iter().for_each(|&group| starts[group as usize + 1] += 1);
    for group in 0..groups {
        starts[group + 1] += starts[group];
    }
    let (mut next, mut members) = (starts.clone(), vec![0; group_of.len()]);
    for (state, &group) in group_of.iter().enumerate() {
        let place = &mut next[group as usize];
        members[*place] = state as u32;
        *place += 1;
    }
    (members, starts)
}

/// How far the sum of any row is from one. One product.
pub(crate) fn row_sum_error<O: TransitionOperator>(operator: &O) -> f64 {
    let mut sums = vec![0.0; operator.states()];
    operator.pull_back(&vec![1.0; operator.states()], &mut sums);
    let [(_, largest)] = extremes_by(sums.len(), |state| [(sums[state] - 1.0).abs()]);
    largest.max(0.0)
}
