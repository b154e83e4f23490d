//! The arrays of an archive, read block by block.

use std::io::{BufReader, Read, Seek};
use std::slice::ChunksExact;

use npyz::{DType, Deserialize, NpyHeader, TypeChar, TypeRead};
use rayon::prelude::*;
use zip::ZipArchive;
use zip::result::ZipError;

use super::failure::{Failure, Found, Result, unreadable};
use crate::error::MatrixFileProblem;
use crate::operator::triplets::{Triplets, checked_size};
use crate::solve::{Observer, Watch};

/// What an observer is told is being done, array by array.
const STAGE: &str = "reading a matrix";

/// Elements that are read at a time, and that one task converts.
pub(super) const BLOCK: usize = 1 << 20;
pub(super) const PART: usize = 1 << 14;

/// An archive of arrays.
pub(super) struct Archive<'w, R> {
    zip: ZipArchive<R>,
    observer: &'w mut dyn Observer,
}

impl<'w, R: Read + Seek> Archive<'w, R> {
    pub(super) fn open(reader: R, observer: &'w mut dyn Observer) -> Result<Self> {
        Ok(Self { zip: ZipArchive::new(reader).map_err(unreadable)?, observer })
    }

    pub(super) fn array(&mut self, name: &'static str) -> Result<Array<'_, impl Read>> {
        let file = self.zip.by_name(&format!("{name}.npy")).map_err(|error| match error {
            ZipError::FileNotFound => MatrixFileProblem::MissingArray { array: name },
            other => unreadable(other),
        })?;
        let mut reader = BufReader::new(file);
        let header = read_header(name, &mut reader)?;
        let watch = Watch::new(self.observer, STAGE, Some(header.len())).of_small_steps();
        Ok(Array { name, header, reader, watch })
    }

    /// Numbers of rows and columns.
    pub(super) fn shape(&mut self) -> Result<(usize, usize)> {
        let array = self.array("shape")?;
        array.expect_length(2)?;
        let sizes = array
            .integers(|position, count| checked_size(if position == 0 { "row" } else { "column" }, count))?;
        Ok((sizes[0], sizes[1]))
    }
}

/// An array whose header was read.
pub(super) struct Array<'w, R> {
    name: &'static str,
    header: NpyHeader,
    reader: R,
    watch: Watch<'w>,
}

