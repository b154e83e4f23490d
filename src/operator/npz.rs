//! Sparse matrices as `scipy.sparse.save_npz` writes them.
//!
//! An archive holds one array a file, in NumPy's format: `format` (the bytes
//! `csr`, `csc` or `coo`), `shape`, `data`, and either `indptr` and `indices`
//! (compressed rows or columns) or `row` and `col` (places).

use std::io::{BufReader, Read, Seek};
use std::path::Path;

use npyz::{DType, Deserialize, NpyFile, NpyHeader, TypeChar};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{Error, MatrixFileProblem, Result};

use super::triplets::{Triplets, checked_index, checked_size, open};

type Found<T> = Result<T, MatrixFileProblem>;

impl Triplets {
    /// Reads a matrix written by `scipy.sparse.save_npz`, compressed or not.
    ///
    /// Formats `csr`, `csc` and `coo`; values as floating-point numbers or
    /// integers of 4 or 8 bytes, indices as integers of 4 or 8 bytes.
    ///
    /// # Errors
    ///
    /// [`Error::MatrixFile`] with the [`MatrixFileProblem`].
    ///
    /// # Complexity
    ///
    /// Memory grows with the entries that are truly there; what headers announce
    /// is compared, not allocated. A compressed archive may hold a thousand times
    /// its size, at most [`MAX_ENTRIES`](Self::MAX_ENTRIES) entries.
    pub fn read_npz(reader: impl Read + Seek) -> Result<Self> {
        read(reader).map_err(|problem| Error::MatrixFile { path: None, line: None, problem })
    }

    /// Opens a file written by `scipy.sparse.save_npz`; see [`read_npz`](Self::read_npz).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be opened, [`Error::MatrixFile`] with
    /// the path if it does not hold a matrix.
    pub fn open_npz(path: impl AsRef<Path>) -> Result<Self> {
        open(path.as_ref(), Self::read_npz)
    }
}

fn read(reader: impl Read + Seek) -> Found<Triplets> {
    let mut archive = Archive(ZipArchive::new(reader).map_err(unreadable)?);
    let format = archive.array("format")?.bytes()?;
    match format.trim_ascii() {
        b"csr" => read_compressed(&mut archive, true),
        b"csc" => read_compressed(&mut archive, false),
        b"coo" => read_places(&mut archive),
        other => Err(MatrixFileProblem::Unsupported {
            what: "format",
            found: String::from_utf8_lossy(other).into_owned(),
            supported: "csr, csc, coo",
        }),
    }
}

/// Compressed rows, or columns: entries `pointers[i]..pointers[i + 1]` lie in line `i`.
fn read_compressed<R: Read + Seek>(archive: &mut Archive<R>, by_rows: bool) -> Found<Triplets> {
    let (rows, columns) = archive.shape()?;
    let (lines, across, axis) = if by_rows { (rows, columns, "column") } else { (columns, rows, "row") };

    let array = archive.array("indptr")?;
    array.expect_length(lines as u64 + 1)?;
    let mut last = 0;
    let pointers = array.integers(|position, value| match u64::try_from(value) {
        Ok(pointer) if pointer >= last && (position > 0 || pointer == 0) => {
            last = pointer;
            Ok(pointer)
        }
        _ => Err(MatrixFileProblem::PointerOrder { position, value }),
    })?;

    let array = archive.array("indices")?;
    array.expect_length(last)?;
    let indices = array.integers(|_, value| checked_index(axis, value, 0, across))?;
    let array = archive.array("data")?;
    array.expect_length(last)?;
    let values = array.values()?;

    let mut matrix = Triplets::announced(rows, columns, last);
    for (line, ends) in (0..).zip(pointers.windows(2)) {
        // The lengths of both arrays were found equal to the last pointer.
        let range = ends[0] as usize..ends[1] as usize;
        for (&index, &value) in indices[range.clone()].iter().zip(&values[range]) {
            let (row, column) = if by_rows { (line, index) } else { (index, line) };
            matrix.push(row, column, value)?;
        }
    }
    Ok(matrix)
}

