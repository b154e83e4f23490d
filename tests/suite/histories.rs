//! Histories of a bad state, against all histories there are.

mod drawn;
mod long_ways;
mod rare_resets;
mod refusals;
mod resets;
mod threads;

use lmchain::Error;
use lmchain::chain::{MarkovChain, Start, StateSet};
use lmchain::model::{NgramSettings, Smoothing};
use lmchain::operator::{BackoffOperator, Restart, SparseOperator, TransitionOperator, successors};
use lmchain::prob::{Law, entropy};
use lmchain::reverse::{End, History, HistorySettings};
use lmchain::text::{ContextSpace, CorpusSettings, DocumentEnd, Tokenizer};
use proptest::prelude::*;

use crate::common::tables::{shift, tables};
use crate::common::{assert_all_close, assert_close, language_model, matrix, numbers};

/// Tables over small context spaces; a third of the entries are zero, the others
/// are 0.0025 or more.
fn table() -> impl Strategy<Value = (ContextSpace, Vec<f64>)> {
    let sizes = prop_oneof![Just((2usize, 1usize)), Just((2, 2)), Just((3, 1)), Just((3, 2)), Just((4, 1))];
    tables(sizes, 1, 0.01)
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

fn bits(histories: &[History]) -> Vec<(Vec<usize>, u64, u64)> {
    let one = |h: &History| (h.states.clone(), h.ln_weight.to_bits(), h.posterior.to_bits());
    histories.iter().map(one).collect()
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
