//! N-gram models.

use super::language_model::check_request;
use super::smoothing::Smoother;
use super::{LanguageModel, NgramCounts, Smoothing};
use crate::error::{Error, Result};
use crate::text::{Corpus, Token, Vocab};

/// How to fit an n-gram model.
///
/// # Example
///
/// ```
/// use lmchain::model::{LanguageModel, NgramSettings, Smoothing};
/// use lmchain::text::{CorpusSettings, Tokenizer};
///
/// let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings(["abac"])?;
/// let model = NgramSettings::new(2).smoothing(Smoothing::MaximumLikelihood).fit(&corpus)?;
/// let mut law = [0.0; 3];
/// model.next_token_law(&[0], &mut law)?;
/// assert_eq!(law, [0.0, 0.5, 0.5]);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NgramSettings {
    order: usize,
    smoothing: Smoothing,
}

impl NgramSettings {
    /// A model of this order n, so of context length K = n - 1; Witten–Bell smoothing.
    pub fn new(order: usize) -> Self {
        Self { order, smoothing: Smoothing::WittenBell }
    }

    /// How probability is shared with what did not occur.
    #[must_use]
    pub fn smoothing(mut self, smoothing: Smoothing) -> Self {
        self.smoothing = smoothing;
        self
    }

    /// Counts a corpus and makes a model of the counts.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] for an order below 2 or a smoothing out of
    /// range, [`Error::NoDiscount`] if a discount cannot be estimated, and as
    /// [`NgramCounts::from_corpus`].
    pub fn fit(&self, corpus: &Corpus) -> Result<NgramModel> {
        if self.order < 2 {
            return Err(Error::InvalidSetting {
                name: "order",
                value: self.order as f64,
                requirement: "at least 2: below that the context is empty and there is no chain; an order of 2 looks at one token",
            });
        }
        self.smoothing.check()?;
        let counts = NgramCounts::from_corpus(corpus, self.order - 1)?;
        let smoother = Smoother::new(self.smoothing, &counts, corpus.vocab().start())?;
        Ok(NgramModel { counts, smoother, vocab: corpus.vocab().clone() })
    }
}

/// A smoothed n-gram model of a corpus.
///
/// Under maximum likelihood a context that does not occur in the corpus has no
/// law: asking for it is [`Error::UnseenContext`].
#[derive(Debug, Clone, PartialEq)]
pub struct NgramModel {
    counts: NgramCounts,
    smoother: Smoother,
    vocab: Vocab,
}

impl NgramModel {
    /// The counts.
    pub fn counts(&self) -> &NgramCounts {
        &self.counts
    }

    /// The smoothing.
    pub fn smoothing(&self) -> Smoothing {
        self.smoother.smoothing()
    }

    /// The discounts of context lengths 0 to K; none without absolute discounting.
    pub fn discounts(&self) -> &[f64] {
        self.smoother.discounts()
    }

    /// The vocabulary.
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }
}

impl LanguageModel for NgramModel {
    fn vocabulary_size(&self) -> usize {
        self.vocab.len()
    }

    fn context_length(&self) -> usize {
        self.counts.context_length()
    }

    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> Result<()> {
        check_request(self, context, Some(law))?;
        self.smoother.write_law(&self.counts, context, law)
    }

    fn probability(&self, context: &[Token], token: Token) -> Result<f64> {
        check_request(self, context, None)?;
        if token as usize >= self.vocab.len() {
            return Err(Error::TokenOutOfRange { token, vocabulary_size: self.vocab.len() });
        }
        self.smoother.probability(&self.counts, context, token)
    }

    fn vocab(&self) -> Option<&Vocab> {
        Some(&self.vocab)
    }
}

#[cfg(test)]
#[path = "ngram_tests.rs"]
mod tests;
