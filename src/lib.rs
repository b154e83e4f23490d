//! A language model that sees only its last K tokens is a Markov chain whose
//! state is the whole context: this crate takes that literally.

pub mod chain;
pub mod drift;
pub mod error;
pub mod information;
pub mod mixing;
pub mod model;
pub mod operator;
pub mod prob;
pub mod reverse;
pub mod solve;
pub mod stationary;
pub mod text;

pub use error::{Error, Result};
