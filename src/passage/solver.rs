//! Settings, and the questions that a set of states answers.

use super::dirichlet::{Dirichlet, Reward};
use super::elimination::{bytes, eliminate};
use super::iteration::{Iteration, Limits};
use super::reachable::{BackwardGraph, graph_of, states_leading_to};
use super::{Enclosure, PassageTimes};
use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::solve::{MEMORY_LIMIT, Observer, Outcome, Report, Silent, Stop, check_memory, check_positive};

/// Open states up to which elimination is tried first.
const SMALL: usize = 512;

/// Open states up to which elimination helps out where iteration fails.
const REFEREE: usize = 4096;

/// How the bounds are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PassageMethod {
    /// Elimination of up to 512 states, iteration of more; the other one of the
    /// two helps out, up to 4,096 states, where the first misses the tolerance.
    #[default]
    Auto,
    /// Sound value iteration: two products a round, any size.
    Iteration,
    /// Elimination without subtraction, of at most 4,096 states.
    Elimination,
}

/// How to solve for hitting probabilities, committors and passage times.
///
/// Whatever comes back lies between proven bounds, converged or not; converged
/// means that they are as close as the tolerance asks. Rounding keeps them apart
/// by some eps a round for every transition out of a state, and for times by as
/// much times the largest mean over the least; where that is more than the
/// tolerance, the outcome is [`Stop::Rounding`]. The report's
/// residual is the largest distance between the bounds of a state, and its
/// error bound half of that: absolute for probabilities, in units of the upper
/// bound for times.
///
/// # Example
///
/// ```
/// use lmchain::prelude::*;
/// use lmchain::operator::SparseOperator;
///
/// // A gambler's walk on 0..=4, fair; 0 and 4 are where it ends.
/// let steps = (1..4u32).flat_map(|i| [(i, i - 1, 0.5), (i, i + 1, 0.5)]);
/// let operator = SparseOperator::from_triplets(5, steps.chain([(0, 0, 1.0), (4, 4, 1.0)]).collect())?;
/// let chain = MarkovChain::new(operator, States::numbered(5));
/// let (ruin, win) = (StateSet::of(5, [0])?, StateSet::of(5, [4])?);
/// let wins = PassageSolver::new().tolerance(1e-12).reach(&chain, &win, &ruin)?.converged()?;
/// assert!(wins.interval(1).contains(0.25) && wins.width() <= 1e-12);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PassageSolver {
    tolerance: f64,
    max_iterations: usize,
    method: PassageMethod,
}

impl Default for PassageSolver {
    fn default() -> Self {
        Self::new()
    }
}

impl PassageSolver {
    /// Bounds at most 1e-8 apart, within 100,000 rounds.
    pub fn new() -> Self {
        Self { tolerance: 1e-8, max_iterations: 100_000, method: PassageMethod::Auto }
    }

    /// How far the bounds of a state may be apart: absolute for probabilities,
    /// in units of the upper bound for times.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The most rounds that iteration may take, two products each.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// The method.
    pub fn method(mut self, method: PassageMethod) -> Self {
        self.method = method;
        self
    }

