//! Walks along a chain: one by one, many kept, many watched as they go.

mod ensemble;
mod first_visits;
mod lockstep;
mod start;
mod streaming;
mod visit_counts;
mod walker;

pub use ensemble::Ensemble;
pub use first_visits::FirstVisits;
pub use lockstep::Visit;
pub(crate) use lockstep::{Begun, walk_each};
pub use start::Start;
pub use streaming::WalkObserver;
pub use visit_counts::VisitCounts;
pub use walker::{Walk, Walker};
