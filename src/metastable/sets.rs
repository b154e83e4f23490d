//! Metastable sets.

use super::CoarseChain;
use crate::spectrum::DominantSpectrum;
use crate::topics::Memberships;

/// What speaks for a number of sets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SetCount {
    /// The number.
    pub sets: usize,
    /// Crispness of the memberships: 1 if no state is between sets.
    pub crispness: f64,
    /// minChi: 0 if the states lie in a simplex with as many corners. It always
    /// is for two sets, and for as many sets as states that the law visits.
    pub min_chi: f64,
    /// How many times longer the last eigenvalue of the sets takes to decay than
    /// the next one does: the ratio of `-1 / ln re`, at least one step each, which
    /// goes by the real part, so that a rotation counts as leaving. An estimate
    /// for the largest number tried; `None` if there is no next eigenvalue.
    pub gap: Option<f64>,
}

/// Metastable sets of a chain, those with most mass first.
#[derive(Debug, Clone, PartialEq)]
pub struct Metastable {
    pub(super) memberships: Memberships,
    pub(super) coarse: CoarseChain,
    pub(super) spectrum: DominantSpectrum,
    pub(super) counts: Vec<SetCount>,
    /// Number of states that the law visits.
    pub(super) visited: usize,
}

impl Metastable {
    /// How much of each set every state is in. The sets are named `set 1`, `set 2`...
    pub fn memberships(&self) -> &Memberships {
        &self.memberships
    }

    /// Number of sets k.
    pub fn sets(&self) -> usize {
        self.memberships.count()
    }

    /// Crispness of the memberships, between 0 and 1.
    pub fn crispness(&self) -> f64 {
        let of_this = |count: &&SetCount| count.sets == self.sets();
        self.counts.iter().find(of_this).map_or(f64::NAN, |count| count.crispness)
    }

    /// The chain on the sets, one step at a time.
    pub fn coarse(&self) -> &CoarseChain {
        &self.coarse
    }

    /// The eigenvalues and Schur vectors that the sets were found from: of at
    /// least as many sets as the largest number that was tried.
    pub fn spectrum(&self) -> &DominantSpectrum {
        &self.spectrum
    }

    /// What speaks for each number of sets that was tried, ascending. Numbers
    /// that would split a conjugate pair, or leave out an equal eigenvalue, are missing.
    pub fn counts(&self) -> &[SetCount] {
        &self.counts
    }

    /// The number of sets with the largest crispness among those of which it says
    /// anything, of equals the first: every visited state for itself is always crisp.
    pub fn crispest(&self) -> usize {
        crispest(&self.counts, self.visited)
    }

    /// The number of sets with the largest gap between their timescales and the next.
    pub fn by_gap(&self) -> usize {
        by_gap(&self.counts)
    }

    /// The number of sets with the largest minChi among those of which it says
    /// anything; two if there is none.
    pub fn by_min_chi(&self) -> usize {
        let telling: Vec<SetCount> =
            self.counts.iter().filter(|count| count.sets > 2 && count.sets < self.visited).copied().collect();
        if telling.is_empty() { 2 } else { best(&telling, |count| count.min_chi) }
    }
}

/// The number with the largest crispness, but for as many sets as states, if there is another.
pub(super) fn crispest(counts: &[SetCount], states: usize) -> usize {
    let telling: Vec<SetCount> = counts.iter().filter(|count| count.sets < states).copied().collect();
    best(if telling.is_empty() { counts } else { &telling }, |count| count.crispness)
}

/// The number with the largest gap after it.
pub(super) fn by_gap(counts: &[SetCount]) -> usize {
    best(counts, |count| count.gap.unwrap_or(f64::NEG_INFINITY))
}

/// The number that scores best, of equals the first.
fn best(counts: &[SetCount], score: impl Fn(&SetCount) -> f64) -> usize {
    let better = |best: &SetCount, other: &SetCount| score(other) > score(best);
    let pick = |best: SetCount, other: SetCount| if better(&best, &other) { other } else { best };
    counts.iter().copied().reduce(pick).map_or(0, |count| count.sets)
}
