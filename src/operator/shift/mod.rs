//! All contexts of a model: only the table is stored, the shift structure gives
//! the columns.

mod block;
mod kernel;
pub(super) mod lookup;
mod operator;
mod pull;
mod push;
mod sampler;
mod table_entry;

pub(super) use kernel::{ROWS, add_rows, dot};
pub use operator::ShiftOperator;
pub(super) use operator::{check_row, check_table_size, sum_of_row};
pub(super) use push::{cut_tiles, group_ends, swept_suffixes};
pub use table_entry::{TableEntry, round_to_f32};
