//! A context in, the law of the next token out.
//!
//! A **language model** with context length K is a function from contexts to
//! laws of the next token ([`LanguageModel`]). An **n-gram model** of order n
//! has K = n - 1; it is counted from a corpus and smoothed ([`NgramSettings`],
//! [`Smoothing`]). **Decoding** turns a model into the one that text is really
//! drawn from: temperature, truncation, floor ([`Decoded`]). What follows an
//! end-of-text token is a choice too ([`EndOfText`]).
//!
//! **Cross-entropy** of a text under a model is the mean of `-log2 p(token |
//! context)` over its windows, in bits a token; **perplexity** is 2 to that
//! power ([`TextScore`]).

mod decoding;
mod end_of_text;
mod estimation;
mod language_model;
mod ngram;
mod score;
mod smoothing;
mod table;
mod table_json;

pub use crate::text::EndRule;
pub use decoding::{Decoded, Decoding};
pub use end_of_text::EndOfText;
pub use estimation::LengthStatistics;
pub use language_model::LanguageModel;
pub use ngram::{NgramModel, NgramSettings};
pub use score::{TextScore, score, score_sentences, score_tokens};
pub use smoothing::{Discount, Smoothing};
pub use table::TableModel;
