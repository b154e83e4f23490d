//! Sparse matrices as `scipy.sparse.save_npz` writes them.
//!
//! An archive holds one array a file, in NumPy's format: `format` (the bytes
//! `csr`, `csc` or `coo`), `shape`, `data`, and either `indptr` and `indices`
//! (compressed rows or columns) or `row` and `col` (places).

mod archive;
mod failure;
mod read;
#[cfg(test)]
mod tests;
