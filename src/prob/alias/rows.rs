//! Alias tables of laws over different numbers of outcomes.

use rand::Rng;
use rayon::prelude::*;

use super::{Column, ColumnFiller, place_in};
use crate::parallel::{ROWS_A_PART, fill_by};
use crate::prob::StreamRng;

/// Alias tables of many laws, one after another in one flat array (Walker 1977;
/// construction of Vose 1991): 8 bytes an outcome and 8 a law.
///
/// Each law is moved by at most 2^-33 in total variation; an outcome of
/// probability zero is never drawn.
#[derive(Debug, Clone)]
pub struct AliasRows {
    words: Vec<u64>,
    starts: Vec<usize>,
}

impl AliasRows {
    /// Bytes that tables of `rows` laws with `outcomes` outcomes in all take.
    pub fn bytes(rows: usize, outcomes: usize) -> u128 {
        let column = size_of::<u64>() as u128;
        column * outcomes as u128 + size_of::<usize>() as u128 * (rows as u128 + 1)
    }

    /// The tables of `rows` laws with `length(row)` outcomes each, whose weights
    /// `write(row, weights)` appends to an empty vector. They need not sum to one.
    /// In parallel.
    ///
    /// # Panics
    ///
    /// If no weight of a law is positive, or one is negative or not finite; if
    /// there are 2^32 or more, or not as many as announced.
    #[track_caller]
    pub fn tabulate(
        rows: usize,
        length: impl Fn(usize) -> usize + Sync,
        write: impl Fn(usize, &mut Vec<f64>) + Sync,
    ) -> Self {
        let starts = row_starts(rows, length);
        let mut words = vec![0; starts[rows]];
        let room = <(ColumnFiller, Vec<f64>)>::default;
        for_each_row(&mut words, &starts, room, |(filler, weights), row, words| {
            weights.clear();
            write(row, weights);
            filler.fill(weights, words);
        });
        Self { words, starts }
    }

    /// Number of laws.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Draws an outcome of a law.
    ///
    /// # Panics
    ///
    /// If there is no such law.
    #[track_caller]
    #[inline]
    pub fn draw(&self, row: usize, rng: &mut StreamRng) -> usize {
        let (start, index, fraction) = self.place(row, rng.next_u64());
        self.outcome(start, index, fraction)
    }

    /// Where a draw of 64 bits falls in the table of a law: its start, the column
    /// and the fraction.
    #[inline]
    pub(crate) fn place(&self, row: usize, bits: u64) -> (usize, usize, u32) {
        let (start, end) = (self.starts[row], self.starts[row + 1]);
        let (index, fraction) = place_in(end - start, bits);
        (start, index, fraction)
    }

    /// The outcome at a [`place`](Self::place).
    #[inline]
    pub(crate) fn outcome(&self, start: usize, index: usize, fraction: u32) -> usize {
        Column::of_word(self.words[start + index]).outcome(index, fraction)
    }
}

/// Where rows of these lengths start in one flat array, and where the last ends.
pub(crate) fn row_starts(rows: usize, length: impl Fn(usize) -> usize + Sync) -> Vec<usize> {
    let mut starts = vec![0; rows + 1];
    fill_by(&mut starts[1..], ROWS_A_PART, length);
    for row in 0..rows {
        starts[row + 1] += starts[row];
    }
    starts
}

/// Fills every row of a flat array, in parallel: `fill(room, row, items)`.
pub(crate) fn for_each_row<T: Send, R>(
    items: &mut [T],
    starts: &[usize],
    room: impl Fn() -> R + Sync + Send,
    fill: impl Fn(&mut R, usize, &mut [T]) + Sync,
) {
    let rows = starts.len() - 1;
    let mut rest = items;
    let tasks: Vec<(usize, &mut [T])> = (0..rows)
        .step_by(ROWS_A_PART)
        .map(|first| {
            let length = starts[rows.min(first + ROWS_A_PART)] - starts[first];
            let (task, others) = std::mem::take(&mut rest).split_at_mut(length);
            rest = others;
            (first, task)
        })
        .collect();
    tasks.into_par_iter().for_each_init(room, |room, (first, mut items)| {
        for (row, bounds) in starts[first..].windows(2).take(ROWS_A_PART).enumerate() {
            let (row_items, others) = std::mem::take(&mut items).split_at_mut(bounds[1] - bounds[0]);
            items = others;
            fill(room, first + row, row_items);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prob::{AliasTable, stream};

    #[test]
    fn rows_of_all_lengths_draw_as_tables_of_their_own() {
        let rows = 3 * ROWS_A_PART + 5;
        let length = |row: usize| row % 7 + 1;
        let weight = |row: usize, outcome: usize| ((row * 31 + outcome * 17) % 11) as f64 + 0.25;
        let tables = AliasRows::tabulate(rows, length, |row, weights| {
            weights.extend((0..length(row)).map(|outcome| weight(row, outcome)));
        });
        assert_eq!(tables.rows(), rows);
        for row in 0..rows {
            let weights: Vec<f64> = (0..length(row)).map(|outcome| weight(row, outcome)).collect();
            let alone = AliasTable::new(&weights);
            let (mut one, mut other) = (stream(1, row as u64), stream(1, row as u64));
            assert!((0..50).all(|_| tables.draw(row, &mut one) == alone.draw(&mut other)), "row {row}");
        }
    }

    #[test]
    #[should_panic(expected = "a column for every outcome")]
    fn fewer_weights_than_announced_are_a_broken_contract() {
        AliasRows::tabulate(1, |_| 3, |_, weights| weights.push(1.0));
    }
}
