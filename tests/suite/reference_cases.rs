//! Every reference case that touches stationary laws, classes, mixing,
//! reversal, information or topics, through every operator and solver it fits.

use lmchain::chain::Start;
use lmchain::mixing::{MixingTimeSolver, SecondEigenvalueSolver};
use lmchain::model::{Decoded, Decoding, TableModel};
use lmchain::operator::TransitionOperator;
use lmchain::prob::Law;
use lmchain::solve::Stop;
use lmchain::stationary::{StationaryMethod, StationarySolver};

use crate::common;
use crate::common::{
    Case, assert_all_close, assert_close, integers, language_model, language_models, matrices, numbers, sets,
};

fn every_case() -> impl Iterator<Item = Case> {
    language_models().into_iter().chain(matrices())
}

/// The exact stationary laws that a case knows, one per recurrent class.
fn stationary_laws(case: &Case) -> Option<Vec<Vec<f64>>> {
    if let Some(laws) = case.derived.get("stationary") {
        return Some(common::matrix(laws));
    }
    case.expected.get("stationary").map(|law| vec![numbers(law)])
}

#[test]
fn stationary_laws_agree_in_every_component() {
    for case in every_case() {
        let Some(expected) = stationary_laws(&case) else { continue };
        for (operator, _, chain) in case.chains() {
            let what = format!("{} ({operator})", case.name);
            let solve =
                |method| StationarySolver::new().method(method).tolerance(1e-14).solve(&chain).unwrap();
            let exact = solve(StationaryMethod::Gth).converged().unwrap();
            assert_eq!(exact.classes().count(), expected.len(), "{what}: classes");
            for (class, expected) in exact.classes().zip(&expected) {
                for (state, (found, expected)) in exact.law(class).iter().zip(expected).enumerate() {
                    // Elimination is right relative to each component. The
                    // references are exact rationals for the written decimals,
                    // which are off from the doubles by up to an ulp an entry:
                    // that moves a component by at most 2 n ulps (O'Cinneide 1993).
                    let tolerance = if case.tolerance < 1e-6 { 1e-12 } else { case.tolerance };
                    let relative = (found - expected).abs() / expected.max(f64::MIN_POSITIVE);
                    assert!(
                        relative <= tolerance || found == expected,
                        "{what}: pi[{state}] {found} {expected}"
                    );
                }
            }
            for method in [StationaryMethod::Power, StationaryMethod::LazyPower] {
                let outcome = solve(method);
                if let Some(bound) = outcome.report().error_bound.filter(|_| outcome.is_converged()) {
                    for (class, expected) in outcome.value().classes().zip(&expected) {
                        let error = lmchain::prob::total_variation(&outcome.value().law(class), expected);
                        assert!(error <= bound + 1e-15, "{what}: {method:?} is {error} off, bound {bound}");
                    }
                }
            }
        }
    }
}

#[test]
fn power_iteration_never_claims_a_convergence_that_is_false() {
    let cases = matrices();
    let kmr = cases.iter().find(|case| case.name == "qe_kmr_N3_eps1e-14").unwrap();
    let exact = &stationary_laws(kmr).unwrap()[0];
    for tolerance in [1e-6, 1e-10, 1e-14] {
        for (_, _, chain) in kmr.chains() {
            let solver = StationarySolver::new().method(StationaryMethod::Power).tolerance(tolerance);
            let outcome = solver.solve(&chain).unwrap();
            let off = lmchain::prob::total_variation(&outcome.value().law(0), exact);
            assert!(off > 0.1, "the case is meant to fool power iteration");
            assert!(outcome.report().residual <= tolerance);
            assert_eq!(outcome.report().stop, Stop::Unproven);
            assert!(outcome.converged().is_err());
        }
    }
}

/// Two cliques of `n` states that lead to each other with probability `bridge`
/// from one state: the law is exact by symmetry of the cut.
fn two_cliques(
    n: usize,
    bridge: f64,
) -> (lmchain::chain::MarkovChain<lmchain::operator::SparseOperator>, Vec<f64>) {
    let clique = |offset: usize, out: f64| {
        (0..n).flat_map(move |i| {
            let stay = if i == 0 { 1.0 - out } else { 1.0 };
            let within = (0..n).map(move |j| ((offset + i) as u32, (offset + j) as u32, stay / n as f64));
            let cross = (i == 0).then_some((offset as u32, ((offset + n) % (2 * n)) as u32, out));
            within.chain(cross)
        })
    };
    let entries: Vec<_> = clique(0, bridge).chain(clique(n, 3.0 * bridge)).collect();
    let operator = lmchain::operator::SparseOperator::from_triplets(2 * n, entries).unwrap();
    let chain = lmchain::chain::MarkovChain::new(operator, lmchain::chain::States::numbered(2 * n));
    let exact = chain.stationary().unwrap().converged().unwrap().into_vec();
    (chain, exact)
}

