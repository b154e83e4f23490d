//! How far back the next token looks.

use rand::RngExt;
use rayon::prelude::*;

use super::bounds::{BoundKind, Endings, MixingBound, Standing, TokenLaws, law_after, overlap};
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, row_sum_error};
use crate::prob::{AliasTable, Law, stream, sum_by};

/// What the tokens before the last `n` can still do to the law of the next one, for `n = 0..=K`.
///
/// Two contexts that share their last `n` tokens are followed by laws at most `1 - r_n` apart: the
/// **influence** of what came before these. It starts, at `n = 0`, with all that a
/// context can do, never grows, and is zero at `n = K`. Where it
/// reaches nothing worth mentioning is the effective memory of the model, whatever
/// K is (the continuity rates of chains of infinite order: Bressaud, Fernández & Galves 1999).
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryProfile {
    /// `r_n` for `n = 0..K`.
    overlaps: Vec<f64>,
    /// The mean over pairs, where they were sampled.
    means: Option<Vec<f64>>,
    standing: Standing,
    relative_error: f64,
}

impl MemoryProfile {
    /// `r_n` for `n = 0..=K`: the least mass that the laws after two contexts with
    /// the same last `n` tokens have in common. From a sample it is too large, if anything.
    pub fn overlaps(&self) -> Vec<f64> {
        self.overlaps.iter().copied().chain([1.0]).collect()
    }

    /// `1 - r_n` for `n = 0..=K`: the largest distance between such laws. From a
    /// sample it is too small, if anything.
    pub fn influence(&self) -> Vec<f64> {
        self.overlaps().into_iter().map(|overlap| 1.0 - overlap).collect()
    }

    /// The mean distance between such laws, over the pairs sampled; `None` of
    /// a profile that is exact.
    pub fn mean_influence(&self) -> Option<&[f64]> {
        self.means.as_deref()
    }

    /// The least number of last tokens beside which all others have at most this influence.
    pub fn effective_length(&self, influence: f64) -> usize {
        let influences = self.influence();
        influences.iter().position(|&found| found <= influence).unwrap_or(self.overlaps.len())
    }

    /// Whether every pair was looked at.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The house of cards with these `r_n`: a certificate of mixing if the
    /// profile is exact, otherwise an estimate.
    pub fn bound(&self) -> MixingBound {
        let certain = |overlap: &f64| (overlap * (1.0 - self.relative_error)).clamp(0.0, 1.0);
        let successes = self.overlaps.iter().map(certain).collect();
        MixingBound::runs(BoundKind::HouseOfCards, self.standing, successes)
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// How far back the next token looks: all pairs of contexts that end alike.
    ///
    /// For `M` different laws of the next token `M^2 V / 2` comparisons for `n = 0`,
    /// and fewer as more tokens are shared. The chain of a back-off model is asked for all `N V`
    /// probabilities.
    ///
    /// # Errors
    ///
    /// [`Error::TooExpensive`] beyond 10^12 operations, where there is
    /// [`MemorySampler`]; [`Error::NotShiftRegister`] if some step does more than append a
    /// token and drop the oldest, [`Error::NotWindows`] if states do not tell;
    /// [`Error::TooLarge`] beyond 8 GiB.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::prelude::*;
    ///
    /// // The next bit looks at the last one, and at the one before only after a 1.
    /// let rows = [[0.5, 0.5], [0.3, 0.7], [0.5, 0.5], [0.2, 0.8]];
    /// let chain = MarkovChain::enumerated(&TableModel::from_rows(2, &rows)?)?;
    /// let influence = chain.memory_profile()?.influence();
    /// for (found, exact) in influence.iter().zip([0.3, 0.1, 0.0]) {
    ///     assert!((found - exact).abs() < 1e-15);
    /// }
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn memory_profile(&self) -> Result<MemoryProfile> {
        let laws = TokenLaws::new(self)?;
        let overlaps = (0..laws.context_length()).map(|n| laws.least_overlap(n)).collect::<Result<_>>()?;
        let relative_error = laws.relative_error(row_sum_error(self.operator()));
        Ok(MemoryProfile { overlaps, means: None, standing: Standing::Certificate, relative_error })
    }
}

/// Estimates how far back the next token looks, from pairs of contexts.
///
/// For each `n` a context is drawn from a law, and another evenly from those that share
/// its last `n` tokens. The largest distance between the laws after the two is at most
/// that of an exact profile: it is **no** certificate. The mean distance says
/// what a change of the older tokens does typically.
#[derive(Debug, Clone, PartialEq)]
pub struct MemorySampler {
    pairs: usize,
    seed: u64,
}

impl Default for MemorySampler {
    fn default() -> Self {
        Self::new()
    }
}

impl MemorySampler {
    /// 10,000 pairs for every number of shared tokens.
    pub fn new() -> Self {
        Self { pairs: 10_000, seed: 1 }
    }

