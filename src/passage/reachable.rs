//! From where a set can be reached at all.

use crate::chain::StateSet;
use crate::error::Result;
use crate::operator::{TransitionOperator, predecessors};
use crate::reverse::Reversed;
use crate::solve::{MEMORY_LIMIT, check_memory};

/// The arcs of a chain's graph, to be followed backwards.
pub(super) trait BackwardGraph {
    /// States, and the hubs after them.
    fn nodes(&self) -> usize;

    /// Calls `visit` with every node that has an arc to this one.
    fn for_each_before(&self, node: usize, visit: &mut dyn FnMut(usize));
}

/// The graph of an operator. One with hubs has its arcs turned round first, 4
/// bytes an arc.
pub(super) fn graph_of<'a, O: TransitionOperator>(operator: &'a O) -> Result<Box<dyn BackwardGraph + 'a>> {
    Ok(if operator.hubs() == 0 {
        Box::new(Predecessors(operator))
    } else {
        Box::new(ReversedArcs::new(operator)?)
    })
}

/// The states from which some walk leads to the target (its own included) that
/// passes, before it, only through states that `through` holds of.
///
/// A search backwards: `O(N + arcs)` time and one word a state.
pub(super) fn states_leading_to(
    graph: &dyn BackwardGraph,
    states: usize,
    target: impl Fn(usize) -> bool,
    through: impl Fn(usize) -> bool,
) -> StateSet {
    let mut found: Vec<bool> = (0..graph.nodes()).map(|node| node < states && target(node)).collect();
    let mut open: Vec<u32> = (0..states as u32).filter(|&state| target(state as usize)).collect();
    while let Some(node) = open.pop() {
        graph.for_each_before(node as usize, &mut |before| {
            // Hubs are on the way between states, and in nobody's set.
            if !found[before] && (before >= states || through(before)) {
                found[before] = true;
                open.push(before as u32);
            }
        });
    }
    StateSet::by_state(states, |state| found[state])
}

/// The states from which some walk leads to a set, its own included.
///
/// # Errors
///
/// [`Error::TooLarge`](crate::Error::TooLarge) for a graph whose arcs do not fit.
pub(crate) fn leading_to<O: TransitionOperator>(operator: &O, set: &StateSet) -> Result<StateSet> {
    let graph = graph_of(operator)?;
    Ok(states_leading_to(&*graph, operator.states(), |state| set.contains(state), |_| true))
}

/// The transitions into each state.
struct Predecessors<'a, O>(&'a O);

impl<O: TransitionOperator> BackwardGraph for Predecessors<'_, O> {
    fn nodes(&self) -> usize {
        self.0.states()
    }

    fn for_each_before(&self, node: usize, visit: &mut dyn FnMut(usize)) {
        predecessors(self.0, node).for_each(|before| visit(before.state));
    }
}

/// The graph of a time reversal: an arc leads to a state from those that the
/// chain itself leads to, by its own arcs and hubs.
pub(super) struct Mirrored<'a, O>(pub(super) &'a Reversed<&'a O>);

impl<O: TransitionOperator> BackwardGraph for Mirrored<'_, O> {
    fn nodes(&self) -> usize {
        self.0.states() + self.0.operator().hubs()
    }

    fn for_each_before(&self, node: usize, visit: &mut dyn FnMut(usize)) {
        let states = self.0.states();
        // Nobody comes, looking backwards, to a state of probability zero.
        if node < states && self.0.law()[node] == 0.0 {
            return;
        }
        let mut cursor = 0;
        while let Some(arc) = self.0.operator().next_arc(node, cursor) {
            if arc.node >= states || self.0.has_past(arc.node) {
                visit(arc.node);
            }
            cursor = arc.cursor;
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
}

impl BackwardGraph for ReversedArcs {
    fn nodes(&self) -> usize {
        self.starts.len() - 1
    }

    fn for_each_before(&self, node: usize, visit: &mut dyn FnMut(usize)) {
        let sources = &self.sources[self.starts[node]..self.starts[node + 1]];
        sources.iter().for_each(|&before| visit(before as usize));
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
        let graph = graph_of(operator).unwrap();
        let found = states_leading_to(&*graph, 5, |state| state == 2, |state| state != not_through);
        found.iter().collect()
    }

    #[test]
    fn walks_backwards_but_not_through_what_is_barred() {
        assert_eq!(leading_to_two(&chain(), 3), [0, 1, 2, 4]);
        assert_eq!(leading_to_two(&chain(), 1), [2]);
    }

    #[test]
    fn the_mirrored_graph_is_that_of_the_reversed_transitions() {
        for weights in [[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 2.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0, 1.0]] {
            let law = Law::normalized(weights.to_vec()).unwrap();
            let restarted = Restart::new(chain(), 0.25, Law::point(5, 4)).unwrap();
            let reversed = Reversed::new(&restarted, law).unwrap();
            for target in 0..5 {
                for barred in 0..5 {
                    let search = |graph: &dyn BackwardGraph| {
                        states_leading_to(graph, 5, |state| state == target, |state| state != barred)
                    };
                    assert_eq!(search(&Mirrored(&reversed)), search(&Predecessors(&reversed)));
                }
            }
        }
    }

    #[test]
    fn hubs_are_passed() {
        // From everywhere the chain may restart in 4, and go on to 2.
        let restarted = Restart::new(chain(), 0.25, Law::point(5, 4)).unwrap();
        assert_eq!(leading_to_two(&restarted, 9), [0, 1, 2, 3, 4]);
        assert_eq!(leading_to_two(&restarted, 4), [0, 1, 2]);
    }
}
