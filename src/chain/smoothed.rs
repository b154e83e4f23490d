//! The chain of a whole smoothed n-gram model.

use super::{MarkovChain, States};
use crate::error::Result;
use crate::model::NgramModel;
use crate::operator::BackoffOperator;
use crate::text::{EndRule, Token};

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

    /// The chain of a model.
    ///
    /// # Errors
    ///
    /// As [`BackoffOperator::new`]: in particular
    /// [`Error::ContextSum`](crate::Error::ContextSum) for a model whose laws
    /// do not sum to one, such as one read from a file with rounded numbers;
    /// [`NgramModel::normalized`] mends it.
    pub fn build(&self, model: &NgramModel) -> Result<MarkovChain<BackoffOperator>> {
        let vocab = model.vocab();
        let reset = |start: Token| EndRule::Reset { start: vec![start] };
        let usual = || vocab.end().and(vocab.start()).map_or(EndRule::Token, reset);
        let rule = self.end.clone().unwrap_or_else(usual);
        let operator = BackoffOperator::new(model.backoff(), vocab.end(), &rule)?;
        let states = States::suffixes(&operator, Some(vocab.clone()));
        Ok(MarkovChain::new(operator, states))
    }
}

impl MarkovChain<BackoffOperator> {
    /// The chain of a whole n-gram model: [`SmoothedChain`] with its defaults.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::MarkovChain;
    /// use lmchain::model::NgramSettings;
    /// use lmchain::text::{CorpusSettings, DocumentEnd, Tokenizer};
    ///
    /// let settings = CorpusSettings::new(Tokenizer::whitespace()).document_end(DocumentEnd::Reset);
    /// let corpus = settings.read_strings(["the cat sat", "the dog sat on the cat"])?;
    /// let chain = MarkovChain::smoothed(&NgramSettings::new(3).fit(&corpus)?)?;
    /// let law = chain.stationary()?.converged()?;
    /// let start = chain.states().find("<s>")?;
    /// assert!(1.0 / law[start] > 4.0); // tokens a sentence, `</s>` counted
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`SmoothedChain::build`].
    pub fn smoothed(model: &NgramModel) -> Result<Self> {
        SmoothedChain::new().build(model)
    }
}
