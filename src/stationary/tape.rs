//! What passes to a file, and back from it in the same order.

use std::io::{self, Read, Write};

use flate2::Crc;

/// Numbers converted at a time.
const PART: usize = 1 << 13;

/// No count of anything comes near this: one that does is none.
const COUNTS: u64 = 1 << 48;

/// A file that values are written to, or read from. What is to be kept says so once,
/// value by value, for both: the order in which it is written is the order in
/// which it is read.
pub(super) struct Tape<'a> {
    end: End<'a>,
    crc: Crc,
    bytes: Vec<[u8; 8]>,
}

enum End<'a> {
    Written(&'a mut dyn Write),
    Read(&'a mut dyn Read),
}

impl<'a> Tape<'a> {
    pub(super) fn to(file: &'a mut dyn Write) -> Self {
        Self::new(End::Written(file))
    }

    pub(super) fn from(file: &'a mut dyn Read) -> Self {
        Self::new(End::Read(file))
    }

    fn new(end: End<'a>) -> Self {
        Self { end, crc: Crc::new(), bytes: vec![[0; 8]; PART] }
    }

    /// Passes numbers of eight bytes.
    fn pass<T: Copy>(
        &mut self,
        values: &mut [T],
        to_bytes: impl Fn(T) -> [u8; 8],
        from_bytes: impl Fn([u8; 8]) -> T,
    ) -> io::Result<()> {
        for values in values.chunks_mut(PART) {
            let bytes = &mut self.bytes[..values.len()];
            match &mut self.end {
                End::Written(file) => {
                    bytes.iter_mut().zip(&*values).for_each(|(bytes, value)| *bytes = to_bytes(*value));
                    file.write_all(bytes.as_flattened())?;
                }
                End::Read(file) => {
                    file.read_exact(bytes.as_flattened_mut())?;
                    values.iter_mut().zip(&*bytes).for_each(|(value, bytes)| *value = from_bytes(*bytes));
                }
            }
            self.crc.update(bytes.as_flattened());
        }
        Ok(())
    }

    pub(super) fn word(&mut self, value: &mut u64) -> io::Result<()> {
        self.pass(std::slice::from_mut(value), u64::to_le_bytes, u64::from_le_bytes)
    }

    pub(super) fn float(&mut self, value: &mut f64) -> io::Result<()> {
        self.pass(std::slice::from_mut(value), f64::to_le_bytes, f64::from_le_bytes)
    }

    pub(super) fn count(&mut self, value: &mut usize) -> io::Result<()> {
        let mut word = *value as u64;
        self.word(&mut word)?;
        *value = usize::try_from(word).ok().filter(|_| word < COUNTS).ok_or_else(impossible)?;
        Ok(())
    }

    pub(super) fn flag(&mut self, value: &mut bool) -> io::Result<()> {
        let mut word = u64::from(*value);
        self.word(&mut word)?;
        *value = match word {
            0 => false,
            1 => true,
            _ => return Err(impossible()),
        };
        Ok(())
    }

    /// A vector whose length is known.
    pub(super) fn vector(&mut self, values: &mut Vec<f64>, length: usize) -> io::Result<()> {
        values.resize(length, 0.0);
        self.pass(values, f64::to_le_bytes, f64::from_le_bytes)
    }

    /// A vector of any length. It never takes much more memory than the file has bytes.
    pub(super) fn list(&mut self, values: &mut Vec<f64>) -> io::Result<()> {
        let mut length = values.len();
        self.count(&mut length)?;
        for begin in (0..length).step_by(PART) {
            let end = length.min(begin + PART);
            if values.len() < end {
                values.resize(end, 0.0);
            }
            self.pass(&mut values[begin..end], f64::to_le_bytes, f64::from_le_bytes)?;
        }
        values.truncate(length);
        Ok(())
    }

    /// Passes the checksum of everything before.
    pub(super) fn checksum(&mut self) -> io::Result<()> {
        let sum = u64::from(self.crc.sum());
        let mut word = sum;
        self.word(&mut word)?;
        if word == sum { Ok(()) } else { Err(impossible()) }
    }
}

/// What is read is nothing that was written.
pub(super) fn impossible() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that a tape can hold.
    #[derive(Debug, Clone, PartialEq, Default)]
    struct Kept {
        word: u64,
        float: f64,
        count: usize,
        flag: bool,
        vector: Vec<f64>,
        list: Vec<f64>,
    }

    impl Kept {
        fn persist(&mut self, tape: &mut Tape<'_>) -> io::Result<()> {
            tape.word(&mut self.word)?;
            tape.float(&mut self.float)?;
            tape.count(&mut self.count)?;
            tape.flag(&mut self.flag)?;
            tape.vector(&mut self.vector, 3)?;
            tape.list(&mut self.list)?;
            tape.checksum()
        }

        fn read(mut bytes: &[u8]) -> io::Result<Self> {
            let mut read = Self { list: vec![7.0; 2], ..Self::default() };
            read.persist(&mut Tape::from(&mut bytes)).map(|()| read)
        }
    }

    fn written(list: usize) -> (Kept, Vec<u8>) {
        let list = (0..list).map(|i| i as f64 / 3.0).collect();
        let vector = vec![-0.0, f64::INFINITY, 5e-324];
        let mut kept = Kept { word: !0, float: 0.1, count: 40, flag: true, vector, list };
        let mut bytes = Vec::new();
        kept.persist(&mut Tape::to(&mut bytes)).unwrap();
        (kept, bytes)
    }

    #[test]
    fn what_is_written_is_read() {
        for list in [0, 1, 2, 3, PART - 1, PART, 2 * PART + 5] {
            let (kept, bytes) = written(list);
            assert_eq!(Kept::read(&bytes).unwrap(), kept);
        }
    }

    #[test]
    fn what_is_damaged_or_cut_short_is_not_read() {
        let (_, bytes) = written(2);
        for bit in 0..8 * bytes.len() {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(Kept::read(&other).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Kept::read(&bytes[..length]).is_err(), "{length} bytes");
        }
    }
}
