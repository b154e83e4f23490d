//! Repetition loops against reference cases, brute force, linear algebra and simulation.

mod brute_force;
mod decodings;
mod sampled;

use std::ops::ControlFlow;

use lmchain::chain::{MarkovChain, Start, StateSet, States};
use lmchain::loops::{LoopSearch, LoopSurvey, RepetitionLoop, RepetitionSampler};
use lmchain::model::{Decoding, TableModel};
use lmchain::operator::TransitionOperator;
use lmchain::passage::EscapeSolver;
use lmchain::prob::Law;
use lmchain::solve::Progress;
use lmchain::text::ContextSpace;
use nalgebra::DMatrix;

use crate::common;
use crate::common::tables::shift;
use crate::common::{Case, assert_close, language_model, numbers};
use crate::support::chains::ChainSpec;

fn table_model(case: &Case) -> TableModel {
    TableModel::from_rows(case.k, &case.p).unwrap()
}

fn stationary<O: TransitionOperator>(chain: &MarkovChain<O>) -> Law {
    chain.stationary().unwrap().converged().unwrap()
}

fn dense<O: TransitionOperator>(chain: &MarkovChain<O>, states: &[usize]) -> DMatrix<f64> {
    let entry = |row, column| chain.operator().probability(states[row], states[column]);
    DMatrix::from_fn(states.len(), states.len(), entry)
}

#[test]
fn a_run_that_reinforces_itself_holds_for_a_hundred_tokens() {
    let case = language_model("C18");
    let model_stay = case.expected["mean_stay_in_1111"].as_f64().unwrap();
    for (operator, is_context, chain) in case.chains() {
        let law = stationary(&chain);
        let found = LoopSearch::new().find(&chain).unwrap();
        let states: Vec<&[usize]> = found.iter().map(RepetitionLoop::states).collect();
        assert_eq!(states, [&[15], &[0]], "{operator}: the two runs turn with 0.99 and 0.9");
        let visits = chain.loop_visits(&found[0], &law).unwrap().unwrap();
        // 1 - 0.99 is off by half an eps, so 1 / 0.01 by fifty.
        assert_close(visits.mean_stay, model_stay, 64.0 * f64::EPSILON, operator);
        assert_close(visits.mean_turns, model_stay - 1.0, 64.0 * f64::EPSILON, operator);
        assert_close(visits.share, 360.0 / 479.0, 1e-12, operator);
        assert_close(visits.entry_rate, 3.6 / 479.0, 1e-12, operator);
        assert_close(visits.mean_time_between_entries(), 479.0 / 3.6, 1e-12, operator);
        let token = if is_context { 1 } else { 15 };
        assert_eq!(
            (found[0].tokens(chain.states()), found[0].text(chain.states())),
            (vec![token], token.to_string())
        );
    }
}

#[test]
fn greedy_loops_are_measured_under_the_law_of_sampling() {
    let chain = language_model("C12").shift();
    let law = stationary(&chain);
    let measured = |cycle: &[usize]| RepetitionLoop::along(&chain, cycle).unwrap();
    let greedy: Vec<_> = chain.greedy_loops().loops().iter().map(|found| measured(&found.cycle)).collect();
    assert_eq!(greedy.iter().map(RepetitionLoop::len).collect::<Vec<_>>(), [1, 1, 1]);
    for (cycle, stay) in greedy.iter().zip([2.0, 2.0, 5.0]) {
        let visits = chain.loop_visits(cycle, &law).unwrap().unwrap();
        assert_close(visits.mean_stay, stay, 16.0 * f64::EPSILON, "1 / (1 - p)");
    }
    let ranked = chain.ranked_loops(greedy, &law).unwrap();
    let order: Vec<usize> = ranked.iter().map(|(cycle, _)| cycle.states()[0]).collect();
    assert_eq!(order[0], 8, "the longest stay first");
    assert_eq!(ranked[0].0.text(chain.states()), "2");
}

#[test]
fn the_well_of_a_metastable_chain_is_left_at_its_quasi_stationary_rate() {
    let case = language_model("C22");
    let root = case.expected["qsd_perron_root"].as_f64().unwrap();
    let exit = case.expected["qsd_mean_exit_steps"].as_f64().unwrap();
    for (operator, _, chain) in case.chains() {
        let well = RepetitionLoop::along(&chain, &[0, 1, 2, 4]).unwrap();
        let rate = chain.loop_escape_rate(&well).unwrap().converged().unwrap();
        // The reference is rounded to a double.
        assert!(rate.lower - f64::EPSILON <= 1.0 - root && 1.0 - root <= rate.upper + f64::EPSILON);
        assert_close(rate.midpoint().recip(), exit, 1e-9, operator);
        let as_set = EscapeSolver::new().solve(&chain, &well.state_set(8).unwrap()).unwrap();
        let as_set = as_set.converged().unwrap().escape_rate();
        assert!(
            rate.lower <= as_set.upper && as_set.lower <= rate.upper,
            "{operator}: two ways to one number"
        );
    }
}

