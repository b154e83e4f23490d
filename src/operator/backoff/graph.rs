//! The chain's graph, small although every token may follow every state.
//!
//! Beside the states there are hubs: for each state `y` one that stands for the
//! tokens it backs off with, which leads on (in no step) to what those tokens
//! lead to from the suffix of `y`, and to the hub of that suffix; and one for
//! each block of 8, 64, ... n-grams, so that long runs of n-grams are one arc.

use std::ops::Range;

use super::operator::BackoffOperator;
use super::pyramid::{RADIX, first_block};
use crate::operator::Arc;

impl BackoffOperator {
    /// Number of hubs: one a state, one a block.
    pub(super) fn hub_count(&self) -> usize {
        self.tree.len() + self.blocks.count()
    }

    /// The first arc out of a node from `cursor` on.
    pub(super) fn next_arc_from(&self, node: usize, cursor: usize) -> Option<Arc> {
        let states = self.tree.len();
        match node {
            state if state < states => self.arc_of_state(state, cursor),
            hub if hub < 2 * states => self.arc_of_rest(hub - states, cursor),
            block => self.arc_of_block(block - 2 * states, cursor),
        }
    }

    /// One step: by each n-gram after the state, and to its hub. The cursor
    /// counts them.
    fn arc_of_state(&self, state: usize, cursor: usize) -> Option<Arc> {
        if self.ends.absorbing == Some(state) {
            return (cursor == 0).then_some(Arc { node: state, steps: 1, cursor: 1 });
        }
        let after = self.entries.after(state);
        let probabilities = &self.entries.probabilities[after.clone()];
        let possible = (cursor..after.len()).find(|&i| probabilities[i] > 0.0);
        let arc = |i: usize, node: usize| Arc { node, steps: 1, cursor: i + 1 };
        match possible {
            Some(i) => Some(arc(i, self.entries.targets[after.start + i] as usize)),
            None if cursor <= after.len() && self.entries.backoffs[state] > 0.0 => {
                self.rest_hub(state).map(|hub| arc(after.len(), hub))
            }
            None => None,
        }
    }

    /// The hub of what a state backs off to, if there is anything.
    fn rest_hub(&self, state: usize) -> Option<usize> {
        (self.rest[state] > 0.0).then_some(self.tree.len() + state)
    }

    /// No step: to the blocks of the n-grams after the suffix that have no
    /// longer n-gram after the state, then to the hub of the suffix. The cursor
    /// counts n-grams.
    fn arc_of_rest(&self, state: usize, cursor: usize) -> Option<Arc> {
        let suffix = self.tree.suffix(state);
        let after = self.entries.after_context(suffix);
        let mut at = after.start + cursor;
        while at < after.end {
            let gap = self.gap_from(state, at, after.end);
            at = gap.start;
            if gap.is_empty() {
                continue;
            }
            let level = first_block(&gap);
            at += RADIX.pow(level);
            if let Some(node) = self.block_node(level, gap.start) {
                return Some(Arc { node, steps: 0, cursor: at - after.start });
            }
        }
        let suffix = suffix.filter(|&suffix| self.entries.backoffs[suffix] > 0.0)?;
        let hub = self.rest_hub(suffix).filter(|_| cursor <= after.len())?;
        Some(Arc { node: hub, steps: 0, cursor: after.len() + 1 })
    }

    /// The next n-grams from `at` on that are not the suffixes of some after a
    /// state; it is empty, but starts further on, if the one at `at` is.
    fn gap_from(&self, state: usize, at: usize, end: usize) -> Range<usize> {
        let members = &self.entries.links[self.entries.after(state)];
        match members.get(members.partition_point(|&member| (member as usize) < at)) {
            Some(&member) if member as usize == at => at + 1..at + 1,
            Some(&member) => at..member as usize,
            None => at..end,
        }
    }

    /// The node of a block, or what its only n-gram leads to, unless impossible.
    fn block_node(&self, level: u32, start: usize) -> Option<usize> {
        if level == 0 {
            let possible = self.entries.probabilities[start] > 0.0;
            return possible.then(|| self.entries.targets[start] as usize);
        }
        let (below, place) = (level as usize - 1, start / RADIX.pow(level));
        let node = 2 * self.tree.len() + self.blocks.firsts[below] + place;
        self.blocks.possible[below][place].then_some(node)
    }

    /// No step: to the parts of a block.
    fn arc_of_block(&self, block: usize, cursor: usize) -> Option<Arc> {
        let (level, place) = self.blocks.locate(block);
        let part = RADIX.pow(level - 1);
        (cursor..RADIX).find_map(|i| {
            let node = self.block_node(level - 1, (place * RADIX + i) * part)?;
            Some(Arc { node, steps: 0, cursor: i + 1 })
        })
    }
}
