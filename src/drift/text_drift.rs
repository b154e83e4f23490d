//! Drift along a text, and what of it is more than chance.

use super::TextDistance;
use super::band::{DriftBand, DriftNull, Shuffling};
use super::windows::{NumberedText, Windows};
use crate::error::Result;
use crate::prob::Law;
use crate::solve::{Observer, Silent};
use crate::text::Token;

/// What the windows of a text are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum DriftReference<'a> {
    /// The window just before: where does the text change?
    #[default]
    Before,
    /// The first window: how far has the text come?
    First,
    /// A law over the tokens of the vocabulary, such as the stationary law of a chain's newest
    /// token: how far off is the text? The distances say so; the band, made of the same tokens
    /// in another order, only says where along the text that is more or less than elsewhere.
    Law(&'a Law),
}

/// How to measure drift along a text, given or sampled.
///
/// Every `stride` tokens, a window is compared with the reference. The same is
/// done to shuffled texts; where the text differs by more than almost all of these do
/// *anywhere*, it has changed.
///
/// A text that does drift is shuffled into one whose every window is a mixture of all
/// that it drifts through. The windows of a mixture have more different tokens than those of
/// any part, so they differ by more: against a text of very different parts, small changes
/// within a part go unnoticed. Measure the parts by themselves.
///
/// # Example
///
/// ```
/// use lmchain::drift::{DriftNull, TextDriftSettings};
///
/// // Two tokens in turn, then two others.
/// let text: Vec<u32> = (0..400).map(|i| i % 2 + if i < 210 { 0 } else { 2 }).collect();
/// let settings = TextDriftSettings::new(50).stride(10).null(DriftNull::Blocks(5));
/// let drift = settings.measure(&text)?;
/// assert_eq!(drift.changes.len(), 1);
/// assert_eq!((drift.changes[0].position, drift.changes[0].distance), (210, 1.0));
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextDriftSettings<'a> {
    window: usize,
    stride: Option<usize>,
    distance: TextDistance,
    reference: DriftReference<'a>,
    null: Option<DriftNull<'a>>,
    permutations: usize,
    level: f64,
    seed: u64,
}

impl<'a> TextDriftSettings<'a> {
    /// Windows of so many tokens, each compared with the one before by
    /// Jensen-Shannon divergence; 199 texts with blocks of about the root of the window shuffled;
    /// level 0.05; seed 0.
    pub fn new(window: usize) -> Self {
        Self {
            window,
            stride: None,
            distance: TextDistance::default(),
            reference: DriftReference::default(),
            null: None,
            permutations: 199,
            level: 0.05,
            seed: 0,
        }
    }

    /// Tokens from one window to the next; at first, a window. A shorter stride finds
    /// changes in the middle of a window, and where they are more exactly.
    #[must_use]
    pub fn stride(mut self, stride: usize) -> Self {
        self.stride = Some(stride);
        self
    }

    /// The distance.
    #[must_use]
    pub fn distance(mut self, distance: TextDistance) -> Self {
        self.distance = distance;
        self
    }

    /// What the windows are compared with.
    #[must_use]
    pub fn reference(mut self, reference: DriftReference<'a>) -> Self {
        self.reference = reference;
        self
    }

    /// What is shuffled.
    #[must_use]
    pub fn null(mut self, null: DriftNull<'a>) -> Self {
        self.null = Some(null);
        self
    }

    /// Number of shuffled texts: at least `1 / level - 1`, and `2 / level - 1` over the number of windows.
    #[must_use]
    pub fn permutations(mut self, permutations: usize) -> Self {
        self.permutations = permutations;
        self
    }

    /// The probability that a change is found anywhere in a text that has none.
    #[must_use]
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    /// The seed of the shuffling.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Measures a text. `O(permutations · windows · window)`, in parallel; tokens that are
    /// left over at the end are shuffled with the others, but not looked at.
    ///
    /// # Errors
    ///
    /// [`MustBePositive`](crate::Error::MustBePositive) for windows, strides or blocks of no tokens;
    /// [`TextTooShort`](crate::Error::TextTooShort) for less than two windows, or one if
    /// the reference is a law; [`InvalidSetting`](crate::Error::InvalidSetting) for a level outside
    /// `(0, 1)` or too few permutations for it; [`LengthMismatch`](crate::Error::LengthMismatch) for
    /// pieces that do not make up the text; [`TokenOutOfRange`](crate::Error::TokenOutOfRange) for a
    /// token that the law of reference does not have;
    /// [`TooExpensive`](crate::Error::TooExpensive), [`TooLarge`](crate::Error::TooLarge).
    pub fn measure(&self, text: &[Token]) -> Result<TextDrift> {
        self.measure_watched(text, &mut Silent)
    }

