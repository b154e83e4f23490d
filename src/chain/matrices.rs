//! Chains given as matrices.

use std::path::Path;

use ndarray::ArrayView2;
use sprs::{CsMatViewI, SpIndex};

use super::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::operator::{ShiftOperator, SparseOperator, Triplets};
use crate::solve::{Observer, Silent};
use crate::text::ContextSpace;

impl MarkovChain<ShiftOperator> {
    /// The chain of a dense transition matrix, rows summing to one.
    ///
    /// A dense matrix is a table over contexts of one token, each state its own token.
    ///
    /// # Errors
    ///
    /// [`Error::NotSquare`], [`Error::NoStates`], [`Error::InvalidEntry`] and
    /// [`Error::RowSum`] with the row.
    #[allow(clippy::needless_pass_by_value, reason = "a view is a reference")]
    pub fn from_dense(matrix: ArrayView2<'_, f64>) -> Result<Self> {
        let (rows, columns) = matrix.dim();
        if rows != columns {
            return Err(Error::NotSquare { rows, columns });
        }
        if rows == 0 {
            return Err(Error::NoStates);
        }
        let table = matrix.iter().copied().collect();
        let operator = ShiftOperator::new(ContextSpace::new(rows, 1)?, table)?;
        Ok(Self::new(operator, States::numbered(rows)))
    }
}

impl MarkovChain<SparseOperator> {
    /// The chain of a sparse transition matrix, rows summing to one.
    ///
    /// # Errors
    ///
    /// As [`SparseOperator::from_sprs`].
    pub fn from_sprs<I: SpIndex, Iptr: SpIndex>(matrix: CsMatViewI<'_, f64, I, Iptr>) -> Result<Self> {
        SparseOperator::from_sprs(matrix).map(Self::from_operator)
    }

    /// The chain of a transition matrix in a Matrix Market file.
    ///
    /// # Errors
    ///
    /// As [`Triplets::open_matrix_market`] and [`SparseOperator::from_triplets`];
    /// [`Error::NotSquare`].
    pub fn from_matrix_market(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_matrix_market_watched(path, &mut Silent)
    }

    /// As [`from_matrix_market`](Self::from_matrix_market), watched: progress is
    /// counted in entries read.
    ///
    /// # Errors
    ///
    /// As `from_matrix_market`, and [`Error::Cancelled`].
    pub fn from_matrix_market_watched(path: impl AsRef<Path>, observer: &mut dyn Observer) -> Result<Self> {
        Self::from_entries(Triplets::open_matrix_market_watched(path, observer)?)
    }

    /// The chain of a transition matrix written by `scipy.sparse.save_npz`.
    ///
    /// # Errors
    ///
    /// As [`Triplets::open_npz`] and [`SparseOperator::from_triplets`];
    /// [`Error::NotSquare`].
    #[cfg(feature = "npz")]
    pub fn from_npz(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_npz_watched(path, &mut Silent)
    }

    /// As [`from_npz`](Self::from_npz), watched: progress is counted in elements of
    /// one array after another.
    ///
    /// # Errors
    ///
    /// As `from_npz`, and [`Error::Cancelled`].
    #[cfg(feature = "npz")]
    pub fn from_npz_watched(path: impl AsRef<Path>, observer: &mut dyn Observer) -> Result<Self> {
        Self::from_entries(Triplets::open_npz_watched(path, observer)?)
    }

    fn from_entries(matrix: Triplets) -> Result<Self> {
        let Triplets { rows, columns, entries } = matrix;
        if rows != columns {
            return Err(Error::NotSquare { rows, columns });
        }
        SparseOperator::from_triplets(rows, entries).map(Self::from_operator)
    }

    fn from_operator(operator: SparseOperator) -> Self {
        let states = States::numbered(operator.matrix().rows());
        Self::new(operator, states)
    }
}
