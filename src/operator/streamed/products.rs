//! Products with a table that passes by in blocks.

use rayon::prelude::*;

use super::blocks::MANY_TILES;
use super::combine::{Combine, Sums};
use super::operator::StreamedOperator;
use super::rows::RowSource;
use crate::error::Result;
use crate::operator::Pushed;
use crate::operator::shift::{ROWS, cut_tiles, dot, group_ends, swept_suffixes};
use crate::operator::sweep::sweep_groups;

/// Outputs that one task works on where all threads share a tile.
const PIECE: usize = 1 << 11;

impl<R: RowSource> StreamedOperator<R> {
    /// Combines, for every context, the rows of its predecessors.
    pub(super) fn gather(&self, next: &mut [f64], combine: &impl Combine) {
        self.gather_from(0, next, self.blocks.tiles_at_once, combine);
    }

    /// Pushes a law forward in the groups of [`ShiftOperator`](crate::operator::ShiftOperator),
    /// each by what is there by then; `None` if there is but one.
    pub(super) fn sweep(&self, law: &[f64], next: &mut [f64]) -> Option<Pushed> {
        let suffixes = swept_suffixes(self.space())?;
        let ends = group_ends(self.space().len(), suffixes * self.space().vocabulary_size());
        let at_once = self.blocks.tiles_at_once && suffixes / self.blocks.rows >= MANY_TILES;
        Some(sweep_groups(law, next, ends, |swept, group, outputs| {
            self.gather_from(group * suffixes, outputs, at_once, &Sums { law: |state| swept.entry(state) });
        }))
    }

    /// Combines the rows of the predecessors of the contexts that the suffixes from
    /// `suffix` on lead to, tiles `at_once` or one after another.
    fn gather_from(&self, suffix: usize, outputs: &mut [f64], at_once: bool, combine: &impl Combine) {
        let rows = self.blocks.rows;
        let len = rows * self.space().vocabulary_size();
        let tile = |(number, outputs): (usize, &mut [f64])| {
            let gather =
                |outputs: &mut [f64]| self.gather_tile(suffix + number * rows, outputs, at_once, combine);
            self.fault.fill(outputs, f64::NAN, gather);
        };
        if at_once {
            outputs.par_chunks_mut(len).enumerate().for_each(tile);
        } else {
            outputs.chunks_mut(len).enumerate().for_each(tile);
        }
    }

    /// One tile: the contexts that the suffixes from `suffix` on lead to; `at_once` with others.
    fn gather_tile(
        &self,
        suffix: usize,
        outputs: &mut [f64],
        at_once: bool,
        combine: &impl Combine,
    ) -> Result<()> {
        let v = self.space().vocabulary_size();
        let block = outputs.len();
        let mut held = vec![R::Entry::default(); self.blocks.held.min(v) * block];
        outputs.fill(0.0);
        for oldest in (0..v).step_by(self.blocks.held) {
            let count = self.blocks.held.min(v - oldest);
            let first = oldest * self.space().suffixes() + suffix;
            self.read_tile(first, block, at_once, &mut held[..count * block])?;
            let rows = Gathered { first, block, entries: &held[..count * block] };
            if at_once {
                self.combine(&rows, 0, outputs, combine);
            } else {
                let pieces = pieces(outputs, v).into_par_iter();
                pieces.for_each(|(start, piece)| self.combine(&rows, start, piece, combine));
            }
        }
        Ok(())
    }

    /// Reads blocks of rows whose first contexts are `V^(K-1)` apart: all at one go
    /// where they lie side by side.
    fn read_tile(&self, first: usize, block: usize, at_once: bool, held: &mut [R::Entry]) -> Result<()> {
        let suffixes = self.space().suffixes();
        let read =
            |(oldest, rows): (usize, &mut [R::Entry])| self.source.rows(first + oldest * suffixes, rows);
        if block == suffixes * self.space().vocabulary_size() && !self.blocks.blocks_at_once {
            return self.source.rows(first, held);
        }
        if self.blocks.blocks_at_once && !at_once {
            held.par_chunks_mut(block).enumerate().try_for_each(read)
        } else {
            held.chunks_mut(block).enumerate().try_for_each(read)
        }
    }

    /// Takes blocks of rows into the outputs of a tile from the place `start` on:
    /// whole runs of V outputs, one for every suffix, or part of one run.
    fn combine(&self, rows: &Gathered<'_, R::Entry>, start: usize, out: &mut [f64], combine: &impl Combine) {
        let v = self.space().vocabulary_size();
        let blocks = rows.entries.len() / rows.block;
        for (run, out) in out.chunks_mut(v).enumerate() {
            let (place, len) = (start + run * v, out.len());
            let row = |oldest: usize| {
                let context = rows.first + oldest * self.space().suffixes() + place / v;
                let entries = &rows.entries[oldest * rows.block + place..][..len];
                (combine.weight(context, self.scale(context)), entries)
            };
            let fours = blocks / ROWS * ROWS;
            for oldest in (0..fours).step_by(ROWS) {
                combine.four(out, std::array::from_fn(|next| row(oldest + next)));
            }
            for oldest in fours..blocks {
                combine.one(out, row(oldest));
            }
        }
    }

