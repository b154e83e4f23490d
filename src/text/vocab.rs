//! The names of tokens.

use rustc_hash::FxHashMap;

use super::Token;

/// A vocabulary: the names of the tokens `0..V`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocab {
    names: Vec<String>,
    tokens: FxHashMap<String, Token>,
}

impl Vocab {
    /// Vocabulary size V.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of a token.
    ///
    /// # Panics
    ///
    /// If the token is outside the vocabulary.
    #[track_caller]
    pub fn name(&self, token: Token) -> &str {
        &self.names[token as usize]
    }

    /// The token with this name.
    pub fn token(&self, name: &str) -> Option<Token> {
        self.tokens.get(name).copied()
    }
}
