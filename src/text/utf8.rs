//! Reading UTF-8 in pieces.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Bytes read at a time.
const BUFFER: usize = 1 << 16;

/// What to do with bytes that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum InvalidUtf8 {
    /// Refuse the text, and say at which byte.
    #[default]
    Reject,
    /// Put U+FFFD in their place, as `String::from_utf8_lossy` does, and count.
    Replace,
}

/// Decodes a reader piece by piece, in memory that does not grow with the text.
pub(crate) struct Utf8Reader<'a, R> {
    reader: R,
    path: Option<&'a Path>,
    invalid: InvalidUtf8,
    buffer: Vec<u8>,
    /// Bytes at the start of the buffer, the beginning of a character, that wait for more.
    carried: usize,
    /// Bytes decoded so far.
    offset: u64,
    replaced: usize,
}

impl<'a, R: Read> Utf8Reader<'a, R> {
    pub(crate) fn new(reader: R, path: Option<&'a Path>, invalid: InvalidUtf8) -> Self {
        Self { reader, path, invalid, buffer: vec![0; BUFFER], carried: 0, offset: 0, replaced: 0 }
    }

    /// Bytes decoded so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Invalid sequences replaced so far.
    pub(crate) fn replaced(&self) -> usize {
        self.replaced
    }

    /// Puts the next piece of text, which may be empty, in place of `text`;
    /// false at the end of the text.
    pub(crate) fn read_piece(&mut self, text: &mut String) -> Result<bool> {
        text.clear();
        let read = loop {
            match self.reader.read(&mut self.buffer[self.carried..]) {
                Ok(read) => break read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(read_error(self.path, source)),
            }
        };
        let filled = self.carried + read;
        if filled == 0 {
            return Ok(false);
        }
        let mut decoded = 0;
        for chunk in self.buffer[..filled].utf8_chunks() {
            text.push_str(chunk.valid());
            decoded += chunk.valid().len();
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            let may_go_on = read > 0
                && decoded + invalid.len() == filled
                && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if may_go_on {
                break;
            }
            if self.invalid == InvalidUtf8::Reject {
                let offset = self.offset + decoded as u64;
                return Err(Error::InvalidUtf8 { path: self.path.map(PathBuf::from), offset });
            }
            text.push(char::REPLACEMENT_CHARACTER);
            self.replaced += 1;
            decoded += invalid.len();
        }
        self.buffer.copy_within(decoded..filled, 0);
        self.carried = filled - decoded;
        self.offset += decoded as u64;
        Ok(true)
    }
}

/// The error for a reader that failed, with the path if there is one.
pub(crate) fn read_error(path: Option<&Path>, source: std::io::Error) -> Error {
    match path {
        Some(path) => Error::Io { path: path.to_owned(), source },
        None => Error::Read { source },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Hands out `step` bytes at a time, and is interrupted in between.
    pub(crate) struct Drip<'a>(pub(crate) &'a [u8], pub(crate) usize, pub(crate) bool);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.2 = !self.2;
            if self.2 {
                return Err(ErrorKind::Interrupted.into());
            }
            let step = self.1.min(self.0.len()).min(buffer.len());
            buffer[..step].copy_from_slice(&self.0[..step]);
            self.0 = &self.0[step..];
            Ok(step)
        }
    }

    fn decode(bytes: &[u8], step: usize, invalid: InvalidUtf8) -> Result<(String, usize)> {
        let mut reader = Utf8Reader::new(Drip(bytes, step, false), None, invalid);
        let (mut all, mut piece) = (String::new(), String::new());
        while reader.read_piece(&mut piece)? {
            all.push_str(&piece);
        }
        assert_eq!(reader.offset(), bytes.len() as u64);
        Ok((all, reader.replaced()))
    }

    proptest! {
        #[test]
        fn any_bytes_decode_as_the_standard_library_does(
            bytes in prop::collection::vec(prop_oneof![
                any::<u8>(), 0x80..=0xBFu8, prop::sample::select(vec![b'a', 0xC3, 0xE2, 0x82, 0xF0, 0x9F, 0xED, 0xA0, 0xF4])
            ], 0..64),
            step in 1..9usize,
        ) {
            let (text, replaced) = decode(&bytes, step, InvalidUtf8::Replace).unwrap();
            prop_assert_eq!(&text, &*String::from_utf8_lossy(&bytes));
            match (std::str::from_utf8(&bytes), decode(&bytes, step, InvalidUtf8::Reject)) {
                (Ok(valid), Ok((text, 0))) => {
                    prop_assert_eq!(valid, text);
                    prop_assert_eq!(replaced, 0);
                }
                (Err(error), Err(Error::InvalidUtf8 { path: None, offset })) => {
                    prop_assert_eq!(error.valid_up_to() as u64, offset);
                    prop_assert!(replaced > 0);
                }
                (standard, ours) => prop_assert!(false, "{:?} but {:?}", standard, ours),
            }
        }
    }

    #[test]
    fn characters_across_the_edges_of_the_buffer_survive() {
        // Three bytes a character: the edges of the buffer fall inside characters.
        let text = "€".repeat(BUFFER);
        let whole: &[u8] = text.as_bytes();
        let mut reader = Utf8Reader::new(whole, None, InvalidUtf8::Reject);
        let (mut all, mut piece) = (String::new(), String::new());
        while reader.read_piece(&mut piece).unwrap() {
            all.push_str(&piece);
        }
        assert!(all == text);
    }

    #[test]
    fn a_reader_that_fails_is_reported() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("unplugged"))
            }
        }
        let mut reader = Utf8Reader::new(Broken, None, InvalidUtf8::Reject);
        assert!(matches!(reader.read_piece(&mut String::new()), Err(Error::Read { .. })));
    }
}
