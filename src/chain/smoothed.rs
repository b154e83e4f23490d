//! The chain of a whole smoothed n-gram model.

use super::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::ngram::BackoffTrie;
use crate::operator::BackoffOperator;
use crate::text::{EndRule, Token, Vocab};

/// How to make the chain of a back-off model over the contexts that it tells
/// apart, with its full vocabulary and all its smoothing.
///
/// Unlike an [`Enumeration`](super::Enumeration) it needs memory for the stored
/// n-grams only, and stands for the same chain, lumped exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SmoothedChain {
    end: Option<EndRule>,
}

impl SmoothedChain {
    /// After `</s>` a text starts anew with one `<s>`, if the vocabulary has both;
    /// otherwise no token is special.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the end-of-text token `</s>` does.
    pub fn end_rule(mut self, rule: EndRule) -> Self {
        self.end = Some(rule);
        self
    }

    /// The chain of a model whose tokens have the names of a vocabulary.
    ///
    /// # Errors
    ///
    /// [`Error::VocabularyMismatch`], and as [`BackoffOperator::new`].
    pub fn build(&self, model: &BackoffTrie, vocab: &Vocab) -> Result<MarkovChain<BackoffOperator>> {
        if vocab.len() != model.vocabulary_size() {
            return Err(Error::VocabularyMismatch { model: model.vocabulary_size(), text: vocab.len() });
        }
        let reset = |start: Token| EndRule::Reset { start: vec![start] };
        let usual = || vocab.end().and(vocab.start()).map_or(EndRule::Token, reset);
        let rule = self.end.clone().unwrap_or_else(usual);
        let operator = BackoffOperator::new(model, vocab.end(), &rule)?;
        let states = States::suffixes(&operator, Some(vocab.clone()));
        Ok(MarkovChain::new(operator, states))
    }
}

impl MarkovChain<BackoffOperator> {
    /// The chain of a back-off model: [`SmoothedChain`] with its defaults.
    ///
    /// # Errors
    ///
    /// As [`SmoothedChain::build`].
    pub fn smoothed(model: &BackoffTrie, vocab: &Vocab) -> Result<Self> {
        SmoothedChain::new().build(model, vocab)
    }
}
