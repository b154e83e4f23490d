//! Whole and broken archives.

use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
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
