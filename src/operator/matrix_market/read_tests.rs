//! Whole and broken files.

use std::io::{BufReader, Read};
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::super::MAX_LINE;
use super::super::blocks::BLOCK;
use super::*;
use crate::error::{Error, MatrixFileProblem};
use crate::operator::triplets::fuzz::{check_any, edits, mutate};
use crate::solve::Progress;

fn read(text: &str) -> Result<Triplets> {
    Triplets::read_matrix_market(text.as_bytes())
}

/// The line and the problem of a text that cannot be read.
fn problem(text: impl AsRef<[u8]>) -> (usize, MatrixFileProblem) {
    match Triplets::read_matrix_market(text.as_ref()).unwrap_err() {
        Error::MatrixFile { path: None, line: Some(line), problem } => (line, problem),
        other => panic!("another error: {other}"),
    }
}

const GENERAL: &str = "%%MatrixMarket matrix coordinate real general\n\
    % a comment\n\n2 3 3\n1 2 0.5\n2 1 1e-3\n  2\t3   -4  \n";

#[test]
fn entries_with_places_are_read_in_order() {
    let matrix = read(GENERAL).unwrap();
    assert_eq!((matrix.rows, matrix.columns), (2, 3));
    assert_eq!(matrix.entries, [(0, 1, 0.5), (1, 0, 1e-3), (1, 2, -4.0)]);
}

#[test]
fn line_ends_case_and_late_comments_do_not_matter() {
    let expected = read(GENERAL).unwrap();
    assert_eq!(read(&GENERAL.replace('\n', "\r\n")).unwrap(), expected);
    assert_eq!(read(GENERAL.trim_end()).unwrap(), expected);
    assert_eq!(read(&GENERAL.replace("matrix coordinate", "MATRIX Coordinate")).unwrap(), expected);
    assert_eq!(read(&GENERAL.replace("2 1 1e", "% late\n\n 2 1 1e")).unwrap(), expected);
    assert_eq!(read(&format!("{GENERAL}\n% the end\n\n")).unwrap(), expected);
    let latin1 = [&GENERAL.as_bytes()[..46], b"% Andr\xe9\n", &GENERAL.as_bytes()[46..]].concat();
    assert_eq!(Triplets::read_matrix_market(&latin1[..]).unwrap(), expected);
}

#[test]
fn integers_patterns_and_zeros() {
    let integers = read("%%MatrixMarket matrix coordinate integer general\n2 2 2\n1 1 3\n2 2 0\n").unwrap();
    assert_eq!(integers.entries, [(0, 0, 3.0)]);
    let pattern = read("%%MatrixMarket matrix coordinate pattern general\n2 2 2\n1 2\n2 1\n").unwrap();
    assert_eq!(pattern.entries, [(0, 1, 1.0), (1, 0, 1.0)]);
    let empty = read("%%MatrixMarket matrix coordinate real general\n0 0 0\n").unwrap();
    assert_eq!(empty, Triplets::default());
}

#[test]
fn symmetric_entries_count_for_their_mirror_image() {
    let head = "%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n1 1 0.5\n";
    for other in ["2 1 0.25\n", "1 2 0.25\n"] {
        let mut matrix = read(&format!("{head}{other}")).unwrap();
        matrix.entries.sort_by_key(|&(row, column, _)| (row, column));
        assert_eq!(matrix.entries, [(0, 0, 0.5), (0, 1, 0.25), (1, 0, 0.25)]);
    }
}

#[test]
fn arrays_go_column_by_column() {
    let general = read("%%MatrixMarket matrix array real general\n2 3\n1\n2\n3\n0\n5\n6\n").unwrap();
    assert_eq!(general.entries, [(0, 0, 1.0), (1, 0, 2.0), (0, 1, 3.0), (0, 2, 5.0), (1, 2, 6.0)]);
    let symmetric = read("%%MatrixMarket matrix array integer symmetric\n2 2\n1\n2\n3\n").unwrap();
    assert_eq!(symmetric.entries, [(0, 0, 1.0), (1, 0, 2.0), (0, 1, 2.0), (1, 1, 3.0)]);
}

#[test]
fn a_banner_that_is_not_one_is_refused() {
    assert!(matches!(problem(""), (1, MatrixFileProblem::UnexpectedEnd { .. })));
    for text in ["\n", "1 2 3\n", "%%MatrixMarket matrix\n", "%%MatrixMarket matrix array real general x\n"] {
        assert!(matches!(problem(text), (1, MatrixFileProblem::NoBanner)), "{text:?}");
    }
    assert!(matches!(problem(b"%%MatrixMarket \xff\n"), (1, MatrixFileProblem::NoBanner)));
}

#[test]
fn kinds_of_matrices_that_are_not_read_are_named() {
    for (kind, refused) in [
        ("vector coordinate real general", "object"),
        ("matrix elemental real general", "format"),
        ("matrix coordinate complex general", "field"),
        ("matrix array pattern general", "field of an array"),
        ("matrix coordinate real skew-symmetric", "symmetry"),
        ("matrix coordinate real hermitian", "symmetry"),
    ] {
        match problem(format!("%%MatrixMarket {kind}\n")) {
            (1, MatrixFileProblem::Unsupported { what, .. }) => assert_eq!(what, refused),
            other => panic!("{kind}: {other:?}"),
        }
    }
}

