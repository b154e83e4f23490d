//! A table in a file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use flate2::Crc;
use rayon::prelude::*;

use super::entry::FileEntry;
use super::header::{HEADER, Header};
use super::positioned::PositionedFile;
use super::rows::RowSource;
use crate::error::{Error, Result, TableFileProblem};
use crate::files::replace_file;
use crate::operator::shift::check_table_size;
use crate::solve::{Observer, Silent, report};
use crate::text::ContextSpace;

/// Bytes of the table that are written, or checked, between two reports.
const BATCH: usize = 32 << 20;

/// Bytes that one task reads to check them.
const PART: usize = 1 << 20;

/// A file that holds the table `p[context][token]` of a chain over all contexts.
///
/// A header of 64 bytes (V, K, bytes of an entry, checksums), then the entries
/// row by row. The file must stay as it is while it is open.
///
/// # Example
///
/// ```
/// use lmchain::operator::{ShiftOperator, StreamedOperator, TableFile, TransitionOperator};
/// use lmchain::text::ContextSpace;
///
/// let folder = tempfile::tempdir().expect("a folder for the file");
/// let path = folder.path().join("coin.table");
/// let chain = ShiftOperator::new(ContextSpace::new(2, 1)?, vec![0.5, 0.5, 1.0, 0.0])?;
/// TableFile::write(&path, &chain)?;
///
/// let stored = StreamedOperator::new(TableFile::<f64>::open(&path)?)?;
/// let mut next = [0.0; 2];
/// stored.push_forward(&[1.0, 0.0], &mut next);
/// stored.check_products()?; // the file could be read
/// assert_eq!(next, [0.5, 0.5]);
/// # Ok::<(), lmchain::Error>(())
/// ```
pub struct TableFile<T> {
    path: PathBuf,
    file: PositionedFile,
    space: ContextSpace,
    entries: PhantomData<T>,
}

impl<T: FileEntry> TableFile<T> {
    /// Writes the rows of a source to a file. They are checked when the file is used.
    ///
    /// The file is written beside its place and then moved there, so there is
    /// never half a file. Memory: some 70 MB, or a few rows.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::TooLarge`] for 2^32 - 1 contexts or more, and
    /// those of the source.
    pub fn write<R: RowSource<Entry = T>>(path: impl AsRef<Path>, rows: &R) -> Result<()> {
        Self::write_watched(path, rows, &mut Silent)
    }

    /// As [`write`](Self::write), watched: progress is counted in contexts.
    ///
    /// # Errors
    ///
    /// As `write`, and [`Error::Cancelled`].
    pub fn write_watched<R: RowSource<Entry = T>>(
        path: impl AsRef<Path>,
        rows: &R,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        check_table_size::<T>(rows.space())?;
        let path = path.as_ref();
        replace_file(path, |file| {
            let failed = |source| Error::Io { path: path.to_owned(), source };
            file.write_all(&[0; HEADER]).map_err(failed)?;
            let checksum = write_rows(rows, observer, |bytes| file.write_all(bytes).map_err(failed))?;
            let header = Header {
                entry_bytes: size_of::<T>() as u32,
                vocabulary_size: rows.space().vocabulary_size() as u64,
                context_length: rows.space().context_length() as u64,
                checksum,
            };
            let begun = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&header.to_bytes()));
            begun.map_err(failed)
        })
    }

    /// Opens a file written by [`write`](Self::write), and reads it once to check it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::TableFile`] for a file that is something else, is
    /// damaged, cut short or too long, or holds entries of the other precision;
    /// [`Error::MustBePositive`], [`Error::ContextSpaceTooLarge`] and
    /// [`Error::TooLarge`] for contexts that cannot be numbered.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_watched(path, &mut Silent)
    }

    /// As [`open`](Self::open), watched: progress is counted in bytes.
    ///
    /// # Errors
    ///
    /// As `open`, and [`Error::Cancelled`].
    pub fn open_watched(path: impl AsRef<Path>, observer: &mut dyn Observer) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let failed = |source| Error::Io { path: path.clone(), source };
        let problem = |problem| Error::TableFile { path: path.clone(), problem };
        let mut file = File::open(&path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?.len();
        let mut bytes = [0; HEADER];
        file.read_exact(&mut bytes).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => problem(TableFileProblem::NotATable),
            _ => failed(source),
        })?;
        let header = Header::from_bytes(&bytes).map_err(problem)?;
        let expected = size_of::<T>() as u32;
        if header.entry_bytes != expected {
            return Err(problem(TableFileProblem::Precision { expected, found: header.entry_bytes }));
        }
        let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let space = ContextSpace::new(size(header.vocabulary_size), size(header.context_length))?;
        check_table_size::<T>(&space)?;
        let rows = space.len() as u128 * space.vocabulary_size() as u128;
        let expected = rows.saturating_mul(size_of::<T>() as u128).saturating_add(HEADER as u128);
        if u128::from(found) != expected {
            return Err(problem(TableFileProblem::Length { expected, found }));
        }
        let file = PositionedFile::new(file);
        let checksum = checksum(&file, found, observer, &failed)?;
        if checksum != header.checksum {
            let (expected, found) = (header.checksum, checksum);
            return Err(problem(TableFileProblem::Damaged { expected, found }));
        }
        Ok(Self { path, file, space, entries: PhantomData })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl<T: FileEntry> RowSource for TableFile<T> {
    type Entry = T::Bytes;

    fn space(&self) -> &ContextSpace {
        &self.space
    }

    fn rows(&self, first: usize, rows: &mut [T::Bytes]) -> Result<()> {
        let entries = first as u64 * self.space.vocabulary_size() as u64;
        let offset = HEADER as u64 + entries * size_of::<T>() as u64;
        let read = self.file.read_exact_at(T::flatten(rows), offset);
        read.map_err(|source| Error::Io { path: self.path.clone(), source })
    }
}

