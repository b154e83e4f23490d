//! From counts to laws.

use super::NgramCounts;
use crate::error::{Error, Result};
use crate::text::Token;

/// How an n-gram model shares probability with what did not occur.
///
/// Write `n(c v)` for how often token `v` followed the context `c`, `n(c)` for
/// the sum over `v`, `T(c)` for the number of different tokens that followed,
/// `c'` for `c` without its oldest token, and V' for the number of tokens that
/// may be generated: all but `<s>`, which no law ever gives a positive probability.
///
/// Witten–Bell and absolute discounting are interpolated: the law of the
/// shorter context is mixed in, down to the uniform law `1/V'` below the empty
/// context. A context that did not occur takes the law of the shorter one.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Smoothing {
    /// `n(c v) / n(c)`; no law in a context that did not occur.
    MaximumLikelihood,
    /// `(n(c v) + a) / (n(c) + a V')`, at the longest contexts only; uniform in
    /// a context that did not occur.
    Additive(f64),
    /// `(n(c v) + T(c) p(v | c')) / (n(c) + T(c))`.
    ///
    /// Witten & Bell 1991, method C, in the interpolated form.
    WittenBell,
    /// `(max(n(c v) - D, 0) + D T(c) p(v | c')) / n(c)`.
    ///
    /// Ney, Essen & Kneser 1994.
    AbsoluteDiscounting(Discount),
}

/// The discount of [`Smoothing::AbsoluteDiscounting`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Discount {
    /// The same for all context lengths, above 0 and at most 1.
    Given(f64),
    /// For each context length `n1 / (n1 + 2 n2)`, of the numbers of n-grams
    /// that occur once and twice. Neither may be zero.
    Estimated,
}

/// The largest summand of additive smoothing: beyond it, sums would overflow.
const MAX_SUMMAND: f64 = 1e100;

/// A smoothing with what it needs to give laws.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Smoother {
    smoothing: Smoothing,
    discounts: Vec<f64>,
    start: Option<Token>,
    /// V': how many tokens may be generated.
    generated: usize,
}

impl Smoothing {
    /// # Errors
    ///
    /// [`Error::InvalidSetting`].
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::Additive(value) if !(value > 0.0 && value <= MAX_SUMMAND) => Err(Error::InvalidSetting {
                name: "the summand of additive smoothing",
                value,
                requirement: "above 0 and at most 1e100",
            }),
            Self::AbsoluteDiscounting(Discount::Given(value)) if !(value > 0.0 && value <= 1.0) => {
                Err(Error::InvalidSetting { name: "discount", value, requirement: "above 0 and at most 1" })
            }
            _ => Ok(()),
        }
    }
}

impl Smoother {
    /// # Errors
    ///
    /// [`Error::InvalidSetting`]; [`Error::NoDiscount`].
    pub(super) fn new(smoothing: Smoothing, counts: &NgramCounts, start: Option<Token>) -> Result<Self> {
        smoothing.check()?;
        let lengths = 0..=counts.context_length();
        let discounts = match smoothing {
            Smoothing::AbsoluteDiscounting(Discount::Given(discount)) => lengths.map(|_| discount).collect(),
            Smoothing::AbsoluteDiscounting(Discount::Estimated) => {
                lengths.map(|length| estimate(counts, length)).collect::<Result<_>>()?
            }
            _ => Vec::new(),
        };
        let generated = counts.vocabulary_size() - usize::from(start.is_some());
        Ok(Self { smoothing, discounts, start, generated })
    }

    pub(super) fn smoothing(&self) -> Smoothing {
        self.smoothing
    }

    /// The discounts by context length; none without discounting.
    pub(super) fn discounts(&self) -> &[f64] {
        &self.discounts
    }

