//! The most probable histories, in order.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use super::History;
use super::paths::{Message, Paths};
use super::sweep::{Sweep, Weights};
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::Best;
use crate::solve::{MEMORY_LIMIT, Watch, check_memory};

/// The `count` heaviest paths of some numbers of steps, heaviest first; equals
/// in the order of their states.
///
/// Let `d_t(i)` be the weight of the heaviest path of `t` steps to `i` (Viterbi
/// 1967). From the end backwards, the best suffixes of paths are kept, ranked
/// by the weight of the suffix times `d_t` of its oldest state: the weight of
/// the heaviest path that ends with it. **`count` suffixes are enough:** if a
/// path is one of the `count` heaviest, but its suffix from time `t` on is not
/// one of the `count` best, then each of those that are has a completion at
/// least as heavy as the path (as no path with its suffix is heavier than the
/// rank of the suffix), and these completions differ as the suffixes do: there
/// are `count` paths at least as heavy, and none is left out but for a tie.
/// Suffixes may start at any of the times at which paths may end.
///
/// Costs two looks at every transition a step, and `16 count` bytes, besides the
/// candidates for suffixes of one step: up to `2 count` are held at a time.
pub(super) struct MostProbable<'p, 'a, O> {
    paths: &'p Paths<'a, O>,
    count: usize,
    /// Numbers of steps that a path may have.
    lengths: RangeInclusive<usize>,
    /// Natural logarithm of the weight of all paths together.
    ln_total: f64,
    nodes: Vec<Node>,
    /// The best suffixes from the time visited last.
    front: Vec<Suffix>,
    /// What the step after that time added to the scale of messages.
    shift: f64,
}

/// A state of a suffix and the node of the next one; a last state is its own next.
struct Node {
    state: usize,
    next: usize,
}

/// A suffix: its first node, and its weight, as the logarithm of the ratio to
/// the total weight and to the scale of the message at its time.
#[derive(Clone, Copy)]
struct Suffix {
    node: usize,
    ln_weight: f64,
}

/// A suffix that may be kept.
#[derive(Clone, Copy)]
struct Candidate {
    /// Natural logarithm of the posterior of the heaviest path with this suffix.
    rank: f64,
    ln_weight: f64,
    state: usize,
    /// The node of the state after; none for a suffix of one state.
    next: Option<usize>,
}

impl Candidate {
    fn order(&self, other: &Self) -> Ordering {
        other.rank.total_cmp(&self.rank).then((self.state, self.next).cmp(&(other.state, other.next)))
    }
}

impl<'p, 'a, O: TransitionOperator> MostProbable<'p, 'a, O> {
    pub(super) fn find(
        paths: &'p Paths<'a, O>,
        count: usize,
        lengths: RangeInclusive<usize>,
        ln_total: f64,
        memory_limit: u128,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<History>> {
        let last = *lengths.end();
        check_memory("the histories asked for", Self::bytes(paths.start.len(), last, count), MEMORY_LIMIT)?;
        let sweep = Sweep::new(paths.start.len(), last, memory_limit)?;
        let (nodes, front) = (Vec::new(), Vec::new());
        let mut search = Self { paths, count, lengths, ln_total, nodes, front, shift: 0.0 };
        sweep.backwards(paths, Weights::Best, watch, |time, best| {
            search.visit(time, best);
            Ok(())
        })?;
        Ok(search.finish())
    }

    /// Nodes, and the states of the histories, if there are so many; beside them,
    /// the candidates of a step, and the suffixes before and after it.
    fn bytes(states: usize, last: usize, count: usize) -> u128 {
        let paths = (states as f64).powf(last as f64 + 1.0);
        let count = if paths < count as f64 { paths as u128 } else { count as u128 };
        let step = (size_of::<Node>() + size_of::<usize>()) as u128;
        let once = (2 * size_of::<Candidate>() + 2 * size_of::<Suffix>() + size_of::<History>()) as u128;
        count.saturating_mul((last as u128 + 1).saturating_mul(step) + once)
    }

    fn visit(&mut self, time: usize, best: &Message) {
        let mut found = Best::new(self.count, Candidate::order);
        for suffix in &self.front {
            let state = self.nodes[suffix.node].state;
            let rest = suffix.ln_weight + self.paths.keep - self.shift;
            found.extend(self.paths.arrivals(&best.logs, state).map(|(from, log)| Candidate {
                rank: rest + log,
                ln_weight: rest + from.probability.ln(),
                state: from.state,
                next: Some(suffix.node),
            }));
        }
        if self.lengths.contains(&time) {
            let ln_weight = best.scale.value() - self.ln_total;
            let ends = self.paths.ends.iter().filter(|&state| best.logs[state] > f64::NEG_INFINITY);
            let rank = |state: usize| ln_weight + best.logs[state];
            found.extend(ends.map(|state| Candidate { rank: rank(state), ln_weight, state, next: None }));
        }
        self.front = found.into_sorted().iter().map(|candidate| self.keep(candidate)).collect();
        self.shift = best.shift;
    }

    fn keep(&mut self, candidate: &Candidate) -> Suffix {
        let node = self.nodes.len();
        self.nodes.push(Node { state: candidate.state, next: candidate.next.unwrap_or(node) });
        Suffix { node, ln_weight: candidate.ln_weight }
    }

    /// Weighs the paths afresh, so that ranks carry no rounding of the way.
    fn finish(self) -> Vec<History> {
        let history = |suffix: &Suffix| {
            let states = self.states_from(suffix.node);
            let ln_weight = self.paths.ln_weight(&states);
            History { states, ln_weight, posterior: (ln_weight - self.ln_total).exp() }
        };
        let mut histories: Vec<History> = self.front.iter().map(history).collect();
        histories.sort_by(|a, b| b.ln_weight.total_cmp(&a.ln_weight).then_with(|| a.states.cmp(&b.states)));
        histories
    }

    fn states_from(&self, mut node: usize) -> Vec<usize> {
        let mut states = vec![self.nodes[node].state];
        while self.nodes[node].next != node {
            node = self.nodes[node].next;
            states.push(self.nodes[node].state);
        }
        states
    }
}
