//! A proof that a small residual is a small error.

use rayon::prelude::*;

use std::io;

use super::steps::{Anderson, DAMPED, DEPTH, Means};
use super::tape::{Tape, impossible};
use crate::chain::Classes;
use crate::operator::{TransitionOperator, map_in_place, row_sum_error};
use crate::prob::{extremes_by, sum_by, sum_depth};

/// Steps over which a solution that proves nothing yet has to come nearer. Else it is begun anew
/// with fewer means: together they may lead round in circles on a chain where each alone arrives.
const PATIENCE: usize = 24;

/// The share of what was left that may be left after them.
const NEARER: f64 = 0.5;

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
/// Any `h` with `h(a) = 0` and `h - Ph >= delta > 0` elsewhere proves
/// `E_i T <= h(i) / delta`: along the chain `h` falls by `delta` a step on
/// average until it is zero (Foster 1953; Levin & Peres, *Markov Chains and
/// Mixing Times*, 2017, section 17.1). One product checks it, whatever `h` is
/// made of. Here it is made of an approximate solution of Poisson's equation for
/// the state `a` itself, `g - Pg = 1_a - pi(a)`: of that `h = g(a) - g` would
/// fall by `pi(a)` everywhere.
pub(super) struct Certificate<'a, O> {
    operator: &'a O,
    classes: &'a Classes,
    targets: Vec<usize>,
    /// The approximate solution `g`.
    solution: Vec<f64>,
    /// `1_a + Pg - g`: a constant, once it is solved.
    left: Vec<f64>,
    extrapolation: Anderson,
    steps: usize,
    /// The kinds of means that it was given, and how often it was begun anew with fewer of them.
    kinds: usize,
    restarts: usize,
    /// How far what is left was from a constant when last looked at.
    spread: f64,
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
            let states = classes.members(class).par_iter().map(|&state| state as usize);
            states.max_by(|&a, &b| within_class[a].total_cmp(&within_class[b]).then(b.cmp(&a)))
        };
        let targets: Vec<usize> = classes.recurrent().filter_map(most_probable).collect();
        let mut certificate = Self {
            operator,
            classes,
            targets,
            solution: vec![0.0; operator.states()],
            left: vec![0.0; operator.states()],
            extrapolation: Anderson::new(DEPTH),
            steps: 0,
            kinds: 0,
            restarts: 0,
            spread: f64::INFINITY,
            hitting_time: f64::INFINITY,
            milestone: f64::INFINITY,
            settled: false,
            row_sum_error: row_sum_error(operator),
        };
        certificate.add_targets();
        certificate
    }

    /// Starts from nothing again, of which the targets are left.
    fn begin_anew(&mut self) {
        self.solution.fill(0.0);
        self.left.fill(0.0);
        self.add_targets();
        self.extrapolation.forget();
        self.spread = f64::INFINITY;
    }

    fn add_targets(&mut self) {
        for &target in &self.targets {
            self.left[target] += 1.0;
        }
    }

    /// Passes everything that it goes on from.
    pub(super) fn persist(&mut self, tape: &mut Tape<'_>) -> io::Result<()> {
        let states = self.operator.states();
        for target in &mut self.targets {
            tape.count(target)?;
            if *target >= states {
                return Err(impossible());
            }
        }
        tape.vector(&mut self.solution, states)?;
        tape.vector(&mut self.left, states)?;
        self.extrapolation.persist(states, tape)?;
        tape.count(&mut self.steps)?;
        tape.count(&mut self.kinds)?;
        tape.count(&mut self.restarts)?;
        tape.float(&mut self.spread)?;
        tape.float(&mut self.hitting_time)?;
        tape.float(&mut self.milestone)?;
        tape.flag(&mut self.settled)
    }

    /// Improves the solution, by what the steps of the iteration for the law
    /// make use of, and checks what it proves. One product.
    pub(super) fn step(&mut self, law: &[f64], means: Means<'_>) {
        let means = self.chosen(means);
        self.improve(law, means);
        self.operator.pull_back(&self.solution, &mut self.left);
        let solution = &self.solution;
        map_in_place(&mut self.left, |state, after| after - solution[state]);
        self.hitting_time = self.hitting_time.min(self.proven());
        self.add_targets();
        self.steps += 1;
        if self.steps.is_power_of_two() {
            self.settled = self.milestone.is_finite() && self.hitting_time > 0.8 * self.milestone;
            self.milestone = self.hitting_time;
        }
    }

    /// The means to go on with: those that are given, or fewer, with which it is begun anew
    /// where nothing is proven and what is left has not become half of what it was.
    fn chosen<'m>(&mut self, given: Means<'m>) -> Means<'m> {
        if given.kinds() != self.kinds {
            (self.kinds, self.restarts, self.spread) = (given.kinds(), 0, f64::INFINITY);
        }
        let means = (0..self.restarts).fold(given, |means, _| means.fewer().unwrap_or(means));
        if self.hitting_time.is_finite() || self.steps == 0 || !self.steps.is_multiple_of(PATIENCE) {
            return means;
        }
        let spread = self.classes.recurrent().map(|class| self.spread_in(class)).fold(0.0, f64::max);
        let has_come_nearer = spread <= NEARER * self.spread;
        self.spread = spread;
        match means.fewer() {
            Some(fewer) if !has_come_nearer => {
                self.restarts += 1;
                self.begin_anew();
                fewer
            }
            _ => means,
        }
    }

    /// The difference of the most and the least that is left in a class.
    fn spread_in(&self, class: usize) -> f64 {
        let states = self.classes.members(class);
        let [(least, most)] = extremes_by(states.len(), |i| [self.left[states[i] as usize]]);
        most - least
    }

    /// Adds to the solution what is left, but for its mean: as it is, or summed
    /// along likely paths, with what shorter contexts and sets tell.
    fn improve(&mut self, law: &[f64], means: Means<'_>) {
        let of_classes = self.means_of_left(law);
        let classes = self.classes;
        // What is left less the mean of its class; nothing where no class stays.
        let centered =
            |state: usize, left: f64| of_classes[classes.class_of(state)].map_or(0.0, |mean| left - mean);
        map_in_place(&mut self.left, centered);
        // One after the other, each on what the others left; extrapolation takes
        // them together, since its steps must all be of one kind.
        let means = if means.extrapolate { means } else { means.in_turn(self.steps) };
        let before = means.extrapolate.then(|| self.solution.clone());
        match means.paths {
            None => add(&mut self.solution, 1.0, &self.left),
            Some(paths) => {
                let mut change = self.left.clone();
                paths.sum_along(&mut change);
                add(&mut self.solution, if means.damped { DAMPED } else { 1.0 }, &change);
            }
        }
        // A step alone must not count twice what is left. Extrapolation weighs what it is
        // given, and was seen to stand still on the chain of a text without these means.
        for coarse in means.aggregations() {
            match means.extrapolate {
                true => coarse.add_solution(law, &self.left, &mut self.solution),
                false => coarse.add_beyond(law, &self.left, &mut self.solution),
            }
        }
        if let Some(before) = before {
            self.extrapolation.extrapolate(&before, &mut self.solution);
        }
    }

    /// The mean of what is left in every recurrent class.
    fn means_of_left(&self, law: &[f64]) -> Vec<Option<f64>> {
        let mean = |class| {
            let states = self.classes.members(class);
            let term = |i: usize| law[states[i] as usize] * self.left[states[i] as usize];
            self.classes.is_recurrent(class).then(|| sum_by(states.len(), term))
        };
        (0..self.classes.count()).map(mean).collect()
    }

    /// The bound on the mean time that the solution proves, given in `left` what
    /// `Pg - g` is.
    fn proven(&self) -> f64 {
        let of_class = |(class, &target): (usize, &usize)| {
            let states = self.classes.members(class);
            // The least and the largest value, and the least fall elsewhere than in the target.
            let [(least, most), (fall, _)] = extremes_by(states.len(), |i| {
                let state = states[i] as usize;
                [self.solution[state], if state == target { f64::INFINITY } else { self.left[state] }]
            });
            // A product of terms of this size rounds by at most this, the difference once more.
            let unit = (self.operator.longest_sum() + 4) as f64 * f64::EPSILON + self.row_sum_error;
            let rounding = unit * least.abs().max(most.abs());
            let falls = fall - rounding;
            let longest = (self.solution[target] - least) * (1.0 + 4.0 * f64::EPSILON);
            if falls > 0.0 { longest / falls } else { f64::INFINITY }
        };
        // A class of one state is there at once.
        self.classes.recurrent().zip(&self.targets).map(of_class).fold(1.0, f64::max)
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
}

/// Adds a share of a change to values.
fn add(values: &mut [f64], share: f64, change: &[f64]) {
    map_in_place(values, |state, value| value + share * change[state]);
}
