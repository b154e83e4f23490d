//! The chain of a whole back-off model.

mod blocks;
mod ends;
mod entries;
mod entropy;
mod graph;
mod incoming;
mod operator;
mod pull;
mod push;
mod pyramid;
mod sampler;
mod sums;
#[cfg(test)]
pub(crate) mod test_matrix;
#[cfg(test)]
mod tests;
mod walk;

pub use operator::BackoffOperator;
