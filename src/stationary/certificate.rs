//! A proof that a small residual is a small error.

use rayon::prelude::*;

use crate::chain::Classes;
use crate::operator::{TransitionOperator, row_sum_error};
use crate::prob::sum_depth;

/// An upper bound on the mean time to reach one state per recurrent class.
///
/// Let `x` be a law on an irreducible class, `r = xP - x`, and `T` the time to
/// reach a fixed state `a`. For an observable `f` with values in `[0, 1]`, the
/// solution `g` of Poisson's equation `g - Pg = f - pi f` has
/// `g(i) - g(a) = E_i sum over t < T of (f(X_t) - pi f)`, which spans at most
/// `M = max_i E_i T` over all `i`. Since `(x - pi) f = -r g` and the entries of
/// `r` sum to zero,
///
/// ```text
/// TV(x, pi) <= M ||r||_1 / 2.
/// ```
///
/// If `delta = min_i P_i(T <= k)`, then `M <= k / delta`, since every `k` steps
/// are another chance (see Levin & Peres, *Markov Chains and Mixing Times*,
/// 2017, proof of Lemma 1.13). `P_i(T <= k)` takes `k` products: pull the
/// indicator of `a` back and set it to one at `a` after each.
pub(super) struct Certificate<'a, O> {
    operator: &'a O,
    classes: &'a Classes,
    targets: Vec<usize>,
    /// `P_i(T <= steps)` for every state.
    reached: Vec<f64>,
    scratch: Vec<f64>,
    steps: usize,
    hitting_time: f64,
    /// The bound at the last power of two of steps, and whether doubling them
    /// since improved it by less than a fifth.
    milestone: f64,
    settled: bool,
    /// How far the sum of a row is from one, at most.
    row_sum_error: f64,
}

impl<'a, O: TransitionOperator> Certificate<'a, O> {
    /// Aims at the most probable state of each recurrent class under `within_class`.
    pub(super) fn new(operator: &'a O, classes: &'a Classes, within_class: &[f64]) -> Self {
        let most_probable = |class| {
            let states = classes.members(class).iter().map(|&state| state as usize);
            states.max_by(|&a, &b| within_class[a].total_cmp(&within_class[b]).then(b.cmp(&a)))
        };
        let targets: Vec<usize> = classes.recurrent().filter_map(most_probable).collect();
        let mut reached = vec![0.0; operator.states()];
        for &target in &targets {
            reached[target] = 1.0;
        }
        let scratch = vec![0.0; operator.states()];
        let row_sum_error = row_sum_error(operator);
        Self {
            operator,
            classes,
            targets,
            reached,
            scratch,
            steps: 0,
            hitting_time: f64::INFINITY,
            milestone: f64::INFINITY,
            settled: false,
            row_sum_error,
        }
    }

    /// Looks one step further; another chance to find a better bound.
    pub(super) fn step(&mut self) {
        self.operator.pull_back(&self.reached, &mut self.scratch);
        std::mem::swap(&mut self.reached, &mut self.scratch);
        for &target in &self.targets {
            self.reached[target] = 1.0;
        }
        self.steps += 1;
        // Each product rounds by at most `unit` relatively; a lower bound must
        // not be rounded up.
        let unit = (self.operator.longest_sum() + 2) as f64 * f64::EPSILON + self.row_sum_error;
        let rounding = 1.0 - 2.0 * self.steps as f64 * unit;
        let least = self.least_reached() * rounding.max(0.0);
        if least > 0.0 {
            self.hitting_time = self.hitting_time.min(self.steps as f64 / least);
        }
        if self.steps.is_power_of_two() {
            self.settled = self.milestone.is_finite() && self.hitting_time > 0.8 * self.milestone;
            self.milestone = self.hitting_time;
        }
    }

    /// Whether more steps are unlikely to improve the bound: once the chain has
    /// had time to mix, it approaches the mean return time of the target.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Products done so far.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// A proven bound on the total variation error of a law whose computed
    /// residual is `residual`; infinite while nothing is proven.
    pub(super) fn error_bound(&self, residual: f64) -> f64 {
        // The law and the residual are added up with this relative error.
        let sums = sum_depth(self.operator.states()) as f64 * f64::EPSILON;
        0.5 * self.hitting_time * (residual * (1.0 + sums) + self.rounding_of_residual()) + sums
    }

    /// How far the computed residual may be from that of a chain whose rows
    /// sum to one exactly: every output of a product is a sum of non-negative
    /// terms, right to `longest_sum` units; the row sums are off by what was
    /// measured, with as much rounding.
    fn rounding_of_residual(&self) -> f64 {
        let product = (self.operator.longest_sum() + 4) as f64 * f64::EPSILON;
        2.0 * product + self.row_sum_error
    }

    fn least_reached(&self) -> f64 {
        let least = |class| {
            let states = self.classes.members(class).par_iter();
            states.map(|&state| self.reached[state as usize]).reduce(|| f64::INFINITY, f64::min)
        };
        self.classes.recurrent().map(least).fold(f64::INFINITY, f64::min)
    }
}
