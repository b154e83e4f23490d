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
    /// What each context passes on, and its flow, side by side.
    pairs: Vec<[f64; 2]>,
    passed: Pyramid,
    /// What asks the empty context.
    empty: f64,
}

impl Flows<'_> {
    /// How much asks a state.
    pub(super) fn flow(&self, state: usize) -> f64 {
        self.pairs[state][1]
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
            let here = &mut to_here[level.start..];
            if length == highest {
                // Nothing longer asks first, and all hand on.
                self.write_arrivals(flows, level.start, here, |place, &[passed, flow]| {
                    [passed, self.incoming.probabilities[place] * flow]
                });
            } else {
                self.write_arrivals(flows, level.start, here, |place, &[passed, _]| {
                    [passed, if hands_on(place) { longer[place - level.end] } else { 0.0 }]
                });
            }
        }
        arrived
    }

    /// Writes what arrives at the n-grams of a length, from `first` on. `part`
    /// tells of an n-gram one longer, given what its context passes on and its
    /// flow, what was asked of it, and what arrives there and is handed on.
    ///
    /// What a task needs of the contexts is fetched before it is added up, so
    /// that the machine can wait for many of them at a time.
    fn write_arrivals(
        &self,
        flows: &Flows<'_>,
        first: usize,
        out: &mut [f64],
        part: impl Fn(usize, &[f64; 2]) -> [f64; 2] + Sync,
    ) {
        let contexts = &self.incoming.contexts;
        out.par_chunks_mut(OUTPUTS).enumerate().for_each_init(Vec::new, |parts, (chunk, out)| {
            let places = first + chunk * OUTPUTS..first + chunk * OUTPUTS + out.len();
            let all = self.incoming.longer(places.start).start..self.incoming.longer(places.end - 1).end;
            parts.clear();
            parts.extend(all.clone().map(|place| part(place, &flows.pairs[contexts[place] as usize])));
            let flow = |place: usize| flows.pairs[contexts[place] as usize][1];
            let own: [f64; OUTPUTS] =
                std::array::from_fn(|i| if i < out.len() { flow(places.start + i) } else { 0.0 });
            for ((place, out), flow) in places.zip(out).zip(own) {
                let longer = self.incoming.longer(place);
                let parts = &parts[longer.start - all.start..longer.end - all.start];
                *out = self.arrive(flows, place, flow, parts);
            }
        });
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
        let pairs: Vec<[f64; 2]> =
            flow.par_iter().with_min_len(OUTPUTS).zip(backoffs).map(|(&flow, b)| [flow * b, flow]).collect();
        let passed =
            Pyramid::new(pairs.par_iter().with_min_len(OUTPUTS).map(|&[passed, _]| passed).collect());
        let empty = passed.sum(self.tree.of_length(1));
        Flows { law, pairs, passed, empty }
    }

    /// What arrives at an n-gram whose context has this flow, given for each
    /// n-gram one longer what was asked of it and what it hands on.
    fn arrive(&self, flows: &Flows<'_>, place: usize, flow: f64, parts: &[[f64; 2]]) -> f64 {
        let contexts = &self.incoming.contexts;
        let [taken, below] = sum_pairs(0..parts.len(), |i| parts[i]);
        let is_single = self.incoming.of_length(1).contains(&place);
        let flow = if is_single { flows.empty } else { flow };
        let asked = if taken <= 0.5 * flow {
            flow - taken
        } else {
            let (own, others) = match contexts[place] as usize {
                _ if is_single => (0.0, self.tree.of_length(1)),
                state => (flows.law[state], self.tree.longer(state)),
            };
            let members = &contexts[self.incoming.longer(place)];
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
