//! How often patterns occur.

use super::first::{check_table, follow, total};
use super::{Overlap, Patterns};
use crate::chain::{MarkovChain, Start};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::solve::Silent;

/// The probability that each pattern ends at each of the tokens `0..=n`,
/// whatever came before: occurrences may overlap.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrences {
    patterns: usize,
    /// For each token, what each pattern has.
    ending: Vec<f64>,
}

impl Occurrences {
    /// Number of tokens n that they are known for.
    pub fn tokens(&self) -> usize {
        self.ending.len() / self.patterns - 1
    }

    /// The probability that a pattern ends at a token.
    ///
    /// # Panics
    ///
    /// If there is no such pattern, or it is not known so far; so does
    /// [`expected`](Self::expected).
    #[track_caller]
    pub fn at(&self, pattern: usize, token: usize) -> f64 {
        assert!(pattern < self.patterns, "there are {} patterns", self.patterns);
        self.ending[token * self.patterns + pattern]
    }

    /// The expected number of occurrences of a pattern within so many tokens:
    /// at least the probability of any.
    #[track_caller]
    pub fn expected(&self, pattern: usize, tokens: usize) -> f64 {
        (0..=tokens).map(|token| self.at(pattern, token)).sum()
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// How often patterns occur within `steps` tokens.
    ///
    /// `steps` products of the [product](super::PatternOperator).
    ///
    /// # Errors
    ///
    /// As [`pattern_law`](Self::pattern_law).
    pub fn pattern_occurrences(
        &self,
        patterns: &Patterns,
        start: Start<'_>,
        overlap: Overlap,
        steps: usize,
    ) -> Result<Occurrences> {
        check_table(patterns, steps)?;
        let product = self.with_patterns(patterns)?;
        let law = self.product_start(product.operator(), start, overlap)?;
        let mut ending = Vec::new();
        follow(product.operator(), law, steps, &mut Silent, |law| {
            let mut row = vec![0.0; patterns.len()];
            for (node, law) in law.chunks(self.len()).enumerate() {
                let mass = total(law);
                patterns.ending_at(node).for_each(|pattern| row[pattern] += mass);
            }
            ending.extend(row);
        })?;
        Ok(Occurrences { patterns: patterns.len(), ending })
    }

    /// How often each pattern occurs a token in the long run: the probability
    /// that it ends at a given token of a text under the stationary law.
    ///
    /// One product of the chain for each token of the patterns.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a law over other states,
    /// [`Error::VocabularyMismatch`] for patterns over another number of tokens.
    pub fn pattern_rates(&self, patterns: &Patterns, stationary: &Law) -> Result<Vec<f64>> {
        if stationary.len() != self.len() {
            return Err(Error::LengthMismatch { expected: self.len(), found: stationary.len() });
        }
        let (model, text) = (self.states().vocabulary_size(), patterns.vocabulary_size());
        if model != text {
            return Err(Error::VocabularyMismatch { model, text });
        }
        let tokens: Vec<_> = (0..self.len()).map(|state| self.states().newest_token(state)).collect();
        let rate = |string: &Vec<u32>| {
            let mut law = stationary.to_vec();
            let mut next = vec![0.0; law.len()];
            for token in string {
                self.operator().push_forward(&law, &mut next);
                std::mem::swap(&mut law, &mut next);
                law.iter_mut()
                    .zip(&tokens)
                    .filter(|(_, newest)| *newest != token)
                    .for_each(|(p, _)| *p = 0.0);
            }
            total(&law)
        };
        Ok(patterns.strings().iter().map(rate).collect())
    }
}
