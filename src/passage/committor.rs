//! Which of two sets comes next, and which came last.

use super::hitting_law::check_racers;
use super::reachable::{Mirrored, graph_of};
use super::{Enclosure, PassageSolver, PassageTimes};
use crate::chain::{MarkovChain, StateSet};
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::reverse::Reversed;
use crate::solve::{Outcome, Report, Silent, Stop};

impl PassageSolver {
    /// The backward committor: from every state, the probability that, of two
    /// sets, the chain was last in `from` and not in `to`, under the stationary
    /// law. It is the forward committor of the time reversal.
    ///
    /// The bounds are those of the chain reversed under just this law, taken as
    /// it is: the law's own error is not in them. States without a past get 0.
    ///
    /// # Errors
    ///
    /// As [`reach`](Self::reach); [`Error::LengthMismatch`](crate::Error::LengthMismatch)
    /// for a law over other states.
    pub fn backward<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        from: &StateSet,
        to: &StateSet,
        stationary: &Law,
    ) -> Result<Outcome<Enclosure>> {
        let reversed = chain.with_operator(Reversed::new(chain.operator(), stationary.clone())?);
        self.reach_on(&reversed, &Mirrored(reversed.operator()), from, to, &mut Silent)
    }

    /// Which of several disjoint sets is reached first: for each, the
    /// probability from every state. One solution a set.
    ///
    /// # Errors
    ///
    /// As [`MarkovChain::race_law`] and [`reach`](Self::reach).
    pub fn race<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        sets: &[&StateSet],
    ) -> Result<Outcome<Vec<Enclosure>>> {
        check_racers(chain, sets)?;
        let none = StateSet::of(chain.len(), [])?;
        let graph = graph_of(chain.operator())?;
        let mut found = Vec::new();
        let mut report = Report { iterations: 0, residual: 0.0, error_bound: Some(0.0), stop: Stop::Direct };
        for (place, set) in sets.iter().enumerate() {
            let others = sets.iter().enumerate().filter(|&(other, _)| other != place);
            let avoid = others.fold(none.clone(), |avoid, (_, other)| avoid.union(other));
            let outcome = self.reach_on(chain, &*graph, set, &avoid, &mut Silent)?;
            report = report.worse(outcome.report());
            found.push(outcome.into_value());
        }
        Ok(Outcome::new(found, report))
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// From every state, the probability of ever reaching the target, the
    /// present included: [`PassageSolver::reach`] with its defaults.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn hitting_probability(&self, target: &StateSet) -> Result<Outcome<Enclosure>> {
        PassageSolver::new().reach(self, target, &StateSet::of(self.len(), [])?)
    }

    /// The forward committor: from every state, the probability of reaching `to`
    /// before `from`. 0 on `from`, 1 on `to`. [`PassageSolver::reach`] with its defaults.
    ///
    /// # Errors
    ///
    /// As there, and [`Error::EmptySet`](crate::Error::EmptySet) for `from` too.
    pub fn committor(&self, from: &StateSet, to: &StateSet) -> Result<Outcome<Enclosure>> {
        from.check(self.len(), "set that is left")?;
        PassageSolver::new().reach(self, to, from)
    }

    /// Mean and variance of the time until the target is reached, from every
    /// state: [`PassageSolver::times`] with its defaults.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn passage_times(&self, target: &StateSet) -> Result<Outcome<PassageTimes>> {
        PassageSolver::new().times(self, target)
    }
}
