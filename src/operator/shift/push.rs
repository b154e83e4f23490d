//! A law pushed forward, tile by tile.

use rayon::prelude::*;

use super::operator::ShiftOperator;
use super::table_entry::TableEntry;

/// Outputs that one task of a product computes: 16 KiB of sums, which stay in
/// the first-level cache while the table streams past them.
pub(super) const TILE: usize = 2048;

impl<T: TableEntry> ShiftOperator<T> {
    pub(super) fn push(&self, law: &[f64], next: &mut [f64]) {
        let tile_len = self.tile_len();
        next.par_chunks_mut(tile_len)
            .enumerate()
            .for_each(|(tile, out)| self.push_tile(law, tile * tile_len, out));
    }

    /// Sums one tile of `law · P`: outputs `first..first + tile.len()`.
    ///
    /// A tile is either whole runs of V outputs (one run per suffix) or, for a
    /// vocabulary longer than a tile, part of one run. Four predecessor rows
    /// are combined per pass over the tile.
    fn push_tile(&self, law: &[f64], first: usize, tile: &mut [f64]) {
        let v = self.space.vocabulary_size();
        let suffixes = self.space.suffixes();
        let weight = |context: usize| law[context] * self.scale(context);
        tile.fill(0.0);
        for (run, out) in runs(first, tile.len(), v) {
            let (suffix, column) = (run / v, run % v);
            let out = &mut tile[out];
            let len = out.len();
            let row = |a: usize| {
                let start = (a * suffixes + suffix) * v + column;
                (weight(a * suffixes + suffix), &self.table[start..start + len])
            };
            let mut a = 0;
            while a + 4 <= v {
                let [(w0, r0), (w1, r1), (w2, r2), (w3, r3)] = [row(a), row(a + 1), row(a + 2), row(a + 3)];
                for (((sum, p0), p1), (p2, p3)) in out.iter_mut().zip(r0).zip(r1).zip(r2.iter().zip(r3)) {
                    *sum += (w0 * p0.widen() + w1 * p1.widen()) + (w2 * p2.widen() + w3 * p3.widen());
                }
                a += 4;
            }
            for a in a..v {
                let (w, r) = row(a);
                for (sum, p) in out.iter_mut().zip(r) {
                    *sum += w * p.widen();
                }
            }
        }
    }

    fn tile_len(&self) -> usize {
        let v = self.space.vocabulary_size();
        if v >= TILE { TILE } else { TILE / v * v }
    }
}

/// Splits outputs `first..first + len` into runs that share a suffix: the
/// number of the first output of each, and its place in the tile.
fn runs(first: usize, len: usize, v: usize) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        (done < len).then(|| {
            let start = done;
            let column = (first + start) % v;
            done = len.min(start + v - column);
            (first + start, start..done)
        })
    })
}