#[test]
fn a_cycle_without_steps_across_escapes_at_the_geometric_mean() {
    let triplets =
        [(0, 1, 0.9), (0, 3, 0.1), (1, 2, 0.8), (1, 3, 0.2), (2, 0, 0.7), (2, 3, 0.3), (3, 0, 1.0)];
    let operator = lmchain::operator::SparseOperator::from_triplets(4, triplets.to_vec()).unwrap();
    let chain = MarkovChain::new(operator, States::numbered(4));
    let cycle = RepetitionLoop::along(&chain, &[0, 1, 2]).unwrap();
    let outcome = chain.loop_escape_rate(&cycle).unwrap();
    assert_eq!(outcome.report().iterations, 0);
    let rate = outcome.converged().unwrap();
    let exact = 1.0 - (0.9f64 * 0.8 * 0.7).cbrt();
    assert!(rate.lower <= exact && exact <= rate.upper, "{rate:?} {exact}");
}

#[test]
fn without_noise_every_loop_is_absorbing() {
    let case = language_model("C15");
    let expected = common::sets(&case.expected["closed_classes"]);
    for (operator, is_context, chain) in case.chains() {
        let mut found = LoopSearch::new().threshold(1.0).find(&chain).unwrap();
        found.sort_by_key(|cycle| cycle.states()[0]);
        assert!(found.iter().all(RepetitionLoop::is_absorbing), "{operator}");
        let sets: Vec<Vec<usize>> =
            found.iter().map(|cycle| cycle.state_set(chain.len()).unwrap().iter().collect()).collect();
        assert_eq!(sets, expected, "{operator}");
        if is_context {
            let texts: Vec<String> = found.iter().map(|cycle| cycle.text(chain.states())).collect();
            assert_eq!(
                texts,
                ["0", "1 0 0 1", "1 0", "1"].map(String::from),
                "{operator}: what follows the smallest"
            );
        }
        for class in chain.classes().recurrent() {
            let law = chain.stationary_laws().unwrap().converged().unwrap().law(class);
            let ranked = chain.ranked_loops(found.clone(), &law).unwrap();
            assert_eq!(ranked.len(), 1, "each law visits the loop of its class");
            let visits = ranked[0].1;
            assert_eq!((visits.entry_rate, visits.mean_stay), (0.0, f64::INFINITY));
            assert_close(visits.share, 1.0, 1e-15, operator);
        }
    }
}

#[test]
fn a_text_is_caught_in_each_of_two_absorbing_loops_with_its_probability() {
    let case = language_model("C17");
    let caught = numbers(&case.expected["P_absorb_in_11"]);
    let survey = LoopSurvey::new().sampler(RepetitionSampler::new().walks(50).steps(20));
    for (state, prompt) in [[0, 0], [0, 1], [1, 0], [1, 1]].iter().enumerate() {
        let found = survey.measure(&table_model(&case), Decoding::new(), prompt).unwrap();
        let share = |text: &str| found.loops.iter().find(|l| l.text == text).map_or(0.0, |l| l.visits.share);
        assert_close(share("1"), caught[state], 1e-12, "P(caught in 11)");
        assert_close(share("0"), 1.0 - caught[state], 1e-12, "P(caught in 00)");
        assert_eq!(found.absorbing_loops(), found.loops.len());
        assert_eq!(found.recurrent_classes, found.loops.len(), "what the prompt can lead to");
        assert_eq!(found.entropy_rate, 0.0);
    }
}

#[test]
fn a_deterministic_cycle_is_one_absorbing_loop() {
    let case = language_model("C38");
    let chain = case.shift();
    let law = stationary(&chain);
    let found = LoopSearch::new().find(&chain).unwrap();
    let cycle = found.iter().find(|cycle| cycle.is_absorbing()).unwrap();
    assert_eq!((cycle.states(), cycle.turn_probability()), (&[1, 5, 6][..], 1.0));
    assert_eq!(cycle.tokens(chain.states()), [2, 0, 1]);
    let ranked = chain.ranked_loops(found.clone(), &law).unwrap();
    assert_eq!(ranked.len(), 1, "the others are transient");
}

