//! Costs grow as the mathematics says: work is counted, not timed.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use lmchain::chain::{MarkovChain, Start, StateSet, States};
use lmchain::operator::{Pushed, ShiftOperator, Transition, TransitionOperator};
use lmchain::passage::{PassageMethod, PassageSolver};
use lmchain::prob::Law;
use lmchain::solve::{Progress, Stop};
use lmchain::spectrum::DominantSolver;
use lmchain::stationary::{StationaryMethod, StationarySolver};
use lmchain::text::ContextSpace;
use lmchain::topics::Topics;

use crate::support::chains::ChainSpec;

/// Counts what is asked of an operator.
struct Counted<O> {
    inner: O,
    pushes: AtomicUsize,
    pulls: AtomicUsize,
    /// Readings of the whole matrix, however many vectors are moved by one.
    readings: AtomicUsize,
    looks: AtomicUsize,
}

impl<O: TransitionOperator> TransitionOperator for Counted<O> {
    fn states(&self) -> usize {
        self.inner.states()
    }
    fn stored_entries(&self) -> usize {
        self.inner.stored_entries()
    }
    fn longest_sum(&self) -> usize {
        self.inner.longest_sum()
    }
    fn push_forward(&self, law: &[f64], next: &mut [f64]) {
        self.pushes.fetch_add(1, Relaxed);
        self.readings.fetch_add(1, Relaxed);
        self.inner.push_forward(law, next);
    }
    fn sweep_forward(&self, law: &[f64], next: &mut [f64]) -> Option<Pushed> {
        let swept = self.inner.sweep_forward(law, next);
        self.pushes.fetch_add(usize::from(swept.is_some()), Relaxed);
        self.readings.fetch_add(usize::from(swept.is_some()), Relaxed);
        swept
    }
    fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
        self.pulls.fetch_add(1, Relaxed);
        self.readings.fetch_add(1, Relaxed);
        self.inner.pull_back(observable, expected);
    }
    fn push_block(&self, laws: &[f64], next: &mut [f64], columns: usize) {
        self.pushes.fetch_add(columns, Relaxed);
        self.readings.fetch_add(1, Relaxed);
        self.inner.push_block(laws, next, columns);
    }
    fn pull_block(&self, observables: &[f64], expected: &mut [f64], columns: usize) {
        self.pulls.fetch_add(columns, Relaxed);
        self.readings.fetch_add(1, Relaxed);
        self.inner.pull_block(observables, expected, columns);
    }
    fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
        self.looks.fetch_add(1, Relaxed);
        self.inner.next_successor(state, cursor)
    }
    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
        self.inner.next_predecessor(state, cursor)
    }
    fn probability(&self, from: usize, to: usize) -> f64 {
        self.inner.probability(from, to)
    }
    fn is_evidently_shift(&self) -> bool {
        self.inner.is_evidently_shift()
    }
}

fn counted(v: usize, k: usize) -> MarkovChain<Counted<ShiftOperator>> {
    counted_chain(ContextSpace::new(v, k).unwrap(), &ChainSpec::soft(v, k as u32))
}

fn counted_chain(space: ContextSpace, spec: &ChainSpec) -> MarkovChain<Counted<ShiftOperator>> {
    let inner = ShiftOperator::new(space, spec.table()).unwrap();
    let zero = || AtomicUsize::new(0);
    let operator = Counted { inner, pushes: zero(), pulls: zero(), readings: zero(), looks: zero() };
    MarkovChain::new(operator, States::contexts(space, None))
}

fn pushes(chain: &MarkovChain<Counted<ShiftOperator>>) -> usize {
    chain.operator().pushes.swap(0, Relaxed)
}

#[test]
fn classes_look_at_every_transition_a_fixed_number_of_times() {
    // The last of these is searched from a state where a walk of 1,024 steps has led.
    for (v, k, walk) in [(2, 4, 0), (2, 12, 0), (5, 3, 0), (27, 2, 0), (27, 3, 0), (2, 17, 1024)] {
        let chain = counted(v, k);
        chain.classes();
        // Once to find the classes, once for closure, once for the period; and
        // once a state for the end of its row each time.
        let looks = chain.operator().looks.load(Relaxed);
        let most = 3 * (chain.operator().stored_entries() + chain.len()) + walk * (v + 1);
        assert!(looks <= most, "{v}^{k}: {looks} looks, at most {most}");
    }
}

#[test]
fn tables_to_walk_with_look_at_every_transition_twice() {
    for (v, k) in [(2, 12), (27, 2)] {
        let chain = counted(v, k);
        let walker = chain.walker().unwrap();
        // Once to count, once to write; and once a state for the end of its row each time.
        let looks = |chain: &MarkovChain<Counted<ShiftOperator>>| chain.operator().looks.load(Relaxed);
        let tabulated = looks(&chain);
        assert_eq!(tabulated, 2 * (chain.operator().stored_entries() + chain.len()));
        walker.ensemble(Start::State(0), 50, 100, 1).unwrap();
        assert_eq!(looks(&chain), tabulated, "walking looks at tables only");
    }
}

