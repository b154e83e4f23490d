//! Several vectors side by side, moved by one reading of the matrix.
//!
//! A **block** of `m` vectors over `N` states is interleaved: entry
//! `state * m + column`. What a product looks up of a state then lies together.

use std::ops::Range;

use rayon::prelude::*;

use super::map_in_place;
use super::transition::TransitionOperator;
use crate::parallel::for_each_part;
use crate::prob::sum_columns;

/// The most columns that it pays to move together: the entries of a state fill
/// two lines of the cache, and reading the matrix costs little beside them.
const COLUMNS: usize = 16;

/// Bytes that a block and its image may take together, if more than one column
/// is to be moved at a time.
const BYTES: usize = 1 << 30;

/// A block of so many entries is worked on by all threads, a smaller one by one.
const SMALL: usize = 1 << 16;

/// Runs of vectors of a small chain that are worked on at the same time.
const BATCH: usize = 16;

/// Entries that one task moves in or out of a block.
const ENTRIES: usize = 1 << 14;

/// States of a tile that is copied out of a block: with 16 columns 128 KiB.
const TILE: usize = 1 << 10;

/// How many vectors to move together: 16, unless these and their images would
/// take more than 1 GiB, but at least one.
fn block_columns(states: usize) -> usize {
    let affordable = BYTES / (2 * size_of::<f64>() * states.max(1));
    affordable.clamp(1, COLUMNS)
}

/// Splits `count` vectors into runs that are moved together, in batches of runs
/// that may be worked on at the same time: one where each keeps all threads busy.
pub(crate) fn block_batches(states: usize, count: usize) -> impl Iterator<Item = Vec<Range<usize>>> {
    let columns = block_columns(states);
    let together = if states * columns < SMALL { BATCH } else { 1 } * columns;
    (0..count).step_by(together).map(move |start| {
        let end = count.min(start + together);
        (start..end).step_by(columns).map(|first| first..end.min(first + columns)).collect()
    })
}

/// Pushes laws one step forward, many at a time.
pub(crate) fn push_all<O: TransitionOperator + ?Sized>(operator: &O, laws: &mut [Vec<f64>]) {
    move_all(operator.states(), laws, |block| block.push(operator));
}

/// Pulls observables one step back, many at a time.
pub(crate) fn pull_all<O: TransitionOperator + ?Sized>(operator: &O, observables: &mut [Vec<f64>]) {
    move_all(operator.states(), observables, |block| block.pull(operator));
}

fn move_all(states: usize, vectors: &mut [Vec<f64>], product: impl Fn(&mut Block) + Sync) {
    let columns = block_columns(states);
    let run = |vectors: &mut [Vec<f64>]| {
        let mut block = Block::new(states, vectors.len(), |state, column| vectors[column][state]);
        product(&mut block);
        block.write_columns(vectors);
    };
    if states * columns < SMALL {
        vectors.par_chunks_mut(columns).for_each(run);
    } else {
        vectors.chunks_mut(columns).for_each(run);
    }
}

/// Panics unless both blocks of a product have so many entries per state.
#[track_caller]
pub(super) fn check_blocks<O: TransitionOperator + ?Sized>(
    operator: &O,
    input: &[f64],
    output: &[f64],
    columns: usize,
) {
    assert!(columns > 0, "at least one column");
    assert_eq!(input.len(), operator.states() * columns, "one entry per state and column");
    assert_eq!(output.len(), operator.states() * columns, "one entry per state and column");
}

/// Splits columns into runs of the widths that products are compiled for, 4, 2
/// and 1: the first column of each, and how many.
pub(super) fn column_runs(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let width = [4, 2, 1].into_iter().find(|width| first + width <= columns)?;
        first += width;
        Some((first - width, width))
    })
}

/// So many entries from a place on.
pub(super) fn entries<const W: usize>(values: &[f64], at: usize) -> [f64; W] {
    let values = &values[at..at + W];
    std::array::from_fn(|j| values[j])
}

/// A product with a block, one column after the other.
pub(super) fn by_column(
    (input, output): (&[f64], &mut [f64]),
    columns: usize,
    product: &dyn Fn(&[f64], &mut [f64]),
) {
    if columns == 1 {
        return product(input, output);
    }
    let states = input.len() / columns;
    let (mut column, mut image) = (vec![0.0; states], vec![0.0; states]);
    for place in 0..columns {
        map_in_place(&mut column, |state, _| input[state * columns + place]);
        product(&column, &mut image);
        for_each_part(output, ENTRIES.div_ceil(columns) * columns, &|first, part| {
            let states = part.chunks_exact_mut(columns).zip(&image[first / columns..]);
            states.for_each(|(entries, value)| entries[place] = *value);
        });
    }
}

/// Replaces every entry of a block by a function of its state, column and value, in parallel.
pub(crate) fn map_columns(values: &mut [f64], columns: usize, f: impl Fn(usize, usize, f64) -> f64 + Sync) {
    for_each_part(values, ENTRIES.div_ceil(columns) * columns, &|first, part| {
        for (entries, state) in part.chunks_exact_mut(columns).zip(first / columns..) {
            entries.iter_mut().enumerate().for_each(|(column, value)| *value = f(state, column, *value));
        }
    });
}

