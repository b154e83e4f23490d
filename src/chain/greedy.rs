//! Where a chain goes that always takes its most probable step.

use super::MarkovChain;
use crate::operator::{TransitionOperator, successors};

/// A loop of the greedy map, with its basin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GreedyLoop {
    /// The states of the loop in the order they are visited, the smallest first.
    pub cycle: Vec<usize>,
    /// Number of states from which the greedy walk ends in this loop, its own included.
    pub basin: usize,
}

/// The loops of greedy decoding, and the loop each state falls into.
#[derive(Debug, Clone)]
pub struct GreedyLoops {
    loops: Vec<GreedyLoop>,
    loop_of: Vec<u32>,
    tail: Vec<u32>,
}

impl GreedyLoops {
    /// The loops, ordered by their smallest state.
    pub fn loops(&self) -> &[GreedyLoop] {
        &self.loops
    }

    /// The loop (an index into [`loops`](Self::loops)) that a state falls into.
    pub fn loop_of(&self, state: usize) -> usize {
        self.loop_of[state] as usize
    }

    /// Steps from a state until it is on its loop; 0 on the loop.
    pub fn tail(&self, state: usize) -> usize {
        self.tail[state] as usize
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The state that a greedy step leads to: the most probable successor, the
    /// first in the operator's order (the lowest token) among equals.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    pub fn greedy_successor(&self, state: usize) -> usize {
        let best = successors(self.operator(), state)
            .reduce(|best, other| if other.probability > best.probability { other } else { best });
        best.map_or(state, |transition| transition.state)
    }

    /// The loops of the greedy map and their basins: every state follows its
    /// most probable successor until it repeats. `O(N + transitions)`.
    pub fn greedy_loops(&self) -> GreedyLoops {
        const UNSEEN: u32 = u32::MAX;
        let n = self.len();
        let next: Vec<u32> = (0..n).map(|state| self.greedy_successor(state) as u32).collect();
        let mut loop_of = vec![UNSEEN; n];
        let mut tail = vec![0u32; n];
        let mut loops: Vec<GreedyLoop> = Vec::new();
        let mut place_on_path = vec![UNSEEN; n];
        for start in 0..n as u32 {
            let mut path = Vec::new();
            let mut state = start;
            while loop_of[state as usize] == UNSEEN && place_on_path[state as usize] == UNSEEN {
                place_on_path[state as usize] = path.len() as u32;
                path.push(state);
                state = next[state as usize];
            }
            let mut tree = path.as_slice();
            if loop_of[state as usize] == UNSEEN {
                // The path has bitten its tail: from here on it is a new loop.
                let (before, cycle) = path.split_at(place_on_path[state as usize] as usize);
                for &member in cycle {
                    loop_of[member as usize] = loops.len() as u32;
                }
                loops.push(GreedyLoop { cycle: smallest_first(cycle), basin: cycle.len() });
                tree = before;
            }
            let (reached, mut distance) = (loop_of[state as usize], tail[state as usize]);
            for &member in tree.iter().rev() {
                distance += 1;
                loop_of[member as usize] = reached;
                tail[member as usize] = distance;
            }
            loops[reached as usize].basin += tree.len();
        }
        in_order_of_smallest(loops, loop_of, tail)
    }
}

fn smallest_first(cycle: &[u32]) -> Vec<usize> {
    let smallest = (0..cycle.len()).min_by_key(|&place| cycle[place]).unwrap_or(0);
    cycle[smallest..].iter().chain(&cycle[..smallest]).map(|&state| state as usize).collect()
}

fn in_order_of_smallest(loops: Vec<GreedyLoop>, mut loop_of: Vec<u32>, tail: Vec<u32>) -> GreedyLoops {
    let mut order: Vec<usize> = (0..loops.len()).collect();
    order.sort_by_key(|&found| loops[found].cycle[0]);
    let mut place = vec![0; loops.len()];
    for (sorted, &found) in order.iter().enumerate() {
        place[found] = sorted as u32;
    }
    for loop_number in &mut loop_of {
        *loop_number = place[*loop_number as usize];
    }
    let mut sorted = loops;
    sorted.sort_by_key(|greedy_loop| greedy_loop.cycle[0]);
    GreedyLoops { loops: sorted, loop_of, tail }
}
