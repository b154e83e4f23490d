//! Communicating classes, recurrence, periods.

mod components;
mod large;
mod periods;
mod search;

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::StateSet;
use crate::error::Result;
use crate::operator::{TransitionOperator, by_group};
use crate::solve::{Observer, Silent};
use components::Components;
use periods::Levels;

/// The communicating classes of a chain, numbered by their smallest state.
///
/// In a chain of many states a class is first sought that holds most of them, by
/// searching forward and backward from one of its states, in parallel (Fleischer,
/// Hendrickson & Pinar 2000). All others are found by Tarjan's algorithm (1972),
/// without recursion. `O(N + transitions)` time, about 40 bytes a state at most.
#[derive(Debug, Clone)]
pub struct Classes {
    class_of: Vec<u32>,
    /// The states, class by class, ascending within a class.
    members: Vec<u32>,
    starts: Vec<usize>,
    recurrent: Vec<bool>,
    periods: Vec<usize>,
}

/// Nodes whose arcs one task looks at.
const NODES: usize = 1 << 12;

impl Classes {
    /// # Errors
    ///
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    pub(super) fn find<O: TransitionOperator>(operator: &O, observer: &mut dyn Observer) -> Result<Self> {
        let states = operator.states();
        if operator.is_evidently_regular() {
            return Ok(Self::regular(states));
        }
        let components = Components::find(operator, |_| true, observer)?;
        let (class_of, members, starts) =
            number_by_smallest_state(&components.of[..states], components.count);
        let classes = starts.len() - 1;
        let recurrent = closed(operator, &components, &class_of, classes);
        let mut found = Self { class_of, members, starts, recurrent, periods: Vec::new() };
        found.periods =
            periods::periods(operator, &components, (0..classes).map(|class| found.members(class)[0]));
        Ok(found)
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
    let components = Components::find(operator, |node| node >= states || set.contains(node), &mut Silent)
        .expect("a silent observer asks nobody to stop");
    let mut place_of: FxHashMap<u32, usize> = FxHashMap::default();
    let mut classes: Vec<Vec<u32>> = Vec::new();
    for state in set.iter() {
        let place = *place_of.entry(components.of[state]).or_insert(classes.len());
        if place == classes.len() {
            classes.push(Vec::new());
        }
        classes[place].push(state as u32);
    }
    classes
}

/// Renumbers components by their smallest state, and lists the states of each.
fn number_by_smallest_state(component_of: &[u32], components: usize) -> (Vec<u32>, Vec<u32>, Vec<usize>) {
    let mut class_of_component = vec![components::NONE; components];
    let mut classes = 0;
    let class_of: Vec<u32> = component_of
        .iter()
        .map(|&component| {
            let class = &mut class_of_component[component as usize];
            if *class == components::NONE {
                *class = classes;
                classes += 1;
            }
            *class
        })
        .collect();
    let (members, starts) = by_group(&class_of, classes as usize);
    (class_of, members, starts)
}

/// Which classes no arc leaves.
fn closed<O: TransitionOperator>(
    operator: &O,
    components: &Components,
    class_of: &[u32],
    classes: usize,
) -> Vec<bool> {
    // A hub is left at once, so what matters is whether a component that holds
    // states is left, by its states or by its hubs.
    let component_of = &components.of;
    let left: Vec<AtomicBool> = (0..components.count).map(|_| AtomicBool::new(false)).collect();
    let is_left = |component: u32| &left[component as usize];
    let nodes = if operator.looks_cost_rows() { component_of.len() } else { NODES };
    component_of.par_iter().enumerate().with_min_len(nodes).for_each(|(node, &component)| {
        let mut cursor = 0;
        while !is_left(component).load(Ordering::Relaxed) {
            let Some(arc) = operator.next_arc(node, cursor) else { break };
            cursor = arc.cursor;
            if component_of[arc.node] != component {
                is_left(component).store(true, Ordering::Relaxed);
            }
        }
    });
    let mut recurrent = vec![false; classes];
    for (&class, &component) in class_of.iter().zip(component_of) {
        recurrent[class as usize] = !is_left(component).load(Ordering::Relaxed);
    }
    recurrent
}
