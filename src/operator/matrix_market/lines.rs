//! A file, line by line.

use std::io::{BufRead, Read};

use super::{MAX_LINE, at};
use crate::error::{MatrixFileProblem, Result};

/// Whether a line is neither blank nor a comment.
pub(super) fn is_data(line: &[u8]) -> bool {
    !matches!(line.trim_ascii_start().first(), None | Some(b'%'))
}

/// Lines of bounded length, numbered from 1.
pub(super) struct Lines<R> {
    pub(super) reader: R,
    buffer: Vec<u8>,
    pub(super) number: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), number: 0 }
    }

    /// The line that was read last.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Reads the next line into the buffer, or says that there is none.
    pub(super) fn advance(&mut self) -> Result<bool> {
        self.buffer.clear();
        let line = self.number + 1;
        // One byte more than allowed tells a line that is too long.
        let mut limited = (&mut self.reader).take(MAX_LINE as u64 + 1);
        let read = limited.read_until(b'\n', &mut self.buffer);
        match read {
            Err(source) => Err(at(line, MatrixFileProblem::Unreadable { source })),
            Ok(0) => Ok(false),
            Ok(length) if length > MAX_LINE => {
                Err(at(line, MatrixFileProblem::LineTooLong { limit: MAX_LINE }))
            }
            Ok(_) => {
                self.number = line;
                Ok(true)
            }
        }
    }

    /// Reads up to a line that is neither blank nor a comment, or says that there is none.
    fn advance_to_data(&mut self) -> Result<bool> {
        while self.advance()? {
            if is_data(&self.buffer) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The line in the buffer as text, with its number.
    fn text(&self) -> Result<(usize, &str)> {
        match str::from_utf8(&self.buffer) {
            Ok(text) => Ok((self.number, text)),
            Err(_) => Err(at(self.number, MatrixFileProblem::NotText)),
        }
    }

    /// The next line that is neither blank nor a comment, with its number.
    pub(super) fn next_data(&mut self) -> Result<Option<(usize, &str)>> {
        if self.advance_to_data()? { self.text().map(Some) } else { Ok(None) }
    }

    /// The line of sizes, which must be there.
    pub(super) fn sizes(&mut self) -> Result<(usize, &str)> {
        if !self.advance_to_data()? {
            return Err(at(self.number, MatrixFileProblem::UnexpectedEnd { what: "the line of sizes" }));
        }
        self.text()
    }
}
