//! The least of a convex function of one number.

use crate::solve::{Report, Stop};

/// How a family `q_a ∝ q 2^(-a H)` lies to the data, for one `a`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    /// Mean of `log2` of the sum of `q 2^(-a H)`.
    pub(super) log_sum: f64,
    /// Mean of `H` under the family.
    pub(super) mean: f64,
    /// Mean of its variance within a row.
    pub(super) variance: f64,
}

/// Steps of Newton's method and bisection, at most.
pub(super) struct Search {
    pub(super) tolerance: f64,
    pub(super) max_iterations: usize,
    /// The largest `|a|` that is looked at.
    pub(super) farthest: f64,
}

impl Search {
    /// The `a` at which `log_sum(a) + a target` is least: where the mean of `H`
    /// is that of the data. The slope, `target - mean(a)`, grows with `a`, at
    /// the rate `ln 2` times the variance.
    ///
    /// Newton's method from 0, kept between ends of opposite slope (Press et al.
    /// 2007, section 9.4).
    pub(super) fn least(&self, target: f64, moments: impl Fn(f64) -> Moments) -> (f64, Moments, Report) {
        let (mut low, mut high) = (-self.farthest, self.farthest);
        let mut at = 0.0;
        let mut found = moments(at);
        let mut iterations = 0;
        loop {
            let slope = target - found.mean;
            let gives_up = iterations >= self.max_iterations || at.abs() >= self.farthest;
            if slope.abs() <= self.tolerance || gives_up {
                let converged = slope.abs() <= self.tolerance;
                let stop = if converged { Stop::Converged } else { Stop::MaxIterations };
                return (at, found, Report { iterations, residual: slope.abs(), error_bound: None, stop });
            }
            if slope < 0.0 {
                low = at;
            } else {
                high = at;
            }
            let newton = at - slope / (std::f64::consts::LN_2 * found.variance);
            at = self.next(at, newton, low, high);
            found = moments(at);
            iterations += 1;
        }
    }

    /// Newton's step if it stays between the ends. Beyond them, the middle, but no
    /// more than ten times as far out: where the variance vanishes far out, there is
    /// no way back.
    fn next(&self, at: f64, newton: f64, low: f64, high: f64) -> f64 {
        if newton > low && newton < high {
            return newton;
        }
        let (at_low, at_high) = (low == -self.farthest, high == self.farthest);
        let out = (10.0 * at.abs()).max(1.0).min(self.farthest);
        match (at_low, at_high) {
            (_, true) if newton >= high || newton.is_nan() => out,
            (true, _) if newton <= low => -out,
            _ => 0.5 * (low + high),
        }
    }
}
