//! The laws of the next token, and what contexts that end alike have in common.

use std::ops::Range;

use rayon::prelude::*;

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::prob::Law;
use crate::solve::{MEMORY_LIMIT, check_memory, check_operations};
use crate::text::Token;

/// What to do where there are too many pairs.
const REMEDY: &str = "sample pairs with MemorySampler, for an estimate";

/// The law of the next token after every state of a chain of windows, tokens
/// ascending, and the states in the order of their newest tokens.
pub(crate) struct TokenLaws {
    starts: Vec<usize>,
    tokens: Vec<Token>,
    probabilities: Vec<f64>,
    /// The states sorted by their tokens, the newest first, so that those with
    /// the same newest tokens stand side by side, whatever the number of these.
    order: Vec<u32>,
    /// For every two neighbours in that order, how many newest tokens they share.
    shared: Vec<u32>,
    context_length: usize,
}

impl TokenLaws {
    /// The laws of a chain all of whose steps append a token and drop the oldest.
    pub(crate) fn new<O: TransitionOperator>(chain: &MarkovChain<O>) -> Result<Self> {
        let states = chain.states();
        if !states.are_windows() {
            let remedy = "ask for the token floor, which such a chain knows, or enumerate the model";
            return Err(Error::NotWindows { what: "what contexts that end alike have in common", remedy });
        }
        let entries = chain.operator().stored_entries() as u128;
        check_memory("the laws of the next token", 28 * entries + 40 * chain.len() as u128, MEMORY_LIMIT)?;
        chain.check_shifts(&Law::uniform(chain.len()))?;
        let (mut starts, mut laws) = (vec![0], Vec::new());
        for state in 0..chain.len() {
            let first = laws.len();
            let steps = successors(chain.operator(), state);
            laws.extend(steps.map(|to| (states.newest_token(to.state), to.probability)));
            laws[first..].sort_unstable_by_key(|&(token, _)| token);
            starts.push(laws.len());
        }
        let (tokens, probabilities) = laws.into_iter().unzip();
        let context_length = states.context_length();
        let v = states.vocabulary_size() as u128;
        let keys: Vec<u128> =
            (0..chain.len()).map(|state| reversed(states.key(state), v, context_length)).collect();
        let mut order: Vec<u32> = (0..chain.len() as u32).collect();
        order.sort_unstable_by_key(|&state| keys[state as usize]);
        let agree = |pair: &[u32]| {
            let (mut one, mut two) = (keys[pair[0] as usize], keys[pair[1] as usize]);
            let mut shared = context_length as u32;
            while one != two {
                (one, two) = (one / v, two / v);
                shared -= 1;
            }
            shared
        };
        let shared = order.windows(2).map(agree).collect();
        Ok(Self { starts, tokens, probabilities, order, shared, context_length })
    }

    /// Context length K.
    pub(crate) fn context_length(&self) -> usize {
        self.context_length
    }

    /// How far off, relatively, a sum over one of the laws may be.
    pub(crate) fn relative_error(&self, row_sum_error: f64) -> f64 {
        let longest = self.starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        (longest + 2) as f64 * f64::EPSILON + 2.0 * row_sum_error
    }

    /// The states that share their newest `length` tokens, group by group.
    pub(crate) fn groups(&self, length: usize) -> Vec<&[u32]> {
        let mut groups = Vec::new();
        let mut first = 0;
        for (last, &shared) in self.shared.iter().enumerate() {
            if (shared as usize) < length {
                groups.push(&self.order[first..=last]);
                first = last + 1;
            }
        }
        groups.push(&self.order[first..]);
        groups
    }

    /// The least mass that the laws after two states with the same newest `length`
    /// tokens have in common: `r_n`.
    pub(crate) fn least_overlap(&self, length: usize) -> Result<f64> {
        let groups: Vec<Vec<u32>> =
            self.groups(length).into_iter().map(|group| self.different(group)).collect();
        let pairs: f64 = groups.iter().map(|group| (group.len() as f64).powi(2) / 2.0).sum();
        let mean = self.tokens.len() as f64 / self.order.len() as f64;
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
        self.groups(length).par_iter().map(common).reduce(|| 1.0, f64::min)
    }

    /// The mass that the laws after two states have in common.
    pub(crate) fn overlap(&self, one: u32, two: u32) -> f64 {
        merged(self.law(one), self.law(two)).map(|(_, p, q)| p.min(q)).sum()
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

/// A base-V number of so many digits read from its other end.
fn reversed(mut key: u128, v: u128, digits: usize) -> u128 {
    let mut reversed = 0;
    for _ in 0..digits {
        reversed = reversed * v + key % v;
        key /= v;
    }
    reversed
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
