//! Where a chain goes in the long run.
//!
//! - A law `pi` is **stationary** if `pi · P = pi`. Every recurrent class has
//!   exactly one stationary law of its own ([`StationaryLaws`]); all others are
//!   mixtures of these.
//! - The **absorption weights** of a start law are the probabilities of ending
//!   up in each recurrent class.
//! - The **long-run law** from a start law is the mixture of the stationary
//!   laws with the absorption weights: the limit of the average of the laws at
//!   times `0..t` (Cesàro). For aperiodic classes it is the limit of the law at
//!   time `t` itself.
//!
//! An iteration pushes a law forward until it stands still: plainly (power
//! iteration), by sweeps that take up every group of states as soon as it is there (Gauss–Seidel),
//! or along likely paths and corrected by shorter contexts, which takes
//! tens of products where that takes thousands (low temperatures, slow topics).
//!
//! It reports the residual `||pi P - pi||_1`. A small residual is
//! not a small error, so convergence is claimed only with a proven bound on
//! the error ([`Report::error_bound`](crate::solve::Report::error_bound)).
//! Elimination (Grassmann, Taksar, Heyman 1985) subtracts nothing and is right
//! in every component.

mod absorption;
mod certificate;
mod checkpoint;
mod gth;
mod iteration;
mod laws;
mod solver;
mod steps;
mod tape;

pub use laws::StationaryLaws;
pub use solver::{StationaryMethod, StationarySolver};
