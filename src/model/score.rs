//! How well a model predicts a text.

use rayon::prelude::*;

use super::LanguageModel;
use crate::error::{Error, Result};
use crate::ngram::BackoffTrie;
use crate::text::{Corpus, Token, Vocab};

/// Sentences that one task walks through at the same time: while one waits for
/// memory, the others go on.
const SIDE_BY_SIDE: usize = 8;

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
    /// How many `<unk>` the model gives probability zero.
    pub unknown_impossible: usize,
    /// Sum of `-log2 p` over the tokens that are possible.
    pub bits: f64,
    /// The part of it that the `<unk>` among them have.
    pub unknown_bits: f64,
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

    /// Cross-entropy in bits a token, `<unk>` left out; infinite if another
    /// token is impossible, not a number if there are no others.
    ///
    /// Unknown tokens still stand in the contexts of the others.
    pub fn bits_per_known_token(&self) -> f64 {
        if self.impossible > self.unknown_impossible {
            f64::INFINITY
        } else {
            (self.bits - self.unknown_bits) / (self.tokens - self.unknown) as f64
        }
    }

    /// 2 to the power of [`bits_per_known_token`](Self::bits_per_known_token):
    /// the perplexity "excluding OOVs" of other tools.
    pub fn perplexity_of_known(&self) -> f64 {
        self.bits_per_known_token().exp2()
    }

    /// Decimal logarithm of the probability of the whole text.
    pub fn log10_probability(&self) -> f64 {
        if self.impossible > 0 { f64::NEG_INFINITY } else { -self.bits / std::f64::consts::LOG2_10 }
    }

    /// Nothing scored yet.
    fn empty() -> Self {
        Self { tokens: 0, unknown: 0, impossible: 0, unknown_impossible: 0, bits: 0.0, unknown_bits: 0.0 }
    }

    fn push(&mut self, probability: f64, unknown: bool) {
        self.tokens += 1;
        self.unknown += usize::from(unknown);
        if probability > 0.0 {
            let bits = -probability.log2();
            self.bits += bits;
            self.unknown_bits += if unknown { bits } else { 0.0 };
        } else {
            self.impossible += 1;
            self.unknown_impossible += usize::from(unknown);
        }
    }

    fn add(&mut self, other: &Self) {
        self.tokens += other.tokens;
        self.unknown += other.unknown;
        self.impossible += other.impossible;
        self.unknown_impossible += other.unknown_impossible;
        self.bits += other.bits;
        self.unknown_bits += other.unknown_bits;
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

/// Scores sentences with a back-off model, in parallel: each stands after `<s>`
/// and is followed by `</s>`, as far as the vocabulary has them.
///
/// A token's context is all of its sentence before it, however long the
/// model's n-grams are. For what is found of each token see
/// [`BackoffTrie::steps`].
///
/// # Errors
///
/// [`Error::VocabularyMismatch`] if the model has another number of tokens,
/// [`Error::TokenOutOfRange`], [`Error::TextTooShort`] if there are no tokens.
///
/// # Example
///
/// ```
/// use lmchain::model::score_sentences;
/// use lmchain::ngram::BackoffTrie;
/// use lmchain::text::Vocab;
///
/// let vocab = Vocab::new(["<s>", "</s>", "a"].map(String::from).to_vec())?;
/// let ngrams = [(vec![0], 0.0, 0.5), (vec![1], 0.5, 1.0), (vec![2], 0.5, 1.0), (vec![0, 2], 0.75, 1.0)];
/// let model = BackoffTrie::from_ngrams(3, 2, ngrams)?;
/// let score = score_sentences(&model, &vocab, &[[2]])?;
/// assert_eq!(score.tokens, 2); // a and </s>
/// assert!((score.log10_probability() - (0.75f64 * 0.5).log10()).abs() < 1e-15);
/// # Ok::<(), lmchain::Error>(())
/// ```
pub fn score_sentences<S: AsRef<[Token]> + Sync>(
    model: &BackoffTrie,
    vocab: &Vocab,
    sentences: &[S],
) -> Result<TextScore> {
    if vocab.len() != model.vocabulary_size() {
        return Err(Error::VocabularyMismatch { model: model.vocabulary_size(), text: vocab.len() });
    }
    let start = model.state_after(vocab.start().as_slice());
    let (end, unknown) = (vocab.end(), vocab.unknown());
    let outside =
        |sentence: &S| sentence.as_ref().iter().copied().find(|&token| token as usize >= vocab.len());
    if let Some(token) = sentences.par_iter().find_map_first(outside) {
        return Err(Error::TokenOutOfRange { token, vocabulary_size: vocab.len() });
    }
    let side_by_side = |group: &[S]| {
        let walks = group.iter().map(|sentence| {
            let tokens = || sentence.as_ref().iter().copied().chain(end);
            (tokens().zip(model.steps(start, tokens())), TextScore::empty())
        });
        let mut walks: Vec<_> = walks.collect();
        loop {
            let mut all_done = true;
            for (walk, score) in &mut walks {
                if let Some((token, step)) = walk.next() {
                    score.push(step.probability, unknown == Some(token));
                    all_done = false;
                }
            }
            if all_done {
                return walks.into_iter().map(|(_, score)| score).collect::<Vec<_>>();
            }
        }
    };
    let scores: Vec<Vec<TextScore>> = sentences.par_chunks(SIDE_BY_SIDE).map(side_by_side).collect();
    let mut sum = TextScore::empty();
    scores.iter().flatten().for_each(|score| sum.add(score));
    if sum.tokens == 0 { Err(Error::TextTooShort { needed: 1 }) } else { Ok(sum) }
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
        Self { model, unknown, contexts: Vec::new(), next: Vec::new(), score: TextScore::empty() }
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
        let mut batch = TextScore::empty();
        for (probability, &next) in probabilities.into_iter().zip(&self.next) {
            batch.push(probability?, self.unknown == Some(next));
        }
        self.score.add(&batch);
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
        assert_eq!(score, TextScore { tokens: 3, bits: 4.0, ..TextScore::empty() });
        assert_eq!(score.bits_per_token(), 4.0 / 3.0);
        assert_eq!(score.perplexity(), (4.0f64 / 3.0).exp2());
    }

    #[test]
    fn an_impossible_token_is_counted_and_makes_the_cross_entropy_infinite() {
        let model = TableModel::from_rows(1, &[[0.5, 0.5], [1.0, 0.0]]).unwrap();
        let score = score_tokens(&model, &[0, 1, 1, 0]).unwrap();
        assert_eq!(score, TextScore { tokens: 3, impossible: 1, bits: 1.0, ..TextScore::empty() });
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
    fn unknown_tokens_can_be_left_out() {
        let ngrams = [(vec![0], 0.25, 1.0), (vec![1], 0.5, 1.0)];
        let model = BackoffTrie::from_ngrams(2, 1, ngrams).unwrap();
        let sentences: [&[Token]; 3] = [&[0, 1, 1], &[], &[0]];
        let score = score_sentences(&model, &vocab(["<unk>", "b"]), &sentences).unwrap();
        assert_eq!((score.tokens, score.unknown, score.bits, score.unknown_bits), (4, 2, 6.0, 4.0));
        assert_eq!((score.bits_per_token(), score.bits_per_known_token()), (1.5, 1.0));
        assert_eq!(score.perplexity_of_known(), 2.0);
        assert!((score.log10_probability() - (1.0f64 / 64.0).log10()).abs() < 1e-15);
    }

    #[test]
    fn impossible_unknown_tokens_leave_the_others_finite() {
        let model = BackoffTrie::from_ngrams(2, 1, [(vec![0], 0.0, 1.0), (vec![1], 0.5, 1.0)]).unwrap();
        let score = score_sentences(&model, &vocab(["<unk>", "b"]), &[[0, 1]]).unwrap();
        assert_eq!((score.impossible, score.unknown_impossible), (1, 1));
        assert_eq!((score.bits_per_token(), score.bits_per_known_token()), (f64::INFINITY, 1.0));
        assert_eq!(score.log10_probability(), f64::NEG_INFINITY);
        let other = score_sentences(&model, &vocab(["a", "b"]), &[[0, 1]]).unwrap();
        assert_eq!(other.bits_per_known_token(), f64::INFINITY);
    }

    #[test]
    fn sentences_that_do_not_fit_are_refused() {
        let model = BackoffTrie::from_ngrams(2, 1, [(vec![0], 0.5, 1.0), (vec![1], 0.5, 1.0)]).unwrap();
        let names = vocab(["a", "b"]);
        let none: [&[Token]; 0] = [];
        assert!(matches!(score_sentences(&model, &names, &none), Err(Error::TextTooShort { needed: 1 })));
        assert!(matches!(
            score_sentences(&model, &names, &[[2]]),
            Err(Error::TokenOutOfRange { token: 2, vocabulary_size: 2 })
        ));
        let three = Vocab::new(["a", "b", "c"].map(String::from).to_vec()).unwrap();
        assert!(matches!(score_sentences(&model, &three, &[[0]]), Err(Error::VocabularyMismatch { .. })));
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
