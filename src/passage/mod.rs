//! When a set of states is reached, whether it is, and by which road.
//!
//! For sets `A` and `B` of states of a chain `X`:
//!
//! - The **hitting time** of `B` is `min {t >= 0: X_t in B}`, zero on `B`. The
//!   **hitting probability** is the probability that it is finite, one on `B`. The **return
//!   time** is `min {t >= 1: X_t in B}`.
//! - The **forward committor** `q+(i)` is the probability of reaching `B` before
//!   `A` from `i`; the **backward committor** `q-(i)` that of having been in `A`
//!   last, rather than in `B`, under the stationary law.
//! - A piece of a walk is **reactive** if it left `A` and reaches `B` before it
//!   returns. The **reactive flux** `f(i, j) = pi(i) q-(i) P(i, j) q+(j)` is the rate at which
//!   reactive pieces pass from `i` to `j`, per step.
//! - The **quasi-stationary law** of `A` is the law that a walk has after a long
//!   time, given that it never left `A`; the **escape rate** is then the
//!   probability of leaving in the next step.
//!
//! What solves equations carries two-sided bounds ([`Enclosure`]): proven, with
//! the rounding of the computation in them. [`PassageSolver`] works on any
//! operator by products alone.

mod capture;
mod committor;
mod dirichlet;
mod elimination;
mod enclosure;
mod escape;
mod hitting_law;
mod iteration;
mod pathways;
mod pattern;
mod perron;
mod reachable;
mod sealing;
mod solver;
mod times;
mod transition_paths;

pub use enclosure::{Enclosure, Interval};
pub use escape::{EscapeSolver, QuasiStationary};
pub use hitting_law::HittingLaw;
pub use pathways::Pathway;
pub use pattern::{Occurrences, Overlap, PatternLaw, PatternOperator, Patterns, WaitingTime};
pub(crate) use reachable::leading_to;
pub use sealing::{Sealing, SealingStep};
pub use solver::{PassageMethod, PassageSolver};
pub use times::PassageTimes;
pub use transition_paths::{Current, TransitionPaths};
