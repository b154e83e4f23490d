//! What is looked for.

use std::fmt;

use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::prob::Law;
use crate::text::{Token, sequence_count};

/// A model, a suffix, and what prefixes of it are looked for.
///
/// Only the last K tokens before the suffix count for its probability. A prefix
/// of fewer tokens is completed by a [`prompt`](Self::prompt), which is required
/// then.
///
/// # Example
///
/// ```
/// use lmchain::elicit::{Elicitation, ExactSearch};
/// use lmchain::model::TableModel;
///
/// // After 1 mostly 1, after 0 mostly 0.
/// let model = TableModel::from_rows(1, &[[0.9, 0.1], [0.2, 0.8]])?;
/// let task = Elicitation::new(&model, &[1, 1], 1);
/// let best = ExactSearch::new().search(&task)?;
/// assert_eq!(best.best().prefix, [1]);
/// assert!((best.best().suffix_loss + 0.8_f64.log2()).abs() < 1e-12);
///
/// // Right after a 0 the prefix 1 is rare: with a large weight on that, 0 is better.
/// let natural = task.prompt(&[0]).naturalness(2.0);
/// assert_eq!(ExactSearch::new().search(&natural)?.best().prefix, [0]);
/// # Ok::<(), lmchain::Error>(())
/// ```
pub struct Elicitation<'a, M: ?Sized> {
    pub(super) model: &'a M,
    pub(super) suffix: &'a [Token],
    pub(super) length: usize,
    pub(super) before: Before<'a>,
    pub(super) naturalness: f64,
}

/// What is known of the text before the prefix.
#[derive(Debug, Clone, Copy)]
pub(super) enum Before<'a> {
    Nothing,
    /// These tokens stand before it.
    Prompt(&'a [Token]),
    /// Its first K tokens have this law.
    Law(&'a Law),
}

impl<M: ?Sized> Clone for Elicitation<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: ?Sized> Copy for Elicitation<'_, M> {}

impl<M: ?Sized> fmt::Debug for Elicitation<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elicitation")
            .field("suffix", &self.suffix)
            .field("length", &self.length)
            .field("before", &self.before)
            .field("naturalness", &self.naturalness)
            .finish_non_exhaustive()
    }
}

impl<'a, M: LanguageModel + ?Sized> Elicitation<'a, M> {
    /// Prefixes of `length` tokens before a suffix, with nothing known of what
    /// stands before them and no weight on their naturalness.
    pub fn new(model: &'a M, suffix: &'a [Token], length: usize) -> Self {
        Self { model, suffix, length, before: Before::Nothing, naturalness: 0.0 }
    }

    /// The tokens before the prefix, K or more. They complete the context of a
    /// short prefix, and the prefix is scored as what the model says after them.
    pub fn prompt(mut self, tokens: &'a [Token]) -> Self {
        self.before = Before::Prompt(tokens);
        self
    }

    /// A law over all V^K contexts, which the first K tokens of the prefix have,
    /// in place of a prompt: the stationary law of the model's chain, for one.
    pub fn start_law(mut self, law: &'a Law) -> Self {
        self.before = Before::Law(law);
        self
    }

    /// The weight `lambda` of the prefix's own log-probability in the objective.
    pub fn naturalness(mut self, weight: f64) -> Self {
        self.naturalness = weight;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.suffix.is_empty() {
            return Err(Error::EmptyText);
        }
        if self.length == 0 {
            return Err(Error::MustBePositive { what: "number of tokens of the prefix" });
        }
        let weight = self.naturalness;
        let refused = |requirement| Error::InvalidSetting { name: "naturalness", value: weight, requirement };
        if !(weight.is_finite() && weight >= 0.0) {
            return Err(refused("finite and not negative"));
        }
        check_tokens(self.suffix, self.model.vocabulary_size())?;
        match self.before {
            Before::Nothing if weight > 0.0 => Err(refused("0 unless a prompt or a start law is given")),
            before => self.check_before(before),
        }
    }

    /// Refuses what cannot stand before the prefix.
    fn check_before(&self, before: Before<'_>) -> Result<()> {
        let (v, needed) = (self.model.vocabulary_size(), self.model.context_length());
        match before {
            Before::Nothing if self.length < needed => Err(Error::PromptTooShort { tokens: 0, needed }),
            Before::Prompt(prompt) if prompt.len() < needed => {
                Err(Error::PromptTooShort { tokens: prompt.len(), needed })
            }
            Before::Prompt(prompt) => check_tokens(prompt, v),
            Before::Law(law) if sequence_count(v, needed) != Some(law.len() as u128) => {
                let expected = sequence_count(v, needed).and_then(|count| usize::try_from(count).ok());
                Err(Error::LengthMismatch { expected: expected.unwrap_or(usize::MAX), found: law.len() })
            }
            Before::Law(_) if self.length < needed => {
                let requirement =
                    "at least the context length where a law of whole contexts stands before it";
                let value = self.length as f64;
                Err(Error::InvalidSetting { name: "the number of tokens of the prefix", value, requirement })
            }
            _ => Ok(()),
        }
    }

    /// The first place of the prefix that the objective depends on: without a
    /// weight on naturalness, that of its last K tokens.
    pub(super) fn first_place(&self) -> usize {
        if self.naturalness > 0.0 { 0 } else { self.length.saturating_sub(self.model.context_length()) }
    }
}

pub(super) fn check_tokens(tokens: &[Token], vocabulary_size: usize) -> Result<()> {
    match tokens.iter().find(|&&token| token as usize >= vocabulary_size) {
        Some(&token) => Err(Error::TokenOutOfRange { token, vocabulary_size }),
        None => Ok(()),
    }
}
