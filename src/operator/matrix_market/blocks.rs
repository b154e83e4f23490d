//! The rest of a file in blocks of whole lines.

use std::io::{self, BufRead, Read};

use super::{MAX_LINE, at};
use crate::error::{MatrixFileProblem, Result};

/// Bytes that are read at a time: pieces for many threads.
pub(super) const BLOCK: usize = 1 << 23;

/// Bytes that one task parses, about.
const PIECE: usize = 1 << 17;

/// Reads blocks, holding one of them in memory.
pub(super) struct Blocks<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were handed out.
    taken: usize,
    failed: Option<io::Error>,
}

impl<R: BufRead> Blocks<R> {
    /// What follows in a reader.
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), taken: 0, failed: None }
    }

    /// The next whole lines, after so many of the file; its last line may lack its end.
    ///
    /// # Errors
    ///
    /// [`Error::MatrixFile`](crate::Error::MatrixFile) for a line that is longer than a
    /// block, and for a reader that fails, once the lines before that were handed out.
    pub(super) fn advance(&mut self, lines: usize) -> Result<Option<&[u8]>> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let room = BLOCK - self.buffer.len();
        let read = match self.failed.take() {
            Some(source) => Err(source),
            None => (&mut self.reader).take(room as u64).read_to_end(&mut self.buffer),
        };
        let is_end = matches!(read, Ok(length) if length < room);
        let last_end = self.buffer.iter().rposition(|&byte| byte == b'\n');
        self.taken = if is_end { self.buffer.len() } else { last_end.map_or(0, |at| at + 1) };
        match read {
            Err(source) if self.taken == 0 => {
                return Err(at(lines + 1, MatrixFileProblem::Unreadable { source }));
            }
            Err(source) => self.failed = Some(source),
            Ok(_) if self.taken == 0 && !is_end => {
                return Err(at(lines + 1, MatrixFileProblem::LineTooLong { limit: MAX_LINE }));
            }
            Ok(_) => {}
        }
        let block = &self.buffer[..self.taken];
        Ok((!block.is_empty()).then_some(block))
    }
}

/// A block cut at ends of lines.
pub(super) fn pieces(mut block: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while block.len() > PIECE {
        let Some(end) = block[PIECE..].iter().position(|&byte| byte == b'\n') else { break };
        let (piece, rest) = block.split_at(PIECE + end + 1);
        pieces.push(piece);
        block = rest;
    }
    if !block.is_empty() {
        pieces.push(block);
    }
    pieces
}
