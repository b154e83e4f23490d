//! Communicating classes, recurrence, periods.

use rustc_hash::FxHashMap;

use super::StateSet;
use crate::operator::TransitionOperator;

/// The communicating classes of a chain, numbered by their smallest state.
///
/// Found by Tarjan's algorithm (1972) on the graph of the operator, without
/// recursion: `O(N + transitions)` time, about 40 bytes a state at most.
#[derive(Debug, Clone)]
pub struct Classes {
    class_of: Vec<u32>,
    /// The states, class by class, ascending within a class.
    members: Vec<u32>,
    starts: Vec<usize>,
    recurrent: Vec<bool>,
    periods: Vec<usize>,
}

/// Not yet seen, or not yet given to a class.
const NONE: u32 = u32::MAX;

impl Classes {
    pub(super) fn find<O: TransitionOperator>(operator: &O) -> Self {
        let states = operator.states();
        if operator.is_evidently_regular() {
            return Self::regular(states);
        }
        let component_of = components(operator, |_| true);
        let (class_of, members, starts) = number_by_smallest_state(&component_of[..states]);
        let classes = starts.len() - 1;
        let recurrent = closed(operator, &component_of, &class_of, classes);
        let mut found = Self { class_of, members, starts, recurrent, periods: Vec::new() };
        let mut levels = Levels::new(operator, &component_of);
        found.periods = (0..classes).map(|class| levels.period(found.members(class)[0])).collect();
        found
    }

    /// One recurrent class without period.
    fn regular(states: usize) -> Self {
        Self {
            class_of: vec![0; states],
            members: (0..states as u32).collect(),
            starts: vec![0, states],
            recurrent: vec![true],
            periods: vec![1],
        }
    }

    /// Number of communicating classes.
    pub fn count(&self) -> usize {
        self.recurrent.len()
    }

    /// The class of a state.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    pub fn class_of(&self, state: usize) -> usize {
        self.class_of[state] as usize
    }

    /// The states of a class, ascending.
    ///
    /// # Panics
    ///
    /// If there is no such class.
    pub fn members(&self, class: usize) -> &[u32] {
        &self.members[self.starts[class]..self.starts[class + 1]]
    }

    /// Whether a class is recurrent: closed, never left once entered.
    ///
    /// # Panics
    ///
    /// If there is no such class.
    pub fn is_recurrent(&self, class: usize) -> bool {
        self.recurrent[class]
    }

    /// The recurrent classes, ascending.
    pub fn recurrent(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.count()).filter(|&class| self.recurrent[class])
    }

    /// Number of recurrent classes: at least one, and as many as there are
    /// extreme stationary laws.
    pub fn recurrent_count(&self) -> usize {
        self.recurrent().count()
    }

    /// The states in no recurrent class, ascending.
    pub fn transient_states(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.class_of.len()).filter(|&state| !self.recurrent[self.class_of(state)])
    }

    /// The states that are never left, ascending.
    pub fn absorbing_states(&self) -> impl Iterator<Item = usize> + '_ {
        self.recurrent()
            .filter(|&class| self.members(class).len() == 1)
            .map(|class| self.members(class)[0] as usize)
    }

    /// The period of a class: the greatest common divisor of the lengths of its
    /// closed walks, or 0 for a single state that is never returned to.
    ///
    /// # Panics
    ///
    /// If there is no such class.
    pub fn period(&self, class: usize) -> usize {
        self.periods[class]
    }

    /// Whether every state leads to every other.
    pub fn is_irreducible(&self) -> bool {
        self.count() == 1
    }

    /// Whether every recurrent class has period 1.
    pub fn is_aperiodic(&self) -> bool {
        self.recurrent().all(|class| self.periods[class] == 1)
    }

    /// Whether some power of the transition matrix is positive everywhere:
    /// irreducible and aperiodic.
    pub fn is_regular(&self) -> bool {
        self.is_irreducible() && self.is_aperiodic()
    }

    /// The cyclic classes of a recurrent class: `period` sets of states, each
    /// leading to the next, the first holding the smallest state.
    ///
    /// Costs `O(states + transitions)` of the class, and 8 bytes per state of the chain.
    ///
    /// # Panics
    ///
    /// If there is no such class, or the operator is another chain's.
    #[track_caller]
    pub fn cyclic_classes<O: TransitionOperator>(&self, class: usize, operator: &O) -> Vec<Vec<u32>> {
        assert_eq!(operator.states(), self.class_of.len(), "the operator that the classes were found on");
        let period = self.periods[class].max(1);
        let mut levels = Levels::new(operator, &self.class_of);
        levels.explore(self.members(class)[0], |_| false);
        let mut sets = vec![Vec::new(); period];
        for &state in self.members(class) {
            sets[levels.level[state as usize].rem_euclid(period as i64) as usize].push(state);
        }
        sets
    }
}

