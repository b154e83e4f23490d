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
//!
//! # The arrow of time
//!
//! A window read backwards is another window, `R(x_1 .. x_K) = x_K .. x_1`. The
//! process of tokens is **reversible** if
//! `pi(c) P(c, c') = pi(R c') P(R c', R c)`; detailed balance without `R` never
//! holds for windows of two tokens or more. **Irreversibility** is the relative
//! entropy rate of the process from itself read backwards
//! ([`irreversibility`](crate::chain::MarkovChain::irreversibility)). The entropy
//! rate is the same in both directions, whatever the irreversibility.
//!
//! # Reversal by Bayes' rule
//!
//! A forward model and a **prior** of a single token give a law of the token
//! before some others ([`BayesReversal`]),
//!
//! ```text
//! q(u | s_1 .. s_L) ~ prior(u) p(s_1 | u) p(s_2 | u s_1) ..
//! ```
//!
//! It is the exact reversal if the prior is the stationary law of one token and
//! the laws after contexts that are not full are the conditionals of the
//! stationary process. The **invariance residual** of a suffix,
//! `sum over u of prior(u) P(s | u) / P(s)`, is 1 then; what a model says at the
//! start of a text is something else, and the residual shows it.

mod arrow;
mod backward_walk;
mod bayes;
mod histories;
mod learned;
mod reversed;
mod sampled;
mod table;
mod token_process;

pub use backward_walk::BackwardWalk;
pub use bayes::{BayesReversal, BayesSettings, Conditionals, Prior};
pub use histories::{End, Histories, History, HistorySettings, ResetHistories, ResetHistorySettings};
pub use learned::ReverseComparison;
pub use reversed::Reversed;
pub use sampled::ReverseEstimate;
pub use table::ReverseTable;