/// Hands the bytes of all rows to `write`, and gives their checksum.
fn write_rows<R: RowSource<Entry: FileEntry>>(
    source: &R,
    observer: &mut dyn Observer,
    mut write: impl FnMut(&[u8]) -> Result<()>,
) -> Result<u32> {
    let (contexts, v) = (source.space().len(), source.space().vocabulary_size());
    let batch = (BATCH / (v * size_of::<R::Entry>())).clamp(1, contexts);
    let mut rows = vec![R::Entry::default(); batch * v];
    let mut bytes = vec![<R::Entry as FileEntry>::Bytes::default(); batch * v];
    let mut crc = Crc::new();
    for first in (0..contexts).step_by(batch) {
        let count = batch.min(contexts - first);
        let (rows, bytes) = (&mut rows[..count * v], &mut bytes[..count * v]);
        fetch(source, first, rows)?;
        bytes.iter_mut().zip(&*rows).for_each(|(bytes, p)| *bytes = p.to_bytes());
        let bytes = R::Entry::flatten(bytes);
        crc.update(bytes);
        write(bytes)?;
        report(observer, "writing the table", (first + count) as u64, Some(contexts as u64))?;
    }
    Ok(crc.sum())
}

/// Asks a source for many rows, in parts at once unless it is parallel itself.
fn fetch<R: RowSource>(source: &R, first: usize, rows: &mut [R::Entry]) -> Result<()> {
    if source.is_parallel() {
        return source.rows(first, rows);
    }
    let v = source.space().vocabulary_size();
    let part = (PART / (v * size_of::<R::Entry>())).max(1);
    let parts = rows.par_chunks_mut(part * v).enumerate();
    parts.try_for_each(|(number, rows)| source.rows(first + number * part, rows))
}

/// The checksum of all entries of a file with so many bytes.
fn checksum(
    file: &PositionedFile,
    length: u64,
    observer: &mut dyn Observer,
    failed: &(impl Fn(io::Error) -> Error + Sync),
) -> Result<u32> {
    let mut whole = Crc::new();
    for begin in (HEADER as u64..length).step_by(BATCH) {
        let end = length.min(begin + BATCH as u64);
        let parts: Vec<u64> = (begin..end).step_by(PART).collect();
        let crcs = parts.into_par_iter().map(|part| {
            let mut bytes = vec![0; PART.min((end - part) as usize)];
            file.read_exact_at(&mut bytes, part).map_err(failed)?;
            let mut crc = Crc::new();
            crc.update(&bytes);
            Ok(crc)
        });
        for crc in crcs.collect::<Result<Vec<Crc>>>()? {
            whole.combine(&crc);
        }
        report(observer, "checking the table", end, Some(length))?;
    }
    Ok(whole.sum())
}
