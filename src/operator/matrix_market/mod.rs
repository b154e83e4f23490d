//! Matrices in the Matrix Market format.
//!
//! ```text
//! %%MatrixMarket matrix coordinate real general
//! % comments
//! 3 3 4          rows, columns, entries
//! 1 2 0.5        row and column counted from 1, value
//! ...
//! ```
//!
//! Reference: R. F. Boisvert, R. Pozo, K. Remington, *The Matrix Market exchange
//! formats: initial design*, NISTIR 5935 (1996). Where we are more lenient:
//! blank lines and comments may stand anywhere after the banner, a line may be
//! long, and either triangle of a symmetric matrix may be given.

mod array;
mod banner;
mod blocks;
mod coordinate;
mod fields;
mod lines;
mod read;

use crate::error::{Error, MatrixFileProblem};

/// What an observer is told is being done.
const STAGE: &str = "reading a matrix";

/// The longest line that is read, in bytes.
const MAX_LINE: usize = 1 << 16;

fn at(line: usize, problem: MatrixFileProblem) -> Error {
    Error::MatrixFile { path: None, line: Some(line), problem }
}
