//! Two models over the same contexts.

use crate::chain::{Exploration, MarkovChain};
use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::operator::{SparseOperator, TransitionOperator};
use crate::text::{Token, Vocab};

/// Contexts whose laws are asked for in one batch.
const BATCH: usize = 1024;

/// Steps `(from, to, probability)`.
type Transitions = Vec<(u32, u32, f64)>;

/// A model that is said to look at more tokens than it does: the oldest ones of
/// its longer contexts are left out.
///
/// So that chains of models with different contexts have the same states:
/// `MarkovChain::enumerated(&Lengthened::new(model, 4)?)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lengthened<M> {
    model: M,
    context_length: usize,
}

impl<M: LanguageModel> Lengthened<M> {
    /// The model with contexts of `context_length` tokens.
    ///
    /// # Errors
    ///
    /// [`Error::ContextTooLong`] if the model looks at more tokens than that.
    pub fn new(model: M, context_length: usize) -> Result<Self> {
        if model.context_length() > context_length {
            return Err(Error::ContextTooLong { model: model.context_length(), states: context_length });
        }
        Ok(Self { model, context_length })
    }

    fn recent<'a>(&self, context: &'a [Token]) -> &'a [Token] {
        &context[self.context_length - self.model.context_length()..]
    }
}

impl<M: LanguageModel> LanguageModel for Lengthened<M> {
    fn vocabulary_size(&self) -> usize {
        self.model.vocabulary_size()
    }

    fn context_length(&self) -> usize {
        self.context_length
    }

    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> Result<()> {
        assert_eq!(context.len(), self.context_length, "the context must have K tokens");
        self.model.next_token_law(self.recent(context), law)
    }

    fn next_token_laws(&self, contexts: &[Token], laws: &mut [f64]) -> Result<()> {
        let recent = contexts.chunks_exact(self.context_length).flat_map(|context| self.recent(context));
        self.model.next_token_laws(&recent.copied().collect::<Vec<_>>(), laws)
    }

    fn probability(&self, context: &[Token], token: Token) -> Result<f64> {
        assert_eq!(context.len(), self.context_length, "the context must have K tokens");
        self.model.probability(self.recent(context), token)
    }

    fn vocab(&self) -> Option<&Vocab> {
        self.model.vocab()
    }
}

/// What becomes of steps of a model that lead to no state of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Outside {
    /// They are an error.
    #[default]
    Refuse,
    /// They are left out, and the row is divided by what is left: the model under a
    /// decoding that never leaves the contexts of the data. What it would have left
    /// them with is kept beside.
    Renormalize,
}

/// How to read a model as a chain over the states of another chain.
///
/// # Example
///
/// ```
/// use lmchain::prelude::*;
/// use lmchain::exposure::{ModelLift, Outside};
///
/// let text = "the cat sat on the mat and the rat sat on the cat ";
/// let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text])?;
/// let data = MarkovChain::observed(&corpus, 3)?;
/// let model = NgramSettings::new(2).fit(&corpus)?; // one token of context
/// let lifted = ModelLift::new().outside(Outside::Renormalize).build(&data, &model)?;
/// let law = data.stationary()?.converged()?;
/// assert_eq!(lifted.chain.len(), data.len());
/// assert!(lifted.mean_leak(&law) > 0.1); // of what it says next, much was never seen there
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelLift {
    outside: Outside,
}

/// A model as a chain over the states of another.
#[derive(Debug)]
pub struct LiftedModel {
    /// The chain.
    pub chain: MarkovChain<SparseOperator>,
    /// For every state, the probability with which the model left the states.
    pub leak: Vec<f64>,
}

impl LiftedModel {
    /// The probability a step with which the model leaves the states, from a law of the data.
    ///
    /// # Panics
    ///
    /// If the law is over other states.
    #[track_caller]
    pub fn mean_leak(&self, law: &[f64]) -> f64 {
        assert_eq!(law.len(), self.leak.len(), "a law over the states of the chain");
        super::measure::mean(law, &self.leak)
    }
}

impl ModelLift {
    /// Steps that lead to no state are an error.
    pub fn new() -> Self {
        Self::default()
    }

    /// What becomes of steps that lead to no state.
    pub fn outside(mut self, outside: Outside) -> Self {
        self.outside = outside;
        self
    }

    /// The chain of a model over the states of a chain: for every state the model's
    /// law after its last tokens. One law a state.
    ///
    /// # Errors
    ///
    /// [`Error::NotWindows`] for states that are contexts of different lengths,
    /// [`Error::ContextTooLong`] if the model looks at more tokens than states have,
    /// [`Error::VocabularyMismatch`], [`Error::LeadsOutside`] for a step that leads to
    /// no state, [`Error::ZeroRow`] if all steps from a state do; what the model
    /// returns, and as [`SparseOperator::from_triplets`].
    pub fn build<O: TransitionOperator, M: LanguageModel>(
        &self,
        chain: &MarkovChain<O>,
        model: &M,
    ) -> Result<LiftedModel> {
        let states = chain.states();
        if !states.are_windows() {
            let remedy = "enumerate or explore both models";
            return Err(Error::NotWindows { what: "the contexts of another model", remedy });
        }
        let (v, k) = (states.vocabulary_size(), states.context_length());
        if model.vocabulary_size() != v {
            return Err(Error::VocabularyMismatch { model: model.vocabulary_size(), text: v });
        }
        let (transitions, leak) = self.rows(chain, &Lengthened::new(model, k)?)?;
        let operator = match self.outside {
            Outside::Refuse => SparseOperator::from_triplets(chain.len(), transitions)?,
            Outside::Renormalize => SparseOperator::from_weights(chain.len(), transitions)?,
        };
        Ok(LiftedModel { chain: chain.with_operator(operator), leak })
    }

