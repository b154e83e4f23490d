//! A law pushed forward, tile by tile.

use rayon::prelude::*;

use super::kernel::{BLOCK, ROWS, add_rows};
use super::operator::ShiftOperator;
use super::table_entry::TableEntry;
use crate::operator::Pushed;
use crate::operator::sweep::{GROUPS, measure, sweep_groups};
use crate::prob::sums_by;
use crate::text::ContextSpace;

/// Outputs that one task of a product computes, about: the more, the longer the
/// memory fetches ahead in a row, as long as the sums stay in a nearby cache.
const LARGEST_TILE: usize = 8192;

/// Of small chains fewer, for as many tasks as this; but never fewer than 2,048.
const TASKS: usize = 32;
const SMALLEST_TILE: usize = 2048;

/// Tiles of a group of a sweep, about, so that there are some for all threads; small
/// ones are not worth a task.
const TILES_IN_GROUP: usize = 16;
const SMALLEST_SWEPT: usize = 1024;

/// Entries of one oldest token that a group reads at least: a piece that is worth a
/// reading where the table is elsewhere, and work for all threads where it is not.
const GROUP_ENTRIES: usize = 1 << 15;

impl<T: TableEntry> ShiftOperator<T> {
    pub(super) fn push(&self, law: &[f64], next: &mut [f64]) {
        self.push_tiles(law, next, |_, _| ());
    }

    /// Pushes a law and measures every tile while it is in the cache.
    pub(super) fn measured_push(&self, law: &[f64], next: &mut [f64]) -> Pushed {
        let measured = self.push_tiles(law, next, |first, tile| measure(&law[first..], tile));
        // A tile has no more terms than a chunk of `sums_by`: together, no term goes
        // through more additions than in one sum over all states.
        let [sum, change] = sums_by(measured.len(), |tile| measured[tile]);
        Pushed { sum, change }
    }

    /// Pushes a law forward group by group of its outputs, each by what is there by then;
    /// `None` if there is but one group.
    pub(super) fn sweep(&self, law: &[f64], next: &mut [f64]) -> Option<Pushed> {
        let group_len = swept_suffixes(&self.space)? * self.space.vocabulary_size();
        let (stretch, tile_len) =
            self.tile_lengths(group_len.div_ceil(TILES_IN_GROUP).clamp(SMALLEST_SWEPT, LARGEST_TILE));
        let ends = group_ends(self.space.len(), group_len);
        Some(sweep_groups(law, next, ends, |swept, group, outputs| {
            let begin = group * group_len;
            let push = |(first, tile): (usize, &mut [f64])| {
                self.push_tile(|context| swept.entry(context), begin + first, tile);
            };
            cut_tiles(outputs, stretch, tile_len).into_par_iter().for_each(push);
        }))
    }

    /// Computes `law · P`, and what `measure` makes of every tile of it, in their
    /// order, given the number of its first output.
    fn push_tiles<M: Send>(
        &self,
        law: &[f64],
        next: &mut [f64],
        measure: impl Fn(usize, &[f64]) -> M + Sync,
    ) -> Vec<M> {
        let (stretch, tile_len) = self.tile_lengths(self.tile());
        let push = |(first, tile): (usize, &mut [f64])| {
            self.push_tile(|context| law[context], first, tile);
            measure(first, tile)
        };
        cut_tiles(next, stretch, tile_len).into_par_iter().map(push).collect()
    }

    /// Sums one tile of `law · P`, outputs `first..first + tile.len()`, given the entries of the law.
    #[inline]
    fn push_tile(&self, law: impl Fn(usize) -> f64 + Copy, first: usize, tile: &mut [f64]) {
        let v = self.space.vocabulary_size();
        tile.fill(0.0);
        let mut oldest = 0;
        while oldest + ROWS <= v {
            self.push_from::<ROWS>(law, oldest, first, tile);
            oldest += ROWS;
        }
        match v - oldest {
            3 => self.push_from::<3>(law, oldest, first, tile),
            2 => self.push_from::<2>(law, oldest, first, tile),
            1 => self.push_from::<1>(law, oldest, first, tile),
            _ => {}
        }
    }

    /// Adds to a tile what comes from the contexts with the oldest tokens
    /// `oldest..oldest + R`. For a fixed oldest token the rows of one suffix after the
    /// other, as the outputs, lie side by side in the table: R streams of rows go past the tile.
    #[inline]
    fn push_from<const R: usize>(
        &self,
        law: impl Fn(usize) -> f64,
        oldest: usize,
        first: usize,
        tile: &mut [f64],
    ) {
        let (v, suffixes) = (self.space.vocabulary_size(), self.space.suffixes());
        let width = v.min(tile.len());
        let contexts: [usize; R] = std::array::from_fn(|i| (oldest + i) * suffixes + first / v);
        let streams: [&[T]; R] =
            std::array::from_fn(|i| &self.table[contexts[i] * v + first % v..][..tile.len()]);
        for (at, sums) in tile.chunks_exact_mut(width).enumerate() {
            let weight = |context: usize| law(context + at) * self.scale(context + at);
            let weights = std::array::from_fn(|i| weight(contexts[i]));
            add_rows::<R, T>(sums, weights, std::array::from_fn(|i| &streams[i][at * width..][..width]));
        }
    }

    /// Outputs that one task computes, about.
    pub(super) fn tile(&self) -> usize {
        (self.space.len() / TASKS).clamp(SMALLEST_TILE, LARGEST_TILE)
    }

    /// Outputs in a stretch that tiles do not cross, and in a tile of about so many. A tile is
    /// either whole runs of V outputs, one for every suffix, or, for a vocabulary
    /// longer than a tile, a part of one run, which is its stretch.
    fn tile_lengths(&self, tile: usize) -> (usize, usize) {
        let v = self.space.vocabulary_size();
        if v > tile {
            (v, v.div_ceil(v.div_ceil(tile)).next_multiple_of(BLOCK))
        } else {
            (tile / v * v, tile / v * v)
        }
    }
}

/// Suffixes whose contexts a sweep computes together, told by the space alone, so that they
/// are the same wherever its rows are; `None` if these are all.
pub(in crate::operator) fn swept_suffixes(space: &ContextSpace) -> Option<usize> {
    let suffixes = space.suffixes();
    let group = suffixes.div_ceil(GROUPS).max(GROUP_ENTRIES.div_ceil(space.vocabulary_size()));
    (group < suffixes).then_some(group)
}

/// Where groups of so many of the outputs end.
pub(in crate::operator) fn group_ends(outputs: usize, group: usize) -> impl Iterator<Item = usize> {
    (1..=outputs.div_ceil(group)).map(move |end| outputs.min(end * group))
}

/// Cuts outputs into tiles that no stretch's end lies within, each with the number of
/// its first output.
pub(in crate::operator) fn cut_tiles(
    outputs: &mut [f64],
    stretch: usize,
    tile_len: usize,
) -> Vec<(usize, &mut [f64])> {
    let tiles = outputs.chunks_mut(stretch).flat_map(|outputs| outputs.chunks_mut(tile_len));
    let numbered = tiles.scan(0, |end, tile| {
        *end += tile.len();
        Some((*end - tile.len(), tile))
    });
    numbered.collect()
}
