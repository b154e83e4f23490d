//! Reading a file at a given place, by several tasks at once.

use std::fs::File;
use std::io;

/// A file to be read from anywhere.
#[cfg(unix)]
pub(super) struct PositionedFile(File);

#[cfg(unix)]
impl PositionedFile {
    pub(super) fn new(file: File) -> Self {
        Self(file)
    }

    /// Fills the bytes with those from `offset` on.
    pub(super) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, bytes, offset)
    }
}

#[cfg(not(unix))]
pub(super) use portable::PositionedFile;

/// The same where files are read from their one position only: one task after another.
#[cfg(any(not(unix), test))]
mod portable {
    use std::fs::File;
    use std::io::{self, Read, Seek, SeekFrom};
    use std::sync::{Mutex, PoisonError};

    pub(in super::super) struct PositionedFile(Mutex<File>);

    impl PositionedFile {
        pub(in super::super) fn new(file: File) -> Self {
            Self(Mutex::new(file))
        }

        pub(in super::super) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
            // Every reading begins by seeking, so a position left by a panic does no harm.
            let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn both_ways_of_reading_agree() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&(0..=255).collect::<Vec<u8>>()).unwrap();
        let at_once = PositionedFile::new(file.reopen().unwrap());
        let in_turn = portable::PositionedFile::new(file.reopen().unwrap());
        for offset in [200, 0, 255, 17] {
            let mut bytes = [[0; 1]; 2];
            at_once.read_exact_at(&mut bytes[0], offset).unwrap();
            in_turn.read_exact_at(&mut bytes[1], offset).unwrap();
            assert_eq!(bytes, [[offset as u8]; 2]);
        }
        for offset in [255, 256, 1 << 40] {
            let kind = |read: io::Result<()>| read.unwrap_err().kind();
            assert_eq!(kind(at_once.read_exact_at(&mut [0; 2], offset)), io::ErrorKind::UnexpectedEof);
            assert_eq!(kind(in_turn.read_exact_at(&mut [0; 2], offset)), io::ErrorKind::UnexpectedEof);
        }
    }
}
