//! Matrices in the Matrix Market format.
//!
//! ```text
//! %%MatrixMarket matrix coordinate real general
//! % comments
//! 3 3 4          rows, columns, entries
//! 1 2 0.5        row and column counted from 1, value
//! ...
//! ```
//!
//! Reference: R. F. Boisvert, R. Pozo, K. Remington, *The Matrix Market exchange
//! formats: initial design*, NISTIR 5935 (1996). Where we are more lenient:
//! blank lines and comments may stand anywhere after the banner, a line may be
//! long, and either triangle of a symmetric matrix may be given.

use std::io::{BufRead, Read};
use std::path::Path;
use std::str::FromStr;

use crate::error::{Error, MatrixFileProblem, Result, excerpt};

use super::triplets::{Triplets, checked_index, checked_size, open};

/// The longest line that is read, in bytes.
const MAX_LINE: usize = 1 << 16;

impl Triplets {
    /// Reads a matrix in the Matrix Market format, line by line.
    ///
    /// Formats `coordinate` and `array`, fields `real`, `integer` and `pattern`
    /// (each entry then counts 1), symmetries `general` and `symmetric` (each
    /// entry off the diagonal then counts for its mirror image as well).
    ///
    /// # Errors
    ///
    /// [`Error::MatrixFile`] with the line and the [`MatrixFileProblem`].
    ///
    /// # Complexity
    ///
    /// Memory grows with the entries that are truly there; the header's word is
    /// not taken for it.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::operator::Triplets;
    ///
    /// let file = "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 2 1.0\n2 1 1.0\n";
    /// let matrix = Triplets::read_matrix_market(file.as_bytes())?;
    /// assert_eq!(matrix.entries, [(0, 1, 1.0), (1, 0, 1.0)]);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn read_matrix_market(reader: impl BufRead) -> Result<Self> {
        let mut lines = Lines { reader, buffer: Vec::new(), number: 0 };
        let banner = Banner::read(&mut lines)?;
        match banner.format {
            Format::Coordinate => read_coordinate(&mut lines, banner),
            Format::Array => read_array(&mut lines, banner),
        }
    }

    /// Opens a file in the Matrix Market format; see [`read_matrix_market`](Self::read_matrix_market).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be opened, [`Error::MatrixFile`] with
    /// path and line if it does not hold a matrix.
    pub fn open_matrix_market(path: impl AsRef<Path>) -> Result<Self> {
        open(path.as_ref(), Self::read_matrix_market)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Coordinate,
    Array,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Real,
    Integer,
    Pattern,
}

/// The first line of a file.
#[derive(Debug, Clone, Copy)]
struct Banner {
    format: Format,
    field: Field,
    symmetric: bool,
}

impl Banner {
    fn read(lines: &mut Lines<impl BufRead>) -> Result<Self> {
        if !lines.advance()? {
            return Err(at(1, MatrixFileProblem::UnexpectedEnd { what: "its first line" }));
        }
        let text = str::from_utf8(&lines.buffer).map_err(|_| at(1, MatrixFileProblem::NoBanner))?;
        Self::parse(&text.to_ascii_lowercase()).map_err(|problem| at(1, problem))
    }

    fn parse(lowercase: &str) -> Result<Self, MatrixFileProblem> {
        let mut words = lowercase.split_ascii_whitespace();
        let mut word = || words.next().ok_or(MatrixFileProblem::NoBanner);
        if word()? != "%%matrixmarket" {
            return Err(MatrixFileProblem::NoBanner);
        }
        let object = word()?;
        if object != "matrix" {
            return Err(unsupported("object", object, "matrix"));
        }
        let format = match word()? {
            "coordinate" => Format::Coordinate,
            "array" => Format::Array,
            other => return Err(unsupported("format", other, "coordinate, array")),
        };
        let field = match (word()?, format) {
            ("real", _) => Field::Real,
            ("integer" | "unsigned-integer", _) => Field::Integer,
            ("pattern", Format::Coordinate) => Field::Pattern,
            (other, Format::Coordinate) => {
                return Err(unsupported("field", other, "real, integer, pattern"));
            }
            (other, Format::Array) => return Err(unsupported("field of an array", other, "real, integer")),
        };
        let symmetric = match word()? {
            "general" => false,
            "symmetric" => true,
            other => return Err(unsupported("symmetry", other, "general, symmetric")),
        };
        if words.next().is_some() {
            return Err(MatrixFileProblem::NoBanner);
        }
        Ok(Self { format, field, symmetric })
    }
}

