//! How long one waits for a pattern, and which comes first, without a horizon.

use super::{Overlap, Patterns};
use crate::chain::{MarkovChain, Start, StateSet};
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::passage::{Interval, PassageSolver, PassageTimes};
use crate::prob::Law;
use crate::solve::{Outcome, Report, Stop};

/// Mean and variance of a waiting time, in tokens, between proven bounds.
///
/// Both are infinite where no pattern may ever occur.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaitingTime {
    /// The mean.
    pub mean: Interval,
    /// The variance.
    pub variance: Interval,
}

impl PassageSolver {
    /// The waiting time for the first of some patterns: the number of tokens up
    /// to its end, 0 if it ends with a prompt that is read.
    ///
    /// For independent tokens the mean from scratch is the sum of
    /// `1 / P(prefix)` over the prefixes of the string, itself included, that it also ends with
    /// (Conway; Guibas & Odlyzko, *String overlaps, pattern matching, and
    /// nontransitive games*, Journal of Combinatorial Theory A 30, 1981): that
    /// is what the tests hold it against.
    ///
    /// [`times`](Self::times) of the [product](super::PatternOperator), which has
    /// M states for each of the chain.
    ///
    /// # Errors
    ///
    /// As [`times`](Self::times) and [`MarkovChain::pattern_start`].
    pub fn waiting_time<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        patterns: &Patterns,
        start: Start<'_>,
        overlap: Overlap,
    ) -> Result<Outcome<WaitingTime>> {
        let product = chain.with_patterns(patterns)?;
        let start = Law::from_computed(chain.product_start(product.operator(), start, overlap)?);
        let times = self.times(&product, &product.operator().ending_any())?;
        Ok(times.map(|times| from_start(&times, &start)))
    }

    /// For each of some patterns, the probability that it ever occurs, and before
    /// all others: of a single one, that it occurs at all.
    ///
    /// One solution of [`reach`](Self::reach) for each pattern that does not end with another.
    ///
    /// # Errors
    ///
    /// As [`reach`](Self::reach) and [`MarkovChain::pattern_start`].
    pub fn pattern_race<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        patterns: &Patterns,
        start: Start<'_>,
        overlap: Overlap,
    ) -> Result<Outcome<Vec<Interval>>> {
        let product = chain.with_patterns(patterns)?;
        let start = Law::from_computed(chain.product_start(product.operator(), start, overlap)?);
        let any = product.operator().ending_any();
        let mut first = Vec::with_capacity(patterns.len());
        let mut report = Report { iterations: 0, residual: 0.0, error_bound: Some(0.0), stop: Stop::Direct };
        for pattern in 0..patterns.len() {
            let won: StateSet = product.operator().won_by(pattern);
            if won.is_empty() {
                first.push(Interval { lower: 0.0, upper: 0.0 });
                continue;
            }
            let outcome = self.reach(&product, &won, &any.difference(&won))?;
            report = report.worse(outcome.report());
            first.push(outcome.value().mean(&start));
        }
        Ok(Outcome::new(first, report))
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The waiting time for the first of some patterns:
    /// [`PassageSolver::waiting_time`] with its defaults.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::{MarkovChain, Start};
    /// use lmchain::passage::{Overlap, Patterns};
    ///
    /// let coin = MarkovChain::from_dense(ndarray::array![[0.5, 0.5], [0.5, 0.5]].view())?;
    /// let mean = |string: &[u32]| -> lmchain::Result<f64> {
    ///     let patterns = Patterns::new(2, [string])?;
    ///     let time = coin.waiting_time(&patterns, Start::State(0), Overlap::Fresh)?.converged()?;
    ///     Ok(time.mean.midpoint())
    /// };
    /// // Equally probable, but 101 overlaps with itself.
    /// assert!((mean(&[1, 0, 1])? - 10.0).abs() < 1e-9);
    /// assert!((mean(&[1, 0, 0])? - 8.0).abs() < 1e-9);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As there.
    pub fn waiting_time(
        &self,
        patterns: &Patterns,
        start: Start<'_>,
        overlap: Overlap,
    ) -> Result<Outcome<WaitingTime>> {
        PassageSolver::new().waiting_time(self, patterns, start, overlap)
    }

    /// Which of some patterns comes first, if any ever does:
    /// [`PassageSolver::pattern_race`] with its defaults.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn pattern_race(
        &self,
        patterns: &Patterns,
        start: Start<'_>,
        overlap: Overlap,
    ) -> Result<Outcome<Vec<Interval>>> {
        PassageSolver::new().pattern_race(self, patterns, start, overlap)
    }
}

/// Mean and variance under the law of the start: the variance is the mean of
/// the variances and the variance of the means.
fn from_start(times: &PassageTimes, start: &Law) -> WaitingTime {
    let mean = times.mean().mean(start);
    let within = times.variance().mean(start);
    if mean.upper.is_infinite() {
        let lower = if mean.lower.is_infinite() { f64::INFINITY } else { within.lower };
        return WaitingTime { mean, variance: Interval { lower, upper: f64::INFINITY } };
    }
    let squares: Vec<(f64, Interval)> = (0..start.len())
        .filter(|&state| start[state] > 0.0)
        .map(|state| (start[state], squared_difference(times.mean().interval(state), mean)))
        .collect();
    let sum = |bound: fn(&Interval) -> f64| squares.iter().map(|(p, square)| p * bound(square)).sum::<f64>();
    // Adding up the terms, all of one sign, and a few operations in each.
    let rounding = (squares.len() + 8) as f64 * f64::EPSILON;
    let lower = within.lower + sum(|square| square.lower) * (1.0 - rounding);
    let upper = within.upper + sum(|square| square.upper) * (1.0 + rounding);
    WaitingTime {
        mean,
        variance: Interval { lower: lower * (1.0 - rounding), upper: upper * (1.0 + rounding) },
    }
}

/// The bounds of `(a - b)^2`.
fn squared_difference(a: Interval, b: Interval) -> Interval {
    let (least, most) = (a.lower - b.upper, a.upper - b.lower);
    let upper = (least * least).max(most * most);
    let apart = least.max(-most).max(0.0);
    Interval { lower: apart * apart, upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_of_a_difference_is_zero_where_the_bounds_overlap() {
        let interval = |lower, upper| Interval { lower, upper };
        let square = |a, b| squared_difference(a, b);
        assert_eq!(square(interval(1.0, 2.0), interval(1.5, 4.0)), interval(0.0, 9.0));
        assert_eq!(square(interval(5.0, 6.0), interval(1.0, 3.0)), interval(4.0, 25.0));
        assert_eq!(square(interval(1.0, 3.0), interval(5.0, 6.0)), interval(4.0, 25.0));
    }
}
