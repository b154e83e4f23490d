//! An observable pulled back, row by row.

use rayon::prelude::*;

use super::operator::ShiftOperator;
use super::push::TILE;
use super::table_entry::TableEntry;

/// Tiles from which on they are worth gathering by suffix.
const MANY_TILES: usize = 16;

impl<T: TableEntry> ShiftOperator<T> {
    pub(super) fn pull(&self, observable: &[f64], expected: &mut [f64]) {
        let contexts = (TILE / self.space.vocabulary_size()).max(1);
        let pull = |first: usize, out: &mut [f64]| {
            for (context, value) in (first..).zip(out) {
                let next = &observable[self.space.successors(context)];
                *value = dot(self.row(context), next) * self.scale(context);
            }
        };
        let suffixes = self.space.suffixes();
        if suffixes < MANY_TILES * contexts {
            let tiles = expected.par_chunks_mut(contexts).enumerate();
            tiles.for_each(|(tile, out)| pull(tile * contexts, out));
            return;
        }
        // Contexts that differ only in their oldest token look at the same part
        // of the observable: a task takes a tile of suffixes with every oldest
        // token, so that this part is read from memory once, not V times.
        let mut lanes: Vec<_> = expected.chunks_mut(suffixes).map(|lane| lane.chunks_mut(contexts)).collect();
        let tiles: Vec<Vec<&mut [f64]>> = (0..suffixes.div_ceil(contexts))
            .map(|_| lanes.iter_mut().filter_map(Iterator::next).collect())
            .collect();
        tiles.into_par_iter().enumerate().for_each(|(tile, outs)| {
            for (oldest, out) in outs.into_iter().enumerate() {
                pull(oldest * suffixes + tile * contexts, out);
            }
        });
    }
}

/// A dot product with eight running sums, added up in a fixed order.
fn dot<T: TableEntry>(row: &[T], values: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (rows, row_rest) = row.as_chunks::<8>();
    let (blocks, rest) = values.as_chunks::<8>();
    for (p, f) in rows.iter().zip(blocks) {
        for lane in 0..8 {
            lanes[lane] += p[lane].widen() * f[lane];
        }
    }
    let tail: f64 = row_rest.iter().zip(rest).map(|(p, f)| p.widen() * f).sum();
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h)) + tail
}