/// One row, one column and one value an entry.
fn read_places<R: Read + Seek>(archive: &mut Archive<R>) -> Found<Triplets> {
    let (rows, columns) = archive.shape()?;
    let row = archive.array("row")?.integers(|_, value| checked_index("row", value, 0, rows))?;
    let array = archive.array("col")?;
    array.expect_length(row.len() as u64)?;
    let column = array.integers(|_, value| checked_index("column", value, 0, columns))?;
    let array = archive.array("data")?;
    array.expect_length(row.len() as u64)?;
    let values = array.values()?;

    let mut matrix = Triplets::announced(rows, columns, row.len() as u64);
    for ((row, column), value) in row.into_iter().zip(column).zip(values) {
        matrix.push(row, column, value)?;
    }
    Ok(matrix)
}

/// An archive of arrays.
struct Archive<R>(ZipArchive<R>);

impl<R: Read + Seek> Archive<R> {
    fn array(&mut self, name: &'static str) -> Found<Array<impl Read>> {
        let file = self.0.by_name(&format!("{name}.npy")).map_err(|error| match error {
            ZipError::FileNotFound => MatrixFileProblem::MissingArray { array: name },
            other => unreadable(other),
        })?;
        let mut reader = BufReader::new(file);
        let header = read_header(name, &mut reader)?;
        Ok(Array { name, header, reader })
    }

    /// Numbers of rows and columns.
    fn shape(&mut self) -> Found<(usize, usize)> {
        let array = self.array("shape")?;
        array.expect_length(2)?;
        let sizes = array
            .integers(|position, count| checked_size(if position == 0 { "row" } else { "column" }, count))?;
        Ok((sizes[0], sizes[1]))
    }
}

/// An array whose header was read.
struct Array<R> {
    name: &'static str,
    header: NpyHeader,
    reader: R,
}

impl<R: Read> Array<R> {
    /// Insists on one dimension, of this length.
    fn expect_length(&self, expected: u64) -> Found<()> {
        self.expect_dimensions(1)?;
        let found = self.header.len();
        if found == expected {
            Ok(())
        } else {
            Err(MatrixFileProblem::ArrayLength { array: self.name, expected, found })
        }
    }

    fn expect_dimensions(&self, expected: usize) -> Found<()> {
        let found = self.header.shape().len();
        if found == expected {
            Ok(())
        } else {
            Err(MatrixFileProblem::ArrayDimensions { array: self.name, expected, found })
        }
    }

    /// The one element of an array of short byte strings without dimensions.
    fn bytes(self) -> Found<Vec<u8>> {
        self.expect_dimensions(0)?;
        match self.element() {
            Some((TypeChar::ByteStr, 1..=16)) => {
                Ok(self.collect(|_, text: Vec<u8>| Ok(text))?.into_iter().flatten().collect())
            }
            _ => Err(self.wrong_type()),
        }
    }

    /// Integers, each with its position.
    fn integers<T>(self, mut accept: impl FnMut(usize, i64) -> Found<T>) -> Found<Vec<T>> {
        self.expect_dimensions(1)?;
        match self.element() {
            Some((TypeChar::Int, 4)) => self.collect(|at, value: i32| accept(at, value.into())),
            Some((TypeChar::Int, 8)) => self.collect(accept),
            _ => Err(self.wrong_type()),
        }
    }

