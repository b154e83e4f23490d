//! States and an operator over them: the chain.
//!
//! - State `j` is **accessible** from `i` if some walk leads from `i` to `j`;
//!   `i` and `j` **communicate** if each is accessible from the other. The
//!   classes of this relation are the **communicating classes**.
//! - A class is **recurrent** if it is closed: no transition leaves it. Other
//!   classes, and their states, are **transient**. A state that is a recurrent
//!   class by itself is **absorbing**.
//! - A chain is **irreducible** if it has one communicating class.
//! - The **period** of a class is the greatest common divisor of the lengths of
//!   its closed walks. The states of a class of period `d` fall into `d`
//!   **cyclic classes**, each of which leads to the next. A class is
//!   **aperiodic** if its period is 1.
//! - A chain is **regular** if some power of its matrix is positive
//!   everywhere: irreducible and aperiodic.

mod classes;
mod enumerate;
mod greedy;
mod markov_chain;
mod matrices;
mod observed;
mod reachable;
mod register;
mod smoothed;
mod sorted_contexts;
mod state_set;
mod states;
mod streamed;
mod walk;

pub use classes::Classes;
pub(crate) use classes::communicating_within;
pub use enumerate::Enumeration;
pub use greedy::{GreedyLoop, GreedyLoops};
pub use markov_chain::MarkovChain;
pub use observed::Observation;
pub use reachable::Exploration;
pub use smoothed::SmoothedChain;
pub(crate) use sorted_contexts::SortedContexts;
pub use state_set::StateSet;
pub use states::States;
pub use streamed::{ModelRows, RecomputedChain, StoredChain};
pub(crate) use walk::{Begun, walk_each};
pub use walk::{Ensemble, FirstVisits, Start, Visit, VisitCounts, Walk, WalkObserver, Walker};
