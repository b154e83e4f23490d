//! What the states are about.
//!
//! - **Topics** are a partition of the states ([`Topics`]).
//! - **Memberships** ([`Memberships`]) say how much of each topic a state is
//!   in: for every state a law over the topics.
//! - A topic is **described** ([`TopicDescription`]) by the tokens that are said
//!   more in it than everywhere, and by the contexts that most of it is in.
//! - Two partitions **agree** by how often both put two states together: the
//!   adjusted Rand index ([`adjusted_rand_index`]).

mod agreement;
mod description;
mod memberships;
mod partition;

pub use agreement::{adjusted_rand_index, adjusted_rand_index_of_counts};
pub use description::{TopicContext, TopicDescription, TopicToken};
pub use memberships::Memberships;
pub use partition::{TopicLaw, Topics};
