//! Bounds from below and above, closer with every product.

use super::dirichlet::Dirichlet;
use super::{Enclosure, Interval};
use crate::operator::{Block, TransitionOperator, map_in_place, row_sum_error};
use crate::prob::extremes_by;
use crate::solve::{Observer, Progress, Stop};

/// Below this a sum of products may have lost digits to underflow, so that no
/// ratio of it is used.
pub(super) const LEAST: f64 = 1e-290;

/// Relative rounding error of the last few operations on either bound.
const LAST: f64 = 8.0 * f64::EPSILON;

/// Share of a round that moves; the rest waits, so that no period is seen.
const MOVING: f64 = 0.9;

/// Iteration from below and above for a [`Dirichlet`] problem.
///
/// Let `U` be the open states and `T` the time at which the boundary is met.
/// After k rounds,
///
/// ```text
/// x(i) = E_i[reward before min(T, k), and g(X_T) if T <= k]
/// y(i) = P_i(T > k)
/// ```
///
/// are known. With `dx` what the next round adds to `x`, and `dy` what it
/// takes from `y`, let `a` and `b` be the least and the greatest ratio `dx/dy`. Then
///
/// ```text
/// x + a y  <=  h  <=  x + b y.
/// ```
///
/// For `f = x + b y` satisfies `f - r - P f = b dy - dx >= 0` on `U`, and what
/// dominates its own expectation in this way dominates the solution, as `U` is
/// left with probability one; likewise for `a`. Since `dx` and `dy`
/// move with the same matrix, the ratios of a round are averages of those of the
/// round before: the bounds never move apart, and they meet as soon as the open
/// states have forgotten where among them they started, however long they stay
/// open. A set that is met once in 10^9 steps takes no more rounds than one
/// that is met soon.
///
/// Two-sided iterations for probabilities of passage are those of Haddad &
/// Monmege, *Interval iteration algorithm for MDPs and IMDPs*, TCS 2018, and
/// Quatmann & Katoen, *Sound value iteration*, CAV 2018, section 3, whose
/// ratios are those of the whole sums `x` and `1 - y`. The ratios of increments used here
/// are bounds of the kind of Collatz and Wielandt. A round is one of the chain that
/// moves with probability 0.9 and waits otherwise: the solution is the same, and
/// a period is no hindrance.
///
/// Rounding: `x`, `dx` and `dy` are sums of non-negative terms, right to one
/// unit a round in relative terms; `y` is known as one less such a sum. Bounds of
/// states are rounded outwards by that, and by the few operations that make them.
///
/// Underflow: a state that is left sooner than the others has `dx` and `dy` that
/// vanish beside theirs. Where both are below 1e-290 their ratio is not looked at, and the
/// inequality may fail by as much. What it fails by is collected until the
/// boundary is met, after `k / min P(T <= k)` steps on average at most (see Levin & Peres,
/// *Markov Chains and Mixing Times*, 2017, proof of lemma 1.13), and added to the bounds.
pub(super) struct Iteration<'a, O> {
    problem: &'a Dirichlet<'a, O>,
    /// `x` and `1 - y`.
    collected: Vec<f64>,
    met: Vec<f64>,
    /// `dx` and `dy`, moved together.
    steps: Block,
    rounds: usize,
    /// Relative rounding error of a round.
    unit: f64,
}

/// What a round says.
#[derive(Clone, Copy)]
struct Found {
    /// `a` and `b`, rounded outwards.
    ratios: Interval,
    /// What underflow may have hidden.
    hidden: f64,
}

/// When an iteration stops.
pub(super) struct Limits {
    pub(super) tolerance: f64,
    /// Whether the tolerance is in units of the upper bound.
    pub(super) relative: bool,
    pub(super) max_iterations: usize,
}

/// How far apart the bounds are, and how close rounding lets them come.
struct Width {
    found: f64,
    least: f64,
}

impl<'a, O: TransitionOperator> Iteration<'a, O> {
    pub(super) fn new(problem: &'a Dirichlet<'a, O>) -> Self {
        let Dirichlet { operator, open, boundary, reward } = problem;
        let n = operator.states();
        let mut steps = Block::new(n, 2, |state, column| match column {
            _ if open.contains(state) => 0.0,
            0 => boundary[state],
            _ => 1.0,
        });
        steps.pull_with(*operator, |state, column, _, pulled| match column {
            _ if !open.contains(state) => 0.0,
            0 => MOVING * (pulled + reward.of(state)),
            _ => MOVING * pulled,
        });
        Self {
            collected: vec![0.0; n],
            met: vec![0.0; n],
            steps,
            rounds: 0,
            // A product, the waiting share, an addition, and rows that may not sum
            // to one: how far off they are is itself known up to a product.
            unit: (2 * operator.longest_row() + 6) as f64 * f64::EPSILON + row_sum_error(*operator),
            problem,
        }
    }

