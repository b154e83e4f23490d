//! How a set is left for good: quasi-stationary laws, escape rates, capture.

use super::{Enclosure, Interval, PassageSolver};
use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, row_sum_error};
use crate::prob::{Law, sum_by};
use crate::solve::{Observer, Outcome, Progress, Report, Silent, Stop};

/// Share of an iteration that moves; the rest waits, so that no period is seen.
const MOVING: f64 = 0.9;

/// A state with less of the law than this has died out.
const LOST: f64 = 1e-60;

/// The law of a walk that has not left a set for a long time, and the rate at
/// which it then leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct QuasiStationary {
    law: Law,
    escape_rate: Interval,
}

impl QuasiStationary {
    /// The quasi-stationary law, over all states; zero outside the set. It is
    /// the left Perron vector of the transitions within the set, as far as it
    /// was iterated: no bound on its own error is known.
    pub fn law(&self) -> &Law {
        &self.law
    }

    /// The probability of leaving in the next step, under the quasi-stationary
    /// law: one less the Perron root of the transitions within the set, between
    /// bounds that are proven whatever the law is worth.
    pub fn escape_rate(&self) -> Interval {
        self.escape_rate
    }

    /// Mean number of steps until the set is left, from the quasi-stationary law.
    pub fn mean_escape_time(&self) -> Interval {
        let Interval { lower, upper } = self.escape_rate;
        Interval { lower: 1.0 / upper, upper: if lower > 0.0 { 1.0 / lower } else { f64::INFINITY } }
    }
}

/// How to find the quasi-stationary law of a set.
///
/// Power iteration within the set. For any law `x` that is positive on it,
/// `min (xP)(i)/x(i) <= rho <= max (xP)(i)/x(i)` bounds the Perron root
/// (Collatz 1942, Wielandt 1950; Seneta, *Non-negative Matrices and Markov
/// Chains*, 1981, section 1.1), so the escape rate `1 - rho` has two-sided bounds at every step.
/// Quasi-stationarity: Darroch & Seneta 1965.
///
/// # Example
///
/// ```
/// use lmchain::chain::{MarkovChain, StateSet, States};
/// use lmchain::operator::SparseOperator;
/// use lmchain::passage::EscapeSolver;
///
/// // From the well {0, 1} state 2 is reached with probability 0.1 out of 1.
/// let arcs = vec![(0, 1, 1.0), (1, 0, 0.9), (1, 2, 0.1), (2, 2, 1.0)];
/// let chain = MarkovChain::new(SparseOperator::from_triplets(3, arcs)?, States::numbered(3));
/// let well = StateSet::of(3, [0, 1])?;
/// let found = EscapeSolver::new().solve(&chain, &well)?.converged()?;
/// assert!(found.escape_rate().contains(1.0 - 0.9f64.sqrt()));
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EscapeSolver {
    tolerance: f64,
    max_iterations: usize,
}

impl Default for EscapeSolver {
    fn default() -> Self {
        Self::new()
    }
}

impl EscapeSolver {
    /// Bounds of the escape rate at most 1e-8 of it apart, within 100,000 products.
    pub fn new() -> Self {
        Self { tolerance: 1e-8, max_iterations: 100_000 }
    }

