//! How much drift chance alone makes.

use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::TextDistance;
use super::windows::{NumberedText, Windows};
use crate::error::{Error, Result};
use crate::prob::stream;
use crate::solve::{MEMORY_LIMIT, Observer, check_memory, check_operations, report};

/// What is shuffled to see how much drift there is in a text that does not drift.
///
/// Each is a null hypothesis: that the pieces could have come in any order. The
/// band is right for a text of which that holds, whatever else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DriftNull<'a> {
    /// Single tokens are exchangeable. Real text is not like that even where it
    /// does not drift (words come in clusters), so its distances exceed this band.
    Tokens,
    /// Blocks of so many tokens are exchangeable; within them, order and clusters
    /// are kept. Blocks should be longer than the correlation between tokens, and
    /// many to a window.
    Blocks(usize),
    /// Pieces of these lengths are exchangeable, such as the documents of a corpus. They
    /// make up the text.
    Pieces(&'a [usize]),
}

impl DriftNull<'_> {
    /// The pieces of a text, each from a token up to another.
    fn pieces(&self, tokens: usize) -> Result<Vec<(usize, usize)>> {
        match *self {
            Self::Tokens => Self::Blocks(1).pieces(tokens),
            Self::Blocks(0) => Err(Error::MustBePositive { what: "length of a block" }),
            Self::Blocks(length) => {
                Ok((0..tokens).step_by(length).map(|from| (from, tokens.min(from + length))).collect())
            }
            Self::Pieces(lengths) => {
                let whole = lengths.iter().try_fold(0usize, |whole, &length| whole.checked_add(length));
                if whole != Some(tokens) {
                    let found = whole.unwrap_or(usize::MAX);
                    return Err(Error::LengthMismatch { expected: tokens, found });
                }
                let piece = |end: &mut usize, &length: &usize| {
                    let from = *end;
                    *end += length;
                    Some((from, *end))
                };
                Ok(lengths.iter().scan(0, piece).collect())
            }
        }
    }
}

/// The drift of a text whose pieces are shuffled: what a text that does not
/// drift shows by chance.
///
/// Shuffling keeps the tokens of the text. So the band tells whether the text changes *along
/// itself*, not whether it agrees with the reference: a text that is far from a law
/// ([`DriftReference::Law`](super::DriftReference::Law)), and equally far all the way, is far
/// from it however it is shuffled, and lies within its band.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftBand {
    /// The mean distance. It is not 0: see [`TextDistance`].
    pub mean: f64,
    /// A distance that one window of a text that does not drift falls short of
    /// with half the level as its probability.
    pub lower: f64,
    /// A distance that one window exceeds with half the level as its probability.
    pub upper: f64,
    /// A distance that *any* window of a whole text exceeds with at most the level
    /// as its probability.
    pub threshold: f64,
    /// The largest distance of each shuffled text, ascending.
    pub largest: Vec<f64>,
}

impl DriftBand {
    /// The probability that a text that does not drift shows such a distance
    /// anywhere: the p-value of a window, corrected for looking at all of them
    /// (Westfall & Young 1993). At least one over the number of shuffled texts plus one.
    pub fn p_value(&self, distance: f64) -> f64 {
        let below = self.largest.partition_point(|&largest| largest < distance);
        (1 + self.largest.len() - below) as f64 / (self.largest.len() + 1) as f64
    }
}

/// How a band is made.
pub(super) struct Shuffling<'a> {
    pub(super) null: DriftNull<'a>,
    pub(super) permutations: usize,
    pub(super) level: f64,
    pub(super) seed: u64,
}

/// Shuffled texts that are measured between two reports.
const BATCH: usize = 16;

