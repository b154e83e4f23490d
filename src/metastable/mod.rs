//! Topics found by the chain itself: sets of states that it seldom leaves.
//!
//! - A set of states is **metastable** if the chain, once in it, stays long.
//!   Several such sets show as eigenvalues near 1, as many as there are sets,
//!   and as a **gap** below them.
//! - The Schur vectors of these eigenvalues, as coordinates, put the states near
//!   the corners of a **simplex**; where a state lies between the corners are
//!   its **memberships**: `chi = X A`, rows that are laws (Deuflhard and Weber
//!   2005). For a reversible chain this is **PCCA+**, the Schur vectors being
//!   eigenvectors; for all chains it is **GPCCA** (Reuter, Weber, Fackeldey,
//!   Röblitz and Garcia 2018).
//! - The **crispness** of memberships, `trace(diag(pi chi)^-1 chi' D chi) / k`,
//!   is 1 if every state is wholly in one set. `A` is chosen to make it as large
//!   as can be (Röblitz and Weber 2013); it is convex in `A`, so a corner of what is
//!   allowed is best.
//! - **minChi** is the least entry of the memberships that the inner simplex,
//!   spanned by k states, gives: 0 if it holds all states, far below 0 if k is
//!   a bad number of sets. It is 0 for any two sets, and for as many sets as states.
//! - The **coarse-grained** chain on the sets is
//!   `(chi' D chi)^-1 chi' D P chi` ([`CoarseChain`]); its rows sum to one. For
//!   memberships from an invariant subspace its eigenvalues are those of the
//!   chain, at every lag; for a partition of a reversible chain they are smaller,
//!   and nearer at longer lags.

mod coarse;
mod crispness;
mod polytope;
mod sets;
mod simplex;
mod solver;
mod way_in;

pub use coarse::CoarseChain;
pub use sets::{Metastable, SetCount};
pub use solver::{ChooseBy, MetastableSolver};