impl<R: Read> Array<'_, R> {
    /// Insists on one dimension, of this length.
    pub(super) fn expect_length(&self, expected: u64) -> Result<()> {
        self.expect_dimensions(1)?;
        let found = self.header.len();
        if found == expected {
            Ok(())
        } else {
            Err(MatrixFileProblem::ArrayLength { array: self.name, expected, found }.into())
        }
    }

    fn expect_dimensions(&self, expected: usize) -> Result<()> {
        let found = self.header.shape().len();
        if found == expected {
            Ok(())
        } else {
            Err(MatrixFileProblem::ArrayDimensions { array: self.name, expected, found }.into())
        }
    }

    /// The one element of an array of short byte strings without dimensions.
    pub(super) fn bytes(self) -> Result<Vec<u8>> {
        self.expect_dimensions(0)?;
        match self.element() {
            Some((TypeChar::ByteStr, size @ 1..=16)) => {
                self.collect(size, |_, text: Elements<'_, Vec<u8>>| Ok(text.flatten().collect()))
            }
            _ => Err(self.wrong_type().into()),
        }
    }

    /// Integers, each with its position.
    pub(super) fn integers<U: Send>(self, accept: impl Fn(usize, i64) -> Found<U> + Sync) -> Result<Vec<U>> {
        self.expect_dimensions(1)?;
        match self.element() {
            Some((TypeChar::Int, 4)) => self.each(4, |at, value: i32| accept(at, value.into())),
            Some((TypeChar::Int, 8)) => self.each(8, accept),
            _ => Err(self.wrong_type().into()),
        }
    }

    /// Elements of one type, each with its position.
    fn each<T: Deserialize, U: Send>(
        self,
        size: u64,
        accept: impl Fn(usize, T) -> Found<U> + Sync,
    ) -> Result<Vec<U>>
    where
        T::TypeReader: Sync,
    {
        self.collect(size, |first, elements| {
            (first..).zip(elements).map(|(at, element)| accept(at, element)).collect()
        })
    }

    /// Numbers of any kind that scipy is likely to have stored, part by part, each with
    /// the position of its first one.
    pub(super) fn values<U: Send>(
        self,
        accept: impl Fn(usize, Values<'_>) -> Found<Vec<U>> + Sync,
    ) -> Result<Vec<U>> {
        match self.element() {
            Some((TypeChar::Float, 8)) => self.widened(8, |value: f64| value, accept),
            Some((TypeChar::Float, 4)) => self.widened(4, |value: f32| value.into(), accept),
            Some((TypeChar::Int, 4)) => self.widened(4, |value: i32| value.into(), accept),
            Some((TypeChar::Int, 8)) => self.widened(8, |value: i64| value as f64, accept),
            Some((TypeChar::Uint, 4)) => self.widened(4, |value: u32| value.into(), accept),
            Some((TypeChar::Uint, 8)) => self.widened(8, |value: u64| value as f64, accept),
            _ => Err(self.wrong_type().into()),
        }
    }

    /// Numbers of one type as [`values`](Self::values).
    fn widened<T: Deserialize, U: Send>(
        self,
        size: u64,
        widen: impl Fn(T) -> f64 + Sync,
        accept: impl Fn(usize, Values<'_>) -> Found<Vec<U>> + Sync,
    ) -> Result<Vec<U>>
    where
        T::TypeReader: Sync,
    {
        self.collect(size, |first, elements| accept(first, &mut elements.map(&widen)))
    }

    /// Kind and size of the elements, if they are plain.
    fn element(&self) -> Option<(TypeChar, u64)> {
        match self.header.dtype() {
            DType::Plain(element) => Some((element.type_char(), element.size_field())),
            _ => None,
        }
    }

    fn wrong_type(&self) -> MatrixFileProblem {
        MatrixFileProblem::ArrayType { array: self.name, found: self.header.dtype().descr() }
    }

    /// Reads the elements, of so many bytes each, to the end of the file, which must then be
    /// reached: there its checksum is compared. They are read in blocks, whose parts
    /// are converted in parallel.
    fn collect<T: Deserialize, U: Send>(
        mut self,
        size: u64,
        convert: impl for<'a> Fn(usize, Elements<'a, T>) -> Found<Vec<U>> + Sync,
    ) -> Result<Vec<U>>
    where
        T::TypeReader: Sync,
    {
        let (size, expected) = (size as usize, self.header.len());
        let decoder = T::reader(&self.header.dtype()).map_err(|_| self.wrong_type())?;
        // Not all at once, which would allocate what the header announces.
        let (mut converted, mut bytes) = (Vec::new(), Vec::new());
        let mut done = 0;
        while (done as u64) < expected {
            if done >= Triplets::MAX_ENTRIES {
                return Err(MatrixFileProblem::TooManyEntries { limit: Triplets::MAX_ENTRIES }.into());
            }
            let count = (expected - done as u64).min(BLOCK as u64) as usize;
            bytes.resize(count * size, 0);
            self.reader.read_exact(&mut bytes).map_err(|source| MatrixFileProblem::Unreadable { source })?;
            let part = |(part, bytes): (usize, &[u8])| {
                convert(done + part * PART, Elements { decoder: &decoder, bytes: bytes.chunks_exact(size) })
            };
            let parts: Vec<_> = bytes.par_chunks(PART * size).enumerate().map(part).collect();
            for part in parts {
                converted.append(&mut part?);
            }
            done += count;
            self.watch.advance(count as u64).map_err(Failure::Cancelled)?;
        }
        match self.reader.read(&mut [0]) {
            Ok(0) => Ok(converted),
            Ok(_) => {
                Err(MatrixFileProblem::ArrayLength { array: self.name, expected, found: expected + 1 }.into())
            }
            Err(source) => Err(MatrixFileProblem::Unreadable { source }.into()),
        }
    }
}

/// Numbers of an array that were read.
pub(super) type Values<'a> = &'a mut dyn Iterator<Item = f64>;

/// Elements of an array that were read, in the type that they are to be.
struct Elements<'a, T: Deserialize> {
    decoder: &'a T::TypeReader,
    bytes: ChunksExact<'a, u8>,
}

impl<T: Deserialize> Iterator for Elements<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let bytes = self.bytes.next()?;
        Some(self.decoder.read_one(bytes).expect("as many bytes as an element has"))
    }
}

/// The longest header of an array that is read; NumPy writes 118 bytes for plain numbers.
const MAX_HEADER: usize = 1024;

/// The header of an array, shown to the parser only if it is one that NumPy
/// writes for plain numbers: short, hardly nested, and with dimensions whose
/// product cannot overflow. The parser is recursive and multiplies unchecked.
fn read_header(name: &'static str, reader: &mut impl Read) -> Result<NpyHeader> {
    let odd = || MatrixFileProblem::ArrayHeader { array: name };
    let mut header = vec![0; 8];
    let fill = |reader: &mut dyn Read, part: &mut [u8]| {
        reader.read_exact(part).map_err(|source| MatrixFileProblem::Unreadable { source })
    };
    fill(reader, &mut header)?;
    if !header.starts_with(b"\x93NUMPY") {
        return Err(odd().into());
    }
    // From version 2 on, the length takes 4 bytes.
    let width = if header[6] == 1 { 2 } else { 4 };
    let mut length = [0; 4];
    fill(reader, &mut length[..width])?;
    header.extend_from_slice(&length[..width]);
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_HEADER {
        return Err(odd().into());
    }
    let start = header.len();
    header.resize(start + length, 0);
    fill(reader, &mut header[start..])?;

    let text = &header[start..];
    let count = |wanted: fn(&u8) -> bool| text.iter().filter(|byte| wanted(byte)).count();
    let digits = count(u8::is_ascii_digit);
    let brackets = count(|byte| b"([{".contains(byte));
    if digits > 18 || brackets > 4 || !text.is_ascii() {
        return Err(odd().into());
    }
    NpyHeader::from_reader(&header[..]).map_err(|_| odd().into())
}
