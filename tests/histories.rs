//! Histories of a bad state, against all histories there are.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod common;
#[path = "histories/rare_resets.rs"]
mod rare_resets;
#[path = "../benches/support/mod.rs"]
mod support;

use common::{assert_all_close, assert_close, language_model, matrix, numbers};
use lmchain::Error;
use lmchain::chain::{MarkovChain, Start, StateSet, States};
use lmchain::model::{NgramSettings, Smoothing};
use lmchain::operator::{
    BackoffOperator, Restart, ShiftOperator, SparseOperator, TransitionOperator, successors,
};
use lmchain::prob::{Law, entropy};
use lmchain::reverse::{End, Histories, History, HistorySettings, ResetHistories, ResetHistorySettings};
use lmchain::stationary::{StationaryMethod, StationarySolver};
use lmchain::text::{ContextSpace, CorpusSettings, DocumentEnd, Token, Tokenizer};
use proptest::prelude::*;
use support::chains::ChainSpec;

/// Tables over small context spaces; a third of the entries are zero, the others
/// are 0.0025 or more.
fn table() -> impl Strategy<Value = (ContextSpace, Vec<f64>)> {
    let space = prop_oneof![Just((2usize, 1usize)), Just((2, 2)), Just((3, 1)), Just((3, 2)), Just((4, 1))];
    space.prop_map(|(v, k)| ContextSpace::new(v, k).unwrap()).prop_flat_map(|space| {
        let v = space.vocabulary_size();
        let entry = prop_oneof![1 => Just(0.0), 2 => 0.01..1.0f64];
        let row = prop::collection::vec(entry, v).prop_map(|mut row| {
            if row.iter().all(|p| *p == 0.0) {
                row[0] = 1.0;
            }
            let sum: f64 = row.iter().sum();
            row.iter().map(|p| p / sum).collect::<Vec<_>>()
        });
        prop::collection::vec(row, space.len()).prop_map(move |rows| (space, rows.concat()))
    })
}

fn shift(space: ContextSpace, table: Vec<f64>) -> MarkovChain<ShiftOperator> {
    MarkovChain::new(ShiftOperator::new(space, table).unwrap(), States::contexts(space, None))
}

/// A law with zeros among its entries.
fn uneven_law(states: usize) -> Law {
    let mut weights: Vec<f64> = (0..states).map(|i| (i % 3) as f64).collect();
    weights[0] = 0.5;
    Law::normalized(weights).unwrap()
}

/// Every history that ends so, with its probability: most probable first.
fn all_histories<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    start: &Law,
    end: End<'_>,
    steps: usize,
) -> Vec<(Vec<usize>, f64)> {
    let (set, first) = match end {
        End::In(set) => (set, false),
        End::FirstIn(set) => (set, true),
    };
    let mut open: Vec<(Vec<usize>, f64)> =
        (0..start.len()).filter(|&x| start[x] > 0.0).map(|x| (vec![x], start[x])).collect();
    for _ in 0..steps {
        open.retain(|(states, _)| !(first && set.contains(states[states.len() - 1])));
        let longer = |(states, p): (Vec<usize>, f64)| {
            let last = states[states.len() - 1];
            successors(chain.operator(), last)
                .map(move |to| ([&states[..], &[to.state]].concat(), p * to.probability))
        };
        open = open.into_iter().flat_map(longer).collect();
    }
    open.retain(|(states, _)| set.contains(states[steps]));
    open.sort_by(|a, b| b.1.total_cmp(&a.1));
    open
}

/// How far from each other two ways to compute a posterior of up to 6 states may
/// be: 6 steps of sums of up to 16 terms, with three roundings each, of logarithms
/// that are at most 40 in all.
const ROUNDING: f64 = 6.0 * (16.0 + 3.0) * 40.0 * f64::EPSILON;

