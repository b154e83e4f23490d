//! The chain of a whole back-off model.
//!
//! For a context `x`, `L(x)` is the set of tokens stored after it, `p(v | x)`
//! their probabilities, `b(x)` its back-off weight and `x'` its suffix. The
//! stored n-grams are closed under taking contexts and suffixes, so `L(x)` is in
//! `L(x')`, and whatever a context does not store is asked of its suffix:
//!
//! ```text
//! p(v | x) = b(x) p(v | x')          for v not in L(x),
//! next(x, v) = next(x', v)           for v not in L(x): the same state follows.
//! ```
//!
//! Both products are sums over stored n-grams with corrections for those that a
//! longer context stores too. Written plainly the corrections are subtracted,
//! and cancel. Here they are left out of the sums instead wherever they are more
//! than half: the n-grams after a context stand side by side, and so do the
//! contexts with a suffix, so what is left are runs of an array, each the sum of
//! a few partial sums (`pyramid`). A product costs `O(n-grams)`, and where
//! nothing can be subtracted at most a factor of their logarithm more.
//!
//! - `entries`: the n-grams by their contexts, for pulling back (`pull`);
//! - `incoming`: the same by what they end with, for pushing forward (`push`);
//! - `largest`: the largest term of every output instead of their sum;
//! - `least`: the least probability of every token after any state;
//! - `walk`, `graph`, `block_hubs`, `sampler`: transitions one by one, the graph, draws;
//! - `entropy`, `blocks`: the entropies of rows and of blocks of tokens.

mod block_hubs;
mod blocks;
mod ends;
mod entries;
mod entropy;
mod graph;
mod incoming;
mod largest;
mod least;
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
mod transitions;
mod walk;

pub use operator::BackoffOperator;
