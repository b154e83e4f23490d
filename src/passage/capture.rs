//! Whether a set is entered, and then kept to.

use super::reachable::graph_of;
use super::{Enclosure, PassageSolver};
use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, row_sum_error};
use crate::solve::{Outcome, Silent};

impl PassageSolver {
    /// From every state, the probability of being captured by a set: of ever
    /// entering it, and of then staying for at least `stay` times in a row (the
    /// entry is the first). From within the set, the present is the entry.
    ///
    /// Only the first visit counts: a walk that leaves too soon was not captured.
    /// `stay - 1` products, and those of [`reach`](Self::reach).
    ///
    /// # Errors
    ///
    /// As `reach`, and [`Error::MustBePositive`] for a stay of zero.
    pub fn capture<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        set: &StateSet,
        stay: usize,
    ) -> Result<Outcome<Enclosure>> {
        set.check(chain.len(), "set that captures")?;
        if stay == 0 {
            return Err(Error::MustBePositive { what: "stay" });
        }
        let operator = chain.operator();
        let mut stays = set.indicator();
        let mut next = vec![0.0; chain.len()];
        for _ in 1..stay {
            operator.pull_back(&stays, &mut next);
            set.restrict(&mut next);
            std::mem::swap(&mut stays, &mut next);
        }
        let unit = (2 * operator.longest_row() + 1) as f64 * f64::EPSILON + row_sum_error(operator);
        let rounding = stay as f64 * unit;
        // What underflows in a step is less than the smallest normal number.
        let lost = stay as f64 * f64::MIN_POSITIVE;
        let nothing = StateSet::of(chain.len(), [])?;
        let graph = graph_of(operator)?;
        let found = self.expect_at(chain, &*graph, set, &nothing, stays, &mut Silent)?;
        let lower = |_, bound: f64| bound * (1.0 - rounding).max(0.0);
        let upper = |state: usize, bound: f64| {
            // Where the set is never entered, nothing was added up.
            if bound == 0.0 && !set.contains(state) {
                0.0
            } else {
                (bound * (1.0 + rounding) + lost).min(1.0)
            }
        };
        Ok(self.outcome(found.map(lower, upper), false))
    }
}
