//! What every language model can do.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::text::{Token, Vocab};

/// A model that gives the law of the next token from the last K tokens.
///
/// The law must be a pure function of the K tokens: the same context, the same
/// law. A model that remembers more than its context is not a Markov chain in
/// K tokens.
pub trait LanguageModel: Sync {
    /// Vocabulary size V: the number of tokens, and the length of a law.
    fn vocabulary_size(&self) -> usize;

    /// Context length K: how many tokens the law depends on, at least 1.
    fn context_length(&self) -> usize;

    /// Writes the law of the next token after `context` into `law`.
    ///
    /// # Shapes
    ///
    /// `context` has K tokens, oldest first; `law` has V entries.
    ///
    /// # Errors
    ///
    /// Any [`enum@crate::Error`], for instance
    /// [`UnseenContext`](crate::Error::UnseenContext) from a model that has no
    /// law there.
    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> Result<()>;

    /// Writes the laws after many contexts, one after another.
    ///
    /// A model that is faster in batches (a transformer) overrides this; by
    /// default the contexts are taken one by one, in parallel.
    ///
    /// # Shapes
    ///
    /// `contexts` has B·K tokens, `laws` B·V entries, row by row.
    ///
    /// # Errors
    ///
    /// As [`next_token_law`](Self::next_token_law), for the first context that fails.
    fn next_token_laws(&self, contexts: &[Token], laws: &mut [f64]) -> Result<()> {
        contexts
            .par_chunks_exact(self.context_length())
            .zip(laws.par_chunks_exact_mut(self.vocabulary_size()))
            .map(|(context, law)| self.next_token_law(context, law))
            .collect::<Vec<_>>()
            .into_iter()
            .collect()
    }

    /// The probability of one token after `context`.
    ///
    /// By default it is read off the whole law; a model that can give it in
    /// less than V steps overrides this.
    ///
    /// # Errors
    ///
    /// As [`next_token_law`](Self::next_token_law), and
    /// [`Error::TokenOutOfRange`] for the token.
    fn probability(&self, context: &[Token], token: Token) -> Result<f64> {
        let vocabulary_size = self.vocabulary_size();
        let mut law = vec![0.0; vocabulary_size];
        self.next_token_law(context, &mut law)?;
        law.get(token as usize).copied().ok_or(Error::TokenOutOfRange { token, vocabulary_size })
    }

    /// The vocabulary, if the model knows the names of its tokens.
    fn vocab(&self) -> Option<&Vocab> {
        None
    }
}

impl<M: LanguageModel + ?Sized> LanguageModel for &M {
    fn vocabulary_size(&self) -> usize {
        (**self).vocabulary_size()
    }

    fn context_length(&self) -> usize {
        (**self).context_length()
    }

    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> Result<()> {
        (**self).next_token_law(context, law)
    }

    fn next_token_laws(&self, contexts: &[Token], laws: &mut [f64]) -> Result<()> {
        (**self).next_token_laws(contexts, laws)
    }

    fn probability(&self, context: &[Token], token: Token) -> Result<f64> {
        (**self).probability(context, token)
    }

    fn vocab(&self) -> Option<&Vocab> {
        (**self).vocab()
    }
}

/// Checks the shapes of a request, by panic, and the range of its tokens, by error.
#[track_caller]
pub(super) fn check_request<M: LanguageModel + ?Sized>(
    model: &M,
    context: &[Token],
    law: Option<&[f64]>,
) -> Result<()> {
    let vocabulary_size = model.vocabulary_size();
    assert_eq!(context.len(), model.context_length(), "the context must have K tokens");
    if let Some(law) = law {
        assert_eq!(law.len(), vocabulary_size, "the law must have one entry per token");
    }
    match context.iter().find(|token| **token as usize >= vocabulary_size) {
        Some(&token) => Err(Error::TokenOutOfRange { token, vocabulary_size }),
        None => Ok(()),
    }
}
