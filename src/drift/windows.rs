//! Drift along a text.

use crate::error::{Error, Result};
use crate::text::Token;

/// How the use of tokens changes from one window of a text to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowDrift {
    /// Tokens a window.
    pub window: usize,
    /// Jensen–Shannon divergence between the token frequencies of windows `i`
    /// and `i + 1`, in bits.
    ///
    /// Plug-in, so biased upwards: two windows of `n` independent draws from
    /// one law over `V` equally likely tokens are about `(V - 1) / (4 n ln 2)` apart.
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
/// end of the text is not looked at. `O(tokens log window)`.
///
/// # Errors
///
/// [`Error::MustBePositive`] for windows of no tokens, [`Error::TextTooShort`]
/// for a text shorter than two windows.
pub fn window_drift(text: &[Token], window: usize) -> Result<WindowDrift> {
    if window == 0 {
        return Err(Error::MustBePositive { what: "window" });
    }
    if text.len() / 2 < window {
        return Err(Error::TextTooShort { needed: window.saturating_mul(2) });
    }
    let counts: Vec<_> = text.chunks_exact(window).map(counted).collect();
    let adjacent = counts.windows(2).map(|pair| divergence(&pair[0], &pair[1], window)).collect();
    Ok(WindowDrift { window, adjacent })
}

/// Tokens with their counts, ascending, so that sums run in a fixed order.
fn counted(window: &[Token]) -> Vec<(Token, u64)> {
    let mut sorted = window.to_vec();
    sorted.sort_unstable();
    sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)).collect()
}

/// Jensen–Shannon divergence of two windows, merging their sorted counts.
fn divergence(a: &[(Token, u64)], b: &[(Token, u64)], window: usize) -> f64 {
    let mut tokens: Vec<(Token, u64, u64)> = a.iter().map(|&(token, count)| (token, count, 0)).collect();
    tokens.extend(b.iter().map(|&(token, count)| (token, 0, count)));
    tokens.sort_unstable_by_key(|&(token, ..)| token);
    let merged = tokens
        .chunk_by(|x, y| x.0 == y.0)
        .map(|group| group.iter().fold((0, 0), |(p, q), &(_, first, second)| (p + first, q + second)));
    let n = window as f64;
    let (p, q): (Vec<f64>, Vec<f64>) = merged.map(|(p, q)| (p as f64 / n, q as f64 / n)).unzip();
    crate::prob::jensen_shannon(&p, &q)
}
