//! Whether text is a model's own, token by token.

use crate::error::{Error, Result};
use crate::prob::Law;
use crate::text::Token;

/// Tilts that the evidence is averaged over: `t` stands for the temperature
/// `1 / (1 - t)`. Large ones find gross deviations soon, small ones slight ones at all.
const TILTS: [f64; 14] =
    [-2.0, -1.0, -0.5, -0.25, -0.125, -0.0625, -0.03125, 0.015625, 0.03125, 0.0625, 0.125, 0.25, 0.5, 0.75];

/// Bits that the entropy of a law may be off: some thousand units for every bit.
const ROUNDING: f64 = 1e-12;

/// Watches whether the tokens of a text are drawn from the laws of a model.
///
/// On text that the model wrote, surprisal less entropy, `-log2 q(v) - H(q)`, has
/// mean zero given the past: it is a martingale difference (its mean goes
/// to zero: Bell, Mudireddy, Johnson-Eversoll, Dasgupta & Mudumbai 2024). Two figures are made of it.
///
/// - **Evidence**: `M_n`, the mean over some tilts `t` of
///   `product of q(v)^(-t) / sum over w of q(w)^(1 - t)`, the likelihood ratio of the model
///   at temperature `1 / (1 - t)` to the model itself. On the model's own text it
///   is a non-negative martingale that starts at 1, so by Ville's inequality (1939) it
///   ever reaches `1 / f` with probability at most `f`: at **any** time, looked at as often
///   as one likes, with no assumption on how large surprisals get.
/// - **z**: the sum of the differences divided by the root of the sum of their
///   variances, which is about standard normal after many tokens. That is a limit
///   theorem and no bound, for one look at a time fixed beforehand.
#[derive(Debug, Clone, PartialEq)]
pub struct SurprisalMonitor {
    tokens: usize,
    deviation: f64,
    variance: f64,
    /// `log2` of the likelihood ratio of every tilt.
    ratios: [f64; TILTS.len()],
}

impl Default for SurprisalMonitor {
    fn default() -> Self {
        Self::new()
    }
}

impl SurprisalMonitor {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self { tokens: 0, deviation: 0.0, variance: 0.0, ratios: [0.0; TILTS.len()] }
    }

    /// Takes in a token, and the law that the model had for it. `O(V)`.
    ///
    /// # Errors
    ///
    /// [`Error::TokenOutOfRange`], and as [`Law::new`] for what is no law.
    pub fn push(&mut self, law: &[f64], token: Token) -> Result<()> {
        let vocabulary_size = law.len();
        let &probability =
            law.get(token as usize).ok_or(Error::TokenOutOfRange { token, vocabulary_size })?;
        Law::check(law)?;
        self.add(&LawMoments::of(law), probability);
        Ok(())
    }

    pub(super) fn add(&mut self, moments: &LawMoments, probability: f64) {
        let surprisal = -probability.log2();
        self.tokens += 1;
        self.deviation += surprisal - moments.entropy;
        self.variance += moments.variance;
        for ((ratio, tilt), sum) in self.ratios.iter_mut().zip(TILTS).zip(moments.log_sums) {
            // An impossible token is proof, and nothing that follows takes it back.
            *ratio = if probability == 0.0 || *ratio == f64::INFINITY {
                f64::INFINITY
            } else {
                *ratio + tilt * surprisal - sum
            };
        }
    }

    /// Tokens read.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Sum of surprisal less entropy, in bits: above zero the text is more
    /// surprising than the model's own, below zero less.
    pub fn deviation(&self) -> f64 {
        self.deviation
    }

    /// Sum of the variances of the surprisals, in bits squared.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// The deviation in standard deviations; zero while it is rounding, as where
    /// all laws are uniform and no token is a surprise.
    pub fn z(&self) -> f64 {
        let rounding = ROUNDING * self.tokens as f64;
        if self.deviation.abs() <= rounding { 0.0 } else { self.deviation / self.variance.sqrt() }
    }

    /// The evidence against the text being the model's own: `log2 M_n`, in bits.
    pub fn evidence(&self) -> f64 {
        let top = self.ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if top.is_infinite() {
            return top;
        }
        let sum: f64 = self.ratios.iter().map(|ratio| (ratio - top).exp2()).sum();
        top + (sum / TILTS.len() as f64).log2()
    }

    /// The most false alarms that one raised now is consistent with: `min(1, 1 / M_n)`, a
    /// p-value at a time chosen in any way.
    pub fn p_value(&self) -> f64 {
        (-self.evidence()).exp2().min(1.0)
    }
}

/// What a law says of the surprisal of its tokens, in bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct LawMoments {
    entropy: f64,
    variance: f64,
    /// `log2` of the sum of `q^(1 - t)`, for every tilt.
    log_sums: [f64; TILTS.len()],
}

impl LawMoments {
    pub(super) fn of(law: &[f64]) -> Self {
        let possible = || law.iter().filter(|p| **p > 0.0).map(|&p| (p, -p.log2()));
        let entropy: f64 = possible().map(|(p, bits)| p * bits).sum();
        let variance = possible().map(|(p, bits)| p * (bits - entropy).powi(2)).sum();
        // q^(1 - t) is q 2^(t bits); the largest exponent is taken out.
        let log_sum = |tilt: f64| {
            let exponent = |(_, bits): (f64, f64)| (tilt - 1.0) * bits;
            let top = possible().map(exponent).fold(f64::NEG_INFINITY, f64::max);
            top + possible().map(|pair| (exponent(pair) - top).exp2()).sum::<f64>().log2()
        };
        Self { entropy, variance, log_sums: TILTS.map(log_sum) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_and_deviation_have_their_means_over_all_texts() {
        // All texts of three tokens from a law, weighted by their probabilities.
        let law = [0.6, 0.3, 0.1, 0.0];
        let (mut mass, mut evidence, mut deviation, mut square, mut variance) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for text in 0..27u32 {
            let tokens = [text % 3, text / 3 % 3, text / 9];
            let probability: f64 = tokens.iter().map(|&token| law[token as usize]).product();
            let mut monitor = SurprisalMonitor::new();
            tokens.iter().for_each(|&token| monitor.push(&law, token).unwrap());
            mass += probability;
            evidence += probability * monitor.evidence().exp2();
            deviation += probability * monitor.deviation();
            square += probability * monitor.deviation().powi(2);
            variance = monitor.variance();
        }
        assert!((mass - 1.0).abs() < 1e-15);
        assert!((evidence - 1.0).abs() < 1e-14, "{evidence}");
        assert!(deviation.abs() < 1e-14 && (square - variance).abs() < 1e-13);
    }

    #[test]
    fn an_impossible_token_is_proof() {
        let mut monitor = SurprisalMonitor::new();
        monitor.push(&[1.0, 0.0], 1).unwrap();
        monitor.push(&[0.5, 0.5], 1).unwrap();
        assert_eq!((monitor.evidence(), monitor.p_value()), (f64::INFINITY, 0.0));
        assert!(matches!(monitor.push(&[0.5, 0.5], 2), Err(Error::TokenOutOfRange { token: 2, .. })));
        assert!(matches!(monitor.push(&[0.5, 0.6], 0), Err(Error::NotNormalized { .. })));
    }
}