#[test]
fn an_iteration_reads_the_table_once() {
    // In one group of states there are no sweeps; in two, sweeps that give way to likely
    // paths, whose last law has no product yet; and sweeps to the end.
    let specs = [
        (9, 4, ChainSpec::soft(9, 4), 0),
        (9, 5, ChainSpec::peaky4(9, 5), 1),
        (9, 5, ChainSpec::soft(9, 5), 0),
        (40, 3, ChainSpec::soft(40, 3), 0),
    ];
    for (v, k, spec, beyond) in specs {
        let chain = counted_chain(ContextSpace::new(v, k).unwrap(), &spec);
        let solver = StationarySolver::new().error_tolerance(None);
        let iterations = |method, beyond| {
            let outcome = solver.clone().method(method).solve(&chain).unwrap();
            assert!(outcome.is_converged());
            let (iterations, pushes) = (outcome.report().iterations, pushes(&chain));
            // Before the first, to know its residual; after the last, as a law of sum one.
            assert_eq!(pushes, iterations + 2 + beyond, "{}, {method:?}", spec.id());
            iterations
        };
        let auto = iterations(StationaryMethod::Auto, beyond);
        let power = iterations(StationaryMethod::Power, 0);
        assert!(auto < power, "{}: {auto} and {power}", spec.id());
    }
}

#[test]
fn contexts_correct_sweeps_without_a_look_at_transitions() {
    for spec in [ChainSpec::soft(9, 5), ChainSpec::meta2(9, 5)] {
        let chain = counted_chain(ContextSpace::new(9, 5).unwrap(), &spec);
        chain.classes();
        chain.operator().looks.store(0, Relaxed);
        let outcome = StationarySolver::new().error_tolerance(None).solve(&chain).unwrap();
        assert!(outcome.is_converged());
        // Power iteration takes thousands on two topics; likely paths would look at every transition.
        assert!(outcome.report().iterations < 30, "{}: {}", spec.id(), outcome.report());
        assert_eq!(chain.operator().looks.load(Relaxed), 0, "{}", spec.id());
    }
}

#[test]
fn curves_take_one_product_a_step() {
    let chain = counted(5, 3);
    let law = chain.stationary().unwrap().converged().unwrap();
    pushes(&chain);
    chain.distance_curve(Start::State(0), &law, 17).unwrap();
    assert_eq!(pushes(&chain), 17);
    chain.worst_distance_curve(&law, 3).unwrap();
    assert_eq!(pushes(&chain), 3 * chain.len());
    chain.mutual_information(&law, &[1, 4, 9]).unwrap();
    assert_eq!(pushes(&chain), 9 * 5);
    let topics = Topics::by_token(chain.states(), ["even", "odd"], |token| token as usize % 2).unwrap();
    chain.topic_curve(&topics, Start::State(0), 17).unwrap();
    assert_eq!(pushes(&chain), 17);
    chain.sojourn(&topics, 0, &law, 17).unwrap();
    assert_eq!(pushes(&chain), 18);
}

#[test]
fn sixteen_vectors_are_moved_by_one_reading_of_the_table() {
    let chain = counted(27, 2);
    let law = chain.stationary().unwrap().converged().unwrap();
    let readings = || chain.operator().readings.swap(0, Relaxed);
    readings();
    let starts: Vec<usize> = (0..64).map(|start| 11 * start).collect();
    chain.worst_distance_curve_over(&starts, &law, 12).unwrap();
    assert_eq!(readings(), 12 * 64 / 16);
    chain.worst_distance_curve(&law, 2).unwrap();
    assert_eq!(readings(), 2 * (27 * 27usize).div_ceil(16));
    // 27 tokens: 16 and 11.
    chain.mutual_information(&law, &[1, 4, 9]).unwrap();
    assert_eq!(readings(), 9 * 2);
    chain.prompt_information(&Law::uniform(chain.len()), 3).unwrap();
    assert_eq!(readings(), 3 + 3 * (27 * 27usize).div_ceil(16));
    let topics = Topics::by_token(chain.states(), ["a", "b", "c"], |token| token as usize % 3).unwrap();
    chain.topic_flow(&topics, &law);
    assert_eq!(readings(), 1);
    chain.lumped(&topics, &law).unwrap();
    assert_eq!(readings(), 2);
    chain.chapman_kolmogorov(&topics, &law, 5).unwrap();
    assert_eq!(readings(), 1 + 5);
    let memberships = lmchain::topics::Memberships::of_topics(&topics);
    chain.coarse_grained(&law, &memberships, 4).unwrap();
    assert_eq!(readings(), 4);
}

#[test]
fn power_iteration_takes_the_products_it_reports() {
    let chain = counted(27, 2);
    let solver = StationarySolver::new().method(StationaryMethod::Power);
    let outcome = solver.solve(&chain).unwrap();
    let iterations = outcome.report().iterations;
    // One product an iteration, one for the last residual, and one each time
    // the residual was computed afresh before a claim.
    let products = pushes(&chain);
    assert!((iterations + 1..=iterations + 4).contains(&products), "{products} for {iterations}");
    // The proof may cost as much as the iteration did, and one product for the row sums.
    assert!(chain.operator().pulls.load(Relaxed) <= iterations + 1);
    assert_eq!(outcome.report().stop, Stop::Converged);
}

