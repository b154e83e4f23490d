//! Chains with few transitions out of a state.

use lmchain::chain::MarkovChain;
use lmchain::operator::{SparseOperator, successors};
use lmchain::prob::stream;
use lmchain::text::{CorpusSettings, Tokenizer};
use rand::RngExt;

use super::chains::ChainSpec;
use super::{shift, text::Text};

/// A chain over all its contexts, with its transitions listed.
pub(crate) fn listed(spec: &ChainSpec) -> SparseOperator {
    let chain = shift(spec);
    let row =
        |s: usize| successors(chain.operator(), s).map(move |t| (s as u32, t.state as u32, t.probability));
    let n = chain.len();
    SparseOperator::from_triplets(n, (0..n).flat_map(row).collect()).expect("the same chain")
}

/// Every state leads to so many others, drawn at random: the least local of chains.
pub(crate) fn random(states: u32, successors: usize) -> SparseOperator {
    let mut rng = stream(1, 0);
    let mut transitions = Vec::with_capacity(states as usize * successors);
    let mut row = Vec::with_capacity(successors);
    for state in 0..states {
        row.clear();
        while row.len() < successors {
            let next = rng.random_range(0..states);
            if !row.contains(&next) {
                row.push(next);
            }
        }
        transitions.extend(row.iter().map(|&next| (state, next, rng.random_range(0.5..1.5))));
    }
    SparseOperator::from_weights(states as usize, transitions).expect("positive weights")
}

/// The contexts of two words that a text shows, and the number of its tokens.
pub(crate) fn trigrams() -> MarkovChain<SparseOperator> {
    let text = Text::load().text;
    let corpus = CorpusSettings::new(Tokenizer::words()).read_strings([&text]).expect("a corpus");
    MarkovChain::observed(&corpus, 2).expect("a chain")
}
