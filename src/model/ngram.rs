//! N-gram models.

use std::path::{Path, PathBuf};

use super::estimation::{self, Method};
use super::language_model::check_request;
use super::{Discount, LanguageModel, LengthStatistics, Smoothing};
use crate::error::{Error, Result};
use crate::ngram::{ArpaModel, BackoffTrie, CountSettings, NgramState, read_arpa_watched, write_arpa};
use crate::solve::{Observer, Silent};
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
    discounts: Vec<[f64; 3]>,
    fallback: Option<[f64; 3]>,
    prune: Vec<u32>,
    interpolate_unigrams: bool,
    counting: CountSettings,
}

impl NgramSettings {
    /// A model of this order n, so of context length K = n - 1; Witten–Bell
    /// smoothing, which works on any text ([`Smoothing::ModifiedKneserNey`] is
    /// better where its discounts can be estimated).
    pub fn new(order: usize) -> Self {
        Self {
            order,
            smoothing: Smoothing::WittenBell,
            discounts: Vec::new(),
            fallback: None,
            prune: Vec::new(),
            interpolate_unigrams: true,
            counting: CountSettings::new(order),
        }
    }

    /// How probability is shared with what did not occur.
    #[must_use]
    pub fn smoothing(mut self, smoothing: Smoothing) -> Self {
        self.smoothing = smoothing;
        self
    }

    /// Discounts, of counts of 1, 2, and 3 or more, for each length from 1 on,
    /// instead of estimates; beyond the last one given they are estimated.
    /// Methods with one discount take the first of three; those that estimate
    /// none refuse them.
    #[must_use]
    pub fn discounts(mut self, by_length: &[[f64; 3]]) -> Self {
        self.discounts = by_length.to_vec();
        self
    }

    /// Discounts, of counts of 1, 2, and 3 or more, for the lengths at which
    /// none can be estimated; methods with one discount take the first, Katz
    /// takes them as ratios, and methods that estimate none have no need of them.
    /// KenLM's are `[0.5, 1.0, 1.5]`. Without them such a length is
    /// [`Error::NoDiscount`]; small vocabularies (characters) need them.
    #[must_use]
    pub fn fallback_discounts(mut self, discounts: [f64; 3]) -> Self {
        self.fallback = Some(discounts);
        self
    }

    /// Leaves out, for each length from 1 on, n-grams that occur so often or
    /// less; the last threshold holds for all longer ones too. The first must
    /// be 0 (shrink the vocabulary instead), none smaller than the one before.
    ///
    /// Pruned n-grams still count towards discounts and totals; their
    /// probability goes to the shorter context (as in KenLM).
    #[must_use]
    pub fn prune(mut self, thresholds: &[u32]) -> Self {
        self.prune = thresholds.to_vec();
        self
    }

    /// Whether single tokens are interpolated with the uniform law, as they are
    /// unless this is called with `false`: then all that is taken from them
    /// goes to `<unk>`.
    #[must_use]
    pub fn interpolate_unigrams(mut self, interpolate: bool) -> Self {
        self.interpolate_unigrams = interpolate;
        self
    }

    /// Bytes that counting may take, see [`CountSettings::memory`].
    #[must_use]
    pub fn memory(mut self, bytes: usize) -> Self {
        self.counting = self.counting.memory(bytes);
        self
    }

