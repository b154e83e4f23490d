//! The first line of a file: what kind of matrix it holds.

use std::io::BufRead;

use super::at;
use super::lines::Lines;
use crate::error::{MatrixFileProblem, Result, excerpt};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Coordinate,
    Array,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Real,
    Integer,
    Pattern,
}

/// The first line of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Banner {
    pub(super) format: Format,
    pub(super) field: Field,
    pub(super) symmetric: bool,
}

impl Banner {
    pub(super) fn read(lines: &mut Lines<impl BufRead>) -> Result<Self> {
        if !lines.advance()? {
            return Err(at(1, MatrixFileProblem::UnexpectedEnd { what: "its first line" }));
        }
        let text = str::from_utf8(lines.bytes()).map_err(|_| at(1, MatrixFileProblem::NoBanner))?;
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

fn unsupported(what: &'static str, found: &str, supported: &'static str) -> MatrixFileProblem {
    MatrixFileProblem::Unsupported { what, found: excerpt(found), supported }
}