    /// The steps from all states, and how much leads out from each.
    fn rows<O: TransitionOperator, M: LanguageModel>(
        &self,
        chain: &MarkovChain<O>,
        model: &M,
    ) -> Result<(Transitions, Vec<f64>)> {
        let v = model.vocabulary_size();
        let (mut transitions, mut leak) = (Vec::new(), vec![0.0; chain.len()]);
        let mut laws = Vec::new();
        for first in (0..chain.len()).step_by(BATCH) {
            let batch = first..chain.len().min(first + BATCH);
            let contexts: Vec<Token> = batch.clone().flat_map(|state| chain.states().tokens(state)).collect();
            laws.resize(batch.len() * v, 0.0);
            model.next_token_laws(&contexts, &mut laws)?;
            for (state, law) in batch.zip(laws.chunks_exact(v)) {
                leak[state] = self.add_row(chain, state, law, &mut transitions)?;
            }
        }
        Ok((transitions, leak))
    }

    /// Adds the steps from a state, and returns the probability of those that lead to none.
    fn add_row<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        state: usize,
        law: &[f64],
        transitions: &mut Transitions,
    ) -> Result<f64> {
        let states = chain.states();
        let v = law.len() as u128;
        let kept = states.suffix_key(state, states.context_length() - 1);
        let (mut leak, mut stays) = (0.0, false);
        // An entry that is no probability is kept, to be refused with its place.
        for (token, &p) in law.iter().enumerate().filter(|(_, p)| **p != 0.0) {
            match states.find_key(kept * v + token as u128) {
                Some(to) => {
                    stays = true;
                    transitions.push((state as u32, to as u32, p));
                }
                None if self.outside == Outside::Renormalize => leak += p,
                None => {
                    let token = states.token_label(token as Token);
                    return Err(Error::LeadsOutside { from: states.label(state), token });
                }
            }
        }
        if stays { Ok(leak) } else { Err(Error::ZeroRow { row: state }) }
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// A model as a chain over the states of this one: [`ModelLift`] with its defaults.
    ///
    /// # Errors
    ///
    /// As [`ModelLift::build`].
    pub fn with_model<M: LanguageModel>(&self, model: &M) -> Result<MarkovChain<SparseOperator>> {
        Ok(ModelLift::new().build(self, model)?.chain)
    }
}

/// Two models explored together: the chains of both over the contexts, as long as
/// the longer one's, that either can lead to from the prompts.
///
/// # Errors
///
/// [`Error::VocabularyMismatch`], and as [`Exploration::build`].
pub fn explored_together<P: LanguageModel, Q: LanguageModel>(
    exploration: &Exploration,
    data: &P,
    model: &Q,
    prompts: &[&[Token]],
) -> Result<(MarkovChain<SparseOperator>, MarkovChain<SparseOperator>)> {
    if data.vocabulary_size() != model.vocabulary_size() {
        let (model, text) = (model.vocabulary_size(), data.vocabulary_size());
        return Err(Error::VocabularyMismatch { model, text });
    }
    let longer = data.context_length().max(model.context_length());
    let either = Either { data: Lengthened::new(data, longer)?, model: Lengthened::new(model, longer)? };
    let both = exploration.build(&either, prompts)?;
    Ok((both.with_model(&either.data)?, both.with_model(&either.model)?))
}

/// One of two models, each with probability one half.
struct Either<P, Q> {
    data: Lengthened<P>,
    model: Lengthened<Q>,
}

impl<P: LanguageModel, Q: LanguageModel> LanguageModel for Either<P, Q> {
    fn vocabulary_size(&self) -> usize {
        self.data.vocabulary_size()
    }

    fn context_length(&self) -> usize {
        self.data.context_length()
    }

    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> Result<()> {
        self.next_token_laws(context, law)
    }

    fn next_token_laws(&self, contexts: &[Token], laws: &mut [f64]) -> Result<()> {
        let mut others = vec![0.0; laws.len()];
        self.data.next_token_laws(contexts, laws)?;
        self.model.next_token_laws(contexts, &mut others)?;
        laws.iter_mut().zip(&others).for_each(|(one, other)| *one = 0.5 * *one + 0.5 * other);
        Ok(())
    }

    fn vocab(&self) -> Option<&Vocab> {
        self.data.vocab()
    }
}
