//! The rate at which a class of states is left, from both sides.

use super::Interval;
use crate::chain::StateSet;
use crate::operator::{TransitionOperator, row_sum_error};
use crate::prob::sum_by;
use crate::solve::{Observer, Progress, Report, Stop};

/// Share of an iteration that moves; the rest waits, so that no period is seen.
const MOVING: f64 = 0.9;

/// The least entry of the observable, relative to its largest: any positive one
/// gives bounds.
const LEAST: f64 = 1e-15;

/// Power iteration in both directions within a class `C` of states that
/// communicate, `A` being the transitions among them.
///
/// For a positive law `x` and a positive observable `f` on the class, one less
/// the Perron root of `A` lies between the least and the greatest of
///
/// ```text
/// (x - x A)(i) / x(i),    and of    (f - A f)(i) / f(i).
/// ```
///
/// With `f = 1 + d` and `e` the probability of leaving the class, `f - A f = e +
/// d - A d`: where the states differ little in how long one stays, `d` is small, and a
/// rate far below the rounding of 1 keeps its digits. The law gives bounds where
/// they differ much.
pub(super) struct Perron<'a, O> {
    operator: &'a O,
    class: &'a StateSet,
    law: Vec<f64>,
    /// `d`.
    excess: Vec<f64>,
    /// `e`.
    leaving: Vec<f64>,
    scratch: Vec<f64>,
    unit: f64,
}

impl<'a, O: TransitionOperator> Perron<'a, O> {
    pub(super) fn new(operator: &'a O, class: &'a StateSet) -> Self {
        let n = operator.states();
        let share = 1.0 / class.len() as f64;
        let mut leaving = vec![0.0; n];
        operator.pull_back(&class.complement().indicator(), &mut leaving);
        Self {
            operator,
            class,
            law: class.indicator().into_iter().map(|inside| share * inside).collect(),
            excess: vec![0.0; n],
            leaving,
            scratch: vec![0.0; n],
            unit: (2 * operator.longest_sum() + 8) as f64 * f64::EPSILON + row_sum_error(operator),
        }
    }

    /// Goes on until the bounds are close in units of the upper one, or come no closer.
    pub(super) fn solve(
        mut self,
        tolerance: f64,
        max_iterations: usize,
        observer: &mut dyn Observer,
    ) -> (Self, Interval, Report) {
        let mut rate = Interval { lower: 0.0, upper: 1.0 };
        let mut iterations = 0;
        loop {
            iterations += 1;
            let (below, above) = (self.push(), self.pull());
            rate.lower = rate.lower.max(below.lower.max(above.bounds.lower));
            rate.upper = rate.upper.min(below.upper.min(above.bounds.upper)).max(rate.lower);
            let width = if rate.upper > 0.0 { rate.width() / rate.upper } else { 0.0 };
            let stage = "escaping from a set";
            let progress = Progress { stage, done: iterations as u64, total: None, residual: Some(width) };
            let stop = if width <= tolerance {
                Stop::Converged
            } else if observer.observe(&progress).is_break() {
                Stop::Cancelled
            } else if above.is_all_rounding && rate.width() <= 4.0 * self.unit {
                Stop::Rounding
            } else if iterations >= max_iterations {
                Stop::MaxIterations
            } else {
                continue;
            };
            let report = Report { iterations, residual: width, error_bound: Some(0.5 * rate.width()), stop };
            return (self, rate, report);
        }
    }

    /// The law, settled or not.
    pub(super) fn into_law(self) -> Vec<f64> {
        self.law
    }

    /// Moves the law a step, and says between what the rate lies by it.
    fn push(&mut self) -> Interval {
        self.operator.push_forward(&self.law, &mut self.scratch);
        let mut bounds = Interval { lower: f64::INFINITY, upper: 0.0 };
        for state in self.class.iter() {
            let (x, next) = (self.law[state], self.scratch[state]);
            // A law that has lost a state to underflow says nothing.
            let ratio = if x >= f64::MIN_POSITIVE { next / x } else { f64::INFINITY };
            bounds.lower = bounds.lower.min(1.0 - ratio * (1.0 + self.unit));
            bounds.upper = bounds.upper.max(1.0 - ratio * (1.0 - self.unit));
            if x < f64::MIN_POSITIVE {
                bounds.upper = f64::INFINITY;
            }
            self.law[state] = MOVING * next + (1.0 - MOVING) * x;
        }
        let sum = sum_by(self.law.len(), |i| self.law[i]);
        self.law.iter_mut().for_each(|p| *p /= sum);
        bounds
    }

    /// Moves the observable a step, and says between what the rate lies by it.
    fn pull(&mut self) -> Pulled {
        self.operator.pull_back(&self.excess, &mut self.scratch);
        let largest = self.class.iter().map(|i| self.excess[i].abs()).fold(0.0, f64::max);
        let mut bounds = Interval { lower: f64::INFINITY, upper: 0.0 };
        let mut raw = bounds;
        let mut off: f64 = 0.0;
        let mut top = f64::NEG_INFINITY;
        for state in self.class.iter() {
            let d = self.excess[state];
            let decrease = self.leaving[state] + (d - self.scratch[state]);
            let (rate, rounding) =
                (decrease / (1.0 + d), self.unit * (self.leaving[state] + 2.0 * largest) / (1.0 + d));
            bounds = Interval {
                lower: bounds.lower.min(rate - rounding),
                upper: bounds.upper.max(rate + rounding),
            };
            raw = Interval { lower: raw.lower.min(rate), upper: raw.upper.max(rate) };
            off = off.max(rounding);
            self.scratch[state] = d - MOVING * decrease;
            top = top.max(self.scratch[state]);
        }
        for state in self.class.iter() {
            self.excess[state] = ((self.scratch[state] - top) / (1.0 + top)).max(LEAST - 1.0);
        }
        Pulled { bounds, is_all_rounding: raw.width() <= off }
    }
}

/// What an observable says of the rate.
struct Pulled {
    bounds: Interval,
    /// Whether the ratios differ by no more than rounding may have put them off.
    is_all_rounding: bool,
}
