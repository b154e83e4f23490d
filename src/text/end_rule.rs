//! What follows an end-of-text token.

use super::Token;

/// What an end-of-text token does to a chain of contexts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndRule {
    /// Nothing: it is a token like any other.
    Token,
    /// The text starts anew: what came before the end token is forgotten, as
    /// if the tokens after it followed this context.
    Reset {
        /// The context in which every text starts: tokens `<s>`, one for a
        /// back-off model, K for a model of contexts of K tokens.
        start: Vec<Token>,
    },
    /// The text has ended: after the end token comes the end token, for ever.
    Absorbing,
}
