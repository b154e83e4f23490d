//! Prefixes scored by the forward model, in batches, every request counted.

use std::ops::Range;

use super::ScoredPrefix;
use super::objective::{Before, Elicitation, check_tokens};
use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::text::{Token, sequence_key};

/// Probabilities asked for in one batch, at most, unless one law has more.
const BATCH_ENTRIES: usize = 1 << 20;

/// Log-probabilities of a prefix and of the suffix after it, in bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bits {
    pub(super) suffix: f64,
    /// Known where it counts for the objective.
    prefix: Option<f64>,
    pub(super) objective: f64,
}

/// Scores prefixes, and counts what it asks of the model.
pub(super) struct Scorer<'a, M: ?Sized> {
    task: Elicitation<'a, M>,
    /// The last K tokens of the prompt, if there is one.
    known: &'a [Token],
    /// The tokens of the suffix whose probability depends on the prefix: up to K.
    head: &'a [Token],
    /// Log-probability of the other tokens, the same for all prefixes.
    tail: f64,
    evaluations: u64,
}

impl<'a, M: LanguageModel + ?Sized> Scorer<'a, M> {
    /// Checks the task, and scores what no prefix changes.
    pub(super) fn new(task: &Elicitation<'a, M>) -> Result<Self> {
        task.check()?;
        let k = task.model.context_length();
        let known = match task.before {
            Before::Prompt(prompt) => &prompt[prompt.len() - k..],
            Before::Nothing | Before::Law(_) => &[],
        };
        let head = &task.suffix[..k.min(task.suffix.len())];
        let mut scorer = Self { task: *task, known, head, tail: 0.0, evaluations: 0 };
        let beyond = k..task.suffix.len();
        if !beyond.is_empty() {
            scorer.tail = scorer.ask(&[task.suffix.to_vec()], beyond)?[0];
        }
        Ok(scorer)
    }

    pub(super) fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// Adds what was asked of the model elsewhere.
    pub(super) fn count(&mut self, evaluations: u64) {
        self.evaluations += evaluations;
    }

    /// Requests that scoring one prefix takes.
    pub(super) fn cost(&self) -> u64 {
        let prefix = if self.task.naturalness > 0.0 { self.prefix_places().len() } else { 0 };
        (prefix + self.head.len()) as u64
    }

    /// Requests that reporting one scored prefix takes on top.
    pub(super) fn report_cost(&self) -> u64 {
        if self.task.naturalness > 0.0 { 0 } else { self.prefix_places().len() as u64 }
    }

    /// Scores prefixes, given one after another.
    pub(super) fn bits(&mut self, prefixes: &[Token]) -> Result<Vec<Bits>> {
        let weight = self.task.naturalness;
        let texts: Vec<Vec<Token>> = prefixes.chunks_exact(self.task.length).map(|u| self.text(u)).collect();
        let end = self.known.len() + self.task.length;
        let suffixes = self.ask(&texts, end..end + self.head.len())?;
        let natural = if weight > 0.0 { self.prefix_bits(&texts)? } else { Vec::new() };
        let scored = suffixes.iter().enumerate().map(|(i, head)| {
            let suffix = head + self.tail;
            let prefix = natural.get(i).copied();
            let objective = suffix + prefix.map_or(0.0, |bits| weight * bits);
            Bits { suffix, prefix, objective }
        });
        Ok(scored.collect())
    }

    /// The losses of a scored prefix; asks for what its objective did not need.
    pub(super) fn report(&mut self, prefix: &[Token], bits: Bits) -> Result<ScoredPrefix> {
        let natural = match (bits.prefix, self.task.before) {
            (Some(known), _) => Some(known),
            (None, Before::Nothing) => None,
            (None, _) => Some(self.prefix_bits(&[self.text(prefix)])?[0]),
        };
        Ok(ScoredPrefix {
            prefix: prefix.to_vec(),
            suffix_loss: loss(bits.suffix, self.task.suffix.len()),
            prefix_loss: natural.map(|bits| loss(bits, prefix.len())),
            objective: bits.objective,
        })
    }

    /// Prompt, prefix, and the tokens of the suffix that depend on the prefix.
    fn text(&self, prefix: &[Token]) -> Vec<Token> {
        [self.known, prefix, self.head].concat()
    }

    /// Where in a text the tokens of the prefix are that the model scores.
    fn prefix_places(&self) -> Range<usize> {
        let end = self.known.len() + self.task.length;
        match self.task.before {
            Before::Nothing => end..end,
            Before::Prompt(_) | Before::Law(_) => self.task.model.context_length()..end,
        }
    }