#[test]
fn each_broken_line_is_reported_with_its_number() {
    let after = |rest: &str| problem(format!("%%MatrixMarket matrix coordinate real general\n{rest}"));
    use MatrixFileProblem as P;
    assert!(matches!(after("% only\n%\n"), (3, P::UnexpectedEnd { what: "the line of sizes" })));
    assert!(matches!(after("2 2\n"), (2, P::FieldCount { expected: 3, found: 2 })));
    assert!(matches!(after("2 2 x\n"), (2, P::NotANumber { .. })));
    assert!(matches!(after("-2 2 1\n"), (2, P::NegativeSize { axis: "row", count: -2 })));
    assert!(matches!(after("2 2 1\n\n1 1\n"), (4, P::FieldCount { expected: 3, found: 2 })));
    assert!(matches!(after("2 2 1\n1 1 0.5 7\n"), (3, P::FieldCount { expected: 3, found: 4 })));
    assert!(matches!(after("2 2 1\n1 1 half\n"), (3, P::NotANumber { .. })));
    assert!(matches!(after("2 2 1\n1.0 1 0.5\n"), (3, P::NotANumber { what: "an index", .. })));
    assert!(matches!(after("2 2 1\n0 1 0.5\n"), (3, P::IndexOutOfRange { axis: "row", index: 0, .. })));
    assert!(matches!(
        after("2 2 1\n1 3 0.5\n"),
        (3, P::IndexOutOfRange { axis: "column", index: 3, first: 1, end: 3 })
    ));
    assert!(matches!(after("2 2 2\n1 1 1\n"), (3, P::TooFewEntries { announced: 2, found: 1 })));
    assert!(matches!(after("2 2 1\n1 1 1\n%\n2 2 1\n"), (5, P::ExtraEntries { announced: 1 })));
    for value in ["nan", "inf", "-Infinity", "1e999"] {
        let broken = after(&format!("2 2 1\n1 2 {value}\n"));
        assert!(matches!(broken, (3, P::NotFinite { row: 0, column: 1, .. })), "{value}");
    }
    assert!(matches!(
        problem("%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 \u{fffd}\n"),
        (3, P::NotANumber { .. })
    ));
    assert!(matches!(
        problem(b"%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 \xff\n"),
        (3, P::NotText)
    ));
    assert!(matches!(
        problem("%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 0.5\n"),
        (3, P::NotANumber { what: "an integer", .. })
    ));
    assert!(matches!(
        problem("%%MatrixMarket matrix array real general\n2 1\n1\n"),
        (3, P::TooFewEntries { announced: 2, found: 1 })
    ));
    assert!(matches!(
        problem("%%MatrixMarket matrix array real general\n1 1\n1\n1\n"),
        (4, P::ExtraEntries { announced: 1 })
    ));
    assert!(matches!(
        problem("%%MatrixMarket matrix array real symmetric\n2 1\n"),
        (2, P::SymmetricNotSquare { rows: 2, columns: 1 })
    ));
}

#[test]
fn hostile_headers_allocate_nothing() {
    use MatrixFileProblem as P;
    let head = "%%MatrixMarket matrix coordinate real general\n";
    assert!(matches!(
        problem(format!("{head}999999999999 999999999999 5\n")),
        (2, P::TooManyStates { axis: "row", count: 999_999_999_999 })
    ));
    assert!(matches!(
        problem(format!("{head}4294967295 4294967295 18446744073709551615\n")),
        (2, P::TooFewEntries { announced: u64::MAX, found: 0 })
    ));
    assert!(matches!(problem(format!("{head}2 2 18446744073709551616\n")), (2, P::NotANumber { .. })));
    assert!(matches!(
        problem("%%MatrixMarket matrix array real symmetric\n4294967295 4294967295\n"),
        (2, P::TooFewEntries { found: 0, .. })
    ));
    let long = format!("{head}%{}\n1 1 0\n", "x".repeat(MAX_LINE));
    assert!(matches!(problem(long), (2, P::LineTooLong { limit: MAX_LINE })));
}

#[test]
fn a_file_is_named_in_what_goes_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chain.mtx");
    assert!(matches!(Triplets::open_matrix_market(&path), Err(Error::Io { .. })));
    std::fs::write(&path, "%%MatrixMarket matrix coordinate real general\n2 2 1\n3 1 1\n").unwrap();
    let message = Triplets::open_matrix_market(&path).unwrap_err().to_string();
    assert!(message.ends_with("chain.mtx, line 3: row 3 is outside 1 to 2"), "{message}");
    std::fs::write(&path, GENERAL).unwrap();
    assert_eq!(Triplets::open_matrix_market(&path).unwrap(), read(GENERAL).unwrap());
}

