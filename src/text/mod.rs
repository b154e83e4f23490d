//! Symbols and sequences: vocabularies, tokenizers, corpora, contexts.
//!
//! A **token** is a number in `0..V`, an index into a **vocabulary** of size V.
//! A **tokenizer** cuts text into the names of tokens. A **corpus** is a
//! sequence of documents, each a sequence of tokens, with one vocabulary and a
//! rule for what follows the end of a document ([`DocumentEnd`]).
//!
//! A **context** is the last K tokens, oldest first; [`ContextSpace`] numbers
//! them. A **window** of a corpus is a context and the token that followed it:
//! one transition of the chain that the text is a path of.

mod builder;
mod context;
mod corpus;
mod end_rule;
mod key;
mod read;
mod tokenize;
mod utf8;
mod vocab;
mod windows;

pub use context::{ContextSpace, Token};
pub(crate) use corpus::Stretch;
pub use corpus::{Corpus, EncodedText};
pub use end_rule::EndRule;
pub(crate) use key::{prompt_key, sequence_count, sequence_key, write_sequence};
pub use read::{CorpusSettings, UnknownTokens};
pub use tokenize::Tokenizer;
pub use utf8::InvalidUtf8;
pub use vocab::Vocab;
pub use windows::DocumentEnd;
