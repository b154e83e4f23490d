//! Alias tables of laws over the same number of outcomes.

use rand::Rng;
use rayon::prelude::*;

use super::{Column, ColumnFiller, place_in};
use crate::prob::{LANES, StreamRng};

/// Columns that one task fills, about.
const COLUMNS: usize = 1 << 12;

/// Alias tables of many laws over the same outcomes, one after another in one
/// flat array (Walker 1977; construction of Vose 1991): 8 bytes an outcome, and
/// nothing else.
///
/// Each law is moved by at most 2^-33 in total variation; an outcome of
/// probability zero is never drawn.
#[derive(Debug, Clone)]
pub struct AliasGrid {
    words: Vec<u64>,
    outcomes: usize,
}

impl AliasGrid {
    /// Bytes that the tables take.
    pub fn bytes(rows: usize, outcomes: usize) -> u128 {
        size_of::<u64>() as u128 * rows as u128 * outcomes as u128
    }

    /// The tables of `rows` laws over `outcomes` outcomes, whose weights `write`
    /// writes: `write(row, weights)`. They need not sum to one. In parallel.
    ///
    /// # Panics
    ///
    /// If there are no outcomes, or 2^32 or more; if no weight of a law is
    /// positive, or one is negative or not finite.
    #[track_caller]
    pub fn tabulate(rows: usize, outcomes: usize, write: impl Fn(usize, &mut [f64]) + Sync) -> Self {
        assert!(outcomes > 0, "a law has outcomes");
        let mut words = vec![0; rows * outcomes];
        let at_once = (COLUMNS / outcomes).max(1);
        let room = || (ColumnFiller::default(), vec![0.0; outcomes]);
        words.par_chunks_mut(at_once * outcomes).enumerate().for_each_init(
            room,
            |(filler, weights), (chunk, words)| {
                for (row, words) in words.chunks_exact_mut(outcomes).enumerate() {
                    write(chunk * at_once + row, weights);
                    filler.fill(weights, words);
                }
            },
        );
        Self { words, outcomes }
    }

    /// Draws an outcome of a law.
    ///
    /// # Panics
    ///
    /// If there is no such law.
    #[track_caller]
    #[inline]
    pub fn draw(&self, row: usize, rng: &mut StreamRng) -> usize {
        let (index, fraction) = place_in(self.outcomes, rng.next_u64());
        self.outcome(row * self.outcomes + index, index, fraction)
    }

    /// Draws an outcome of the law of every row: first all places are found,
    /// then all are read, so that the reads wait for memory together.
    ///
    /// # Panics
    ///
    /// If there are more than [`LANES`] rows, or not as many generators and outcomes.
    #[inline]
    pub(crate) fn draw_each(&self, rows: &[u32], rngs: &mut [StreamRng], outcomes: &mut [u32]) {
        let n = rows.len();
        let (rngs, outcomes) = (&mut rngs[..n], &mut outcomes[..n]);
        let mut drawn = [(0, 0, 0); LANES];
        let drawn = &mut drawn[..n];
        for ((drawn, &row), rng) in drawn.iter_mut().zip(rows).zip(rngs) {
            let (index, fraction) = place_in(self.outcomes, rng.next_u64());
            *drawn = (row as usize * self.outcomes + index, index, fraction);
        }
        for (outcome, &(place, index, fraction)) in outcomes.iter_mut().zip(&*drawn) {
            *outcome = self.outcome(place, index, fraction) as u32;
        }
    }

    #[inline]
    fn outcome(&self, place: usize, index: usize, fraction: u32) -> usize {
        Column::of_word(self.words[place]).outcome(index, fraction)
    }
}
