//! Drift along a text, window by window.

use super::text_distance::{Compact, Frequencies};
use super::{DriftReference, TextDistance};
use crate::error::{Error, Result};
use crate::text::Token;

/// How the use of tokens changes from one window of a text to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowDrift {
    /// Tokens a window.
    pub window: usize,
    /// Jensen–Shannon divergence between the token frequencies of windows `i`
    /// and `i + 1`, in bits; biased upwards, see [`TextDistance`].
    pub adjacent: Vec<f64>,
}

impl WindowDrift {
    /// The boundaries with the most drift, most first: the position in the text
    /// of the first token of the later window, and the drift there.
    pub fn strongest(&self, count: usize) -> Vec<(usize, f64)> {
        let mut order: Vec<usize> = (0..self.adjacent.len()).collect();
        order.sort_by(|&a, &b| self.adjacent[b].total_cmp(&self.adjacent[a]).then(a.cmp(&b)));
        order.into_iter().take(count).map(|i| ((i + 1) * self.window, self.adjacent[i])).collect()
    }
}

/// Drift between adjacent windows of `window` tokens; what is left over at the
/// end of the text is not looked at. `O(tokens log tokens)`.
///
/// [`TextDriftSettings`](super::TextDriftSettings) has other distances and references, and tells what is
/// more than chance.
///
/// # Errors
///
/// [`Error::MustBePositive`] for windows of no tokens, [`Error::TextTooShort`]
/// for a text shorter than two windows.
pub fn window_drift(text: &[Token], window: usize) -> Result<WindowDrift> {
    let windows = Windows::new(text.len(), window, window, false)?;
    let numbered = NumberedText::new(text, DriftReference::Before)?;
    let mut room = numbered.room();
    let adjacent = numbered.distances(&windows, TextDistance::JensenShannon, &numbered.tokens, &mut room);
    Ok(WindowDrift { window, adjacent })
}

/// Where the windows lie that are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) window: usize,
    stride: usize,
    /// The first token of the first window that is compared with something.
    first: usize,
    pub(super) count: usize,
}

impl Windows {
    /// Windows every `stride` tokens; all of them, if the reference is a law, or those
    /// with a window before.
    pub(super) fn new(tokens: usize, window: usize, stride: usize, from_start: bool) -> Result<Self> {
        for (what, size) in [("window", window), ("stride", stride)] {
            if size == 0 {
                return Err(Error::MustBePositive { what });
            }
        }
        let first = if from_start { 0 } else { window };
        let needed = first.saturating_add(window);
        match tokens.checked_sub(needed) {
            Some(rest) => Ok(Self { window, stride, first, count: rest / stride + 1 }),
            None => Err(Error::TextTooShort { needed }),
        }
    }

    /// The positions of the first tokens of the windows.
    pub(super) fn positions(&self) -> impl ExactSizeIterator<Item = usize> + use<> {
        let Self { stride, first, count, .. } = *self;
        (0..count).map(move |place| first + place * stride)
    }
}

/// A text in the numbers of the tokens that occur, and what its windows are compared with.
pub(super) struct NumberedText<'a> {
    pub(super) tokens: Vec<u32>,
    distinct: usize,
    reference: DriftReference<'a>,
    /// What the law of the reference says of the tokens that occur.
    law: Vec<f64>,
}

impl<'a> NumberedText<'a> {
    /// # Errors
    ///
    /// [`Error::TokenOutOfRange`] for a token that the law of the reference does not have.
    pub(super) fn new(text: &[Token], reference: DriftReference<'a>) -> Result<Self> {
        let compact = Compact::of(text.iter().copied());
        let mut law = Vec::new();
        if let DriftReference::Law(over_tokens) = reference {
            let probability = |&token: &Token| {
                let found = over_tokens.get(token as usize).copied();
                found.ok_or(Error::TokenOutOfRange { token, vocabulary_size: over_tokens.len() })
            };
            law = compact.tokens().iter().map(probability).collect::<Result<_>>()?;
        }
        Ok(Self { tokens: compact.numbered(text), distinct: compact.distinct(), reference, law })
    }

    pub(super) fn room(&self) -> Frequencies {
        Frequencies::new(self.distinct)
    }

    /// The distances of all windows of a text of these tokens from the reference.
    pub(super) fn distances(
        &self,
        windows: &Windows,
        distance: TextDistance,
        text: &[u32],
        room: &mut Frequencies,
    ) -> Vec<f64> {
        let window = windows.window;
        let apart = |position: usize| {
            let later = &text[position..position + window];
            match self.reference {
                DriftReference::Before => room.apart(distance, &text[position - window..position], later),
                DriftReference::First => room.apart(distance, &text[..window], later),
                DriftReference::Law(_) => room.apart_from_law(distance, later, &self.law),
            }
        };
        windows.positions().map(apart).collect()
    }
}
