//! Settings, and the questions that a set of states answers.

use super::dirichlet::{Dirichlet, Reward};
use super::elimination::{bytes, eliminate};
use super::iteration::{Iteration, Limits};
use super::reachable::states_leading_to;
use super::{Enclosure, PassageTimes};
use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::solve::{MEMORY_LIMIT, Observer, Outcome, Report, Silent, Stop, check_memory};

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
/// means that they are as close as the tolerance asks. The report's
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
    /// of elimination, [`Error::TooExpensive`] and [`Error::Underflow`].
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
        target.check(chain.len(), "target")?;
        if avoid.states() != chain.len() {
            return Err(Error::LengthMismatch { expected: chain.len(), found: avoid.states() });
        }
        target.check_disjoint(avoid, chain.states())?;
        let ones = (0..chain.len()).map(|state| f64::from(u8::from(target.contains(state)))).collect();
        self.expect_at(chain, target, avoid, ones, observer)
    }

    /// From every state, the expectation of a value in `[0, 1]` of the first state of the
    /// target that is met; nothing if none is met before a state to avoid.
    pub(super) fn expect_at<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        target: &StateSet,
        avoid: &StateSet,
        values: Vec<f64>,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<Enclosure>> {
        let operator = chain.operator();
        let can = states_leading_to(operator, |i| target.contains(i), |i| !avoid.contains(i))?;
        let fails = can.complement();
        let can_fail = states_leading_to(operator, |i| fails.contains(i), |i| !target.contains(i))?;
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
        let outcome = self.solve(&problem, false, observer)?;
        Ok(outcome.map(|found| found.map(|_, bound| bound, |_, bound| bound.min(1.0))))
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
        let can = states_leading_to(operator, |i| target.contains(i), |_| true)?;
        let never = can.complement();
        let may_fail = states_leading_to(operator, |i| never.contains(i), |i| !target.contains(i))?;
        let open = target.union(&may_fail).complement();
        // States that may never reach the target are not entered from the open
        // ones, so whatever stands there is not read; it must be finite.
        let boundary = vec![0.0; chain.len()];
        let mut problem = Dirichlet { operator, open, boundary, reward: Reward::Constant(1.0) };
        let mean = self.solve(&problem, true, observer)?;
        problem.reward = PassageTimes::reward_of_square(mean.value());
        // The mean square inherits twice the mean's own relative error.
        let square = Self { tolerance: 4.0 * self.tolerance, ..*self }.solve(&problem, true, observer)?;
        Ok(PassageTimes::of(&mean, &square, &may_fail))
    }

    fn solve<O: TransitionOperator>(
        &self,
        problem: &Dirichlet<'_, O>,
        relative: bool,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<Enclosure>> {
        if !(self.tolerance > 0.0 && self.tolerance.is_finite()) {
            let requirement = "positive and finite";
            return Err(Error::InvalidSetting { name: "tolerance", value: self.tolerance, requirement });
        }
        let open = problem.open.len();
        if open == 0 {
            let known = problem.enclosure(vec![0.0; problem.boundary.len()], problem.boundary.clone(), 0.0);
            return Ok(self.outcome(known, relative, 0, Stop::Direct));
        }
        match self.method {
            PassageMethod::Iteration => Ok(self.iterate(problem, relative, observer)),
            PassageMethod::Elimination => self.eliminate(problem, relative, observer),
            PassageMethod::Auto if open <= SMALL => {
                let direct = match self.eliminate(problem, relative, observer) {
                    Err(Error::Underflow { .. }) => return Ok(self.iterate(problem, relative, observer)),
                    direct => direct?,
                };
                if direct.is_converged() {
                    return Ok(direct);
                }
                let iterated = self.iterate(problem, relative, observer);
                Ok(self.joined(direct, &iterated, relative))
            }
            PassageMethod::Auto => {
                let found = self.iterate(problem, relative, observer);
                let falls_short = matches!(found.report().stop, Stop::MaxIterations | Stop::Unproven);
                if !falls_short || open > REFEREE {
                    return Ok(found);
                }
                match self.eliminate(problem, relative, observer) {
                    Err(Error::Underflow { .. }) => Ok(found),
                    direct => Ok(self.joined(direct?, &found, relative)),
                }
            }
        }
    }

    fn iterate<O: TransitionOperator>(
        &self,
        problem: &Dirichlet<'_, O>,
        relative: bool,
        observer: &mut dyn Observer,
    ) -> Outcome<Enclosure> {
        let limits = Limits { tolerance: self.tolerance, relative, max_iterations: self.max_iterations };
        let (found, rounds, stop) = Iteration::new(problem).solve(&limits, observer);
        self.outcome(found, relative, rounds, stop)
    }

    fn eliminate<O: TransitionOperator>(
        &self,
        problem: &Dirichlet<'_, O>,
        relative: bool,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<Enclosure>> {
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
        Ok(self.outcome(eliminate(problem, observer)?, relative, 0, Stop::Direct))
    }

    /// Both methods' bounds hold, so the tighter ones do.
    fn joined(
        &self,
        direct: Outcome<Enclosure>,
        iterated: &Outcome<Enclosure>,
        relative: bool,
    ) -> Outcome<Enclosure> {
        let Report { iterations, stop, .. } = *iterated.report();
        let both = direct.into_value().intersection(iterated.value());
        self.outcome(both, relative, iterations, stop)
    }

    /// What was found, and whether its bounds are as close as was asked for.
    fn outcome(&self, found: Enclosure, relative: bool, iterations: usize, stop: Stop) -> Outcome<Enclosure> {
        let width = if relative { found.relative_width() } else { found.width() };
        let stop = match stop {
            Stop::Direct if width > self.tolerance => Stop::Unproven,
            Stop::MaxIterations if width <= self.tolerance => Stop::Converged,
            stop => stop,
        };
        let report = Report { iterations, residual: width, error_bound: Some(0.5 * width), stop };
        Outcome::new(found, report)
    }
}
