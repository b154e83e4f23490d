//! Whole and broken archives.

use std::io::{Cursor, Write};
use std::path::Path;

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::archive::{BLOCK, PART};
use crate::error::{Error, MatrixFileProblem};
use crate::operator::Triplets;
use crate::operator::triplets::fuzz::{check_any, edits, mutate};

fn read_bytes(bytes: &[u8]) -> Result<Triplets, Error> {
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

/// Rows of no to eight entries, more of them than one block has, with some in many parts.
struct Long {
    rows: u32,
    pointers: Vec<i32>,
    indices: Vec<i32>,
    values: Vec<f64>,
}

impl Long {
    fn new() -> Self {
        let rows = 300_000;
        let mut long = Self { rows, pointers: vec![0], indices: Vec::new(), values: Vec::new() };
        for row in 0..rows {
            // No row of a hundred in a row holds anything, wherever a part ends.
            let len = if row % 1000 < 100 { 0 } else { row * 7 % 9 };
            let columns = (0..len).map(|place| (row * 31 + place * 17) % rows);
            long.indices.extend(columns.map(|column| column as i32));
            long.pointers.push(long.indices.len() as i32);
        }
        // Every fifth value is zero, which is no entry.
        long.values = (0..long.indices.len()).map(|at| (at % 5) as f64 * (at + 1) as f64).collect();
        assert!(long.values.len() > BLOCK + PART && !long.values.len().is_multiple_of(PART));
        long
    }

    /// Row and column of every element, if the lines are rows.
    fn places(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let lines = (0..).zip(self.pointers.windows(2));
        let lines = lines.flat_map(|(line, ends)| (ends[0]..ends[1]).map(move |_| line));
        lines.zip(self.indices.iter().map(|&index| index as u32))
    }

    fn values(&self) -> Vec<u8> {
        let data: Vec<u8> = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        array(&header("<f8", &format!("({},)", self.values.len())), &data)
    }

    fn compressed(&self, format: &[u8; 3]) -> Vec<u8> {
        zipped(&[
            ("format", array(&header("|S3", "()"), format)),
            ("shape", numbers(&[self.rows as i32; 2])),
            ("indptr", numbers(&self.pointers)),
            ("indices", numbers(&self.indices)),
            ("data", self.values()),
        ])
    }

    fn by_places(&self) -> Vec<u8> {
        let rows: Vec<i32> = self.places().map(|(row, _)| row as i32).collect();
        zipped(&[
            ("format", array(&header("|S3", "()"), b"coo")),
            ("shape", numbers(&[self.rows as i32; 2])),
            ("row", numbers(&rows)),
            ("col", numbers(&self.indices)),
            ("data", self.values()),
        ])
    }
}

#[test]
fn arrays_of_many_blocks_and_parts_are_read_in_order() {
    let long = Long::new();
    let entries: Vec<(u32, u32, f64)> = long
        .places()
        .zip(&long.values)
        .filter(|(_, value)| **value != 0.0)
        .map(|((row, column), &value)| (row, column, value))
        .collect();
    assert!(read_bytes(&long.compressed(b"csr")).unwrap().entries == entries);
    assert!(read_bytes(&long.by_places()).unwrap().entries == entries);
    let turned: Vec<_> = entries.into_iter().map(|(row, column, value)| (column, row, value)).collect();
    assert!(read_bytes(&long.compressed(b"csc")).unwrap().entries == turned);
}

#[test]
fn of_several_faults_in_many_parts_the_first_is_told() {
    let mut long = Long::new();
    let at = [BLOCK + PART / 2, BLOCK + 3, BLOCK - 1];
    let places: Vec<(u32, u32)> = long.places().collect();
    for at in at {
        long.values[at] = f64::NAN;
        let (row, column) = (places[at].0 as usize, places[at].1 as usize);
        let found = problem(&long.compressed(b"csr"));
        assert!(
            matches!(found, MatrixFileProblem::NotFinite { row: r, column: c, .. } if (r, c) == (row, column)),
            "{found:?}"
        );
    }
    for at in at {
        long.indices[at] = -1 - at as i32;
        let found = problem(&long.compressed(b"csr"));
        assert!(
            matches!(found, MatrixFileProblem::IndexOutOfRange { index, .. } if index == -1 - at as i64),
            "{found:?}"
        );
    }
}

#[test]
fn reading_can_be_stopped_between_blocks() {
    let bytes = Long::new().compressed(b"csr");
    let mut seen = 0;
    let mut stop = |progress: &crate::solve::Progress| {
        seen = progress.done;
        if progress.done >= BLOCK as u64 {
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(())
        }
    };
    let stopped = Triplets::read_npz_watched(Cursor::new(&bytes), &mut stop);
    assert!(matches!(stopped, Err(Error::Cancelled { .. })));
    assert_eq!(seen, BLOCK as u64);
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
    assert!(matches!(spoiled("indptr", numbers(&[0, -1, 2])), P::PointerOrder { position: 1, value: -1 }));
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
    assert!(matches!(spoiled("indices", bytes("<i4", "()")), P::ArrayDimensions { array: "indices", .. }));
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
    assert!(matches!(spoiled("data", b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec()), P::ArrayHeader { .. }));
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
    include_bytes!("../../../tests/data/npz/csr_compressed.npz"),
    include_bytes!("../../../tests/data/npz/csc_uncompressed.npz"),
    include_bytes!("../../../tests/data/npz/coo.npz"),
    include_bytes!("../../../tests/data/npz/csr_float32.npz"),
    include_bytes!("../../../tests/data/npz/csr_int64_indices.npz"),
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
