//! What the file of a table may be made of.

use crate::operator::shift::{TableEntry, round_to_f32};

/// A number that a file may hold the table in: `f64` or `f32`, little-endian.
pub trait FileEntry: TableEntry + Default {
    /// The bytes of an entry, as they lie in the file.
    type Bytes: TableEntry + Default;

    /// The entry that stands for a probability.
    fn round(probability: f64) -> Self;

    /// The bytes of an entry.
    fn to_bytes(self) -> Self::Bytes;

    /// The bytes of many entries, one after another.
    fn flatten(entries: &mut [Self::Bytes]) -> &mut [u8];
}

impl FileEntry for f64 {
    type Bytes = [u8; 8];

    fn round(probability: f64) -> f64 {
        probability
    }

    fn to_bytes(self) -> [u8; 8] {
        self.to_le_bytes()
    }

    fn flatten(entries: &mut [[u8; 8]]) -> &mut [u8] {
        entries.as_flattened_mut()
    }
}

impl FileEntry for f32 {
    type Bytes = [u8; 4];

    /// By [`round_to_f32`].
    fn round(probability: f64) -> f32 {
        round_to_f32(probability)
    }

    fn to_bytes(self) -> [u8; 4] {
        self.to_le_bytes()
    }

    fn flatten(entries: &mut [[u8; 4]]) -> &mut [u8] {
        entries.as_flattened_mut()
    }
}
