//! What the benchmarks share.

#![allow(dead_code, reason = "every target compiles this module and uses its own part of it")]

pub(crate) mod chains;
pub(crate) mod sparse;
pub(crate) mod text;

use std::iter::Sum;
use std::ops::AddAssign;

use chains::ChainSpec;
use lmchain::chain::{MarkovChain, States};
use lmchain::operator::ShiftOperator;
use lmchain::text::ContextSpace;

/// A synthetic chain over all its contexts.
pub(crate) fn shift(spec: &ChainSpec) -> MarkovChain<ShiftOperator> {
    let space = ContextSpace::new(spec.vocabulary_size(), spec.context_length()).expect("a small space");
    let operator = ShiftOperator::new(space, spec.table()).expect("rows that sum to one");
    MarkovChain::new(operator, States::contexts(space, None))
}

/// Adds up part of a table as fast as it can be read.
pub(crate) fn sum_of_chunk<T: Copy + Default + Sum + AddAssign>(entries: &[T]) -> T {
    let (blocks, rest) = entries.as_chunks::<32>();
    let mut lanes = [T::default(); 32];
    for block in blocks {
        for (lane, entry) in lanes.iter_mut().zip(block) {
            *lane += *entry;
        }
    }
    lanes.into_iter().chain(rest.iter().copied()).sum()
}