fn check_against_all<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    end: End<'_>,
    steps: usize,
    memory: u128,
) -> Result<(), TestCaseError> {
    let start = uneven_law(chain.len());
    let all = all_histories(chain, &start, end, steps);
    let settings = HistorySettings::new().memory_limit(memory);
    let found = settings.solve(chain, Start::Law(&start), end, steps);
    let total: f64 = all.iter().map(|(_, p)| p).sum();
    if all.is_empty() {
        assert!(matches!(found, Err(Error::Impossible { .. })));
        return Ok(());
    }
    let found = found.unwrap();
    prop_assert!((found.probability() - total).abs() <= ROUNDING * total);

    let mut laws = vec![vec![0.0; chain.len()]; steps + 1];
    for (states, p) in &all {
        states.iter().enumerate().for_each(|(time, &state)| laws[time][state] += p / total);
    }
    let mut expected_time = steps;
    found
        .for_each_law(|time, law| {
            assert_eq!(time, expected_time);
            expected_time = time.saturating_sub(1);
            assert_all_close(law, &laws[time], ROUNDING, "law given the end");
            assert_close(law.iter().sum(), 1.0, ROUNDING, "sum of a law given the end");
            assert_all_close(&found.law_at(time).unwrap(), &laws[time], ROUNDING, "law at a time");
            Ok(())
        })
        .unwrap();

    let posterior: Vec<f64> = all.iter().map(|(_, p)| p / total).collect();
    assert_close(found.entropy().unwrap(), entropy(&posterior), ROUNDING, "entropy");

    for count in [all.len() + 1, all.len(), all.len() / 2, 3, 1, 0] {
        let best = found.most_probable(count).unwrap();
        prop_assert_eq!(best.len(), count.min(all.len()));
        for (history, (_, p)) in best.iter().zip(&all) {
            assert_close(history.posterior, p / total, ROUNDING, "posterior of a history, in order");
        }
        let mut states: Vec<_> = best.into_iter().map(|history| history.states).collect();
        states.sort_unstable();
        states.dedup();
        prop_assert_eq!(states.len(), count.min(all.len()), "distinct histories");
        // Those of which all were asked for are all, each with its own probability.
    }
    for history in found.most_probable(all.len()).unwrap() {
        let own = all.iter().find(|(states, _)| *states == history.states);
        let own = own.expect("a history that there is").1;
        assert_close(history.posterior, own / total, ROUNDING, "posterior of this history");
        prop_assert!((history.ln_weight - own.ln()).abs() <= ROUNDING);
    }
    for history in found.sample(5, 1).unwrap() {
        let own = all.iter().find(|(states, _)| *states == history.states);
        assert_close(history.posterior, own.expect("a history that there is").1 / total, ROUNDING, "sample");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn answers_are_those_of_all_histories_counted_out(
        (space, table) in table(), steps in 0usize..5, bad in 1usize..300, tight in any::<bool>(),
    ) {
        let chain = shift(space, table);
        let mut bad = StateSet::by_state(chain.len(), |state| bad >> state & 1 == 1);
        if bad.is_empty() {
            bad = StateSet::of(chain.len(), [chain.len() - 1]).unwrap();
        }
        // All messages kept, or as few as are allowed.
        let message = 8 * chain.len() as u128 + 48;
        let memory = if tight { 13 * message } else { 1 << 30 };
        check_against_all(&chain, End::In(&bad), steps, memory)?;
        check_against_all(&chain, End::FirstIn(&bad), steps, memory)?;
        let row = |s: usize| successors(chain.operator(), s).map(move |t| (s as u32, t.state as u32, t.probability));
        let sparse = SparseOperator::from_triplets(chain.len(), (0..chain.len()).flat_map(row).collect());
        check_against_all(&chain.with_operator(sparse.unwrap()), End::FirstIn(&bad), steps, memory)?;
    }

    #[test]
    fn given_no_more_than_that_it_ends_somewhere_the_law_is_that_of_the_chain(
        (space, table) in table(), steps in 0usize..7,
    ) {
        let chain = shift(space, table);
        let everywhere = StateSet::by_state(chain.len(), |_| true);
        let start = uneven_law(chain.len());
        let found = chain.histories(Start::Law(&start), End::In(&everywhere), steps).unwrap();
        prop_assert!(found.ln_probability().abs() <= ROUNDING);
        let mut law = start.clone().into_vec();
        for time in 0..=steps {
            assert_all_close(&found.law_at(time).unwrap(), &law, ROUNDING, "the filter");
            let mut next = vec![0.0; law.len()];
            chain.operator().push_forward(&law, &mut next);
            law = next;
        }
    }
}

#[test]
fn histories_of_the_reference_case_agree() {
    let case = language_model("C12");
    for (operator, has_tokens, chain) in case.chains() {
        let law = chain.stationary().unwrap().converged().unwrap();
        let bad = StateSet::of(9, [8]).unwrap();
        let past = chain.histories(Start::Law(&law), End::In(&bad), 4).unwrap();
        let bits = case.expected["backward_history_entropy_bits_len4"].as_f64().unwrap();
        assert_close(past.entropy().unwrap(), bits, 1e-10, operator);
        let best = past.most_probable(4).unwrap();
        let expected = case.expected["top4_histories_before_bad_len4"].as_array().unwrap();
        assert_eq!(best.len(), 4);
        for (history, expected) in best.iter().zip(expected) {
            assert_close(history.posterior, expected["prob"].as_f64().unwrap(), 1e-10, operator);
            if has_tokens {
                // Six tokens: those of the oldest state, then one a step.
                let tokens: Vec<f64> = history.tokens(chain.states()).iter().map(|&t| f64::from(t)).collect();
                let before = numbers(&expected["tokens_oldest_first"]);
                assert_eq!(tokens, [&before[..], &[2.0, 2.0]].concat(), "{operator}");
            }
        }
        let laws = chain.past_laws(&law, &bad, 5).unwrap();
        let reverse = matrix(&case.expected["reverse_chain_distribution_from_bad_m1_to_5"]);
        for (m, expected) in (1..).zip(&reverse) {
            assert_all_close(&laws[m], expected, 1e-10, operator);
            let within_horizon = chain.histories(Start::Law(&law), End::In(&bad), 7).unwrap();
            assert_all_close(&within_horizon.law_at(7 - m).unwrap(), expected, 1e-10, operator);
        }
    }
}

#[test]
fn twists_and_token_laws_of_the_reference_case_agree() {
    let case = language_model("C12");
    for (operator, has_tokens, chain) in case.chains() {
        let bad = StateSet::of(9, [8]).unwrap();
        let found = chain.histories(Start::State(0), End::In(&bad), 10).unwrap();
        let z = case.expected["Z_P(S10=22|S0=00)"].as_f64().unwrap();
        assert_close(found.probability(), z, 1e-10, operator);
        let twists = matrix(&case.expected["twist_psi_t_P(S10=22|St=s)_t0_to_10"]);
        let check = |time: usize, logs: &[f64]| {
            let found: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
            assert_all_close(&found, &twists[time], 1e-10, operator);
            Ok(())
        };
        found.for_each_twist(check).unwrap();
        if has_tokens {
            let expected = matrix(&case.expected["posterior_token_marginals_t1_to_10_given_S0=00_S10=22"]);
            let laws = found.token_laws().unwrap();
            assert_eq!(laws.len(), 11);
            for (law, expected) in laws[1..].iter().zip(&expected) {
                assert_all_close(law, expected, 1e-10, operator);
            }
        }
    }
}

/// A ladder of `rungs` steps up of probability 1/1000; a miss leads to the bottom.
fn ladder(rungs: usize) -> MarkovChain<SparseOperator> {
    let rung = |i: usize| {
        let up = (i as u32, (i + 1).min(rungs) as u32, 1e-3);
        [up, (i as u32, 0, 1.0 - 1e-3)]
    };
    let operator = SparseOperator::from_triplets(rungs + 1, (0..=rungs).flat_map(rung).collect()).unwrap();
    MarkovChain::new(operator, States::numbered(rungs + 1))
}

#[test]
fn a_probability_of_1e_minus_900_does_not_underflow() {
    let chain = ladder(300);
    let top = StateSet::of(301, [300]).unwrap();
    let found = chain.histories(Start::State(0), End::FirstIn(&top), 300).unwrap();
    // The bottom stays the most probable state, so the logarithm of the way up,
    // in units of it, grows to 2073, and is rounded twice a step at that size.
    let rounding = 600.0 * 2073.0 * f64::EPSILON;
    let expected = 300.0 * 1e-3_f64.ln();
    assert!((found.ln_probability() - expected).abs() <= rounding);
    assert_eq!(found.probability(), 0.0);
    let best = found.most_probable(3).unwrap();
    assert_eq!(best.len(), 1);
    assert!(best[0].states.iter().copied().eq(0..=300));
    assert!((best[0].posterior - 1.0).abs() <= rounding);
    assert_eq!(found.sample(2, 3).unwrap()[1].states, best[0].states);
    assert!(found.entropy().unwrap().abs() <= rounding);
    // With a step to spare, it waits at the bottom or at the top.
    let longer = chain.histories(Start::State(0), End::In(&top), 301).unwrap();
    let ways = [(1.0 - 1e-3_f64).ln(), 1e-3_f64.ln()];
    let sum = expected + ways.iter().map(|way| way.exp()).sum::<f64>().ln();
    assert!((longer.ln_probability() - sum).abs() <= 2.0 * rounding);
    let law = longer.law_at(1).unwrap();
    assert!((law[0] - (1.0 - 1e-3)).abs() <= 2.0 * rounding && (law[1] - 1e-3).abs() <= 2.0 * rounding);
}

#[test]
fn a_hundred_thousand_steps_neither_underflow_nor_fill_memory() {
    // Two states that are left for good with probability 0.1 a step, and are
    // swapped with 0.3.
    let steps = 100_000;
    let rows = [(0, 0, 0.6), (0, 1, 0.3), (0, 2, 0.1), (1, 0, 0.3), (1, 1, 0.6), (1, 2, 0.1), (2, 2, 1.0)];
    let operator = SparseOperator::from_triplets(3, rows.to_vec()).unwrap();
    let chain = MarkovChain::new(operator, States::numbered(3));
    let n = steps as f64;
    // The scale is added up without loss, and the states on the way are the most
    // probable ones: each step adds a few eps.
    let rounding = n * 4.0 * f64::EPSILON;

    // 27 of 100,001 messages are kept, of 72 bytes, besides those that are worked on.
    let settings = HistorySettings::new().memory_limit(37 * 72);
    let left = StateSet::of(3, [2]).unwrap();
    let found = settings.solve(&chain, Start::State(0), End::FirstIn(&left), steps).unwrap();
    assert!((found.ln_probability() - ((n - 1.0) * 0.9_f64.ln() + 0.1_f64.ln())).abs() <= rounding);
    let mut last = steps + 1;
    found
        .for_each_law(|time, law| {
            assert_eq!(time + 1, last);
            last = time;
            let even = 0.5 * (1.0 + (1.0_f64 / 3.0).powi(time as i32));
            let expected = if time == steps { [0.0, 0.0, 1.0] } else { [even, 1.0 - even, 0.0] };
            assert_all_close(law, &expected, rounding, "law given the end");
            Ok(())
        })
        .unwrap();
    assert_eq!(last, 0);
    // Swaps are independent with chance 1/3 given that the states are not left.
    let swap = entropy(&[1.0 / 3.0, 2.0 / 3.0]);
    assert!((found.entropy().unwrap() - (n - 1.0) * swap).abs() <= n * rounding);
    let histories =
        HistorySettings::new().solve(&chain, Start::State(0), End::FirstIn(&left), steps).unwrap();
    let best = histories.most_probable(2).unwrap();
    let expected = (n - 1.0) * 0.6_f64.ln() + 0.1_f64.ln();
    assert!(best[0].states[..steps].iter().all(|&state| state == 0));
    assert!((best[0].ln_weight - expected).abs() <= rounding);
    assert!((best[1].ln_weight - (expected - 2f64.ln())).abs() <= rounding);
    // The number of swaps: mean n/3, standard deviation sqrt(2n/9); five of them
    // are exceeded by one seed in a million.
    let sample = &histories.sample(1, 7).unwrap()[0].states[..steps];
    let swaps = sample.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64;
    assert!((swaps - n / 3.0).abs() < 5.0 * (2.0 * n / 9.0).sqrt());

    // To be in the first state after n steps has probability (0.9^n + 0.3^n) / 2.
    // Here to have left is e^10,536 times as probable, and the logarithm in units
    // of it is rounded at that size.
    let first = StateSet::of(3, [0]).unwrap();
    let found = settings.solve(&chain, Start::State(0), End::In(&first), steps).unwrap();
    let expected = n * 0.9_f64.ln() - 2f64.ln();
    assert!((found.ln_probability() - expected).abs() <= 10_537.0 * rounding);
}

/// The largest chi-square of `cells` that one seed in a million exceeds, at
/// most: `P(X > d + 2 sqrt(d x) + 2 x) <= e^-x` (Laurent and Massart 2000, lemma 1).
fn largest_chi_square(cells: usize) -> f64 {
    let (freedom, x) = (cells as f64 - 1.0, 1e6_f64.ln());
    freedom + 2.0 * (freedom * x).sqrt() + 2.0 * x
}

#[test]
fn samples_follow_the_posterior_of_whole_histories() {
    let case = language_model("C12");
    let chain = case.shift();
    let start = uneven_law(9);
    let bad = StateSet::of(9, [8, 4]).unwrap();
    for end in [End::In(&bad), End::FirstIn(&bad)] {
        let all = all_histories(&chain, &start, end, 3);
        let total: f64 = all.iter().map(|(_, p)| p).sum();
        let draws = 40_000;
        let samples = chain.histories(Start::Law(&start), end, 3).unwrap().sample(draws, 11).unwrap();
        // Cells of fewer than ten draws expected are put together.
        let (mut chi_square, mut cells, mut rest) = (0.0, 0, (0.0, 0.0));
        let mut count = |expected: f64, found: f64| {
            chi_square += (found - expected).powi(2) / expected;
            cells += 1;
        };
        for (states, p) in &all {
            let expected = p / total * draws as f64;
            let found = samples.iter().filter(|history| history.states == *states).count() as f64;
            if expected >= 10.0 { count(expected, found) } else { rest = (rest.0 + expected, rest.1 + found) }
        }
        if rest.0 > 0.0 {
            count(rest.0, rest.1);
        }
        assert!(chi_square < largest_chi_square(cells), "{chi_square} in {cells} cells");
    }
}

fn on_any_number_of_threads<T: PartialEq + Send>(what: &str, work: impl Fn() -> T + Sync) {
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&work);
    let one = on(1);
    assert!(one == on(2) && one == on(8), "{what} depends on the number of threads");
}

