//! Drawing steps without a table of every state's whole law.

use rand::{Rng, RngExt};
use rayon::prelude::*;

use super::operator::BackoffOperator;
use crate::operator::StepSampler;
use crate::prob::{AliasRows, LANES, StreamRng};
use crate::text::Token;

/// Below this share of the shorter context's law, tokens are not drawn until one fits.
const LEAST_SHARE: f64 = 1.0 / 64.0;

/// Alias tables over the n-grams after each context and backing off.
///
/// Where a context interpolates, `p(v | h) >= b(h) p(v | h')` for all its
/// n-grams, its law is a mixture of what it adds to them and, with weight
/// `b(h)`, the whole law of its suffix `h'`. Elsewhere, backing off is with
/// the mass that the n-grams leave, and a token is drawn from the suffix until
/// it is none of theirs, or, where that is rare, found by adding up.
pub(super) struct BackoffSteps<'a> {
    operator: &'a BackoffOperator,
    /// One table a state; the last outcome is to back off. The empty context's
    /// comes last and has no such outcome.
    tables: AliasRows,
    interpolates: Vec<bool>,
}

impl<'a> BackoffSteps<'a> {
    pub(super) fn new(operator: &'a BackoffOperator) -> Self {
        let (states, entries) = (operator.tree.len(), &operator.entries);
        let interpolates: Vec<bool> = (0..states)
            .into_par_iter()
            .map(|state| added(operator, state).all(|weight| weight >= 0.0))
            .collect();
        let length = |state: usize| match state {
            empty if empty == states => entries.singles().len(),
            state => entries.after(state).len() + 1,
        };
        let tables = AliasRows::tabulate(states + 1, length, |state, weights| {
            if state == states {
                weights.extend(&entries.probabilities[entries.singles()]);
            } else if operator.ends.absorbing == Some(state) {
                weights.push(1.0);
            } else if interpolates[state] {
                weights.extend(added(operator, state));
                weights.push(entries.backoffs[state]);
            } else {
                weights.extend(&entries.probabilities[entries.after(state)]);
                weights.push(entries.backoffs[state] * operator.rest[state]);
            }
        });
        Self { operator, tables, interpolates }
    }

    /// Bytes that the tables take.
    pub(super) fn bytes(operator: &BackoffOperator) -> u128 {
        let states = operator.tree.len();
        AliasRows::bytes(states + 1, states + operator.entries.len()) + states as u128
    }

    /// The number of the empty context's table.
    fn empty(&self) -> usize {
        self.operator.tree.len()
    }

    /// What an outcome of the table of a context stands for: an n-gram, or backing off.
    fn ngram(&self, context: usize, outcome: usize) -> Option<usize> {
        if context == self.empty() {
            return Some(outcome);
        }
        let after = self.operator.entries.after(context);
        (outcome < after.len()).then_some(after.start + outcome)
    }

    /// The context that one backs off to.
    fn shorter(&self, context: usize) -> usize {
        self.operator.tree.suffix(context).unwrap_or(self.empty())
    }

    /// A token that follows a context.
    fn draw(&self, context: usize, rng: &mut StreamRng) -> Token {
        match self.ngram(context, self.tables.draw(context, rng)) {
            Some(ngram) => self.operator.entries.token(ngram),
            None => self.back_off(context, rng),
        }
    }

    /// A token that follows a context, by what follows its suffix.
    fn back_off(&self, context: usize, rng: &mut StreamRng) -> Token {
        let shorter = self.shorter(context);
        if self.interpolates[context] {
            return self.draw(shorter, rng);
        }
        if self.operator.rest[context] < LEAST_SHARE {
            return self.search_rest(context, rng);
        }
        loop {
            let token = self.draw(shorter, rng);
            if self.operator.entries.child(context, token).is_none() {
                return token;
            }
        }
    }

