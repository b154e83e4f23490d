//! What came before: the chain run backwards.
//!
//! Under its stationary law `pi`, a chain seen backwards is a chain again, its
//! **time reversal**
//!
//! ```text
//! P*(i, j) = pi(j) P(j, i) / pi(i).
//! ```
//!
//! It has the same stationary law, and reversing twice gives `P` back. Over
//! contexts it is a shift register again: a backward step drops the newest
//! token and prepends an older one, drawn from the **reverse table**
//! `q(previous token | context)`.
//!
//! A model *learned* from reversed text is another thing: it can be held against
//! the exact reversal ([`ReverseComparison`], [`ReverseEstimate`]).
//!
//! A **history** of a bad state is a whole sequence of states that ends there:
//! see [`Histories`].
//!
//! A state that `pi` never visits has no past. This is said openly: see
//! [`Reversed::has_past`].

mod backward_walk;
mod histories;
mod learned;
mod reversed;
mod sampled;
mod table;

pub use backward_walk::BackwardWalk;
pub use histories::{End, Histories, History, HistorySettings, ResetHistories, ResetHistorySettings};
pub use learned::ReverseComparison;
pub use reversed::Reversed;
pub use sampled::ReverseEstimate;
pub use table::ReverseTable;
