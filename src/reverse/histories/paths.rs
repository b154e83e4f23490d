//! Weighted paths that end in a set, and the messages that sum over them.

use rayon::prelude::*;

use super::logarithms::{CompensatedSum, LogSum, largest};
use crate::chain::StateSet;
use crate::operator::{Transition, TransitionOperator, map_in_place, predecessors, successors};
use crate::parallel::{ROWS_A_PART, fill_by};
use crate::prob::{extremes_by, sum_by};

/// A product below this is computed again from its logarithms: what its terms
/// lose to underflow, at most 2^-1074 each, might be more than an `eps` of it.
const SMALL: f64 = 1e-290;

/// The paths whose weight is `start(x_0) keep^T P(x_0, x_1) ... P(x_{T-1}, x_T)`.
#[derive(Debug, Clone)]
pub(super) struct Paths<'a, O> {
    pub(super) operator: &'a O,
    /// Natural logarithms of the weights of first states.
    pub(super) start: Vec<f64>,
    /// Natural logarithm of the factor that every step takes.
    pub(super) keep: f64,
    /// States that only the first state of a path may be in.
    pub(super) barred: Option<StateSet>,
    /// Where paths end.
    pub(super) ends: StateSet,
    /// Whether a path ends at its first visit to `ends`.
    pub(super) first_visit: bool,
}

/// Which way a message moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// The weights of the paths so far, by their last state.
    Forward,
    /// The weights of the ways to an end, by their first state.
    Backward,
}

/// Weights of states after some steps: `e^(scale + log)`, the largest log 0
/// unless all are `-inf`. Only ratios are held in `logs`, so that a hundred
/// thousand steps cost no digits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    pub(super) logs: Vec<f64>,
    pub(super) scale: CompensatedSum,
    /// What the last step added to the scale.
    pub(super) shift: f64,
}

impl Message {
    pub(super) fn new(logs: Vec<f64>) -> Self {
        let mut message = Self { logs, scale: CompensatedSum::default(), shift: 0.0 };
        message.rescale(CompensatedSum::default(), 0.0);
        message
    }

    /// Bytes that a message over so many states takes.
    pub(super) fn bytes(states: usize) -> u128 {
        (states * size_of::<f64>() + size_of::<Self>()) as u128
    }

    /// The logarithm of the weight of some states together.
    pub(super) fn ln_sum(&self, states: impl IntoIterator<Item = usize>) -> f64 {
        self.scale.value() + LogSum::of(states.into_iter().map(|state| self.logs[state])).ln()
    }

    /// The logarithm of the weight of all states together.
    pub(super) fn ln_total(&self) -> f64 {
        self.scale.value() + sum_by(self.logs.len(), |state| self.logs[state].exp()).ln()
    }

    /// Adds the weights to others, whose logarithms are given.
    pub(super) fn add_to(&self, sums: &mut [f64]) {
        let scale = self.scale.value();
        map_in_place(sums, |state, sum| {
            let weight = self.logs[state] + scale;
            let (less, more) = if weight < sum { (weight, sum) } else { (sum, weight) };
            if less > f64::NEG_INFINITY { more + (less - more).exp().ln_1p() } else { more }
        });
    }

    /// Moves the largest logarithm into the scale, on top of a scale before and a shift.
    fn rescale(&mut self, before: CompensatedSum, shift: f64) {
        let top = largest(&self.logs);
        self.shift = shift + top;
        if !self.shift.is_finite() {
            self.logs.fill(f64::NEG_INFINITY);
            self.shift = 0.0;
        } else if top != 0.0 {
            map_in_place(&mut self.logs, |_, log| log - top);
        }
        self.scale = before.plus(self.shift);
    }
}

