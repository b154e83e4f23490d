//! When walks first visit a set of states.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::lockstep::Visit;
use super::streaming::WalkObserver;
use crate::chain::StateSet;

/// The times at which walks first visit a set of states; a walk ends there.
///
/// The start counts: a walk that starts inside is there after 0 steps.
#[derive(Debug, Clone)]
pub struct FirstVisits<'a> {
    set: &'a StateSet,
    times: BTreeMap<u64, u64>,
    missed: u64,
}

impl<'a> FirstVisits<'a> {
    /// First visits to a set of states of the chain.
    pub fn to(set: &'a StateSet) -> Self {
        Self { set, times: BTreeMap::new(), missed: 0 }
    }

    /// The numbers of steps after which walks first visited the set, ascending,
    /// and how many walks did so each time.
    pub fn times(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.times.iter().map(|(&step, &walks)| (step, walks))
    }

    /// Walks that did not visit the set within their steps.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

impl WalkObserver for FirstVisits<'_> {
    /// # Panics
    ///
    /// If the set is of the states of a smaller chain.
    fn visit(&mut self, visit: Visit) -> ControlFlow<()> {
        if self.set.contains(visit.state) {
            *self.times.entry(visit.step).or_default() += 1;
            return ControlFlow::Break(());
        }
        self.missed += u64::from(visit.is_last);
        ControlFlow::Continue(())
    }

    fn merge(&mut self, later: Self) {
        self.missed += later.missed;
        for (step, walks) in later.times {
            *self.times.entry(step).or_default() += walks;
        }
    }
}
