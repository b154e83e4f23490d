//! A learned model of reversed text, on sampled text of a whole model.

use std::ops::ControlFlow;

use crate::chain::{Begun, MarkovChain, walk_each};
use crate::error::{Error, Result};
use crate::model::NgramModel;
use crate::operator::{BackoffOperator, TransitionOperator};
use crate::prob::{Law, stream};
use crate::solve::{MEMORY_LIMIT, check_memory};
use crate::text::{Token, Vocab};

/// How a model of reversed text fares on the text of a chain, from samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReverseEstimate {
    /// Documents sampled.
    pub documents: usize,
    /// Tokens in them, `</s>` counted.
    pub tokens: usize,
    /// Relative entropy rate of the exact reverse process from the learned one,
    /// in bits a token, estimated; infinite if the model excludes what may be.
    /// By chance it may come out below zero.
    pub divergence_rate: f64,
    /// Standard error of the relative entropy rate.
    pub standard_error: f64,
    /// Entropy rate of the chain, in either direction, exactly.
    pub entropy_rate: f64,
}

impl ReverseEstimate {
    /// Cross-entropy of the learned model on the chain's text read backwards, in
    /// bits a token: the sum of the two rates, so its standard error is that of the one.
    pub fn cross_entropy(&self) -> f64 {
        self.entropy_rate + self.divergence_rate
    }
}

/// Tokens of a sampled document, and how many bits more they take when it is
/// read backwards by the learned model than the chain needs to write it.
type Scored = (usize, f64);

/// A document that is being written.
#[derive(Clone, Default)]
struct Document {
    tokens: Vec<Token>,
    /// Bits that the chain needed to write it.
    bits: f64,
    state: usize,
    scored: Scored,
}

impl Document {
    /// Reads it backwards, and leaves its tokens.
    fn score(&mut self, learned: &NgramModel, end: Token) {
        let tokens = std::mem::take(&mut self.tokens);
        self.scored = (tokens.len() + 1, read_backwards(learned, &tokens, end) - self.bits);
    }
}

impl MarkovChain<BackoffOperator> {
    /// Holds a model of reversed text against the exact reversal of this chain,
    /// on sampled documents.
    ///
    /// The documents of a chain that starts anew after `</s>` are independent,
    /// and a document is as probable backwards as forwards, so no reversal has to
    /// be known: the relative entropy is the mean of `log2 P(document) - log2
    /// R(document read backwards)`. Its rate is a ratio of two means, biased by
    /// `O(1 / documents)`, with the standard error of the delta method (Cochran
    /// 1977, section 6.3).
    ///
    /// Document i is drawn from stream i of the seed, so the result does not
    /// depend on the number of threads.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for fewer than two documents;
    /// [`Error::LengthMismatch`] for a law over other states;
    /// [`Error::VocabularyMismatch`]; [`Error::MissingToken`] if the chain does
    /// not start anew; [`Error::NoPast`] if it does so with probability zero;
    /// [`Error::TooLarge`] for the tables to draw from.
    pub fn sampled_reverse(
        &self,
        stationary: &Law,
        learned: &NgramModel,
        documents: usize,
        seed: u64,
    ) -> Result<ReverseEstimate> {
        let (start, end) = self.check_documents(stationary, learned, documents)?;
        check_memory("the tables to draw documents from", self.operator().sampler_bytes(), MEMORY_LIMIT)?;
        let sampler = self.operator().sampler();
        let begin = |number| Begun { rng: stream(seed, number as u64), state: start, steps: u64::MAX };
        let mut written = vec![Document { state: start, ..Document::default() }; documents];
        walk_each(&*sampler, &mut written, begin, |document, visit| {
            if visit.step == 0 {
                return ControlFlow::Continue(());
            }
            let token = self.states().newest_token(visit.state);
            document.bits -= self.operator().token_probability(document.state, token).log2();
            document.state = visit.state;
            if visit.state == start {
                document.score(learned, end);
                return ControlFlow::Break(());
            }
            document.tokens.push(token);
            ControlFlow::Continue(())
        });
        let scored: Vec<Scored> = written.into_iter().map(|document| document.scored).collect();
        let estimate = Ratio::of(&scored);
        Ok(ReverseEstimate {
            documents,
            tokens: scored.iter().map(|(tokens, _)| tokens).sum(),
            divergence_rate: estimate.value,
            standard_error: estimate.standard_error,
            entropy_rate: self.entropy_rate(stationary),
        })
    }

