//! Periods of classes.

use super::components::Components;
use crate::operator::TransitionOperator;

/// The period of the class of every root.
pub(super) fn periods<O: TransitionOperator>(
    operator: &O,
    components: &Components,
    roots: impl Iterator<Item = u32>,
) -> Vec<usize> {
    let mut levels = None;
    let period = |root: u32| match components.large_one_of(root) {
        Some(large) => large.period(operator),
        None => levels.get_or_insert_with(|| Levels::new(operator, &components.of)).period(root),
    };
    roots.map(period).collect()
}

/// Steps from a root to the nodes of its component, along a search tree.
pub(super) struct Levels<'a, O> {
    operator: &'a O,
    component_of: &'a [u32],
    pub(super) level: Vec<i64>,
}

/// No level yet.
const UNSEEN: i64 = i64::MIN;

impl<'a, O: TransitionOperator> Levels<'a, O> {
    pub(super) fn new(operator: &'a O, component_of: &'a [u32]) -> Self {
        Self { operator, component_of, level: vec![UNSEEN; operator.states() + operator.hubs()] }
    }

    /// The period of the component of `root`: every arc inside closes a walk
    /// whose length is the difference of levels it spans, up to the period.
    fn period(&mut self, root: u32) -> usize {
        let mut period = 0;
        self.explore(root, |difference| {
            period = greatest_common_divisor(period, difference.unsigned_abs());
            period == 1
        });
        period as usize
    }

    /// Gives levels to the component of `root`, and hands the difference that
    /// every non-tree arc closes to `enough`, until that says so.
    pub(super) fn explore(&mut self, root: u32, mut enough: impl FnMut(i64) -> bool) {
        let component = |node: usize| self.component_of.get(node).copied();
        self.level[root as usize] = 0;
        let mut pending = vec![root];
        while let Some(node) = pending.pop() {
            let level = self.level[node as usize];
            let mut cursor = 0;
            while let Some(arc) = self.operator.next_arc(node as usize, cursor) {
                cursor = arc.cursor;
                // Hubs are of no class when only states were numbered: follow them.
                let inside = component(arc.node).is_none_or(|other| component(root as usize) == Some(other));
                if !inside {
                    continue;
                }
                let reached = level + i64::from(arc.steps);
                if self.level[arc.node] == UNSEEN {
                    self.level[arc.node] = reached;
                    pending.push(arc.node as u32);
                } else if enough(reached - self.level[arc.node]) {
                    return;
                }
            }
        }
    }
}

pub(super) fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
