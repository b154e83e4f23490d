//! Identities that hold for every chain.

use lmchain::chain::MarkovChain;
use lmchain::operator::{Restart, ShiftOperator, successors};
use lmchain::prob::{Law, relative_entropy};
use lmchain::text::ContextSpace;
use lmchain::topics::Topics;
use proptest::prelude::*;

use super::brute_force::{dense, information, laws, same_future};
use crate::common::tables::{shift, tables};

type Shift = MarkovChain<ShiftOperator>;

/// Chains of contexts; a third of the entries are zero.
fn table() -> impl Strategy<Value = (ContextSpace, Vec<f64>)> {
    tables((2usize..4, 1usize..4), 1, 0.01)
}

/// Chains most of whose contexts share their rows with others.
fn palette() -> impl Strategy<Value = (ContextSpace, Vec<f64>)> {
    (2usize..4, 1usize..5).prop_flat_map(|(v, k)| {
        let space = ContextSpace::new(v, k).unwrap();
        let rows: [&[f64]; 4] = if v == 2 {
            [&[0.5, 0.5], &[0.25, 0.75], &[1.0, 0.0], &[0.0, 1.0]]
        } else {
            [&[0.5, 0.25, 0.25], &[0.0, 0.5, 0.5], &[1.0, 0.0, 0.0], &[0.125, 0.125, 0.75]]
        };
        let choice = prop::collection::vec(0usize..4, space.len());
        choice.prop_map(move |choice| (space, choice.iter().flat_map(|&row| rows[row].to_vec()).collect()))
    })
}

fn stationary(chain: &Shift) -> Option<Law> {
    chain.stationary().ok().map(|outcome| outcome.converged().unwrap())
}

