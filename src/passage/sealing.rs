//! When it was sealed: the committor along a text.

use super::{Enclosure, Interval};
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::text::Token;

/// The probability of an end along a text, token by token.
///
/// The text is followed until the question is decided: until the probability is
/// exactly 0 or 1, in one of the two sets or where one of them is certain.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealing {
    steps: Vec<SealingStep>,
}

/// Where things stood after one token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SealingStep {
    /// Place of the token in the text, from 0.
    pub position: usize,
    /// The token.
    pub token: Token,
    /// The state after it.
    pub state: usize,
    /// The probability of the end after it.
    pub probability: Interval,
    /// The logarithm of the odds `p / (1 - p)`, in bits; infinite once it is
    /// decided. Its bounds are those of the probability: to know it where that is
    /// near 0, ask for a small tolerance.
    pub log_odds: Interval,
    /// What the token added to the log odds, in bits: what it said for the end,
    /// if positive, or against it. `None` for the first that was followed.
    pub change: Option<Interval>,
}

impl SealingStep {
    /// Whether the probability is exactly 0 or 1.
    fn is_decided(&self) -> bool {
        let Interval { lower, upper } = self.probability;
        lower == upper && (lower == 0.0 || lower == 1.0)
    }
}

impl Sealing {
    /// The steps, one a token, from the first token that completes a state.
    pub fn steps(&self) -> &[SealingStep] {
        &self.steps
    }

    /// The first step at which everything is decided, if it is within the text.
    pub fn decided(&self) -> Option<&SealingStep> {
        self.steps.last().filter(|step| step.is_decided())
    }

    /// The point of no return: the first token after which the probability
    /// is proven to stay at or above `level` as far as the text was followed.
    /// `None` if it is not at the end.
    pub fn point_of_no_return(&self, level: f64) -> Option<&SealingStep> {
        self.stays(|step| step.probability.lower >= level)
    }

    /// The point from which it is safe: the first token after which the
    /// probability is proven to stay at or below `level`.
    pub fn point_of_safety(&self, level: f64) -> Option<&SealingStep> {
        self.stays(|step| step.probability.upper <= level)
    }

    /// The token that added most to the log odds, by the middle of their bounds, of
    /// those after which it was not yet decided.
    pub fn decisive(&self) -> Option<&SealingStep> {
        let finite = |change: &f64| change.is_finite();
        let added = |step: &SealingStep| step.change.map(|change| change.midpoint()).filter(finite);
        let changed = self.steps.iter().filter_map(|step| added(step).map(|change| (change, step)));
        changed.max_by(|one, two| one.0.total_cmp(&two.0)).map(|(_, step)| step)
    }

    fn stays(&self, holds: impl Fn(&SealingStep) -> bool) -> Option<&SealingStep> {
        let first = self.steps.iter().rposition(|step| !holds(step)).map_or(0, |last| last + 1);
        self.steps.get(first)
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// Follows a text with the probability of an end from every state: a
    /// committor, or the probability of ever reaching a set.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for probabilities of another chain, and as
    /// [`States::after_prompt`](crate::chain::States::after_prompt): if the text is shorter
    /// than a context, or leads to a context that the chain does not have.
    pub fn sealing(&self, text: &[Token], probability: &Enclosure) -> Result<Sealing> {
        if probability.len() != self.len() {
            return Err(Error::LengthMismatch { expected: self.len(), found: probability.len() });
        }
        let needed = if self.states().are_windows() { self.states().context_length() } else { 1 };
        if text.len() < needed {
            return Err(Error::PromptTooShort { tokens: text.len(), needed });
        }
        let mut steps: Vec<SealingStep> = Vec::new();
        for position in needed - 1..text.len() {
            let state = self.states().after_prompt(&text[..=position])?;
            let probability = probability.interval(state);
            let log_odds = log_odds(probability);
            let change = steps.last().map(|before| difference(log_odds, before.log_odds));
            let token = text[position];
            let step = SealingStep { position, token, state, probability, log_odds, change };
            steps.push(step);
            if step.is_decided() {
                break;
            }
        }
        Ok(Sealing { steps })
    }
}

/// The logarithm of the odds in bits.
fn log_odds(probability: Interval) -> Interval {
    let log_odds = |p: f64| (p / (1.0 - p)).log2();
    Interval { lower: log_odds(probability.lower), upper: log_odds(probability.upper) }
}

fn difference(one: Interval, other: Interval) -> Interval {
    Interval { lower: one.lower - other.upper, upper: one.upper - other.lower }
}
