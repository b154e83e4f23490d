//! Single transitions of a chain over all contexts, given its entries.

use super::table_entry::TableEntry;
use crate::operator::transition::Transition;
use crate::text::{ContextSpace, Token};

/// The first transition out of a state, at or after a token, by its row and the scale of that.
pub(in crate::operator) fn next_successor<T: TableEntry>(
    space: &ContextSpace,
    (row, scale): (&[T], f64),
    state: usize,
    cursor: usize,
) -> Option<Transition> {
    let token = (cursor..row.len()).find(|&token| row[token].widen() > 0.0)?;
    Some(Transition {
        state: space.shift(state, token as Token),
        probability: row[token].widen() * scale,
        cursor: token + 1,
    })
}

/// The first transition into a state from a context with the oldest token `cursor` or a
/// later one, by the probability of a token after a context.
pub(in crate::operator) fn next_predecessor(
    space: &ContextSpace,
    state: usize,
    cursor: usize,
    entry: impl Fn(usize, usize) -> f64,
) -> Option<Transition> {
    let newest = space.newest(state) as usize;
    (cursor..space.vocabulary_size()).find_map(|oldest| {
        let before = space.unshift(state, oldest as Token);
        let probability = entry(before, newest);
        (probability > 0.0).then_some(Transition { state: before, probability, cursor: oldest + 1 })
    })
}

/// The probability of a step, by that of a token after a context.
pub(in crate::operator) fn probability(
    space: &ContextSpace,
    from: usize,
    to: usize,
    entry: impl Fn(usize, usize) -> f64,
) -> f64 {
    let token = space.newest(to);
    if space.shift(from, token) == to { entry(from, token as usize) } else { 0.0 }
}