/// Entries with their places, in any order.
fn read_coordinate(lines: &mut Lines<impl BufRead>, banner: Banner) -> Result<Triplets> {
    let (line, text) = lines.sizes()?;
    let sizes = fields::<3>(text).and_then(|[rows, columns, entries]| {
        let announced = number::<u64>(entries, "a number of entries")?;
        Ok((matrix_sizes(rows, columns, banner.symmetric)?, announced))
    });
    let ((rows, columns), announced) = sizes.map_err(|problem| at(line, problem))?;

    let mut matrix = Triplets::announced(rows, columns, announced);
    let mut found = 0;
    while let Some((line, text)) = lines.next_data()? {
        if found == announced {
            return Err(at(line, MatrixFileProblem::ExtraEntries { announced }));
        }
        found += 1;
        push_coordinate(&mut matrix, text, banner).map_err(|problem| at(line, problem))?;
    }
    if found < announced {
        return Err(at(lines.number, MatrixFileProblem::TooFewEntries { announced, found }));
    }
    Ok(matrix)
}

fn push_coordinate(matrix: &mut Triplets, text: &str, banner: Banner) -> Result<(), MatrixFileProblem> {
    let (row, column, value) = match banner.field {
        Field::Pattern => {
            let [row, column] = fields(text)?;
            (row, column, 1.0)
        }
        field => {
            let [row, column, value] = fields(text)?;
            (row, column, parse_value(value, field)?)
        }
    };
    let row = checked_index("row", number(row, "an index")?, 1, matrix.rows)?;
    let column = checked_index("column", number(column, "an index")?, 1, matrix.columns)?;
    push_mirrored(matrix, row, column, value, banner.symmetric)
}

/// All values, column by column; of a symmetric matrix from the diagonal down.
fn read_array(lines: &mut Lines<impl BufRead>, banner: Banner) -> Result<Triplets> {
    let (line, text) = lines.sizes()?;
    let sizes = fields(text).and_then(|[rows, columns]| matrix_sizes(rows, columns, banner.symmetric));
    let (rows, columns) = sizes.map_err(|problem| at(line, problem))?;

    // Both are below 2^32, so neither product overflows.
    let (r, c) = (rows as u64, columns as u64);
    let announced = if banner.symmetric { r * (r + 1) / 2 } else { r * c };
    let mut matrix = Triplets::announced(rows, columns, announced);
    let mut found = 0;
    let (mut row, mut column) = (0, 0);
    while let Some((line, text)) = lines.next_data()? {
        if found == announced {
            return Err(at(line, MatrixFileProblem::ExtraEntries { announced }));
        }
        found += 1;
        let pushed = fields(text)
            .and_then(|[value]| parse_value(value, banner.field))
            .and_then(|value| push_mirrored(&mut matrix, row, column, value, banner.symmetric));
        pushed.map_err(|problem| at(line, problem))?;
        row += 1;
        if row as usize == rows {
            column += 1;
            row = if banner.symmetric { column } else { 0 };
        }
    }
    if found < announced {
        return Err(at(lines.number, MatrixFileProblem::TooFewEntries { announced, found }));
    }
    Ok(matrix)
}

fn push_mirrored(
    matrix: &mut Triplets,
    row: u32,
    column: u32,
    value: f64,
    symmetric: bool,
) -> Result<(), MatrixFileProblem> {
    matrix.push(row, column, value)?;
    if symmetric && row != column {
        matrix.push(column, row, value)?;
    }
    Ok(())
}

