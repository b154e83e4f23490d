//! A learned model of reversed text, held against the exact reversal.

use rayon::prelude::*;

use super::Reversed;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::operator::TransitionOperator;
use crate::prob::{Law, relative_entropy, sum_by};
use crate::text::Token;

/// How far a learned reverse model is from the exact reversal of a chain.
///
/// A model fitted to reversed text ([`Corpus::reversed`]) predicts what came
/// before in the *text*; the reversal of a chain says what came before in the
/// text of the *model*. The two differ, and this says where and by how much.
///
/// [`Corpus::reversed`]: crate::text::Corpus::reversed
#[derive(Debug, Clone, PartialEq)]
pub struct ReverseComparison {
    divergences: Vec<Option<f64>>,
    divergence_rate: f64,
    entropy_rate: f64,
}

impl ReverseComparison {
    /// The relative entropy `KL(q || r)`, in bits, of the exact law `q` of the
    /// token before each state from the learned law `r`; infinite where the
    /// model excludes what may have been. `None` for a state without a past.
    pub fn divergences(&self) -> &[Option<f64>] {
        &self.divergences
    }

    /// The relative entropy rate of the exact reverse process from the learned
    /// one, in bits a token: the mean of the divergences under the stationary law.
    pub fn divergence_rate(&self) -> f64 {
        self.divergence_rate
    }

    /// Entropy rate of the exact reverse process, in bits a token. It is that of the chain.
    pub fn entropy_rate(&self) -> f64 {
        self.entropy_rate
    }

