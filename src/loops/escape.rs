//! How fast a chain leaves a set of states that it has long been in.

use super::RepetitionLoop;
use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::solve::{MEMORY_LIMIT, Outcome, Report, Stop, check_memory};

/// Bounds on the escape rate `1 - lambda` of a set of states, where `lambda` is
/// the largest eigenvalue of the transition matrix restricted to the set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EscapeRate {
    /// The escape rate is at least this.
    pub lower: f64,
    /// The escape rate is at most this.
    pub upper: f64,
}

impl EscapeRate {
    /// Half way between the bounds.
    pub fn midpoint(&self) -> f64 {
        self.lower + (self.upper - self.lower) / 2.0
    }

    /// Mean number of steps until the set is left, from its quasi-stationary
    /// law: one over the [`midpoint`](Self::midpoint). Infinite for a closed set.
    pub fn mean_time(&self) -> f64 {
        self.midpoint().recip()
    }

    fn width(&self) -> f64 {
        self.upper - self.lower
    }

    /// What both bounds prove together.
    fn and(self, other: Self) -> Self {
        Self { lower: self.lower.max(other.lower), upper: self.upper.min(other.upper) }
    }
}

/// Bounds the escape rate of a set of states from below and above.
///
/// For every positive observable `x` on the set, and `A` the transition matrix
/// restricted to it, the largest eigenvalue lies between the smallest and the
/// largest of the ratios `(A x)(i) / x(i)` (Collatz 1942, Wielandt 1950; Horn &
/// Johnson 2013, theorem 8.1.26). Iteration with `(I + A) / 2` brings them
/// together if the states of the set lead to each other within it. If they do
/// not, the bounds hold, but may never meet.
///
/// What is computed is `1 - (A x)(i) / x(i)`, as the probability of leaving the
/// set plus differences of `x`: a rate of leaving far below the rounding of 1
/// is seen. The bounds are widened by what rounding may have done to them. Rows
/// are taken to sum to one. A rate below about 1e-6 may be out of reach of the
/// tolerance, where `x` is not constant: rounding alone then keeps the bounds
/// some 1e-15 apart, and the outcome says that it has not converged.
///
/// # Example
///
/// ```
/// use lmchain::chain::{MarkovChain, StateSet};
/// use lmchain::loops::EscapeSolver;
/// use ndarray::array;
///
/// let chain = MarkovChain::from_dense(array![[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [1.0, 0.0, 0.0]].view())?;
/// let pair = StateSet::of(3, [0, 1])?;
/// let rate = EscapeSolver::new().solve(&chain, &pair)?.converged()?;
/// assert!(rate.lower <= 0.25 && 0.25 <= rate.upper); // every row of the pair sums to 3/4
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
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
    /// Bounds within 1e-9 of each other, relative to the upper one; at most 100,000 products.
    pub fn new() -> Self {
        Self { tolerance: 1e-9, max_iterations: 100_000 }
    }

    /// The distance of the bounds to reach, relative to the upper one.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The most products with the restricted matrix.
    #[must_use]
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// The escape rate of a set of states.
    ///
    /// The report's residual is the distance of the bounds. Where the outcome
    /// has not converged, they are proven all the same.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`], [`Error::EmptySet`], [`Error::LengthMismatch`]
    /// for a set of states of another chain, and [`Error::TooLarge`] for more
    /// than 8 GiB of transitions within it.
    pub fn solve<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        set: &StateSet,
    ) -> Result<Outcome<EscapeRate>> {
        set.check(chain.len(), "set to escape from")?;
        let states: Vec<usize> = set.iter().collect();
        let observable = vec![1.0; states.len()];
        self.iterate(&Restricted::new(chain, &states)?, observable)
    }

    /// The escape rate of the states of a loop, as [`solve`](Self::solve), from
    /// an observable that settles it at once if no other step joins its states.
    ///
    /// # Errors
    ///
    /// As `solve`, with [`Error::StateOutOfRange`] for a loop of another chain.
    pub fn solve_loop<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        cycle: &RepetitionLoop,
    ) -> Result<Outcome<EscapeRate>> {
        cycle.state_set(chain.len())?;
        self.iterate(&Restricted::new(chain, cycle.states())?, alone(cycle))
    }

    fn iterate(&self, restricted: &Restricted, mut observable: Vec<f64>) -> Result<Outcome<EscapeRate>> {
        if !(self.tolerance > 0.0 && self.tolerance.is_finite()) {
            let (value, requirement) = (self.tolerance, "positive and finite");
            return Err(Error::InvalidSetting { name: "tolerance", value, requirement });
        }
        let mut rates = vec![0.0; observable.len()];
        // At a constant nothing is rounded: a set that is hardly left is seen for what it is.
        let constant = restricted.bounds(&vec![1.0; observable.len()], &mut rates);
        let mut bounds = constant.and(restricted.bounds(&observable, &mut rates));
        let mut iterations = 0;
        while bounds.width() > self.tolerance * bounds.upper && iterations < self.max_iterations {
            halfway(&mut observable, &rates);
            if observable.iter().any(|x| !x.is_normal()) {
                break;
            }
            bounds = bounds.and(restricted.bounds(&observable, &mut rates));
            iterations += 1;
        }
        let met = bounds.width() <= self.tolerance * bounds.upper;
        let stop = if met { Stop::Converged } else { Stop::MaxIterations };
        Ok(Outcome::new(bounds, Report { iterations, residual: bounds.width(), error_bound: None, stop }))
    }
}

