//! The chain of a whole back-off model.

mod ends;
mod entries;
mod incoming;
mod operator;
mod pull;
mod push;
mod pyramid;
mod sums;
#[cfg(test)]
mod tests;
mod walk;

pub use operator::BackoffOperator;
