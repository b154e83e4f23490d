//! Which prefix makes a model say a given suffix.
//!
//! Given a **suffix** `s` of L tokens that a model should or should not say,
//! **elicitation** looks for the prefix `u` of m tokens that makes it most
//! likely ([`Elicitation`]). A plain maximum is often reached by prefixes that
//! nobody would write, so the prefix's own probability may count with a weight
//! `lambda >= 0`:
//!
//! ```text
//! objective(u) = log2 P(s | u) + lambda log2 P(u)
//! P(s | u) = p(s_1 | last K tokens of u) p(s_2 | last K tokens of u s_1) ..
//! ```
//!
//! - **Suffix loss**: `-log2 P(s | u) / L`, in bits a suffix token.
//! - **Prefix loss**: `-log2 P(u) / m`, in bits a prefix token, given the prompt
//!   before it or the law of its first K tokens. Published losses are in nats.
//! - **Evaluations**: laws of the next token that were asked of the model, its
//!   forward passes if it is a network.
//!
//! Three ways to search, from sure to cheap:
//!
//! - [`ExactSearch`] tabulates all V^K contexts and finds the best prefixes by
//!   dynamic programming; its optimum is what others are measured by
//!   ([`Elicited::gap`]).
//! - [`BeamSearch`] writes prefixes from right to left as a **reverse model**
//!   proposes, a model of text read backwards, and ranks them by the objective
//!   (Pfau et al. 2023).
//! - [`CoordinateSearch`] changes one token at a time while that helps: what
//!   greedy coordinate gradient (Zou et al. 2023) does, without the gradient.

mod beam;
mod coordinate;
mod elicited;
mod exact;
mod objective;
mod scorer;

pub use beam::BeamSearch;
pub use coordinate::{Climb, Climbs, CoordinateSearch};
pub use elicited::{Elicited, ScoredPrefix};
pub use exact::ExactSearch;
pub use objective::Elicitation;
