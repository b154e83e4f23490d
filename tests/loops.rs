//! Repetition loops against reference cases, brute force, linear algebra and simulation.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

#[path = "../benches/support/mod.rs"]
mod support;

mod common;

use std::ops::ControlFlow;

use common::{Case, assert_close, language_model, numbers};
use lmchain::chain::{Enumeration, MarkovChain, Start, StateSet, States};
use lmchain::loops::{
    LoopSearch, LoopSurvey, RepetitionLoop, RepetitionSampler, ngram_repetition, window_repetition,
};
use lmchain::model::{Decoded, Decoding, TableModel};
use lmchain::operator::{ShiftOperator, TransitionOperator};
use lmchain::passage::EscapeSolver;
use lmchain::prob::Law;
use lmchain::solve::Progress;
use lmchain::text::{ContextSpace, Token};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use support::chains::ChainSpec;

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

/// The transitions along a cycle, by place.
fn along(cycle: &RepetitionLoop) -> DMatrix<f64> {
    let length = cycle.len();
    let mut steps = DMatrix::zeros(length, length);
    for (place, &p) in cycle.step_probabilities().iter().enumerate() {
        steps[(place, (place + 1) % length)] = p;
    }
    steps
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

/// Tables over small context spaces; a third of the entries are zero.
fn table(most: usize) -> impl Strategy<Value = (ContextSpace, Vec<f64>)> {
    let sizes = (2usize..5, 1usize..4).prop_filter("small", move |&(v, k)| v.pow(k as u32) <= most);
    let space = sizes.prop_map(|(v, k)| ContextSpace::new(v, k).unwrap());
    space.prop_flat_map(|space| {
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

/// Every simple cycle that begins with its smallest state, with its turn probability.
fn simple_cycles(matrix: &DMatrix<f64>) -> Vec<(Vec<usize>, f64)> {
    fn extend(matrix: &DMatrix<f64>, path: &mut Vec<usize>, turn: f64, all: &mut Vec<(Vec<usize>, f64)>) {
        let last = path[path.len() - 1];
        for to in path[0]..matrix.nrows() {
            let turn = turn * matrix[(last, to)];
            if turn > 0.0 && to == path[0] {
                all.push((path.clone(), turn));
            } else if turn > 0.0 && !path.contains(&to) {
                path.push(to);
                extend(matrix, path, turn, all);
                path.pop();
            }
        }
    }
    let mut all = Vec::new();
    (0..matrix.nrows()).for_each(|start| extend(matrix, &mut vec![start], 1.0, &mut all));
    all
}

/// The spectral radius of a non-negative matrix by Gelfand's formula: the root of
/// the norm of its 2^64th power, squared again and again.
///
/// An error in the square number j counts 2^-j, so rounding by (n + 2) eps a
/// square comes to twice that; the norm of the power itself is off by a constant
/// factor, of which the 2^64th root is 1 to all digits.
fn spectral_radius(mut power: DMatrix<f64>) -> f64 {
    let (mut logarithm, mut weight) = (0.0, 1.0);
    for _ in 0..64 {
        let norm = power.row_iter().map(|row| row.sum()).fold(0.0, f64::max);
        logarithm += weight * norm.ln();
        power /= norm;
        power = &power * &power;
        weight /= 2.0;
    }
    f64::exp(logarithm)
}

proptest! {
    #[test]
    fn the_search_finds_the_loops_of_brute_force(
        (space, table) in table(9),
        threshold in prop_oneof![Just(1e-6), 1e-3..1.0f64],
        max_length in 1usize..10,
    ) {
        let chain = shift(space, table);
        let every: Vec<usize> = (0..chain.len()).collect();
        let likely = |(cycle, turn): &(Vec<usize>, f64)| *turn >= threshold && cycle.len() <= max_length;
        let all = simple_cycles(&dense(&chain, &every)).into_iter().filter(likely);
        let mut expected: Vec<Vec<usize>> = all.map(|(cycle, _)| cycle).collect();
        let found = LoopSearch::new().threshold(threshold).max_length(max_length).find(&chain).unwrap();
        prop_assert!(found.windows(2).all(|pair| pair[0].turn_probability() >= pair[1].turn_probability()));
        let mut found: Vec<Vec<usize>> = found.iter().map(|cycle| cycle.states().to_vec()).collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_text_of_a_loop_leads_back_to_where_it_began((space, table) in table(64)) {
        let chain = shift(space, table);
        for cycle in LoopSearch::new().threshold(0.05).max_length(12).find(&chain).unwrap() {
            let tokens = cycle.tokens(chain.states());
            prop_assert_eq!(tokens.len(), cycle.len(), "a turn of windows repeats nothing");
            let first = chain.states().tokens(cycle.states()[0]);
            prop_assert_eq!(chain.states().after_prompt(&[first, tokens].concat()).unwrap(), cycle.states()[0]);
        }
    }

    #[test]
    fn the_stay_solves_its_linear_equations((space, table) in table(64)) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().recurrent_count() == 1);
        let law = stationary(&chain);
        for cycle in LoopSearch::new().threshold(0.02).max_length(8).find(&chain).unwrap() {
            let Some(visits) = chain.loop_visits(&cycle, &law).unwrap() else { continue };
            if cycle.is_absorbing() {
                prop_assert_eq!(visits.mean_stay, f64::INFINITY);
                continue;
            }
            let length = cycle.len();
            let follow = along(&cycle);
            let system = (DMatrix::identity(length, length) - &follow).lu();
            let stays = system.solve(&DVector::from_element(length, 1.0)).unwrap();
            // The inverse has row sums up to the longest stay, the matrix up to 2.
            let longest = stays.max();
            let relative = 8.0 * length as f64 * longest * f64::EPSILON;
            for place in 0..length {
                prop_assert!((cycle.mean_stay_from(place) - stays[place]).abs() <= relative * longest);
            }
            // Elimination is right to a few n^2 eps in every component of the law.
            let rounding = 32.0 * (chain.len() * chain.len()) as f64 * f64::EPSILON;
            let mass = DVector::from_iterator(length, cycle.states().iter().map(|&state| law[state]));
            let entered = &mass - follow.transpose() * &mass;
            prop_assert!((visits.entry_rate - entered.sum()).abs() <= rounding);
            prop_assert!((visits.share / (visits.entry_rate * visits.mean_stay) - 1.0).abs() <= rounding);
            let turn = cycle.turn_probability();
            prop_assert!((cycle.escape_per_turn() - (1.0 - turn)).abs() <= 4.0 * length as f64 * f64::EPSILON);
            prop_assert!((visits.mean_turns - turn / cycle.escape_per_turn()).abs() <= rounding * visits.mean_turns);
        }
    }

    #[test]
    fn escape_rates_bound_the_eigenvalue((space, table) in table(27), seed in 0usize..1000) {
        let chain = shift(space, table);
        let found = LoopSearch::new().threshold(0.02).max_length(6).find(&chain).unwrap();
        prop_assume!(!found.is_empty());
        let cycle = &found[seed % found.len()];
        let restricted = dense(&chain, cycle.states());
        let radius = spectral_radius(restricted);
        let rate = chain.loop_escape_rate(cycle).unwrap().into_value();
        // Met, or as near as rounding allows: eight eps of a sum of up to 101 on
        // either side, as the loop leads from any place to any other with 0.02 or
        // more, and the observable is constant up to 50.
        prop_assert!(rate.upper - rate.lower <= f64::max(1e-9 * rate.upper, 1e4 * f64::EPSILON));
        prop_assert!(rate.lower <= rate.upper);
        // The radius is right to 2 (n + 2) eps, and rows sum to one to V eps.
        let slack = (2 * (cycle.len() + 2) + 4) as f64 * f64::EPSILON;
        prop_assert!(rate.lower - slack <= 1.0 - radius && 1.0 - radius <= rate.upper + slack, "{rate:?} {radius}");
        // A set is left no faster than along its cycle alone.
        let alone = 1.0 - cycle.turn_probability().powf(1.0 / cycle.len() as f64);
        prop_assert!(rate.lower <= alone + 16.0 * f64::EPSILON);
    }

    #[test]
    fn cooling_never_lowers_the_turn_probability_of_a_greedy_loop(
        (space, table) in table(64),
        warm in 0.3..3.0f64,
        colder in 0.2..1.0f64,
    ) {
        let (v, k) = (space.vocabulary_size(), space.context_length());
        let model = TableModel::new(v, k, table.clone()).unwrap();
        let at = |temperature: f64| {
            let decoded = Decoded::new(&model, Decoding::new().temperature(temperature)).unwrap();
            Enumeration::new().build(&decoded).unwrap()
        };
        let (hot, cold) = (at(warm), at(warm * colder));
        for greedy in shift(space, table).greedy_loops().loops() {
            let turn = |chain| RepetitionLoop::along(chain, &greedy.cycle).unwrap().turn_probability();
            // Every step is a power, a sum of V terms and a division, each rounded.
            let rounding = greedy.cycle.len() as f64 * (4.0 * v as f64 + 16.0) * f64::EPSILON;
            prop_assert!(turn(&cold) >= turn(&hot) * (1.0 - rounding));
        }
    }

    #[test]
    fn the_average_repetition_probability_is_the_sum_of_its_series((space, table) in table(16), out in 0usize..16) {
        let chain = shift(space, table);
        let left_out = StateSet::of(chain.len(), [out % chain.len()]).unwrap();
        let Ok(found) = chain.average_repetition(&left_out) else { return Ok(()) };
        let kept: Vec<usize> = left_out.complement().iter().collect();
        let square = dense(&chain, &kept).pow(2) / (found.density * found.states as f64);
        // Powers shrink at least as fast as the largest row sum does.
        let shrinks = square.row_iter().map(|row| row.sum()).fold(0.0, f64::max);
        prop_assume!(shrinks < 0.9);
        let (mut power, mut sum) = (square.clone(), 0.0);
        let terms = 40;
        for _ in 0..terms {
            sum += power.trace();
            power *= &square;
        }
        let rest = kept.len() as f64 * shrinks.powi(terms + 1) / (1.0 - shrinks);
        // The system has a condition of at most 2 / (1 - 0.9).
        let rounding = 20.0 * 8.0 * (kept.len() * kept.len()) as f64 * f64::EPSILON;
        prop_assert!(sum - rounding <= found.value && found.value <= sum + rest + rounding);
    }

    #[test]
    fn a_state_of_its_own_is_left_after_one_over_the_rest((space, table) in table(64)) {
        let chain = shift(space, table);
        for state in 0..chain.len() {
            let p = chain.operator().probability(state, state);
            if p > 0.0 && p < 0.999 {
                let cycle = RepetitionLoop::along(&chain, &[state]).unwrap();
                // The row sums to one within V eps, and 1 - p is at least 1e-3.
                prop_assert!((cycle.mean_stay_from(0) * (1.0 - p) - 1.0).abs() <= 8e3 * f64::EPSILON);
            }
        }
    }
}

/// The mean of samples, and five of its standard errors: a fair sample is
/// farther off once in two million seeds, and the seed is fixed.
fn interval(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, 5.0 * (variance / n).sqrt())
}

#[test]
fn walks_stay_as_long_as_the_formula_says() {
    // The last loop has a step across, from its first state to itself: a new visit.
    for (case, states) in [("C18", &[15][..]), ("C12", &[8]), ("C12", &[2, 6]), ("C22", &[0, 1, 2, 4])] {
        let chain = language_model(case).shift();
        let law = stationary(&chain);
        let cycle = RepetitionLoop::along(&chain, states).unwrap();
        let visits = chain.loop_visits(&cycle, &law).unwrap().unwrap();
        let next = |state: u32| {
            let place = cycle.states().iter().position(|&s| s == state as usize)?;
            Some(cycle.states()[(place + 1) % cycle.len()] as u32)
        };

        // Where visits begin, from the definition: what flows in, but along the loop.
        let mut entered = vec![0.0; chain.len()];
        for from in 0..chain.len() {
            for &to in cycle.states().iter().filter(|&&to| next(from as u32) != Some(to as u32)) {
                entered[to] += law[from] * chain.operator().probability(from, to);
            }
        }
        let entered = Law::normalized(entered).unwrap();
        let walker = chain.walker().unwrap();
        // Of 4,000 walks none outlasts 5,000 steps at 0.99 a step, but once in 10^18.
        let ensemble = walker.ensemble(Start::Law(&entered), 4000, 5000, 11).unwrap();
        let stay =
            |walk: &[u32]| 1 + walk.windows(2).position(|step| next(step[0]) != Some(step[1])).unwrap();
        let stays: Vec<f64> = ensemble.walks().map(|walk| stay(walk) as f64).collect();
        let (mean, error) = interval(&stays);
        assert!((mean - visits.mean_stay).abs() < error, "{case}: {mean} {error} {}", visits.mean_stay);

        let turns: Vec<f64> = stays.iter().map(|stay| ((stay - 1.0) / cycle.len() as f64).floor()).collect();
        let (mean, error) = interval(&turns);
        assert!((mean - visits.mean_turns).abs() < error, "{case}: {mean} {error} {}", visits.mean_turns);

        // From the stationary law every step begins a visit with the same probability.
        let ensemble = walker.ensemble(Start::Law(&law), 4000, 100, 12).unwrap();
        let begins = |step: &&[u32]| next(step[1]).is_some() && next(step[0]) != Some(step[1]);
        let begun = |walk: &[u32]| walk.windows(2).filter(begins).count() as f64 / 100.0;
        let (mean, error) = interval(&ensemble.walks().map(begun).collect::<Vec<_>>());
        assert!((mean - visits.entry_rate).abs() < error, "{case}: {mean} {error} {}", visits.entry_rate);
    }
}

#[test]
fn sampled_repetition_is_near_the_exact_expectation() {
    let chain = language_model("C12").shift();
    let (length, n, w, start) = (7, 2, 3, 5);
    // Every text of seven tokens, with its probability.
    let (mut ngrams, mut window, mut total) = (0.0, 0.0, 0.0);
    for number in 0..3usize.pow(length as u32) {
        let tokens: Vec<Token> =
            (0..length).map(|place| (number / 3usize.pow(place as u32) % 3) as Token).collect();
        let (mut state, mut p) = (start, 1.0);
        for &token in &tokens {
            let next = state % 3 * 3 + token as usize;
            p *= chain.operator().probability(state, next);
            state = next;
        }
        ngrams += p * ngram_repetition(&tokens, n).unwrap();
        window += p * window_repetition(&tokens, w).unwrap();
        total += p;
    }
    assert_close(total, 1.0, 1e-14, "all texts");
    let sampler = RepetitionSampler::new().ngram(n).window(w).steps(length).walks(20_000).seed(3);
    let estimate = sampler.estimate(&chain, Start::State(start)).unwrap();
    for (found, exact) in [(estimate.ngrams, ngrams), (estimate.window, window)] {
        assert!(found.standard_error > 0.0 && found.standard_error < 0.01);
        assert!((found.mean - exact).abs() < 5.0 * found.standard_error, "{found:?} {exact}");
    }
}

#[test]
fn cooling_makes_the_run_last_as_the_closed_form_says() {
    let case = language_model("C18");
    let temperatures = [2.0, 1.0, 0.5, 0.25];
    let decodings = temperatures.map(|temperature| Decoding::new().temperature(temperature));
    let survey = LoopSurvey::new().sampler(RepetitionSampler::new().walks(200).steps(64));
    let surveyed = survey.sweep(&table_model(&case), &decodings, &[0, 0, 0, 0]).unwrap();
    for (found, temperature) in surveyed.iter().zip(temperatures) {
        let strongest = found.strongest().unwrap();
        assert_eq!((strongest.text.as_str(), strongest.tokens.as_slice()), ("1", &[1][..]));
        // p^(1/T) : (1 - p)^(1/T) is 99^(1/T) : 1, in logarithms up to 37 that are
        // rounded to 40 eps; each power adds that much.
        let stay = 1.0 + 99f64.powf(1.0 / temperature);
        assert!((strongest.visits.mean_stay / stay - 1.0).abs() < 128.0 * f64::EPSILON);
        assert_eq!((found.states, found.recurrent_classes, found.absorbing_loops()), (16, 1, 0));
    }
    assert!(surveyed.windows(2).all(|pair| pair[0].entropy_rate > pair[1].entropy_rate));
}

#[test]
fn truncation_makes_the_run_absorbing() {
    let case = language_model("C18");
    let survey = LoopSurvey::new().sampler(RepetitionSampler::new().walks(50).steps(64));
    let model = table_model(&case);
    // Alone, the 0.9 of going from 0111 to 1111 and the 0.99 of staying reach 0.85.
    let found = survey.measure(&model, Decoding::new().top_p(0.85), &[0, 1, 1, 1]).unwrap();
    let strongest = found.strongest().unwrap();
    assert_eq!((strongest.text.as_str(), strongest.visits.mean_stay), ("1", f64::INFINITY));
    assert_eq!((strongest.visits.share, found.recurrent_classes, found.entropy_rate), (1.0, 1, 0.0));
    let greedy = survey.measure(&model, Decoding::greedy(), &[0, 0, 1, 1]).unwrap();
    assert_eq!((greedy.states, greedy.absorbing_loops(), greedy.transient_loops), (3, 1, 0));
    assert_eq!(greedy.repetition.ngrams.standard_error, 0.0);
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
