//! What can be wrong with a file that holds a matrix.

use std::fmt;
use std::io;
use std::path::Path;

/// Why a file does not hold a matrix that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MatrixFileProblem {
    /// The bytes could not be read, or the archive around them is damaged.
    #[error("cannot be read: {source}")]
    Unreadable {
        /// What the system, or the archive, said.
        source: io::Error,
    },

    // ---- text ------------------------------------------------------------------
    /// The first line is not the banner of Matrix Market.
    #[error("the first line must be `%%MatrixMarket matrix FORMAT FIELD SYMMETRY`")]
    NoBanner,
    /// A line is longer than allowed.
    #[error("the line is longer than {limit} bytes")]
    LineTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A line that is not a comment is not text in UTF-8.
    #[error("the line is not text")]
    NotText,
    /// The file ends too early.
    #[error("the file ends before {what}")]
    UnexpectedEnd {
        /// What was to come.
        what: &'static str,
    },
    /// A line has the wrong number of fields.
    #[error("expected {expected} fields, found {found}")]
    FieldCount {
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A field is not a number of the kind needed.
    #[error("{found:?} is not {what}")]
    NotANumber {
        /// The kind needed.
        what: &'static str,
        /// The field, cut short if it is long.
        found: String,
    },
    /// There are fewer entries than the header announced.
    #[error("the header announces {announced} entries, but there are only {found}")]
    TooFewEntries {
        /// Number announced.
        announced: u64,
        /// Number found.
        found: u64,
    },
    /// There are more entries than the header announced.
    #[error("the header announces {announced} entries, but there are more")]
    ExtraEntries {
        /// Number announced.
        announced: u64,
    },

    // ---- arrays of an archive ------------------------------------------------------
    /// The archive lacks an array.
    #[error("the archive has no array {array:?}; it must have been written by scipy.sparse.save_npz")]
    MissingArray {
        /// Name of the array.
        array: &'static str,
    },
    /// The header of an array is not one that NumPy writes for plain numbers.
    #[error("array {array:?} has a header that NumPy does not write for plain numbers")]
    ArrayHeader {
        /// Name of the array.
        array: &'static str,
    },
    /// An array holds elements of a type that cannot be used here.
    #[error("array {array:?} holds elements of type {found}")]
    ArrayType {
        /// Name of the array.
        array: &'static str,
        /// The type, as NumPy writes it.
        found: String,
    },
    /// An array has the wrong number of dimensions.
    #[error("array {array:?} has {found} dimensions, expected {expected}")]
    ArrayDimensions {
        /// Name of the array.
        array: &'static str,
        /// The number needed.
        expected: usize,
        /// The number found.
        found: usize,
    },
    /// An array has the wrong length.
    #[error("array {array:?} has {found} elements, expected {expected}")]
    ArrayLength {
        /// Name of the array.
        array: &'static str,
        /// The length that agrees with the other arrays.
        expected: u64,
        /// The length found.
        found: u64,
    },
    /// The pointers to the rows (or columns) do not start at zero and grow to the number of entries.
    #[error("the pointers to the rows or columns break their order at position {position}, with {value}")]
    PointerOrder {
        /// Position in the array of pointers.
        position: usize,
        /// The pointer found there.
        value: i64,
    },

    // ---- both ---------------------------------------------------------------------
    /// A kind of matrix that is not read.
    #[error("the {what} {found:?} is not supported; supported: {supported}")]
    Unsupported {
        /// Which property.
        what: &'static str,
        /// What the file says, cut short if it is long.
        found: String,
        /// What is supported.
        supported: &'static str,
    },
    /// A symmetric matrix that is not square.
    #[error("a symmetric matrix must be square, this one is {rows} x {columns}")]
    SymmetricNotSquare {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// The number of rows or columns cannot be that of states.
    #[error("{count} {axis}s cannot be numbered in 32 bits")]
    TooManyStates {
        /// `"row"` or `"column"`.
        axis: &'static str,
        /// The number the file gives.
        count: u64,
    },
    /// The number of rows or columns is negative.
    #[error("there cannot be {count} {axis}s")]
    NegativeSize {
        /// `"row"` or `"column"`.
        axis: &'static str,
        /// The number the file gives.
        count: i64,
    },
    /// More entries than are ever read.
    #[error("more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
    /// An entry lies outside the matrix.
    #[error("{axis} {index} is outside {first} to {}", end.saturating_sub(1))]
    IndexOutOfRange {
        /// `"row"` or `"column"`.
        axis: &'static str,
        /// The index the file gives.
        index: i64,
        /// The first index there is: 1 in Matrix Market, 0 in archives.
        first: u64,
        /// One after the last index there is.
        end: u64,
    },
    /// A value is infinite or not a number.
    #[error("row {row}, column {column} is {value}; entries must be finite")]
    NotFinite {
        /// Row, counted from 0.
        row: usize,
        /// Column, counted from 0.
        column: usize,
        /// The value.
        value: f64,
    },
}

/// Where in which file: `path, line 7: `, as far as it is known; else what kind of file.
pub(super) struct Place<'a>(pub(super) Option<&'a Path>, pub(super) Option<usize>, pub(super) &'static str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Some(path), Some(line)) => write!(f, "{}, line {line}: ", path.display()),
            (Some(path), None) => write!(f, "{}: ", path.display()),
            (None, Some(line)) => write!(f, "line {line}: "),
            (None, None) => write!(f, "{}: ", self.2),
        }
    }
}
