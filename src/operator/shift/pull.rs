//! An observable pulled back, several rows at a time.

use rayon::prelude::*;

use super::kernel::{BLOCK, ROWS, dot, dot_with_tail, with_tail};
use super::operator::ShiftOperator;
use super::table_entry::TableEntry;

/// Tiles of suffixes from which on a task takes all oldest tokens of one.
const MANY_TILES: usize = 16;

/// The outputs of a tile of suffixes, one slice for every oldest token from `oldest` on.
struct Tile<'a> {
    oldest: usize,
    suffix: usize,
    outputs: Vec<&'a mut [f64]>,
}

impl<T: TableEntry> ShiftOperator<T> {
    pub(super) fn pull(&self, observable: &[f64], expected: &mut [f64]) {
        self.pull_tiles(expected).into_par_iter().for_each(|mut tile| self.pull_tile(observable, &mut tile));
    }

    /// Contexts that differ only in their oldest token look at the same part of the
    /// observable: a task takes a tile of suffixes with as many oldest tokens as
    /// leave enough tasks, so that this part is read from memory once, not V times.
    fn pull_tiles<'a>(&self, expected: &'a mut [f64]) -> Vec<Tile<'a>> {
        let (v, suffixes) = (self.space.vocabulary_size(), self.space.suffixes());
        let tile_len = (self.tile() / v).max(1);
        let tiles = suffixes.div_ceil(tile_len);
        let together = if tiles < MANY_TILES { ROWS } else { v };
        let mut lanes: Vec<_> = expected.chunks_mut(suffixes).map(|lane| lane.chunks_mut(tile_len)).collect();
        let of_lanes = |(group, lanes): (usize, &mut [std::slice::ChunksMut<'a, f64>])| {
            let tile = |tile| Tile {
                oldest: group * together,
                suffix: tile * tile_len,
                outputs: lanes.iter_mut().filter_map(Iterator::next).collect(),
            };
            (0..tiles).map(tile).collect::<Vec<_>>()
        };
        lanes.chunks_mut(together).enumerate().flat_map(of_lanes).collect()
    }

    fn pull_tile(&self, observable: &[f64], tile: &mut Tile<'_>) {
        let (groups, rest) = tile.outputs.as_chunks_mut::<ROWS>();
        let v = self.space.vocabulary_size();
        let rest_from = tile.oldest + ROWS * groups.len();
        for (oldest, outputs) in (tile.oldest..).step_by(ROWS).zip(groups) {
            with_tail!(v, TAIL => self.pull_together::<TAIL>(observable, oldest, tile.suffix, outputs));
        }
        for (oldest, output) in (rest_from..).zip(rest) {
            let first = oldest * self.space.suffixes() + tile.suffix;
            for (context, value) in (first..).zip(output.iter_mut()) {
                let next = &observable[self.space.successors(context)];
                *value = dot(self.row(context), next) * self.scale(context);
            }
        }
    }

    /// The outputs of the contexts that consist of one of the oldest tokens from
    /// `oldest` on and a suffix from `suffix` on.
    fn pull_together<const TAIL: usize>(
        &self,
        observable: &[f64],
        oldest: usize,
        suffix: usize,
        outputs: &mut [&mut [f64]; ROWS],
    ) {
        let (v, suffixes) = (self.space.vocabulary_size(), self.space.suffixes());
        let len = outputs[0].len();
        let contexts: [usize; ROWS] = std::array::from_fn(|i| (oldest + i) * suffixes + suffix);
        let streams: [&[T]; ROWS] = std::array::from_fn(|i| &self.table[contexts[i] * v..][..len * v]);
        for (at, values) in observable[suffix * v..][..len * v].chunks_exact(v).enumerate() {
            for i in 0..ROWS {
                let sum = dot_with_tail::<TAIL, T>(&streams[i][at * v..][..v], values);
                outputs[i][at] = sum * self.scale(contexts[i] + at);
            }
        }
    }
}
