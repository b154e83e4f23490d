//! Bounds from the rows of a power of the transition matrix.

use super::{BoundKind, MixingBound};
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::mixing::rows::Rows;
use crate::operator::TransitionOperator;
use crate::prob::sum_by;

/// What to do where the matrix is too large.
const REMEDY: &str =
    "sample pairs of contexts with MemorySampler, or couple walks, for an estimate in place of a certificate";

impl<O: TransitionOperator> MarkovChain<O> {
    /// Doeblin's bound from `P^block` ([`BoundKind::Doeblin`]). Over contexts of K
    /// tokens a block of fewer than K steps has nothing in common.
    ///
    /// `M` times `block` products for `M` different rows, and `8 M N` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for no steps, [`Error::TooExpensive`] beyond
    /// 10^12 multiplications, [`Error::TooLarge`] beyond 8 GiB.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::MarkovChain;
    /// use ndarray::array;
    ///
    /// let chain = MarkovChain::from_dense(array![[0.7, 0.3], [0.2, 0.8]].view())?;
    /// let bound = chain.doeblin_bound(1)?;
    /// assert!((bound.at(3) - 0.5f64.powi(3)).abs() < 1e-14); // 0.2 and 0.3 in common
    /// assert_eq!(bound.first_below(0.3), Some(2));
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn doeblin_bound(&self, block: usize) -> Result<MixingBound> {
        let rows = self.rows_after(block, "Doeblin's bound", 0)?;
        let common = rows.common_part();
        let common = sum_by(common.len(), |state| common[state]);
        Ok(MixingBound::blocks(BoundKind::Doeblin, common, rows.relative_error(), block, 0))
    }

    /// Dobrushin's bound from `P^block` ([`BoundKind::Dobrushin`]). It is the best that a block can
    /// prove, never above Doeblin's.
    ///
    /// As [`doeblin_bound`](Self::doeblin_bound), and `M^2 N / 2` comparisons.
    ///
    /// # Errors
    ///
    /// As `doeblin_bound`.
    pub fn dobrushin_bound(&self, block: usize) -> Result<MixingBound> {
        let rows = self.rows_after(block, "Dobrushin's bound", 1)?;
        Ok(MixingBound::blocks(BoundKind::Dobrushin, rows.least_overlap(), rows.relative_error(), block, 0))
    }

    /// The bound of Zekri et al. (2024) from the least entry of `P^K`
    /// ([`BoundKind::Zekri`]). It says nothing of a chain with transient states.
    ///
    /// # Errors
    ///
    /// As [`doeblin_bound`](Self::doeblin_bound).
    pub fn zekri_bound(&self) -> Result<MixingBound> {
        let block = self.states().context_length();
        let rows = self.rows_after(block, "the bound of Zekri et al.", 0)?;
        let least = rows.common_part().into_iter().fold(f64::INFINITY, f64::min);
        // A chain of one state is where it stays.
        let loss = (2.0 * least).min(1.0);
        Ok(MixingBound::blocks(BoundKind::Zekri, loss, rows.relative_error(), block, 1))
    }

    fn rows_after(&self, block: usize, what: &'static str, looks: usize) -> Result<Rows<'_, O>> {
        if block == 0 {
            return Err(Error::MustBePositive { what: "number of steps of a block" });
        }
        let mut rows = Rows::new(self, what, REMEDY, (block, looks))?;
        (1..block).for_each(|_| rows.step());
        Ok(rows)
    }
}
