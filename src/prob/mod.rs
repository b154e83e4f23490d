//! Laws, distances between them, entropy and its estimators, and drawing from them.
//!
//! A **law** is a probability vector. **Total variation** is half the L1
//! distance. Information is in **bits**.

mod alias;
mod best;
mod digamma;
mod distance;
mod divergence;
mod entropy;
mod estimator;
mod law;
mod reduce;
mod streams;

pub use alias::{AliasGrid, AliasRows, AliasTable};
pub(crate) use alias::{Column, ColumnFiller, for_each_row, place_in, row_starts};
pub(crate) use best::Best;
pub use distance::{hellinger, jensen_shannon, l1, relative_entropy, total_variation};
pub(crate) use divergence::{divergence_term, relative_entropy_term};
pub use entropy::{entropy, miller_madow_entropy, plug_in_entropy};
pub use estimator::EntropyEstimator;
pub use law::Law;
pub(crate) use reduce::{dot, extremes_by, sum_by, sum_columns, sum_depth, sums_by};
pub(crate) use streams::LANES;
pub use streams::{StreamRng, stream};