    /// Numbers of any kind that scipy is likely to have stored.
    fn values(self) -> Found<Vec<f64>> {
        match self.element() {
            Some((TypeChar::Float, 8)) => self.collect(|_, value| Ok(value)),
            Some((TypeChar::Float, 4)) => self.collect(|_, value: f32| Ok(value.into())),
            Some((TypeChar::Int, 4)) => self.collect(|_, value: i32| Ok(value.into())),
            Some((TypeChar::Int, 8)) => self.collect(|_, value: i64| Ok(value as f64)),
            Some((TypeChar::Uint, 4)) => self.collect(|_, value: u32| Ok(value.into())),
            Some((TypeChar::Uint, 8)) => self.collect(|_, value: u64| Ok(value as f64)),
            _ => Err(self.wrong_type()),
        }
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

    /// Reads the elements to the end of the file, which must then be reached:
    /// there its checksum is compared.
    fn collect<T: Deserialize, U>(mut self, mut convert: impl FnMut(usize, T) -> Found<U>) -> Found<Vec<U>> {
        let wrong_type = self.wrong_type();
        let expected = self.header.len();
        let elements =
            NpyFile::with_header(self.header, &mut self.reader).data::<T>().map_err(|_| wrong_type)?;
        // Not `collect`, which would allocate what the header announces.
        let mut converted = Vec::new();
        for (position, element) in elements.enumerate() {
            if position == Triplets::MAX_ENTRIES {
                return Err(MatrixFileProblem::TooManyEntries { limit: Triplets::MAX_ENTRIES });
            }
            let element = element.map_err(|source| MatrixFileProblem::Unreadable { source })?;
            converted.push(convert(position, element)?);
        }
        match self.reader.read(&mut [0]) {
            Ok(0) => Ok(converted),
            Ok(_) => Err(MatrixFileProblem::ArrayLength { array: self.name, expected, found: expected + 1 }),
            Err(source) => Err(MatrixFileProblem::Unreadable { source }),
        }
    }
}

/// The longest header of an array that is read; NumPy writes 118 bytes for plain numbers.
const MAX_HEADER: usize = 1024;

/// The header of an array, shown to the parser only if it is one that NumPy
/// writes for plain numbers: short, hardly nested, and with dimensions whose
/// product cannot overflow. The parser is recursive and multiplies unchecked.
fn read_header(name: &'static str, reader: &mut impl Read) -> Found<NpyHeader> {
    let odd = || MatrixFileProblem::ArrayHeader { array: name };
    let mut header = vec![0; 8];
    let fill = |reader: &mut dyn Read, part: &mut [u8]| {
        reader.read_exact(part).map_err(|source| MatrixFileProblem::Unreadable { source })
    };
    fill(reader, &mut header)?;
    if !header.starts_with(b"\x93NUMPY") {
        return Err(odd());
    }
    // From version 2 on, the length takes 4 bytes.
    let width = if header[6] == 1 { 2 } else { 4 };
    let mut length = [0; 4];
    fill(reader, &mut length[..width])?;
    header.extend_from_slice(&length[..width]);
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_HEADER {
        return Err(odd());
    }
    let start = header.len();
    header.resize(start + length, 0);
    fill(reader, &mut header[start..])?;

    let text = &header[start..];
    let count = |wanted: fn(&u8) -> bool| text.iter().filter(|byte| wanted(byte)).count();
    let digits = count(u8::is_ascii_digit);
    let brackets = count(|byte| b"([{".contains(byte));
    if digits > 18 || brackets > 4 || !text.is_ascii() {
        return Err(odd());
    }
    NpyHeader::from_reader(&header[..]).map_err(|_| odd())
}

fn unreadable(error: ZipError) -> MatrixFileProblem {
    MatrixFileProblem::Unreadable { source: error.into() }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::operator::triplets::fuzz::{check_any, edits, mutate};

    fn read_bytes(bytes: &[u8]) -> Result<Triplets> {
        Triplets::read_npz(Cursor::new(bytes))
    }

    fn problem(bytes: &[u8]) -> MatrixFileProblem {
        match read_bytes(bytes).unwrap_err() {
            Error::MatrixFile { path: None, line: None, problem } => problem,
            other => panic!("another error: {other}"),
        }
    }

    /// An array in NumPy's format.
    fn array(header: &str, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    fn header(element: &str, shape: &str) -> String {
        format!("{{'descr': '{element}', 'fortran_order': False, 'shape': {shape}, }}\n")
    }

    fn numbers(values: &[i32]) -> Vec<u8> {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        array(&header("<i4", &format!("({},)", values.len())), &data)
    }

    /// The arrays of the 2-cycle in compressed rows, to be spoiled one by one.
    fn cycle() -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("format", array(&header("|S3", "()"), b"csr")),
            ("shape", numbers(&[2, 2])),
            ("indptr", numbers(&[0, 1, 2])),
            ("indices", numbers(&[1, 0])),
            ("data", numbers(&[1, 1])),
        ]
    }

