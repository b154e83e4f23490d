//! The chain of the contexts that a corpus shows.

use rayon::prelude::*;

use super::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::operator::SparseOperator;
use crate::text::{Corpus, DocumentEnd, Token, sequence_count, sequence_key};

impl MarkovChain<SparseOperator> {
    /// The chain over the contexts of `context_length` tokens that a corpus
    /// shows, each followed by what followed it there, as often as it did: the
    /// maximum-likelihood chain of order K.
    ///
    /// The document ends of the corpus ([`DocumentEnd`]) say what follows the
    /// last context of a document:
    ///
    /// - `Circular`, `Token`: the text goes round, so the chain is irreducible
    ///   and its stationary law is exactly the frequency of each context.
    /// - `Open`: the last context has no successor in its document. If it has
    ///   none anywhere it is **absorbing**, which the classes show.
    /// - `Reset`: after the end the next document starts, in the context of K
    ///   start tokens.
    /// - `Absorbing`: the end leads to the context of K end tokens, for ever.
    ///
    /// While counting, 16 bytes a token of the corpus and 64 a distinct window;
    /// the result takes 24 a transition and 32 a state.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for no context,
    /// [`Error::ContextSpaceTooLarge`] if `V^(K+1)` does not fit in 128 bits,
    /// [`Error::TextTooShort`] if an open corpus has no document longer than K,
    /// [`Error::TooLarge`] beyond 2^32 - 1 contexts.
    pub fn observed(corpus: &Corpus, context_length: usize) -> Result<Self> {
        let numbering = Numbering::new(corpus, context_length)?;
        let transitions = counted(&numbering.windows(corpus));
        if transitions.is_empty() {
            return Err(Error::TextTooShort { needed: context_length + 1 });
        }
        let keys = transitions.iter().flat_map(|&(window, _)| numbering.ends(window)).collect();
        let vocab = corpus.vocab().clone();
        let states = States::some_contexts(keys, vocab.len(), context_length, Some(vocab));
        let state = |key: u128| states.find_key(key).map(|state| state as u32).ok_or(Error::NoStates);
        let weights = transitions
            .par_iter()
            .map(|&(window, count)| {
                let [from, to] = numbering.ends(window);
                Ok((state(from)?, state(to)?, count as f64))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self::new(SparseOperator::from_weights(states.len(), weights)?, states))
    }
}

/// Windows of K + 1 tokens as base-V numbers.
struct Numbering {
    vocabulary_size: usize,
    /// `V^K`: how many contexts there could be.
    contexts: u128,
    context_length: usize,
    /// The end token and the context that it leads to, where it is not shifted in.
    end: Option<(Token, u128)>,
}

impl Numbering {
    fn new(corpus: &Corpus, context_length: usize) -> Result<Self> {
        if context_length == 0 {
            return Err(Error::MustBePositive { what: "context length" });
        }
        let vocabulary_size = corpus.vocab().len();
        let count = |length| sequence_count(vocabulary_size, length);
        let (Some(contexts), Some(_)) = (count(context_length), count(context_length + 1)) else {
            return Err(Error::ContextSpaceTooLarge { vocabulary_size, context_length, bits: u128::BITS });
        };
        let repeated = |token: Token| sequence_key(&vec![token; context_length], vocabulary_size);
        let (start, end) = (corpus.vocab().start(), corpus.vocab().end());
        let end = match corpus.document_end() {
            DocumentEnd::Reset => end.zip(start.map(repeated)),
            DocumentEnd::Absorbing => end.map(|end| (end, repeated(end))),
            _ => None,
        };
        Ok(Self { vocabulary_size, contexts, context_length, end })
    }

    /// Every context of the corpus with the token that followed it, sorted.
    fn windows(&self, corpus: &Corpus) -> Vec<u128> {
        let mut windows = Vec::with_capacity(corpus.window_count(self.context_length));
        corpus.for_each_window(self.context_length, |context, next| {
            windows.push(sequence_key(context.iter().chain([&next]), self.vocabulary_size));
        });
        windows.par_sort_unstable();
        windows
    }

    /// The contexts before and after the last token of a window.
    fn ends(&self, window: u128) -> [u128; 2] {
        let v = self.vocabulary_size as u128;
        let next = (window % v) as Token;
        let after = match self.end {
            Some((end, context)) if end == next => context,
            _ => window % self.contexts,
        };
        [window / v, after]
    }
}

/// Sorted numbers with how often each occurs.
fn counted(sorted: &[u128]) -> Vec<(u128, u64)> {
    sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)).collect()
}
