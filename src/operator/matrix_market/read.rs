//! Reading a whole file.

use std::io::BufRead;
use std::path::Path;

use super::array::read_array;
use super::banner::{Banner, Format};
use super::coordinate::read_coordinate;
use super::lines::Lines;
use crate::error::Result;
use crate::operator::triplets::{Triplets, open};
use crate::solve::{Observer, Silent};

impl Triplets {
    /// Reads a matrix in the Matrix Market format.
    ///
    /// Formats `coordinate` and `array`, fields `real`, `integer` and `pattern`
    /// (each entry then counts 1), symmetries `general` and `symmetric` (each
    /// entry off the diagonal then counts for its mirror image as well).
    ///
    /// # Errors
    ///
    /// [`Error::MatrixFile`](crate::Error::MatrixFile) with the line and the
    /// [`MatrixFileProblem`](crate::error::MatrixFileProblem).
    ///
    /// # Complexity
    ///
    /// `O(file)` time; lines of entries are parsed in parallel. Memory is 8 MiB, and
    /// 16 bytes for every entry that is truly there; the header's word is not taken
    /// for it.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::operator::Triplets;
    ///
    /// let file = "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 2 1.0\n2 1 1.0\n";
    /// let matrix = Triplets::read_matrix_market(file.as_bytes())?;
    /// assert_eq!(matrix.entries, [(0, 1, 1.0), (1, 0, 1.0)]);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn read_matrix_market(reader: impl BufRead) -> Result<Self> {
        Self::read_matrix_market_watched(reader, &mut Silent)
    }

    /// As [`read_matrix_market`](Self::read_matrix_market), watched: progress is
    /// counted in lines with an entry.
    ///
    /// # Errors
    ///
    /// As `read_matrix_market`, and [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn read_matrix_market_watched(reader: impl BufRead, observer: &mut dyn Observer) -> Result<Self> {
        let mut lines = Lines::new(reader);
        let banner = Banner::read(&mut lines)?;
        match banner.format {
            Format::Coordinate => read_coordinate(lines, banner, observer),
            Format::Array => read_array(&mut lines, banner, observer),
        }
    }

    /// Opens a file in the Matrix Market format; see [`read_matrix_market`](Self::read_matrix_market).
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) if the file cannot be opened,
    /// [`Error::MatrixFile`](crate::Error::MatrixFile) with path and line if it does not
    /// hold a matrix.
    pub fn open_matrix_market(path: impl AsRef<Path>) -> Result<Self> {
        open(path.as_ref(), Self::read_matrix_market)
    }

    /// As [`open_matrix_market`](Self::open_matrix_market), watched.
    ///
    /// # Errors
    ///
    /// As `open_matrix_market`, and [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn open_matrix_market_watched(path: impl AsRef<Path>, observer: &mut dyn Observer) -> Result<Self> {
        open(path.as_ref(), |reader| Self::read_matrix_market_watched(reader, observer))
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
