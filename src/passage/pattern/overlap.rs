//! Whether an occurrence may begin in the prompt.

use super::{PatternOperator, Patterns};
use crate::chain::{MarkovChain, Start};
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::Law;

/// What the automaton has read before the first token is generated.
///
/// Time is counted in tokens generated: an occurrence is complete at token `t`
/// if its last token is the `t`-th one generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// Nothing: an occurrence must lie wholly inside the tokens generated.
    Fresh,
    /// The prompt: an occurrence may begin in it. One that ends with the prompt's
    /// last token counts, at token 0; one that ends before is past, and does not.
    ///
    /// Of [`Start::Prompt`] every token is read, also those before the last K.
    /// Of a state, or each state of a law, its tokens are read
    /// ([`States::tokens`](crate::chain::States::tokens)), since no more is
    /// known; a string that is longer may then begin in the prompt unseen.
    Prompt,
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// Where the chain with its patterns ([`with_patterns`](Self::with_patterns))
    /// starts: a law over pairs of a node and a state.
    ///
    /// # Errors
    ///
    /// As [`Start::law`] and [`PatternOperator::new`];
    /// [`Error::TokenOutOfRange`](crate::Error::TokenOutOfRange) also for an early token of a
    /// prompt that is read.
    pub fn pattern_start(&self, patterns: &Patterns, start: Start<'_>, overlap: Overlap) -> Result<Law> {
        let product = self.with_patterns(patterns)?;
        Ok(Law::from_computed(self.product_start(product.operator(), start, overlap)?))
    }

    /// The start of a product that is there already.
    pub(super) fn product_start(
        &self,
        product: &PatternOperator<&O>,
        start: Start<'_>,
        overlap: Overlap,
    ) -> Result<Vec<f64>> {
        let law = start.law(self.states())?;
        let patterns = product.patterns();
        let read = |state: usize| match (overlap, start) {
            (Overlap::Fresh, _) => Ok(0),
            (Overlap::Prompt, Start::Prompt(prompt)) => {
                patterns.check_tokens(prompt)?;
                Ok(patterns.read(0, prompt))
            }
            (Overlap::Prompt, _) => Ok(patterns.read(0, &self.states().tokens(state))),
        };
        let mut pairs = vec![0.0; product.states()];
        for (state, &p) in law.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            pairs[product.number(read(state)?, state)] = p;
        }
        Ok(pairs)
    }
}
