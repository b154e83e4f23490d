//! Walks along a chain, one by one or many side by side.

mod ensemble;
mod lockstep;
mod start;
mod walker;

pub use ensemble::Ensemble;
pub(crate) use lockstep::{Begun, walk_each};
pub use start::Start;
pub use walker::{Walk, Walker};
