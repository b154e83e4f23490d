//! How a table that is not in memory is cut up.

use crate::operator::shift::ROWS;
use crate::text::ContextSpace;

/// Bytes that one reading is at least worth.
const BLOCK: usize = 256 << 10;

/// Bytes of a block where all threads work on the same.
const LARGE_BLOCK: usize = 2 << 20;

/// Bytes of all blocks of rows that all threads look at together.
const GATHERED: usize = 16 << 20;

/// Tiles of outputs from which on every thread has enough of its own.
pub(super) const MANY_TILES: usize = 16;

/// How products are cut up.
///
/// Contexts that differ in their oldest token only lead to the same contexts. A
/// **tile** is a run of suffixes with all the contexts that they lead to; its
/// rows are read in **blocks**, one for every oldest token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks {
    /// Rows of a block: suffixes of a tile.
    pub(super) rows: usize,
    /// Contexts of a block where all are gone through in their order.
    pub(super) in_order: usize,
    /// Blocks held at a time, a multiple of [`ROWS`].
    pub(super) held: usize,
    /// Whether tiles are worked on at the same time, or one after another.
    pub(super) tiles_at_once: bool,
    /// Whether several blocks may be asked for at the same time.
    pub(super) blocks_at_once: bool,
}

impl Blocks {
    /// Many tiles at once if there are enough; else all threads share every tile.
    pub(super) fn new(space: &ContextSpace, entry_bytes: usize, source_is_parallel: bool) -> Self {
        let row = space.vocabulary_size().saturating_mul(entry_bytes);
        let rows = |bytes: usize| bytes.div_ceil(row).min(space.suffixes());
        let in_order = if source_is_parallel { LARGE_BLOCK } else { BLOCK }.div_ceil(row).min(space.len());
        if !source_is_parallel && space.suffixes() / rows(BLOCK) >= MANY_TILES {
            let rows = rows(BLOCK);
            return Self { rows, in_order, held: ROWS, tiles_at_once: true, blocks_at_once: true };
        }
        let rows = rows(LARGE_BLOCK);
        let held = (GATHERED / rows.saturating_mul(row)).max(1).next_multiple_of(ROWS);
        Self { rows, in_order, held, tiles_at_once: false, blocks_at_once: !source_is_parallel }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_large_and_few_are_held() {
        for (v, k, bytes) in [(64, 4, 4), (64, 4, 8), (16, 6, 8), (27, 5, 4), (2, 20, 8), (30_000, 1, 8)] {
            let space = ContextSpace::new(v, k).unwrap();
            for parallel in [false, true] {
                let blocks = Blocks::new(&space, bytes, parallel);
                let block = blocks.rows * v * bytes;
                let held = block * blocks.held;
                assert!(block >= BLOCK.min(space.suffixes() * v * bytes), "{v}^{k}: blocks of {block} bytes");
                // A block, and the number of blocks, are rounded up by one row and to four.
                assert!(held <= GATHERED + ROWS * (LARGE_BLOCK + v * bytes), "{v}^{k}: {held} bytes held");
                assert!(blocks.in_order * v * bytes >= BLOCK.min(space.len() * v * bytes));
                assert!(blocks.held.is_multiple_of(ROWS));
                assert!(!(parallel && blocks.blocks_at_once));
            }
        }
    }
}