    fn zipped(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for (name, bytes) in arrays {
            archive.start_file(format!("{name}.npy"), stored).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    /// The problem of the 2-cycle with one array replaced.
    fn spoiled(name: &str, bytes: Vec<u8>) -> MatrixFileProblem {
        let mut arrays = cycle();
        arrays.iter_mut().find(|(array, _)| *array == name).unwrap().1 = bytes;
        problem(&zipped(&arrays))
    }

    #[test]
    fn the_cycle_is_read() {
        let matrix = read_bytes(&zipped(&cycle())).unwrap();
        assert_eq!((matrix.rows, matrix.columns), (2, 2));
        assert_eq!(matrix.entries, [(0, 1, 1.0), (1, 0, 1.0)]);
    }

    #[test]
    fn archives_that_are_none_or_lack_an_array_are_refused() {
        assert!(matches!(problem(b""), MatrixFileProblem::Unreadable { .. }));
        assert!(matches!(problem(b"no archive"), MatrixFileProblem::Unreadable { .. }));
        for missing in 0..5 {
            let mut arrays = cycle();
            let (name, _) = arrays.remove(missing);
            match problem(&zipped(&arrays)) {
                MatrixFileProblem::MissingArray { array } => assert_eq!(array, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn arrays_that_disagree_are_refused() {
        use MatrixFileProblem as P;
        assert!(matches!(
            spoiled("indptr", numbers(&[0, 2])),
            P::ArrayLength { array: "indptr", expected: 3, found: 2 }
        ));
        assert!(matches!(spoiled("indptr", numbers(&[1, 1, 2])), P::PointerOrder { position: 0, value: 1 }));
        assert!(matches!(spoiled("indptr", numbers(&[0, 3, 2])), P::PointerOrder { position: 2, value: 2 }));
        assert!(matches!(
            spoiled("indptr", numbers(&[0, -1, 2])),
            P::PointerOrder { position: 1, value: -1 }
        ));
        assert!(matches!(
            spoiled("indptr", numbers(&[0, 1, 3])),
            P::ArrayLength { array: "indices", expected: 3, found: 2 }
        ));
        assert!(matches!(spoiled("indices", numbers(&[1])), P::ArrayLength { array: "indices", .. }));
        assert!(matches!(spoiled("data", numbers(&[1, 1, 1])), P::ArrayLength { array: "data", .. }));
        assert!(matches!(
            spoiled("indices", numbers(&[1, 2])),
            P::IndexOutOfRange { axis: "column", index: 2, first: 0, end: 2 }
        ));
        assert!(matches!(spoiled("indices", numbers(&[-1, 0])), P::IndexOutOfRange { index: -1, .. }));
        assert!(matches!(spoiled("shape", numbers(&[2])), P::ArrayLength { array: "shape", .. }));
        assert!(matches!(spoiled("shape", numbers(&[-2, 2])), P::NegativeSize { axis: "row", count: -2 }));
        let long = array(&header("<i8", "(2,)"), &[[0xff; 4], [0; 4], [0, 0, 0, 0], [1, 0, 0, 0]].concat());
        assert!(matches!(spoiled("shape", long), P::TooManyStates { axis: "column", count: 0x1_0000_0000 }));
        let nan = array(&header("<f4", "(2,)"), &[1f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat());
        assert!(matches!(spoiled("data", nan), P::NotFinite { row: 1, column: 0, .. }));
    }

    #[test]
    fn arrays_of_another_kind_are_refused() {
        use MatrixFileProblem as P;
        let bytes = |element: &str, shape: &str| array(&header(element, shape), &[0; 64]);
        assert!(matches!(spoiled("indices", bytes("<f8", "(2,)")), P::ArrayType { array: "indices", .. }));
        assert!(matches!(spoiled("data", bytes("<c16", "(2,)")), P::ArrayType { array: "data", .. }));
        assert!(matches!(spoiled("data", bytes("|O", "(2,)")), P::ArrayType { array: "data", .. }));
        assert!(matches!(
            spoiled("data", bytes("<f8", "(2, 1)")),
            P::ArrayDimensions { array: "data", expected: 1, found: 2 }
        ));
        assert!(matches!(
            spoiled("indices", bytes("<i4", "()")),
            P::ArrayDimensions { array: "indices", .. }
        ));
        assert!(matches!(spoiled("format", bytes("|S999", "()")), P::ArrayType { array: "format", .. }));
        assert!(matches!(spoiled("format", bytes("|S3", "(3,)")), P::ArrayDimensions { .. }));
        assert!(matches!(
            spoiled("format", array(&header("|S3", "()"), b"bsr")),
            P::Unsupported { what: "format", .. }
        ));
    }

    #[test]
    fn hostile_headers_neither_allocate_nor_overflow() {
        use MatrixFileProblem as P;
        let odd = |header: &str| spoiled("data", array(header, &[]));
        assert!(matches!(odd(&header("<f8", "(4294967296, 4294967296)")), P::ArrayHeader { .. }));
        assert!(matches!(odd(&"(".repeat(1000)), P::ArrayHeader { .. }));
        assert!(matches!(odd(&" ".repeat(60_000)), P::ArrayHeader { .. }));
        assert!(matches!(odd("{}"), P::ArrayHeader { .. }));
        assert!(matches!(
            spoiled("data", b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec()),
            P::ArrayHeader { .. }
        ));
        assert!(matches!(spoiled("data", b"\x93NUMPY".to_vec()), P::Unreadable { .. }));
        assert!(matches!(spoiled("data", b"not NumPy's".to_vec()), P::ArrayHeader { .. }));
        // A size that lies: nothing like 10^17 entries is allocated or found.
        let mut arrays = cycle();
        arrays[0].1 = array(&header("|S3", "()"), b"coo");
        arrays.push(("row", array(&header("<i8", "(99999999999999999,)"), &[0; 80])));
        assert!(matches!(problem(&zipped(&arrays)), P::Unreadable { .. }));
        // Fewer and more elements than announced.
        assert!(matches!(spoiled("data", array(&header("<i4", "(2,)"), &[0; 7])), P::Unreadable { .. }));
        assert!(matches!(spoiled("data", array(&header("<i4", "(2,)"), &[0; 9])), P::ArrayLength { .. }));
    }

    const FILES: [&[u8]; 5] = [
        include_bytes!("../../tests/data/npz/csr_compressed.npz"),
        include_bytes!("../../tests/data/npz/csc_uncompressed.npz"),
        include_bytes!("../../tests/data/npz/coo.npz"),
        include_bytes!("../../tests/data/npz/csr_float32.npz"),
        include_bytes!("../../tests/data/npz/csr_int64_indices.npz"),
    ];

    #[test]
    fn what_scipy_wrote_is_read() {
        let expected = [(0, 1, 0.5), (0, 2, 0.5), (1, 0, 0.25), (1, 2, 0.75), (2, 0, 1.0)];
        for file in FILES {
            let mut matrix = read_bytes(file).unwrap();
            matrix.entries.sort_by_key(|&(row, column, _)| (row, column));
            assert_eq!((matrix.rows, matrix.columns), (3, 3));
            assert_eq!(matrix.entries, expected);
        }
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/npz");
        let counts = Triplets::open_npz(directory.join("csr_counts_int64.npz")).unwrap();
        assert_eq!((counts.rows, counts.columns), (3, 2));
        assert_eq!(counts.entries, [(0, 1, 7.0), (1, 0, 2.0), (2, 1, 3.0)]);
    }

    #[test]
    fn other_formats_of_scipy_are_refused_by_name() {
        for (name, format) in [("bsr.npz", "bsr"), ("dia.npz", "dia")] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/npz").join(name);
            match Triplets::open_npz(&path).unwrap_err() {
                Error::MatrixFile {
                    path: Some(named),
                    problem: MatrixFileProblem::Unsupported { found, .. },
                    ..
                } => {
                    assert_eq!((named, found.as_str()), (path, format));
                }
                other => panic!("{other}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            check_any(read_bytes(&bytes))?;
        }

        #[test]
        fn broken_archives_are_read_or_refused(edits in edits()) {
            for file in FILES {
                check_any(read_bytes(&mutate(file, &edits)))?;
            }
        }

        // Broken before they are put into a sound archive, so that no checksum hides them.
        #[test]
        fn broken_arrays_are_read_or_refused(which in 0..5_usize, edits in edits()) {
            let mut arrays = cycle();
            arrays[which].1 = mutate(&arrays[which].1, &edits);
            check_any(read_bytes(&zipped(&arrays)))?;
        }

        #[test]
        fn broken_headers_are_read_or_refused(
            which in 0..5_usize,
            words in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "(", ")", "[", "'descr':", "'fortran_order':", "'shape':", "'<f8'", "'|S3'", "'<M8[ns]'",
                "'|V9'", "True", "False", "None", ",", "-1", "2", "1e99", "0x7f", "1j", "'\\x41'", "'\\ud800'",
            ]), 0..14),
        ) {
            let mut arrays = cycle();
            arrays[which].1 = array(&words.join(" "), &[0; 16]);
            check_any(read_bytes(&zipped(&arrays)))?;
        }
    }
}
