//! Hitting probabilities, times and committors: reference cases, linear algebra, brute force.

use lmchain::Error;
use lmchain::chain::{MarkovChain, Start, StateSet, States};
use lmchain::operator::{Restart, ShiftOperator, SparseOperator, TransitionOperator};
use lmchain::passage::{Enclosure, PassageMethod, PassageSolver};
use lmchain::prob::Law;
use lmchain::solve::{Progress, Stop};
use lmchain::text::ContextSpace;
use proptest::prelude::*;
use serde_json::Value;

use crate::common;
use crate::common::tables::{shift, tables};
use crate::common::{
    Case, assert_all_close, assert_close, integers, language_model, language_models, matrices, numbers,
};

const METHODS: [PassageMethod; 3] =
    [PassageMethod::Auto, PassageMethod::Iteration, PassageMethod::Elimination];

fn every_case() -> impl Iterator<Item = Case> {
    language_models().into_iter().chain(matrices())
}

fn set(case: &Case, members: &Value) -> StateSet {
    StateSet::of(case.states(), integers(members)).unwrap()
}

/// Rounding alone keeps the bounds of probabilities some 50 eps a round apart, and
/// those of times by as much times the largest over the least: no closer than this.
fn solver(method: PassageMethod) -> PassageSolver {
    PassageSolver::new().tolerance(1e-10).method(method)
}

/// Bounds that hold what the case says, to the digits that it says it with.
#[track_caller]
fn assert_encloses(found: &Enclosure, expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    for (state, &expected) in expected.iter().enumerate() {
        let bounds = found.interval(state);
        let slack = tolerance * expected.abs().max(1.0);
        let holds = bounds.lower <= expected + slack && expected - slack <= bounds.upper;
        assert!(holds || expected == bounds.lower, "{what}[{state}]: {bounds:?} does not hold {expected}");
    }
}

fn times(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|time| time.as_f64().unwrap_or(f64::INFINITY)).collect()
}

