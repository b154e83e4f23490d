//! Transition matrices: reading them from files.

mod matrix_market;
#[cfg(feature = "npz")]
mod npz;
mod triplets;

pub use triplets::Triplets;
