//! How often walks are where.

use std::ops::ControlFlow;

use super::lockstep::Visit;
use super::streaming::WalkObserver;

/// Counts the visits of walks: to every state, or to groups of states, such as
/// topics, newest tokens or the nodes of an automaton; after any number of steps or
/// after chosen ones. 8 bytes a group, for each of the chosen numbers of steps.
///
/// # Example
///
/// ```
/// use lmchain::chain::{MarkovChain, Start, VisitCounts};
///
/// let cycle = MarkovChain::from_dense(ndarray::array![[0.0, 1.0], [1.0, 0.0]].view())?;
/// let walker = cycle.walker()?;
/// let counts = walker.stream(Start::State(0), 7, 10, 1, || VisitCounts::of_states(2).after_steps([0, 3]))?;
/// assert_eq!((counts.counts_after(0), counts.counts_after(3)), (vec![7, 0], vec![0, 7]));
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct VisitCounts<F> {
    group_of: F,
    groups: usize,
    when: When,
    counts: Vec<u64>,
}

/// Which visits count.
#[derive(Debug, Clone)]
enum When {
    From(u64),
    /// After these numbers of steps, ascending.
    After(Vec<u64>),
}

impl VisitCounts<fn(usize) -> usize> {
    /// Counts the visits to each of `states` states.
    pub fn of_states(states: usize) -> Self {
        Self::by_group(states, std::convert::identity)
    }
}

impl<F: Fn(usize) -> usize> VisitCounts<F> {
    /// Counts the visits to each of `groups` groups of states: `group_of(state)`.
    pub fn by_group(groups: usize, group_of: F) -> Self {
        Self { group_of, groups, when: When::From(0), counts: Vec::new() }
    }

    /// Counts visits after at least this many steps, instead of from the start on.
    #[must_use]
    pub fn from_step(mut self, step: u64) -> Self {
        self.when = When::From(step);
        self
    }

    /// Counts the visits after each of these numbers of steps apart, and no others.
    #[must_use]
    pub fn after_steps(mut self, steps: impl IntoIterator<Item = u64>) -> Self {
        let mut steps: Vec<u64> = steps.into_iter().collect();
        steps.sort_unstable();
        steps.dedup();
        self.when = When::After(steps);
        self
    }

    /// The visits counted in each group, whatever the number of steps.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.groups];
        let rows = self.counts.chunks_exact(self.groups.max(1));
        rows.for_each(|row| counts.iter_mut().zip(row).for_each(|(count, more)| *count += more));
        counts
    }

    /// The visits in each group after one of the chosen numbers of steps.
    ///
    /// # Panics
    ///
    /// If it was not chosen.
    #[track_caller]
    pub fn counts_after(&self, step: u64) -> Vec<u64> {
        let (When::After(_), Some(row)) = (&self.when, self.when.row(step)) else {
            panic!("visits after {step} steps were not counted apart");
        };
        self.counts.chunks_exact(self.groups.max(1)).nth(row).map_or(vec![0; self.groups], <[u64]>::to_vec)
    }

    /// All visits counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn entries(&self) -> usize {
        self.groups * self.when.rows()
    }
}

impl When {
    /// Rows of counts.
    fn rows(&self) -> usize {
        match self {
            Self::From(_) => 1,
            Self::After(steps) => steps.len(),
        }
    }

    /// The row that a visit counts in.
    fn row(&self, step: u64) -> Option<usize> {
        match self {
            Self::From(first) => (step >= *first).then_some(0),
            Self::After(steps) => steps.binary_search(&step).ok(),
        }
    }
}

impl<F: Fn(usize) -> usize + Send> WalkObserver for VisitCounts<F> {
    /// # Panics
    ///
    /// If a state is in no group.
    fn visit(&mut self, visit: Visit) -> ControlFlow<()> {
        if let Some(row) = self.when.row(visit.step) {
            let group = (self.group_of)(visit.state);
            assert!(group < self.groups, "state {} is in group {group} of {}", visit.state, self.groups);
            // Nothing is allocated before the memory for all was found to be there.
            if self.counts.is_empty() {
                self.counts = vec![0; self.entries()];
            }
            self.counts[row * self.groups + group] += 1;
        }
        ControlFlow::Continue(())
    }

    fn merge(&mut self, later: Self) {
        if self.counts.is_empty() {
            self.counts = later.counts;
        } else {
            self.counts.iter_mut().zip(later.counts).for_each(|(count, more)| *count += more);
        }
    }

    fn bytes(&self) -> u128 {
        size_of::<u64>() as u128 * self.entries() as u128
    }
}