#[test]
fn hitting_probabilities_and_times_of_the_reference_cases_are_enclosed() {
    let mut checked = 0;
    for case in every_case() {
        for (operator, _, chain) in case.chains() {
            for method in METHODS {
                let what = format!("{} ({operator}, {method:?})", case.name);
                let none = StateSet::of(chain.len(), []).unwrap();
                for expected in case.expected["hitting_probability"].as_array().into_iter().flatten() {
                    let target = set(&case, &expected["targets"]);
                    let found = solver(method).reach(&chain, &target, &none).unwrap().converged().unwrap();
                    assert_encloses(&found, &numbers(&expected["value"]), case.tolerance, &what);
                    checked += 1;
                }
                let to = |key: &str| case.expected[key].as_array().cloned().unwrap_or_default();
                for expected in to("hitting_time").into_iter().chain(to("mfpt_to")) {
                    let target = set(&case, &expected["targets"]);
                    let found =
                        solver(method).tolerance(1e-8).times(&chain, &target).unwrap().converged().unwrap();
                    assert_encloses(found.mean(), &times(&expected["value"]), case.tolerance, &what);
                    checked += 1;
                }
                for (to, column) in case.expected["mfpt_matrix"].as_array().into_iter().flatten().enumerate()
                {
                    assert!(column.is_array());
                    let target = StateSet::of(chain.len(), [to]).unwrap();
                    let found =
                        solver(method).tolerance(1e-8).times(&chain, &target).unwrap().converged().unwrap();
                    let rows = case.expected["mfpt_matrix"].as_array().unwrap();
                    let expected: Vec<f64> = rows.iter().map(|row| times(row)[to]).collect();
                    assert_encloses(found.mean(), &expected, case.tolerance, &what);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 12 * 20, "{checked} answers checked");
}

#[test]
fn committors_of_the_reference_cases_are_enclosed_forwards_and_backwards() {
    let mut checked = 0;
    for case in every_case() {
        for (operator, _, chain) in case.chains() {
            for method in METHODS {
                let what = format!("{} ({operator}, {method:?})", case.name);
                for expected in case.expected["forward_committor"].as_array().into_iter().flatten() {
                    let (a, b) = (set(&case, &expected["A"]), set(&case, &expected["B"]));
                    let found = solver(method).reach(&chain, &b, &a).unwrap().converged().unwrap();
                    assert_encloses(&found, &numbers(&expected["value"]), case.tolerance, &what);
                    checked += 1;
                }
                for expected in case.expected["backward_committor"].as_array().into_iter().flatten() {
                    let law = chain.stationary().unwrap().converged().unwrap();
                    let (a, b) = (set(&case, &expected["A"]), set(&case, &expected["B"]));
                    let found = solver(method).backward(&chain, &a, &b, &law).unwrap().converged().unwrap();
                    assert_encloses(&found, &numbers(&expected["value"]), case.tolerance, &what);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 12 * 10, "{checked} answers checked");
}

#[test]
fn metastable_and_gamblers_committors_are_right_to_ten_digits() {
    for (id, from, to, forward, backward) in [
        ("C22", 0, 7, "committor_forward_000_to_111", "committor_backward_last_from_000"),
        ("C36_fair", 0, 4, "committor_forward", "committor_backward"),
    ] {
        let case = language_model(id);
        for (operator, _, chain) in case.chains() {
            let what = format!("{id} ({operator})");
            let law = chain.stationary().unwrap().converged().unwrap();
            let (a, b) =
                (StateSet::of(chain.len(), [from]).unwrap(), StateSet::of(chain.len(), [to]).unwrap());
            for method in METHODS {
                let found = solver(method).reach(&chain, &b, &a).unwrap().converged().unwrap();
                assert_all_close(&found.midpoints(), &numbers(&case.expected[forward]), 1e-10, &what);
                let found = solver(method).backward(&chain, &a, &b, &law).unwrap().converged().unwrap();
                assert_all_close(&found.midpoints(), &numbers(&case.expected[backward]), 1e-10, &what);
            }
        }
    }
}

#[test]
fn absorption_into_loops_and_cycles_agrees() {
    let case = language_model("C17");
    let loops = language_model("C38");
    for method in METHODS {
        let chain = case.shift();
        let (zeros, ones) = (StateSet::of(4, [0]).unwrap(), StateSet::of(4, [3]).unwrap());
        let ones_first = solver(method).reach(&chain, &ones, &zeros).unwrap().converged().unwrap();
        assert_all_close(&ones_first.midpoints(), &numbers(&case.expected["P_absorb_in_11"]), 1e-10, "C17");
        let either = solver(method).times(&chain, &zeros.union(&ones)).unwrap().converged().unwrap();
        let expected = numbers(&case.expected["mean_absorption_time"]);
        assert_all_close(&either.mean().midpoints(), &expected, 1e-10, "C17");
        // Alone, neither loop is certain.
        let alone = solver(method).times(&chain, &ones).unwrap().converged().unwrap();
        assert_eq!(alone.mean().midpoints()[..3], [f64::INFINITY; 3]);
        assert_eq!(alone.variance().interval(3).upper, 0.0);

        let cycle = StateSet::of(9, integers(&loops.expected["recurrent"])).unwrap();
        let time = solver(method).times(&loops.shift(), &cycle).unwrap().converged().unwrap();
        assert_all_close(
            &time.mean().midpoints(),
            &numbers(&loops.expected["mean_time_to_cycle"]),
            1e-10,
            "C38",
        );
    }
}

#[test]
fn the_time_to_a_repetition_loop_agrees() {
    let case = language_model("C18");
    let target = StateSet::of(16, [15]).unwrap();
    for method in METHODS {
        let found = solver(method).times(&case.shift(), &target).unwrap().converged().unwrap();
        assert_close(found.mean().midpoint(0), 595.0 / 18.0, 1e-10, "C18");
    }
}

#[test]
fn first_passage_probabilities_agree() {
    let mut checked = 0;
    for case in matrices() {
        for expected in case.expected["first_passage_probabilities"].as_array().into_iter().flatten() {
            let index = |key: &str| expected[key].as_u64().unwrap() as usize;
            for (_, _, chain) in case.chains() {
                let values = numbers(&expected["value"]);
                let target = StateSet::of(chain.len(), [index("j")]).unwrap();
                let law = chain.return_time_law(Start::State(index("i")), &target, values.len()).unwrap();
                assert_eq!(law.of_set(0)[0], 0.0);
                assert_all_close(&law.of_set(0)[1..], &values, case.tolerance, &case.name);
                assert_close(law.probability(0) + law.survival(), 1.0, 1e-14, &case.name);
                checked += 1;
            }
        }
    }
    assert!(checked >= 4 * 4, "{checked} laws checked");
}

#[test]
fn the_fundamental_matrix_counts_visits() {
    // Visits to j before absorption: reaching j, times one over the chance of not coming back.
    let case = matrices().into_iter().find(|case| case.name == "r_fundamental_2transient").unwrap();
    let chain = case.shift();
    let transient: Vec<usize> = chain.classes().transient_states().collect();
    let absorbing = StateSet::of(3, chain.classes().absorbing_states()).unwrap();
    let expected = common::matrix(&case.expected["fundamental_absorbing"]);
    for (column, &j) in transient.iter().enumerate() {
        let target = StateSet::of(3, [j]).unwrap();
        let reach =
            solver(PassageMethod::Auto).reach(&chain, &target, &absorbing).unwrap().converged().unwrap();
        let mut back = vec![0.0; 3];
        chain.operator().pull_back(&reach.midpoints(), &mut back);
        for (row, &i) in transient.iter().enumerate() {
            let visits = reach.midpoint(i) / (1.0 - back[j]);
            assert_close(visits, expected[row][column], case.tolerance.max(1e-9), "visits");
        }
    }
}

#[test]
fn mean_times_between_sets_are_weighted_with_the_stationary_law() {
    let mut checked = 0;
    for case in matrices() {
        for expected in case.expected["mfpt_between"].as_array().into_iter().flatten() {
            let chain = case.shift();
            let law = chain.stationary().unwrap().converged().unwrap();
            let (from, to) = (set(&case, &expected["origins"]), set(&case, &expected["targets"]));
            let within = (0..chain.len()).map(|i| if from.contains(i) { law[i] } else { 0.0 }).collect();
            let start = Law::normalized(within).unwrap();
            let time = chain.passage_times(&to).unwrap().converged().unwrap().mean().mean(&start);
            assert_close(
                time.midpoint(),
                expected["value"].as_f64().unwrap(),
                case.tolerance.max(1e-8),
                &case.name,
            );
            checked += 1;
        }
    }
    assert!(checked >= 7, "{checked} times checked");
}

#[test]
fn kac_says_how_long_a_return_takes() {
    let mut checked = 0;
    for case in matrices() {
        let Some(expected) = case.expected.get("mean_recurrence_times").map(numbers) else { continue };
        let chain = case.shift();
        for (state, expected) in expected.into_iter().enumerate() {
            let target = StateSet::of(chain.len(), [state]).unwrap();
            let mut ahead = vec![0.0; chain.len()];
            let times = chain.passage_times(&target).unwrap().converged().unwrap().mean().midpoints();
            chain.operator().pull_back(&times, &mut ahead);
            assert_close(1.0 + ahead[state], expected, case.tolerance.max(1e-8), &case.name);
            checked += 1;
        }
    }
    assert!(checked >= 10, "{checked} times checked");
}

/// Two states that are hardly ever left for the target: the mean is 10^12 steps,
/// and yet a few rounds bound it, for the walk soon forgets in which it started.
#[test]
fn rare_targets_take_no_more_rounds_than_common_ones() {
    for rare in [1e-3, 1e-6, 1e-12] {
        let arcs =
            vec![(0, 0, 0.5), (0, 1, 0.5), (1, 0, 0.75), (1, 1, 0.25 - rare), (1, 2, rare), (2, 2, 1.0)];
        let chain = MarkovChain::new(SparseOperator::from_triplets(3, arcs).unwrap(), States::numbered(3));
        let target = StateSet::of(3, [2]).unwrap();
        let solver = PassageSolver::new().method(PassageMethod::Iteration).tolerance(1e-9);
        let outcome = solver.times(&chain, &target).unwrap();
        assert!(outcome.report().iterations < 80, "{} rounds", outcome.report().iterations);
        let found = outcome.converged().unwrap();
        // m0 = 2 + m1 and m1 (1 - p11) = 1 + p10 m0, so m1 = (1 + 2 * 0.75) / rare.
        let exact = 2.5 / rare;
        let bounds = found.mean().interval(1);
        assert!(bounds.contains(exact) && bounds.width() <= 1e-9 * exact, "{bounds:?} {exact}");
        // Nearly geometric: the deviation is nearly the mean.
        assert!((found.variance().midpoint(1).sqrt() / exact - 1.0).abs() < 10.0 * rare + 1e-7);
    }
}

/// Tables over small context spaces; a third of the entries are zero.
fn table() -> impl Strategy<Value = (ContextSpace, Vec<f64>)> {
    tables((2usize..4, 1usize..4), 1, 0.01)
}

/// The smallest non-negative solution of the hitting equations: states are passed over one by
/// one, each by what it leads to in the end, until all lead to one of the sets or nowhere.
fn slow_reach(chain: &MarkovChain<ShiftOperator>, target: &StateSet, avoid: &StateSet) -> Vec<f64> {
    let n = chain.len();
    let ends = |state: usize| target.contains(state) || avoid.contains(state);
    let mut steps: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| chain.operator().probability(i, j)).collect()).collect();
    for over in (0..n).filter(|&state| !ends(state)) {
        let leaving: f64 = (0..n).filter(|&j| j != over).map(|j| steps[over][j]).sum();
        if leaving == 0.0 {
            continue;
        }
        let onward: Vec<f64> =
            (0..n).map(|j| if j == over { 0.0 } else { steps[over][j] / leaving }).collect();
        for i in (0..n).filter(|&i| i != over) {
            let through = std::mem::take(&mut steps[i][over]);
            (0..n).for_each(|j| steps[i][j] += through * onward[j]);
        }
        steps[over] = onward;
    }
    let reach = |i: usize| (0..n).filter(|&j| target.contains(j)).map(|j| steps[i][j]).sum();
    (0..n).map(|i| if ends(i) { f64::from(u8::from(target.contains(i))) } else { reach(i) }).collect()
}

/// Rounds of iteration after which rounding may be more than the tolerance. A round adds an error of
/// a product, an addition and the waiting share, `2 V + 6` units, and of rows that do not sum to one, by
/// no more than `V` units; it counts twice, in each of two sums of at most one.
fn least_rounds(chain: &MarkovChain<ShiftOperator>, tolerance: f64) -> f64 {
    let unit = (3 * chain.operator().longest_row() + 6) as f64 * f64::EPSILON;
    tolerance / (4.0 * unit)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn all_methods_enclose_the_slow_solution((space, table) in table(), a in 0usize..64, b in 0usize..64) {
        let chain = shift(space, table);
        let n = chain.len();
        prop_assume!(a % n != b % n);
        let (from, to) = (StateSet::of(n, [a % n]).unwrap(), StateSet::of(n, [b % n]).unwrap());
        let slow = slow_reach(&chain, &to, &from);
        for method in METHODS {
            let outcome = PassageSolver::new().tolerance(1e-11).method(method).reach(&chain, &to, &from).unwrap();
            let report = *outcome.report();
            // Where rare steps must follow one another, iteration alone takes so many rounds that their
            // rounding is more than the tolerance, or more than it may: it says so, and not before they have
            // been taken. That it arrives on ordinary chains is what the reference cases ask.
            let falls_short = matches!(report.stop, Stop::Rounding | Stop::MaxIterations);
            if method == PassageMethod::Iteration && falls_short {
                prop_assert!(report.iterations as f64 >= least_rounds(&chain, 1e-11), "{report:?}");
            } else {
                prop_assert!(matches!(report.stop, Stop::Converged | Stop::Direct), "{report:?}");
            }
            let found = outcome.into_value();
            for (state, &expected) in slow.iter().enumerate() {
                let bounds = found.interval(state);
                // Nothing is subtracted: each of n states passed over adds the rounding of a sum of n
                // terms and of a few operations.
                let rounding = (n * (n + 4)) as f64 * f64::EPSILON;
                prop_assert!(bounds.lower <= expected + rounding && expected <= bounds.upper + rounding, "{bounds:?} {expected}");
            }
        }
        // One of the two is reached first, or neither ever is.
        let other = PassageSolver::new().reach(&chain, &from, &to).unwrap().converged().unwrap();
        let first = PassageSolver::new().reach(&chain, &to, &from).unwrap().converged().unwrap();
        let none = StateSet::of(n, []).unwrap();
        let either = PassageSolver::new().reach(&chain, &from.union(&to), &none).unwrap().converged().unwrap();
        for state in 0..n {
            let sum = first.midpoint(state) + other.midpoint(state);
            prop_assert!((sum - either.midpoint(state)).abs() <= 3e-8, "{sum} {}", either.midpoint(state));
        }
        let race = PassageSolver::new().race(&chain, &[&from, &to]).unwrap().converged().unwrap();
        prop_assert_eq!(race[1].midpoints(), first.midpoints());
    }

    #[test]
    fn laws_of_passage_add_up_to_probabilities_and_means((space, table) in table(), b in 0usize..64) {
        let chain = shift(space, table);
        let n = chain.len();
        let target = StateSet::of(n, [b % n]).unwrap();
        let times = PassageSolver::new().times(&chain, &target).unwrap().converged().unwrap();
        let reach = chain.hitting_probability(&target).unwrap().converged().unwrap();
        for start in 0..n {
            let law = chain.hitting_time_law(Start::State(start), &target, 3000).unwrap();
            let within = chain.hitting_probability_within(&target, 3000).unwrap();
            prop_assert!((within[start] - law.probability(0)).abs() < 1e-11);
            prop_assert!(law.probability(0) <= reach.interval(start).upper + 1e-11);
            // Of a time that is not over the rest counts, so only what is over says something.
            let certain = times.mean().interval(start).upper < 100.0;
            if certain && law.survival() < 1e-14 {
                let moment = |power: i32| -> f64 {
                    law.of_set(0).iter().enumerate().map(|(t, p)| (t as f64).powi(power) * p).sum()
                };
                let (mean, variance) = (moment(1), moment(2) - moment(1).powi(2));
                prop_assert!((times.mean().midpoint(start) - mean).abs() < 1e-6 * mean.max(1.0));
                let bounds = times.variance().interval(start);
                let slack = 1e-6 * (mean * mean + variance).max(1.0);
                prop_assert!(bounds.lower <= variance + slack && variance <= bounds.upper + slack, "{bounds:?} {variance}");
            }
        }
    }
}

#[test]
fn restarted_chains_reach_everything_by_their_hub() {
    let case = language_model("C10");
    let restart = Restart::new(case.shift().operator().clone(), 0.2, Law::point(4, 0)).unwrap();
    let chain = MarkovChain::new(restart, case.shift().states().clone());
    let dense = ndarray::Array2::from_shape_fn((4, 4), |(i, j)| chain.operator().probability(i, j));
    let referee = MarkovChain::from_dense(dense.view()).unwrap();
    let (a, b) = (StateSet::of(4, [0]).unwrap(), StateSet::of(4, [3]).unwrap());
    for method in METHODS {
        let found = solver(method).reach(&chain, &b, &a).unwrap().converged().unwrap();
        let expected =
            solver(PassageMethod::Elimination).reach(&referee, &b, &a).unwrap().converged().unwrap();
        assert_all_close(&found.midpoints(), &expected.midpoints(), 1e-10, "restart");
    }
}

#[test]
fn a_chain_too_slow_to_iterate_is_eliminated_or_not_claimed() {
    // Two wells a million steps apart, from whose bottoms the sets A and B are reached rarely.
    let leak = 1e-6;
    let arcs = vec![
        (0, 0, 1.0 - 2.0 * leak),
        (0, 1, leak),
        (0, 2, leak),
        (1, 1, 1.0 - 3.0 * leak),
        (1, 0, leak),
        (1, 3, 2.0 * leak),
        (2, 2, 1.0),
        (3, 3, 1.0),
    ];
    let chain = MarkovChain::new(SparseOperator::from_triplets(4, arcs).unwrap(), States::numbered(4));
    let (a, b) = (StateSet::of(4, [2]).unwrap(), StateSet::of(4, [3]).unwrap());
    let slow = PassageSolver::new().max_iterations(100);
    let outcome = slow.clone().method(PassageMethod::Iteration).reach(&chain, &b, &a).unwrap();
    assert_eq!(outcome.report().stop, Stop::MaxIterations);
    // h0 = h1 / 2 and 3 h1 = h0 + 2: h1 = 4/5.
    assert!(outcome.value().interval(1).contains(0.8) && outcome.value().interval(0).contains(0.4));
    assert!(matches!(outcome.converged(), Err(Error::NotConverged { .. })));
    let found = slow.reach(&chain, &b, &a).unwrap().converged().unwrap();
    assert_close(found.midpoint(1), 0.8, 1e-9, "the decimals of the leaks are rounded");
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() {
    let chain = language_model("C12").shift();
    let solver = PassageSolver::new();
    let of = |members: &[usize]| StateSet::of(9, members.iter().copied()).unwrap();
    let (one, none) = (of(&[1]), of(&[]));
    let foreign = StateSet::of(8, [1]).unwrap();
    assert!(matches!(solver.reach(&chain, &none, &one), Err(Error::EmptySet { .. })));
    assert!(matches!(chain.committor(&none, &one), Err(Error::EmptySet { .. })));
    assert!(matches!(solver.times(&chain, &none), Err(Error::EmptySet { .. })));
    assert!(matches!(solver.reach(&chain, &one, &foreign), Err(Error::LengthMismatch { .. })));
    assert!(matches!(solver.reach(&chain, &foreign, &one), Err(Error::LengthMismatch { .. })));
    assert!(matches!(solver.reach(&chain, &one, &one), Err(Error::OverlappingSets { state: 1, .. })));
    assert!(matches!(solver.race(&chain, &[]), Err(Error::MustBePositive { .. })));
    assert!(matches!(solver.race(&chain, &[&one, &one]), Err(Error::OverlappingSets { .. })));
    for tolerance in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = PassageSolver::new().tolerance(tolerance).reach(&chain, &one, &none);
        assert!(matches!(refused, Err(Error::InvalidSetting { name: "tolerance", .. })));
    }
}

#[test]
fn a_watched_iteration_stops_when_told_to_and_keeps_its_bounds() {
    let chain = language_model("C12").shift();
    let target = StateSet::of(9, [8]).unwrap();
    let none = StateSet::of(9, []).unwrap();
    let solver = PassageSolver::new().method(PassageMethod::Iteration).tolerance(1e-14);
    let mut watch = |progress: &Progress| {
        if progress.done < 3 { std::ops::ControlFlow::Continue(()) } else { std::ops::ControlFlow::Break(()) }
    };
    let outcome = solver.times_watched(&chain, &target, &mut watch).unwrap();
    assert_eq!(outcome.report().stop, Stop::Cancelled);
    let exact = chain.passage_times(&target).unwrap().converged().unwrap();
    for state in 0..9 {
        let bounds = outcome.value().mean().interval(state);
        assert!(bounds.contains(exact.mean().midpoint(state)), "{bounds:?}");
    }
    let certain = solver.reach(&chain, &target, &none).unwrap();
    assert_eq!(certain.report().stop, Stop::Direct);
    assert_eq!(certain.into_value().midpoints(), [1.0; 9]);
}

/// Walks of the chain itself, stopped at the target: their mean is within five
/// standard errors of the exact one, with the exact deviation (one chance in 1.7 million for a seed; it is fixed).
#[test]
fn simulated_passages_take_as_long_as_is_said() {
    let case = language_model("C12");
    let chain = case.shift();
    let target = StateSet::of(9, [1]).unwrap();
    let times = chain.passage_times(&target).unwrap().converged().unwrap();
    let walker = chain.walker().unwrap();
    let walks = 20_000;
    for start in [0, 5, 8] {
        let ensemble = walker.ensemble(Start::State(start), walks, 400, 11).unwrap();
        let passage = |walk: &[u32]| walk.iter().position(|&state| target.contains(state as usize));
        // A mean of some 10 steps leaves no walk that takes 400.
        let sum: usize = ensemble.walks().map(|walk| passage(walk).unwrap()).sum();
        let error = (times.variance().midpoint(start) / walks as f64).sqrt();
        let off = sum as f64 / walks as f64 - times.mean().midpoint(start);
        assert!(off.abs() < 5.0 * error, "{start}: off by {off}, standard error {error}");
    }
}
