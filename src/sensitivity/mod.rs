//! How answers move when the model's probabilities do.
//!
//! For an observable `f` and the stationary law `pi` of a chain with one
//! recurrent class:
//!
//! - **Poisson's equation** `g - P g = f - pi f` has one solution `g` with
//!   `pi g = 0`: what a start is worth, all told, compared to the long run. It is
//!   the **group inverse** of `I - P`, or deviation matrix, times `f` (Schweitzer
//!   1968; Meyer 1975).
//! - When the matrix moves by `dP`, whose rows sum to zero, the mean moves by
//!   `d(pi f) = pi dP g`. One solution answers for every entry of the matrix.
//! - The probability `h` of reaching a set before another moves likewise, by
//!   `d(mu h) = nu dP h`, where `nu(i)` is the expected number of visits to `i`
//!   from the start law `mu` until either set is met.
//!
//! Only changes that keep the sums of rows mean anything. A change of **one
//! probability** `P(i, j)` is one at the cost of the whole row, in proportion
//! (towards the law that is all at `j`); a change of **one logit** is one of the
//! logarithm of `P(i, j)`, after which the row is divided by its sum.
//!
//! The second half of the room is about probabilities that were counted. The
//! **posterior** of a row, given its counts and a Dirichlet prior, is a Dirichlet
//! law, independent of the other rows. Drawn whole chains give intervals on
//! whatever can be computed from a chain; the sensitivities give the variance to
//! first order, in one solution (the delta method).

mod credible;
mod eigenvalue;
mod mean;
mod passage;
mod poisson;
mod posterior;
mod settings;
mod strongest;

pub use credible::{CredibleInterval, PosteriorSampler};
pub use eigenvalue::EigenvalueSensitivity;
pub use poisson::{Poisson, PoissonSolver};
pub use posterior::CountPosterior;
pub use settings::{CountPosteriorSettings, Support};
pub use strongest::{Change, Sensitivity, TransitionSensitivity};
