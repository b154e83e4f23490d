//! When a set of states is reached, and whether it is.

mod pattern;

pub use pattern::{Occurrences, Overlap, PatternLaw, PatternOperator, Patterns};
