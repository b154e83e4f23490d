//! Causal states: contexts merged when their futures are the same.

mod solver;
mod states;

pub use solver::CausalStateSolver;
pub use states::{CausalStates, CausalStep};
