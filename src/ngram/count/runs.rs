//! Sorting more keys than fit in memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::key::Key;
use crate::error::{Error, Result};

/// Bytes read at a time from each run while runs are merged.
const LARGEST_READ: usize = 1 << 20;

/// Bytes that a run takes while runs are merged, beside what is read of it.
const RUN_BYTES: usize = 128;

/// Sorts keys and counts equal ones, in bounded memory.
///
/// Keys are gathered in a buffer; when that is full they are sorted and go to a
/// nameless temporary file as one run of different keys with their counts. In
/// the end the runs are merged. Without a second buffer nothing touches the disk.
pub(crate) struct Sorter<K> {
    buffer: Vec<K>,
    /// Keys that the buffer may hold.
    capacity: usize,
    folder: PathBuf,
    spilled: Option<Spilled>,
}

/// The runs on disk, one behind another in one file.
struct Spilled {
    file: BufWriter<File>,
    /// Where each run ends.
    ends: Vec<u64>,
}

impl<K: Key> Sorter<K> {
    /// A buffer of so many bytes, but no larger than `keys` need, and temporary files in a folder.
    ///
    /// With fewer bytes than the square root of what the keys take there would be
    /// so many runs that merging them needed more: that is the least.
    pub(crate) fn new(bytes: usize, keys: usize, folder: &Path) -> Self {
        let least = (keys as f64 * (size_of::<K>() * RUN_BYTES) as f64).sqrt() as usize;
        let capacity = (bytes.max(least) / size_of::<K>()).max(1);
        Self {
            buffer: Vec::with_capacity(capacity.min(keys)),
            capacity,
            folder: folder.to_owned(),
            spilled: None,
        }
    }

    /// Adds a key.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the temporary file cannot be written.
    pub(crate) fn push(&mut self, key: K) -> Result<()> {
        if self.buffer.len() == self.capacity {
            self.spill()?;
        }
        self.buffer.push(key);
        Ok(())
    }

    /// How many runs went to disk.
    #[cfg(test)]
    fn runs(&self) -> usize {
        self.spilled.as_ref().map_or(0, |spilled| spilled.ends.len())
    }

    /// Hands out the different keys in ascending order, with their counts.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] for the temporary file, and what `visit` returns.
    pub(crate) fn finish(mut self, mut visit: impl FnMut(K, u64) -> Result<()>) -> Result<()> {
        if self.spilled.is_none() {
            self.buffer.par_sort_unstable();
            return count_equal(&self.buffer, visit);
        }
        self.spill()?;
        let Self { capacity, folder, spilled, buffer } = self;
        // What it took is now for reading.
        drop(buffer);
        let Some(spilled) = spilled else { return Ok(()) };
        let mut runs = Runs::<K>::open(spilled, capacity * size_of::<K>(), &folder)?;
        let mut pending: Option<(K, u64)> = None;
        while let Some((key, count)) = runs.next()? {
            match &mut pending {
                Some((last, total)) if *last == key => *total += count,
                _ => {
                    if let Some((last, total)) = pending.replace((key, count)) {
                        visit(last, total)?;
                    }
                }
            }
        }
        pending.map_or(Ok(()), |(key, count)| visit(key, count))
    }

    /// Writes the buffer as a run.
    fn spill(&mut self) -> Result<()> {
        self.buffer.par_sort_unstable();
        let result = self.write_run();
        self.buffer.clear();
        result.map_err(|source| Error::Io { path: self.folder.clone(), source })
    }

    fn write_run(&mut self) -> std::io::Result<()> {
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            none => {
                let file = BufWriter::with_capacity(LARGEST_READ, tempfile::tempfile_in(&self.folder)?);
                none.insert(Spilled { file, ends: Vec::new() })
            }
        };
        let mut entry = vec![0; entry_bytes::<K>()];
        let mut entries = 0;
        count_equal(&self.buffer, |key, count| {
            key.write(&mut entry[..K::BYTES]);
            entry[K::BYTES..].copy_from_slice(&count.to_le_bytes());
            entries += 1;
            spilled.file.write_all(&entry)
        })?;
        let start = spilled.ends.last().copied().unwrap_or(0);
        spilled.ends.push(start + entries * entry_bytes::<K>() as u64);
        Ok(())
    }
}