fn soft(v: usize, k: usize) -> MarkovChain<ShiftOperator> {
    shift(ContextSpace::new(v, k).unwrap(), ChainSpec::soft(v, k as u32).table())
}

fn bits(histories: &[History]) -> Vec<(Vec<usize>, u64, u64)> {
    let one = |h: &History| (h.states.clone(), h.ln_weight.to_bits(), h.posterior.to_bits());
    histories.iter().map(one).collect()
}

#[test]
fn histories_have_the_same_bits_on_any_number_of_threads() {
    let chain = soft(27, 3);
    let bad = StateSet::ending_with(chain.states(), &[&[3, 1]]).unwrap();
    let solve = || chain.histories(Start::State(5), End::FirstIn(&bad), 8).unwrap();
    on_any_number_of_threads("the probability of the end", || solve().ln_probability().to_bits());
    on_any_number_of_threads("laws given the end", || {
        let mut found: Vec<u64> = Vec::new();
        let keep = |_, law: &Law| {
            found.extend(law.iter().map(|p| p.to_bits()));
            Ok(())
        };
        solve().for_each_law(keep).unwrap();
        found.push(solve().entropy().unwrap().to_bits());
        found
    });
    on_any_number_of_threads("the most probable histories", || bits(&solve().most_probable(5).unwrap()));
    on_any_number_of_threads("histories drawn", || bits(&solve().sample(40, 3).unwrap()));
    let few = solve().sample(3, 3).unwrap();
    assert_eq!(bits(&few), bits(&solve().sample(40, 3).unwrap()[..3]));
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let chain = language_model("C12").shift();
    let bad = StateSet::of(9, [8]).unwrap();
    let refused = |start: Start<'_>, set: &StateSet, steps| {
        chain.histories(start, End::In(set), steps).map(|_: Histories<'_, _>| ()).unwrap_err()
    };
    let other = StateSet::of(8, [7]).unwrap();
    let none = StateSet::of(9, []).unwrap();
    let law = Law::uniform(8);
    assert!(matches!(refused(Start::State(0), &other, 3), Error::LengthMismatch { expected: 9, found: 8 }));
    assert!(matches!(refused(Start::State(0), &none, 3), Error::EmptySet { .. }));
    assert!(matches!(refused(Start::State(9), &bad, 3), Error::StateOutOfRange { state: 9, states: 9 }));
    assert!(matches!(refused(Start::Law(&law), &bad, 3), Error::LengthMismatch { expected: 9, found: 8 }));
    let long: &[Token] = &[0, 3];
    assert!(matches!(refused(Start::Prompt(long), &bad, 3), Error::TokenOutOfRange { token: 3, .. }));
    assert!(matches!(refused(Start::State(0), &bad, 1), Error::Impossible { .. }));
    let first = chain.histories(Start::State(8), End::FirstIn(&bad), 2);
    assert!(matches!(first, Err(Error::Impossible { .. })));
    let tight = HistorySettings::new().memory_limit(100).solve(&chain, Start::State(0), End::In(&bad), 5);
    assert!(matches!(tight, Err(Error::TooLarge { .. })));

    let found = chain.histories(Start::State(0), End::In(&bad), 40).unwrap();
    assert!(matches!(found.law_at(41), Err(Error::InvalidSetting { name: "time", .. })));
    assert!(matches!(found.most_probable(usize::MAX), Err(Error::TooLarge { .. })));
    assert!(matches!(found.sample(usize::MAX, 1), Err(Error::TooLarge { .. })));
    let mut at_once = |_: &lmchain::solve::Progress| std::ops::ControlFlow::Break(());
    assert!(matches!(found.most_probable_watched(1, &mut at_once), Err(Error::Cancelled { .. })));
    assert!(matches!(found.sample_watched(1, 1, &mut at_once), Err(Error::Cancelled { .. })));
    assert!(matches!(found.for_each_law_watched(|_, _| Ok(()), &mut at_once), Err(Error::Cancelled { .. })));

    let absorbing = SparseOperator::from_triplets(2, vec![(0, 0, 1.0), (1, 0, 1.0)]).unwrap();
    let absorbing = MarkovChain::new(absorbing, States::numbered(2));
    let law = absorbing.stationary().unwrap().converged().unwrap();
    let past = |law: &Law, set: &StateSet| absorbing.past_laws(law, set, 2).unwrap_err();
    let one = StateSet::of(2, [1]).unwrap();
    assert!(matches!(past(&law, &one), Error::Impossible { .. }));
    assert!(matches!(past(&law, &bad), Error::LengthMismatch { expected: 2, found: 9 }));
    assert!(matches!(past(&law, &StateSet::of(2, []).unwrap()), Error::EmptySet { .. }));
    assert!(matches!(past(&Law::uniform(3), &one), Error::LengthMismatch { expected: 2, found: 3 }));
    let odd = Law::point(2, 1);
    assert!(matches!(past(&odd, &one), Error::NoPast { state: 1, .. }));
}

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
        (space, table) in table(), eps in 0.2..1.0f64, bad in 1usize..300,
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

