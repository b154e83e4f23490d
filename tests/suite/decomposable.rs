//! Nearly decomposable and nearly deterministic chains, where a small residual
//! is no small error: laws are right, or not claimed to be.

use lmchain::chain::{MarkovChain, States};
use lmchain::operator::{ShiftOperator, SparseOperator, TransitionOperator};
use lmchain::prob::total_variation;
use lmchain::solve::Report;
use lmchain::stationary::{StationaryMethod, StationarySolver};
use lmchain::text::ContextSpace;
use ndarray::{Array2, arr2};

/// The matrix of Courtois (1977), three groups of states loosely coupled, and its
/// stationary law to five digits.
const COURTOIS: [[f64; 8]; 8] = [
    [0.85, 0.0, 0.149, 0.0009, 0.0, 0.00005, 0.0, 0.00005],
    [0.1, 0.65, 0.249, 0.0, 0.0009, 0.00005, 0.0, 0.00005],
    [0.1, 0.8, 0.0996, 0.0003, 0.0, 0.0, 0.0001, 0.0],
    [0.0, 0.0004, 0.0, 0.7, 0.2995, 0.0, 0.0001, 0.0],
    [0.0005, 0.0, 0.0004, 0.399, 0.6, 0.0001, 0.0, 0.0],
    [0.0, 0.00005, 0.0, 0.0, 0.00005, 0.6, 0.2499, 0.15],
    [0.00003, 0.0, 0.00003, 0.00004, 0.0, 0.1, 0.8, 0.0999],
    [0.0, 0.00005, 0.0, 0.0, 0.00005, 0.1999, 0.25, 0.55],
];
const COURTOIS_LAW: [f64; 8] = [0.08928, 0.09276, 0.04049, 0.15853, 0.11894, 0.12039, 0.27780, 0.10182];

/// The law of a chain with one recurrent class, and what is said of it.
fn solve<O: TransitionOperator>(chain: &MarkovChain<O>, method: StationaryMethod) -> (Vec<f64>, Report) {
    let outcome = StationarySolver::new().method(method).solve(chain).unwrap();
    let report = *outcome.report();
    (outcome.into_value().unique().unwrap().into_vec(), report)
}

/// How far a law is from that of elimination; fails if more is claimed.
fn checked_error<O: TransitionOperator>(chain: &MarkovChain<O>, method: StationaryMethod) -> (f64, Report) {
    let (exact, _) = solve(chain, StationaryMethod::Gth);
    let (law, report) = solve(chain, method);
    let off = total_variation(&law, &exact);
    // Elimination is right to 2 n units a component (O'Cinneide 1993).
    let allowed = 4.0 * chain.len() as f64 * f64::EPSILON;
    if let Some(bound) = report.error_bound {
        assert!(off <= bound + allowed, "{method:?}: {off} off, {report}");
    }
    if report.is_converged() {
        assert!(off <= 1e-6 + allowed, "{method:?}: claimed, but {off} off");
    }
    (off, report)
}

#[test]
fn the_matrix_of_courtois_has_its_printed_law() {
    let chain = MarkovChain::from_dense(arr2(&COURTOIS).view()).unwrap();
    for method in [StationaryMethod::Auto, StationaryMethod::Power, StationaryMethod::LikelyPaths] {
        let (law, report) = solve(&chain, method);
        assert!(report.is_converged(), "{method:?}: {report}");
        for (found, printed) in law.iter().zip(COURTOIS_LAW) {
            // Five digits, and the error that is proven.
            assert!(
                (found - printed).abs() <= 0.5e-5 + report.error_bound.unwrap_or(0.0),
                "{found} {printed}"
            );
        }
        checked_error(&chain, method);
    }
}

/// Two topics of tokens, told by the newest: the first is left with probability
/// `coupling` a step, the second with three times that.
fn two_topics(v: usize, k: u32, coupling: f64) -> MarkovChain<ShiftOperator> {
    let space = ContextSpace::new(v, k as usize).unwrap();
    let row = |context: usize| {
        let topic = |token: usize| usize::from(2 * token >= v);
        let here = topic(context % v);
        let leave = if here == 0 { coupling } else { 3.0 * coupling };
        let weight = move |token: usize| 1.0 + ((context * 7 + token * token * 13) % 11) as f64;
        let sum = |side: usize| (0..v).filter(|&token| topic(token) == side).map(weight).sum::<f64>();
        let sums = [sum(0), sum(1)];
        (0..v).map(move |token| {
            let share = if topic(token) == here { 1.0 - leave } else { leave };
            share * weight(token) / sums[topic(token)]
        })
    };
    let operator = ShiftOperator::new(space, (0..space.len()).flat_map(row).collect()).unwrap();
    MarkovChain::new(operator, States::contexts(space, None))
}

#[test]
fn two_topics_are_weighed_rightly_or_not_claimed() {
    for exponent in [1, 3, 6, 9, 12] {
        let chain = two_topics(9, 3, 0.1f64.powi(exponent));
        assert_eq!(chain.len(), 729);
        // 729 states: found by iteration, and by elimination where that is not proven.
        let (off, report) = checked_error(&chain, StationaryMethod::Auto);
        assert!(report.is_converged() && off <= 1e-6, "1e-{exponent}: {report}");
        let (_, report) = checked_error(&chain, StationaryMethod::LikelyPaths);
        // A bound of 1e-6 times the coupling is the least residual that proves it.
        let provable = 0.1f64.powi(exponent) * 1e-6 > 1e-12;
        assert!(report.is_converged() == provable, "1e-{exponent}: {report}");
    }
}

