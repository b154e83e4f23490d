//! The dominant pathways of a passage, and where they are narrow.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::transition_paths::{Current, TransitionPaths};
use crate::operator::TransitionOperator;

/// A road from `A` to `B`, and the current that it carries.
#[derive(Debug, Clone, PartialEq)]
pub struct Pathway {
    /// The states, the first in `A`, the last in `B`, no other in either.
    pub states: Vec<usize>,
    /// Current that goes all along the road, in passages per step.
    pub current: f64,
    /// The transition that lets no more through: the weakest on the road.
    pub bottleneck: (usize, usize),
}

impl<O: TransitionOperator> TransitionPaths<'_, O> {
    /// The dominant pathways, widest first: the road whose weakest net current
    /// is strongest, of equals one with the fewest steps; then, with its current taken out, the
    /// next. Fewer than `count` if no current is left.
    ///
    /// Together they carry the flux. A search by Dijkstra's order with the width in the
    /// place of the length, `O(transitions log N)` a road at most (Metzner,
    /// Schütte & Vanden-Eijnden 2009, section 2.4, take the same roads out one by one).
    pub fn pathways(&self, count: usize) -> Vec<Pathway> {
        let mut taken = FxHashMap::default();
        let mut found: Vec<Pathway> = Vec::new();
        while found.len() < count {
            let Some(road) = self.widest(&taken) else { break };
            for step in road.states.windows(2) {
                *taken.entry((step[0], step[1])).or_insert(0.0) += road.current;
            }
            found.push(road);
        }
        found
    }

    fn widest(&self, taken: &FxHashMap<(usize, usize), f64>) -> Option<Pathway> {
        let (from, to) = self.sets();
        let n = self.chain().len();
        let mut search = Search { best: vec![None; n], open: BinaryHeap::new() };
        for state in from.iter() {
            search.offer(Reached { width: f64::INFINITY, steps: 0, state, before: state });
        }
        while let Some(reached) = search.open.pop() {
            if search.best[reached.state] != Some(reached) {
                continue;
            }
            if to.contains(reached.state) {
                return Some(self.pathway(&search.road(reached.state), taken));
            }
            for Current { from: before, to: state, current } in self.net_currents_from(reached.state) {
                let used = taken.get(&(before, state)).copied().unwrap_or(0.0);
                // What rounding leaves of a current that was taken out is none.
                let left = current - used;
                if left > current * 1e-12 && !from.contains(state) {
                    let width = reached.width.min(left);
                    search.offer(Reached { width, steps: reached.steps + 1, state, before });
                }
            }
        }
        None
    }

    fn pathway(&self, states: &[usize], taken: &FxHashMap<(usize, usize), f64>) -> Pathway {
        let left = |step: &[usize]| {
            let used = taken.get(&(step[0], step[1])).copied().unwrap_or(0.0);
            self.net_current(step[0], step[1]) - used
        };
        let narrowest = states.windows(2).min_by(|one, two| left(one).total_cmp(&left(two)));
        let (bottleneck, current) =
            narrowest.map_or(((states[0], states[0]), 0.0), |step| ((step[0], step[1]), left(step)));
        Pathway { states: states.to_vec(), current, bottleneck }
    }
}

/// A state, and the widest road to it that was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reached {
    width: f64,
    steps: u32,
    state: usize,
    before: usize,
}

impl Eq for Reached {}

impl Ord for Reached {
    /// Wider first, then shorter, then by number.
    fn cmp(&self, other: &Self) -> Ordering {
        let width = self.width.total_cmp(&other.width);
        width
            .then(other.steps.cmp(&self.steps))
            .then((other.state, other.before).cmp(&(self.state, self.before)))
    }
}

impl PartialOrd for Reached {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

struct Search {
    best: Vec<Option<Reached>>,
    open: BinaryHeap<Reached>,
}

impl Search {
    fn offer(&mut self, reached: Reached) {
        let best = &mut self.best[reached.state];
        let better = best.is_none_or(|best| (reached.width, best.steps) > (best.width, reached.steps));
        if better {
            *best = Some(reached);
            self.open.push(reached);
        }
    }

    /// The states on the way to one that was reached.
    fn road(&self, last: usize) -> Vec<usize> {
        let mut states = vec![last];
        while let Some(reached) = self.best[states[states.len() - 1]] {
            if reached.steps == 0 {
                break;
            }
            states.push(reached.before);
        }
        states.reverse();
        states
    }
}
