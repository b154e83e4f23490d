//! Transition path theory: by which road a chain goes from one set to another.

use rayon::prelude::*;

use super::{Interval, PassageSolver};
use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, row_sum_error, successors};
use crate::prob::{Law, dot, sum_by, sum_depth};
use crate::solve::Outcome;

/// The reactive pieces of a stationary walk: from the last time in `A` to the
/// next time in `B`, where they are not interrupted by another visit to `A`.
///
/// Nothing but vectors over the states is stored; fluxes are computed when they are asked
/// for. Metzner, Schütte & Vanden-Eijnden, *Transition path theory for Markov
/// jump processes*, 2009; for chains, non-reversible ones included, Helfmann
/// et al., *Extending transition path theory*, 2020, section 2.
#[derive(Debug)]
pub struct TransitionPaths<'a, O> {
    chain: &'a MarkovChain<O>,
    from: StateSet,
    to: StateSet,
    stationary: Law,
    forward: Vec<f64>,
    backward: Vec<f64>,
    flux: Interval,
}

/// How strongly reactive pieces use one transition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Current {
    /// The state left.
    pub from: usize,
    /// The state entered.
    pub to: usize,
    /// Net reactive current, in passages per step.
    pub current: f64,
}

impl PassageSolver {
    /// The transition paths from one set to another, under the stationary law.
    ///
    /// Two committors; the outcome is as converged as the two are.
    ///
    /// # Errors
    ///
    /// As [`reach`](Self::reach), for either set; [`Error::LengthMismatch`] for a
    /// law over other states; [`Error::Impossible`] if nothing ever goes from
    /// the one set to the other.
    pub fn transition_paths<'a, O: TransitionOperator>(
        &self,
        chain: &'a MarkovChain<O>,
        from: &StateSet,
        to: &StateSet,
        stationary: &Law,
    ) -> Result<Outcome<TransitionPaths<'a, O>>> {
        from.check(chain.len(), "set that is left")?;
        let backward = self.backward(chain, from, to, stationary)?;
        let forward = self.reach(chain, to, from)?;
        let report = forward.report().worse(backward.report());
        let forward = forward.into_value();
        let leaving = |bounds: &[f64]| {
            let mut ahead = vec![0.0; chain.len()];
            chain.operator().pull_back(bounds, &mut ahead);
            sum_by(ahead.len(), |i| if from.contains(i) { stationary[i] * ahead[i] } else { 0.0 })
        };
        // A product, and a sum over the states.
        let operator = chain.operator();
        let terms = operator.longest_row() + sum_depth(chain.len()) + 2;
        let unit = terms as f64 * f64::EPSILON + row_sum_error(operator);
        let (lower, upper) = (leaving(forward.lower()), leaving(forward.upper()));
        let flux = Interval { lower: lower * (1.0 - unit), upper: upper * (1.0 + unit) };
        if flux.upper == 0.0 {
            return Err(Error::Impossible { what: "a passage from the one set to the other" });
        }
        let paths = TransitionPaths {
            chain,
            from: from.clone(),
            to: to.clone(),
            stationary: stationary.clone(),
            forward: forward.midpoints(),
            backward: backward.into_value().midpoints(),
            flux,
        };
        Ok(Outcome::new(paths, report))
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The transition paths from one set to another, under the stationary law:
    /// [`PassageSolver::transition_paths`] with its defaults.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn transition_paths(
        &self,
        from: &StateSet,
        to: &StateSet,
        stationary: &Law,
    ) -> Result<Outcome<TransitionPaths<'_, O>>> {
        PassageSolver::new().transition_paths(self, from, to, stationary)
    }
}