impl<O: TransitionOperator> Paths<'_, O> {
    /// Whether a path may go on from a state.
    pub(super) fn may_leave(&self, state: usize) -> bool {
        !(self.first_visit && self.ends.contains(state))
    }

    /// Whether a step may lead to a state.
    pub(super) fn may_enter(&self, state: usize) -> bool {
        self.barred.as_ref().is_none_or(|barred| !barred.contains(state))
    }

    /// The weights of paths without a step, by the state they are in.
    pub(super) fn first(&self) -> Message {
        Message::new(self.start.clone())
    }

    /// The weights of the steps into a state from those of the states left,
    /// as logarithms; those of weight zero are left out.
    pub(super) fn arrivals<'m>(
        &'m self,
        logs: &'m [f64],
        state: usize,
    ) -> impl Iterator<Item = (Transition, f64)> + 'm {
        let weigh = move |from: Transition| (from, logs[from.state] + from.probability.ln());
        let possible =
            move |from: &Transition| logs[from.state] > f64::NEG_INFINITY && self.may_leave(from.state);
        predecessors(self.operator, state).filter(possible).map(weigh)
    }

    /// Whether a step one way may set out from a state.
    fn may_depart(&self, direction: Direction, state: usize) -> bool {
        match direction {
            Direction::Forward => self.may_leave(state),
            Direction::Backward => self.may_enter(state),
        }
    }

    /// Whether a step one way may come to a state.
    fn may_arrive(&self, direction: Direction, state: usize) -> bool {
        match direction {
            Direction::Forward => self.may_enter(state),
            Direction::Backward => self.may_leave(state),
        }
    }

    fn product(&self, direction: Direction, input: &[f64], output: &mut [f64]) {
        match direction {
            Direction::Forward => self.operator.push_forward(input, output),
            Direction::Backward => self.operator.pull_back(input, output),
        }
    }

    /// One output of a product, from the logarithms of its terms.
    fn ln_output(&self, direction: Direction, logs: &[f64], state: usize) -> f64 {
        let possible = |to: &Transition| logs[to.state] > f64::NEG_INFINITY && self.may_enter(to.state);
        match direction {
            Direction::Forward => LogSum::of(self.arrivals(logs, state).map(|(_, log)| log)),
            Direction::Backward => LogSum::of(
                successors(self.operator, state)
                    .filter(possible)
                    .map(|to| logs[to.state] + to.probability.ln()),
            ),
        }
        .ln()
    }

    /// The natural logarithm of the weight of a path.
    pub(super) fn ln_weight(&self, path: &[usize]) -> f64 {
        let step = |pair: &[usize]| self.operator.probability(pair[0], pair[1]).ln() + self.keep;
        CompensatedSum::of(path.windows(2).map(step)).plus(self.start[path[0]]).value()
    }
}

/// Moves messages one step on; keeps the vectors of a product from step to step.
pub(super) struct Stepper<'p, 'a, O> {
    paths: &'p Paths<'a, O>,
    weights: Vec<f64>,
    product: Vec<f64>,
    /// The product of the support of the weights; made when a product has zeros.
    reached: Vec<f64>,
}

impl<'p, 'a, O: TransitionOperator> Stepper<'p, 'a, O> {
    pub(super) fn new(paths: &'p Paths<'a, O>) -> Self {
        let n = paths.start.len();
        Self { paths, weights: vec![0.0; n], product: vec![0.0; n], reached: Vec::new() }
    }

    /// Adds up the weights of all ways one step further: one product of the
    /// weights in units of the largest. An output that is too small to be
    /// trusted is added up again from the logarithms of its terms.
    pub(super) fn sum(&mut self, direction: Direction, message: &Message, next: &mut Message) {
        let (paths, logs) = (self.paths, &message.logs);
        let top = self.load(direction, logs);
        paths.product(direction, &self.weights, &mut self.product);
        self.finish(direction, message, next, top, |state| paths.ln_output(direction, logs, state));
    }

    /// The weight of the best path into each state, instead of that of all
    /// together: the largest terms of a product. One that is too small to be
    /// trusted is looked for again among the logarithms.
    pub(super) fn best(&mut self, message: &Message, next: &mut Message) {
        let (paths, logs) = (self.paths, &message.logs);
        let top = self.load(Direction::Forward, logs);
        paths.operator.push_largest(&self.weights, &mut self.product);
        self.finish(Direction::Forward, message, next, top, |state| {
            paths.arrivals(logs, state).map(|(_, log)| log).fold(f64::NEG_INFINITY, f64::max)
        });
    }

    /// Writes the logarithms of a product's outputs, each that is too small to
    /// be trusted as `exact` finds it.
    fn finish(
        &mut self,
        direction: Direction,
        message: &Message,
        next: &mut Message,
        top: f64,
        exact: impl Fn(usize) -> f64 + Sync,
    ) {
        let paths = self.paths;
        let wanted = |state: usize| paths.may_arrive(direction, state);
        let outputs = self.product.par_iter().with_min_len(1 << 12).enumerate();
        if outputs.map(|(state, &output)| output == 0.0 && wanted(state)).any(|zero| zero) {
            self.mark_reached(direction, &message.logs);
        }
        let (product, reached) = (&self.product, &self.reached);
        fill_by(&mut next.logs, ROWS_A_PART, |state| {
            let output = product[state];
            if !wanted(state) || (output == 0.0 && reached[state] == 0.0) {
                f64::NEG_INFINITY
            } else if output >= SMALL {
                output.ln()
            } else {
                exact(state) - top
            }
        });
        next.rescale(message.scale, top + paths.keep);
    }

