//! Drawing from laws in constant time.
//!
//! An **alias table** (Walker 1977) of a law over `n` outcomes has `n` columns
//! of equal mass, each shared by at most two outcomes: a draw picks a column and
//! a height in it, and reads one place of memory.
//!
//! Thresholds are held in 32 bits, which moves each law by at most 2^-33 in
//! total variation: of `n` outcomes, one with a probability below about
//! `2^-33 / n` may never be drawn. An outcome of probability zero never is.

mod column;
mod grid;
mod rows;
mod table;

pub(crate) use column::{Column, ColumnFiller, place_in};
pub use grid::AliasGrid;
pub use rows::AliasRows;
pub(crate) use rows::{for_each_row, row_starts};
pub use table::AliasTable;
