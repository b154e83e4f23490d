//! N-grams: counted, and stored with probabilities and back-off weights.
//!
//! An **n-gram** is a sequence of tokens, oldest first; its **context** is all
//! but the newest token, its **suffix** all but the oldest. A set of n-grams of
//! all lengths up to the **order** that has, with every n-gram, its context and
//! its suffix, is a trie with suffix links ([`NgramTrie`]).
//!
//! A **back-off model** ([`BackoffTrie`]) gives every stored n-gram `h v` a
//! probability `p(v | h)` and every context `h` a **back-off weight** `b(h)`.
//! The law after a context is that of its longest stored suffix, and
//!
//! ```text
//! p(v | h) = the stored one, or b(h) p(v | h'),   h' the suffix of h.
//! ```
//!
//! Every smoothing method of the field can be written this way, whether it
//! interpolates or backs off. Other tools keep such models in ARPA files:
//! [`read_arpa`], [`write_arpa`].

mod arpa;
mod backoff;
mod builder;
mod contexts;
mod count;
mod restore;
#[cfg(test)]
pub(crate) mod slow;
#[cfg(test)]
pub(crate) mod test_models;
mod trie;

pub use arpa::{
    ArpaModel, ArpaPrecision, ArpaSettings, read_arpa, read_arpa_from, read_arpa_from_watched,
    read_arpa_watched, write_arpa,
};
pub use backoff::{BackoffTrie, NgramState, NgramStep};
pub use contexts::ContextTree;
pub(crate) use contexts::{EndContexts, StateNumbers};
pub use count::{Continuations, CountSettings, NgramCounts};
pub(crate) use count::{Key, Sorting, counts_of_counts};
pub use trie::NgramTrie;

/// The longest n-grams that are read or given one by one.
const MAX_ORDER: usize = 32;
