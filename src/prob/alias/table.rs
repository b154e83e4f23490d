//! The alias table of one law.

use rand::Rng;

use super::{Column, ColumnFiller, place_in};
use crate::prob::StreamRng;

/// The alias table of one law (Walker 1977; construction of Vose 1991): 8 bytes an outcome.
///
/// The law is moved by at most 2^-33 in total variation; an outcome of
/// probability zero is never drawn.
#[derive(Debug, Clone)]
pub struct AliasTable {
    words: Vec<u64>,
}

impl AliasTable {
    /// The table of a law, or of weights that need not sum to one.
    ///
    /// # Panics
    ///
    /// If no weight is positive, or one is negative or not finite, or there are
    /// 2^32 or more.
    #[track_caller]
    pub fn new(weights: &[f64]) -> Self {
        let mut words = vec![0; weights.len()];
        ColumnFiller::default().fill(weights, &mut words);
        Self { words }
    }

    /// Bytes that the table of a law with this many outcomes takes.
    pub fn bytes(outcomes: usize) -> u128 {
        size_of::<u64>() as u128 * outcomes as u128
    }

    /// Draws an outcome.
    pub fn draw(&self, rng: &mut StreamRng) -> usize {
        let (index, fraction) = place_in(self.words.len(), rng.next_u64());
        Column::of_word(self.words[index]).outcome(index, fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prob::stream;

    #[test]
    fn the_only_possible_outcome_is_always_drawn() {
        let table = AliasTable::new(&[0.0, 0.0, 1e-300, 0.0]);
        let mut rng = stream(7, 0);
        assert!((0..1000).all(|_| table.draw(&mut rng) == 2));
    }
}