    /// As [`measure`](Self::measure), watched.
    ///
    /// # Errors
    ///
    /// As above, and [`Cancelled`](crate::Error::Cancelled).
    pub fn measure_watched(&self, text: &[Token], observer: &mut dyn Observer) -> Result<TextDrift> {
        let from_start = matches!(self.reference, DriftReference::Law(_));
        let windows = Windows::new(text.len(), self.window, self.stride.unwrap_or(self.window), from_start)?;
        let numbered = NumberedText::new(text, self.reference)?;
        let null = self.null.unwrap_or(DriftNull::Blocks(self.window.isqrt()));
        let shuffling =
            Shuffling { null, permutations: self.permutations, level: self.level, seed: self.seed };
        let band = shuffling.band(&numbered, &windows, self.distance, observer)?;
        let distances = numbered.distances(&windows, self.distance, &numbered.tokens, &mut numbered.room());
        let positions: Vec<usize> = windows.positions().collect();
        let found = match self.reference {
            DriftReference::Before => peaks(&positions, &distances, band.threshold, self.window),
            _ => crossings(&distances, band.threshold),
        };
        let change = |place: usize| {
            let (position, distance) = (positions[place], distances[place]);
            ChangePoint { position, distance, p_value: band.p_value(distance) }
        };
        let changes = found.into_iter().map(change).collect();
        Ok(TextDrift { window: self.window, positions, distances, band, changes })
    }
}

/// Drift along a text.
#[derive(Debug, Clone, PartialEq)]
pub struct TextDrift {
    /// Tokens a window.
    pub window: usize,
    /// The positions of the windows: that of the first token of each.
    pub positions: Vec<usize>,
    /// The distance of each window from the reference.
    pub distances: Vec<f64>,
    /// What chance makes of it.
    pub band: DriftBand,
    /// Where the text changed, in the order of the text.
    ///
    /// Compared with the window before: the largest distances above the threshold, of
    /// which no two are within a window of each other; a change in the
    /// middle of a window raises the distances on both sides of it. Compared with the first window or a
    /// law: where the distance rises above the threshold, or is back below it for the first time.
    pub changes: Vec<ChangePoint>,
}

/// A place where a text changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The position of the first token of the window that differs.
    pub position: usize,
    /// Its distance from the reference.
    pub distance: f64,
    /// The probability of such a distance anywhere in a text that does not
    /// drift ([`DriftBand::p_value`]).
    pub p_value: f64,
}

/// The largest distances above a threshold that are more than a window apart.
fn peaks(positions: &[usize], distances: &[f64], threshold: f64, window: usize) -> Vec<usize> {
    let mut above: Vec<usize> = (0..distances.len()).filter(|&place| distances[place] > threshold).collect();
    above.sort_by(|&a, &b| distances[b].total_cmp(&distances[a]).then(a.cmp(&b)));
    let mut kept: Vec<usize> = Vec::new();
    for place in above {
        if kept.iter().all(|&other| positions[place].abs_diff(positions[other]) > window) {
            kept.push(place);
        }
    }
    kept.sort_unstable();
    kept
}

/// Where distances get above a threshold, and below it again.
fn crossings(distances: &[f64], threshold: f64) -> Vec<usize> {
    let above = |place: usize| distances[place] > threshold;
    (0..distances.len()).filter(|&place| above(place) != (place > 0 && above(place - 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_change_is_marked_once() {
        let positions = [10, 20, 30, 40, 50, 60];
        let distances = [0.1, 0.6, 0.7, 0.65, 0.1, 0.8];
        assert_eq!(peaks(&positions, &distances, 0.5, 10), [2, 5]);
        assert_eq!(peaks(&positions, &distances, 0.5, 5), [1, 2, 3, 5]);
        assert_eq!(peaks(&positions, &distances, 0.9, 10), [0; 0]);
        assert_eq!(crossings(&distances, 0.5), [1, 4, 5]);
        assert_eq!(crossings(&distances, 0.05), [0]);
    }
}
