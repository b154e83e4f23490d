//! How well a model predicts a text.

use rayon::prelude::*;

use super::LanguageModel;
use crate::error::{Error, Result};
use crate::text::{Corpus, Token, Vocab};

/// Windows scored at a time, in parallel.
const BATCH: usize = 1 << 12;

/// How well a model predicts a text: the cross-entropy, in bits a token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextScore {
    /// Tokens predicted: the windows of the text.
    pub tokens: usize,
    /// How many of them are `<unk>`, if the vocabulary is known. Their
    /// probability is that of all unknown tokens together, which flatters the
    /// score: compare only scores with the same vocabulary.
    pub unknown: usize,
    /// How many of them the model gives probability zero.
    pub impossible: usize,
    /// Sum of `-log2 p` over the tokens that are possible.
    pub bits: f64,
}

impl TextScore {
    /// Cross-entropy in bits a token; infinite if a token is impossible.
    pub fn bits_per_token(&self) -> f64 {
        if self.impossible > 0 { f64::INFINITY } else { self.bits_per_possible_token() }
    }

    /// Cross-entropy in bits a token, the impossible tokens left out; not a
    /// number if there are no others.
    pub fn bits_per_possible_token(&self) -> f64 {
        self.bits / (self.tokens - self.impossible) as f64
    }

    /// 2 to the power of [`bits_per_token`](Self::bits_per_token).
    pub fn perplexity(&self) -> f64 {
        self.bits_per_token().exp2()
    }
}

/// Scores the windows of a corpus, as its
/// [`DocumentEnd`](crate::text::DocumentEnd) lays them down.
///
/// # Errors
///
/// [`Error::VocabularyMismatch`] if the model has another number of tokens or
/// other names for them, [`Error::TextTooShort`] if there are no windows, and
/// as [`LanguageModel::probability`], for instance [`Error::UnseenContext`].
pub fn score<M: LanguageModel + ?Sized>(model: &M, corpus: &Corpus) -> Result<TextScore> {
    let named_otherwise = model.vocab().is_some_and(|vocab| vocab != corpus.vocab());
    if named_otherwise || model.vocabulary_size() != corpus.vocab().len() {
        return Err(Error::VocabularyMismatch { model: model.vocabulary_size(), text: corpus.vocab().len() });
    }
    let mut scorer = Scorer::new(model, corpus.vocab().unknown());
    corpus.try_for_each_window(model.context_length(), |context, next| scorer.push(context, next))?;
    scorer.finish()
}

/// Scores a text that is cut at both ends, as
/// [`DocumentEnd::Open`](crate::text::DocumentEnd::Open): the first K tokens are
/// only context.
///
/// # Errors
///
/// As [`score`].
pub fn score_tokens<M: LanguageModel + ?Sized>(model: &M, tokens: &[Token]) -> Result<TextScore> {
    let mut scorer = Scorer::new(model, model.vocab().and_then(Vocab::unknown));
    for window in tokens.windows(model.context_length() + 1) {
        if let [context @ .., next] = window {
            scorer.push(context, *next)?;
        }
    }
    scorer.finish()
}

/// Scores windows in batches, and adds up in their order: the same bits on any
/// number of threads.
struct Scorer<'a, M: ?Sized> {
    model: &'a M,
    unknown: Option<Token>,
    contexts: Vec<Token>,
    next: Vec<Token>,
    score: TextScore,
}

impl<'a, M: LanguageModel + ?Sized> Scorer<'a, M> {
    fn new(model: &'a M, unknown: Option<Token>) -> Self {
        let score = TextScore { tokens: 0, unknown: 0, impossible: 0, bits: 0.0 };
        Self { model, unknown, contexts: Vec::new(), next: Vec::new(), score }
    }

