//! What stands in a line.

use std::str::FromStr;

use super::banner::Field;
use crate::error::{MatrixFileProblem, excerpt};
use crate::operator::triplets::{Triplets, checked_size};

pub(super) fn push_mirrored(
    matrix: &mut Triplets,
    row: u32,
    column: u32,
    value: f64,
    symmetric: bool,
) -> Result<(), MatrixFileProblem> {
    matrix.push(row, column, value)?;
    if symmetric && row != column {
        matrix.push(column, row, value)?;
    }
    Ok(())
}

pub(super) fn matrix_sizes(
    rows: &str,
    columns: &str,
    symmetric: bool,
) -> Result<(usize, usize), MatrixFileProblem> {
    let rows = checked_size("row", number(rows, "a number of rows")?)?;
    let columns = checked_size("column", number(columns, "a number of columns")?)?;
    if symmetric && rows != columns {
        return Err(MatrixFileProblem::SymmetricNotSquare { rows, columns });
    }
    Ok((rows, columns))
}

/// A value, which may still be infinite or not a number.
pub(super) fn parse_value(text: &str, field: Field) -> Result<f64, MatrixFileProblem> {
    match field {
        Field::Integer => Ok(number::<i128>(text, "an integer")? as f64),
        Field::Real | Field::Pattern => number(text, "a real number"),
    }
}

pub(super) fn number<T: FromStr>(text: &str, what: &'static str) -> Result<T, MatrixFileProblem> {
    text.parse().map_err(|_| MatrixFileProblem::NotANumber { what, found: excerpt(text) })
}

/// The words of a line that must have exactly `N`.
pub(super) fn fields<const N: usize>(text: &str) -> Result<[&str; N], MatrixFileProblem> {
    let mut fields = [""; N];
    let mut found = 0;
    for word in text.split_ascii_whitespace() {
        if let Some(field) = fields.get_mut(found) {
            *field = word;
        }
        found += 1;
    }
    if found == N { Ok(fields) } else { Err(MatrixFileProblem::FieldCount { expected: N, found }) }
}
