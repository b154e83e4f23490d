//! Laws pushed forward through a back-off model.

use rayon::prelude::*;

use super::ends::Ends;
use super::entries::Entries;
use super::incoming::Incoming;
use super::pull::gaps;
use super::pyramid::{Pyramid, range_depth};
use super::sums::{sum_depth, sum_pairs, sum_terms};
use crate::ngram::ContextTree;

/// Outputs that one task computes.
const OUTPUTS: usize = 1 << 8;

/// One push of a non-negative law.
///
/// The mass that asks a context `x` is its own and what longer ones back off with,
///
/// ```text
/// flow(x)   = law(x) + sum over y one longer of passed(y),    passed(y) = b(y) flow(y),
/// ```
///
/// and an n-gram `x v` answers all of it but what asked a longer n-gram `y v`:
///
/// ```text
/// asked(x v)  = flow(x) - sum over y with y v stored of passed(y)
/// arrived(e)  = p(e) asked(e) + sum over the a e that are no states of arrived(a e).
/// ```
///
/// A state receives what arrives at its n-gram. Where more than half of the
/// flow would be subtracted, `asked` is instead added up over the contexts
/// between those that have the longer n-gram: every number here is a sum of
/// non-negative parts, or at least half of what it was subtracted from.
pub(super) struct Push<'a> {
    pub(super) tree: &'a ContextTree,
    pub(super) entries: &'a Entries,
    pub(super) incoming: &'a Incoming,
    pub(super) ends: Ends,
}

/// How much asks each context.
pub(super) struct Flows<'a> {
    law: &'a [f64],
    flow: Vec<f64>,
    passed: Pyramid,
    /// What asks the empty context.
    empty: f64,
}

impl Flows<'_> {
    /// How much asks a state.
    pub(super) fn flow(&self, state: usize) -> f64 {
        self.flow[state]
    }
}

impl Push<'_> {
    /// Writes the law one step later.
    pub(super) fn write(&self, law: &[f64], next: &mut [f64]) {
        // What is a state keeps what arrives at it.
        let arrived = self.arrived(&self.flows(law), |place| !self.incoming.is_state[place]);
        let places = &self.incoming.places;
        next.par_iter_mut()
            .with_min_len(OUTPUTS)
            .zip(places)
            .for_each(|(out, &place)| *out = arrived[place as usize]);
        if let (Some(start), Some(end)) = (self.ends.start, self.ends.end) {
            next[start] += arrived[end as usize];
        }
        if let Some(absorbing) = self.ends.absorbing {
            next[absorbing] += law[absorbing];
        }
    }

    /// How often each n-gram occurs one step later, for all lengths but the highest.
    pub(super) fn occurrences(&self, flows: &Flows<'_>) -> Vec<f64> {
        self.arrived(flows, |_| true)
    }

    /// What arrives at the n-grams of all lengths but the highest, where those
    /// at the places told hand on what arrives to those one shorter.
    fn arrived(&self, flows: &Flows<'_>, hands_on: impl Fn(usize) -> bool + Sync) -> Vec<f64> {
        let highest = self.tree.longest();
        let mut arrived = vec![0.0; self.incoming.of_length(highest).end];
        for length in (1..=highest).rev() {
            let level = self.incoming.of_length(length);
            let (to_here, longer) = arrived.split_at_mut(level.end);
            let arrives = |place: usize| if hands_on(place) { longer[place - level.end] } else { 0.0 };
            let here = &mut to_here[level.start..];
            here.par_iter_mut().with_min_len(OUTPUTS).enumerate().for_each(|(i, out)| {
                *out = if length == highest {
                    self.arrive(flows, level.start + i, |place| self.top(flows, place))
                } else {
                    self.arrive(flows, level.start + i, arrives)
                };
            });
        }
        arrived
    }

    /// How much asks each context, under a law.
    pub(super) fn flows<'a>(&self, law: &'a [f64]) -> Flows<'a> {
        let mut flow = law.to_vec();
        let backoffs = &self.entries.backoffs;
        for length in (1..self.tree.longest()).rev() {
            let states = self.tree.of_length(length);
            let (to_here, longer) = flow.split_at_mut(states.end);
            let passed = |state: usize| backoffs[state] * longer[state - states.end];
            let here = &mut to_here[states.start..];
            here.par_iter_mut()
                .with_min_len(OUTPUTS)
                .enumerate()
                .for_each(|(i, flow)| *flow += sum_terms(self.tree.longer(states.start + i), passed));
        }
        let passed = flow.par_iter().with_min_len(OUTPUTS).zip(backoffs).map(|(flow, b)| flow * b);
        let passed = Pyramid::new(passed.collect());
        let empty = passed.sum(self.tree.of_length(1));
        Flows { law, flow, passed, empty }
    }

    /// What arrives at an n-gram of the highest order: nothing longer asks first.
    fn top(&self, flows: &Flows<'_>, place: usize) -> f64 {
        self.incoming.probabilities[place] * flows.flow[self.incoming.contexts[place] as usize]
    }

    /// What arrives at an n-gram, given what arrives at those one longer.
    fn arrive(&self, flows: &Flows<'_>, place: usize, arrived: impl Fn(usize) -> f64) -> f64 {
        let contexts = &self.incoming.contexts;
        let passed = flows.passed.array();
        let longer = self.incoming.longer(place);
        let [taken, below] =
            sum_pairs(longer.clone(), |place| [passed[contexts[place] as usize], arrived(place)]);
        let singles = self.incoming.of_length(1);
        let context = (!singles.contains(&place)).then(|| contexts[place] as usize);
        let flow = context.map_or(flows.empty, |state| flows.flow[state]);
        let asked = if taken <= 0.5 * flow {
            flow - taken
        } else {
            let (own, others) = match context {
                Some(state) => (flows.law[state], self.tree.longer(state)),
                None => (0.0, self.tree.of_length(1)),
            };
            let members = &contexts[longer];
            own + gaps(&flows.passed, others, members.len(), |i| members[i] as usize)
        };
        self.incoming.probabilities[place] * asked + below
    }
}

/// The relative error of a product in units of `eps`, at most.
pub(super) fn push_error(tree: &ContextTree, incoming: &Incoming) -> usize {
    let longest = tree.longest();
    let ranges = range_depth(tree.len());
    let most_longer = |length: usize| tree.of_length(length).map(|state| tree.longer(state).len()).max();
    // A flow adds up those of longer contexts, each multiplied once.
    let flow: usize = (1..longest).map(|length| 2 + sum_depth(most_longer(length).unwrap_or(0))).sum();
    let taken = (1..=longest).map(|length| sum_depth(incoming.longest_ending(length) + 1));
    let deepest = taken.clone().max().unwrap_or(0);
    // Subtracting at most half triples the error, as when pulling back.
    let asked = 3 * (flow + 1 + ranges + deepest) + 2;
    asked + 1 + taken.map(|depth| depth + 1).sum::<usize>() + 1
}