    fn push(&mut self, context: &[Token], next: Token) -> Result<()> {
        self.contexts.extend_from_slice(context);
        self.next.push(next);
        if self.next.len() == BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let contexts = self.contexts.par_chunks_exact(self.model.context_length());
        let probabilities: Vec<Result<f64>> = contexts
            .zip(self.next.par_iter())
            .map(|(context, &next)| self.model.probability(context, next))
            .collect();
        let mut bits = 0.0;
        for (probability, next) in probabilities.into_iter().zip(&self.next) {
            let probability = probability?;
            self.score.tokens += 1;
            self.score.unknown += usize::from(self.unknown == Some(*next));
            if probability > 0.0 {
                bits -= probability.log2();
            } else {
                self.score.impossible += 1;
            }
        }
        self.score.bits += bits;
        self.contexts.clear();
        self.next.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<TextScore> {
        self.flush()?;
        if self.score.tokens == 0 {
            return Err(Error::TextTooShort { needed: self.model.context_length() + 1 });
        }
        Ok(self.score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NgramSettings, Smoothing, TableModel};
    use crate::text::DocumentEnd;

    fn vocab(names: [&str; 2]) -> Vocab {
        Vocab::new(names.map(String::from).to_vec()).unwrap()
    }

    #[test]
    fn bits_add_up_over_the_windows() {
        let model = TableModel::from_rows(1, &[[0.5, 0.5], [0.25, 0.75]]).unwrap();
        let score = score_tokens(&model, &[0, 1, 0, 0]).unwrap();
        assert_eq!(score, TextScore { tokens: 3, unknown: 0, impossible: 0, bits: 4.0 });
        assert_eq!(score.bits_per_token(), 4.0 / 3.0);
        assert_eq!(score.perplexity(), (4.0f64 / 3.0).exp2());
    }

    #[test]
    fn an_impossible_token_is_counted_and_makes_the_cross_entropy_infinite() {
        let model = TableModel::from_rows(1, &[[0.5, 0.5], [1.0, 0.0]]).unwrap();
        let score = score_tokens(&model, &[0, 1, 1, 0]).unwrap();
        assert_eq!(score, TextScore { tokens: 3, unknown: 0, impossible: 1, bits: 1.0 });
        assert_eq!(score.bits_per_token(), f64::INFINITY);
        assert_eq!(score.perplexity(), f64::INFINITY);
        assert_eq!(score.bits_per_possible_token(), 0.5);
    }

    #[test]
    fn a_circular_text_has_its_conditional_entropy() {
        let corpus =
            Corpus::from_tokens(vocab(["<unk>", "b"]), [[0, 0, 1, 1]], DocumentEnd::Circular).unwrap();
        let model = NgramSettings::new(2).smoothing(Smoothing::MaximumLikelihood).fit(&corpus).unwrap();
        let score = score(&model, &corpus).unwrap();
        assert_eq!((score.tokens, score.unknown, score.bits_per_token()), (4, 2, 1.0));
    }

    #[test]
    fn texts_that_do_not_fit_are_refused() {
        let corpus = Corpus::from_tokens(vocab(["a", "b"]), [[0, 0, 1]], DocumentEnd::Open).unwrap();
        let other = Corpus::from_tokens(vocab(["a", "c"]), [[0, 0, 1]], DocumentEnd::Open).unwrap();
        let model = NgramSettings::new(2).smoothing(Smoothing::MaximumLikelihood).fit(&corpus).unwrap();
        assert!(matches!(score(&model, &other), Err(Error::VocabularyMismatch { .. })));
        let three = TableModel::from_rows(1, &[[1.0, 0.0, 0.0]; 3]).unwrap();
        assert!(matches!(score(&three, &corpus), Err(Error::VocabularyMismatch { model: 3, text: 2 })));
        assert!(matches!(score_tokens(&model, &[0]), Err(Error::TextTooShort { needed: 2 })));
        assert!(matches!(score_tokens(&model, &[0, 2]), Err(Error::TokenOutOfRange { token: 2, .. })));
        assert!(matches!(score_tokens(&model, &[1, 0]), Err(Error::UnseenContext { .. })));
    }

    #[test]
    fn batches_do_not_change_the_score() {
        let model = TableModel::from_rows(1, &[[0.5, 0.5], [0.5, 0.5]]).unwrap();
        for windows in [BATCH - 1, BATCH, BATCH + 1, 3 * BATCH] {
            let score = score_tokens(&model, &vec![1; windows + 1]).unwrap();
            assert_eq!((score.tokens, score.bits_per_token()), (windows, 1.0));
        }
    }
}