/// The lines of a file of some megabytes, and its entries: every seventh line is a comment.
fn large() -> (Vec<String>, Vec<(u32, u32, f64)>) {
    let entries: Vec<(u32, u32, f64)> =
        (0..600_000).map(|i| (i * 7 % 1000, i % 911, f64::from(i + 1) / 3.0)).collect();
    let mut lines = vec![
        "%%MatrixMarket matrix coordinate real general".to_owned(),
        format!("1000 911 {}", entries.len()),
    ];
    for (i, (row, column, value)) in entries.iter().enumerate() {
        if i % 7 == 0 {
            lines.push(format!("% {i} entries so far"));
        }
        lines.push(format!("{} {} {value}", row + 1, column + 1));
    }
    (lines, entries)
}

#[test]
fn large_files_keep_their_order_and_their_line_numbers() {
    let (lines, entries) = large();
    let text = lines.join("\n");
    assert!(text.len() > BLOCK, "several blocks");
    assert_eq!(read(&text).unwrap().entries, entries);

    use MatrixFileProblem as P;
    for broken in [2, 40_000, 300_000, lines.len() - 1] {
        let mut lines = lines.clone();
        let with = |lines: &mut Vec<String>, place: usize, line: &str| {
            lines[place] = line.to_owned();
            lines.join("\n")
        };
        let found = problem(with(&mut lines, broken, "1 912 0.5"));
        assert!(matches!(found, (line, P::IndexOutOfRange { .. }) if line == broken + 1), "{found:?}");
        // Of several mistakes the first is told, whatever it is.
        let found = problem(with(&mut lines, broken, "1 911 half") + "\n9 9 9 9\n");
        assert!(matches!(found, (line, P::NotANumber { .. }) if line == broken + 1), "{found:?}");
    }
    let found = problem(lines.join("\n") + "\n%\n\n1 1 1\n");
    assert!(matches!(found, (line, P::ExtraEntries { .. }) if line == lines.len() + 3), "{found:?}");
    let found = problem(lines[..lines.len() - 1].join("\n"));
    assert!(matches!(found, (line, P::TooFewEntries { .. }) if line == lines.len() - 1), "{found:?}");
    let long = "1".repeat(MAX_LINE + 1);
    let found = problem(lines.join("\n").replacen("\n% 599998 ", &format!("\n% {long}"), 1));
    assert!(matches!(found, (_, P::LineTooLong { .. })), "{found:?}");
    let found = problem(lines.join("\n") + "\n%" + &"x".repeat(2 * BLOCK));
    assert!(matches!(found, (line, P::LineTooLong { .. }) if line == lines.len() + 1), "{found:?}");
}

/// Fails once so much was read.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() { Err(std::io::Error::other("the disk is gone")) } else { self.0.read(buffer) }
    }
}

#[test]
fn a_reader_that_fails_is_told_after_what_it_gave() {
    let head = "%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 1\n";
    let of = |text: &str| match Triplets::read_matrix_market(BufReader::new(Failing(text.as_bytes())))
        .unwrap_err()
    {
        Error::MatrixFile { line: Some(line), problem, .. } => (line, problem),
        other => panic!("another error: {other}"),
    };
    use MatrixFileProblem as P;
    assert!(matches!(of(head), (4, P::Unreadable { .. })));
    assert!(matches!(of(&format!("{head}1 2 0.")), (4, P::Unreadable { .. })));
    assert!(matches!(of(&format!("{head}1 x 1\n2 2")), (4, P::NotANumber { .. })));
}

#[test]
fn an_observer_sees_the_entries_and_may_stop() {
    let (lines, entries) = large();
    let text = lines.join("\n");
    let mut seen = Vec::new();
    let mut watch = |progress: &Progress| {
        seen.push((progress.done, progress.total));
        ControlFlow::Continue(())
    };
    Triplets::read_matrix_market_watched(text.as_bytes(), &mut watch).unwrap();
    let total = entries.len() as u64;
    assert!(seen.len() > 1 && seen.iter().all(|&(_, all)| all == Some(total)));
    assert_eq!(seen.last(), Some(&(total, Some(total))));
    let mut stop = |_: &Progress| ControlFlow::Break(());
    let stopped = Triplets::read_matrix_market_watched(text.as_bytes(), &mut stop);
    assert!(matches!(stopped, Err(Error::Cancelled { .. })));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check_any(Triplets::read_matrix_market(&bytes[..]))?;
    }

    #[test]
    fn any_words_after_a_banner_are_read_or_refused(
        kind in prop::sample::select(vec![
            "coordinate real general", "coordinate integer symmetric", "coordinate pattern general",
            "array real general", "array integer symmetric",
        ]),
        words in prop::collection::vec(prop::sample::select(vec![
            "0", "1", "2", "3", "-1", "1e308", "nan", "4294967296", "99999999999999999999", "%", "\n", "\n", "\r\n",
        ]), 0..60),
    ) {
        check_any(read(&format!("%%MatrixMarket matrix {kind}\n{}", words.join(" "))))?;
    }

    #[test]
    fn broken_files_are_read_or_refused(
        edits in edits(),
    ) {
        let array = "%%MatrixMarket matrix array integer symmetric\n2 2\n1\n2\n3\n";
        for file in [GENERAL, array] {
            check_any(Triplets::read_matrix_market(&mutate(file.as_bytes(), &edits)[..]))?;
        }
    }
}
