//! Any chain, as a sparse matrix.

mod compress;
mod group;
mod lanes;
mod operator;

pub use operator::{SparseMatrix, SparseOperator};
