//! How fast a chain leaves the states of a loop that it has long been on.

use super::RepetitionLoop;
use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::{TransitionOperator, successors};
use crate::passage::Interval;
use crate::solve::{MEMORY_LIMIT, Outcome, Report, Stop, check_memory};

/// Distance of the bounds, relative to the upper one, that is good enough.
const TOLERANCE: f64 = 1e-9;

/// Products with the transitions among the states of the loop, at most.
const MAX_ITERATIONS: usize = 100_000;

impl<O: TransitionOperator> MarkovChain<O> {
    /// The escape rate `1 - lambda` of the states of a loop, where `lambda` is the
    /// largest eigenvalue of the transitions among them: the chance that the next
    /// step leaves the states, once the chain has been on them for long.
    ///
    /// For every positive observable `x` on the states, and `A` the transition
    /// matrix restricted to them, `lambda` lies between the smallest and the
    /// largest of the ratios `(A x)(i) / x(i)` (Collatz 1942, Wielandt 1950; Horn
    /// & Johnson 2013, theorem 8.1.26). Iteration with `(I + A) / 2` brings the
    /// two together, to 1e-9 of the rate. It begins with the eigenvector of the
    /// loop alone, which is the end of it if no step leads across the loop.
    ///
    /// What is computed is `1 - (A x)(i) / x(i)`, as the probability of leaving the
    /// states plus differences of `x`: at a constant `x`, a rate far below the
    /// rounding of 1 is seen. The bounds are widened by what rounding may have done
    /// to them; where that alone keeps them apart, the outcome is
    /// [`Stop::Unproven`]. They hold in any case. Rows are taken to sum to one.
    ///
    /// For any set of states, with its quasi-stationary law, there is
    /// [`passage::EscapeSolver`](crate::passage::EscapeSolver), which takes products
    /// with the whole chain; this looks at the transitions out of the loop only.
    ///
    /// # Errors
    ///
    /// [`Error::StateOutOfRange`](crate::Error::StateOutOfRange) for a loop of
    /// another chain, [`Error::TooLarge`](crate::Error::TooLarge) for more than 8
    /// GiB of transitions among its states.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::MarkovChain;
    /// use lmchain::loops::RepetitionLoop;
    /// use ndarray::array;
    ///
    /// let chain = MarkovChain::from_dense(array![[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [1.0, 0.0, 0.0]].view())?;
    /// let pair = RepetitionLoop::along(&chain, &[0, 1])?;
    /// let rate = chain.loop_escape_rate(&pair)?.converged()?;
    /// assert!(rate.contains(0.25)); // both rows of the pair sum to 3/4
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn loop_escape_rate(&self, cycle: &RepetitionLoop) -> Result<Outcome<Interval>> {
        cycle.state_set(self.len())?;
        Ok(bounded(&Restricted::new(self, cycle.states())?, alone(cycle)))
    }
}

/// Bounds that are brought together from a first observable.
fn bounded(restricted: &Restricted, mut observable: Vec<f64>) -> Outcome<Interval> {
    let mut rates = vec![0.0; observable.len()];
    // At a constant nothing is rounded: states that are hardly left are seen for what they are.
    let constant = restricted.bounds(&vec![1.0; observable.len()], &mut rates);
    let mut bounds = constant.within;
    for iterations in 0.. {
        let found = restricted.bounds(&observable, &mut rates);
        bounds = Interval {
            lower: bounds.lower.max(found.within.lower),
            upper: bounds.upper.min(found.within.upper),
        };
        let stop = if bounds.width() <= TOLERANCE * bounds.upper {
            Some(Stop::Converged)
        } else if found.is_all_rounding {
            Some(Stop::Unproven)
        } else {
            (iterations == MAX_ITERATIONS).then_some(Stop::MaxIterations)
        };
        if let Some(stop) = stop {
            let (residual, error_bound) = (bounds.width(), Some(0.5 * bounds.width()));
            let report = Report { iterations, residual, error_bound, stop };
            return Outcome::new(bounds, report);
        }
        halfway(&mut observable, &rates);
    }
    unreachable!("the loop ends at the iteration limit")
}

/// The least entry of an observable, relative to its largest: any positive one
/// gives bounds, so this keeps clear of underflow.
const LEAST: f64 = 1e-200;

