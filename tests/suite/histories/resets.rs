//! Histories since a reset, against the stationary law, which they do not use.

use lmchain::Error;
use lmchain::chain::{MarkovChain, StateSet};
use lmchain::operator::{Restart, TransitionOperator};
use lmchain::prob::Law;
use lmchain::reverse::{End, ResetHistories, ResetHistorySettings};
use lmchain::stationary::{StationaryMethod, StationarySolver};
use proptest::prelude::*;

use super::{ROUNDING, all_histories, bits, documents, shift, table, uneven_law};
use crate::common::{assert_all_close, assert_close, language_model, numbers};

/// `f` one step earlier, where the step must not be a reset: `P (f outside resets)`.
fn without_reset<O: TransitionOperator>(chain: &MarkovChain<O>, resets: &StateSet, f: &[f64]) -> Vec<f64> {
    let outside: Vec<f64> =
        f.iter().enumerate().map(|(s, &x)| if resets.contains(s) { 0.0 } else { x }).collect();
    let mut before = vec![0.0; f.len()];
    chain.operator().pull_back(&outside, &mut before);
    before
}

/// The answers are those that the stationary law gives, which was not used: the
/// state `t` steps before is `i`, with no reset since, with probability
/// `pi(i) Q^t(i, end) / pi(end)`, where `Q` is the chain that must not be reset.
fn check_against_stationary<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    found: &ResetHistories<'_, impl TransitionOperator>,
    stationary: &Law,
    end: &StateSet,
    unit: f64,
    step_back: impl Fn(&[f64]) -> Vec<f64>,
    tolerance: f64,
) {
    let whole = end.mass(stationary);
    assert_close(found.ln_weight().exp(), whole / unit, tolerance, "weight of all histories");
    let ages = found.age_law();
    let mut ways: Vec<f64> = (0..chain.len()).map(|state| f64::from(u8::from(end.contains(state)))).collect();
    for steps in 0..6 {
        let joint: Vec<f64> = ways.iter().zip(stationary.iter()).map(|(w, p)| w * p / whole).collect();
        let older: f64 = joint.iter().sum();
        assert_close(ages.iter().skip(steps).sum(), older, tolerance, "the age is so much or more");
        match found.law_before(steps) {
            Some(law) => {
                let expected: Vec<f64> = joint.iter().map(|p| p / older).collect();
                assert_all_close(&law, &expected, tolerance / older, "law before");
            }
            None => assert!(older == 0.0),
        }
        ways = step_back(&ways);
    }
}