#[test]
fn a_loop_is_entered_when_the_set_of_its_states_is() {
    let reinforced = language_model("C18");
    let steps = reinforced.expected["mean_time_to_loop_1111_from_0000"].as_f64().unwrap();
    for (operator, _, chain) in reinforced.chains() {
        let run = RepetitionLoop::along(&chain, &[15]).unwrap();
        let times = chain.passage_times(&run.state_set(16).unwrap()).unwrap().converged().unwrap();
        assert_close(times.mean().midpoint(0), steps, 1e-12, operator);
    }
    let cyclic = language_model("C38");
    let expected = numbers(&cyclic.expected["mean_time_to_cycle"]);
    for (operator, _, chain) in cyclic.chains() {
        let cycle = RepetitionLoop::along(&chain, &[5, 6, 1]).unwrap();
        let times = chain.passage_times(&cycle.state_set(9).unwrap()).unwrap().converged().unwrap();
        common::assert_all_close(&times.mean().midpoints(), &expected, 1e-12, operator);
    }
    let two = language_model("C17");
    let expected = numbers(&two.expected["P_absorb_in_11"]);
    for (operator, _, chain) in two.chains() {
        let ones = RepetitionLoop::along(&chain, &[3]).unwrap().state_set(4).unwrap();
        let caught = chain.hitting_probability(&ones).unwrap().converged().unwrap();
        common::assert_all_close(&caught.midpoints(), &expected, 1e-12, operator);
    }
}

#[test]
fn the_average_repetition_probability_is_that_of_the_exact_case() {
    let case = language_model("C33");
    let get = |key: &str| case.expected[key].as_f64().unwrap();
    for (operator, _, chain) in case.chains() {
        let end = StateSet::of(4, [case.expected["eos_token"].as_u64().unwrap() as usize]).unwrap();
        let found = chain.average_repetition(&end).unwrap();
        // A few dozen roundings of numbers below one, in a system of condition below two.
        assert_close(found.value, 946_263.0 / 5_815_679.0, 64.0 * f64::EPSILON, operator);
        assert_eq!((found.density, found.states as f64), (get("zeta"), get("n")));
        let kept = EscapeSolver::new().solve(&chain, &end.complement()).unwrap().converged().unwrap();
        // The solver's default: bounds 1e-8 of the rate apart.
        assert_close(1.0 - kept.escape_rate().midpoint(), get("spectral_radius_B"), 1e-8, operator);
        let times = chain.passage_times(&end).unwrap().converged().unwrap();
        let expected = numbers(&case.expected["mean_length_until_eos"]);
        for (state, expected) in expected.into_iter().enumerate() {
            assert_close(times.mean().midpoint(state), expected, 1e-12, operator);
        }
    }
}

#[test]
fn answers_have_the_same_bits_on_any_number_of_threads() {
    let space = ContextSpace::new(27, 2).unwrap();
    let chain = shift(space, ChainSpec::peaky4(27, 2).table());
    let law = stationary(&chain);
    let work = || {
        let found = LoopSearch::new().threshold(0.05).find(&chain).unwrap();
        let escapes: Vec<_> =
            found.iter().map(|cycle| chain.loop_escape_rate(cycle).unwrap().into_value()).collect();
        let repetition = RepetitionSampler::new().walks(33).estimate(&chain, Start::Law(&law)).unwrap();
        (chain.ranked_loops(found, &law).unwrap(), escapes, repetition)
    };
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work);
    let one = on(1);
    assert!(!one.0.is_empty());
    assert!(one == on(2) && one == on(8));
}

#[test]
fn half_a_million_contexts_are_searched_in_steps_that_can_be_counted() {
    let space = ContextSpace::new(27, 4).unwrap();
    let chain = shift(space, ChainSpec::peaky4(27, 4).table());
    let mut followed = 0;
    let mut watch = |progress: &Progress| {
        if progress.stage == "following probable steps" {
            followed = progress.done;
        }
        ControlFlow::Continue(())
    };
    let (threshold, max_length) = (0.1, 32);
    let search = LoopSearch::new().threshold(threshold).max_length(max_length);
    let found = search.find_watched(&chain, &mut watch).unwrap();
    assert!(followed as f64 <= 2.0 * (chain.len() * max_length) as f64 / threshold);
    // Far below what probabilities allow: a handful of steps a state.
    assert!(followed < 32 * chain.len() as u64, "{followed}");
    let states: usize = found.iter().map(RepetitionLoop::len).sum();
    assert!(states as f64 <= chain.len() as f64 / threshold);
    println!("{followed} steps, {} loops", found.len());
}