    /// The log-probability of each text's prefix.
    fn prefix_bits(&mut self, texts: &[Vec<Token>]) -> Result<Vec<f64>> {
        let mut bits = self.ask(texts, self.prefix_places())?;
        if let Before::Law(law) = self.task.before {
            let (v, k) = (self.task.model.vocabulary_size(), self.task.model.context_length());
            for (bits, text) in bits.iter_mut().zip(texts) {
                *bits += law[sequence_key(&text[..k], v) as usize].log2();
            }
        }
        Ok(bits)
    }

    /// The log-probability of each text's tokens at some places, K tokens or more from the left.
    fn ask(&mut self, texts: &[Vec<Token>], places: Range<usize>) -> Result<Vec<f64>> {
        let (v, k) = (self.task.model.vocabulary_size(), self.task.model.context_length());
        let rows = places.len();
        if rows == 0 {
            return Ok(vec![0.0; texts.len()]);
        }
        let mut bits = Vec::with_capacity(texts.len());
        let mut laws = Vec::new();
        for batch in texts.chunks((BATCH_ENTRIES / v / rows).max(1)) {
            let contexts = batch.iter().flat_map(|text| places.clone().map(move |end| &text[end - k..end]));
            let contexts: Vec<Token> = contexts.flatten().copied().collect();
            laws.resize(batch.len() * rows * v, 0.0);
            self.task.model.next_token_laws(&contexts, &mut laws)?;
            self.evaluations += (batch.len() * rows) as u64;
            for (text, laws) in batch.iter().zip(laws.chunks_exact(rows * v)) {
                let tokens = &text[places.clone()];
                let terms = tokens.iter().zip(laws.chunks_exact(v)).map(|(&t, law)| law[t as usize].log2());
                bits.push(terms.sum());
            }
        }
        Ok(bits)
    }
}

impl<M: LanguageModel + ?Sized> Elicitation<'_, M> {
    /// The losses and the objective of one prefix.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyText`] for a suffix without tokens,
    /// [`Error::TokenOutOfRange`], [`Error::MustBePositive`] for prefixes of no
    /// tokens, [`Error::LengthMismatch`] for a prefix of another length or a
    /// start law over other contexts;
    /// [`Error::PromptTooShort`] for a prompt of fewer than K tokens, or none where
    /// the prefix has fewer; [`Error::InvalidSetting`] for a weight that is not finite
    /// or negative, for one above 0 if nothing is known of the text before the
    /// prefix, and for a start law with a prefix of fewer than K tokens; what
    /// the model returns. So do the searches.
    pub fn score(&self, prefix: &[Token]) -> Result<ScoredPrefix> {
        let mut scorer = Scorer::new(self)?;
        if prefix.len() != self.length {
            return Err(Error::LengthMismatch { expected: self.length, found: prefix.len() });
        }
        check_tokens(prefix, self.model.vocabulary_size())?;
        let bits = scorer.bits(prefix)?[0];
        scorer.report(prefix, bits)
    }
}

/// Bits a token; a certain text costs 0, not -0.
fn loss(bits: f64, tokens: usize) -> f64 {
    (-bits / tokens as f64).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TableModel;

    #[test]
    fn prefixes_in_several_batches_are_scored_as_one_by_one() {
        let v = 128;
        let weights = (0..v * v).map(|i| (i * 31 % 101 + 1) as f64).collect();
        let model = TableModel::normalized(v, 1, weights).unwrap();
        let task = Elicitation::new(&model, &[3, 5], 2).prompt(&[7]).naturalness(0.5);
        let all: Vec<Token> = (0..v * v).flat_map(|i| [(i / v) as Token, (i % v) as Token]).collect();
        assert!(all.len() / 2 * v > BATCH_ENTRIES);
        let mut scorer = Scorer::new(&task).unwrap();
        let together = scorer.bits(&all).unwrap();
        // One law for the token 5 after 3, then one for 3 and two for the prefix each.
        assert_eq!(scorer.evaluations(), 1 + 3 * (v * v) as u64);
        assert_eq!(scorer.cost(), 3);
        for (prefix, bits) in all.chunks_exact(2).zip(&together).step_by(997) {
            assert_eq!(scorer.bits(prefix).unwrap(), [*bits]);
        }
    }

    #[test]
    fn a_certain_text_has_no_loss() {
        let model = TableModel::from_rows(1, &[[0.0, 1.0], [1.0, 0.0]]).unwrap();
        let found = Elicitation::new(&model, &[1, 0, 1], 1).prompt(&[1]).score(&[0]).unwrap();
        assert_eq!((found.suffix_loss, found.prefix_loss, found.objective), (0.0, Some(0.0), 0.0));
    }
}
