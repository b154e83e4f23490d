//! Eigenvalues and invariant subspaces.
//!
//! - A number `lambda` is an **eigenvalue** of a chain if `P f = lambda f` for
//!   an observable `f` that is not zero. 1 is one, the constant belongs to it,
//!   and none is larger in modulus. Complex ones come in **conjugate pairs**.
//! - A space of observables is **invariant** if `P` maps it into itself. Real
//!   vectors `X` with `P X = X T` and a triangular `T`, but for a 2 × 2 block
//!   for every conjugate pair, are real **Schur vectors**, and `T` is their
//!   **Schur form**; its diagonal blocks hold the eigenvalues. The first k
//!   vectors span an invariant space unless that splits a pair.
//! - An eigenvalue's **implied timescale** `-1 / ln |lambda|` is the number of
//!   steps in which what belongs to it falls to 1/e.
//! - The chain **reversed** in time has `P* = D^-1 P' D` with the stationary law
//!   on the diagonal of `D`. `(P + P*) / 2`, the **additive reversibilization**
//!   (Fill 1991), has the same stationary law, leaves every set of states as
//!   often as `P` does, and has real eigenvalues.
//!
//! A context chain also has a large **nilpotent** part: a defective eigenvalue
//! 0, which is what the prompt leaves behind until it is pushed out of the
//! window. That part is left out here, as far as rounding lets it be told: an
//! eigenvalue 0 that is defective k times over comes out of a computation as
//! numbers of about `eps^(1/k)`.

mod blocks;
mod dominant;
mod dominant_spectrum;
mod eigenvalue;
mod krylov;
mod krylov_schur;
mod maps;
mod schur;
mod separation;
mod vectors;

pub(crate) use blocks::{Deflated, Map, TransientClasses};
pub use dominant::DominantSolver;
pub use dominant_spectrum::DominantSpectrum;
pub use eigenvalue::{Eigenvalue, SpectralOrder};
pub(crate) use krylov::Krylov;
pub(crate) use schur::eigenvalues;
pub(crate) use vectors::{largest, scale_to_one};