/// The classes of states in a set that communicate by walks within it, each
/// ascending, ordered by their smallest states. Costs as [`Classes`].
pub(crate) fn communicating_within<O: TransitionOperator>(operator: &O, set: &StateSet) -> Vec<Vec<u32>> {
    let states = operator.states();
    let component_of = components(operator, |node| node >= states || set.contains(node));
    let mut place_of: FxHashMap<u32, usize> = FxHashMap::default();
    let mut classes: Vec<Vec<u32>> = Vec::new();
    for state in set.iter() {
        let place = *place_of.entry(component_of[state]).or_insert(classes.len());
        if place == classes.len() {
            classes.push(Vec::new());
        }
        classes[place].push(state as u32);
    }
    classes
}

/// The strong component of every node that is kept, by arcs between these:
/// Tarjan's algorithm with its own stack.
fn components<O: TransitionOperator>(operator: &O, keep: impl Fn(usize) -> bool) -> Vec<u32> {
    let nodes = operator.states() + operator.hubs();
    let mut component_of = vec![NONE; nodes];
    let mut order = vec![NONE; nodes];
    let mut low = vec![NONE; nodes];
    let mut open: Vec<u32> = Vec::new();
    let mut path: Vec<(u32, usize)> = Vec::new();
    let (mut visited, mut components) = (0, 0);
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
    component_of
}

/// Renumbers components by their smallest state, and lists the states of each.
fn number_by_smallest_state(component_of: &[u32]) -> (Vec<u32>, Vec<u32>, Vec<usize>) {
    let mut class_of_component = vec![NONE; component_of.iter().max().map_or(0, |&most| most as usize + 1)];
    let mut sizes = Vec::new();
    let class_of: Vec<u32> = component_of
        .iter()
        .map(|&component| {
            let class = &mut class_of_component[component as usize];
            if *class == NONE {
                *class = sizes.len() as u32;
                sizes.push(0usize);
            }
            sizes[*class as usize] += 1;
            *class
        })
        .collect();
    let mut starts = vec![0];
    starts.extend(sizes.iter().scan(0, |sum, size| {
        *sum += size;
        Some(*sum)
    }));
    let mut next = starts.clone();
    let mut members = vec![0; class_of.len()];
    for (state, &class) in class_of.iter().enumerate() {
        members[next[class as usize]] = state as u32;
        next[class as usize] += 1;
    }
    (class_of, members, starts)
}

/// Which classes no arc leaves.
fn closed<O: TransitionOperator>(
    operator: &O,
    component_of: &[u32],
    class_of: &[u32],
    classes: usize,
) -> Vec<bool> {
    // A hub is left at once, so what matters is whether a component that holds
    // states is left, by its states or by its hubs.
    let states = class_of.len();
    let mut left = vec![false; component_of.iter().max().map_or(0, |&most| most as usize + 1)];
    for node in 0..component_of.len() {
        let component = component_of[node];
        let mut cursor = 0;
        while !left[component as usize] {
            let Some(arc) = operator.next_arc(node, cursor) else { break };
            cursor = arc.cursor;
            left[component as usize] |= component_of[arc.node] != component;
        }
    }
    let mut recurrent = vec![false; classes];
    for state in 0..states {
        recurrent[class_of[state] as usize] = !left[component_of[state] as usize];
    }
    recurrent
}

/// Steps from a root to the nodes of its component, along a search tree.
struct Levels<'a, O> {
    operator: &'a O,
    component_of: &'a [u32],
    level: Vec<i64>,
}

/// No level yet.
const UNSEEN: i64 = i64::MIN;

impl<'a, O: TransitionOperator> Levels<'a, O> {
    fn new(operator: &'a O, component_of: &'a [u32]) -> Self {
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
    fn explore(&mut self, root: u32, mut enough: impl FnMut(i64) -> bool) {
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

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
