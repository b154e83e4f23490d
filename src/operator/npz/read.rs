//! Matrices of archives, in three formats.

use std::io::{Read, Seek};
use std::path::Path;

use super::archive::Archive;
use super::failure::{Failure, Found, Result};
use crate::error::{Error, MatrixFileProblem};
use crate::operator::triplets::{Triplets, checked_index, open};
use crate::solve::{Observer, Silent};

impl Triplets {
    /// Reads a matrix written by `scipy.sparse.save_npz`, compressed or not.
    ///
    /// Formats `csr`, `csc` and `coo`; values as floating-point numbers or
    /// integers of 4 or 8 bytes, indices as integers of 4 or 8 bytes.
    ///
    /// # Errors
    ///
    /// [`Error::MatrixFile`] with the [`MatrixFileProblem`].
    ///
    /// # Complexity
    ///
    /// Memory grows with the entries that are truly there; of what headers announce
    /// no more than 8 MiB is allocated before it is read. A compressed archive may hold a thousand times
    /// its size, at most [`MAX_ENTRIES`](Self::MAX_ENTRIES) entries. These take 16
    /// bytes each, and while they are read 4 more for each array of indices, and 8
    /// a row of a compressed matrix.
    pub fn read_npz(reader: impl Read + Seek) -> Result<Self, Error> {
        Self::read_npz_watched(reader, &mut Silent)
    }

    /// As [`read_npz`](Self::read_npz), watched: progress is counted in elements
    /// of one array after another.
    ///
    /// # Errors
    ///
    /// As `read_npz`, and [`Error::Cancelled`].
    pub fn read_npz_watched(reader: impl Read + Seek, observer: &mut dyn Observer) -> Result<Self, Error> {
        read(reader, observer).map_err(Failure::into_error)
    }

    /// Opens a file written by `scipy.sparse.save_npz`; see [`read_npz`](Self::read_npz).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be opened,
    /// [`Error::MatrixFile`] with the path if it does not hold a matrix.
    pub fn open_npz(path: impl AsRef<Path>) -> Result<Self, Error> {
        open(path.as_ref(), Self::read_npz)
    }

    /// As [`open_npz`](Self::open_npz), watched.
    ///
    /// # Errors
    ///
    /// As `open_npz`, and [`Error::Cancelled`].
    pub fn open_npz_watched(path: impl AsRef<Path>, observer: &mut dyn Observer) -> Result<Self, Error> {
        open(path.as_ref(), |reader| Self::read_npz_watched(reader, observer))
    }
}

fn read(reader: impl Read + Seek, observer: &mut dyn Observer) -> Result<Triplets> {
    let mut archive = Archive::open(reader, observer)?;
    let format = archive.array("format")?.bytes()?;
    match format.trim_ascii() {
        b"csr" => read_compressed(&mut archive, true),
        b"csc" => read_compressed(&mut archive, false),
        b"coo" => read_places(&mut archive),
        other => {
            let found = String::from_utf8_lossy(other).into_owned();
            let supported = "csr, csc, coo";
            Err(MatrixFileProblem::Unsupported { what: "format", found, supported }.into())
        }
    }
}

/// Compressed rows, or columns: entries `pointers[i]..pointers[i + 1]` lie in line `i`.
fn read_compressed<R: Read + Seek>(archive: &mut Archive<'_, R>, by_rows: bool) -> Result<Triplets> {
    let (rows, columns) = archive.shape()?;
    let (lines, across, axis) = if by_rows { (rows, columns, "column") } else { (columns, rows, "row") };

    let array = archive.array("indptr")?;
    array.expect_length(lines as u64 + 1)?;
    let pointers = array.integers(|_, value| Ok(value))?;
    let last = check_pointers(&pointers)?;

    let array = archive.array("indices")?;
    array.expect_length(last)?;
    let indices = array.integers(|_, value| checked_index(axis, value, 0, across))?;
    let array = archive.array("data")?;
    array.expect_length(last)?;
    let entries = array.values(|first, values| {
        // The array was found to have as many elements as the last pointer says.
        let mut line = pointers.partition_point(|&pointer| pointer <= first as i64) - 1;
        let places = (first..).zip(&indices[first..]).map(|(position, &index)| {
            while pointers[line + 1] <= position as i64 {
                line += 1;
            }
            if by_rows { (line as u32, index) } else { (index, line as u32) }
        });
        entries(places.zip(values))
    })?;
    Ok(Triplets { rows, columns, entries })
}

/// The last of the pointers, if they begin at zero and never fall.
fn check_pointers(pointers: &[i64]) -> Found<u64> {
    let mut last = 0;
    for (position, &value) in pointers.iter().enumerate() {
        if value < last || (position == 0 && value > 0) {
            return Err(MatrixFileProblem::PointerOrder { position, value });
        }
        last = value;
    }
    Ok(last as u64)
}

/// The entries that are not zero.
fn entries(entries: impl Iterator<Item = ((u32, u32), f64)>) -> Found<Vec<(u32, u32, f64)>> {
    let there = entries.filter(|&(_, value)| value != 0.0);
    there.map(|((row, column), value)| Triplets::checked_entry(row, column, value)).collect()
}

/// One row, one column and one value an entry.
fn read_places<R: Read + Seek>(archive: &mut Archive<'_, R>) -> Result<Triplets> {
    let (rows, columns) = archive.shape()?;
    let row = archive.array("row")?.integers(|_, value| checked_index("row", value, 0, rows))?;
    let array = archive.array("col")?;
    array.expect_length(row.len() as u64)?;
    let column = array.integers(|_, value| checked_index("column", value, 0, columns))?;
    let array = archive.array("data")?;
    array.expect_length(row.len() as u64)?;
    let entries = array.values(|first, values| {
        let places = row[first..].iter().copied().zip(column[first..].iter().copied());
        entries(places.zip(values))
    })?;
    Ok(Triplets { rows, columns, entries })
}