#[test]
fn nearly_decomposable_chains_are_bounded_or_not_claimed() {
    for exponent in 1..=15 {
        let (chain, exact) = two_cliques(5, 0.1f64.powi(exponent));
        // Balance across the cut: the second clique is left three times as often.
        let first: f64 = exact[..5].iter().sum();
        let corner = |offset: usize| exact[offset];
        let (leave, enter) = (corner(0) * 0.1f64.powi(exponent), corner(5) * 3.0 * 0.1f64.powi(exponent));
        assert_close(leave, enter, 1e-13, "the cut is balanced");
        assert!(first > 0.5);
        let solver = StationarySolver::new().method(StationaryMethod::Power).max_iterations(20_000);
        let outcome = solver.solve(&chain).unwrap();
        let off = lmchain::prob::total_variation(&outcome.value().law(0), &exact);
        match outcome.report().error_bound {
            Some(bound) => assert!(off <= bound, "bridge 1e-{exponent}: {off} off, bound {bound}"),
            None => assert!(!outcome.is_converged()),
        }
        if outcome.is_converged() {
            assert!(off <= 1e-6, "bridge 1e-{exponent}: claimed, but {off} off");
        }
    }
}

#[test]
fn classes_and_periods_agree() {
    for case in every_case() {
        for (operator, _, chain) in case.chains() {
            let what = format!("{} ({operator})", case.name);
            let classes = chain.classes();
            let members = |class| classes.members(class).iter().map(|&s| s as usize).collect::<Vec<_>>();
            let all: Vec<Vec<usize>> = (0..classes.count()).map(members).collect();
            let recurrent: Vec<Vec<usize>> = classes.recurrent().map(members).collect();
            let periods: Vec<usize> = classes.recurrent().map(|class| classes.period(class)).collect();
            let transient: Vec<usize> = classes.transient_states().collect();
            for expected in [&case.expected, &case.derived] {
                let check = |key: &str| expected.get(key);
                if let Some(e) = check("communicating_classes") {
                    assert_eq!(all, sets(e), "{what}: classes");
                }
                if let Some(e) = check("recurrent_classes").or(check("closed_classes")) {
                    let mut e = sets(e);
                    e.sort();
                    assert_eq!(recurrent, e, "{what}: recurrent classes");
                }
                if let Some(e) = check("periods_of_recurrent_classes").or(check("periods")) {
                    assert_eq!(periods, integers(e), "{what}: periods");
                }
                if let Some(e) = check("transient_states").filter(|e| e.is_array()) {
                    assert_eq!(transient, integers(e), "{what}: transient states");
                }
                if let Some(e) = check("absorbing_states") {
                    assert_eq!(classes.absorbing_states().collect::<Vec<_>>(), integers(e), "{what}");
                }
                if let Some(e) = check("period").and_then(serde_json::Value::as_u64) {
                    // The least common multiple over the recurrent classes.
                    let lcm = periods.iter().fold(1, |a, &b| a / gcd(a, b) * b);
                    assert_eq!(lcm as u64, e, "{what}: period");
                }
                if let Some(e) = check("recurrent_contexts").and_then(serde_json::Value::as_u64) {
                    assert_eq!(recurrent.concat().len() as u64, e, "{what}: recurrent contexts");
                }
                if let Some(e) = check("class_periods") {
                    for pair in e.as_array().unwrap() {
                        let class = classes.class_of(integers(&pair[0])[0]);
                        assert_eq!(classes.period(class) as u64, pair[1].as_u64().unwrap(), "{what}");
                    }
                }
                if let Some(e) = check("cyclic_classes") {
                    let found = classes.cyclic_classes(0, chain.operator());
                    let found: Vec<Vec<usize>> =
                        found.iter().map(|set| set.iter().map(|&s| s as usize).collect()).collect();
                    assert_eq!(found, sets(e), "{what}: cyclic classes");
                }
                for (key, found) in [
                    ("is_irreducible", classes.is_irreducible()),
                    ("is_aperiodic", classes.is_aperiodic()),
                    ("is_regular", classes.is_regular()),
                ] {
                    if let Some(e) = check(key) {
                        assert_eq!(found, e.as_bool().unwrap(), "{what}: {key}");
                    }
                }
            }
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[test]
fn long_run_laws_and_absorption_agree() {
    for case in matrices() {
        for (operator, _, chain) in case.chains() {
            let what = format!("{} ({operator})", case.name);
            for expected in case.expected.get("steady_state_from").iter().flat_map(|e| e.as_array().unwrap())
            {
                let start = Law::point(chain.len(), expected["init"].as_u64().unwrap() as usize);
                let law = chain.long_run_law(&start).unwrap();
                assert_all_close(&law, &numbers(&expected["value"]), case.tolerance, &what);
            }
            if let Some(e) = case.expected.get("absorption_probabilities") {
                let transient: Vec<usize> = chain.classes().transient_states().collect();
                for (&state, row) in transient.iter().zip(common::matrix(e)) {
                    let weights = chain.absorption_weights(&Law::point(chain.len(), state)).unwrap();
                    assert_all_close(&weights.converged().unwrap(), &row, case.tolerance, &what);
                }
            }
        }
    }
    let two_loops = language_model("C17");
    let expected = numbers(&two_loops.expected["P_absorb_in_11"]);
    for (operator, _, chain) in two_loops.chains() {
        for (state, expected) in expected.iter().enumerate() {
            let weights = chain.absorption_weights(&Law::point(4, state)).unwrap().converged().unwrap();
            assert_close(weights[1], *expected, 1e-12, operator);
        }
    }
}

#[test]
fn mixing_agrees() {
    for case in every_case() {
        let unique = stationary_laws(&case).filter(|laws| laws.len() == 1);
        let Some(law) = unique.and_then(|mut laws| Law::new(laws.remove(0)).ok()) else { continue };
        for (operator, _, chain) in case.chains() {
            let what = format!("{} ({operator})", case.name);
            if let Some(curve) = case.expected.get("tv_worst_start_t0").map(numbers) {
                let found = chain.worst_distance_curve(&law, curve.len() - 1).unwrap();
                assert_all_close(&found, &curve, 1e-10, &what);
                let starts: Vec<usize> = (0..chain.len()).collect();
                let over_all = chain.worst_distance_curve_over(&starts, &law, curve.len() - 1).unwrap();
                assert_eq!(over_all, found);
            }
            let time = case.expected.get("tmix_quarter").and_then(serde_json::Value::as_u64);
            let time =
                time.or(case.derived["mixing_time_tv"].get("0.25").and_then(serde_json::Value::as_u64));
            if let Some(time) = time {
                assert_eq!(MixingTimeSolver::new().solve(&chain, &law).unwrap(), Some(time), "{what}");
            }
        }
    }
}

#[test]
fn second_eigenvalues_agree() {
    for case in every_case() {
        let known = [&case.expected, &case.derived];
        let Some(slem) = known.iter().find_map(|e| e.get("slem").and_then(serde_json::Value::as_f64)) else {
            continue;
        };
        let Some(laws) = stationary_laws(&case) else { continue };
        let law = Law::normalized(laws[0].clone()).unwrap();
        // Eigenvalues of the written decimals move with the root of their last
        // digit where they are defective; those cases state their tolerance.
        let tolerance = case.tolerance.max(1e-9);
        for (operator, _, chain) in case.chains() {
            let outcome = SecondEigenvalueSolver::new().solve(&chain, &law).unwrap();
            let found = outcome.converged().unwrap().modulus();
            assert_close(found, slem, tolerance, &format!("{} ({operator})", case.name));
        }
    }
}

#[test]
fn reversal_agrees() {
    for case in every_case() {
        let unique = stationary_laws(&case).filter(|laws| laws.len() == 1);
        let Some(law) = unique.and_then(|mut laws| Law::new(laws.remove(0)).ok()) else { continue };
        for (operator, contexts, chain) in case.chains() {
            let what = format!("{} ({operator})", case.name);
            if let Some(rows) = case.expected.get("reverse_table").filter(|_| contexts) {
                let table = chain.reverse_table(&law).unwrap();
                for (state, row) in rows.as_array().unwrap().iter().enumerate() {
                    match table.law_before(state) {
                        Some(found) => assert_all_close(found, &numbers(row), 1e-10, &what),
                        None => assert!(row.is_null(), "{what}: state {state} has a past"),
                    }
                }
            }
            if let Some(rows) = case.derived.get("reversed_P").map(common::matrix) {
                let reversed = chain.reversed(&law).unwrap();
                for (from, row) in rows.iter().enumerate().filter(|(from, _)| law[*from] > 0.0) {
                    for (to, &expected) in row.iter().enumerate() {
                        let found = reversed.operator().probability(from, to);
                        assert_close(found, expected, case.tolerance.max(1e-12), &what);
                    }
                }
            }
        }
    }
}

#[test]
fn information_agrees() {
    for case in language_models() {
        let Some(laws) = stationary_laws(&case) else { continue };
        let law = Law::new(laws[0].clone()).unwrap();
        for (operator, _, chain) in case.chains().into_iter().filter(|(_, contexts, _)| *contexts) {
            let what = format!("{} ({operator})", case.name);
            let expect = |key: &str| case.expected.get(key);
            if let Some(e) = expect("entropy_rate_bits").and_then(serde_json::Value::as_f64) {
                assert_close(chain.entropy_rate(&law), e, 1e-10, &what);
                let reversed = chain.reversed(&law).unwrap();
                assert_close(reversed.entropy_rate(&law), e, 1e-10, &format!("{what}, backwards"));
            }
            if let Some(e) = expect("block_entropy_bits_L0_to_Kplus2").map(numbers) {
                assert_all_close(&chain.block_entropies(&law, case.k + 2).unwrap(), &e, 1e-10, &what);
            }
            if let Some(e) = expect("excess_entropy_bits").and_then(serde_json::Value::as_f64) {
                assert_close(chain.excess_entropy(&law).unwrap(), e, 1e-10, &what);
            }
            if let Some(e) = expect("token_marginal").map(numbers) {
                assert_all_close(&chain.token_law(&law), &e, 1e-10, &what);
            }
            for key in ["mi_bits_lag", "rational_mi_lag"] {
                let Some(by_lag) = expect(key).and_then(|e| e.as_object()) else { continue };
                let mut by_lag: Vec<(usize, f64)> =
                    by_lag.iter().map(|(lag, bits)| (lag.parse().unwrap(), bits.as_f64().unwrap())).collect();
                by_lag.sort_by_key(|&(lag, _)| lag);
                let lags: Vec<usize> = by_lag.iter().map(|&(lag, _)| lag).collect();
                let found = chain.mutual_information(&law, &lags).unwrap();
                for (found, (lag, expected)) in found.iter().zip(&by_lag) {
                    let value = if key == "mi_bits_lag" { found.mutual_information } else { found.rational };
                    assert_close(value, *expected, 1e-10, &format!("{what}: {key} {lag}"));
                }
            }
        }
    }
    for case in matrices() {
        let Some(nats) = case.derived.get("entropy_rate_nats").and_then(serde_json::Value::as_f64) else {
            continue;
        };
        let law = Law::new(stationary_laws(&case).unwrap()[0].clone()).unwrap();
        for (operator, _, chain) in case.chains() {
            let bits = nats / std::f64::consts::LN_2;
            assert_close(chain.entropy_rate(&law), bits, 1e-10, &format!("{} ({operator})", case.name));
        }
    }
}

#[test]
fn greedy_loops_agree() {
    let case = language_model("C12");
    let expected: Vec<(usize, usize)> = vec![(0, 2), (4, 2), (8, 5)];
    for (operator, _, chain) in case.chains() {
        let found = chain.greedy_loops();
        let loops: Vec<_> = found.loops().iter().map(|l| (l.cycle[0], l.basin)).collect();
        assert_eq!(loops, expected, "{operator}");
        let next: Vec<usize> = (0..9).map(|state| chain.greedy_successor(state)).collect();
        assert_eq!(next, integers(&case.expected["greedy_next_context"]), "{operator}");
        assert_eq!((found.tail(0), found.tail(6), found.loop_of(6)), (0, 1, 0));
    }
}

#[test]
fn restarted_chains_agree() {
    // The prompt law of the case is the point at context 00.
    let case = language_model("C35");
    for (eps, expected) in case.expected["by_eps"].as_object().unwrap() {
        let eps: f64 = eps.parse().unwrap();
        for (operator, _, chain) in case.chains() {
            let restart = lmchain::operator::Restart::new(chain.operator(), eps, Law::point(4, 0)).unwrap();
            let restarted = chain.with_operator(restart);
            for method in [StationaryMethod::Gth, StationaryMethod::Power] {
                let solver = StationarySolver::new().method(method).tolerance(1e-13);
                let law = solver.solve(&restarted).unwrap().converged().unwrap().unique().unwrap();
                assert_all_close(&law, &numbers(&expected["stationary"]), 1e-10, operator);
            }
        }
    }
}

#[test]
fn topics_agree() {
    let case = language_model("C21");
    let topic_of = integers(&case.expected["topic_of_token"]);
    for (operator, _, chain) in case.chains() {
        let law = chain.stationary().unwrap().converged().unwrap();
        let names = ["A", "B"];
        let topics =
            lmchain::topics::Topics::by_token(chain.states(), names, |t| topic_of[t as usize]).unwrap();
        assert_all_close(&topics.law(&law), &numbers(&case.expected["topic_stationary"]), 1e-12, operator);
        let flow = chain.topic_flow(&topics, &law);
        for (row, expected) in flow.iter().zip(common::matrix(&case.expected["topic_chain"])) {
            assert_all_close(row.as_ref().unwrap(), &expected, 1e-12, operator);
        }
        for (topic, mean) in numbers(&case.expected["mean_sojourn"]).iter().enumerate() {
            let sojourn = chain.sojourn(&topics, topic, &law, 40).unwrap();
            assert_close(sojourn.mean, *mean, 1e-12, operator);
            // The case gives the half-life between steps; ours is the first whole step.
            let between = numbers(&case.expected["sojourn_survival_half_life_steps"])[topic];
            assert_eq!(sojourn.half_life(), Some(between.ceil() as usize));
        }
        for (lag, expected) in case.expected["topic_lag"].as_object().unwrap() {
            let lag: usize = lag.parse().unwrap();
            let shares = topics.law(&law);
            let same: f64 = (0..2)
                .map(|topic| shares[topic] * chain.retention(&topics, topic, &law, lag).unwrap()[lag])
                .sum();
            assert_close(same, expected["P_same_topic"].as_f64().unwrap(), 1e-12, operator);
        }
        let sojourn = chain.sojourn(&topics, 0, &law, 10).unwrap();
        let expected = case.expected["P_on_track_A_uninterrupted_n10"].as_f64().unwrap();
        assert_close(sojourn.survival[10], expected, 1e-12, operator);
        let start = chain.topic_curve(&topics, Start::State(0), 0).unwrap();
        assert_eq!(start, [[1.0, 0.0]]);
    }
}

#[test]
fn a_table_in_single_precision_stands_for_its_rounded_rows() {
    for case in language_models() {
        let Some(laws) = stationary_laws(&case) else { continue };
        let chain = case.shift();
        let single = chain.with_operator(chain.operator().to_f32());
        if single.classes().recurrent_count() > 1 {
            continue;
        }
        let rounded = single.stationary().unwrap().converged().unwrap();
        // Each entry moves by at most 2^-24 of itself, which moves a component of
        // the law by at most 2 n such steps (O'Cinneide 1993).
        let tolerance = 2.0 * laws[0].len() as f64 * 2f64.powi(-24) * 1.01;
        for (state, (found, exact)) in rounded.iter().zip(&laws[0]).enumerate() {
            assert!((found - exact).abs() <= tolerance * exact, "{}: pi[{state}] {found} {exact}", case.name);
        }
    }
}

#[test]
fn temperature_moves_mixing_as_in_the_parity_toy() {
    let file: serde_json::Value = serde_json::from_str(include_str!("../data/language_models.json")).unwrap();
    let case = file["cases"].as_array().unwrap().iter().find(|case| case["id"] == "C41").unwrap();
    let softmax = |row: &Vec<f64>| {
        let sum: f64 = row.iter().map(|logit| logit.exp()).sum();
        row.iter().map(|logit| logit.exp() / sum).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<f64>> = common::matrix(&case["logits"]).iter().map(softmax).collect();
    let model = TableModel::from_rows(3, &rows).unwrap();
    for point in case["expected"]["sweep"].as_array().unwrap() {
        let temperature = point["T"].as_f64().unwrap();
        let decoded = Decoded::new(&model, Decoding::new().temperature(temperature)).unwrap();
        let chain = lmchain::chain::MarkovChain::enumerated(&decoded).unwrap();
        let law = chain.stationary().unwrap().converged().unwrap();
        assert_all_close(&law, &[0.125; 8], 1e-10, "uniform at every temperature");
        let expected = |key: &str| point[key].as_f64().unwrap();
        assert_close(chain.entropy_rate(&law), expected("entropy_rate_bits"), 1e-10, "entropy rate");
        let slem = SecondEigenvalueSolver::new().solve(&chain, &law).unwrap().converged().unwrap();
        assert_close(slem.modulus(), expected("slem"), 1e-9, "second eigenvalue");
        let time = MixingTimeSolver::new().solve(&chain, &law).unwrap().unwrap();
        // The case itself allows one step at the lowest temperature, where the
        // distance falls by 1e-5 of itself a step.
        let slack = u64::from(temperature < 0.6);
        assert!(time.abs_diff(point["tmix_quarter"].as_u64().unwrap()) <= slack, "T = {temperature}: {time}");
    }
}
