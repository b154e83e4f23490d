//! Bounds hold what they enclose, to the last digit, also where numbers are tiny or chains awkward.

use lmchain::Error;
use lmchain::chain::{MarkovChain, Start, StateSet, States};
use lmchain::operator::{Restart, SparseOperator, TransitionOperator};
use lmchain::passage::{EscapeSolver, PassageMethod, PassageSolver};
use lmchain::prob::Law;
use lmchain::solve::Stop;
use proptest::prelude::*;

const METHODS: [PassageMethod; 3] =
    [PassageMethod::Auto, PassageMethod::Iteration, PassageMethod::Elimination];

fn chain(states: usize, arcs: &[(u32, u32, f64)]) -> MarkovChain<SparseOperator> {
    MarkovChain::new(SparseOperator::from_triplets(states, arcs.to_vec()).unwrap(), States::numbered(states))
}

fn of(states: usize, members: &[usize]) -> StateSet {
    StateSet::of(states, members.iter().copied()).unwrap()
}

/// A fraction of integers that fit.
#[derive(Debug, Clone, Copy)]
struct Fraction(i128, i128);

impl Fraction {
    fn new(numerator: i128, denominator: i128) -> Self {
        let (mut a, mut b) = (numerator.abs(), denominator.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let sign = if denominator < 0 { -1 } else { 1 };
        Self(sign * numerator / a.max(1), sign * denominator / a.max(1))
    }

    fn minus(self, other: Self) -> Self {
        Self::new(self.0 * other.1 - other.0 * self.1, self.1 * other.1)
    }

    fn times(self, other: Self) -> Self {
        Self::new(self.0 * other.0, self.1 * other.1)
    }

    fn over(self, other: Self) -> Self {
        Self::new(self.0 * other.1, self.1 * other.0)
    }

    /// Whether a number is at most, or at least, the fraction: exactly.
    fn compare(self, number: f64) -> std::cmp::Ordering {
        // number = m 2^e with an integer m of 53 bits.
        let bits = number.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as i32;
        let mantissa = i128::from(bits & ((1 << 52) - 1)) + if exponent > 0 { 1 << 52 } else { 0 };
        let shift = exponent.max(1) - 1075;
        // Numbers here are at most 2^20 and at least 2^-60, or zero.
        assert!(number == 0.0 || (-120..=0).contains(&shift), "{number}");
        let scaled = |value: i128, by: i32| (0..by).try_fold(value, |value, _| value.checked_mul(2));
        let (left, right) = (mantissa.checked_mul(self.1), scaled(self.0, -shift));
        match (left, right) {
            (Some(left), Some(right)) => left.cmp(&right),
            // Too wide for integers: as differences of doubles, far apart here.
            _ => number.total_cmp(&(self.0 as f64 / self.1 as f64)),
        }
    }
}

/// Exact hitting probabilities or times by elimination over fractions: `h = r + P h`.
fn exact(
    weights: &[Vec<i128>],
    open: &[usize],
    value: impl Fn(usize) -> i128,
    reward: i128,
) -> Vec<Fraction> {
    let n = open.len();
    let total = |i: usize| weights[i].iter().sum::<i128>();
    let mut rows: Vec<Vec<Fraction>> = open
        .iter()
        .map(|&i| {
            let p = |j: usize| Fraction::new(weights[i][j], total(i));
            let mut row: Vec<Fraction> =
                open.iter().map(|&j| Fraction::new(i128::from(i == j), 1).minus(p(j))).collect();
            let met = (0..weights.len())
                .filter(|j| !open.contains(j))
                .map(|j| weights[i][j] * value(j))
                .sum::<i128>();
            row.push(Fraction::new(met + reward * total(i), total(i)));
            row
        })
        .collect();
    for pivot in 0..n {
        let best = (pivot..n).find(|&row| rows[row][pivot].0 != 0).unwrap();
        rows.swap(pivot, best);
        for row in (0..n).filter(|&row| row != pivot) {
            let factor = rows[row][pivot].over(rows[pivot][pivot]);
            let removed = rows[pivot].clone();
            for (entry, removed) in rows[row].iter_mut().zip(removed).skip(pivot) {
                *entry = entry.minus(factor.times(removed));
            }
        }
    }
    (0..n).map(|row| rows[row][n].over(rows[row][row])).collect()
}

proptest! {
    #[test]
    fn rational_solutions_lie_between_the_bounds_without_any_slack(
        weights in prop::collection::vec(prop::collection::vec(1..9i128, 5), 5),
    ) {
        // Weights that sum to a power of two are exact doubles: the rest goes to the last state.
        let weights: Vec<Vec<i128>> = weights.into_iter().map(|mut row| {
            row[4] += 64 - row.iter().sum::<i128>();
            row
        }).collect();
        let arcs: Vec<(u32, u32, f64)> = (0..5).flat_map(|i| (0..5).map(move |j| (i, j)))
            .map(|(i, j)| (i as u32, j as u32, weights[i][j] as f64 / 64.0)).collect();
        let chain = chain(5, &arcs);
        let open = [0, 1, 2];
        let wins = exact(&weights, &open, |j| i128::from(j == 3), 0);
        let times = exact(&weights, &open, |_| 0, 1);
        for method in METHODS {
            let solver = PassageSolver::new().method(method).tolerance(1e-12);
            let reach = solver.reach(&chain, &of(5, &[3]), &of(5, &[4])).unwrap().into_value();
            let time = solver.times(&chain, &of(5, &[3, 4])).unwrap().into_value();
            for state in open {
                let (wins, times) = (wins[state], times[state]);
                let within = |bounds: lmchain::passage::Interval, exact: Fraction| {
                    exact.compare(bounds.lower).is_le() && exact.compare(bounds.upper).is_ge()
                };
                prop_assert!(within(reach.interval(state), wins), "{method:?} {:?} {wins:?}", reach.interval(state));
                prop_assert!(within(time.mean().interval(state), times), "{method:?}");
            }
        }
    }
}

#[test]
fn rows_of_a_million_exits_are_added_up_within_the_bounds() {
    let n = 1_000_001;
    let stay = SparseOperator::from_triplets(n, (0..n as u32).map(|i| (i, i, 1.0)).collect()).unwrap();
    for keep in [0.5, 0.1] {
        let law = Law::normalized((0..n).map(|i| if i == 0 { 0.0 } else { 1.0 }).collect()).unwrap();
        let chain = MarkovChain::new(Restart::new(&stay, 1.0 - keep, law).unwrap(), States::numbered(n));
        let (bad, safe) =
            (StateSet::by_state(n, |i| (1..=500_000).contains(&i)), StateSet::by_state(n, |i| i > 500_000));
        for method in METHODS {
            let found = PassageSolver::new().method(method).reach(&chain, &bad, &safe).unwrap().into_value();
            assert!(found.interval(0).contains(0.5), "{method:?} {:?}", found.interval(0));
        }
    }
}

#[test]
fn what_is_too_small_for_numbers_is_never_an_exact_zero() {
    // 0 stays, or goes to be safe, or to 1, with 1e-300 each; from 1 bad comes with 1e-200.
    let arcs =
        [(0, 0, 1.0), (0, 2, 1e-300), (0, 1, 1e-300), (1, 3, 1e-200), (1, 2, 1.0), (2, 2, 1.0), (3, 3, 1.0)];
    let one = chain(4, &arcs);
    // Two arcs of 1e-200 in a row.
    let arcs = [(0, 1, 1e-200), (0, 2, 1.0), (1, 3, 1e-200), (1, 2, 1.0), (2, 2, 1.0), (3, 3, 1.0)];
    let two = chain(4, &arcs);
    for chain in [one, two] {
        for method in [PassageMethod::Auto, PassageMethod::Iteration] {
            let solver = PassageSolver::new().method(method).max_iterations(2000);
            let found = solver.reach(&chain, &of(4, &[3]), &of(4, &[2])).unwrap();
            assert!(found.value().upper()[0] > 0.0, "{method:?}: {:?}", found.value().interval(0));
        }
        let direct = PassageSolver::new().method(PassageMethod::Elimination);
        let refused = direct.reach(&chain, &of(4, &[3]), &of(4, &[2]));
        assert!(matches!(refused, Err(Error::Underflow { .. })), "{refused:?}");
    }
    let coin = chain(2, &[(0, 0, 0.5), (0, 1, 0.5), (1, 1, 1.0)]);
    let captured = PassageSolver::new().capture(&coin, &of(2, &[0]), 1100).unwrap().into_value();
    assert!(captured.lower()[0] <= 0.0 && captured.upper()[0] > 0.0);
}

/// A pair that is left slowly, and a state beside it that is left fast.
fn slow_and_fast(stay: f64) -> MarkovChain<SparseOperator> {
    let leave = (1.0 - stay) / 2.0;
    chain(
        5,
        &[
            (0, 0, 1.0 - 1e-3 - 1e-4),
            (0, 1, 1e-3),
            (0, 2, 1e-4),
            (1, 1, 1.0 - 1e-3 - 2e-4),
            (1, 0, 1e-3),
            (1, 3, 2e-4),
            (2, 2, 1.0),
            (3, 3, 1.0),
            (4, 4, stay),
            (4, 2, leave),
            (4, 3, leave),
        ],
    )
}

#[test]
fn states_that_are_left_sooner_than_others_do_not_spoil_the_bounds() {
    for stay in [0.0, 0.5, 0.7, 0.9] {
        let chain = slow_and_fast(stay);
        let solver = PassageSolver::new().method(PassageMethod::Iteration).tolerance(1e-6);
        let found = solver.reach(&chain, &of(5, &[3]), &of(5, &[2])).unwrap().converged().unwrap();
        assert!(found.interval(4).contains(0.5));
        // 11 h0 = 10 h1 and 12 h1 = 10 h0 + 2: h1 = 22 / 32, by the decimals of the arcs.
        assert!((found.midpoint(1) - 22.0 / 32.0).abs() < 1e-6, "{}", found.midpoint(1));
        // Of mean squares from 1 to 10^8 rounding keeps the bounds apart; the means are close.
        let times = solver.tolerance(1e-4).times(&chain, &of(5, &[2, 3])).unwrap().into_value();
        assert!((times.mean().midpoint(4) * (1.0 - stay) - 1.0).abs() < 1e-4);
    }
}

#[test]
fn an_iteration_that_is_stopped_early_says_nothing_of_the_variance() {
    let n = 6u32;
    let arcs: Vec<_> =
        (0..n).flat_map(|i| [(i, i.saturating_sub(1), 0.5), (i, (i + 1).min(n - 1), 0.5)]).collect();
    let walk = chain(6, &arcs);
    let dense = ndarray::Array2::from_shape_fn((6, 6), |(i, j)| walk.operator().probability(i, j));
    let walk = MarkovChain::from_dense(dense.view()).unwrap();
    let solver = PassageSolver::new().method(PassageMethod::Iteration).max_iterations(2);
    let outcome = solver.times(&walk, &of(6, &[5])).unwrap();
    assert_eq!(outcome.report().stop, Stop::MaxIterations);
    let found = outcome.into_value();
    assert_eq!(found.variance().interval(5).upper, 0.0);
    assert!(
        (0..5).all(|i| found.variance().upper()[i] == f64::INFINITY && found.variance().lower()[i] == 0.0)
    );
}

#[test]
fn the_report_is_that_of_the_bounds_returned() {
    let chain = slow_and_fast(0.5);
    for (method, tolerance) in METHODS.into_iter().flat_map(|method| [(method, 1e-5), (method, 1e-13)]) {
        let solver = PassageSolver::new().method(method).tolerance(tolerance).max_iterations(20_000);
        let outcome = solver.reach(&chain, &of(5, &[3]), &of(5, &[2])).unwrap();
        let report = *outcome.report();
        assert_eq!(report.residual, outcome.value().width());
        assert_eq!(report.error_bound, Some(0.5 * report.residual));
        assert_eq!(outcome.is_converged(), report.residual <= tolerance, "{method:?} {report:?}");
        let captured = solver.capture(&chain, &of(5, &[0, 1]), 1000).unwrap();
        assert_eq!(captured.report().residual, captured.value().width());
    }
}

#[test]
fn sets_that_are_hardly_left_keep_the_digits_of_their_rate() {
    for rare in [1e-6, 1e-10, 1e-14, 1e-20, 1e-100] {
        let well = chain(3, &[(0, 0, 0.5), (0, 1, 0.5), (1, 0, 1.0 - rare), (1, 2, rare), (2, 2, 1.0)]);
        let found = EscapeSolver::new().solve(&well, &of(3, &[0, 1])).unwrap().converged().unwrap();
        // The well is in state 1 a third of the time, to first order in the rate.
        let rate = found.escape_rate();
        assert!((rate.midpoint() / (rare / 3.0) - 1.0).abs() < rare + 1e-7, "{rate:?}");
        assert!((found.law()[1] - 1.0 / 3.0).abs() < rare + 1e-9);
    }
}

#[test]
fn states_that_only_lead_into_a_set_or_out_of_it_do_not_hinder_its_rate() {
    // Two pairs of states: 0, 1 and, with a source and a way out beside it, 2, 3.
    let arcs = [
        (0, 1, 0.9),
        (0, 5, 0.1),
        (1, 0, 0.9),
        (1, 5, 0.1),
        (2, 3, 0.98),
        (2, 5, 0.02),
        (3, 2, 0.98),
        (3, 4, 0.02),
        (4, 5, 1.0),
        (5, 5, 1.0),
        (6, 2, 0.5),
        (6, 0, 0.5),
    ];
    let wells = chain(7, &arcs);
    let found = EscapeSolver::new().solve(&wells, &of(7, &[0, 1, 2, 3, 4, 6])).unwrap().converged().unwrap();
    // The slower pair: a step stays with 0.98.
    assert!(found.escape_rate().contains(0.02), "{:?}", found.escape_rate());
    assert!(found.law()[0] < 1e-12 && found.law()[6] < 1e-12 && found.law()[4] > 0.0);
    // A set that is never left, and one in which no walk can stay.
    let never = EscapeSolver::new().solve(&wells, &of(7, &[5])).unwrap().converged().unwrap();
    assert_eq!((never.escape_rate().upper, never.mean_escape_time().lower), (0.0, f64::INFINITY));
    let passing = EscapeSolver::new().solve(&wells, &of(7, &[4, 6]));
    assert!(matches!(passing, Err(Error::Impossible { .. })));
}

#[test]
fn backward_committors_of_restart_chains_look_at_few_arcs() {
    // Every state leads to every other by way of the hub; without it this would take minutes.
    let n = 200_000u32;
    let cycle = (0..n).map(|i| (i, (i + 1) % n, 1.0)).collect();
    let cycle = SparseOperator::from_triplets(n as usize, cycle).unwrap();
    let chain = MarkovChain::new(
        Restart::new(cycle, 0.5, Law::uniform(n as usize)).unwrap(),
        States::numbered(n as usize),
    );
    let law = Law::uniform(n as usize);
    let half = |odd: usize| StateSet::by_state(n as usize, |i| i % 4 == odd);
    let found = PassageSolver::new().backward(&chain, &half(1), &half(3), &law).unwrap().converged().unwrap();
    // State 0 comes from 3 with 1/2 at least, and else from anywhere.
    assert!(found.midpoint(0) < 0.5 && found.midpoint(2) > 0.5);
}

#[test]
fn roads_of_one_width_are_the_shortest() {
    // 0 -> 1 directly or by 2 and 3, then in ten narrow lanes to 5.
    let mut arcs = vec![(0, 1, 0.2), (0, 2, 0.8), (2, 3, 1.0), (3, 1, 1.0), (5, 0, 1.0)];
    arcs.extend((6..16).flat_map(|lane| [(1, lane, 0.1), (lane, 5, 1.0)]));
    arcs.push((4, 0, 1.0));
    let net = chain(16, &arcs);
    let law = net.stationary().unwrap().converged().unwrap();
    let paths = net.transition_paths(&of(16, &[0]), &of(16, &[5]), &law).unwrap().converged().unwrap();
    assert_eq!(paths.pathways(1)[0].states, [0, 1, 6, 5]);
    assert_eq!(paths.strongest_currents(1).len(), 1);
    assert!(paths.strongest_currents(0).is_empty());
}

#[test]
fn more_times_than_fit_are_refused() {
    let coin = chain(2, &[(0, 0, 0.5), (0, 1, 0.5), (1, 1, 1.0)]);
    for steps in [1 << 46, usize::MAX] {
        let refused = coin.hitting_time_law(Start::State(0), &of(2, &[1]), steps);
        assert!(matches!(refused, Err(Error::TooExpensive { .. })));
        let refused = coin.return_time_law(Start::State(0), &of(2, &[1]), steps);
        assert!(matches!(refused, Err(Error::TooExpensive { .. })));
    }
}
