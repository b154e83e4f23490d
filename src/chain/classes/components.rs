//! Strong components of the graph of an operator.

use super::large::LargeComponent;
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::solve::{Observer, Watch};

/// In no component.
pub(super) const NONE: u32 = u32::MAX;

/// The number of the large component, if there is one.
const LARGE: u32 = 0;

/// The strong components of the nodes that were kept, by arcs between these.
pub(super) struct Components {
    /// The component of every node, or [`NONE`].
    pub(super) of: Vec<u32>,
    /// Number of components.
    pub(super) count: usize,
    large: Option<LargeComponent>,
}

impl Components {
    /// # Errors
    ///
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    pub(super) fn find<O: TransitionOperator>(
        operator: &O,
        keep: impl Fn(usize) -> bool + Sync,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let mut of = vec![NONE; operator.states() + operator.hubs()];
        let large = LargeComponent::find(operator, &keep, observer)?;
        if let Some(large) = &large {
            large.nodes.for_each(|node| of[node] = LARGE);
        }
        let first = u32::from(large.is_some());
        let rest = |node: usize| keep(node) && large.as_ref().is_none_or(|large| !large.nodes.contains(node));
        let mut watch = Watch::new(observer, "finding classes: the others", None).of_small_steps();
        let count = find_others(operator, rest, &mut of, first, &mut watch)? as usize;
        Ok(Self { of, count, large })
    }

    /// The large component, if a node is in it.
    pub(super) fn large_one_of(&self, node: u32) -> Option<&LargeComponent> {
        self.large.as_ref().filter(|_| self.of[node as usize] == LARGE)
    }
}

/// The strong components of the nodes that are kept and in none yet, numbered from
/// `components` on: Tarjan's algorithm with its own stack. Gives their number with those before.
fn find_others<O: TransitionOperator>(
    operator: &O,
    keep: impl Fn(usize) -> bool,
    component_of: &mut [u32],
    mut components: u32,
    watch: &mut Watch<'_>,
) -> Result<u32> {
    let nodes = component_of.len();
    let mut order = vec![NONE; nodes];
    let mut low = vec![NONE; nodes];
    let mut open: Vec<u32> = Vec::new();
    let mut path: Vec<(u32, usize)> = Vec::new();
    let mut visited = 0;
    for root in 0..nodes {
        if order[root] != NONE || !keep(root) {
            continue;
        }
        path.push((root as u32, 0));
        while let Some((node, cursor)) = path.last_mut() {
            let at = *node as usize;
            if order[at] == NONE {
                order[at] = visited;
                low[at] = visited;
                visited += 1;
                open.push(*node);
                watch.step()?;
            }
            if let Some(arc) = operator.next_arc(at, *cursor) {
                *cursor = arc.cursor;
                let is_new = order[arc.node] == NONE;
                if is_new && keep(arc.node) {
                    path.push((arc.node as u32, 0));
                } else if !is_new && component_of[arc.node] == NONE {
                    low[at] = low[at].min(order[arc.node]);
                }
                continue;
            }
            path.pop();
            if let Some(&(parent, _)) = path.last() {
                low[parent as usize] = low[parent as usize].min(low[at]);
            }
            if low[at] == order[at] {
                while let Some(member) = open.pop() {
                    component_of[member as usize] = components;
                    if member as usize == at {
                        break;
                    }
                }
                components += 1;
            }
        }
    }
    Ok(components)
}
