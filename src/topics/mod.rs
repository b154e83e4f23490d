//! What the states are about.
//!
//! - **Topics** are a partition of the states ([`Topics`]).
//! - **Memberships** ([`Memberships`]) say how much of each topic a state is
//!   in: for every state a law over the topics.

mod memberships;
mod partition;

pub use memberships::Memberships;
pub use partition::{TopicLaw, Topics};
