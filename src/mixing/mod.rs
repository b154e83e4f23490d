//! How fast a chain forgets where it started.
//!
//! - The **distance** after `t` steps is the total variation distance from the
//!   law at time `t` to the stationary law.
//! - The **mixing time** is the first `t` at which the distance from the worst
//!   start is at most `eps`, 1/4 unless said otherwise.
//! - The **second eigenvalue** is the largest in modulus after the eigenvalue 1
//!   is taken out once. The distance ends up falling like its modulus to the
//!   power `t`, but not before the prompt has left the window: a context chain
//!   also has a large nilpotent part (eigenvalue 0), which takes K steps to
//!   vanish. A second eigenvalue of 0 does not mean mixed.

mod curve;
mod eigenvalue;
mod time;

pub use eigenvalue::{SecondEigenvalue, SecondEigenvalueSolver};
pub use time::MixingTimeSolver;