impl Shuffling<'_> {
    /// Measures shuffled texts; the one numbered `i` draws from stream `i` of the seed.
    pub(super) fn band(
        &self,
        text: &NumberedText<'_>,
        windows: &Windows,
        distance: TextDistance,
        observer: &mut dyn Observer,
    ) -> Result<DriftBand> {
        self.check(windows)?;
        let pieces = self.null.pieces(text.tokens.len())?;
        let shuffled = |number: usize| {
            let mut order = pieces.clone();
            order.shuffle(&mut stream(self.seed, number as u64));
            order.iter().flat_map(|&(from, to)| &text.tokens[from..to]).copied().collect::<Vec<u32>>()
        };
        let mut distances = Vec::with_capacity(self.permutations * windows.count);
        for from in (0..self.permutations).step_by(BATCH) {
            report(observer, "shuffled texts", from as u64, Some(self.permutations as u64))?;
            let batch: Vec<Vec<f64>> = (from..self.permutations.min(from + BATCH))
                .into_par_iter()
                .map_init(|| text.room(), |room, i| text.distances(windows, distance, &shuffled(i), room))
                .collect();
            distances.extend(batch.into_iter().flatten());
        }
        Ok(self.summary(distances, windows.count))
    }

    fn check(&self, windows: &Windows) -> Result<()> {
        if !(self.level > 0.0 && self.level < 1.0) {
            let requirement = "above 0 and below 1";
            return Err(Error::InvalidSetting { name: "level", value: self.level, requirement });
        }
        let numbers = self.permutations as u128 * windows.count as u128;
        check_memory("the distances of shuffled texts", numbers * size_of::<f64>() as u128, MEMORY_LIMIT)?;
        // The threshold is a rank among the texts, the band one among their windows, on either side.
        let (texts, either) = (rank(self.level, self.permutations), rank(0.5 * self.level, numbers as usize));
        if self.permutations == 0 || texts == 0 || either == 0 {
            let (name, value) = ("permutations", self.permutations as f64);
            let requirement = "at least 1 / level - 1, and 2 / level - 1 in all windows together";
            return Err(Error::InvalidSetting { name, value, requirement });
        }
        let needed = numbers as f64 * 2.0 * windows.window as f64;
        check_operations("the shuffled texts", needed, "take fewer permutations, or a longer stride")
    }

    /// Reads the band off the distances of all shuffled texts, one text after another.
    fn summary(&self, mut distances: Vec<f64>, windows: usize) -> DriftBand {
        let largest = |text: &[f64]| text.iter().copied().fold(0.0, f64::max);
        let mut largest: Vec<f64> = distances.chunks_exact(windows).map(largest).collect();
        largest.sort_unstable_by(f64::total_cmp);
        let mean = distances.iter().sum::<f64>() / distances.len() as f64;
        distances.sort_unstable_by(f64::total_cmp);
        let tail = rank(0.5 * self.level, distances.len());
        DriftBand {
            mean,
            lower: distances[tail - 1],
            upper: distances[distances.len() - tail],
            threshold: largest[largest.len() - rank(self.level, largest.len())],
            largest,
        }
    }
}

/// How many of so many draws, and one more, a tail of this probability may hold.
fn rank(level: f64, draws: usize) -> usize {
    // A level of 0.05 is meant to allow one of 19 + 1, though 0.05 * 20 may round below 1.
    (level * (draws as f64 + 1.0) * (1.0 + 4.0 * f64::EPSILON)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_up_the_text() {
        assert_eq!(DriftNull::Blocks(3).pieces(7).unwrap(), [(0, 3), (3, 6), (6, 7)]);
        assert_eq!(DriftNull::Tokens.pieces(2).unwrap(), [(0, 1), (1, 2)]);
        assert_eq!(DriftNull::Pieces(&[4, 0, 3]).pieces(7).unwrap(), [(0, 4), (4, 4), (4, 7)]);
        let short = DriftNull::Pieces(&[4]).pieces(7);
        assert!(matches!(short, Err(Error::LengthMismatch { expected: 7, found: 4 })));
        let endless = DriftNull::Pieces(&[usize::MAX, 8]).pieces(7);
        assert!(matches!(endless, Err(Error::LengthMismatch { expected: 7, found: usize::MAX })));
        assert!(matches!(DriftNull::Blocks(0).pieces(7), Err(Error::MustBePositive { .. })));
    }

    #[test]
    fn a_distance_above_the_threshold_has_a_p_value_of_at_most_the_level() {
        let shuffling = Shuffling { null: DriftNull::Tokens, permutations: 19, level: 0.05, seed: 0 };
        let distances: Vec<f64> = (0..57).map(f64::from).collect();
        let band = shuffling.summary(distances, 3);
        assert_eq!((band.threshold, band.largest[0], band.mean), (56.0, 2.0, 28.0));
        assert_eq!((band.p_value(56.5), band.p_value(56.0), band.p_value(0.0)), (0.05, 0.1, 1.0));
        // One of 57 + 1 on either side is less than 0.025, two would be more.
        assert_eq!((band.lower, band.upper), (0.0, 56.0));
    }
}
