//! The innermost loops of the products.
//!
//! They are written as plain loops over slices of one length, or over blocks and a
//! tail whose length the compiler knows, because that is what it makes vectors of:
//! the same sums gathered by iterators and arrays of terms take up to half as long again.

use super::table_entry::TableEntry;

/// Entries in a block of a row.
pub(super) const BLOCK: usize = 8;

/// Rows that are gone through side by side: each is a stream that the memory
/// fetches ahead of, and what they share is loaded once.
pub(in crate::operator) const ROWS: usize = 4;

/// Adds rows times their weights to sums: `sums[j] += weights[0] rows[0][j] + ...`.
///
/// # Panics
///
/// If a row is shorter than the sums.
#[inline(always)]
pub(in crate::operator) fn add_rows<const R: usize, T: TableEntry>(
    sums: &mut [f64],
    weights: [f64; R],
    rows: [&[T]; R],
) {
    let rows: [&[T]; R] = std::array::from_fn(|i| &rows[i][..sums.len()]);
    for (j, sum) in sums.iter_mut().enumerate() {
        *sum = add_terms::<R>(*sum, std::array::from_fn(|i| weights[i] * rows[i][j].widen()));
    }
}

/// Adds four terms in pairs, fewer one after the other.
#[inline(always)]
fn add_terms<const R: usize>(sum: f64, terms: [f64; R]) -> f64 {
    match terms[..] {
        [a, b, c, d] => sum + ((a + b) + (c + d)),
        _ => terms.into_iter().fold(sum, |sum, term| sum + term),
    }
}

/// Calls a function with the length of a row's tail, `$length % BLOCK`, as a constant.
macro_rules! with_tail {
    ($length:expr, $TAIL:ident => $call:expr) => {
        with_tail!($length, $TAIL => $call; 0 1 2 3 4 5 6 7)
    };
    ($length:expr, $TAIL:ident => $call:expr; $($tail:literal)*) => {
        match $length % BLOCK {
            $($tail => {
                const $TAIL: usize = $tail;
                $call
            })*
            _ => unreachable!("a block has eight entries"),
        }
    };
}
pub(super) use with_tail;

/// The dot product of a row with values: in eight running sums, one for every
/// place in a block, added up in halves.
///
/// # Panics
///
/// If the row is shorter than the values, or `TAIL` is not the length of their tail.
#[inline(always)]
pub(super) fn dot_with_tail<const TAIL: usize, T: TableEntry>(row: &[T], values: &[f64]) -> f64 {
    let (value_blocks, value_tail) = blocks::<f64, TAIL>(values);
    let (row_blocks, row_tail) = blocks::<T, TAIL>(&row[..values.len()]);
    let mut sums = [0.0; BLOCK];
    for (entries, values) in row_blocks.iter().zip(value_blocks) {
        for j in 0..BLOCK {
            sums[j] += entries[j].widen() * values[j];
        }
    }
    for j in 0..TAIL {
        sums[j] += row_tail[j].widen() * value_tail[j];
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// A row in blocks, and its tail.
#[inline(always)]
fn blocks<T, const TAIL: usize>(row: &[T]) -> (&[[T; BLOCK]], &[T; TAIL]) {
    let (blocks, tail) = row.as_chunks();
    (blocks, tail.try_into().expect("the tail of a row of this length"))
}

/// The dot product of a row of any length with values.
pub(in crate::operator) fn dot<T: TableEntry>(row: &[T], values: &[f64]) -> f64 {
    with_tail!(values.len(), TAIL => dot_with_tail::<TAIL, T>(row, values))
}
