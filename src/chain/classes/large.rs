//! The strong component that most nodes are in, if one is.

use std::sync::atomic::{AtomicU32, Ordering};

use super::NODES;
use super::periods::greatest_common_divisor;
use super::search::{Marks, search};
use crate::error::Result;
use crate::operator::{TransitionOperator, successors};
use crate::parallel::of_each_part;
use crate::solve::{Observer, Watch};

/// States from which on a large component is sought.
const MANY: usize = 1 << 16;

/// Steps of the walk to its first node, successors that each looks at, and what keeps
/// these from taking turns in step with the chain.
const STEPS: usize = 1 << 10;
const LOOKS: usize = 64;
const PRIME: usize = 7919;

/// What an observer is told is being done, in states searched.
const FORWARD: &str = "finding classes: forward from a state";
const BACKWARD: &str = "finding classes: backward from it";

/// A strong component that was found by searching forward and backward from a node.
pub(super) struct LargeComponent {
    pub(super) nodes: Marks,
    /// Steps from the node that the search began at.
    levels: Vec<AtomicU32>,
}

impl LargeComponent {
    /// The component of a node that a walk from the first one kept ends at, where it is
    /// likely to be in a class that is hardly left. `None` for few states, behind hubs,
    /// where a state may have all others before it, and where looks cost rows.
    pub(super) fn find<O: TransitionOperator>(
        operator: &O,
        keep: &(impl Fn(usize) -> bool + Sync),
        observer: &mut dyn Observer,
    ) -> Result<Option<Self>> {
        let nodes = operator.states();
        if nodes < MANY || operator.hubs() > 0 || operator.looks_cost_rows() {
            return Ok(None);
        }
        let Some(first) = (0..nodes).find(|&node| keep(node)) else { return Ok(None) };
        let root = wander(operator, first, keep);
        let levels: Vec<AtomicU32> = (0..nodes).map(|_| AtomicU32::new(0)).collect();
        let visit = |node: usize, level: u32| levels[node].store(level, Ordering::Relaxed);
        let after = |node, cursor| operator.next_successor(node, cursor);
        let before = |node, cursor| operator.next_predecessor(node, cursor);
        let mut watch = Watch::new(observer, FORWARD, Some(nodes as u64)).of_small_steps();
        let forward = search(nodes, root, after, keep, visit, &mut watch)?;
        let mut watch = Watch::new(observer, BACKWARD, Some(nodes as u64)).of_small_steps();
        let backward = search(nodes, root, before, keep, |_, _| (), &mut watch)?;
        Ok(Some(Self { nodes: forward.intersection(&backward), levels }))
    }

    /// The greatest common divisor of what the arcs between its nodes span, one step of
    /// the levels for one of the arc: the period (Denardo 1977).
    pub(super) fn period<O: TransitionOperator>(&self, operator: &O) -> usize {
        let level = |node: usize| u64::from(self.levels[node].load(Ordering::Relaxed));
        let of_part = |part: usize| {
            let nodes = part * NODES..self.levels.len().min((part + 1) * NODES);
            let mut period = 0;
            for node in nodes.filter(|&node| self.nodes.contains(node)) {
                let mut cursor = 0;
                while let Some(arc) = operator.next_successor(node, cursor) {
                    cursor = arc.cursor;
                    if self.nodes.contains(arc.state) {
                        period =
                            greatest_common_divisor(period, (level(node) + 1).abs_diff(level(arc.state)));
                    }
                }
                if period == 1 {
                    break;
                }
            }
            period
        };
        let parts = of_each_part(self.levels.len().div_ceil(NODES), &of_part);
        parts.into_iter().fold(0, greatest_common_divisor) as usize
    }
}

/// Where a walk by now this, now that kept successor ends, one of the first few of each state.
fn wander<O: TransitionOperator>(operator: &O, mut node: usize, keep: &impl Fn(usize) -> bool) -> usize {
    for step in 0..STEPS {
        let some = successors(operator, node).take(LOOKS).map(|next| next.state);
        let next: Vec<usize> = some.filter(|&next| keep(next)).collect();
        match next.len() {
            0 => break,
            count => node = next[step * PRIME % count],
        }
    }
    node
}
