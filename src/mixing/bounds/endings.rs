//! Which states share their newest tokens.

use crate::chain::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::text::Token;

/// The states in the order of their tokens, the newest first, so that those which
/// share their newest tokens stand side by side, whatever the number of these.
///
/// A state of a back-off model's chain that has fewer tokens than are to be shared
/// stands alone: contexts that share more than it has are all in that state.
pub(crate) struct Endings {
    order: Vec<u32>,
    /// For every two neighbours in that order, how many newest tokens they share.
    shared: Vec<u32>,
    context_length: usize,
}

impl Endings {
    /// Of a chain all of whose steps append a token.
    pub(crate) fn new<O: TransitionOperator>(chain: &MarkovChain<O>) -> Result<Self> {
        let states = chain.states();
        if states.are_windows() {
            chain.check_shifts(&Law::uniform(chain.len()))?;
            let (v, k) = (states.vocabulary_size() as u128, states.context_length());
            let key = |state: usize| reversed(states.key(state), v, k);
            return Ok(Self::sorted(states, key, |&one, &two| shared_digits(one, two, v, k)));
        }
        if chain.operator().token_floors().is_none() {
            let remedy = "use the chain of the model itself, without restarts or an automaton beside it";
            return Err(Error::NotWindows { what: "the token that a step appends", remedy });
        }
        let key = |state: usize| states.tokens(state).into_iter().rev().collect::<Vec<Token>>();
        let shared =
            |one: &Vec<Token>, two: &Vec<Token>| one.iter().zip(two).take_while(|(a, b)| a == b).count();
        Ok(Self::sorted(states, key, shared))
    }

    fn sorted<K: Ord>(states: &States, key: impl Fn(usize) -> K, shared: impl Fn(&K, &K) -> usize) -> Self {
        let keys: Vec<K> = (0..states.len()).map(key).collect();
        let mut order: Vec<u32> = (0..states.len() as u32).collect();
        order.sort_unstable_by(|&one, &two| keys[one as usize].cmp(&keys[two as usize]));
        let of_pair = |pair: &[u32]| shared(&keys[pair[0] as usize], &keys[pair[1] as usize]) as u32;
        let shared = order.windows(2).map(of_pair).collect();
        Self { order, shared, context_length: states.context_length() }
    }

    /// Context length K.
    pub(crate) fn context_length(&self) -> usize {
        self.context_length
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

/// How many of their first digits two numbers of so many digits share.
fn shared_digits(mut one: u128, mut two: u128, v: u128, digits: usize) -> usize {
    let mut shared = digits;
    while one != two {
        (one, two) = (one / v, two / v);
        shared -= 1;
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_shared_from_the_newest_on() {
        let newest_first = |key| reversed(key, 10, 4);
        assert_eq!(newest_first(1234), 4321);
        assert_eq!(newest_first(5), 5000);
        assert_eq!(shared_digits(newest_first(1234), newest_first(9934), 10, 4), 2);
        assert_eq!(shared_digits(newest_first(1234), newest_first(1235), 10, 4), 0);
        assert_eq!(shared_digits(newest_first(1234), newest_first(1234), 10, 4), 4);
    }
}