/// `(x + A x) / 2`, divided by its largest entry, from `x` and the escape rates at it.
fn halfway(observable: &mut [f64], rates: &[f64]) {
    for (x, rate) in observable.iter_mut().zip(rates) {
        *x *= 1.0 - rate / 2.0;
    }
    let largest = observable.iter().copied().fold(0.0, f64::max);
    observable.iter_mut().for_each(|x| *x = (*x / largest).max(LEAST));
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
    heights.into_iter().map(|height| (height - top).exp().max(LEAST)).collect()
}

/// What one observable says about the rate.
struct Bounds {
    within: Interval,
    /// Whether the ratios differ by no more than rounding may have put them off.
    is_all_rounding: bool,
}

/// The transitions among the states of a loop, which are numbered by their places on it.
struct Restricted {
    starts: Vec<usize>,
    within: Vec<(u32, f64)>,
    /// Of leaving the states of the loop from each of them.
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
            check_memory("the transitions among the states of the loop", bytes, MEMORY_LIMIT)?;
        }
        Ok(restricted)
    }

    /// Writes `1 - (A x)(i) / x(i)` for every state, and bounds all of them.
    fn bounds(&self, observable: &[f64], rates: &mut [f64]) -> Bounds {
        let mut within = Interval { lower: f64::INFINITY, upper: 0.0 };
        let (mut least, mut most, mut worst) = (f64::INFINITY, 0.0, 0.0);
        for (place, rate) in rates.iter_mut().enumerate() {
            let (value, rounding) = self.rate_at(place, observable);
            *rate = value;
            within.lower = within.lower.min(value - rounding);
            within.upper = within.upper.max(value + rounding);
            (least, most, worst) = (value.min(least), value.max(most), rounding.max(worst));
        }
        let within = Interval { lower: within.lower.max(0.0), upper: within.upper.min(1.0) };
        Bounds { within, is_all_rounding: most - least <= worst }
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
    use crate::error::Error;

    #[test]
    fn a_loop_that_hardly_leaks_has_a_rate_far_below_the_rounding_of_one() {
        let rare = 1e-25;
        let chain =
            MarkovChain::from_dense(array![[0.0, 1.0, rare], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]].view());
        let chain = chain.unwrap();
        let pair = RepetitionLoop::along(&chain, &[0, 1]).unwrap();
        let rate = chain.loop_escape_rate(&pair).unwrap().into_value();
        // lambda^2 = 1 - rare, and every state leaks at most `rare`.
        assert!(rate.contains(rare / 2.0) && rate.upper <= 1.1 * rare, "{rate:?}");
    }

    #[test]
    fn a_closed_loop_with_steps_across_is_never_left() {
        let chain =
            MarkovChain::from_dense(array![[0.5, 0.5, 0.0], [0.25, 0.75, 0.0], [0.5, 0.0, 0.5]].view());
        let chain = chain.unwrap();
        let pair = RepetitionLoop::along(&chain, &[0, 1]).unwrap();
        let rate = chain.loop_escape_rate(&pair).unwrap().converged().unwrap();
        assert_eq!((rate.lower, rate.upper), (0.0, 0.0));
    }

    #[test]
    fn an_observable_beyond_the_range_of_numbers_still_gives_bounds() {
        let rare = 1e-300;
        let chain =
            MarkovChain::from_dense(array![[1.0, rare, 0.0], [0.0, 0.5, 0.5], [rare, 1.0, 0.0]].view());
        let chain = chain.unwrap();
        let cycle = RepetitionLoop::along(&chain, &[0, 1, 2]).unwrap();
        // The states are all of the chain, which is never left.
        let rate = chain.loop_escape_rate(&cycle).unwrap().converged().unwrap();
        assert_eq!((rate.lower, rate.upper), (0.0, 0.0));
    }

    #[test]
    fn a_loop_of_another_chain_is_refused() {
        let chain = MarkovChain::from_dense(array![[0.5, 0.5], [0.5, 0.5]].view()).unwrap();
        let cycle = RepetitionLoop::along(&chain, &[0, 1]).unwrap();
        let one = MarkovChain::from_dense(array![[1.0]].view()).unwrap();
        let refused = one.loop_escape_rate(&cycle);
        assert!(matches!(refused, Err(Error::StateOutOfRange { state: 1, states: 1 })));
    }
}
