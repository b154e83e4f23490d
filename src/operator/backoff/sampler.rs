//! Drawing steps without a table of every state's whole law.

use rand::RngExt;

use super::operator::BackoffOperator;
use crate::operator::StepSampler;
use crate::prob::{AliasRows, StreamRng};
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
        let mut tables = AliasRows::with_capacity(states + 1, states + entries.len());
        let mut interpolates = Vec::with_capacity(states);
        let mut weights = Vec::new();
        for state in 0..states {
            let backoff = entries.backoffs[state];
            let pair = |entry: usize| {
                let shorter = entries.probabilities[entries.links[entry] as usize];
                (entries.probabilities[entry], backoff * shorter)
            };
            weights.clear();
            weights.extend(entries.after(state).map(pair).map(|(p, shorter)| added(p, shorter)));
            let mixture = weights.iter().all(|&weight| weight >= 0.0);
            if mixture {
                weights.push(backoff);
            } else {
                weights.clear();
                weights.extend(entries.after(state).map(|entry| entries.probabilities[entry]));
                weights.push(backoff * operator.rest[state]);
            }
            if operator.ends.absorbing == Some(state) {
                weights[0] = 1.0;
            }
            tables.push(&weights);
            interpolates.push(mixture);
        }
        tables.push(&entries.probabilities[entries.singles()]);
        Self { operator, tables, interpolates }
    }

    /// Bytes that the tables take.
    pub(super) fn bytes(operator: &BackoffOperator) -> u128 {
        let states = operator.tree.len();
        AliasRows::bytes(states + 1, states + operator.entries.len()) + states as u128
    }

    /// A token that follows a context.
    fn draw(&self, context: Option<usize>, rng: &mut StreamRng) -> Token {
        let entries = &self.operator.entries;
        let Some(state) = context else {
            return self.tables.draw(self.operator.tree.len(), rng) as Token;
        };
        let after = entries.after(state);
        let drawn = self.tables.draw(state, rng);
        if drawn < after.len() {
            return entries.token(after.start + drawn);
        }
        let suffix = self.operator.tree.suffix(state);
        if self.interpolates[state] {
            return self.draw(suffix, rng);
        }
        if self.operator.rest[state] < LEAST_SHARE {
            return self.search_rest(state, rng);
        }
        loop {
            let token = self.draw(suffix, rng);
            if entries.child(state, token).is_none() {
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

/// What a context adds to the probability that it backs off with: the
/// difference, and zero if that is negative by rounding only.
fn added(probability: f64, backed_off: f64) -> f64 {
    let difference = probability - backed_off;
    if difference.abs() <= 4.0 * f64::EPSILON * probability { 0.0 } else { difference }
}

impl StepSampler for BackoffSteps<'_> {
    fn step(&self, state: usize, rng: &mut StreamRng) -> usize {
        if self.operator.ends.absorbing == Some(state) {
            return state;
        }
        self.operator.after(state, self.draw(Some(state), rng))
    }
}