    /// Pairs for every number of shared tokens.
    #[must_use]
    pub fn pairs(mut self, pairs: usize) -> Self {
        self.pairs = pairs;
        self
    }

    /// The seed: pairs that share `n` tokens draw from stream `n`.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The profile of a chain, first contexts drawn from a law, such as the stationary one.
    ///
    /// `O(K pairs V + transitions + N K log N)`; of the chain of a whole back-off model only the laws
    /// that are compared are formed.
    ///
    /// # Errors
    ///
    /// [`Error::NotShiftRegister`] and [`Error::NotWindows`] as of
    /// [`memory_profile`](MarkovChain::memory_profile); [`Error::MustBePositive`] without pairs.
    ///
    /// # Panics
    ///
    /// If the law is over other states.
    #[track_caller]
    pub fn estimate<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        law: &Law,
    ) -> Result<MemoryProfile> {
        assert_eq!(law.len(), chain.len(), "a law over the states of the chain");
        if self.pairs == 0 {
            return Err(Error::MustBePositive { what: "number of pairs" });
        }
        let endings = Endings::new(chain)?;
        let first = AliasTable::new(law);
        let sampled = (0..endings.context_length()).map(|n| self.overlaps(chain, &endings, &first, n));
        let (mut overlaps, mut means) = (Vec::new(), Vec::new());
        for found in sampled {
            overlaps.push(found.iter().copied().fold(1.0, f64::min));
            means.push(sum_by(found.len(), |pair| 1.0 - found[pair]) / found.len() as f64);
        }
        // Pairs that share more share less, too.
        for n in (1..overlaps.len()).rev() {
            overlaps[n - 1] = f64::min(overlaps[n - 1], overlaps[n]);
        }
        means.push(0.0);
        let (means, standing) = (Some(means), Standing::Estimate);
        Ok(MemoryProfile { overlaps, means, standing, relative_error: 0.0 })
    }

    /// What the laws after sampled pairs that share their last `n` tokens have in common.
    fn overlaps<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        endings: &Endings,
        first: &AliasTable,
        n: usize,
    ) -> Vec<f64> {
        let groups = endings.groups(n);
        let mut group_of = vec![0u32; groups.iter().map(|group| group.len()).sum()];
        for (number, group) in groups.iter().enumerate() {
            group.iter().for_each(|&state| group_of[state as usize] = number as u32);
        }
        let mut rng = stream(self.seed, n as u64);
        let pairs: Vec<(u32, u32)> = (0..self.pairs)
            .map(|_| {
                let one = first.draw(&mut rng) as u32;
                let group = groups[group_of[one as usize] as usize];
                (one, group[rng.random_range(0..group.len())])
            })
            .collect();
        let law = |state: u32| law_after(chain, state as usize).into_iter();
        pairs.par_iter().map(|&(one, two)| overlap(law(one), law(two)).min(1.0)).collect()
    }
}
