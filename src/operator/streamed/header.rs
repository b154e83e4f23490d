//! How the file of a table begins.

use flate2::Crc;

use crate::error::TableFileProblem;

/// Bytes of a header.
pub(super) const HEADER: usize = 64;

const MAGIC: &[u8; 8] = b"lmchain\0";

/// The version of the format that is written and read.
const VERSION: u32 = 1;

/// What the first [`HEADER`] bytes say. All numbers are little-endian:
///
/// ```text
/// 0  "lmchain\0"      8  version        12  bytes of an entry
/// 16 V (64 bits)      24 K (64 bits)    32  CRC-32 of the entries
/// 36 zeros            60 CRC-32 of the 60 bytes before
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) entry_bytes: u32,
    pub(super) vocabulary_size: u64,
    pub(super) context_length: u64,
    pub(super) checksum: u32,
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.entry_bytes.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.vocabulary_size.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.context_length.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.checksum.to_le_bytes());
        let own = crc(&bytes[..60]);
        bytes[60..].copy_from_slice(&own.to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; HEADER]) -> Result<Self, TableFileProblem> {
        if &bytes[..8] != MAGIC {
            return Err(TableFileProblem::NotATable);
        }
        if crc(&bytes[..60]) != u32_at(bytes, 60) {
            return Err(TableFileProblem::DamagedHeader);
        }
        let found = u32_at(bytes, 8);
        if found != VERSION {
            return Err(TableFileProblem::Version { found, known: VERSION });
        }
        Ok(Self {
            entry_bytes: u32_at(bytes, 12),
            vocabulary_size: u64_at(bytes, 16),
            context_length: u64_at(bytes, 24),
            checksum: u32_at(bytes, 32),
        })
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn u32_at(bytes: &[u8; HEADER], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8; HEADER], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_what_it_was_told() {
        let header =
            Header { entry_bytes: 4, vocabulary_size: 1 << 40 | 3, context_length: 7, checksum: 0xDEAD_BEEF };
        let bytes = header.to_bytes();
        assert_eq!(Header::from_bytes(&bytes), Ok(header));
        // Every flip of a bit is noticed.
        for bit in 0..8 * HEADER {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::from_bytes(&other).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn another_version_is_told_apart_from_damage() {
        let mut bytes =
            Header { entry_bytes: 8, vocabulary_size: 2, context_length: 2, checksum: 0 }.to_bytes();
        bytes[8] = 2;
        let own = crc(&bytes[..60]);
        bytes[60..].copy_from_slice(&own.to_le_bytes());
        assert_eq!(Header::from_bytes(&bytes), Err(TableFileProblem::Version { found: 2, known: 1 }));
    }
}
