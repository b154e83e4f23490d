//! What is believed of a token before it is known what came after.

use std::fmt;

use crate::model::LanguageModel;
use crate::prob::Law;

/// The law of a token before its successors are looked at.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Prior<'a> {
    /// The stationary law of one token: how common it is in the model's own text.
    Marginal,
    /// Every token alike.
    Uniform,
    /// This law over the vocabulary: frequencies in a corpus, or the stationary
    /// law of a [`short_kernel`](crate::chain::MarkovChain::short_kernel).
    Tokens(&'a Law),
    /// What a model of reversed text says of the token before the suffix, given
    /// the oldest tokens of the suffix from right to left. It has seen the suffix
    /// already, so Bayes' rule counts the suffix twice.
    ReverseModel(&'a dyn LanguageModel),
}

impl fmt::Debug for Prior<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Marginal => f.write_str("Marginal"),
            Self::Uniform => f.write_str("Uniform"),
            Self::Tokens(law) => f.debug_tuple("Tokens").field(law).finish(),
            Self::ReverseModel(_) => f.write_str("ReverseModel"),
        }
    }
}
