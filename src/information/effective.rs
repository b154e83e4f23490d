//! How many independent observations a text is worth.

use crate::error::{Error, Result};
use crate::prob::{sum_by, sum_depth};
use crate::solve::{Outcome, Report, Stop, check_operations, check_positive};

/// Measures how many independent observations a sequence of dependent ones is worth for
/// the mean of an observable, such as the frequency of a token or the share of a topic.
///
/// Of a stationary sequence of `N` the mean has the variance of that of
/// `N / tau` independent ones, for the integrated autocorrelation time
///
/// ```text
/// tau = 1 + 2 (rho(1) + rho(2) + ...).
/// ```
///
/// Estimates of `rho` at long lags are noise, so the sum is cut at the first lag `M` at which two
/// rules agree. One asks for `M >= c max(tau(M), 1)`, where `tau(M)` is the sum so far (Sokal 1989;
/// with `c = 5` the rest is less than 1 % of an exponential decay). The other waits until the sums of
/// two neighbours, `rho(2 k) + rho(2 k + 1)`, have met one that is not positive, as those of a
/// reversible chain never are but for noise (Geyer 1992, section 3.3): where `rho` has alternating
/// signs, `tau` is the small difference that is left of much longer sums. The last lag counts half, so
/// that the rest of a decay `r^t`, of either sign, is a share `r^M` of it. Of a sequence that
/// swings with a period of more than two steps for longer than `c` steps, the sum may be cut too soon.
///
/// For observables that are anticorrelated `tau` is below 1, and the sequence is worth more than
/// independent ones. Where noise leaves nothing of it, the sum does not converge.
///
/// Put into a bias correction for the number of observations, `N / tau` makes it that of dependent ones.
///
/// # Example
///
/// ```
/// use lmchain::information::EffectiveSampleSolver;
/// use lmchain::prob::stream;
/// use rand::RngExt;
///
/// // Every observation is made four times.
/// let mut rng = stream(1, 0);
/// let series: Vec<f64> = (0..5000).flat_map(|_| [rng.random::<f64>(); 4]).collect();
/// let sample = EffectiveSampleSolver::new().measure(&series)?.converged()?;
/// assert!((sample.time - 4.0).abs() < 1.0);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectiveSampleSolver {
    window: f64,
    max_lag: usize,
}

/// What a sequence of dependent observations is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectiveSample {
    /// As many independent observations would do.
    pub size: f64,
    /// The integrated autocorrelation time `tau`, in steps.
    pub time: f64,
    /// The lag at which the sum was cut.
    pub window: usize,
}

impl Default for EffectiveSampleSolver {
    fn default() -> Self {
        Self::new()
    }
}

impl EffectiveSampleSolver {
    /// The sum is cut at 5 times the integrated time, which must be at a lag up to 10,000 and to
    /// a tenth of the sequence.
    pub fn new() -> Self {
        Self { window: 5.0, max_lag: 10_000 }
    }

    /// The factor `c`: larger leaves less out, and takes in more noise.
    pub fn window(mut self, factor: f64) -> Self {
        self.window = factor;
        self
    }

    /// The longest lag that is looked at; never more than a tenth of the sequence, since
    /// beyond the estimate would mean nothing.
    pub fn max_lag(mut self, lag: usize) -> Self {
        self.max_lag = lag;
        self
    }

