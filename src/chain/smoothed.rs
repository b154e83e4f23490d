//! The chain of a whole smoothed n-gram model.

use super::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::model::{NgramModel, Smoothing};
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

    /// What the end-of-text token `</s>` does. A start context may be made only
    /// of tokens that are never generated, such as `<s>`; any number of them is as one.
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
    /// [`NgramModel::normalized`] mends it. [`Error::GeneratedStart`];
    /// [`Error::UnseenContext`] for a model of maximum likelihood that leads out
    /// of the contexts that occur.
    pub fn build(&self, model: &NgramModel) -> Result<MarkovChain<BackoffOperator>> {
        let vocab = model.vocab();
        let reset = |start: Token| EndRule::Reset { start: vec![start] };
        let usual = || vocab.end().and(vocab.start()).map_or(EndRule::Token, reset);
        let rule = self.end.clone().unwrap_or_else(usual);
        let operator = BackoffOperator::new(model.backoff(), vocab.end(), &rule)?;
        if let Some(token) = operator.generated_start() {
            return Err(Error::GeneratedStart { name: vocab.name(token).to_owned() });
        }
        if model.smoothing() == Some(Smoothing::MaximumLikelihood) {
            check_seen(model, operator.end())?;
        }
        let states = States::suffixes(&operator, Some(vocab.clone()));
        Ok(MarkovChain::new(operator, states))
    }
}

/// Refuses a model of maximum likelihood whose text leads into a context that
/// nothing follows: the chain would go on with the law of a shorter one.
fn check_seen(model: &NgramModel, end: Option<Token>) -> Result<()> {
    let (trie, order) = (model.backoff().trie(), model.order());
    let refuse = |length: usize, number: usize| {
        let is_seen = !trie.children(length, number).is_empty();
        if is_seen { Ok(()) } else { Err(Error::UnseenContext { context: trie.ngram(length, number) }) }
    };
    let goes_on = |length: usize| move |number: &usize| Some(trie.tokens(length)[*number]) != end;
    if let Some(start) = model.vocab().start() {
        for length in 2..order {
            trie.starting_with(start, length).filter(goes_on(length)).try_for_each(|n| refuse(length, n))?;
        }
    }
    let longest = 0..if order > 1 { trie.len(order) } else { 0 };
    longest.filter(goes_on(order)).try_for_each(|number| refuse(order - 1, trie.suffix(order, number)))
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
