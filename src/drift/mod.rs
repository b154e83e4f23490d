//! Whether a chain stays on its topic.
//!
//! - **Topics** are a partition of the states ([`crate::topics::Topics`]).
//! - The **flow** from topic `a` to `b` is the probability that the next state
//!   is in `b`, given that this one is in `a`, under the stationary law.
//! - **Retention** after `t` steps: the probability of being in the topic at
//!   time `t`, given that one was at time 0; it may have been left in between.
//! - The **sojourn law** of a topic: the number of steps spent in it from an
//!   entry to the next exit. Its **half-life** is the first number of steps
//!   that at most half of the sojourns outlast.

mod curve;
mod sojourn;
mod windows;

pub use sojourn::Sojourn;
pub use windows::{WindowDrift, window_drift};