    /// From every state, the probability of reaching the target before any
    /// state to avoid: 1 on the target, 0 on what is to be avoided. The set to
    /// avoid may be empty: then it is the probability of ever reaching the target.
    ///
    /// States from which either is certain are found on the graph, and are exact.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for sets of another chain, [`Error::EmptySet`]
    /// for an empty target, [`Error::OverlappingSets`], [`Error::InvalidSetting`];
    /// of elimination, [`Error::TooExpensive`] and [`Error::Underflow`]; [`Error::Product`]
    /// if the operator fails.
    pub fn reach<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        target: &StateSet,
        avoid: &StateSet,
    ) -> Result<Outcome<Enclosure>> {
        self.reach_watched(chain, target, avoid, &mut Silent)
    }

    /// As [`reach`](Self::reach), watched. When the observer breaks iteration,
    /// the bounds reached so far come back with [`Stop::Cancelled`].
    ///
    /// # Errors
    ///
    /// As `reach`, and [`Error::Cancelled`] when the observer breaks elimination.
    pub fn reach_watched<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        target: &StateSet,
        avoid: &StateSet,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<Enclosure>> {
        let graph = graph_of(chain.operator())?;
        self.reach_on(chain, &*graph, target, avoid, observer)
    }

    /// As `reach`, by a graph of the chain that is at hand.
    pub(super) fn reach_on<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        graph: &dyn BackwardGraph,
        target: &StateSet,
        avoid: &StateSet,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<Enclosure>> {
        target.check(chain.len(), "target")?;
        if avoid.states() != chain.len() {
            return Err(Error::LengthMismatch { expected: chain.len(), found: avoid.states() });
        }
        target.check_disjoint(avoid, chain.states())?;
        let found = self.expect_at(chain, graph, target, avoid, target.indicator(), observer)?;
        Ok(self.outcome(found, false))
    }

    /// From every state, the expectation of a value in `[0, 1]` of the first state of the
    /// target that is met; nothing if none is met before a state to avoid.
    pub(super) fn expect_at<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        graph: &dyn BackwardGraph,
        target: &StateSet,
        avoid: &StateSet,
        values: Vec<f64>,
        observer: &mut dyn Observer,
    ) -> Result<Found> {
        let operator = chain.operator();
        let leading_to = |set: &StateSet, bar: &StateSet| {
            states_leading_to(graph, chain.len(), |i| set.contains(i), |i| !bar.contains(i))
        };
        let can = leading_to(target, avoid);
        let can_fail = leading_to(&can.complement(), target);
        let certain = target.union(&can_fail).complement();
        let constant =
            values.iter().enumerate().all(|(state, &value)| !target.contains(state) || value == 1.0);
        // Where the target is certain, so is a value that is 1 all over it.
        let settled = if constant { certain } else { StateSet::of(chain.len(), [])? };
        let open = can.difference(target).difference(&settled);
        let mut boundary = values;
        for state in (0..chain.len()).filter(|&state| !target.contains(state)) {
            boundary[state] = f64::from(u8::from(settled.contains(state)));
        }
        let problem = Dirichlet { operator, open, boundary, reward: Reward::Constant(0.0) };
        let found = self.solve(&problem, false, observer)?;
        Ok(found.map(|_, bound| bound.min(1.0), |_, bound| bound.min(1.0)))
    }

    /// From every state, mean and variance of the time until the target is
    /// reached: the hitting time, zero on the target, infinite where the target
    /// may never be reached.
    ///
    /// # Errors
    ///
    /// As [`reach`](Self::reach).
    pub fn times<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        target: &StateSet,
    ) -> Result<Outcome<PassageTimes>> {
        self.times_watched(chain, target, &mut Silent)
    }

    /// As [`times`](Self::times), watched. When the observer breaks iteration,
    /// the bounds reached so far come back with [`Stop::Cancelled`].
    ///
    /// # Errors
    ///
    /// As `reach`, and [`Error::Cancelled`] when the observer breaks elimination.
    pub fn times_watched<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        target: &StateSet,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<PassageTimes>> {
        target.check(chain.len(), "target")?;
        let operator = chain.operator();
        let graph = graph_of(operator)?;
        let can = states_leading_to(&*graph, chain.len(), |i| target.contains(i), |_| true);
        let never = can.complement();
        let may_fail =
            states_leading_to(&*graph, chain.len(), |i| never.contains(i), |i| !target.contains(i));
        let open = target.union(&may_fail).complement();
        // States that may never reach the target are not entered from the open
        // ones, so whatever stands there is not read; it must be finite.
        let boundary = vec![0.0; chain.len()];
        let mut problem = Dirichlet { operator, open, boundary, reward: Reward::Constant(1.0) };
        let found = self.solve(&problem, true, observer)?;
        let mean = self.outcome(found, true);
        if mean.value().relative_width().is_infinite() {
            return Ok(PassageTimes::without_variance(&mean, &may_fail));
        }
        problem.reward = PassageTimes::reward_of_square(mean.value());
        // The mean square inherits twice the mean's own relative error: solved to
        // two tolerances, its bounds are within four.
        let [inner, wider] = [2.0, 4.0].map(|times| Self { tolerance: times * self.tolerance, ..*self });
        let found = inner.solve(&problem, true, observer)?;
        Ok(PassageTimes::of(&mean, &wider.outcome(found, true), &may_fail))
    }

    fn solve<O: TransitionOperator>(
        &self,
        problem: &Dirichlet<'_, O>,
        relative: bool,
        observer: &mut dyn Observer,
    ) -> Result<Found> {
        check_positive("tolerance", self.tolerance)?;
        if problem.open.is_empty() {
            let known = problem.enclosure(vec![0.0; problem.boundary.len()], problem.boundary.clone(), 0.0);
            return Ok(Found { bounds: known, iterations: 0, stop: Stop::Direct });
        }
        let found = self.by_method(problem, relative, observer)?;
        problem.operator.check_products()?;
        Ok(found)
    }

    fn by_method<O: TransitionOperator>(
        &self,
        problem: &Dirichlet<'_, O>,
        relative: bool,
        observer: &mut dyn Observer,
    ) -> Result<Found> {
        let open = problem.open.len();
        match self.method {
            PassageMethod::Iteration => Ok(self.iterate(problem, relative, observer)),
            PassageMethod::Elimination => eliminated(problem, observer),
            PassageMethod::Auto if open <= SMALL => {
                let direct = match eliminated(problem, observer) {
                    Err(Error::Underflow { .. }) => return Ok(self.iterate(problem, relative, observer)),
                    direct => direct?,
                };
                if self.is_close(&direct.bounds, relative) {
                    return Ok(direct);
                }
                Ok(self.iterate(problem, relative, observer).joined(&direct))
            }
            PassageMethod::Auto => {
                let found = self.iterate(problem, relative, observer);
                let falls_short = matches!(found.stop, Stop::MaxIterations | Stop::Rounding);
                if !falls_short || open > REFEREE {
                    return Ok(found);
                }
                match eliminated(problem, observer) {
                    Err(Error::Underflow { .. }) => Ok(found),
                    direct => Ok(found.joined(&direct?)),
                }
            }
        }
    }

    fn iterate<O: TransitionOperator>(
        &self,
        problem: &Dirichlet<'_, O>,
        relative: bool,
        observer: &mut dyn Observer,
    ) -> Found {
        let limits = Limits { tolerance: self.tolerance, relative, max_iterations: self.max_iterations };
        let (bounds, iterations, stop) = Iteration::new(problem).solve(&limits, observer);
        Found { bounds, iterations, stop }
    }

    fn is_close(&self, bounds: &Enclosure, relative: bool) -> bool {
        (if relative { bounds.relative_width() } else { bounds.width() }) <= self.tolerance
    }

    /// What was found, and whether its bounds, as they are returned, are as
    /// close as was asked for.
    pub(super) fn outcome(&self, found: Found, relative: bool) -> Outcome<Enclosure> {
        let Found { bounds, iterations, stop } = found;
        let width = if relative { bounds.relative_width() } else { bounds.width() };
        let stop = match (self.is_close(&bounds, relative), stop) {
            (true, Stop::Direct) => Stop::Direct,
            (true, _) => Stop::Converged,
            (false, Stop::Direct | Stop::Converged) => Stop::Rounding,
            (false, stop) => stop,
        };
        let report = Report { iterations, residual: width, error_bound: Some(0.5 * width), stop };
        Outcome::new(bounds, report)
    }
}

