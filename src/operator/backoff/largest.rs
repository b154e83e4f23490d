//! The largest term of every output of a forward product.

use rayon::prelude::*;

use super::operator::BackoffOperator;
use crate::operator::TransitionOperator;

/// States that one task looks at.
const STATES: usize = 1 << 8;

impl BackoffOperator {
    /// Writes `max over i of weights[i] P(i, j)` for every state `j`.
    ///
    /// An n-gram `h v` speaks for the states that end with `h`, unless a longer
    /// context that they end with is followed by `v` as well. Of the contexts `g`
    /// one token longer than `h`, those with a stored `g v` drop out with all states that
    /// end with them; of the others all states stay in, at best with what the best of them
    /// brings when it backs off to `h`. So it takes the contexts after `h` in the
    /// order of what they bring, and for every `v` the first of them that stays.
    /// As many drop out, over all n-grams, as there are n-grams:
    /// `O(n-grams log n-grams + states log states)`.
    pub(super) fn write_largest(&self, weights: &[f64], next: &mut [f64]) {
        let brought = self.brought(weights);
        let mut terms = vec![0.0; self.entries.len()];
        let (singles, others) = terms.split_at_mut(self.entries.singles().end);
        let order = Self::by_weight(self.tree.of_length(1), &brought);
        singles.par_iter_mut().with_min_len(STATES).enumerate().for_each(|(entry, term)| {
            *term = self.largest_into(entry, &order, &brought);
        });
        self.tasks(others).into_par_iter().for_each(|(states, terms)| {
            let mut terms = terms.iter_mut();
            for state in states {
                let order = Self::by_weight(self.tree.longer(state), &brought);
                for (entry, term) in self.entries.after(state).zip(&mut terms) {
                    *term = weights[state].max(self.largest_into(entry, &order, &brought));
                }
            }
        });
        next.fill(0.0);
        for (entry, &weight) in terms.iter().enumerate() {
            let next = &mut next[self.entries.targets[entry] as usize];
            *next = next.max(weight * self.entries.probabilities[entry]);
        }
        self.largest_at_ends(weights, next);
    }

    /// What each state brings to its suffix at best: the largest weight of the
    /// states that end with it, times the back-off weights on the way.
    fn brought(&self, weights: &[f64]) -> Vec<f64> {
        let mut brought = vec![0.0; weights.len()];
        for length in (1..=self.tree.longest()).rev() {
            let states = self.tree.of_length(length);
            let (shorter, longer) = brought.split_at_mut(states.end);
            let here = &mut shorter[states.start..];
            here.par_iter_mut().with_min_len(STATES).zip(states.clone()).for_each(|(brought, state)| {
                let above = &longer
                    [self.tree.longer(state).start - states.end..self.tree.longer(state).end - states.end];
                let best = above.iter().copied().fold(weights[state], f64::max);
                *brought = self.entries.backoffs[state] * best;
            });
        }
        brought
    }

    /// Contexts that bring anything, by how much, the largest first.
    fn by_weight(contexts: std::ops::Range<usize>, brought: &[f64]) -> Vec<u32> {
        let mut order: Vec<u32> =
            contexts.filter(|&context| brought[context] > 0.0).map(|context| context as u32).collect();
        order.sort_unstable_by(|&one, &two| {
            brought[two as usize].total_cmp(&brought[one as usize]).then(one.cmp(&two))
        });
        order
    }

    /// What the best context in an order brings that has no n-gram of its own
    /// with the token of an entry.
    fn largest_into(&self, entry: usize, order: &[u32], brought: &[f64]) -> f64 {
        let token = self.entries.token(entry);
        let stays = |&&context: &&u32| self.entries.child(context as usize, token).is_none();
        order.iter().find(stays).map_or(0.0, |&context| brought[context as usize])
    }

    /// Some states at a time, with the places of the n-grams after them.
    fn tasks<'t>(&self, mut terms: &'t mut [f64]) -> Vec<(std::ops::Range<usize>, &'t mut [f64])> {
        let chunk = |first: usize| {
            let states = first..self.tree.len().min(first + STATES);
            let entries = self.entries.start_after(states.end) - self.entries.start_after(first);
            let (here, rest) = std::mem::take(&mut terms).split_at_mut(entries);
            terms = rest;
            (states, here)
        };
        (0..self.tree.len()).step_by(STATES).map(chunk).collect()
    }

    /// Two tokens may lead to the start of a text, and add up; the end of all is kept.
    fn largest_at_ends(&self, weights: &[f64], next: &mut [f64]) {
        if let Some(start) = self.ends.start {
            let term = |state: usize| weights[state] * self.probability(state, start);
            next[start] =
                (0..weights.len()).into_par_iter().with_min_len(STATES).map(term).reduce(|| 0.0, f64::max);
        }
        if let Some(absorbing) = self.ends.absorbing {
            next[absorbing] = next[absorbing].max(weights[absorbing]);
        }
    }
}
