//! A sparse matrix as a list of its entries.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::error::{Error, MatrixFileProblem, Result};

/// A sparse matrix as its entries `(row, column, value)`, in no set order.
///
/// This is what a file holds, before anything is said about probability: the
/// matrix need not be square, rows need not sum to one, values may be negative,
/// and an entry may be given twice. Values are finite; indices are below `rows`
/// and `columns`. Entries that are exactly zero are left out by the readers, for
/// a zero in a file is not a transition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Triplets {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Row, column and value of each entry, counted from 0.
    pub entries: Vec<(u32, u32, f64)>,
}

impl Triplets {
    /// No more entries than this are read from a file: 2^30, which take 16 GiB.
    pub const MAX_ENTRIES: usize = 1 << 30;

    /// How many entries a file may announce and be given room for at once.
    const INITIAL_CAPACITY: u64 = 1 << 12;

    /// An empty matrix, with room for what a file announces, within reason:
    /// the rest is allocated only as entries are truly found.
    pub(super) fn announced(rows: usize, columns: usize, entries: u64) -> Self {
        let capacity = entries.min(Self::INITIAL_CAPACITY) as usize;
        Self { rows, columns, entries: Vec::with_capacity(capacity) }
    }

    /// An entry of which it is seen that its value is finite.
    pub(super) fn checked_entry(
        row: u32,
        column: u32,
        value: f64,
    ) -> Result<(u32, u32, f64), MatrixFileProblem> {
        if value.is_finite() {
            Ok((row, column, value))
        } else {
            Err(MatrixFileProblem::NotFinite { row: row as usize, column: column as usize, value })
        }
    }

    /// Adds an entry that lies inside the matrix, unless it is zero.
    pub(super) fn push(&mut self, row: u32, column: u32, value: f64) -> Result<(), MatrixFileProblem> {
        Self::checked_entry(row, column, value)?;
        if value != 0.0 {
            if self.entries.len() == Self::MAX_ENTRIES {
                return Err(MatrixFileProblem::TooManyEntries { limit: Self::MAX_ENTRIES });
            }
            self.entries.push((row, column, value));
        }
        Ok(())
    }
}

/// A number of rows or columns, which must fit in 32 bits.
pub(super) fn checked_size(axis: &'static str, count: i64) -> Result<usize, MatrixFileProblem> {
    let count = u64::try_from(count).map_err(|_| MatrixFileProblem::NegativeSize { axis, count })?;
    match u32::try_from(count) {
        Ok(size) => Ok(size as usize),
        Err(_) => Err(MatrixFileProblem::TooManyStates { axis, count }),
    }
}

/// An index counted from `first`, as one counted from 0 and below `size`.
pub(super) fn checked_index(
    axis: &'static str,
    index: i64,
    first: u32,
    size: usize,
) -> Result<u32, MatrixFileProblem> {
    let first = u64::from(first);
    let end = first + size as u64;
    match u64::try_from(index) {
        Ok(inside) if (first..end).contains(&inside) => Ok((inside - first) as u32),
        _ => Err(MatrixFileProblem::IndexOutOfRange { axis, index, first, end }),
    }
}

/// Opens a file and reads it, adding its path to what goes wrong.
pub(super) fn open<T>(path: &Path, read: impl FnOnce(BufReader<File>) -> Result<T>) -> Result<T> {
    let file = File::open(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    read(BufReader::new(file)).map_err(|error| match error {
        Error::MatrixFile { line, problem, .. } => {
            Error::MatrixFile { path: Some(path.to_owned()), line, problem }
        }
        other => other,
    })
}

/// Broken files, for the tests of the readers.
#[cfg(test)]
pub(super) mod fuzz {
    use proptest::prelude::*;

    use super::*;

    /// What to do, where, and with which byte.
    type Edit = (u8, usize, u8);

    pub(in crate::operator) fn edits() -> impl Strategy<Value = Vec<Edit>> {
        prop::collection::vec((any::<u8>(), any::<usize>(), any::<u8>()), 1..6)
    }

    /// Deletes, doubles or replaces bytes at given places.
    pub(in crate::operator) fn mutate(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for &(kind, place, byte) in edits {
            if bytes.is_empty() {
                break;
            }
            let place = place % bytes.len();
            match kind % 3 {
                0 => drop(bytes.remove(place)),
                1 => bytes.insert(place, bytes[place]),
                _ => bytes[place] = byte,
            }
        }
        bytes
    }

    /// Whatever was read, from whichever bytes, must be a matrix.
    pub(in crate::operator) fn check_any(read: Result<Triplets>) -> Result<(), TestCaseError> {
        if let Ok(matrix) = read {
            for &(row, column, value) in &matrix.entries {
                prop_assert!((row as usize) < matrix.rows && (column as usize) < matrix.columns);
                prop_assert!(value.is_finite() && value != 0.0);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_not_entries_and_values_are_finite() {
        let mut triplets = Triplets::announced(2, 2, u64::MAX);
        triplets.push(0, 1, -0.0).unwrap();
        triplets.push(1, 0, 0.5).unwrap();
        assert_eq!(triplets.entries, [(1, 0, 0.5)]);
        assert!(matches!(
            triplets.push(1, 1, f64::NAN),
            Err(MatrixFileProblem::NotFinite { row: 1, column: 1, .. })
        ));
    }

    #[test]
    fn indices_are_checked_at_both_ends() {
        assert_eq!(checked_index("row", 1, 1, 3).unwrap(), 0);
        assert_eq!(checked_index("row", 3, 1, 3).unwrap(), 2);
        for (index, first) in [(0, 1), (4, 1), (-1, 0), (3, 0), (i64::MIN, 0), (i64::MAX, 1)] {
            assert!(matches!(
                checked_index("row", index, first, 3),
                Err(MatrixFileProblem::IndexOutOfRange { .. })
            ));
        }
    }
}