    /// Writes the weights that a step sets out from in units of the largest,
    /// whose logarithm is returned.
    fn load(&mut self, direction: Direction, logs: &[f64]) -> f64 {
        let paths = self.paths;
        let masked = |state: usize| {
            if paths.may_depart(direction, state) { logs[state] } else { f64::NEG_INFINITY }
        };
        let [(_, top)] = extremes_by(logs.len(), |state| [masked(state)]);
        let unit = if top == f64::NEG_INFINITY { 0.0 } else { top };
        map_in_place(&mut self.weights, |state, _| (masked(state) - unit).exp());
        unit
    }

    /// Tells outputs without a term from those whose terms underflowed: the
    /// product of the support alone, which cannot underflow, is zero for the former.
    fn mark_reached(&mut self, direction: Direction, logs: &[f64]) {
        let paths = self.paths;
        let inside = |state: usize| paths.may_depart(direction, state) && logs[state] > f64::NEG_INFINITY;
        map_in_place(&mut self.weights, |state, _| f64::from(u8::from(inside(state))));
        self.reached.resize(logs.len(), 0.0);
        paths.product(direction, &self.weights, &mut self.reached);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::SparseOperator;

    const NONE: f64 = f64::NEG_INFINITY;

    /// 0 -> {0, 1}, 1 -> {2, 3}, 2 -> 3, 3 -> 3, started in 0 or, with weight `e^-1000`, in 1.
    fn paths(
        operator: &SparseOperator,
        barred: Option<StateSet>,
        first_visit: bool,
    ) -> Paths<'_, SparseOperator> {
        let start = vec![0.0, -1000.0, NONE, NONE];
        let ends = StateSet::of(4, [1, 3]).unwrap();
        Paths { operator, start, keep: 0.0, barred, ends, first_visit }
    }

    fn operator() -> SparseOperator {
        let rows = vec![(0, 0, 0.5), (0, 1, 0.5), (1, 2, 0.25), (1, 3, 0.75), (2, 3, 1.0), (3, 3, 1.0)];
        SparseOperator::from_triplets(4, rows).unwrap()
    }

    fn absolute(message: &Message) -> Vec<f64> {
        message.logs.iter().map(|log| log + message.scale.value()).collect()
    }

    fn forward(paths: &Paths<'_, SparseOperator>) -> [Vec<f64>; 2] {
        let (first, mut stepper) = (paths.first(), Stepper::new(paths));
        let (mut total, mut best) = (first.clone(), first.clone());
        stepper.sum(Direction::Forward, &first, &mut total);
        stepper.best(&first, &mut best);
        [absolute(&total), absolute(&best)]
    }

    fn assert_near(found: &[f64], expected: &[f64]) {
        for (f, e) in found.iter().zip(expected) {
            // Numbers up to 1001 that are rounded a few times.
            assert!(f == e || (f - e).abs() <= 4.0 * 1001.0 * f64::EPSILON, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn outputs_that_underflow_are_added_up_from_their_logarithms() {
        let operator = operator();
        let half = 0.5f64.ln();
        let expected = [half, half, -1000.0 + 0.25f64.ln(), -1000.0 + 0.75f64.ln()];
        for found in forward(&paths(&operator, None, false)) {
            assert_near(&found, &expected);
        }
        let free = paths(&operator, None, false);
        let message = Message::new(vec![-1000.0, -1000.0, NONE, 0.0]);
        let mut before = message.clone();
        Stepper::new(&free).sum(Direction::Backward, &message, &mut before);
        assert_near(&absolute(&before), &[-1000.0, 0.75f64.ln(), 0.0, 0.0]);
    }

    #[test]
    fn paths_end_at_a_first_visit_and_do_not_enter_what_is_barred() {
        let operator = operator();
        let half = 0.5f64.ln();
        for found in forward(&paths(&operator, None, true)) {
            assert_near(&found, &[half, half, NONE, NONE]);
        }
        let barred = StateSet::of(4, [0, 2]).ok();
        for found in forward(&paths(&operator, barred, false)) {
            assert_near(&found, &[NONE, half, NONE, -1000.0 + 0.75f64.ln()]);
        }
    }

    #[test]
    fn weights_of_messages_are_added_up() {
        let message = Message::new(vec![3.0 - 800.0, -800.0, NONE, 2.0 - 800.0]);
        let sum = (1.0 + 2f64.exp() + 3f64.exp()).ln() - 800.0;
        assert_near(&[message.ln_total(), message.ln_sum([1]), message.ln_sum([2])], &[sum, -800.0, NONE]);
        let mut sums = vec![-800.0, NONE, NONE, -2000.0];
        message.add_to(&mut sums);
        assert_near(&sums, &[3f64.exp().ln_1p() - 800.0, -800.0, NONE, 2.0 - 800.0]);
    }
}