    /// The folder for temporary files, see [`CountSettings::temporary_folder`].
    #[must_use]
    pub fn temporary_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.counting = self.counting.temporary_folder(folder);
        self
    }

    /// Counts a corpus and makes a model of the counts.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] for an order of 0, and for a smoothing, a
    /// threshold or a discount out of range; [`Error::MissingToken`] if single
    /// tokens are not interpolated and there is no `<unk>`;
    /// [`Error::NoDiscount`] if a discount cannot be estimated; and as
    /// [`CountSettings::count`].
    pub fn fit(&self, corpus: &Corpus) -> Result<NgramModel> {
        self.fit_watched(corpus, &mut Silent)
    }

    /// As [`fit`](Self::fit), telling an observer how far the count is.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit); [`Error::Cancelled`] if the observer asks to stop.
    pub fn fit_watched(&self, corpus: &Corpus, observer: &mut dyn Observer) -> Result<NgramModel> {
        self.check(corpus.vocab())?;
        let counts = self.counting.count_watched(corpus, observer)?;
        let method = Method {
            smoothing: self.smoothing,
            given: &self.discounts,
            fallback: self.fallback,
            prune: &self.prune,
            interpolate_unigrams: self.interpolate_unigrams,
            start: corpus.vocab().start(),
            unknown: corpus.vocab().unknown(),
        };
        let (backoff, statistics) = estimation::estimate(counts, method)?;
        let smoothing = Some(self.smoothing);
        Ok(NgramModel { backoff, vocab: corpus.vocab().clone(), smoothing, statistics })
    }

    fn check(&self, vocab: &Vocab) -> Result<()> {
        if self.order == 0 {
            let requirement = "at least 1; an order of 2 looks at one token";
            return Err(Error::InvalidSetting { name: "order", value: 0.0, requirement });
        }
        self.smoothing.check()?;
        self.discounts.iter().chain(&self.fallback).try_for_each(estimation::check_discounts)?;
        self.check_thresholds()?;
        let estimates = matches!(
            self.smoothing,
            Smoothing::AbsoluteDiscounting(Discount::Estimated)
                | Smoothing::KneserNey
                | Smoothing::ModifiedKneserNey
        );
        for (name, given) in [("discounts", self.discounts.len()), ("pruning thresholds", self.prune.len())] {
            if given > self.order {
                let requirement = "no more than the order: one for each length";
                return Err(Error::InvalidSetting { name, value: given as f64, requirement });
            }
        }
        if !self.discounts.is_empty() && !estimates {
            let requirement = "0 for a smoothing that does not estimate discounts by length";
            let value = self.discounts.len() as f64;
            return Err(Error::InvalidSetting { name: "the number of discounts given", value, requirement });
        }
        if self.interpolate_unigrams {
            return Ok(());
        }
        match self.smoothing {
            Smoothing::WittenBell
            | Smoothing::AbsoluteDiscounting(_)
            | Smoothing::KneserNey
            | Smoothing::ModifiedKneserNey => {
                let needed_for = "smoothing without the uniform law";
                vocab.unknown().map(|_| ()).ok_or(Error::MissingToken { name: Vocab::UNKNOWN, needed_for })
            }
            _ => Err(Error::InvalidSetting {
                name: "interpolation of single tokens",
                value: 0.0,
                requirement: "on for smoothing methods that do not interpolate",
            }),
        }
    }

    fn check_thresholds(&self) -> Result<()> {
        let invalid = |value: u32, requirement| {
            Err(Error::InvalidSetting { name: "pruning threshold", value: f64::from(value), requirement })
        };
        if let Some(&first) = self.prune.first().filter(|&&first| first > 0) {
            return invalid(first, "0 for single tokens; shrink the vocabulary instead");
        }
        if let Some(pair) = self.prune.windows(2).find(|pair| pair[1] < pair[0]) {
            return invalid(pair[1], "at least the one for shorter n-grams");
        }
        let highest = self.prune.last().copied().unwrap_or(0);
        if highest > 0 && matches!(self.smoothing, Smoothing::MaximumLikelihood | Smoothing::Additive(_)) {
            return invalid(highest, "0 for a smoothing that does not back off");
        }
        Ok(())
    }
}

/// A smoothed n-gram model: a back-off model with a vocabulary.
///
/// Under maximum likelihood a context that does not occur in the corpus has no
/// law: asking for it is [`Error::UnseenContext`].
///
/// As a [`LanguageModel`] a model of order 1, whose laws do not depend on the
/// context, has context length 1. Any number of `<s>` before a text is the same as one.
#[derive(Debug, Clone, PartialEq)]
pub struct NgramModel {
    backoff: BackoffTrie,
    vocab: Vocab,
    smoothing: Option<Smoothing>,
    statistics: Vec<LengthStatistics>,
}

impl NgramModel {
    /// A back-off model with the names of its tokens, whoever estimated it.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] if there is not one name for each token.
    pub fn new(backoff: BackoffTrie, vocab: Vocab) -> Result<Self> {
        if backoff.vocabulary_size() != vocab.len() {
            return Err(Error::LengthMismatch { expected: backoff.vocabulary_size(), found: vocab.len() });
        }
        Ok(Self { backoff, vocab, smoothing: None, statistics: Vec::new() })
    }

