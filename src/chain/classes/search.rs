//! Breadth-first search by all threads.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::operator::Transition;
use crate::parallel::of_each_part;
use crate::solve::Watch;

/// Nodes of a level from which on all threads go through it, and that one task takes.
const WIDE: usize = 1 << 12;
const TASK: usize = 1 << 8;

/// A set of nodes that threads add to together.
pub(super) struct Marks {
    words: Vec<AtomicU64>,
}

impl Marks {
    fn new(nodes: usize) -> Self {
        Self { words: (0..nodes.div_ceil(64)).map(|_| AtomicU64::new(0)).collect() }
    }

    pub(super) fn contains(&self, node: usize) -> bool {
        self.words[node / 64].load(Ordering::Relaxed) >> (node % 64) & 1 == 1
    }

    /// Adds a node; whether it was new.
    fn insert(&self, node: usize) -> bool {
        let bit = 1 << (node % 64);
        !self.contains(node) && self.words[node / 64].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// The nodes in both of two sets.
    pub(super) fn intersection(&self, other: &Self) -> Self {
        let both = self.words.iter().zip(&other.words);
        let word = |(a, b): (&AtomicU64, &AtomicU64)| {
            AtomicU64::new(a.load(Ordering::Relaxed) & b.load(Ordering::Relaxed))
        };
        Self { words: both.map(word).collect() }
    }

    /// Calls a function with every node, ascending.
    pub(super) fn for_each(&self, mut f: impl FnMut(usize)) {
        for (place, word) in self.words.iter().enumerate() {
            let mut word = word.load(Ordering::Relaxed);
            while word != 0 {
                f(64 * place + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
    }
}

/// The nodes that can be reached from a root by nodes that are kept: `next` finds
/// neighbours as an operator does; `visit` is told of every node with its level, once.
///
/// # Errors
///
/// [`Error::Cancelled`](crate::Error::Cancelled).
pub(super) fn search(
    nodes: usize,
    root: usize,
    next: impl Fn(usize, usize) -> Option<Transition> + Sync,
    keep: &(impl Fn(usize) -> bool + Sync),
    visit: impl Fn(usize, u32) + Sync,
    watch: &mut Watch<'_>,
) -> Result<Marks> {
    let reached = Marks::new(nodes);
    reached.insert(root);
    let expand = |level: u32, some: &[u32], found: &mut Vec<u32>| {
        for &node in some {
            let mut cursor = 0;
            while let Some(Transition { state, cursor: after, .. }) = next(node as usize, cursor) {
                cursor = after;
                if keep(state) && reached.insert(state) {
                    visit(state, level);
                    found.push(state as u32);
                }
            }
        }
    };
    visit(root, 0);
    let (mut frontier, mut found) = (vec![root as u32], Vec::new());
    for level in 1.. {
        watch.advance(frontier.len() as u64)?;
        found.clear();
        if frontier.len() < WIDE {
            expand(level, &frontier, &mut found);
        } else {
            let parts = of_each_part(frontier.len().div_ceil(TASK), &|part| {
                let (first, mut found) = (part * TASK, Vec::new());
                expand(level, &frontier[first..frontier.len().min(first + TASK)], &mut found);
                found
            });
            found = parts.concat();
        }
        if found.is_empty() {
            break;
        }
        std::mem::swap(&mut frontier, &mut found);
    }
    Ok(reached)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::solve::Silent;

    /// Every node leads to the next three, the root to many: after it levels are wide, or narrow.
    #[test]
    fn levels_are_distances() {
        for (nodes, from_root) in [(1_000, 3), (30_000, 10_000)] {
            let levels = Mutex::new(vec![None; nodes]);
            let next = |node: usize, cursor: usize| {
                let state = node + 1 + cursor;
                let is_there = cursor < if node == 0 { from_root } else { 3 } && state < nodes;
                is_there.then_some(Transition { state, probability: 1.0, cursor: cursor + 1 })
            };
            let visit = |node: usize, level| {
                assert_eq!(levels.lock().unwrap()[node].replace(level), None, "visited once");
            };
            let mut silent = Silent;
            let mut watch = Watch::new(&mut silent, "searching", None);
            let reached = search(nodes, 0, next, &|node| node % 7 != 5, visit, &mut watch).unwrap();
            // One node of seven is left out.
            let mut expected = vec![None; nodes];
            expected[0] = Some(0);
            for node in (1..nodes).filter(|node| node % 7 != 5) {
                let before = (node.saturating_sub(3).max(1)..node).filter_map(|before| expected[before]);
                expected[node] =
                    if node <= from_root { Some(1) } else { before.min().map(|level: u32| level + 1) };
            }
            assert_eq!(levels.into_inner().unwrap(), expected);
            let marked: Vec<usize> = (0..nodes).filter(|&node| reached.contains(node)).collect();
            assert!(marked.into_iter().eq((0..nodes).filter(|&node| expected[node].is_some())));
        }
    }

    #[test]
    fn marks_are_kept_apart_and_listed_in_order() {
        let (a, b) = (Marks::new(200), Marks::new(200));
        assert!([0, 63, 64, 199].into_iter().all(|node| a.insert(node)) && !a.insert(64));
        assert!([63, 65, 199].into_iter().all(|node| b.insert(node)));
        let mut both = Vec::new();
        a.intersection(&b).for_each(|node| both.push(node));
        assert_eq!(both, [63, 199]);
        assert_eq!((a.contains(65), b.contains(65)), (false, true));
    }
}
