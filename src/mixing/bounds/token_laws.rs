//! The laws of the next token, and what contexts that end alike have in common.

use std::ops::Range;

use rayon::prelude::*;

use super::Endings;
use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::{Transition, TransitionOperator, successors};
use crate::solve::{MEMORY_LIMIT, check_memory, check_operations};
use crate::text::Token;

/// What to do where there are too many pairs.
const REMEDY: &str = "sample pairs with MemorySampler, for an estimate";

/// The law of the next token after every state, tokens ascending.
pub(crate) struct TokenLaws {
    endings: Endings,
    starts: Vec<usize>,
    tokens: Vec<Token>,
    probabilities: Vec<f64>,
}

impl TokenLaws {
    /// The laws of a chain all of whose steps append a token.
    pub(crate) fn new<O: TransitionOperator>(chain: &MarkovChain<O>) -> Result<Self> {
        let (n, v) = (chain.len() as u128, chain.states().vocabulary_size() as u128);
        let is_stored = chain.states().are_windows();
        let entries = if is_stored { chain.operator().stored_entries() as u128 } else { n * v };
        check_memory("the laws of the next token", 28 * entries + 40 * n, MEMORY_LIMIT)?;
        let endings = Endings::new(chain)?;
        let (mut starts, mut laws) = (vec![0], Vec::new());
        for state in 0..chain.len() {
            laws.extend(law_after(chain, state));
            starts.push(laws.len());
        }
        let (tokens, probabilities) = laws.into_iter().unzip();
        Ok(Self { endings, starts, tokens, probabilities })
    }

    /// Context length K.
    pub(crate) fn context_length(&self) -> usize {
        self.endings.context_length()
    }

    /// How far off, relatively, a sum over one of the laws may be.
    pub(crate) fn relative_error(&self, row_sum_error: f64) -> f64 {
        let longest = self.starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        (longest + 2) as f64 * f64::EPSILON + 2.0 * row_sum_error
    }

    /// The least mass that the laws after two states with the same newest `length`
    /// tokens have in common: `r_n`.
    pub(crate) fn least_overlap(&self, length: usize) -> Result<f64> {
        let groups: Vec<Vec<u32>> =
            self.endings.groups(length).into_iter().map(|group| self.different(group)).collect();
        let pairs: f64 = groups.iter().map(|group| (group.len() as f64).powi(2) / 2.0).sum();
        let mean = self.tokens.len() as f64 / (self.starts.len() - 1) as f64;
        check_operations("the laws after every two contexts that end alike", 2.0 * pairs * mean, REMEDY)?;
        let of_group = |group: &Vec<u32>| {
            let of_first = |first: usize| {
                let others = group[first + 1..].iter();
                others.map(|&other| self.overlap(group[first], other)).fold(1.0, f64::min)
            };
            (0..group.len()).into_par_iter().map(of_first).reduce(|| 1.0, f64::min)
        };
        Ok(groups.par_iter().map(of_group).reduce(|| 1.0, f64::min))
    }

    /// The least mass that the laws after *all* states with the same newest
    /// `length` tokens have in common: `a_n`.
    pub(crate) fn least_common(&self, length: usize) -> f64 {
        let common = |group: &&[u32]| -> f64 {
            let (first, others) = (self.law(group[0]), &group[1..]);
            let mut common: Vec<(Token, f64)> = first.collect();
            for &other in others {
                common = merged(common.into_iter(), self.law(other))
                    .map(|(token, p, q)| (token, p.min(q)))
                    .collect();
            }
            common.iter().map(|(_, p)| p).sum()
        };
        self.endings.groups(length).par_iter().map(common).reduce(|| 1.0, f64::min)
    }

    fn overlap(&self, one: u32, two: u32) -> f64 {
        overlap(self.law(one), self.law(two))
    }

    /// One state for every different law after a group, ascending.
    fn different(&self, group: &[u32]) -> Vec<u32> {
        let key = |&state: &u32| {
            let range = self.range(state);
            (&self.tokens[range.clone()], &self.probabilities[range])
        };
        let compare = |a: &u32, b: &u32| {
            let (one, two) = (key(a), key(b));
            let values = one.1.iter().zip(two.1).map(|(p, q)| p.total_cmp(q)).find(|order| order.is_ne());
            one.0.cmp(two.0).then(values.unwrap_or(std::cmp::Ordering::Equal))
        };
        let mut states = group.to_vec();
        states.sort_by(compare);
        states.dedup_by(|b, a| compare(a, b).is_eq());
        states.sort_unstable();
        states
    }

    fn law(&self, state: u32) -> impl Iterator<Item = (Token, f64)> + '_ {
        let range = self.range(state);
        self.tokens[range.clone()].iter().copied().zip(self.probabilities[range].iter().copied())
    }

    fn range(&self, state: u32) -> Range<usize> {
        self.starts[state as usize]..self.starts[state as usize + 1]
    }
}

/// The law of the next token after a state, tokens ascending.
pub(crate) fn law_after<O: TransitionOperator>(chain: &MarkovChain<O>, state: usize) -> Vec<(Token, f64)> {
    let steps = successors(chain.operator(), state);
    let newest = |to: Transition| (chain.states().newest_token(to.state), to.probability);
    let mut law: Vec<(Token, f64)> = steps.map(newest).collect();
    law.sort_unstable_by_key(|&(token, _)| token);
    law
}

/// The mass that two laws have in common.
pub(crate) fn overlap(
    one: impl Iterator<Item = (Token, f64)>,
    two: impl Iterator<Item = (Token, f64)>,
) -> f64 {
    merged(one, two).map(|(_, p, q)| p.min(q)).sum()
}

/// The tokens that two laws both have, with both probabilities.
fn merged(
    one: impl Iterator<Item = (Token, f64)>,
    two: impl Iterator<Item = (Token, f64)>,
) -> impl Iterator<Item = (Token, f64, f64)> {
    let mut two = two.peekable();
    one.filter_map(move |(token, p)| {
        while two.next_if(|&(other, _)| other < token).is_some() {}
        two.next_if(|&(other, _)| other == token).map(|(_, q)| (token, p, q))
    })
}
