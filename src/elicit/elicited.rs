//! What was found.

use crate::solve::Stop;
use crate::text::Token;

/// A prefix and what it is worth.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ScoredPrefix {
    /// The tokens of the prefix, oldest first.
    pub prefix: Vec<Token>,
    /// `-log2 P(suffix | prefix) / L`, in bits a suffix token; infinite for a
    /// suffix that cannot follow.
    pub suffix_loss: f64,
    /// `-log2 P(prefix) / m`, in bits a prefix token; `None` if nothing is known
    /// of the text before it.
    pub prefix_loss: Option<f64>,
    /// `log2 P(suffix | prefix) + lambda log2 P(prefix)`, in bits: what is maximised.
    pub objective: f64,
}

/// What a search found, and what it took.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Elicited {
    /// Prefixes, best first; at least one.
    pub prefixes: Vec<ScoredPrefix>,
    /// Laws of the next token that were asked of the model.
    pub evaluations: u64,
    /// Laws of the token before that were asked of a reverse model.
    pub reverse_evaluations: u64,
    /// Why the search ended. [`Stop::Direct`] from a search that runs to its end.
    pub stop: Stop,
}

impl Elicited {
    /// The best prefix.
    pub fn best(&self) -> &ScoredPrefix {
        &self.prefixes[0]
    }

    /// How far the best objective is below that of an exact search for the same
    /// elicitation, in bits: zero up to rounding if the optimum was found,
    /// infinite if nothing was found that can be followed by the suffix.
    pub fn gap(&self, exact: &Self) -> f64 {
        (exact.best().objective - self.best().objective).max(0.0)
    }
}
