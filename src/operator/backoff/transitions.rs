//! What every operator can do, done for a back-off model.

use super::entries::Entries;
use super::operator::BackoffOperator;
use super::sampler::BackoffSteps;
use crate::operator::transition::likeliest;
use crate::operator::{Arc, LikelyStep, StepSampler, Transition, TransitionOperator, check_lengths};
use crate::parallel::{ROWS_A_PART, fill_by};
use crate::text::Token;

/// Does to the positive and the negative part of a vector, if it has both, what
/// cannot be done to it as a whole without cancellation.
fn by_sign(input: &[f64], output: &mut [f64], product: impl Fn(&[f64], &mut [f64])) {
    if !input.iter().any(|&value| value < 0.0) {
        return product(input, output);
    }
    let part = |sign: f64| -> Vec<f64> {
        input.iter().map(|value| if sign * value < 0.0 { 0.0 } else { sign * value }).collect()
    };
    let mut negative = vec![0.0; output.len()];
    product(&part(1.0), output);
    product(&part(-1.0), &mut negative);
    output.iter_mut().zip(&negative).for_each(|(value, negative)| *value -= negative);
}

impl TransitionOperator for BackoffOperator {
    fn states(&self) -> usize {
        self.tree.len()
    }

    fn stored_entries(&self) -> usize {
        self.entries.len()
    }

    fn longest_sum(&self) -> usize {
        self.longest_sum
    }

    fn push_forward(&self, law: &[f64], next: &mut [f64]) {
        check_lengths(self, law, next);
        by_sign(law, next, |law, next| self.push_nonnegative(law, next));
    }

    fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
        check_lengths(self, observable, expected);
        by_sign(observable, expected, |observable, expected| self.pull_nonnegative(observable, expected));
    }

    fn push_largest(&self, weights: &[f64], next: &mut [f64]) {
        check_lengths(self, weights, next);
        self.write_largest(weights, next);
    }

    /// The most probable of the tokens that a state has n-grams for.
    fn likely_steps(&self, steps: &mut [LikelyStep]) {
        assert_eq!(steps.len(), self.states(), "one entry per state");
        let Entries { probabilities, targets, backoffs, .. } = &self.entries;
        let after = |state: usize| {
            let own = self.entries.after(state);
            let best = likeliest(own.map(|entry| (targets[entry] as usize, probabilities[entry])));
            LikelyStep { rest: best.rest + backoffs[state] * self.rest[state], ..best }
        };
        fill_by(steps, ROWS_A_PART, after);
        if let Some(absorbing) = self.ends.absorbing {
            steps[absorbing] = LikelyStep { to: absorbing as u32, probability: 1.0, rest: 0.0 };
        }
    }

    fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
        self.next_token(state, cursor)
    }

    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
        self.next_before(state, cursor)
    }

    /// A binary search a length.
    fn probability(&self, from: usize, to: usize) -> f64 {
        let ending = |token: Token| match self.after(from, token) == to {
            true => self.token_probability(from, token),
            false => 0.0,
        };
        if self.ends.absorbing == Some(from) {
            return f64::from(u8::from(from == to));
        }
        let by_end = if self.ends.start == Some(to) { self.ends.end.map_or(0.0, ending) } else { 0.0 };
        ending(self.tree.newest(to)) + by_end
    }

    fn hubs(&self) -> usize {
        self.hub_count()
    }

    fn next_arc(&self, node: usize, cursor: usize) -> Option<Arc> {
        self.next_arc_from(node, cursor)
    }

    fn row_entropies(&self, entropies: &mut [f64]) {
        assert_eq!(entropies.len(), self.states(), "one entry per state");
        self.write_row_entropies(entropies);
    }

    fn block_entropies(&self, law: &[f64], longest: usize) -> Option<Vec<f64>> {
        assert_eq!(law.len(), self.states(), "one entry per state");
        self.stored_block_entropies(law, longest.min(self.tree.longest()))
    }

    fn token_floors(&self) -> Option<Vec<f64>> {
        Some(self.least_probabilities())
    }

    fn sampler_bytes(&self) -> u128 {
        BackoffSteps::bytes(self)
    }

    fn sampler(&self) -> Box<dyn StepSampler + '_> {
        Box::new(BackoffSteps::new(self))
    }
}
