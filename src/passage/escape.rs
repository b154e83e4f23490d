//! How a set is left for good: quasi-stationary laws and escape rates.

use super::Interval;
use super::perron::Perron;
use crate::chain::{MarkovChain, StateSet, communicating_within};
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::prob::{Law, sum_by};
use crate::solve::{Observer, Outcome, Report, Silent, Stop, check_positive};

/// Change of the law in a step, in L1, at which it counts as settled.
const SETTLED: f64 = 1e-12;

/// The law of a walk that has not left a set for a long time, and the rate at
/// which it then leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct QuasiStationary {
    law: Law,
    escape_rate: Interval,
}

impl QuasiStationary {
    /// The quasi-stationary law, over all states; zero outside the set. It is
    /// the left Perron vector of the transitions within the set, iterated until
    /// a step changes it by no more than 1e-12: no bound on its own error is known.
    pub fn law(&self) -> &Law {
        &self.law
    }

    /// The probability of leaving in the next step, under the quasi-stationary
    /// law: one less the Perron root of the transitions within the set, between
    /// bounds that are proven whatever the law is worth. Zero for a set with
    /// states from which it is never left.
    pub fn escape_rate(&self) -> Interval {
        self.escape_rate
    }

    /// Mean number of steps until the set is left, from the quasi-stationary law.
    pub fn mean_escape_time(&self) -> Interval {
        let Interval { lower, upper } = self.escape_rate;
        Interval { lower: 1.0 / upper, upper: 1.0 / lower }
    }
}

/// How to find the quasi-stationary law of a set.
///
/// The set falls into classes of states that communicate within it; the class that
/// is left most slowly has the Perron root of all. Each class is iterated with
/// bounds on both sides, by the products of the whole chain (Collatz 1942,
/// Wielandt 1950; Seneta, *Non-negative Matrices and Markov Chains*, 1981,
/// section 1.1). Quasi-stationarity: Darroch & Seneta 1965.
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

    /// The most products in either direction, a class.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// The quasi-stationary law of a set.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a set of another chain, [`Error::EmptySet`],
    /// [`Error::InvalidSetting`], and [`Error::Impossible`] if no walk can stay
    /// in the set for ever.
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
        check_positive("tolerance", self.tolerance)?;
        let mut slowest: Option<Class> = None;
        for states in communicating_within(chain.operator(), set) {
            let class = self.class(chain, &states, observer)?;
            let Some(class) = class else { continue };
            slowest = Some(match slowest {
                Some(other) => other.slower(class),
                None => class,
            });
        }
        let slowest = slowest.ok_or(Error::Impossible { what: "staying in the set for ever" })?;
        let Class { law, rate, mut report } = slowest;
        let mut start = vec![0.0; chain.len()];
        law.into_iter().for_each(|(state, share)| start[state as usize] = share);
        let (law, change) = self.settled(chain, set, start);
        if report.is_converged() && change > SETTLED {
            report = Report { stop: Stop::MaxIterations, residual: change, ..report };
        }
        Ok(Outcome::new(QuasiStationary { law: Law::from_computed(law), escape_rate: rate }, report))
    }

    /// The rate at which one class is left; `None` for a state that is never
    /// returned to.
    fn class<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        states: &[u32],
        observer: &mut dyn Observer,
    ) -> Result<Option<Class>> {
        if let [state] = *states {
            return Ok(alone(chain, state as usize));
        }
        let class = StateSet::of(chain.len(), states.iter().map(|&state| state as usize))?;
        let (perron, rate, report) =
            Perron::new(chain.operator(), &class).solve(self.tolerance, self.max_iterations, observer);
        let law = perron.into_law();
        let law = states.iter().map(|&state| (state, law[state as usize])).collect();
        Ok(Some(Class { law, rate, report }))
    }

    /// The left Perron vector of the set from that of its slowest class: what
    /// the class leads to is filled as well.
    fn settled<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        set: &StateSet,
        mut law: Vec<f64>,
    ) -> (Vec<f64>, f64) {
        let mut next = vec![0.0; law.len()];
        let mut change = f64::INFINITY;
        for _ in 0..self.max_iterations {
            chain.operator().push_forward(&law, &mut next);
            let mass = set.mass(&next);
            // Half a step, so that no period is seen.
            let half = |i: usize| if set.contains(i) { 0.5 * (next[i] / mass + law[i]) } else { 0.0 };
            let moved: Vec<f64> = (0..law.len()).map(half).collect();
            change = sum_by(law.len(), |i| (moved[i] - law[i]).abs());
            law = moved;
            if change <= SETTLED {
                break;
            }
        }
        (law, change)
    }
}

/// What is known of one class of the set.
struct Class {
    /// The share of each of its states; there may be many classes, of a few states each.
    law: Vec<(u32, f64)>,
    rate: Interval,
    report: Report,
}

impl Class {
    /// Of two classes the one that is left more slowly; both bounds count.
    fn slower(self, other: Self) -> Self {
        let rate = Interval {
            lower: self.rate.lower.min(other.rate.lower),
            upper: self.rate.upper.min(other.rate.upper),
        };
        let report = self.report.worse(&other.report);
        let law = if self.rate.midpoint() <= other.rate.midpoint() { self.law } else { other.law };
        Self { law, rate, report }
    }
}

/// A class of one state, if it may be returned to at once.
fn alone<O: TransitionOperator>(chain: &MarkovChain<O>, state: usize) -> Option<Class> {
    if chain.operator().probability(state, state) == 0.0 {
        return None;
    }
    let law = vec![(state as u32, 1.0)];
    let others = successors(chain.operator(), state).filter(|next| next.state != state);
    let (terms, leaving) = others.fold((2, 0.0), |(n, sum), next| (n + 1, sum + next.probability));
    let rounding = f64::from(terms) * f64::EPSILON * leaving;
    let rate = Interval { lower: leaving - rounding, upper: leaving + rounding };
    let report = Report { iterations: 0, residual: 0.0, error_bound: Some(rounding), stop: Stop::Direct };
    Some(Class { law, rate, report })
}
