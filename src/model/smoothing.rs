//! How probability is shared with what did not occur.

use crate::error::{Error, Result};

/// How an n-gram model shares probability with what did not occur.
///
/// Write `n(c v)` for how often token `v` followed the context `c`, `n(c)` for
/// the sum over `v`, `T(c)` for the number of different tokens that followed,
/// `c'` for `c` without its oldest token, and V' for the number of tokens that
/// may be generated: all but `<s>`, which no law ever gives a positive probability.
///
/// Witten–Bell, absolute discounting and the Kneser–Ney methods are
/// interpolated: the law of the shorter context is mixed in, down to the
/// uniform law `1/V'` below the empty context. Katz backs off: the law of the
/// shorter context serves what did not occur, and nothing else. In either case a
/// context that did not occur takes the law of the shorter one.
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
    /// Absolute discounting, with a discount `D = n1 / (n1 + 2 n2)` for each
    /// length, of continuation counts
    /// ([`NgramCounts::continuation_counts`](crate::ngram::NgramCounts::continuation_counts)).
    ///
    /// Kneser & Ney 1995, interpolated as by Chen & Goodman 1998.
    KneserNey,
    /// As Kneser–Ney, with three discounts for each length, of what is counted
    /// once, twice, and three times or more:
    /// `D_k = k - (k + 1) Y t_(k+1) / t_k`, `Y = t1 / (t1 + 2 t2)`, where `t_k`
    /// n-grams are counted k times.
    ///
    /// Chen & Goodman 1998, section 3; the method and the conventions of
    /// KenLM's `lmplz` (Heafield et al. 2013).
    ModifiedKneserNey,
    /// `d_r r / n(c)` for what occurred `r = n(c v)` times, Good–Turing
    /// discounts `d_r` up to a largest count and none beyond; what they leave
    /// goes to what did not occur, in proportion to `p(v | c')`.
    ///
    /// Katz 1987. Tokens that did not occur at all share what the single
    /// tokens leave; where all occurred, single tokens are not discounted.
    Katz {
        /// The largest count that is discounted; Katz took 5.
        largest: u32,
    },
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

/// The largest count that Katz smoothing can be asked to discount.
const MAX_DISCOUNTED: u32 = 1000;

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
            Self::Katz { largest } if !(1..=MAX_DISCOUNTED).contains(&largest) => {
                Err(Error::InvalidSetting {
                    name: "the largest count that is discounted",
                    value: f64::from(largest),
                    requirement: "from 1 to 1000",
                })
            }
            _ => Ok(()),
        }
    }
}