    /// Reads a model in the ARPA format, compressed with gzip or not.
    ///
    /// Files have rounded numbers: see [`normalized`](Self::normalized).
    ///
    /// # Errors
    ///
    /// As [`read_arpa`](crate::ngram::read_arpa()).
    pub fn read_arpa(path: impl AsRef<Path>) -> Result<Self> {
        Self::read_arpa_watched(path, &mut Silent)
    }

    /// As [`read_arpa`](Self::read_arpa), telling an observer how many bytes were read.
    ///
    /// # Errors
    ///
    /// As [`read_arpa`](Self::read_arpa); [`Error::Cancelled`] if the observer asks to stop.
    pub fn read_arpa_watched(path: impl AsRef<Path>, observer: &mut dyn Observer) -> Result<Self> {
        let ArpaModel { vocab, model } = read_arpa_watched(path, observer)?;
        Self::new(model, vocab)
    }

    /// Writes the model in the ARPA format, in double precision, compressed if
    /// the name ends in `.gz`; [`ArpaSettings`](crate::ngram::ArpaSettings) can do otherwise.
    ///
    /// # Errors
    ///
    /// As [`ArpaSettings::write`](crate::ngram::ArpaSettings::write).
    pub fn write_arpa(&self, path: impl AsRef<Path>) -> Result<()> {
        write_arpa(path, &self.vocab, &self.backoff)
    }

    /// The same model with every law scaled to sum to one, see [`BackoffTrie::normalized`].
    ///
    /// # Errors
    ///
    /// [`Error::ContextSum`] for a law that sums to zero.
    pub fn normalized(self) -> Result<Self> {
        Ok(Self { backoff: self.backoff.normalized()?, ..self })
    }

    /// The n-grams with their probabilities and back-off weights.
    pub fn backoff(&self) -> &BackoffTrie {
        &self.backoff
    }

    /// Order n: the length of the longest n-grams.
    pub fn order(&self) -> usize {
        self.backoff.order()
    }

    /// The smoothing, if the model was estimated here.
    pub fn smoothing(&self) -> Option<Smoothing> {
        self.smoothing
    }

    /// What the estimate rests on, for lengths 1 to n: numbers of n-grams,
    /// counts of counts, discounts. Empty if the model was not estimated here.
    pub fn statistics(&self) -> &[LengthStatistics] {
        &self.statistics
    }

    /// The vocabulary.
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// Where the model stands after a context of K tokens.
    fn state(&self, context: &[Token]) -> Result<NgramState> {
        let state = self.backoff.state_after(context);
        let is_known = self.smoothing != Some(Smoothing::MaximumLikelihood)
            || state.length() + 1 == self.order()
            || self.starts_a_text(state);
        if is_known { Ok(state) } else { Err(Error::UnseenContext { context: context.to_vec() }) }
    }

    /// Whether what a state knows goes back to the start of a text.
    fn starts_a_text(&self, state: NgramState) -> bool {
        let Some(start) = self.vocab.start().filter(|_| state.length() > 0) else { return false };
        self.backoff.trie().starting_with(start, state.length()).contains(&state.number())
    }
}

impl LanguageModel for NgramModel {
    fn vocabulary_size(&self) -> usize {
        self.vocab.len()
    }

    fn context_length(&self) -> usize {
        (self.order() - 1).max(1)
    }

    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> Result<()> {
        check_request(self, context, Some(law))?;
        self.backoff.write_law(self.state(context)?, law);
        Ok(())
    }

    fn probability(&self, context: &[Token], token: Token) -> Result<f64> {
        check_request(self, context, None)?;
        if token as usize >= self.vocab.len() {
            return Err(Error::TokenOutOfRange { token, vocabulary_size: self.vocab.len() });
        }
        Ok(self.backoff.step(self.state(context)?, token).probability)
    }

    fn vocab(&self) -> Option<&Vocab> {
        Some(&self.vocab)
    }
}

#[cfg(test)]
#[path = "ngram_tests.rs"]
mod tests;
