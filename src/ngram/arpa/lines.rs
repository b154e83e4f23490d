//! The lines of a stream that may be compressed.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use super::is_separator;
use crate::error::{ArpaFileProblem, Error, Result, excerpt};
use crate::solve::{Observer, report};

/// The longest line that is read, in bytes.
const MAX_LINE: usize = 1 << 20;

/// Bytes between two words to the observer.
const TELL_EVERY: u64 = 1 << 20;

/// How the bytes of a gzip file start.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

const STAGE: &str = "reading an ARPA file";

/// Lines of bounded length, numbered from 1, decompressed if need be.
pub(super) struct Lines<'a> {
    reader: BufReader<Box<dyn Read + 'a>>,
    buffer: Vec<u8>,
    number: usize,
    observer: &'a mut dyn Observer,
    /// Bytes read so far, before decompression.
    read: Rc<Cell<u64>>,
    told: u64,
    total: Option<u64>,
}

impl<'a> Lines<'a> {
    /// # Errors
    ///
    /// [`ArpaFileProblem::Unreadable`] if the first bytes cannot be read.
    pub(super) fn new(
        reader: impl Read + 'a,
        total: Option<u64>,
        observer: &'a mut dyn Observer,
    ) -> Result<Self> {
        let read = Rc::new(Cell::new(0));
        let mut reader = Counted { reader, read: read.clone() };
        let mut start = Vec::new();
        (&mut reader)
            .take(2)
            .read_to_end(&mut start)
            .map_err(|source| at(1, ArpaFileProblem::Unreadable { source }))?;
        let compressed = start == GZIP_MAGIC;
        let whole = Cursor::new(start).chain(reader);
        let whole: Box<dyn Read> =
            if compressed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        let reader = BufReader::with_capacity(1 << 17, whole);
        Ok(Self { reader, buffer: Vec::new(), number: 0, observer, read, told: 0, total })
    }

    /// The number of the line read last.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// The line read last, without separators at its ends.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The line read last as text.
    pub(super) fn text(&self) -> Result<&str> {
        str::from_utf8(&self.buffer).map_err(|_| self.here(ArpaFileProblem::NotText))
    }

    /// An error of the line read last.
    pub(super) fn here(&self, problem: ArpaFileProblem) -> Error {
        at(self.number, problem)
    }

    /// Reads up to the next line that is not blank, or says that there is none.
    pub(super) fn advance(&mut self) -> Result<bool> {
        while self.read_line()? {
            if !self.buffer.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads up to the next line that is not blank, which must be there.
    pub(super) fn require(&mut self, what: &str) -> Result<()> {
        if self.advance()? {
            return Ok(());
        }
        Err(at(self.number.max(1), ArpaFileProblem::UnexpectedEnd { what: what.to_owned() }))
    }

    /// Checks what the line read last is.
    pub(super) fn expect(&self, line: &str) -> Result<()> {
        if self.buffer == line.as_bytes() { Ok(()) } else { Err(self.unexpected(&format!("`{line}`"))) }
    }

    /// An error of the line read last, which should have been another.
    pub(super) fn unexpected(&self, expected: &str) -> Error {
        let found = excerpt(&String::from_utf8_lossy(&self.buffer));
        self.here(ArpaFileProblem::UnexpectedLine { expected: expected.to_owned(), found })
    }

    fn read_line(&mut self) -> Result<bool> {
        self.buffer.clear();
        // One byte more than allowed tells a line that is too long.
        let mut limited = (&mut self.reader).take(MAX_LINE as u64 + 1);
        let length = limited
            .read_until(b'\n', &mut self.buffer)
            .map_err(|source| at(self.number + 1, ArpaFileProblem::Unreadable { source }))?;
        if length > MAX_LINE {
            return Err(at(self.number + 1, ArpaFileProblem::LineTooLong { limit: MAX_LINE }));
        }
        if length == 0 || self.read.get() - self.told >= TELL_EVERY {
            self.tell()?;
        }
        if length > 0 {
            self.number += 1;
            trim(&mut self.buffer);
        }
        Ok(length > 0)
    }

    fn tell(&mut self) -> Result<()> {
        self.told = self.read.get();
        report(self.observer, STAGE, self.told, self.total)
    }
}

/// Takes the line feed and separators off the ends.
fn trim(line: &mut Vec<u8>) {
    let outer = |&byte: &u8| byte == b'\n' || is_separator(byte);
    let end = line.len() - line.iter().rev().take_while(|byte| outer(byte)).count();
    line.truncate(end);
    let start = line.iter().take_while(|byte| outer(byte)).count();
    if start > 0 {
        line.drain(..start);
    }
}

/// An error of a line.
fn at(line: usize, problem: ArpaFileProblem) -> Error {
    Error::ArpaFile { path: None, line: Some(line), problem }
}

/// Counts what is read.
struct Counted<R> {
    reader: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}
