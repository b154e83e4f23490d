//! All contexts of a model whose table is not held in memory: read from a file,
//! or computed anew, in every product.

mod blocks;
mod combine;
mod entry;
mod fault;
mod file;
mod header;
mod operator;
mod positioned;
mod products;
mod rows;
mod sampler;
mod survey;

pub use entry::FileEntry;
pub use file::TableFile;
pub use operator::StreamedOperator;
pub use rows::{FunctionRows, RoundedRows, RowSource};
