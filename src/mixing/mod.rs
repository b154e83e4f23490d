//! How fast a chain forgets where it started.
//!
//! - The **distance** after `t` steps is the total variation distance from the
//!   law at time `t` to the stationary law; there are other measures ([`Divergence`]).
//! - The **mixing time** is the first `t` at which the distance from the worst
//!   start is at most `eps`, 1/4 unless said otherwise.
//! - The **purge** is what is left of the distance only because the prompt has
//!   not left the window yet; it is over after K steps. What remains then is
//!   **decay** ([`Forgetting`]).
//! - The **second eigenvalue** is the largest in modulus after the eigenvalue 1
//!   is taken out once. The decay ends up falling like its modulus to the
//!   power `t`. A context chain also has a large nilpotent part (eigenvalue 0), which takes K
//!   steps to vanish: that is the purge. A second eigenvalue of 0 does not mean mixed.
//! - **Kemeny's constant** is the mean number of steps to a state drawn from the stationary
//!   law ([`KemenyConstant`]).
//! - The **influence** of what came before the last `n` tokens is the largest distance between
//!   the laws of the next token after two contexts with the same last `n` tokens ([`MemoryProfile`]).
//! - **Bounds** on the distance from the worst start are made of less than all powers of the
//!   matrix ([`BoundKind`]); a **certificate** is
//!   proven, an **estimate** is made of samples.

mod bounds;
mod curve;
mod divergence;
mod eigenvalue;
mod forgetting;
mod kemeny;
mod memory;
mod powers;
mod rows;
mod time;
mod timescales;

pub use bounds::{BoundKind, MixingBound, MixingBounds, Standing};
pub use divergence::Divergence;
pub use eigenvalue::{SecondEigenvalue, SecondEigenvalueSolver};
pub use forgetting::Forgetting;
pub use kemeny::{KemenyConstant, KemenyEstimate, KemenyEstimator};
pub use memory::{MemoryProfile, MemorySampler};
pub use time::MixingTimeSolver;