/// `(x + A x) / 2`, divided by its largest entry, from `x` and the escape rates at it.
fn halfway(observable: &mut [f64], rates: &[f64]) {
    for (x, rate) in observable.iter_mut().zip(rates) {
        *x *= 1.0 - rate / 2.0;
    }
    let largest = observable.iter().copied().fold(0.0, f64::max);
    observable.iter_mut().for_each(|x| *x /= largest);
}

/// The eigenvector of a loop without steps across: `p(i) x(i + 1) = lambda x(i)`
/// with `lambda` the geometric mean of the steps, in logarithms.
fn alone(cycle: &RepetitionLoop) -> Vec<f64> {
    let logs: Vec<f64> = cycle.step_probabilities().iter().map(|p| p.ln()).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let heights: Vec<f64> = logs
        .iter()
        .scan(0.0, |height, log| {
            let here = *height;
            *height += mean - log;
            Some(here)
        })
        .collect();
    let top = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Any positive observable gives bounds: keep clear of underflow.
    heights.into_iter().map(|height| (height - top).exp().max(1e-200)).collect()
}

/// The transitions within a set of states, which are numbered by their places in it.
struct Restricted {
    starts: Vec<usize>,
    within: Vec<(u32, f64)>,
    /// Of leaving the set from each state.
    leaving: Vec<f64>,
    /// Terms that any sum over a row has, at most.
    longest_row: usize,
}

impl Restricted {
    fn new<O: TransitionOperator>(chain: &MarkovChain<O>, states: &[usize]) -> Result<Self> {
        const OUTSIDE: u32 = u32::MAX;
        let mut place_of = vec![OUTSIDE; chain.len()];
        for (place, &state) in (0..).zip(states) {
            place_of[state] = place;
        }
        let mut restricted =
            Self { starts: vec![0], within: Vec::new(), leaving: Vec::new(), longest_row: 0 };
        for &state in states {
            let (mut leaves, mut terms) = (0.0, 0);
            for step in successors(chain.operator(), state) {
                terms += 1;
                match place_of[step.state] {
                    OUTSIDE => leaves += step.probability,
                    place => restricted.within.push((place, step.probability)),
                }
            }
            restricted.longest_row = restricted.longest_row.max(terms);
            restricted.leaving.push(leaves);
            restricted.starts.push(restricted.within.len());
            let bytes = (restricted.within.len() * size_of::<(u32, f64)>()) as u128;
            check_memory("the transitions within the set", bytes, MEMORY_LIMIT)?;
        }
        Ok(restricted)
    }

