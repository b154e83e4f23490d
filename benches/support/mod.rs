//! What the benchmarks share.

pub(crate) mod chains;
