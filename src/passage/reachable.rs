//! From where a set can be reached at all.

use crate::chain::StateSet;
use crate::error::Result;
use crate::operator::{TransitionOperator, predecessors};
use crate::solve::{MEMORY_LIMIT, check_memory};

/// The states from which some walk leads to the target (its own included) that
/// passes, before it, only through states that `through` holds of.
///
/// A search backwards: `O(N + transitions)` time and one word a state. Of an
/// operator with hubs the arcs of its graph are turned round first, 4 bytes an arc.
pub(super) fn states_leading_to<O: TransitionOperator>(
    operator: &O,
    target: impl Fn(usize) -> bool,
    through: impl Fn(usize) -> bool,
) -> Result<StateSet> {
    let states = operator.states();
    let mut search = Search {
        found: (0..states + operator.hubs()).map(|node| node < states && target(node)).collect(),
        open: (0..states as u32).filter(|&state| target(state as usize)).collect(),
        // Hubs are on the way between states, and in nobody's set.
        through: |node: usize| node >= states || through(node),
    };
    if operator.hubs() == 0 {
        while let Some(state) = search.open.pop() {
            predecessors(operator, state as usize).for_each(|before| search.meet(before.state));
        }
    } else {
        let arcs = ReversedArcs::new(operator)?;
        while let Some(node) = search.open.pop() {
            arcs.leading_to(node).iter().for_each(|&before| search.meet(before as usize));
        }
    }
    Ok(StateSet::by_state(states, |state| search.found[state]))
}

struct Search<F> {
    found: Vec<bool>,
    open: Vec<u32>,
    through: F,
}

impl<F: Fn(usize) -> bool> Search<F> {
    fn meet(&mut self, node: usize) {
        if !self.found[node] && (self.through)(node) {
            self.found[node] = true;
            self.open.push(node as u32);
        }
    }
}

/// The arcs of an operator's graph by the node that they lead to.
struct ReversedArcs {
    starts: Vec<usize>,
    sources: Vec<u32>,
}

impl ReversedArcs {
    fn new<O: TransitionOperator>(operator: &O) -> Result<Self> {
        let nodes = operator.states() + operator.hubs();
        let mut starts = vec![0usize; nodes + 1];
        for_each_arc(operator, |_, to| starts[to + 1] += 1);
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let bytes = starts[nodes] as u128 * size_of::<u32>() as u128;
        check_memory("the reversed graph of the chain", bytes, MEMORY_LIMIT)?;
        let mut places = starts.clone();
        let mut sources = vec![0; starts[nodes]];
        for_each_arc(operator, |from, to| {
            sources[places[to]] = from as u32;
            places[to] += 1;
        });
        Ok(Self { starts, sources })
    }

    fn leading_to(&self, node: u32) -> &[u32] {
        &self.sources[self.starts[node as usize]..self.starts[node as usize + 1]]
    }
}

fn for_each_arc<O: TransitionOperator>(operator: &O, mut visit: impl FnMut(usize, usize)) {
    for node in 0..operator.states() + operator.hubs() {
        let mut cursor = 0;
        while let Some(arc) = operator.next_arc(node, cursor) {
            visit(node, arc.node);
            cursor = arc.cursor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::{Restart, SparseOperator};
    use crate::prob::Law;

    /// 0 -> 1 -> 2 (absorbing), 1 -> 3 (absorbing), 4 -> 0.
    fn chain() -> SparseOperator {
        let arcs =
            vec![(0, 1, 1.0), (1, 2, 0.5), (1, 3, 0.5), (2, 2, 1.0), (3, 3, 1.0), (4, 0, 0.5), (4, 4, 0.5)];
        SparseOperator::from_triplets(5, arcs).unwrap()
    }

    fn leading_to_two<O: TransitionOperator>(operator: &O, not_through: usize) -> Vec<usize> {
        let found = states_leading_to(operator, |state| state == 2, |state| state != not_through);
        found.unwrap().iter().collect()
    }

    #[test]
    fn walks_backwards_but_not_through_what_is_barred() {
        assert_eq!(leading_to_two(&chain(), 3), [0, 1, 2, 4]);
        assert_eq!(leading_to_two(&chain(), 1), [2]);
    }

    #[test]
    fn hubs_are_passed() {
        // From everywhere the chain may restart in 4, and go on to 2.
        let restarted = Restart::new(chain(), 0.25, Law::point(5, 4)).unwrap();
        assert_eq!(leading_to_two(&restarted, 9), [0, 1, 2, 3, 4]);
        assert_eq!(leading_to_two(&restarted, 4), [0, 1, 2]);
    }
}
