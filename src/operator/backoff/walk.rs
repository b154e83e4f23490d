//! Transitions one by one, out of a state and into one.

use super::operator::BackoffOperator;
use crate::operator::{Transition, TransitionOperator};
use crate::text::Token;

impl BackoffOperator {
    /// The first transition out of a state by a token from `cursor` on.
    pub(super) fn next_token(&self, state: usize, cursor: usize) -> Option<Transition> {
        if self.ends.absorbing == Some(state) {
            return (cursor == 0).then_some(Transition { state, probability: 1.0, cursor: 1 });
        }
        let mut cursor = Token::try_from(cursor).ok()?;
        loop {
            let token = self.next_candidate(state, cursor)?;
            let target = self.after(state, token);
            // The start is entered by the end token too: both make one
            // transition, met at the smaller of those that are possible.
            let [mut probability, mut first] = [self.token_probability(state, token), f64::from(token)];
            if probability > 0.0 && self.ends.start == Some(target) {
                probability = self.probability(state, target);
                let entering = self.ends.end.into_iter().chain([self.tree.newest(target)]);
                let possible = entering.filter(|&other| {
                    self.after(state, other) == target && self.token_probability(state, other) > 0.0
                });
                first = possible.map(f64::from).fold(first, f64::min);
            }
            if probability > 0.0 && first == f64::from(token) {
                return Some(Transition { state: target, probability, cursor: token as usize + 1 });
            }
            cursor = token + 1;
        }
    }

    /// The first token from `cursor` on that is stored after a suffix of a state
    /// and not weighted with zero.
    fn next_candidate(&self, state: usize, cursor: Token) -> Option<Token> {
        let mut context = Some(state);
        let mut next = None;
        loop {
            let here = self.entries.next_token(context, cursor);
            next = next.into_iter().chain(here).min();
            match context {
                Some(state) if self.entries.backoffs[state] > 0.0 && next != Some(cursor) => {
                    context = self.tree.suffix(state);
                }
                _ => return next,
            }
        }
    }

    /// The first transition into a state from a state from `cursor` on.
    ///
    /// A token `v` leads to `z v` from the states that end with `z`, unless a
    /// longer one ends with what stands before it. These states are side by side
    /// at every length.
    pub(super) fn next_before(&self, state: usize, cursor: usize) -> Option<Transition> {
        let candidate = |before: usize| {
            let probability = self.probability(before, state);
            (probability > 0.0).then_some(Transition { state: before, probability, cursor: before + 1 })
        };
        let tokens = self.tree.tokens(state);
        let prefix = self.tree.longest_suffix(&tokens[..tokens.len() - 1]);
        match prefix {
            Some(prefix) if self.ends.start != Some(state) => {
                let ranges = self.tree.ending_with(prefix);
                ranges.flat_map(|range| range.start.max(cursor)..range.end.max(cursor)).find_map(candidate)
            }
            // Everything may lead to a single token, or, by its end, to the start of a text.
            _ => (cursor..self.tree.len()).find_map(candidate),
        }
    }
}
