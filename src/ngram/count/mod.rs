//! Counting the n-grams of a corpus.
//!
//! Every place of a text starts a sequence of n tokens, shorter at the end of a
//! document. The sequences are packed into numbers that sort as they do, sorted
//! (on disk, where they do not fit in memory), and read off into a trie: an
//! n-gram occurs as often as sequences start with it.

mod counter;
mod counts;
mod key;
mod runs;
mod sorting;

pub use counter::CountSettings;
pub(crate) use counts::counts_of_counts;
pub use counts::{Continuations, NgramCounts};
pub(crate) use key::Key;
pub(crate) use sorting::Sorting;