/// The largest difference of two curves.
fn apart(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The law of the next token given the last `m`, from the stationary law, and its
/// relative entropy rate to the chain.
fn projection_loss(chain: &Shift, law: &Law, m: usize) -> f64 {
    let states = chain.states();
    let v = states.vocabulary_size();
    let ending = |state: usize| {
        let tokens = states.tokens(state);
        tokens[tokens.len() - m..].iter().fold(0, |key, &token| key * v + token as usize)
    };
    let mut joint = vec![vec![0.0; v]; v.pow(m as u32)];
    let row = |state: usize| {
        let mut row = vec![0.0; v];
        successors(chain.operator(), state)
            .for_each(|to| row[states.newest_token(to.state) as usize] += to.probability);
        row
    };
    for state in 0..chain.len() {
        row(state).iter().zip(&mut joint[ending(state)]).for_each(|(p, sum)| *sum += law[state] * p);
    }
    let normalized = |state: usize| {
        let sums = &joint[ending(state)];
        let total: f64 = sums.iter().sum();
        sums.iter().map(|p| p / total).collect::<Vec<_>>()
    };
    let visited = (0..chain.len()).filter(|&state| law[state] > 0.0);
    visited.map(|state| law[state] * relative_entropy(&row(state), &normalized(state))).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn contexts_remember_as_the_powers_of_the_matrix_say((space, table) in table()) {
        let chain = shift(space, table);
        let Some(law) = stationary(&chain) else { return Ok(()) };
        let k = space.context_length();
        let steps = k + 6;
        let found = chain.window_information(&law, steps).unwrap();
        // Sums of N^2 terms of at most a few bits.
        prop_assert!(apart(&found, &information(&chain, &law, steps)) < 1e-11);
        prop_assert!(found.is_sorted_by(|a, b| *b <= a + 1e-13), "data processing: {found:?}");
        prop_assert!((found[0] - law.entropy()).abs() < 1e-12);
        prop_assert!((found[k] - chain.excess_entropy(&law).unwrap()).abs() < 1e-12);
        // Prompts drawn from the stationary law are contexts like any other.
        let prompts = chain.prompt_information(&law, steps).unwrap();
        prop_assert!(apart(prompts.mutual_information(), &found) < 1e-11);
        // So are topics of one state each.
        let names = (0..chain.len()).map(|state| state.to_string());
        let each = Topics::by_state(chain.states(), names, |state| state).unwrap();
        let lags: Vec<usize> = (0..=steps).collect();
        let topics = chain.topic_information(&each, &law, &lags).unwrap();
        let bits: Vec<f64> = topics.iter().map(|at| at.mutual_information).collect();
        prop_assert!(apart(&bits, &found) < 1e-11);
        // What is read off a state tells no more than the state.
        for (at, whole) in chain.mutual_information(&law, &lags).unwrap().iter().zip(&found) {
            prop_assert!(at.mutual_information <= whole + 1e-12, "{at:?} {whole}");
            let nats = at.mutual_information * std::f64::consts::LN_2;
            prop_assert!(nats <= at.rational * (1.0 + 1e-12) + 1e-30);
            prop_assert!(nats <= at.rational.ln_1p() * (1.0 + 1e-12) + 1e-30);
        }
    }

    #[test]
    fn prompts_are_remembered_as_the_powers_of_the_matrix_say(
        (space, table) in table(), weights in prop::collection::vec(0u32..3, 27)
    ) {
        let chain = shift(space, table);
        let weights: Vec<f64> = (0..chain.len()).map(|state| f64::from(weights[state % 27])).collect();
        let Ok(prompts) = Law::normalized(weights) else { return Ok(()) };
        let found = chain.prompt_information(&prompts, 8).unwrap();
        prop_assert!(apart(found.mutual_information(), &information(&chain, &prompts, 8)) < 1e-11);
        prop_assert!((found.mutual_information()[0] - prompts.entropy()).abs() < 1e-12);
        for (t, (rows, mixture)) in laws(&chain, &prompts, 8).iter().enumerate() {
            for prompt in found.prompts() {
                let expected = relative_entropy(&rows.row(prompt.state).to_vec(), mixture);
                prop_assert!((prompt.bits[t] - expected).abs() < 1e-11, "{prompt:?} {t} {expected}");
            }
        }
    }

    #[test]
    fn restarted_contexts_remember_as_the_powers_of_the_matrix_say((space, table) in table()) {
        let chain = shift(space, table);
        let restart = Restart::new(chain.operator(), 0.2, Law::point(chain.len(), 0)).unwrap();
        let chain = chain.with_operator(restart);
        let law = chain.stationary().unwrap().converged().unwrap();
        let found = chain.window_information(&law, 6).unwrap();
        prop_assert!(apart(&found, &information(&chain, &law, 6)) < 1e-11);
    }

    #[test]
    fn a_shorter_context_falls_short_by_the_conditional_memory((space, table) in table()) {
        let chain = shift(space, table);
        let Some(law) = stationary(&chain) else { return Ok(()) };
        let memory = chain.conditional_memory(&law).unwrap();
        prop_assert_eq!(memory.len(), space.context_length() + 1);
        prop_assert!(memory.is_sorted_by(|a, b| *b <= a + 1e-13), "{:?}", memory);
        prop_assert_eq!(memory[space.context_length()], 0.0);
        for (m, &found) in memory.iter().enumerate() {
            let expected = projection_loss(&chain, &law, m);
            prop_assert!((found - expected).abs() < 1e-12, "{m}: {found} {expected}");
        }
        // The excess entropy is what all of these add up to (Crutchfield & Feldman 2003).
        let sum: f64 = memory.iter().sum();
        prop_assert!((sum - chain.excess_entropy(&law).unwrap()).abs() < 1e-12);
    }

    #[test]
    fn causal_states_are_those_with_the_same_future((space, table) in palette()) {
        let chain = shift(space, table);
        let Some(law) = stationary(&chain) else { return Ok(()) };
        let causal = chain.causal_states(&law).unwrap();
        let same = same_future(&chain);
        let visited: Vec<usize> = (0..chain.len()).filter(|&state| law[state] > 0.0).collect();
        for &i in &visited {
            for &j in &visited {
                prop_assert_eq!(causal.of_state(i) == causal.of_state(j), same[i][j], "{} {}", i, j);
            }
        }
        prop_assert!((0..chain.len()).all(|state| causal.of_state(state).is_some() == (law[state] > 0.0)));
        // The machine says the same texts: its law is stationary, its rate that of the chain.
        let (complexity, excess) = (causal.statistical_complexity(), chain.excess_entropy(&law).unwrap());
        prop_assert!(complexity >= excess - 1e-12 && complexity <= law.entropy() + 1e-12);
        let matrix = dense(causal.machine());
        let pushed = ndarray::Array1::from(causal.law().to_vec()).dot(&matrix).to_vec();
        prop_assert!(apart(&pushed, causal.law()) < 1e-13);
        let rate = |state: usize| -> f64 {
            causal.steps(state).iter().map(|step| -step.probability * step.probability.log2()).sum()
        };
        let rate: f64 = (0..causal.count()).map(|state| causal.law()[state] * rate(state)).sum();
        prop_assert!((rate - chain.entropy_rate(&law)).abs() < 1e-13);
        // The order: no two contexts with the same last tokens differ.
        let order = chain.effective_order(&law).unwrap();
        let suffices = |m: usize| {
            let ending = |state: usize| chain.states().tokens(state)[space.context_length() - m..].to_vec();
            let row = |state: usize| successors(chain.operator(), state)
                .map(|to| (chain.states().newest_token(to.state), to.probability.to_bits())).collect::<Vec<_>>();
            visited.iter().all(|&i| visited.iter().all(|&j| ending(i) != ending(j) || row(i) == row(j)))
        };
        prop_assert!(suffices(order) && (order == 0 || !suffices(order - 1)), "{}", order);
    }
}
