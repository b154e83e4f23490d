//! Whether a chain stays on its topic.
//!
//! - **Topics** are a partition of the states ([`crate::topics::Topics`]) or
//!   memberships ([`crate::topics::Memberships`]).
//! - The **flow** from topic `a` to `b` is the probability that the next state
//!   is in `b`, given that this one is in `a`, under the stationary law.
//! - **Retention** after `t` steps: the probability of being in the topic at
//!   time `t`, given that one was at time 0; it may have been left in between.
//! - The **sojourn law** of a topic: the number of steps spent in it from an
//!   entry to the next exit. Its **half-life** is the first number of steps
//!   that at most half of the sojourns outlast; its **hazard** is the
//!   probability that a sojourn ends, given that it lasted so long.
//! - The **return probability**: that of being back in a topic after it was left.
//! - The **lumped chain** has the topics for states and the flow for its
//!   transition matrix. Its **lumpability error** is how far the law of the next
//!   topic given the state is from that given the topic; the
//!   **Chapman-Kolmogorov test** compares its powers with the truth.

mod curve;
mod lumped;
mod returning;
mod sojourn;
mod windows;

pub use lumped::{ChapmanKolmogorov, LumpedChain};
pub use returning::TopicReturn;
pub use sojourn::Sojourn;
pub use windows::{WindowDrift, window_drift};
