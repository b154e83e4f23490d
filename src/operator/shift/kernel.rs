//! The innermost loops of the products.
//!
//! Several rows are gone through side by side: each is a stream that the memory
//! fetches ahead of, and what they share is loaded once. Rows are cut into blocks
//! and a tail whose length the compiler knows, so that no loop over short rows
//! (a vocabulary of 27, say) spends its time on the ends.

use super::table_entry::TableEntry;

/// Entries in a block of a row.
pub(super) const BLOCK: usize = 8;

/// Rows that are gone through side by side.
pub(in crate::operator) const ROWS: usize = 4;

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

/// A row in blocks, and its tail.
type Blocks<'a, T, const TAIL: usize> = (&'a [[T; BLOCK]], &'a [T; TAIL]);

#[inline(always)]
fn blocks<T, const TAIL: usize>(row: &[T]) -> Blocks<'_, T, TAIL> {
    let (blocks, tail) = row.as_chunks();
    (blocks, tail.try_into().expect("the tail of a row of this length"))
}

/// Adds rows times their weights to sums: `sums[j] += weights[0] rows[0][j] + ...`.
///
/// # Panics
///
/// If a row is shorter than the sums, or `TAIL` is not the length of their tail.
#[inline(always)]
pub(super) fn add_rows<const R: usize, const TAIL: usize, T: TableEntry>(
    sums: &mut [f64],
    weights: [f64; R],
    rows: [&[T]; R],
) {
    let (sum_blocks, sum_tail) = sums.as_chunks_mut::<BLOCK>();
    let rows = rows.map(blocks::<T, TAIL>);
    let row_blocks = rows.map(|(blocks, _)| &blocks[..sum_blocks.len()]);
    for (at, sums) in sum_blocks.iter_mut().enumerate() {
        // Summed up aside, the block is loaded and stored once.
        let mut block = *sums;
        for (j, sum) in block.iter_mut().enumerate() {
            *sum = add_terms::<R>(*sum, std::array::from_fn(|i| weights[i] * row_blocks[i][at][j].widen()));
        }
        *sums = block;
    }
    for (j, sum) in sum_tail.iter_mut().take(TAIL).enumerate() {
        *sum = add_terms::<R>(*sum, std::array::from_fn(|i| weights[i] * rows[i].1[j].widen()));
    }
}

/// As [`add_rows`], with the bits that it gives, for rows of any length.
pub(in crate::operator) fn add_rows_of_any_length<const R: usize, T: TableEntry>(
    sums: &mut [f64],
    weights: [f64; R],
    rows: [&[T]; R],
) {
    with_tail!(sums.len(), TAIL => add_rows::<R, TAIL, T>(sums, weights, rows));
}

/// Adds four terms in pairs, fewer one after the other.
#[inline(always)]
fn add_terms<const R: usize>(sum: f64, terms: [f64; R]) -> f64 {
    match terms[..] {
        [a, b, c, d] => sum + ((a + b) + (c + d)),
        _ => terms.into_iter().fold(sum, |sum, term| sum + term),
    }
}

/// The dot products of rows with the same values: in eight running sums each,
/// one for every place in a block, added up in halves.
///
/// # Panics
///
/// If a row is shorter than the values, or `TAIL` is not the length of their tail.
#[inline(always)]
pub(super) fn dots<const R: usize, const TAIL: usize, T: TableEntry>(
    rows: [&[T]; R],
    values: &[f64],
) -> [f64; R] {
    let (value_blocks, value_tail) = blocks::<f64, TAIL>(values);
    let rows = rows.map(blocks::<T, TAIL>);
    let row_blocks = rows.map(|(blocks, _)| &blocks[..value_blocks.len()]);
    let mut lanes = [[0.0; BLOCK]; R];
    for (at, values) in value_blocks.iter().enumerate() {
        for (i, lanes) in lanes.iter_mut().enumerate() {
            add_products(lanes, &row_blocks[i][at], values);
        }
    }
    for (i, lanes) in lanes.iter_mut().enumerate() {
        add_products(lanes, rows[i].1, value_tail);
    }
    lanes.map(|[a, b, c, d, e, f, g, h]| ((a + e) + (c + g)) + ((b + f) + (d + h)))
}

#[inline(always)]
fn add_products<T: TableEntry>(sums: &mut [f64; BLOCK], entries: &[T], values: &[f64]) {
    for ((sum, p), value) in sums.iter_mut().zip(entries).zip(values) {
        *sum += p.widen() * value;
    }
}

/// The dot product of one row with values, with the bits that [`dots`] gives.
pub(in crate::operator) fn dot<T: TableEntry>(row: &[T], values: &[f64]) -> f64 {
    let [sum] = with_tail!(values.len(), TAIL => dots::<1, TAIL, T>([row], values));
    sum
}