    /// How far the bounds of the escape rate may be apart, in units of the upper one.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The most products.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// The quasi-stationary law of a set, from the uniform law on it.
    ///
    /// Where the set falls into parts that do not communicate, the law is that of the
    /// part that is left most slowly.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a set of another chain, [`Error::EmptySet`],
    /// [`Error::InvalidSetting`], and [`Error::Impossible`] if the set is left at
    /// once from each of its states.
    pub fn solve<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        set: &StateSet,
    ) -> Result<Outcome<QuasiStationary>> {
        self.solve_watched(chain, set, &mut Silent)
    }

    /// As [`solve`](Self::solve), watched.
    ///
    /// # Errors
    ///
    /// As `solve`.
    pub fn solve_watched<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        set: &StateSet,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<QuasiStationary>> {
        set.check(chain.len(), "set to escape from")?;
        if !(self.tolerance > 0.0 && self.tolerance.is_finite()) {
            let requirement = "positive and finite";
            return Err(Error::InvalidSetting { name: "tolerance", value: self.tolerance, requirement });
        }
        let share = 1.0 / set.len() as f64;
        let mut law: Vec<f64> = (0..chain.len()).map(|i| if set.contains(i) { share } else { 0.0 }).collect();
        let mut next = vec![0.0; law.len()];
        let unit =
            (chain.operator().longest_sum() + 4) as f64 * f64::EPSILON + row_sum_error(chain.operator());
        let mut rate = Interval { lower: 0.0, upper: 1.0 };
        for iterations in 1.. {
            chain.operator().push_forward(&law, &mut next);
            let root = perron_bounds(&law, &next, set);
            rate.lower = rate.lower.max(1.0 - root.upper * (1.0 + unit));
            rate.upper = rate.upper.min(1.0 - root.lower * (1.0 - unit)).max(rate.lower);
            let width = if rate.upper > 0.0 { rate.width() / rate.upper } else { 0.0 };
            let stage = "escaping from a set";
            let progress = Progress { stage, done: iterations as u64, total: None, residual: Some(width) };
            let stop = if width <= self.tolerance {
                Some(Stop::Converged)
            } else if observer.observe(&progress).is_break() {
                Some(Stop::Cancelled)
            } else if rate.width() <= 4.0 * unit {
                Some(Stop::Unproven)
            } else {
                (iterations >= self.max_iterations).then_some(Stop::MaxIterations)
            };
            advance(&mut law, &next, set)?;
            if let Some(stop) = stop {
                let report = Report { iterations, residual: width, error_bound: Some(0.5 * width), stop };
                let law = Law::from_computed(law);
                return Ok(Outcome::new(QuasiStationary { law, escape_rate: rate }, report));
            }
        }
        unreachable!("the loop ends at the iteration limit")
    }
}

/// The bounds of Collatz and Wielandt.
///
/// States that are entered from outside alone, or left sooner than the rest,
/// die out. The lower bound is that of the others: the root of a part is at most
/// that of the whole, and what the lost ones add to a state is at most all that they have. A state
/// of which nothing is left, by underflow, leaves no upper bound.
fn perron_bounds(law: &[f64], next: &[f64], set: &StateSet) -> Interval {
    let lost = sum_by(law.len(), |state| if law[state] < LOST { law[state] } else { 0.0 });
    let mut bounds = Interval { lower: f64::INFINITY, upper: 0.0 };
    for state in set.iter() {
        if law[state] >= LOST {
            bounds.lower = bounds.lower.min((next[state] - lost) / law[state]);
        }
        let ratio = if law[state] >= f64::MIN_POSITIVE { next[state] / law[state] } else { f64::INFINITY };
        bounds.upper = bounds.upper.max(ratio);
    }
    bounds
}

/// Moves most of the law one step within the set, and makes a law of it again.
fn advance(law: &mut [f64], next: &[f64], set: &StateSet) -> Result<()> {
    set.iter().for_each(|state| law[state] = MOVING * next[state] + (1.0 - MOVING) * law[state]);
    let stays = set.iter().any(|state| next[state] > 0.0);
    if !stays {
        return Err(Error::Impossible { what: "staying in the set" });
    }
    let sum = sum_by(law.len(), |state| law[state]);
    law.iter_mut().for_each(|p| *p /= sum);
    Ok(())
}

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
        let inside = |i: usize, value: f64| if set.contains(i) { value } else { 0.0 };
        let mut stays: Vec<f64> = (0..chain.len()).map(|i| inside(i, 1.0)).collect();
        let mut next = vec![0.0; chain.len()];
        for _ in 1..stay {
            operator.pull_back(&stays, &mut next);
            stays = next.iter().enumerate().map(|(i, &p)| inside(i, p)).collect();
        }
        let nothing = StateSet::of(chain.len(), [])?;
        let found = self.expect_at(chain, set, &nothing, stays, &mut Silent)?;
        let unit = (operator.longest_sum() + 1) as f64 * f64::EPSILON + row_sum_error(operator);
        let rounding = stay as f64 * unit;
        Ok(found.map(|bounds| {
            bounds.map(|_, low| low * (1.0 - rounding), |_, high| (high * (1.0 + rounding)).min(1.0))
        }))
    }
}
