//! The one contract of everything that iterates.
//!
//! Settings go in, an [`Outcome`] comes out: the value and a [`Report`] of
//! iterations, residual, proven error bound and why it stopped ([`Stop`]).
//! Long work tells an [`Observer`] where it stands, and stops when told to.
//! Systems of linear equations that several rooms have to solve are solved here.

mod limits;
mod linear;
mod outcome;
mod progress;
mod watch;

pub(crate) use limits::{MEMORY_LIMIT, OPERATIONS_LIMIT, check_memory, check_operations, check_positive};
pub(crate) use linear::{LinearSolution, LinearSystem};
pub use outcome::{Outcome, Report, Stop};
pub(crate) use progress::report;
pub use progress::{Observer, Progress, Silent};
pub(crate) use watch::Watch;