    /// Cross-entropy of the learned model on the chain's own text read
    /// backwards, in bits a token: the sum of the two rates.
    pub fn cross_entropy(&self) -> f64 {
        self.entropy_rate + self.divergence_rate
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// Holds a model of reversed text against the exact reversal of this chain.
    ///
    /// States are contexts of K tokens. The learned model is asked for the
    /// token before a context, given the tokens of the context from right to
    /// left, or as many of the oldest as it looks at. For texts with ends, give
    /// it and the chain's own model the same [`EndOfText`] rule.
    ///
    /// `O(transitions)` and N requests to the model, in parallel.
    ///
    /// [`EndOfText`]: crate::model::EndOfText
    ///
    /// # Errors
    ///
    /// [`Error::NotWindows`] for the chain of a whole back-off model, see
    /// [`sampled_reverse`](MarkovChain::sampled_reverse) for that;
    /// [`Error::LengthMismatch`] for a law over other states, and if the model
    /// looks at more than K tokens; [`Error::VocabularyMismatch`]; what the model returns.
    pub fn compare_reverse<M: LanguageModel + ?Sized>(
        &self,
        stationary: &Law,
        learned: &M,
    ) -> Result<ReverseComparison> {
        let (states, v) = (self.states(), learned.vocabulary_size());
        if !states.are_windows() {
            let remedy = "enumerate or observe all contexts, or ask for sampled_reverse";
            return Err(Error::NotWindows { what: "the token before every window", remedy });
        }
        let other_names = match (learned.vocab(), states.vocab()) {
            (Some(model), Some(text)) => model != text,
            _ => false,
        };
        if other_names || v != states.vocabulary_size() {
            return Err(Error::VocabularyMismatch { model: v, text: states.vocabulary_size() });
        }
        if learned.context_length() > states.context_length() {
            let (expected, found) = (states.context_length(), learned.context_length());
            return Err(Error::LengthMismatch { expected, found });
        }
        let reversed = Reversed::new(self.operator(), stationary.clone())?;
        let laws = (0..self.len()).into_par_iter().map(|state| {
            if !reversed.has_past(state) {
                return Ok(None);
            }
            let mut exact = vec![0.0; v];
            self.add_before(&reversed, state, 1.0, &mut exact);
            let mut law = vec![0.0; v];
            learned
                .next_token_law(&read_backwards(&states.tokens(state), learned.context_length()), &mut law)?;
            Ok(Some((relative_entropy(&exact, &law), crate::prob::entropy(&exact))))
        });
        let laws: Vec<Option<(f64, f64)>> =
            laws.collect::<Vec<Result<_>>>().into_iter().collect::<Result<_>>()?;
        let mean = |of: fn((f64, f64)) -> f64| {
            let term = |state: usize| match laws[state] {
                Some(law) if stationary[state] > 0.0 => stationary[state] * of(law),
                _ => 0.0,
            };
            sum_by(self.len(), term)
        };
        Ok(ReverseComparison {
            divergence_rate: mean(|(divergence, _)| divergence),
            entropy_rate: mean(|(_, entropy)| entropy),
            divergences: laws.into_iter().map(|law| law.map(|(divergence, _)| divergence)).collect(),
        })
    }
}

/// The oldest `length` tokens, from right to left.
fn read_backwards(tokens: &[Token], length: usize) -> Vec<Token> {
    tokens[..length].iter().rev().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EndOfText, EndRule, NgramModel, NgramSettings, Smoothing, score};
    use crate::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer};

    fn fit(corpus: &Corpus, order: usize, smoothing: Smoothing) -> NgramModel {
        NgramSettings::new(order).smoothing(smoothing).fit(corpus).unwrap()
    }

    const TEXT: &str = "the cat sat on the mat and the rat sat on the cat; a cat and a rat";

    #[test]
    fn frequencies_of_a_circular_text_are_their_own_reversal() {
        let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([TEXT]).unwrap();
        let chain = MarkovChain::observed(&corpus, 2).unwrap();
        let law = chain.stationary().unwrap().converged().unwrap();
        let learned = fit(&corpus.reversed(), 3, Smoothing::MaximumLikelihood);
        let comparison = chain.compare_reverse(&law, &learned).unwrap();
        assert!(comparison.divergence_rate() < 1e-12, "{}", comparison.divergence_rate());
        assert!((comparison.entropy_rate() - chain.entropy_rate(&law)).abs() < 1e-12);
        assert!(comparison.divergences().iter().all(|divergence| divergence.unwrap() < 1e-12));
    }

    #[test]
    fn the_rate_is_the_gap_between_cross_entropy_and_entropy_of_the_chains_own_text() {
        let documents = ["abab", "aab", "b", "abba", "babb"];
        let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Reset);
        let corpus = settings.read_strings(documents).unwrap();
        let rule = || EndRule::Reset { start: corpus.start_context(2).unwrap() };
        let end = corpus.vocab().end().unwrap();
        let model = EndOfText::new(fit(&corpus, 3, Smoothing::WittenBell), end, rule()).unwrap();
        let chain = MarkovChain::enumerated(&model).unwrap();
        let law = chain.stationary().unwrap().converged().unwrap();
        let learned = fit(&corpus.reversed(), 3, Smoothing::WittenBell);
        let backward = EndOfText::new(&learned, end, rule()).unwrap();
        let comparison = chain.compare_reverse(&law, &backward).unwrap();
        assert!(comparison.divergence_rate() > 1e-4);
        assert!((comparison.entropy_rate() - chain.entropy_rate(&law)).abs() < 1e-10);

        // Sampled documents, read backwards and scored by the learned model.
        let start = chain.states().after_prompt(&[end, end]).unwrap();
        let walker = chain.walker().unwrap();
        let tokens: Vec<_> = walker
            .walk(crate::chain::Start::State(start), 1)
            .unwrap()
            .take(400_000)
            .map(|state| chain.states().newest_token(state))
            .collect();
        let documents: Vec<&[Token]> =
            tokens.split(|&token| token == end).skip(1).filter(|d| !d.is_empty()).collect();
        let empty = tokens.split(|&token| token == end).skip(1).filter(|d| d.is_empty()).count();
        let sampled = Corpus::from_tokens(corpus.vocab().clone(), documents, DocumentEnd::Reset).unwrap();
        let scored = score(&learned, &sampled.reversed()).unwrap();
        // Documents without tokens are `</s>` alone; the corpus cannot hold them.
        let context = corpus.start_context(2).unwrap();
        let bits = -learned.probability(&context, end).unwrap().log2() * empty as f64;
        let found = (scored.bits + bits) / (scored.tokens + empty) as f64;
        // 400,000 tokens of about 1.5 bits each: a standard deviation of some 0.003 bits.
        assert!((found - comparison.cross_entropy()).abs() < 0.012, "{found} {}", comparison.cross_entropy());
    }

    #[test]
    fn a_model_of_another_vocabulary_or_a_longer_context_is_refused() {
        let read = |text: &str| CorpusSettings::new(Tokenizer::characters()).read_strings([text]).unwrap();
        let chain = MarkovChain::observed(&read(TEXT), 1).unwrap();
        let law = chain.stationary().unwrap().converged().unwrap();
        let other = fit(&read("xyzzy"), 2, Smoothing::WittenBell);
        assert!(matches!(chain.compare_reverse(&law, &other), Err(Error::VocabularyMismatch { .. })));
        let longer = fit(&read(TEXT), 3, Smoothing::WittenBell);
        assert!(matches!(
            chain.compare_reverse(&law, &longer),
            Err(Error::LengthMismatch { expected: 1, found: 2 })
        ));
    }
}