    /// The state in which documents start, and the token that ends them.
    fn check_documents(
        &self,
        stationary: &Law,
        learned: &NgramModel,
        documents: usize,
    ) -> Result<(usize, Token)> {
        if documents < 2 {
            return Err(Error::MustBePositive { what: "number of documents less one" });
        }
        if stationary.len() != self.len() {
            return Err(Error::LengthMismatch { expected: self.len(), found: stationary.len() });
        }
        if self.states().vocab() != Some(learned.vocab()) {
            let (model, text) = (learned.vocab().len(), self.states().vocabulary_size());
            return Err(Error::VocabularyMismatch { model, text });
        }
        let needed_for = "documents that end, and so a chain that starts anew";
        let missing = Error::MissingToken { name: Vocab::END, needed_for };
        let (start, end) = self.operator().start().zip(self.operator().end()).ok_or(missing)?;
        if stationary[start] == 0.0 {
            return Err(Error::NoPast { state: start, label: self.states().label(start) });
        }
        Ok((start, end))
    }
}

/// Bits of a document from its last token to its first, and then its end.
fn read_backwards(learned: &NgramModel, tokens: &[Token], end: Token) -> f64 {
    let start = learned.backoff().state_after(learned.vocab().start().as_slice());
    let reversed = tokens.iter().rev().copied().chain([end]);
    learned.backoff().steps(start, reversed).map(|step| -step.probability.log2()).sum()
}

/// The ratio of two means, bits over tokens.
struct Ratio {
    value: f64,
    standard_error: f64,
}

impl Ratio {
    fn of(scored: &[Scored]) -> Self {
        let n = scored.len() as f64;
        let tokens: f64 = scored.iter().map(|&(tokens, _)| tokens as f64).sum();
        let value = scored.iter().map(|&(_, bits)| bits).sum::<f64>() / tokens;
        let deviation = |&(tokens, bits): &Scored| (bits - value * tokens as f64).powi(2);
        let variance = scored.iter().map(deviation).sum::<f64>() / (n - 1.0);
        Self { value, standard_error: (variance / n).sqrt() / (tokens / n) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EndOfText, EndRule, NgramSettings, Smoothing};
    use crate::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer};

    fn fit(corpus: &Corpus) -> NgramModel {
        NgramSettings::new(3).smoothing(Smoothing::WittenBell).fit(corpus).unwrap()
    }

    #[test]
    fn samples_agree_with_the_exact_comparison_of_all_contexts() {
        let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Reset);
        let corpus = settings.read_strings(["abab", "aab", "b", "abba", "babb"]).unwrap();
        let (model, learned) = (fit(&corpus), fit(&corpus.reversed()));
        let rule = || EndRule::Reset { start: corpus.start_context(2).unwrap() };
        let end = corpus.vocab().end().unwrap();
        let all = MarkovChain::enumerated(&EndOfText::new(&model, end, rule()).unwrap()).unwrap();
        let law = all.stationary().unwrap().converged().unwrap();
        let backward = EndOfText::new(&learned, end, rule()).unwrap();
        let exact = all.compare_reverse(&law, &backward).unwrap();

        let chain = MarkovChain::smoothed(&model).unwrap();
        let law = chain.stationary().unwrap().converged().unwrap();
        let estimate = chain.sampled_reverse(&law, &learned, 100_000, 5).unwrap();
        assert!((estimate.entropy_rate - exact.entropy_rate()).abs() < 1e-10);
        assert!(estimate.standard_error < 0.2 * estimate.divergence_rate, "{}", estimate.standard_error);
        // One chance in 15,000 for a seed; this one is fixed.
        let error = (estimate.divergence_rate - exact.divergence_rate()).abs();
        assert!(error < 4.0 * estimate.standard_error, "{error} {}", estimate.standard_error);
        let windows = chain.compare_reverse(&law, &learned);
        assert!(matches!(windows, Err(Error::NotWindows { .. })));
    }

    #[test]
    fn a_chain_without_documents_has_none_to_sample() {
        let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings(["abracadabra"]).unwrap();
        let chain = MarkovChain::smoothed(&fit(&corpus)).unwrap();
        let law = chain.stationary().unwrap().converged().unwrap();
        let refused = |documents| chain.sampled_reverse(&law, &fit(&corpus), documents, 1);
        assert!(matches!(refused(100), Err(Error::MissingToken { .. })));
        assert!(matches!(refused(1), Err(Error::MustBePositive { .. })));
    }
}
