//! Two coupled walks as one chain.

use super::token_coupling::{Entry, TokenCoupling, write_row};
use crate::chain::{MarkovChain, StateSet, States};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::operator::{SparseOperator, TransitionOperator};
use crate::prob::Law;
use crate::solve::{Observer, report};

/// The most transitions that the chain of two walks may have: 2^23, some 300 MB while it is built.
const MOST_TRANSITIONS: usize = 1 << 23;

/// The chain of two walks that step by maximal coupling of their tokens, until they have met.
///
/// State 0: they have met. The others are pairs of different states, without order.
pub(super) struct PairChain {
    pub(super) chain: MarkovChain<SparseOperator>,
    states: usize,
}

impl PairChain {
    /// `None` if the chain of pairs has more than [`MOST_TRANSITIONS`].
    ///
    /// How many there are is seen only as they are made: tokens that do not agree pair up in
    /// all ways, and an operator may stand for many more transitions than it stores.
    pub(super) fn build<O: TransitionOperator>(
        chain: &MarkovChain<O>,
        observer: &mut dyn Observer,
    ) -> Result<Option<Self>> {
        let states = chain.len();
        let Some(rows) = rows(chain) else { return Ok(None) };
        let mut coupling = TokenCoupling::default();
        let mut transitions = vec![(0u32, 0u32, 1.0)];
        let mut next: Vec<(u32, f64)> = Vec::new();
        let mut made = 0;
        for one in 0..states {
            report(observer, "the chain of two continuations", one as u64, Some(states as u64))?;
            for other in one + 1..states {
                coupling.couple([&rows[one], &rows[other]]);
                made += coupling.len();
                if made > MOST_TRANSITIONS {
                    return Ok(None);
                }
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
        Ok(Some(Self { chain: MarkovChain::new(operator, States::numbered(pairs)), states }))
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

/// The transitions out of every state; `None` if the chain of pairs is too large for sure.
fn rows<O: TransitionOperator>(chain: &MarkovChain<O>) -> Option<Vec<Vec<Entry>>> {
    // A pair has about as many transitions as the longer of its two rows, or more.
    let others = chain.len().saturating_sub(1);
    let most = MOST_TRANSITIONS.checked_div(others).map_or(usize::MAX, |each| 2 * each);
    let (mut rows, mut entries) = (Vec::with_capacity(chain.len().min(most)), 0);
    for state in 0..chain.len() {
        let mut row = Vec::new();
        write_row(chain, state, &mut row);
        entries += row.len();
        if entries > most {
            return None;
        }
        rows.push(row);
    }
    Some(rows)
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
