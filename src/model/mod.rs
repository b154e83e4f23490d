//! A context in, the law of the next token out.

mod language_model;

pub use language_model::LanguageModel;