/// Bounds that hold, and how they came about.
pub(super) struct Found {
    pub(super) bounds: Enclosure,
    pub(super) iterations: usize,
    pub(super) stop: Stop,
}

impl Found {
    /// Both methods' bounds hold, so the tighter ones do.
    fn joined(self, direct: &Self) -> Self {
        Self { bounds: self.bounds.intersection(&direct.bounds), ..self }
    }

    /// Other bounds, made of these.
    pub(super) fn map(self, lower: impl Fn(usize, f64) -> f64, upper: impl Fn(usize, f64) -> f64) -> Self {
        Self { bounds: self.bounds.map(lower, upper), ..self }
    }
}

fn eliminated<O: TransitionOperator>(
    problem: &Dirichlet<'_, O>,
    observer: &mut dyn Observer,
) -> Result<Found> {
    let open = problem.open.len();
    if open > REFEREE {
        let operations = |n: usize| (n as f64).powi(3) / 3.0;
        return Err(Error::TooExpensive {
            what: "elimination of the states on the way to the target",
            needed: operations(open),
            allowed: operations(REFEREE),
            remedy: "use iteration",
        });
    }
    check_memory("the table of elimination", bytes(open), MEMORY_LIMIT)?;
    Ok(Found { bounds: eliminate(problem, observer)?, iterations: 0, stop: Stop::Direct })
}
