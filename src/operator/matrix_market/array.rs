//! Matrices given in full.

use std::io::BufRead;

use super::banner::Banner;
use super::fields::{fields, matrix_sizes, parse_value, push_mirrored};
use super::lines::Lines;
use super::{STAGE, at};
use crate::error::{MatrixFileProblem, Result};
use crate::operator::triplets::Triplets;
use crate::solve::{Observer, Watch};

/// All values, column by column; of a symmetric matrix from the diagonal down.
pub(super) fn read_array(
    lines: &mut Lines<impl BufRead>,
    banner: Banner,
    observer: &mut dyn Observer,
) -> Result<Triplets> {
    let (line, text) = lines.sizes()?;
    let sizes = fields(text).and_then(|[rows, columns]| matrix_sizes(rows, columns, banner.symmetric));
    let (rows, columns) = sizes.map_err(|problem| at(line, problem))?;

    // Both are below 2^32, so neither product overflows.
    let (r, c) = (rows as u64, columns as u64);
    let announced = if banner.symmetric { r * (r + 1) / 2 } else { r * c };
    let mut matrix = Triplets::announced(rows, columns, announced);
    let mut watch = Watch::new(observer, STAGE, Some(announced)).of_small_steps();
    let mut found = 0;
    let (mut row, mut column) = (0, 0);
    while let Some((line, text)) = lines.next_data()? {
        if found == announced {
            return Err(at(line, MatrixFileProblem::ExtraEntries { announced }));
        }
        found += 1;
        let pushed = fields(text)
            .and_then(|[value]| parse_value(value, banner.field))
            .and_then(|value| push_mirrored(&mut matrix, row, column, value, banner.symmetric));
        pushed.map_err(|problem| at(line, problem))?;
        watch.step()?;
        row += 1;
        if row as usize == rows {
            column += 1;
            row = if banner.symmetric { column } else { 0 };
        }
    }
    if found < announced {
        return Err(at(lines.number, MatrixFileProblem::TooFewEntries { announced, found }));
    }
    Ok(matrix)
}