impl<O: TransitionOperator> TransitionPaths<'_, O> {
    /// Number of passages per step: the sum of the reactive flux out of `A`, as
    /// of that into `B`. Between the bounds that the forward committor gives it;
    /// the stationary law is taken as it is.
    pub fn flux(&self) -> Interval {
        self.flux
    }

    /// The rate of passages per step, given that the walk was last in `A`: the
    /// flux over the time that belongs to `A`, `sum of pi q-`.
    pub fn rate(&self) -> f64 {
        self.flux.midpoint() / self.share_of_from()
    }

    /// Mean time from the first time in `A` after a visit to `B` until `B` is
    /// reached, in steps: one over the [`rate`](Self::rate).
    pub fn mean_passage_time(&self) -> f64 {
        1.0 / self.rate()
    }

    /// Mean duration of a reactive piece, from the last time in `A` to the first
    /// in `B`, in steps: at least one.
    pub fn mean_transition_time(&self) -> f64 {
        1.0 + sum_by(self.chain.len(), |state| self.reactive(state)) / self.flux.midpoint()
    }

    /// The share of time that the walk was last in `A` rather than in `B`.
    pub fn share_of_from(&self) -> f64 {
        dot(&self.stationary, &self.backward)
    }

    /// The forward committor, at the middle of its bounds.
    pub fn forward_committor(&self) -> &[f64] {
        &self.forward
    }

    /// The backward committor, at the middle of its bounds.
    pub fn backward_committor(&self) -> &[f64] {
        &self.backward
    }

    /// The law of the state given that the walk is on a reactive piece, between
    /// the sets; `None` if all passages are direct.
    pub fn reactive_law(&self) -> Option<Law> {
        Law::normalized((0..self.chain.len()).map(|state| self.reactive(state)).collect()).ok()
    }

    /// `pi q- q+` outside of both sets.
    fn reactive(&self, state: usize) -> f64 {
        if self.from.contains(state) || self.to.contains(state) {
            return 0.0;
        }
        self.stationary[state] * self.backward[state] * self.forward[state]
    }

    /// The reactive flux from one state to another, in passages per step:
    /// `pi(i) q-(i) P(i, j) q+(j)`, zero from a state to itself.
    ///
    /// # Panics
    ///
    /// If there is no such state; so do the others here.
    pub fn flux_between(&self, from: usize, to: usize) -> f64 {
        self.flux_by(from, to, self.chain.operator().probability(from, to))
    }

    fn flux_by(&self, from: usize, to: usize, probability: f64) -> f64 {
        if from == to {
            return 0.0;
        }
        self.stationary[from] * self.backward[from] * probability * self.forward[to]
    }

    /// The net reactive current from one state to another: by how much the
    /// flux exceeds the flux the other way round, or zero.
    pub fn net_current(&self, from: usize, to: usize) -> f64 {
        (self.flux_between(from, to) - self.flux_between(to, from)).max(0.0)
    }

    /// The positive net currents out of a state.
    pub fn net_currents_from(&self, state: usize) -> impl Iterator<Item = Current> + '_ {
        successors(self.chain.operator(), state).filter_map(move |next| {
            let forth = self.flux_by(state, next.state, next.probability);
            // Most transitions of a context chain have no way back: not looked for if not needed.
            let back = if forth > 0.0 { self.flux_between(next.state, state) } else { 0.0 };
            let current = forth - back;
            (current > 0.0).then_some(Current { from: state, to: next.state, current })
        })
    }

    /// The strongest net currents, strongest first, ties to the lower states.
    ///
    /// Looks at every transition once, in parallel; for chains of whole back-off
    /// models these are up to N V.
    pub fn strongest_currents(&self, count: usize) -> Vec<Current> {
        const STATES: usize = 1 << 10;
        let stronger = |one: &Current, two: &Current| {
            two.current.total_cmp(&one.current).then((one.from, one.to).cmp(&(two.from, two.to)))
        };
        let strongest = |mut currents: Vec<Current>| {
            currents.sort_unstable_by(stronger);
            currents.truncate(count);
            currents
        };
        let chunks = (0..self.chain.len()).into_par_iter().step_by(STATES);
        let of_chunk = |first: usize| {
            let states = first..self.chain.len().min(first + STATES);
            states.fold(Vec::new(), |mut kept, state| {
                for current in self.net_currents_from(state) {
                    kept.push(current);
                    if kept.len() >= 2 * count + STATES {
                        kept = strongest(kept);
                    }
                }
                kept
            })
        };
        let of_chunk = |first| strongest(of_chunk(first));
        strongest(chunks.map(of_chunk).collect::<Vec<_>>().concat())
    }

    pub(super) fn sets(&self) -> (&StateSet, &StateSet) {
        (&self.from, &self.to)
    }

    pub(super) fn chain(&self) -> &MarkovChain<O> {
        self.chain
    }
}