    /// Writes the law after a context of K tokens. Costs `O(K V)`.
    pub(super) fn write_law(&self, counts: &NgramCounts, context: &[Token], law: &mut [f64]) -> Result<()> {
        let uniform = 1.0 / self.generated as f64;
        match self.smoothing {
            Smoothing::MaximumLikelihood => {
                let after = counts.continuations(context).ok_or_else(|| unseen(context))?;
                law.fill(0.0);
                for (&token, &count) in after.tokens().iter().zip(after.counts()) {
                    law[token as usize] = count as f64 / after.total() as f64;
                }
            }
            Smoothing::Additive(summand) => match counts.continuations(context) {
                Some(after) => {
                    let total = after.total() as f64 + summand * self.generated as f64;
                    law.fill(summand / total);
                    for (&token, &count) in after.tokens().iter().zip(after.counts()) {
                        law[token as usize] = (count as f64 + summand) / total;
                    }
                }
                None => law.fill(uniform),
            },
            Smoothing::WittenBell | Smoothing::AbsoluteDiscounting(_) => {
                law.fill(uniform);
                // Never counted as a next token, so it stays at zero.
                self.forbid_start(law);
                for length in 0..=context.len() {
                    let Some(after) = counts.continuations(&context[context.len() - length..]) else { break };
                    let (discount, kept, total) = self.mix(length, after.distinct(), after.total());
                    law.iter_mut().for_each(|p| *p *= kept / total);
                    for (&token, &count) in after.tokens().iter().zip(after.counts()) {
                        law[token as usize] += (count as f64 - discount) / total;
                    }
                }
            }
        }
        self.forbid_start(law);
        Ok(())
    }

    /// The probability of one token after a context of K tokens. Costs `K`
    /// binary searches.
    pub(super) fn probability(&self, counts: &NgramCounts, context: &[Token], token: Token) -> Result<f64> {
        let uniform = 1.0 / self.generated as f64;
        if self.start == Some(token) {
            if self.smoothing == Smoothing::MaximumLikelihood && counts.continuations(context).is_none() {
                return Err(unseen(context));
            }
            return Ok(0.0);
        }
        match self.smoothing {
            Smoothing::MaximumLikelihood => {
                let after = counts.continuations(context).ok_or_else(|| unseen(context))?;
                Ok(after.count(token) as f64 / after.total() as f64)
            }
            Smoothing::Additive(summand) => Ok(match counts.continuations(context) {
                Some(after) => {
                    let total = after.total() as f64 + summand * self.generated as f64;
                    (after.count(token) as f64 + summand) / total
                }
                None => uniform,
            }),
            Smoothing::WittenBell | Smoothing::AbsoluteDiscounting(_) => {
                let mut p = uniform;
                for length in 0..=context.len() {
                    let Some(after) = counts.continuations(&context[context.len() - length..]) else { break };
                    let (discount, kept, total) = self.mix(length, after.distinct(), after.total());
                    p *= kept / total;
                    match after.count(token) {
                        0 => {}
                        count => p += (count as f64 - discount) / total,
                    }
                }
                Ok(p)
            }
        }
    }

    /// What is taken from every count, what goes to the shorter context, and
    /// the sum of both and the rest.
    fn mix(&self, length: usize, distinct: usize, total: u64) -> (f64, f64, f64) {
        match self.discounts.get(length) {
            Some(&discount) => (discount, discount * distinct as f64, total as f64),
            None => (0.0, distinct as f64, total as f64 + distinct as f64),
        }
    }

    fn forbid_start(&self, law: &mut [f64]) {
        if let Some(start) = self.start {
            law[start as usize] = 0.0;
        }
    }
}

fn unseen(context: &[Token]) -> Error {
    Error::UnseenContext { context: context.to_vec() }
}

/// `n1 / (n1 + 2 n2)`.
fn estimate(counts: &NgramCounts, context_length: usize) -> Result<f64> {
    let [once, twice, ..] = counts.counts_of_counts(context_length);
    if once == 0 || twice == 0 {
        return Err(Error::NoDiscount { context_length, once, twice });
    }
    Ok(once as f64 / (once as f64 + 2.0 * twice as f64))
}
