//! Transitions in any order, as compressed rows.

use rayon::prelude::*;
use sprs::CsMatI;

use super::operator::{SparseMatrix, SparseOperator};
use crate::error::{Error, Result};
use crate::prob::Law;

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
pub(super) fn check_entries(states: usize, entries: &[(u32, u32, f64)]) -> Result<()> {
    checked_states(states)?;
    for &(from, to, value) in entries {
        let state = from.max(to) as usize;
        if state >= states {
            return Err(Error::StateOutOfRange { state, states });
        }
        if !(value.is_finite() && value >= 0.0) {
            return Err(Error::InvalidEntry { row: from as usize, column: to as usize, value });
        }
    }
    Ok(())
}

/// Sorts transitions into compressed rows, checked entry by entry.
pub(super) fn compress(states: usize, mut transitions: Vec<(u32, u32, f64)>) -> Result<SparseMatrix> {
    check_entries(states, &transitions)?;
    transitions.retain(|&(_, _, value)| value > 0.0);
    transitions.par_sort_unstable_by_key(|&(from, to, _)| (from, to));
    if let Some(twice) = transitions.windows(2).find(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1))
    {
        return Err(Error::DuplicateEntry { row: twice[0].0 as usize, column: twice[0].1 as usize });
    }
    // A row without an entry is told from the entries alone, before a number of
    // states that a file merely claims is allocated for.
    if transitions.len() < states {
        let rows = transitions.chunk_by(|a, b| a.0 == b.0).map(|row| row[0].0 as usize);
        let row = rows.zip(0..).take_while(|(row, place)| row == place).count();
        return Err(Error::RowSum { row, sum: 0.0, tolerance: Law::sum_tolerance(0) });
    }
    let mut starts = vec![0usize; states + 1];
    for &(from, _, _) in &transitions {
        starts[from as usize + 1] += 1;
    }
    for row in 0..states {
        starts[row + 1] += starts[row];
    }
    let columns = transitions.iter().map(|&(_, to, _)| to).collect();
    let values = transitions.iter().map(|&(_, _, value)| value).collect();
    Ok(CsMatI::new((states, states), starts, columns, values))
}