    /// Pulls an observable back.
    pub(super) fn pull(&self, observable: &[f64], expected: &mut [f64]) {
        let value = |context: usize, row: &[R::Entry]| {
            dot(row, &observable[self.space().successors(context)]) * self.scale(context)
        };
        if !self.blocks.tiles_at_once {
            self.map_rows(expected, f64::NAN, value);
            return;
        }
        // A tile looks at one part of the observable, which is so read from memory
        // once, not once for every oldest token.
        let rows = self.blocks.rows;
        let mut lanes: Vec<_> =
            expected.chunks_mut(self.space().suffixes()).map(|lane| lane.chunks_mut(rows)).collect();
        let tiles: Vec<Vec<&mut [f64]>> = (0..self.space().suffixes().div_ceil(rows))
            .map(|_| lanes.iter_mut().filter_map(Iterator::next).collect())
            .collect();
        tiles.into_par_iter().enumerate().for_each(|(tile, outs)| {
            for (oldest, out) in outs.into_iter().enumerate() {
                self.map_block(oldest * self.space().suffixes() + tile * rows, out, f64::NAN, &value);
            }
        });
    }

    /// Computes something from every row; `otherwise`, if rows cannot be had.
    pub(super) fn map_rows<T: Clone + Send + Sync>(
        &self,
        outputs: &mut [T],
        otherwise: T,
        value: impl Fn(usize, &[R::Entry]) -> T + Sync,
    ) {
        let block = |(number, outputs): (usize, &mut [T])| {
            self.map_block(number * self.blocks.in_order, outputs, otherwise.clone(), &value);
        };
        if self.blocks.blocks_at_once {
            outputs.par_chunks_mut(self.blocks.in_order).enumerate().for_each(block);
        } else {
            outputs.chunks_mut(self.blocks.in_order).enumerate().for_each(block);
        }
    }

    fn map_block<T: Clone>(
        &self,
        first: usize,
        outputs: &mut [T],
        otherwise: T,
        value: &impl Fn(usize, &[R::Entry]) -> T,
    ) {
        let v = self.space().vocabulary_size();
        self.fault.fill(outputs, otherwise, |outputs| {
            let mut rows = vec![R::Entry::default(); outputs.len() * v];
            self.source.rows(first, &mut rows)?;
            for ((context, row), out) in (first..).zip(rows.chunks_exact(v)).zip(outputs) {
                *out = value(context, row);
            }
            Ok(())
        });
    }
}

/// Cuts a tile into pieces, each with the place where it begins: whole runs of V
/// outputs or, where V is larger than a piece, parts of one.
fn pieces(outputs: &mut [f64], v: usize) -> Vec<(usize, &mut [f64])> {
    let (stretch, len) = if v > PIECE { (v, PIECE) } else { (PIECE / v * v, PIECE / v * v) };
    cut_tiles(outputs, stretch, len)
}

/// Blocks of rows that lead to the same contexts, oldest token after oldest token.
struct Gathered<'a, E> {
    /// The context of the first row.
    first: usize,
    /// Entries of a block.
    block: usize,
    entries: &'a [E],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::streamed::blocks::Blocks;
    use crate::operator::{ShiftOperator, TransitionOperator};
    use crate::solve::Silent;
    use crate::text::ContextSpace;

    /// What products give, and what a sweep measures, if there is one.
    fn products<O: TransitionOperator>(operator: &O) -> ([Vec<f64>; 4], Option<Pushed>) {
        let input: Vec<f64> = (0..operator.states()).map(|i| 1.0 / (i as f64 + 1.5)).collect();
        let mut outputs = std::array::from_fn(|_| vec![0.0; input.len()]);
        let [pushed, pulled, largest, swept] = &mut outputs;
        operator.push_forward(&input, pushed);
        operator.pull_back(&input, pulled);
        operator.push_largest(&input, largest);
        let measured = operator.sweep_forward(&input, swept);
        (outputs, measured)
    }

    fn shift(v: usize, k: usize) -> ShiftOperator<f32> {
        let space = ContextSpace::new(v, k).unwrap();
        let weight = |context: usize, token: usize| ((context * 31 + token * 17) % 23 + 1) as f64;
        let row = |context: usize| {
            let sum: f64 = (0..v).map(|token| weight(context, token)).sum();
            (0..v).map(move |token| weight(context, token) / sum)
        };
        let table = (0..space.len()).flat_map(row).collect();
        ShiftOperator::new(space, table).unwrap().to_f32()
    }

    /// Cut up in every way that there is for so many rows to a block.
    fn check(in_memory: &ShiftOperator<f32>, rows: usize, is_swept: bool) {
        let expected = products(in_memory);
        assert_eq!(expected.1.is_some(), is_swept);
        for held in [ROWS, 2 * ROWS] {
            for (tiles_at_once, blocks_at_once) in [(true, true), (false, true), (false, false)] {
                let in_order = rows + 1;
                let blocks = Blocks { rows, in_order, held, tiles_at_once, blocks_at_once };
                let cut = StreamedOperator::with_blocks(in_memory, blocks, &mut Silent).unwrap();
                assert!(products(&cut) == expected, "{blocks:?}");
            }
        }
    }

    #[test]
    fn however_a_table_is_cut_up_the_bits_are_the_same() {
        for (v, k) in [(1, 2), (2, 4), (3, 3), (5, 2), (9, 2), (13, 1)] {
            let in_memory = shift(v, k);
            for rows in 1..=v.pow(k as u32 - 1) {
                check(&in_memory, rows, false);
            }
        }
    }

    #[test]
    fn sweeps_have_the_groups_of_a_table_in_memory() {
        // 6,561 suffixes in groups of 3,641: less than a group to a block, many, one and more.
        let in_memory = shift(9, 5);
        for rows in [97, 500, 3641, 5000] {
            check(&in_memory, rows, true);
        }
    }
}