fn documents() -> MarkovChain<BackoffOperator> {
    let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Reset);
    let corpus = settings.read_strings(["abab", "aab", "b", "abba", "babb"]).unwrap();
    let model = NgramSettings::new(3).smoothing(Smoothing::WittenBell).fit(&corpus).unwrap();
    MarkovChain::smoothed(&model).unwrap()
}

#[test]
fn whole_models_and_restarted_chains_have_the_histories_counted_out() {
    let chain = documents();
    // All that is said within the text, and the next one.
    let bad = StateSet::ending_with(chain.states(), &[&chain.states().tokens(chain.len() - 1)]).unwrap();
    assert!(bad.len() < chain.len() && chain.len() <= 16);
    for end in [End::In(&bad), End::FirstIn(&bad)] {
        check_against_all(&chain, end, 3, 1 << 30).unwrap();
    }
    let chain = language_model("C35").shift();
    let restarted = chain.with_operator(Restart::new(chain.operator(), 0.1, uneven_law(4)).unwrap());
    let bad = StateSet::of(4, [1]).unwrap();
    for end in [End::In(&bad), End::FirstIn(&bad)] {
        check_against_all(&restarted, end, 4, 1 << 30).unwrap();
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

#[test]
fn ages_and_histories_since_a_reset_are_drawn_from_their_law() {
    let chain = language_model("C12").shift();
    let (resets, bad) = (StateSet::of(9, [0, 4]).unwrap(), StateSet::of(9, [8]).unwrap());
    let found = chain.histories_since_reset(&resets, End::In(&bad)).unwrap().converged().unwrap();
    let draws = 20_000;
    let samples = found.sample(draws, 5).unwrap();
    // Ages up to 15, then all others together, each expected ten times or more.
    let ages = found.age_law();
    let cells = 2..16;
    let expected: Vec<f64> = cells.clone().map(|age| ages[age] * draws as f64).collect();
    let rest = draws as f64 - expected.iter().sum::<f64>();
    assert!(ages[0] == 0.0 && expected.iter().skip(1).all(|&e| e >= 10.0) && rest >= 10.0);
    let mut chi_square = 0.0;
    let mut others = draws as f64;
    for (age, expected) in cells.clone().zip(&expected) {
        let drawn = samples.iter().filter(|history| history.steps() == age).count() as f64;
        chi_square += if *expected > 0.0 { (drawn - expected).powi(2) / expected } else { drawn };
        others -= drawn;
    }
    chi_square += (others - rest).powi(2) / rest;
    assert!(chi_square < largest_chi_square(cells.len() + 1), "{chi_square}");
    // The state two steps before the end, given that the reset was not later.
    let law = found.law_before(2).unwrap();
    let older: Vec<&History> = samples.iter().filter(|history| history.steps() >= 2).collect();
    let chi_square: f64 = (0..9)
        .filter(|&state| law[state] > 0.0)
        .map(|state| {
            let drawn = older.iter().filter(|history| history.states[history.steps() - 2] == state).count();
            let expected = law[state] * older.len() as f64;
            (drawn as f64 - expected).powi(2) / expected
        })
        .sum();
    assert!(chi_square < largest_chi_square(9), "{chi_square}");
}

#[test]
fn histories_since_a_reset_have_the_same_bits_on_any_number_of_threads() {
    let chain = soft(27, 2);
    let resets = StateSet::of(chain.len(), [3, 500]).unwrap();
    let bad = StateSet::ending_with(chain.states(), &[&[3, 1]]).unwrap();
    on_any_number_of_threads("histories since a reset", || {
        let settings = ResetHistorySettings::new().tolerance(1e-3);
        let found = settings.solve(&chain, &resets, End::In(&bad)).unwrap().converged().unwrap();
        let law: Vec<u64> = found.law_before(3).unwrap().iter().map(|p| p.to_bits()).collect();
        let ages: Vec<u64> = found.age_law().iter().map(|p| p.to_bits()).collect();
        (law, ages, bits(&found.most_probable(3).unwrap()), bits(&found.sample(9, 2).unwrap()))
    });
}

#[test]
fn histories_without_a_reset_are_refused() {
    let chain = language_model("C12").shift();
    let (zero, bad) = (StateSet::of(9, [0]).unwrap(), StateSet::of(9, [8]).unwrap());
    let none = StateSet::of(9, []).unwrap();
    let settings = ResetHistorySettings::new;
    let refused = |settings: ResetHistorySettings, resets: &StateSet, end: &StateSet| {
        settings.solve(&chain, resets, End::In(end)).map(|_| ()).unwrap_err()
    };
    assert!(matches!(refused(settings(), &none, &bad), Error::EmptySet { what: "resets" }));
    assert!(matches!(refused(settings(), &zero, &none), Error::EmptySet { .. }));
    let other = StateSet::of(8, [0]).unwrap();
    assert!(matches!(refused(settings(), &other, &bad), Error::LengthMismatch { expected: 9, found: 8 }));
    assert!(matches!(refused(settings(), &zero, &other), Error::LengthMismatch { expected: 9, found: 8 }));
    for tolerance in [0.0, 1.0, f64::NAN] {
        let refused = refused(settings().tolerance(tolerance), &zero, &bad);
        assert!(matches!(refused, Error::InvalidSetting { name: "tolerance", .. }));
    }
    assert!(matches!(refused(settings().memory_limit(100), &zero, &bad), Error::TooLarge { .. }));
    assert!(matches!(refused(settings().max_iterations(2), &zero, &bad), Error::NotConverged { .. }));
    let cut = settings().max_iterations(30).solve(&chain, &zero, End::In(&bad)).unwrap();
    assert!(!cut.is_converged() && cut.report().error_bound.unwrap() > 1e-12);
    let mut at_once = |_: &lmchain::solve::Progress| std::ops::ControlFlow::Break(());
    let cancelled = settings().solve_watched(&chain, &zero, End::In(&bad), &mut at_once);
    assert!(matches!(cancelled, Err(Error::Cancelled { .. })));

    // 0 -> 1 -> {1, 2} and back from 2: all but 0 recur, and 1 shields 2 from 2.
    let rows = vec![(0, 1, 1.0), (1, 1, 0.5), (1, 2, 0.5), (2, 1, 1.0)];
    let chain = MarkovChain::new(SparseOperator::from_triplets(3, rows).unwrap(), States::numbered(3));
    let set = |state| StateSet::of(3, [state]).unwrap();
    let refused = |resets: usize, end: usize| {
        chain.histories_since_reset(&set(resets), End::In(&set(end))).map(|_| ()).unwrap_err()
    };
    assert!(matches!(refused(0, 1), Error::NoPast { state: 0, .. }));
    assert!(matches!(refused(1, 0), Error::Impossible { .. }));
    let apart = SparseOperator::from_triplets(2, vec![(0, 0, 1.0), (1, 1, 1.0)]).unwrap();
    let apart = MarkovChain::new(apart, States::numbered(2));
    let both = StateSet::of(2, [0, 1]).unwrap();
    let refused = apart.histories_since_reset(&both, End::In(&both));
    assert!(matches!(refused, Err(Error::SeveralRecurrentClasses { classes: 2 })));
    let cycle = SparseOperator::from_triplets(2, vec![(0, 1, 1.0), (1, 0, 1.0)]).unwrap();
    let cycle = MarkovChain::new(cycle, States::numbered(2));
    let always = cycle.with_operator(Restart::new(cycle.operator(), 1.0, Law::point(2, 0)).unwrap());
    let (zero, one) = (StateSet::of(2, [0]).unwrap(), StateSet::of(2, [1]).unwrap());
    assert!(matches!(always.histories_since_restart(End::In(&one)), Err(Error::Impossible { .. })));
    let found = always.histories_since_restart(End::In(&zero)).unwrap().converged().unwrap();
    assert_eq!((found.ln_weight(), found.age_law()[0]), (0.0, 1.0));

    let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings(["abracadabra"]).unwrap();
    let model = NgramSettings::new(2).smoothing(Smoothing::WittenBell).fit(&corpus).unwrap();
    let endless = MarkovChain::smoothed(&model).unwrap();
    let some = StateSet::of(endless.len(), [0]).unwrap();
    let refused = endless.histories_since_text_start(End::In(&some));
    assert!(matches!(refused, Err(Error::MissingToken { .. })));
}