/// The entries of a block, those of every state times its weight, added up over groups
/// of states: as many for every column, interleaved.
pub(crate) fn add_up_groups(
    values: &[f64],
    columns: usize,
    group_of: &[u32],
    groups: usize,
    weight: impl Fn(usize) -> f64 + Sync,
) -> Vec<f64> {
    // Tasks add up in tables of their own, which are to be small beside what they read.
    let tasks = (group_of.len() / (8 * groups.max(1))).clamp(1, 16);
    let part = group_of.len().div_ceil(tasks);
    let parts = values.par_chunks(part * columns).zip(group_of.par_chunks(part));
    let tables: Vec<Vec<f64>> = parts
        .enumerate()
        .map(|(number, (values, group_of))| {
            let mut table = vec![0.0; groups * columns];
            let states = number * part..;
            for ((state, values), &group) in states.zip(values.chunks_exact(columns)).zip(group_of) {
                let (weight, sums) = (weight(state), &mut table[group as usize * columns..][..columns]);
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
            }
            table
        })
        .collect();
    tables
        .into_iter()
        .reduce(|mut sums, part| {
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            sums
        })
        .unwrap_or_default()
}

/// Vectors moved together.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    columns: usize,
    values: Vec<f64>,
    image: Vec<f64>,
}

impl Block {
    /// A block whose entries are given by state and column.
    pub(crate) fn new(states: usize, columns: usize, entry: impl Fn(usize, usize) -> f64 + Sync) -> Self {
        let mut values = vec![0.0; states * columns];
        map_columns(&mut values, columns, |state, column, _| entry(state, column));
        Self::from_values(columns, values)
    }

    /// A block of these entries, interleaved.
    pub(crate) fn from_values(columns: usize, values: Vec<f64>) -> Self {
        let image = vec![0.0; values.len()];
        Self { columns, values, image }
    }

    /// A block of laws that are all at one state, given by column.
    pub(crate) fn points(states: usize, columns: usize, at: impl Fn(usize) -> usize + Sync) -> Self {
        Self::new(states, columns, |state, column| if state == at(column) { 1.0 } else { 0.0 })
    }

    /// Number of vectors.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The entries, interleaved.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Pushes every column one step forward.
    pub(crate) fn push<O: TransitionOperator + ?Sized>(&mut self, operator: &O) {
        operator.push_block(&self.values, &mut self.image, self.columns);
        std::mem::swap(&mut self.values, &mut self.image);
    }

    /// Pulls every column one step back.
    pub(crate) fn pull<O: TransitionOperator + ?Sized>(&mut self, operator: &O) {
        operator.pull_block(&self.values, &mut self.image, self.columns);
        std::mem::swap(&mut self.values, &mut self.image);
    }

    /// Pulls every column one step back, and replaces every entry by a function of its
    /// state and column, what it was, and what was pulled back.
    pub(crate) fn pull_with<O: TransitionOperator + ?Sized>(
        &mut self,
        operator: &O,
        f: impl Fn(usize, usize, f64, f64) -> f64 + Sync,
    ) {
        let (columns, before) = (self.columns, &self.values);
        operator.pull_block(before, &mut self.image, columns);
        map_columns(&mut self.image, columns, |state, column, pulled| {
            f(state, column, before[state * columns + column], pulled)
        });
        std::mem::swap(&mut self.values, &mut self.image);
    }

    /// Replaces every entry by a function of its state, column and value.
    pub(crate) fn map(&mut self, f: impl Fn(usize, usize, f64) -> f64 + Sync) {
        map_columns(&mut self.values, self.columns, f);
    }

    /// The sums of a function of state, column and value, one a column: each with
    /// the bits of [`sum_by`](crate::prob::sum_by).
    pub(crate) fn sums(&self, term: impl Fn(usize, usize, f64) -> f64 + Sync) -> Vec<f64> {
        let columns = self.columns;
        let at = |state: usize, column: usize| term(state, column, self.values[state * columns + column]);
        sum_columns(self.states(), columns, at)
    }

    /// The entries added up over groups of states: as many for every column, interleaved.
    pub(crate) fn added_up(&self, group_of: &[u32], groups: usize) -> Vec<f64> {
        add_up_groups(&self.values, self.columns, group_of, groups, |_| 1.0)
    }

    /// The entries alone.
    pub(crate) fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// Writes every column to a vector of its own.
    pub(crate) fn write_columns(&self, vectors: &mut [Vec<f64>]) {
        let columns = self.columns;
        let mut lanes: Vec<_> = vectors.iter_mut().map(|vector| vector.chunks_mut(TILE)).collect();
        let tiles: Vec<Vec<&mut [f64]>> = (0..self.states().div_ceil(TILE))
            .map(|_| lanes.iter_mut().filter_map(Iterator::next).collect())
            .collect();
        tiles.into_par_iter().zip(self.values.par_chunks(TILE * columns)).for_each(|(outs, values)| {
            for (column, out) in outs.into_iter().enumerate() {
                let column = values[column..].iter().step_by(columns);
                out.iter_mut().zip(column).for_each(|(out, value)| *out = *value);
            }
        });
    }

    fn states(&self) -> usize {
        self.values.len() / self.columns
    }
}
