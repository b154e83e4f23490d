//! How far the tokens of two pieces of text are apart.

use crate::error::{Error, Result};
use crate::prob::{hellinger, jensen_shannon, total_variation};
use crate::text::Token;

/// A distance between the frequencies of tokens in two pieces of text.
///
/// All three are between 0 and 1, and are plug-in values: frequencies stand for
/// probabilities. That makes them larger than they ought to be, for two pieces of one law
/// differ by chance: over two windows of `n` independent draws from `V` equally likely tokens the
/// mean Jensen-Shannon divergence is about `(V - 1) / (4 n ln 2)` bits, not 0. Compare
/// with a [`DriftBand`](super::DriftBand), never with 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TextDistance {
    /// Jensen-Shannon divergence with equal weights (Lin 1991), in bits.
    #[default]
    JensenShannon,
    /// Total variation: half the L1 distance.
    TotalVariation,
    /// Hellinger distance.
    Hellinger,
}

impl TextDistance {
    /// The distance between two pieces of text, of any lengths. `O(tokens log tokens)`.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyText`] if one of them has no tokens.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::drift::TextDistance;
    ///
    /// let apart = TextDistance::TotalVariation.between(&[0, 0, 1, 1], &[1, 2])?;
    /// assert_eq!(apart, 0.5);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn between(self, one: &[Token], other: &[Token]) -> Result<f64> {
        if one.is_empty() || other.is_empty() {
            return Err(Error::EmptyText);
        }
        let compact = Compact::of([one, other].into_iter().flatten().copied());
        let (one, other) = (compact.numbered(one), compact.numbered(other));
        Ok(Frequencies::new(compact.distinct()).apart(self, &one, &other))
    }

    fn of(self, p: &[f64], q: &[f64]) -> f64 {
        match self {
            Self::JensenShannon => jensen_shannon(p, q),
            Self::TotalVariation => total_variation(p, q),
            Self::Hellinger => hellinger(p, q),
        }
    }
}

/// The tokens that occur, numbered in ascending order.
pub(super) struct Compact(Vec<Token>);

impl Compact {
    pub(super) fn of(tokens: impl Iterator<Item = Token>) -> Self {
        let mut tokens: Vec<Token> = tokens.collect();
        tokens.sort_unstable();
        tokens.dedup();
        Self(tokens)
    }

    pub(super) fn distinct(&self) -> usize {
        self.0.len()
    }

    /// The tokens, by number.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.0
    }

    /// A text of tokens that all occur, as their numbers.
    pub(super) fn numbered(&self, text: &[Token]) -> Vec<u32> {
        text.iter().map(|token| self.0.partition_point(|other| other < token) as u32).collect()
    }
}

/// Room to count tokens in: one place for each that occurs.
#[derive(Clone)]
pub(super) struct Frequencies {
    counts: Vec<[u32; 2]>,
    met: Vec<u32>,
    laws: [Vec<f64>; 2],
}

impl Frequencies {
    pub(super) fn new(distinct: usize) -> Self {
        Self { counts: vec![[0; 2]; distinct], met: Vec::new(), laws: [Vec::new(), Vec::new()] }
    }

    /// The distance between two pieces of numbered text.
    pub(super) fn apart(&mut self, distance: TextDistance, one: &[u32], other: &[u32]) -> f64 {
        self.count(one, 0);
        self.count(other, 1);
        let sizes = [one.len() as f64, other.len() as f64];
        for (side, law) in self.laws.iter_mut().enumerate() {
            law.clear();
            law.extend(
                self.met.iter().map(|&token| f64::from(self.counts[token as usize][side]) / sizes[side]),
            );
        }
        self.clear();
        distance.of(&self.laws[0], &self.laws[1])
    }

    /// The distance of a piece of numbered text from a law given by number.
    ///
    /// What the law says of tokens that the piece does not have is one entry:
    /// each of the distances adds such tokens up in proportion to their probability.
    pub(super) fn apart_from_law(&mut self, distance: TextDistance, piece: &[u32], law: &[f64]) -> f64 {
        self.count(piece, 0);
        let [found, expected] = &mut self.laws;
        found.clear();
        expected.clear();
        let size = piece.len() as f64;
        found.extend(self.met.iter().map(|&token| f64::from(self.counts[token as usize][0]) / size));
        expected.extend(self.met.iter().map(|&token| law[token as usize]));
        let rest = (1.0 - expected.iter().sum::<f64>()).max(0.0);
        found.push(0.0);
        expected.push(rest);
        self.clear();
        distance.of(&self.laws[0], &self.laws[1])
    }

    fn count(&mut self, piece: &[u32], side: usize) {
        for &token in piece {
            let counts = &mut self.counts[token as usize];
            if *counts == [0; 2] {
                self.met.push(token);
            }
            counts[side] += 1;
        }
    }

    fn clear(&mut self) {
        self.met.drain(..).for_each(|token| self.counts[token as usize] = [0; 2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [TextDistance; 3] =
        [TextDistance::JensenShannon, TextDistance::TotalVariation, TextDistance::Hellinger];

    #[test]
    fn distances_are_those_of_the_laws() {
        // (3/4, 1/4, 0) against (0, 1/2, 1/2).
        let (p, q) = ([0.75, 0.25, 0.0], [0.0, 0.5, 0.5]);
        let pieces: (&[Token], &[Token]) = (&[9, 4, 9, 9], &[70, 4]);
        for (distance, expected) in
            ALL.into_iter().zip([jensen_shannon(&p, &q), total_variation(&p, &q), hellinger(&p, &q)])
        {
            assert!((distance.between(pieces.0, pieces.1).unwrap() - expected).abs() < 1e-15);
            assert_eq!(distance.between(pieces.0, &[9, 9, 4, 9, 9, 9, 4, 9]).unwrap(), 0.0);
        }
        assert!(matches!(ALL[0].between(&[], &[1]), Err(Error::EmptyText)));
    }

    #[test]
    fn a_law_over_more_tokens_is_compared_as_a_whole() {
        let law = [0.1, 0.2, 0.3, 0.25, 0.15];
        let piece = [1, 3, 3, 1, 1];
        let frequencies = [0.0, 0.6, 0.0, 0.4, 0.0];
        for distance in ALL {
            let found = Frequencies::new(5).apart_from_law(distance, &piece, &law);
            assert!((found - distance.of(&frequencies, &law)).abs() < 1e-15, "{distance:?}");
        }
    }

    #[test]
    fn the_bias_of_two_windows_of_eight_fair_bits_is_the_known_one() {
        // Case C39 of the reference cases, by enumeration.
        let bits = |word: u32| (0..8).map(|place| word >> place & 1).collect::<Vec<_>>();
        let words: Vec<Vec<u32>> = (0..256).map(bits).collect();
        let mut room = Frequencies::new(2);
        let mut sum = 0.0;
        for one in &words {
            for other in &words {
                sum += room.apart(TextDistance::JensenShannon, one, other);
            }
        }
        assert!((sum / 65_536.0 - 0.050_919_363_728_694_69).abs() < 1e-12);
    }
}
