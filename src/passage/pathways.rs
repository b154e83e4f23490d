//! The dominant pathways of a passage, and where they are narrow.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

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
    /// The dominant pathways, widest first: of the roads whose weakest net current
    /// is strongest one with the fewest steps; then, with its current taken out, the
    /// next. Fewer than `count` if no current is left.
    ///
    /// Together they carry the flux. The width is found in Dijkstra's order, `O(transitions
    /// log N)` a road at most, the road then breadth first (Metzner, Schütte &
    /// Vanden-Eijnden 2009, section 2.4, take roads out one by one as well).
    pub fn pathways(&self, count: usize) -> Vec<Pathway> {
        let mut taken = Taken::default();
        let mut found: Vec<Pathway> = Vec::new();
        while found.len() < count {
            let Some(width) = self.width(&taken) else { break };
            let Some(states) = self.shortest(width, &taken) else { break };
            let road = self.pathway(&states, &taken);
            for step in road.states.windows(2) {
                *taken.entry((step[0], step[1])).or_insert(0.0) += road.current;
            }
            found.push(road);
        }
        found
    }

    /// What is left of the net currents out of a state.
    fn left_from<'s>(&'s self, state: usize, taken: &'s Taken) -> impl Iterator<Item = (usize, f64)> + 's {
        self.net_currents_from(state).filter_map(move |Current { from, to, current }| {
            let left = current - taken.get(&(from, to)).copied().unwrap_or(0.0);
            // What rounding leaves of a current that was taken out is none.
            (left > current * 1e-12 && !self.sets().0.contains(to)).then_some((to, left))
        })
    }

    /// The width of the widest road.
    fn width(&self, taken: &Taken) -> Option<f64> {
        let (from, to) = self.sets();
        let mut best = vec![0.0; self.chain().len()];
        let mut open = BinaryHeap::new();
        for state in from.iter() {
            best[state] = f64::INFINITY;
            open.push(Reached { width: f64::INFINITY, state });
        }
        while let Some(Reached { width, state }) = open.pop() {
            if to.contains(state) {
                return Some(width);
            }
            if width < best[state] {
                continue;
            }
            for (next, left) in self.left_from(state, taken) {
                let width = width.min(left);
                if width > best[next] {
                    best[next] = width;
                    open.push(Reached { width, state: next });
                }
            }
        }
        None
    }

    /// The road of the fewest steps among those that are wide enough.
    fn shortest(&self, width: f64, taken: &Taken) -> Option<Vec<usize>> {
        let (from, to) = self.sets();
        let mut before = vec![usize::MAX; self.chain().len()];
        let mut open: VecDeque<usize> = from.iter().collect();
        from.iter().for_each(|state| before[state] = state);
        while let Some(state) = open.pop_front() {
            if to.contains(state) {
                return Some(road_to(state, &before));
            }
            for (next, left) in self.left_from(state, taken) {
                if left >= width && before[next] == usize::MAX {
                    before[next] = state;
                    open.push_back(next);
                }
            }
        }
        None
    }

    fn pathway(&self, states: &[usize], taken: &Taken) -> Pathway {
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

/// The states on the way to one, each with the one before it; the first is before itself.
fn road_to(last: usize, before: &[usize]) -> Vec<usize> {
    let mut states = vec![last];
    let mut state = last;
    while before[state] != state {
        state = before[state];
        states.push(state);
    }
    states.reverse();
    states
}

/// Current that roads have taken out, by transition.
type Taken = FxHashMap<(usize, usize), f64>;

/// A state, and the width of the widest road to it that was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reached {
    width: f64,
    state: usize,
}

impl Eq for Reached {}

impl Ord for Reached {
    /// Wider first, then by number.
    fn cmp(&self, other: &Self) -> Ordering {
        self.width.total_cmp(&other.width).then(other.state.cmp(&self.state))
    }
}

impl PartialOrd for Reached {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