    /// For an observable, given along the sequence. One that never changes, but for the rounding
    /// of its mean, has no correlation: it is worth its length. `O(N window)`.
    ///
    /// Not converged if the sum was not cut up to the longest lag: then
    /// the time is at least of that order, and the value not to be trusted.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyText`] for no observations, [`Error::InvalidObservation`] for one that is not
    /// finite, [`Error::InvalidSetting`] for a factor that is not positive,
    /// [`Error::TooExpensive`] beyond 10^12 multiplications.
    pub fn measure(&self, series: &[f64]) -> Result<Outcome<EffectiveSample>> {
        let n = series.len();
        if let Some(place) = series.iter().position(|value| !value.is_finite()) {
            return Err(Error::InvalidObservation { place, value: series[place] });
        }
        // In units of the largest, so that no sum and no square overflows, or underflows altogether.
        let largest = series.iter().fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()));
        let scaled: Vec<f64> = series.iter().map(|value| value / largest).collect();
        let mean = sum_by(n, |i| scaled[i]) / n.max(1) as f64;
        let deviations: Vec<f64> = scaled.iter().map(|value| value - mean).collect();
        // The mean is off by half a unit for every addition, the division and the values.
        let rounding = (sum_depth(n) + 2) as f64 * f64::EPSILON;
        let varies = deviations.iter().any(|deviation| deviation.abs() > rounding);
        let together = |lag: usize| sum_by(n - lag, |i| deviations[i] * deviations[i + lag]);
        let variance = together(0);
        self.cut(n, |lag| together(lag) / variance, varies)
    }

    /// For the label of each observation, such as the token or the topic: the indicators of all
    /// labels together, weighted by their variances. So `rho(t)` is how much more
    /// often a label comes again after `t` steps than by chance, over its greatest value.
    ///
    /// # Errors
    ///
    /// As [`measure`](Self::measure).
    pub fn measure_labels(&self, labels: &[u32]) -> Result<Outcome<EffectiveSample>> {
        let n = labels.len();
        let mut counts = std::collections::BTreeMap::new();
        labels.iter().for_each(|&label| *counts.entry(label).or_insert(0u64) += 1);
        let share: Vec<f64> = labels.iter().map(|label| counts[label] as f64 / n as f64).collect();
        let same = counts.values().map(|&count| (count as f64 / n as f64).powi(2)).sum::<f64>();
        // The sum over labels of (1(x = label) - p) (1(y = label) - p), for x and y apart by the lag.
        let together =
            |i: usize, j: usize| f64::from(u8::from(labels[i] == labels[j])) - share[i] - share[j] + same;
        let variance = n as f64 * (1.0 - same);
        let rho = |lag: usize| sum_by(n - lag, |i| together(i, i + lag)) / variance;
        self.cut(n, rho, counts.len() > 1)
    }

    fn cut(&self, n: usize, rho: impl Fn(usize) -> f64, varies: bool) -> Result<Outcome<EffectiveSample>> {
        check_positive("window", self.window)?;
        if n == 0 {
            return Err(Error::EmptyText);
        }
        let report =
            |window, residual, stop| Report { iterations: window, residual, error_bound: None, stop };
        if !varies {
            let sample = EffectiveSample { size: n as f64, time: 1.0, window: 0 };
            return Ok(Outcome::new(sample, report(0, 0.0, Stop::Direct)));
        }
        let longest = self.max_lag.min(n / 10);
        check_operations("the autocorrelation", n as f64 * longest as f64, "lower max_lag")?;
        let (mut time, mut last) = (1.0f64, 1.0f64);
        let mut only_noise = false;
        for lag in 1..=longest {
            let before = last;
            last = rho(lag);
            // The last lag counts half.
            time += last + if lag == 1 { 0.0 } else { before };
            only_noise |= lag % 2 == 1 && before + last <= 0.0;
            if only_noise && time > 0.0 && lag as f64 >= self.window * time.max(1.0) {
                let sample = EffectiveSample { size: n as f64 / time, time, window: lag };
                return Ok(Outcome::new(sample, report(lag, last.abs(), Stop::Converged)));
            }
        }
        // Longer than that, or less than can be told: at worst it is worth its length.
        let time = time.max(1.0);
        let sample = EffectiveSample { size: n as f64 / time, time, window: longest };
        Ok(Outcome::new(sample, report(longest, last.abs(), Stop::MaxIterations)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_changes_is_worth_its_length() {
        let solver = EffectiveSampleSolver::new();
        assert_eq!(solver.measure(&[2.0; 50]).unwrap().converged().unwrap().size, 50.0);
        assert_eq!(solver.measure_labels(&[7; 50]).unwrap().converged().unwrap().size, 50.0);
        // The mean of these is not quite what they are.
        for (value, n) in [(0.1, 1000), (0.3, 77_777), (1e300, 1000), (1e-310, 1000), (0.0, 9)] {
            let sample = solver.measure(&vec![value; n]).unwrap().converged().unwrap();
            assert_eq!((sample.size, sample.time), (n as f64, 1.0), "{value}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_named() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let refused = EffectiveSampleSolver::new().measure(&[1.0, 2.0, bad, 1.0]);
            assert!(matches!(refused, Err(Error::InvalidObservation { place: 2, .. })), "{bad}");
        }
    }

    #[test]
    fn the_size_does_not_depend_on_the_unit() {
        let series: Vec<f64> = (0..2000u32).map(|i| f64::from(i.wrapping_mul(2_654_435_769) >> 20)).collect();
        let time = |unit: f64| {
            let series: Vec<f64> = series.iter().map(|x| x * unit).collect();
            EffectiveSampleSolver::new().measure(&series).unwrap().into_value().time
        };
        // Powers of two scale without rounding.
        assert_eq!((time(2.0f64.powi(-1000)), time(2.0f64.powi(1000))), (time(1.0), time(1.0)));
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(matches!(EffectiveSampleSolver::new().measure(&[]), Err(Error::EmptyText)));
        let window = EffectiveSampleSolver::new().window(0.0).measure(&[1.0, 2.0]);
        assert!(matches!(window, Err(Error::InvalidSetting { name: "window", .. })));
    }

    #[test]
    fn a_sequence_that_turns_once_has_not_converged() {
        let labels: Vec<u32> = (0..1000).map(|i| u32::from(i >= 500)).collect();
        assert!(!EffectiveSampleSolver::new().measure_labels(&labels).unwrap().is_converged());
    }
}
