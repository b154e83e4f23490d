//! Symbols and sequences: vocabularies, tokenizers, corpora, contexts.
//!
//! A **token** is a number in `0..V`, an index into a **vocabulary** of size V.
//! A **context** is the last K tokens, oldest first; [`ContextSpace`] numbers
//! them. A **corpus** is a sequence of documents, each a sequence of tokens.

mod context;
mod vocab;

pub use context::{ContextSpace, Token};
pub use vocab::Vocab;