    /// A token that a state has no n-gram for: adds up their probabilities
    /// after its suffix until a uniform number is passed.
    fn search_rest(&self, state: usize, rng: &mut StreamRng) -> Token {
        let Self { operator, .. } = self;
        let mut left = rng.random::<f64>() * operator.rest[state];
        let mut last = 0;
        for token in 0..operator.tree.vocabulary_size() as Token {
            if operator.entries.child(state, token).is_some() {
                continue;
            }
            let probability = match operator.tree.suffix(state) {
                Some(suffix) => operator.token_probability(suffix, token),
                None => operator.entries.probabilities[token as usize],
            };
            if probability > 0.0 {
                last = token;
                left -= probability;
                if left < 0.0 {
                    break;
                }
            }
        }
        // Rounding may leave a little over: then the last possible token is taken.
        last
    }
}

/// What a context adds to the probabilities that it backs off with, n-gram by
/// n-gram: the differences, and zero where one is negative by rounding only.
fn added(operator: &BackoffOperator, state: usize) -> impl Iterator<Item = f64> + '_ {
    let entries = &operator.entries;
    entries.after(state).map(move |entry| {
        let probability = entries.probabilities[entry];
        let shorter = entries.probabilities[entries.links[entry] as usize];
        let difference = probability - entries.backoffs[state] * shorter;
        if difference.abs() <= 4.0 * f64::EPSILON * probability { 0.0 } else { difference }
    })
}

impl StepSampler for BackoffSteps<'_> {
    fn step(&self, state: usize, rng: &mut StreamRng) -> usize {
        let outcome = self.tables.draw(state, rng);
        if self.operator.ends.absorbing == Some(state) {
            return state;
        }
        match self.ngram(state, outcome) {
            Some(ngram) => self.operator.entries.targets[ngram] as usize,
            None => self.operator.after(state, self.back_off(state, rng)),
        }
    }

    fn step_many(&self, states: &mut [u32], rngs: &mut [StreamRng]) {
        assert_eq!(states.len(), rngs.len(), "one stream a walk");
        for (states, rngs) in states.chunks_mut(LANES).zip(rngs.chunks_mut(LANES)) {
            self.step_lanes(states, rngs);
        }
    }
}

impl BackoffSteps<'_> {
    /// One step of up to [`LANES`] walks: all draw from the tables of their states
    /// together, then those that back off from the tables of the suffixes, and so on.
    fn step_lanes(&self, states: &mut [u32], rngs: &mut [StreamRng]) {
        let mut open = [(0, 0); LANES];
        for (lane, (open, &state)) in open.iter_mut().zip(&*states).enumerate() {
            *open = (lane, state as usize);
        }
        let mut count = states.len();
        while count > 0 {
            let outcomes = self.outcomes(&open[..count], rngs);
            let drawn = std::mem::take(&mut count);
            for at in 0..drawn {
                let (lane, context) = open[at];
                let state = states[lane] as usize;
                if self.operator.ends.absorbing == Some(context) {
                    continue;
                }
                states[lane] = match self.ngram(context, outcomes[at]) {
                    Some(ngram) if context == state => self.operator.entries.targets[ngram],
                    Some(ngram) => self.operator.after(state, self.operator.entries.token(ngram)) as u32,
                    None if self.interpolates[context] => {
                        open[count] = (lane, self.shorter(context));
                        count += 1;
                        continue;
                    }
                    None => self.operator.after(state, self.back_off(context, &mut rngs[lane])) as u32,
                };
            }
        }
    }

    /// An outcome of the table of a context for each `(lane, context)`: first all
    /// places are found, then all are read.
    fn outcomes(&self, open: &[(usize, usize)], rngs: &mut [StreamRng]) -> [usize; LANES] {
        let mut places = [(0, 0, 0); LANES];
        for (place, &(lane, context)) in places.iter_mut().zip(open) {
            *place = self.tables.place(context, rngs[lane].next_u64());
        }
        let mut outcomes = [0; LANES];
        for (outcome, &(start, index, fraction)) in outcomes.iter_mut().zip(&places[..open.len()]) {
            *outcome = self.tables.outcome(start, index, fraction);
        }
        outcomes
    }
}