/// Too many states for elimination, and a coupling that no residual shows: the
/// weights of the topics are found all the same, although not proven.
#[test]
fn what_no_residual_shows_is_looked_for() {
    let v = 17;
    for exponent in [9, 12] {
        let chain = two_topics(v, 3, 0.1f64.powi(exponent));
        let (law, report) = solve(&chain, StationaryMethod::Auto);
        assert!(!report.is_converged());
        // The topic of the newest token is a chain of its own: out with c, back with 3 c.
        let first: f64 = (0..law.len()).filter(|context| 2 * (context % v) < v).map(|c| law[c]).sum();
        // The last step moved the law by 1e-10 at most, and steps make an end of it
        // by a factor; rows sum to one to V units, of which the coupling is as many more.
        let coupling_rounding = v as f64 * f64::EPSILON / 0.1f64.powi(exponent);
        assert!((first - 0.75).abs() <= 1e-9 + coupling_rounding, "1e-{exponent}: {first}, {report}");
    }
}

/// A hundred circles of ten states, each left about every `1 / rest` steps: half
/// the time to where every other circle is left for, too.
fn hundred_circles(rest: f64) -> MarkovChain<SparseOperator> {
    const N: usize = 1000;
    let mut matrix = Array2::zeros((N, N));
    for state in 0..N {
        let place = state % 10;
        let leave = rest * (1 + place % 3) as f64;
        let far = |i: usize| (state * state + 31 * i + i * i * state + 7) % N;
        matrix[[state, state - place + (place + 1) % 10]] += 1.0 - leave;
        for (to, share) in [(101 * place, 0.5), (far(1), 0.3), (far(2), 0.2)] {
            matrix[[state, to]] += leave * share;
        }
    }
    let steps = matrix.indexed_iter().map(|((from, to), &p)| (from as u32, to as u32, p)).collect();
    MarkovChain::new(SparseOperator::from_triplets(N, steps).unwrap(), States::numbered(N))
}

/// Whatever the coupling, the law of elimination is met: by the likely paths too,
/// although rounding leaves no proof of it once the circles are left too seldom.
#[test]
fn circles_that_are_seldom_left_are_weighed_rightly() {
    for exponent in [2, 4, 6, 8, 10, 12, 14] {
        let chain = hundred_circles(0.1f64.powi(exponent));
        let (off, report) = checked_error(&chain, StationaryMethod::Auto);
        assert!(report.is_converged() && off <= 1e-6, "1e-{exponent}: {report}");
        let (off, report) = checked_error(&chain, StationaryMethod::LikelyPaths);
        let provable = [exponent <= 4, exponent < 8];
        assert!(provable.contains(&report.is_converged()), "1e-{exponent}: {report}");
        // The last step moved the law by 1e-10 at most. Every jump forgets half of where
        // it came from, so all further steps move what is left at the jumps by no
        // more together; states weigh what jumps there stay, up to three times as long.
        let least = if report.is_converged() { 1e-6 } else { 10.0 * 1e-10 };
        assert!(off <= least, "1e-{exponent}: {off:e} off, {report}");
        assert!(report.iterations < 100, "1e-{exponent}: {report}");
    }
}

/// Six sets of two hundred states that no window of tokens tells apart, left with
/// about this chance a step: every second one for the next, the others for any.
pub(crate) fn six_sets(leave: f64) -> MarkovChain<SparseOperator> {
    const N: usize = 1200;
    let mut matrix = Array2::zeros((N, N));
    for state in 0..N {
        let (set, place) = (state / 200, state % 200);
        let within = |i: usize| 200 * set + (place * place + 57 * i * place + 91 * i) % 200;
        let leave = leave * (1 + place % 4) as f64;
        let next = 200 * ((set + 1) % 6) + (7 * place + 3) % 200;
        let any = (state * 517 + 89) % N;
        matrix[[state, if set % 2 == 0 { next } else { any }]] += leave;
        for (i, share) in [(0, 0.4), (1, 0.3), (2, 0.2), (3, 0.1)] {
            matrix[[state, within(i)]] += (1.0 - leave) * share;
        }
    }
    let steps = matrix.indexed_iter().map(|((from, to), &p)| (from as u32, to as u32, p)).collect();
    MarkovChain::new(SparseOperator::from_triplets(N, steps).unwrap(), States::numbered(N))
}

/// Power iteration would take some `25 / leave` products.
#[test]
fn sets_that_no_window_shows_are_found_on_the_way() {
    for exponent in [2, 3, 4, 5, 6] {
        let chain = six_sets(0.1f64.powi(exponent));
        for method in [StationaryMethod::Auto, StationaryMethod::LikelyPaths] {
            let (off, report) = checked_error(&chain, method);
            assert!(report.is_converged(), "1e-{exponent}, {method:?}: {report}");
            assert!(report.iterations <= 60, "1e-{exponent}, {method:?}: {off:e} off, {report}");
        }
    }
}