/// A key and its count in eight bytes.
const fn entry_bytes<K: Key>() -> usize {
    K::BYTES + size_of::<u64>()
}

/// Hands out the different keys of a sorted slice with their counts.
fn count_equal<K: Key, E>(
    sorted: &[K],
    mut visit: impl FnMut(K, u64) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    sorted.chunk_by(|a, b| a == b).try_for_each(|equal| visit(equal[0], equal.len() as u64))
}

/// The runs on disk, merged.
struct Runs<K> {
    file: File,
    folder: PathBuf,
    cursors: Vec<Cursor>,
    /// The next key of each run, smallest first.
    heap: BinaryHeap<Reverse<(K, usize, u64)>>,
}

/// How far a run has been read.
struct Cursor {
    /// Where the part not yet read starts, and where the run ends.
    next: u64,
    end: u64,
    buffer: Vec<u8>,
    /// Where the entry to be handed out next starts in the buffer.
    at: usize,
    /// Bytes to read at a time.
    read: usize,
}

impl<K: Key> Runs<K> {
    fn open(spilled: Spilled, bytes: usize, folder: &Path) -> Result<Self> {
        let file = spilled.file.into_inner().map_err(std::io::IntoInnerError::into_error);
        let file = file.map_err(|source| Error::Io { path: folder.to_owned(), source })?;
        let read = (bytes / spilled.ends.len()).min(LARGEST_READ);
        let read = (read / entry_bytes::<K>()).max(1) * entry_bytes::<K>();
        let starts = std::iter::once(0).chain(spilled.ends.iter().copied());
        let cursors = starts.zip(&spilled.ends);
        let cursors =
            cursors.map(|(next, &end)| Cursor { next, end, buffer: Vec::new(), at: 0, read }).collect();
        let mut runs = Self { file, folder: folder.to_owned(), cursors, heap: BinaryHeap::new() };
        for run in 0..runs.cursors.len() {
            runs.advance(run)?;
        }
        Ok(runs)
    }

    fn next(&mut self) -> Result<Option<(K, u64)>> {
        let Some(Reverse((key, run, count))) = self.heap.pop() else { return Ok(None) };
        self.advance(run)?;
        Ok(Some((key, count)))
    }

    /// Puts the next entry of a run on the heap, if there is one.
    fn advance(&mut self, run: usize) -> Result<()> {
        let cursor = &mut self.cursors[run];
        if cursor.at == cursor.buffer.len() {
            cursor
                .refill(&mut self.file)
                .map_err(|source| Error::Io { path: self.folder.clone(), source })?;
        }
        let entry = &cursor.buffer[cursor.at..];
        if entry.is_empty() {
            return Ok(());
        }
        let (key, count) = entry[..entry_bytes::<K>()].split_at(K::BYTES);
        let count = count.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
        self.heap.push(Reverse((K::read(key), run, count)));
        cursor.at += entry_bytes::<K>();
        Ok(())
    }
}

impl Cursor {
    fn refill(&mut self, file: &mut File) -> std::io::Result<()> {
        let bytes = (self.end - self.next).min(self.read as u64);
        self.buffer.resize(bytes as usize, 0);
        self.at = 0;
        file.seek(SeekFrom::Start(self.next))?;
        file.read_exact(&mut self.buffer)?;
        self.next += bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_come_in_order_with_their_counts_however_many_runs(
            keys in prop::collection::vec(0..40u64, 0..300),
            room in 1..400usize,
        ) {
            let mut sorter = Sorter::new(room * 8, keys.len(), &std::env::temp_dir());
            for &key in &keys {
                sorter.push(key).unwrap();
            }
            prop_assert_eq!(sorter.runs(), keys.len().saturating_sub(1) / sorter.capacity);
            let mut slow = BTreeMap::new();
            for &key in &keys {
                *slow.entry(key).or_insert(0) += 1;
            }
            let mut found = Vec::new();
            sorter.finish(|key, count| { found.push((key, count)); Ok(()) }).unwrap();
            prop_assert_eq!(found, slow.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = Path::new("no/such/folder");
        let mut sorter = Sorter::new(8, 1, folder);
        let filled = (0..sorter.capacity).try_for_each(|_| sorter.push(1u64));
        assert!(filled.is_ok());
        assert!(matches!(sorter.push(2), Err(Error::Io { path, .. }) if path == folder));
    }
}