fn matrix_sizes(rows: &str, columns: &str, symmetric: bool) -> Result<(usize, usize), MatrixFileProblem> {
    let rows = checked_size("row", number(rows, "a number of rows")?)?;
    let columns = checked_size("column", number(columns, "a number of columns")?)?;
    if symmetric && rows != columns {
        return Err(MatrixFileProblem::SymmetricNotSquare { rows, columns });
    }
    Ok((rows, columns))
}

/// A value, which may still be infinite or not a number.
fn parse_value(text: &str, field: Field) -> Result<f64, MatrixFileProblem> {
    match field {
        Field::Integer => Ok(number::<i128>(text, "an integer")? as f64),
        Field::Real | Field::Pattern => number(text, "a real number"),
    }
}

fn number<T: FromStr>(text: &str, what: &'static str) -> Result<T, MatrixFileProblem> {
    text.parse().map_err(|_| MatrixFileProblem::NotANumber { what, found: excerpt(text) })
}

/// The words of a line that must have exactly `N`.
fn fields<const N: usize>(text: &str) -> Result<[&str; N], MatrixFileProblem> {
    let mut fields = [""; N];
    let mut found = 0;
    for word in text.split_ascii_whitespace() {
        if let Some(field) = fields.get_mut(found) {
            *field = word;
        }
        found += 1;
    }
    if found == N { Ok(fields) } else { Err(MatrixFileProblem::FieldCount { expected: N, found }) }
}

fn unsupported(what: &'static str, found: &str, supported: &'static str) -> MatrixFileProblem {
    MatrixFileProblem::Unsupported { what, found: excerpt(found), supported }
}

fn at(line: usize, problem: MatrixFileProblem) -> Error {
    Error::MatrixFile { path: None, line: Some(line), problem }
}

/// Lines of bounded length, numbered from 1.
struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line into the buffer, or says that there is none.
    fn advance(&mut self) -> Result<bool> {
        self.buffer.clear();
        let line = self.number + 1;
        // One byte more than allowed tells a line that is too long.
        let mut limited = (&mut self.reader).take(MAX_LINE as u64 + 1);
        let read = limited.read_until(b'\n', &mut self.buffer);
        match read {
            Err(source) => Err(at(line, MatrixFileProblem::Unreadable { source })),
            Ok(0) => Ok(false),
            Ok(length) if length > MAX_LINE => {
                Err(at(line, MatrixFileProblem::LineTooLong { limit: MAX_LINE }))
            }
            Ok(_) => {
                self.number = line;
                Ok(true)
            }
        }
    }

    /// Reads up to a line that is neither blank nor a comment, or says that there is none.
    fn advance_to_data(&mut self) -> Result<bool> {
        while self.advance()? {
            if !matches!(self.buffer.trim_ascii_start().first(), None | Some(b'%')) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The line in the buffer as text, with its number.
    fn text(&self) -> Result<(usize, &str)> {
        match str::from_utf8(&self.buffer) {
            Ok(text) => Ok((self.number, text)),
            Err(_) => Err(at(self.number, MatrixFileProblem::NotText)),
        }
    }

    /// The next line that is neither blank nor a comment, with its number.
    fn next_data(&mut self) -> Result<Option<(usize, &str)>> {
        if self.advance_to_data()? { self.text().map(Some) } else { Ok(None) }
    }

    /// The line of sizes, which must be there.
    fn sizes(&mut self) -> Result<(usize, &str)> {
        if !self.advance_to_data()? {
            return Err(at(self.number, MatrixFileProblem::UnexpectedEnd { what: "the line of sizes" }));
        }
        self.text()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::operator::triplets::fuzz::{check_any, edits, mutate};

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
        let integers =
            read("%%MatrixMarket matrix coordinate integer general\n2 2 2\n1 1 3\n2 2 0\n").unwrap();
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
        for text in
            ["\n", "1 2 3\n", "%%MatrixMarket matrix\n", "%%MatrixMarket matrix array real general x\n"]
        {
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
}
