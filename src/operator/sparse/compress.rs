//! Transitions in any order, as compressed rows.

use rayon::prelude::*;

use super::group::{Grouped, cut_rows, group};
use super::operator::{SparseMatrix, SparseOperator};
use crate::error::{Error, Result};
use crate::prob::Law;

/// A transition `(from, to, weight)`.
pub(super) type Weighted = (u32, u32, f64);

pub(super) fn checked_states(states: usize) -> Result<usize> {
    match states {
        0 => Err(Error::NoStates),
        _ if u32::try_from(states).is_ok() => Ok(states),
        _ => Err(Error::TooLarge {
            what: "a sparse matrix with 32-bit columns",
            needed: SparseOperator::bytes(states, states),
            allowed: SparseOperator::bytes(u32::MAX as usize, u32::MAX as usize),
        }),
    }
}

/// Refuses entries outside the matrix, and values that are no weights.
fn check_entries(states: usize, entries: &[Weighted]) -> Result<()> {
    checked_states(states)?;
    let problem = |&(from, to, value): &Weighted| {
        let state = from.max(to) as usize;
        if state >= states {
            Some(Error::StateOutOfRange { state, states })
        } else if !(value.is_finite() && value >= 0.0) {
            Some(Error::InvalidEntry { row: from as usize, column: to as usize, value })
        } else {
            None
        }
    };
    entries.par_iter().with_min_len(1 << 12).find_map_first(problem).map_or(Ok(()), Err)
}

/// Refuses a matrix with an empty row, told from the entries alone, before a
/// number of states that a file merely claims is allocated for.
fn check_enough(states: usize, transitions: &[Weighted]) -> Result<()> {
    let positive = || transitions.iter().filter(|transition| transition.2 > 0.0);
    if positive().count() >= states {
        return Ok(());
    }
    let mut rows: Vec<u32> = positive().map(|&(from, ..)| from).collect();
    rows.sort_unstable();
    rows.dedup();
    let row = rows.iter().zip(0..).take_while(|&(&row, place)| row == place).count();
    Err(Error::RowSum { row, sum: 0.0, tolerance: Law::sum_tolerance(0) })
}

/// Sorts transitions into compressed rows whose sums must be one; zeros are dropped.
pub(super) fn compress(states: usize, transitions: Vec<Weighted>) -> Result<SparseMatrix> {
    check_entries(states, &transitions)?;
    check_enough(states, &transitions)?;
    let mut rows = cut_rows(states, &transitions).unwrap_or_else(|| group(states, &transitions[..]));
    drop(transitions);
    rows.try_for_each_lane(|row, columns, values| {
        sort(row, columns, values)?;
        let sum: f64 = values.iter().sum();
        let tolerance = Law::sum_tolerance(values.len());
        if (sum - 1.0).abs() > tolerance { Err(Error::RowSum { row, sum, tolerance }) } else { Ok(()) }
    })?;
    Ok(rows.into_rows(states))
}

/// Sorts weights into compressed rows, each divided by its sum; a state with
/// no weight stays where it is.
pub(super) fn compress_weights(states: usize, mut weights: Vec<Weighted>) -> Result<SparseMatrix> {
    check_entries(states, &weights)?;
    let mut is_left = vec![false; states];
    for &(from, _, weight) in &weights {
        is_left[from as usize] |= weight > 0.0;
    }
    weights
        .extend((0..).zip(&is_left).filter(|(_, is_left)| !**is_left).map(|(state, _)| (state, state, 1.0)));
    let rows = group(states, &weights[..]);
    drop((weights, is_left));
    normalize(rows)
}

/// Divides rows of positive weights, in any order, by their sums. No row is empty.
pub(super) fn normalize(mut rows: Grouped) -> Result<SparseMatrix> {
    rows.try_for_each_lane(|row, columns, weights| {
        sort(row, columns, weights)?;
        // Dividing by the largest weight of a row first keeps its sum finite.
        let largest = weights.iter().copied().fold(0.0, f64::max);
        weights.iter_mut().for_each(|weight| *weight /= largest);
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Ok(())
    })?;
    let states = rows.lanes();
    // A weight may be too small beside the others of its row.
    let rows = if rows.values.par_iter().any(|&p| p == 0.0) { group(states, &rows) } else { rows };
    Ok(rows.into_rows(states))
}

/// Sorts a row by its columns, none of which may come twice.
fn sort(row: usize, columns: &mut [u32], values: &mut [f64]) -> Result<()> {
    if !columns.is_sorted() {
        let mut entries: Vec<(u32, f64)> = columns.iter().copied().zip(values.iter().copied()).collect();
        entries.sort_unstable_by_key(|&(column, _)| column);
        for ((column, value), entry) in columns.iter_mut().zip(values).zip(entries) {
            (*column, *value) = entry;
        }
    }
    match columns.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(Error::DuplicateEntry { row, column: twice[0] as usize }),
        None => Ok(()),
    }
}