#[test]
fn bounds_of_passage_take_two_products_a_round_however_rare_the_target() {
    let solver = PassageSolver::new().method(PassageMethod::Iteration).tolerance(1e-6);
    let mut rounds = Vec::new();
    for rare in [27, 27 * 27, 27 * 27 * 27] {
        let chain = counted(27, 3);
        let target = StateSet::by_state(chain.len(), |state| state % rare == 5);
        let outcome = solver.times(&chain, &target).unwrap();
        let iterations = outcome.report().iterations;
        // Mean and mean square, each with a first step of two products and the row sums;
        // the two products of a round read the table once.
        assert_eq!(chain.operator().pulls.load(Relaxed), 2 * iterations + 2 * 3);
        assert_eq!(chain.operator().readings.load(Relaxed), iterations + 2 * 2);
        assert_eq!(chain.operator().pushes.load(Relaxed), 0);
        rounds.push(iterations);
        outcome.converged().unwrap();
    }
    // 27, 729 and 19,683 steps on average; the rounds grow with the time to mix, not with these.
    assert!(rounds[2] < 2 * rounds[0], "{rounds:?}");
}

#[test]
fn the_observer_sees_every_iteration_and_can_stop() {
    let chain = counted(27, 2);
    let mut seen = Vec::new();
    let mut watch = |progress: &Progress| {
        seen.push((progress.stage, progress.done));
        if progress.done < 3 { std::ops::ControlFlow::Continue(()) } else { std::ops::ControlFlow::Break(()) }
    };
    let solver = StationarySolver::new().method(StationaryMethod::Power);
    let outcome = solver.solve_watched(&chain, &mut watch).unwrap();
    assert_eq!(outcome.report().stop, Stop::Cancelled);
    assert!(!outcome.is_converged());
    assert_eq!(seen, [0, 1, 2, 3].map(|done| ("stationary law", done)));
    // What there is by then is a law all the same.
    assert!((outcome.into_value().law(0).iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

/// A cycle through ten million states, with a tail that leads into it.
struct LongCycle {
    states: usize,
    tail: usize,
}

impl TransitionOperator for LongCycle {
    fn states(&self) -> usize {
        self.states
    }
    fn stored_entries(&self) -> usize {
        self.states
    }
    fn longest_sum(&self) -> usize {
        2
    }
    fn push_forward(&self, _: &[f64], _: &mut [f64]) {
        unreachable!("classes are found without products")
    }
    fn pull_back(&self, _: &[f64], _: &mut [f64]) {
        unreachable!("classes are found without products")
    }
    fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
        let next = if state + 1 == self.states { self.tail } else { state + 1 };
        (cursor == 0).then_some(Transition { state: next, probability: 1.0, cursor: 1 })
    }
    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
        let last = (state == self.tail).then_some(self.states - 1);
        let before = state.checked_sub(1).into_iter().chain(last).nth(cursor)?;
        Some(Transition { state: before, probability: 1.0, cursor: cursor + 1 })
    }
    fn probability(&self, _: usize, _: usize) -> f64 {
        unreachable!("classes are found by arcs")
    }
}

#[test]
fn classes_are_found_among_ten_million_states() {
    let (states, tail) = (10_000_000, 10);
    let chain = MarkovChain::new(LongCycle { states, tail }, States::numbered(states));
    let classes = chain.classes();
    assert_eq!(classes.count(), tail + 1);
    let cycle = classes.recurrent().next().unwrap();
    assert_eq!((classes.recurrent_count(), classes.members(cycle).len()), (1, states - tail));
    assert_eq!(classes.period(cycle), states - tail);
    assert_eq!(classes.period(0), 0);
}

#[test]
fn exact_answers_that_cost_too_much_are_refused() {
    let chain = counted(27, 3);
    let law = Law::uniform(chain.len());
    let refused = chain.worst_distance_curve(&law, 1_000_000);
    assert!(matches!(refused, Err(lmchain::Error::TooExpensive { .. })));
    let gth = StationarySolver::new().method(StationaryMethod::Gth).solve(&chain);
    assert!(matches!(gth, Err(lmchain::Error::TooExpensive { .. })));
    assert_eq!(pushes(&chain), 0);
}

#[test]
fn dominant_eigenvalues_take_as_many_products_however_many_states_there_are() {
    let mut products = Vec::new();
    for k in [9, 11, 13] {
        let chain = counted(2, k);
        let outcome = DominantSolver::new(3).solve(&chain, &Law::uniform(chain.len())).unwrap();
        assert!(outcome.is_converged());
        let pulls = chain.operator().pulls.swap(0, Relaxed);
        assert_eq!(outcome.report().iterations, pulls, "every product is reported");
        assert_eq!(pushes(&chain), 0);
        products.push(pulls);
    }
    // Two bases of some 80 vectors and two washings of 64 at least; no more
    // than a few restarts more where there are sixteen times as many states.
    assert!(products.iter().all(|&pulls| pulls < 1000), "{products:?}");
}
