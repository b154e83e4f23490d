//! Why an archive cannot be read.

use zip::result::ZipError;

use crate::error::{Error, MatrixFileProblem};

/// What may be said of an element.
pub(super) type Found<T> = std::result::Result<T, MatrixFileProblem>;

pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why an archive was not read to its end.
pub(super) enum Failure {
    Problem(MatrixFileProblem),
    Cancelled(Error),
}

impl From<MatrixFileProblem> for Failure {
    fn from(problem: MatrixFileProblem) -> Self {
        Self::Problem(problem)
    }
}

impl Failure {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Problem(problem) => Error::MatrixFile { path: None, line: None, problem },
            Self::Cancelled(error) => error,
        }
    }
}

pub(super) fn unreadable(error: ZipError) -> MatrixFileProblem {
    MatrixFileProblem::Unreadable { source: error.into() }
}