    /// Goes on until the bounds are close enough, or come no closer.
    pub(super) fn solve(mut self, limits: &Limits, observer: &mut dyn Observer) -> (Enclosure, usize, Stop) {
        loop {
            self.round();
            let found = self.found();
            let width = self.width(found, limits.relative);
            let progress = Progress {
                stage: "bounding from below and above",
                done: self.rounds as u64,
                total: None,
                residual: Some(width.found),
            };
            let stop = if width.found <= limits.tolerance {
                Stop::Converged
            } else if observer.observe(&progress).is_break() {
                Stop::Cancelled
            } else if width.least > limits.tolerance {
                Stop::Rounding
            } else if self.rounds >= limits.max_iterations {
                Stop::MaxIterations
            } else {
                continue;
            };
            return (self.enclosure(found), self.rounds, stop);
        }
    }

    fn round(&mut self) {
        let Dirichlet { operator, open, .. } = self.problem;
        let steps = self.steps.values();
        map_in_place(&mut self.collected, |state, sum| sum + steps[2 * state]);
        map_in_place(&mut self.met, |state, sum| sum + steps[2 * state + 1]);
        self.steps.pull_with(*operator, |state, _, step, pulled| {
            let next = MOVING * pulled + (1.0 - MOVING) * step;
            if open.contains(state) { next } else { 0.0 }
        });
        self.rounds += 1;
    }

    /// The range of `dx/dy` over the open states.
    fn found(&self) -> Found {
        // The ratio as it bounds from below and from above, and the probability of having met the boundary.
        let look = |state: usize| {
            if !self.problem.open.contains(state) {
                return [f64::INFINITY, 0.0, 1.0];
            }
            let steps = &self.steps.values()[2 * state..2 * state + 2];
            let (dx, dy, met) = (steps[0], steps[1], self.met[state]);
            match dx / dy {
                _ if dx < LEAST && dy < LEAST => [f64::INFINITY, 0.0, met],
                _ if dy < LEAST => [0.0, f64::INFINITY, met],
                ratio => [ratio, ratio, met],
            }
        };
        let [(lower, _), (_, upper), (met, _)] = extremes_by(self.met.len(), look);
        let error = 2.0 * self.rounding();
        let lower = if lower.is_finite() { lower * (1.0 - error).max(0.0) } else { 0.0 };
        let meeting_time = if met >= LEAST { 2.0 * self.rounds as f64 / met } else { f64::INFINITY };
        let upper = upper * (1.0 + 2.0 * error);
        Found { ratios: Interval { lower, upper }, hidden: LEAST * meeting_time }
    }

    /// A bound on the relative error of every sum.
    fn rounding(&self) -> f64 {
        2.0 * self.rounds as f64 * self.unit
    }

    /// The bounds of an open state, rounded outwards but for the error of the rewards.
    fn bounds(&self, state: usize, Found { ratios, hidden }: Found) -> Interval {
        let (x, met, error) = (self.collected[state], self.met[state], self.rounding());
        let open = Interval {
            lower: (1.0 - met * (1.0 + error)).clamp(0.0, 1.0),
            upper: (1.0 - met * (1.0 - error)).clamp(0.0, 1.0),
        };
        // Nothing is left of what may be infinite once the boundary was met for certain.
        let rest = if open.upper > 0.0 { open.upper * ratios.upper } else { 0.0 };
        let lower = x * (1.0 - error) + open.lower * ratios.lower - hidden * ratios.lower.max(1.0);
        let upper = x * (1.0 + error) + rest + hidden;
        Interval { lower: lower.max(0.0) * (1.0 - LAST), upper: upper * (1.0 + LAST) }
    }

    fn width(&self, found: Found, relative: bool) -> Width {
        let width = |state: usize| {
            let bounds = self.bounds(state, found);
            if !self.problem.open.contains(state) || bounds.upper == 0.0 {
                return [0.0; 2];
            }
            let unit = if relative { bounds.upper } else { 1.0 };
            let width = if bounds.upper.is_finite() { bounds.width() / unit } else { f64::INFINITY };
            // The sums are off, and so is what is left open times what is still to come.
            let off = self.collected[state] + self.met[state] * found.ratios.lower;
            [width, self.rounding() * off / unit]
        };
        let [(_, found), (_, least)] = extremes_by(self.met.len(), width);
        Width { found: found.max(0.0), least: least.max(0.0) }
    }

    fn enclosure(&self, found: Found) -> Enclosure {
        let bounds: Vec<Interval> = (0..self.met.len()).map(|state| self.bounds(state, found)).collect();
        let lower = bounds.iter().map(|bounds| bounds.lower).collect();
        let upper = bounds.iter().map(|bounds| bounds.upper).collect();
        self.problem.enclosure(lower, upper, 0.0)
    }
}
