//! Matrices given by their entries, which are parsed in parallel.

use std::io::BufRead;

use rayon::prelude::*;

use super::banner::{Banner, Field};
use super::blocks::{Blocks, pieces};
use super::fields::{fields, matrix_sizes, number, parse_value, push_mirrored};
use super::lines::{Lines, is_data};
use super::{MAX_LINE, STAGE, at};
use crate::error::{MatrixFileProblem, Result};
use crate::operator::triplets::{Triplets, checked_index};
use crate::solve::{Observer, Watch};

/// Entries with their places, in any order.
pub(super) fn read_coordinate(
    mut lines: Lines<impl BufRead>,
    banner: Banner,
    observer: &mut dyn Observer,
) -> Result<Triplets> {
    let (line, text) = lines.sizes()?;
    let sizes = fields::<3>(text).and_then(|[rows, columns, entries]| {
        let announced = number::<u64>(entries, "a number of entries")?;
        Ok((matrix_sizes(rows, columns, banner.symmetric)?, announced))
    });
    let ((rows, columns), announced) = sizes.map_err(|problem| at(line, problem))?;

    let mut watch = Watch::new(observer, STAGE, Some(announced));
    let mut entries =
        Entries { matrix: Triplets::announced(rows, columns, announced), found: 0, lines: line };
    let mut blocks = Blocks::new(lines.reader);
    while let Some(block) = blocks.advance(entries.lines)? {
        let before = entries.found;
        entries.read_block(block, banner, announced)?;
        watch.advance(entries.found - before)?;
    }
    let Entries { matrix, found, lines } = entries;
    if found < announced {
        return Err(at(lines, MatrixFileProblem::TooFewEntries { announced, found }));
    }
    Ok(matrix)
}

/// Entries that were read.
struct Entries {
    matrix: Triplets,
    /// Lines with an entry, and all lines.
    found: u64,
    lines: usize,
}

impl Entries {
    /// Reads whole lines: all pieces in parallel, each as if it were the first.
    /// Where that is not enough to tell, from the first such piece on, one by one.
    fn read_block(&mut self, block: &[u8], banner: Banner, announced: u64) -> Result<()> {
        let pieces = pieces(block);
        let read: Vec<Option<Self>> = pieces.par_iter().map(|piece| self.read_apart(piece, banner)).collect();
        for (piece, read) in pieces.into_iter().zip(read) {
            match read {
                Some(read) if read.found <= announced - self.found && self.has_room_for(&read) => {
                    self.append(read);
                }
                _ => self.read(piece, banner, announced)?,
            }
        }
        Ok(())
    }

    /// A piece by itself, if there is nothing wrong with it.
    fn read_apart(&self, piece: &[u8], banner: Banner) -> Option<Self> {
        let matrix = Triplets::announced(self.matrix.rows, self.matrix.columns, 0);
        let mut entries = Self { matrix, found: 0, lines: 0 };
        entries.read(piece, banner, u64::MAX).ok().map(|()| entries)
    }

    fn has_room_for(&self, more: &Self) -> bool {
        self.matrix.entries.len() + more.matrix.entries.len() <= Triplets::MAX_ENTRIES
    }

    fn append(&mut self, mut more: Self) {
        self.matrix.entries.append(&mut more.matrix.entries);
        self.found += more.found;
        self.lines += more.lines;
    }

    /// Reads lines one by one, up to the first that is wrong.
    fn read(&mut self, text: &[u8], banner: Banner, announced: u64) -> Result<()> {
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            self.lines += 1;
            self.read_line(line, banner, announced).map_err(|problem| at(self.lines, problem))?;
        }
        Ok(())
    }

    fn read_line(&mut self, line: &[u8], banner: Banner, announced: u64) -> Result<(), MatrixFileProblem> {
        if line.len() > MAX_LINE {
            return Err(MatrixFileProblem::LineTooLong { limit: MAX_LINE });
        }
        if !is_data(line) {
            return Ok(());
        }
        // A comment may be in any encoding.
        let text = str::from_utf8(line).map_err(|_| MatrixFileProblem::NotText)?;
        if self.found == announced {
            return Err(MatrixFileProblem::ExtraEntries { announced });
        }
        self.found += 1;
        push_coordinate(&mut self.matrix, text, banner)
    }
}

fn push_coordinate(matrix: &mut Triplets, text: &str, banner: Banner) -> Result<(), MatrixFileProblem> {
    let (row, column, value) = match banner.field {
        Field::Pattern => {
            let [row, column] = fields(text)?;
            (row, column, 1.0)
        }
        field => {
            let [row, column, value] = fields(text)?;
            (row, column, parse_value(value, field)?)
        }
    };
    let row = checked_index("row", number(row, "an index")?, 1, matrix.rows)?;
    let column = checked_index("column", number(column, "an index")?, 1, matrix.columns)?;
    push_mirrored(matrix, row, column, value, banner.symmetric)
}
