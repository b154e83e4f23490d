//! Two coupled walks as one chain.

use super::token_coupling::{TokenCoupling, write_row};
use crate::chain::{MarkovChain, StateSet, States};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::operator::{SparseOperator, TransitionOperator};
use crate::prob::Law;
use crate::solve::{Observer, report};

/// The most transitions that the chain of two walks may have: 2^23, some 300 MB while it is built.
const MOST_TRANSITIONS: f64 = (1 << 23) as f64;

/// The chain of two walks that step by maximal coupling of their tokens, until they have met.
///
/// State 0: they have met. The others are pairs of different states, without order.
pub(super) struct PairChain {
    pub(super) chain: MarkovChain<SparseOperator>,
    states: usize,
}

impl PairChain {
    /// Whether the chain of pairs is small enough.
    pub(super) fn fits<O: TransitionOperator>(chain: &MarkovChain<O>) -> bool {
        // Half as many pairs as there are ordered ones. Tokens that do not agree pair up in all
        // ways, at most a quarter of the product of the lengths of two rows; others take one each.
        let (states, entries) = (chain.len() as f64, chain.operator().stored_entries() as f64);
        states.powi(2) / 2.0 + entries.powi(2) / 8.0 <= MOST_TRANSITIONS
    }

    pub(super) fn build<O: TransitionOperator>(
        chain: &MarkovChain<O>,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let states = chain.len();
        let mut rows = vec![Vec::new(); states];
        rows.iter_mut().enumerate().for_each(|(state, row)| write_row(chain, state, row));
        let mut coupling = TokenCoupling::default();
        let mut transitions = vec![(0u32, 0u32, 1.0)];
        let mut next: Vec<(u32, f64)> = Vec::new();
        for one in 0..states {
            report(observer, "the chain of two continuations", one as u64, Some(states as u64))?;
            for other in one + 1..states {
                coupling.couple([&rows[one], &rows[other]]);
                next.clear();
                coupling.for_each(|a, b, p| next.push((number(states, a as usize, b as usize) as u32, p)));
                next.sort_unstable_by_key(|&(to, _)| to);
                let from = number(states, one, other) as u32;
                let merged = next.chunk_by(|a, b| a.0 == b.0);
                transitions.extend(merged.map(|same| (from, same[0].0, same.iter().map(|(_, p)| p).sum())));
            }
        }
        let pairs = states * (states - 1) / 2 + 1;
        let operator = SparseOperator::from_weights(pairs, transitions)?;
        Ok(Self { chain: MarkovChain::new(operator, States::numbered(pairs)), states })
    }

    /// The state in which the two have met.
    pub(super) fn met(&self) -> Result<StateSet> {
        StateSet::of(self.chain.len(), [0])
    }

    /// The law of the pair from weights of two states.
    ///
    /// # Errors
    ///
    /// [`Error::ZeroMass`] if there are none.
    pub(super) fn law(&self, weights: impl Iterator<Item = (usize, usize, f64)>) -> Result<Law> {
        let mut law = vec![0.0; self.chain.len()];
        weights.for_each(|(one, other, weight)| law[number(self.states, one, other)] += weight);
        Law::normalized(law)
    }
}

/// The number of a pair of states: 0 if they are one, else by the smaller and then the larger.
fn number(states: usize, one: usize, other: usize) -> usize {
    let (low, high) = (one.min(other), one.max(other));
    if low == high { 0 } else { low * (2 * states - low - 1) / 2 + (high - low) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_numbered_without_gaps() {
        let pairs = (0..5).flat_map(|low| (low + 1..5).map(move |high| (low, high)));
        let numbers: Vec<usize> = pairs.map(|(low, high)| number(5, high, low)).collect();
        assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
        assert_eq!(number(5, 3, 3), 0);
    }
}