#[test]
fn since_a_restart_the_histories_add_up_to_the_stationary_probability() {
    let case = language_model("C35");
    for (eps, expected) in case.expected["by_eps"].as_object().unwrap() {
        let eps: f64 = eps.parse().unwrap();
        let expected = numbers(&expected["stationary"]);
        // Thirty thousand ages take their time: one operator will do.
        let operators = if eps < 0.01 { 1 } else { 4 };
        for (operator, _, chain) in case.chains().into_iter().take(operators) {
            let restart = Restart::new(chain.operator(), eps, Law::point(4, 0)).unwrap();
            let restarted = chain.with_operator(restart);
            for (state, expected) in expected.iter().enumerate() {
                let end = StateSet::of(4, [state]).unwrap();
                let found = restarted.histories_since_restart(End::In(&end)).unwrap().converged().unwrap();
                assert_close(found.ln_weight().exp(), *expected, 1e-10, operator);
                // Age T: eps (1 - eps)^T P^T(0, state).
                let mut law = Law::point(4, 0).into_vec();
                let mut next = law.clone();
                for (age, p) in found.age_law().iter().enumerate().take(50) {
                    let weight = eps * (1.0 - eps).powi(age as i32) * law[state];
                    assert_close(*p, weight / expected, 1e-10, operator);
                    chain.operator().push_forward(&law, &mut next);
                    std::mem::swap(&mut law, &mut next);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn since_a_restart_the_laws_are_those_of_the_stationary_law(
        // An age of 5 has a probability of (1 - 0.99)^5 = 1e-10 at least: more than may be left out.
        (space, table) in table(), eps in 0.2..0.99f64, bad in 1usize..300,
    ) {
        let chain = shift(space, table);
        let n = chain.len();
        let restart = Restart::new(chain.operator(), eps, uneven_law(n)).unwrap();
        let restarted = chain.with_operator(restart);
        let mut bad = StateSet::by_state(n, |state| bad >> state & 1 == 1);
        if bad.is_empty() {
            bad = StateSet::of(n, [n - 1]).unwrap();
        }
        let pi = StationarySolver::new().method(StationaryMethod::Gth).solve(&restarted);
        let pi = pi.unwrap().converged().unwrap().unique().unwrap();
        let outcome = match restarted.histories_since_restart(End::In(&bad)) {
            Ok(outcome) => outcome,
            Err(error) => {
                assert!(matches!(error, Error::Impossible { .. }) && bad.mass(&pi) == 0.0);
                return Ok(());
            }
        };
        prop_assert!(outcome.report().error_bound.unwrap() <= 1e-12);
        let found = outcome.converged().unwrap();
        let step_back = |ways: &[f64]| {
            let mut before = vec![0.0; n];
            chain.operator().pull_back(ways, &mut before);
            before.iter().map(|p| (1.0 - eps) * p).collect::<Vec<_>>()
        };
        // What is left out is 1e-12; the rest is rounding of a few hundred eps.
        check_against_stationary(&restarted, &found, &pi, &bad, 1.0, step_back, 2e-12);
    }

    #[test]
    fn since_a_reset_histories_of_all_ages_are_those_counted_out(
        (space, table) in table(), eps in 0.3..0.9f64, first in any::<bool>(),
    ) {
        let chain = shift(space, table);
        let n = chain.len();
        let mu = uneven_law(n);
        let restarted = chain.with_operator(Restart::new(chain.operator(), eps, mu.clone()).unwrap());
        let bad = StateSet::of(n, [n - 1]).unwrap();
        let end = if first { End::FirstIn(&bad) } else { End::In(&bad) };
        let settings = ResetHistorySettings::new().max_iterations(4);
        let Ok(outcome) = settings.solve_restart(&restarted, end) else { return Ok(()) };
        let found = outcome.into_value();
        let weigh = |age: usize| {
            let all = all_histories(&chain, &mu, end, age).into_iter();
            all.map(move |(states, p)| (states, p * eps * (1.0 - eps).powi(age as i32)))
        };
        let mut all: Vec<_> = (0..5).flat_map(weigh).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        let total: f64 = all.iter().map(|(_, p)| p).sum();
        assert_close(found.ln_weight().exp(), total, ROUNDING, "weight");
        for count in [all.len() + 1, all.len() / 2, 2, 1, 0] {
            let best = found.most_probable(count).unwrap();
            prop_assert_eq!(best.len(), count.min(all.len()));
            for (history, (_, p)) in best.iter().zip(&all) {
                assert_close(history.posterior, p / total, ROUNDING, "posterior, in order");
                let own = all.iter().find(|(states, _)| *states == history.states).unwrap().1;
                assert_close(history.posterior, own / total, ROUNDING, "posterior of this history");
            }
        }
        for history in found.sample(5, 1).unwrap() {
            prop_assert!(all.iter().any(|(states, _)| *states == history.states));
        }
    }
}

fn check_resets<O: TransitionOperator>(chain: &MarkovChain<O>, resets: &StateSet, end: &StateSet) {
    let solver = StationarySolver::new().method(StationaryMethod::Gth);
    let pi = solver.solve(chain).unwrap().converged().unwrap().unique().unwrap();
    let outcome = chain.histories_since_reset(resets, End::In(end)).unwrap();
    assert!(outcome.report().error_bound.unwrap() <= 1e-12);
    // The ages left out have at most 1e-12 of the weight, and each weight is off by
    // the law of the reset: twice the tolerance at most, as the law is divided by its
    // sum. A step rounds the sums of a product and logarithms of up to 40, elimination
    // counts the rounding of a row twice for every state.
    let roundings = (outcome.report().iterations + 2 * chain.len()) * (chain.operator().longest_sum() + 40);
    let found = outcome.converged().unwrap();
    let unit = resets.mass(&pi);
    let step_back = |ways: &[f64]| without_reset(chain, resets, ways);
    let largest = (end.mass(&pi) / unit).max(1.0);
    let tolerance = largest * (3e-12 + roundings as f64 * f64::EPSILON);
    check_against_stationary(chain, &found, &pi, end, unit, step_back, tolerance);

    // To come to the end before the next reset: follow the excursions there.
    let first = chain.histories_since_reset(resets, End::FirstIn(end)).unwrap().converged().unwrap();
    let mut law: Vec<f64> = chain.law_within(&pi, resets).unwrap().into_vec();
    let (mut hit, mut next) = (0.0, vec![0.0; law.len()]);
    for _ in 0..10_000 {
        for state in end.iter() {
            hit += std::mem::take(&mut law[state]);
        }
        chain.operator().push_forward(&law, &mut next);
        resets.iter().for_each(|state| next[state] = 0.0);
        std::mem::swap(&mut law, &mut next);
    }
    assert_close(first.ln_weight().exp(), hit, tolerance, "the chance to come to the end");
    for history in first.most_probable(20).unwrap() {
        let (last, before) = history.states.split_last().unwrap();
        assert!(end.contains(*last) && before.iter().all(|&state| !end.contains(state)));
        assert!(resets.contains(history.states[0]));
        assert!(history.states[1..].iter().all(|&state| !resets.contains(state)));
    }
}

#[test]
fn since_a_reset_the_laws_are_those_of_the_stationary_law() {
    let case = language_model("C12");
    let set = |states: &[usize]| StateSet::of(9, states.iter().copied()).unwrap();
    for (_, _, chain) in case.chains() {
        check_resets(&chain, &set(&[0]), &set(&[8]));
        check_resets(&chain, &set(&[0]), &set(&[0, 5]));
        check_resets(&chain, &set(&[0, 4, 7]), &set(&[8, 4]));
    }
}

#[test]
fn since_the_start_of_text_the_laws_are_those_of_the_stationary_law() {
    let chain = documents();
    let start = StateSet::of(chain.len(), [chain.states().find("<s>").unwrap()]).unwrap();
    let twice_b = chain.states().after_prompt(&chain.states().tokens(chain.states().find("bb").unwrap()));
    let bad = StateSet::of(chain.len(), [twice_b.unwrap()]).unwrap();
    check_resets(&chain, &start, &bad);
    let found = chain.histories_since_text_start(End::In(&bad)).unwrap().converged().unwrap();
    let by_hand = chain.histories_since_reset(&start, End::In(&bad)).unwrap().converged().unwrap();
    assert_eq!(bits(&found.most_probable(9).unwrap()), bits(&by_hand.most_probable(9).unwrap()));
    // A text that starts "bb" is the shortest history, and its tokens are the text.
    let best = found.most_probable(9).unwrap();
    let shortest = best.iter().min_by_key(|history| history.steps()).unwrap();
    let tokens = shortest.tokens(chain.states());
    let text: Vec<String> = tokens.iter().map(|&token| chain.states().token_label(token)).collect();
    assert_eq!(text, ["<s>", "b", "b"]);
}