    /// Writes `1 - (A x)(i) / x(i)` for every state, and bounds all of them.
    fn bounds(&self, observable: &[f64], rates: &mut [f64]) -> EscapeRate {
        let mut bounds = EscapeRate { lower: f64::INFINITY, upper: 0.0 };
        for (place, rate) in rates.iter_mut().enumerate() {
            let (value, rounding) = self.rate_at(place, observable);
            *rate = value;
            bounds.lower = bounds.lower.min(value - rounding);
            bounds.upper = bounds.upper.max(value + rounding);
        }
        EscapeRate { lower: bounds.lower.max(0.0), upper: bounds.upper.min(1.0) }
    }

    /// `1 - (A x)(i) / x(i)`, and how far off rounding may have put it.
    ///
    /// A ratio that is 1 is exact, and so is its difference from 1; any other is
    /// off by half an `eps` of itself, and each of the sums by an `eps` a term.
    fn rate_at(&self, place: usize, observable: &[f64]) -> (f64, f64) {
        let mut rate = self.leaving[place];
        let mut size = self.leaving[place];
        for &(to, p) in &self.within[self.starts[place]..self.starts[place + 1]] {
            let ratio = observable[to as usize] / observable[place];
            let change = p * (1.0 - ratio);
            rate += change;
            size += change.abs() + if ratio == 1.0 { 0.0 } else { p * ratio };
        }
        (rate, (self.longest_row + 4) as f64 * f64::EPSILON * size)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_loop_that_hardly_leaks_has_a_rate_far_below_the_rounding_of_one() {
        let rare = 1e-25;
        let chain =
            MarkovChain::from_dense(array![[0.0, 1.0, rare], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]].view());
        let chain = chain.unwrap();
        let pair = StateSet::of(3, [0, 1]).unwrap();
        let rate = EscapeSolver::new().solve(&chain, &pair).unwrap().into_value();
        // lambda^2 = 1 - rare, and every state leaks at most `rare`.
        assert!(rate.lower <= rare / 2.0 && rare / 2.0 <= rate.upper && rate.upper <= 1.1 * rare);
    }

    #[test]
    fn a_closed_set_is_never_left() {
        let chain =
            MarkovChain::from_dense(array![[0.5, 0.5, 0.0], [0.25, 0.75, 0.0], [0.5, 0.0, 0.5]].view());
        let closed = StateSet::of(3, [0, 1]).unwrap();
        let rate = EscapeSolver::new().solve(&chain.unwrap(), &closed).unwrap().converged().unwrap();
        assert_eq!((rate.lower, rate.upper, rate.mean_time()), (0.0, 0.0, f64::INFINITY));
    }

    #[test]
    fn bounds_hold_where_they_cannot_meet() {
        // Within the set, 0 leads to 1 but not back: the largest eigenvalue is 0.6.
        let chain = MarkovChain::from_dense(array![[0.2, 0.5, 0.3], [0.0, 0.6, 0.4], [0.5, 0.5, 0.0]].view());
        let outcome = EscapeSolver::new()
            .max_iterations(2000)
            .solve(&chain.unwrap(), &StateSet::of(3, [0, 1]).unwrap());
        let outcome = outcome.unwrap();
        let rate = outcome.value();
        assert!(rate.lower <= 0.4 && 0.4 <= rate.upper, "{rate:?}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let chain = MarkovChain::from_dense(array![[0.5, 0.5], [0.5, 0.5]].view()).unwrap();
        let solve = |set: StateSet| EscapeSolver::new().solve(&chain, &set);
        assert!(matches!(solve(StateSet::of(2, []).unwrap()), Err(Error::EmptySet { .. })));
        assert!(matches!(solve(StateSet::of(3, [0]).unwrap()), Err(Error::LengthMismatch { .. })));
        let careless = EscapeSolver::new().tolerance(0.0);
        let refused = careless.solve(&chain, &StateSet::of(2, [0]).unwrap());
        assert!(matches!(refused, Err(Error::InvalidSetting { name: "tolerance", .. })));
        let cycle = RepetitionLoop::along(&chain, &[0, 1]).unwrap();
        let one = MarkovChain::from_dense(array![[1.0]].view()).unwrap();
        let refused = EscapeSolver::new().solve_loop(&one, &cycle);
        assert!(matches!(refused, Err(Error::StateOutOfRange { state: 1, states: 1 })));
    }
}
