//! A language model that sees only its last K tokens is a Markov chain whose
//! state is the whole context: this crate takes that literally.

pub mod error;
pub mod model;
pub mod operator;
pub mod prob;
pub mod solve;
pub mod text;

pub use error::{Error, Result};
