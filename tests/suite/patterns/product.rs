//! Chain and automaton as one chain.

use lmchain::Error;
use lmchain::chain::{MarkovChain, Start, StateSet, States};
use lmchain::operator::{Restart, SparseOperator, TransitionOperator, predecessors, successors};
use lmchain::passage::{Overlap, PatternOperator, Patterns};
use lmchain::prob::Law;
use proptest::prelude::*;

use super::{OVERLAPS, TEXTS, chain, prompt, relatively_close, strings, words};
use crate::common::language_model;

proptest! {
    #[test]
    fn the_product_is_a_chain_in_which_patterns_are_sets(
        chain in chain(), strings in strings(), prompt in prompt(), n in 0usize..20,
    ) {
        let patterns = Patterns::new(chain.states().vocabulary_size(), strings).unwrap();
        let product = chain.with_patterns(&patterns).unwrap();
        for overlap in OVERLAPS {
            let start = chain.pattern_start(&patterns, Start::Prompt(&prompt), overlap).unwrap();
            let law = chain.pattern_law(&patterns, Start::Prompt(&prompt), overlap, n).unwrap();
            let wins: Vec<StateSet> = (0..patterns.len()).map(|i| product.operator().won_by(i)).collect();
            let racers: Vec<usize> = (0..patterns.len()).filter(|&i| !wins[i].is_empty()).collect();
            let sets: Vec<&StateSet> = racers.iter().map(|&i| &wins[i]).collect();
            let race = product.race_law(Start::Law(&start), &sets, n).unwrap();
            let tolerance = 2.0 * (product.len() + n * (product.operator().longest_sum() + 2)) as f64 * f64::EPSILON;
            for (place, &pattern) in racers.iter().enumerate() {
                for (token, &expected) in race.of_set(place).iter().enumerate() {
                    prop_assert!(relatively_close(law.at(pattern, token), expected, tolerance));
                }
            }
            // Those that contain another one never come first.
            for pattern in (0..patterns.len()).filter(|pattern| !racers.contains(pattern)) {
                prop_assert_eq!(law.first_within(pattern, n), 0.0);
            }
        }
    }
}

/// Both products and both walks over transitions, entropies and classes,
/// against the matrix written out.
fn check_product<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    patterns: &Patterns,
) -> Result<(), TestCaseError> {
    let operator = PatternOperator::new(chain.operator(), chain.states(), patterns).unwrap();
    let n = operator.states();
    prop_assert_eq!(n, patterns.nodes() * chain.len());
    let entry = |from: usize, to: usize| {
        let ((node, from), (after, state)) = (operator.pair(from), operator.pair(to));
        let read = patterns.next(node, chain.states().newest_token(state));
        if read == after { chain.operator().probability(from, state) } else { 0.0 }
    };
    let input: Vec<f64> = (0..n).map(|i| ((i * 7 + 3) % 11) as f64 / 11.0).collect();
    let (mut pushed, mut pulled, mut entropies) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    operator.push_forward(&input, &mut pushed);
    operator.pull_back(&input, &mut pulled);
    operator.row_entropies(&mut entropies);
    // n terms of at most one, each rounded a few times.
    let tolerance = 8.0 * n as f64 * f64::EPSILON;
    for i in 0..n {
        let (node, state) = operator.pair(i);
        prop_assert_eq!(operator.number(node, state), i);
        let push: f64 = (0..n).map(|j| input[j] * entry(j, i)).sum();
        let pull: f64 = (0..n).map(|j| entry(i, j) * input[j]).sum();
        prop_assert!((pushed[i] - push).abs() <= tolerance, "push {i}: {} {push}", pushed[i]);
        prop_assert!((pulled[i] - pull).abs() <= tolerance, "pull {i}: {} {pull}", pulled[i]);
        let (mut row, mut column) = (vec![0.0; n], vec![0.0; n]);
        for to in successors(&operator, i) {
            prop_assert!(to.probability > 0.0 && row[to.state] == 0.0, "every transition once");
            row[to.state] = to.probability;
        }
        for from in predecessors(&operator, i) {
            prop_assert!(from.probability > 0.0 && column[from.state] == 0.0, "every transition once");
            column[from.state] = from.probability;
        }
        prop_assert!((row.iter().sum::<f64>() - 1.0).abs() <= tolerance);
        let entropy: f64 = row.iter().filter(|p| **p > 0.0).map(|p| -p * p.log2()).sum();
        // Terms below 0.54 bits each, with a few roundings.
        prop_assert!((entropies[i] - entropy).abs() <= tolerance);
        for j in 0..n {
            prop_assert!((row[j] - entry(i, j)).abs() <= tolerance);
            prop_assert!((column[j] - entry(j, i)).abs() <= tolerance);
            prop_assert!((operator.probability(i, j) - entry(i, j)).abs() <= tolerance);
        }
    }
    check_graph(operator)
}

/// The classes that the graph with its hubs shows are those of the transitions.
fn check_graph<O: TransitionOperator>(operator: O) -> Result<(), TestCaseError> {
    let n = operator.states();
    let row =
        |from: usize| successors(&operator, from).map(move |t| (from as u32, t.state as u32, t.probability));
    let flat = SparseOperator::from_weights(n, (0..n).flat_map(row).collect()).unwrap();
    let flat = MarkovChain::new(flat, States::numbered(n));
    let hubs = MarkovChain::new(operator, States::numbered(n));
    let (flat, hubs) = (flat.classes(), hubs.classes());
    prop_assert_eq!(flat.count(), hubs.count());
    for state in 0..n {
        let (one, two) = (flat.class_of(state), hubs.class_of(state));
        prop_assert_eq!(flat.members(one), hubs.members(two));
        prop_assert_eq!(flat.is_recurrent(one), hubs.is_recurrent(two));
        prop_assert!(!flat.is_recurrent(one) || flat.period(one) == hubs.period(two));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn products_do_what_their_matrix_does(chain in chain(), strings in strings(), eps in 0.05..1.0f64) {
        let patterns = Patterns::new(chain.states().vocabulary_size(), strings).unwrap();
        check_product(&chain, &patterns)?;
        let mut weights: Vec<f64> = (0..chain.len()).map(|i| (i % 3) as f64).collect();
        weights[0] = 1.0;
        let mu = Law::normalized(weights).unwrap();
        let restarted = chain.with_operator(Restart::new(chain.operator(), eps, mu).unwrap());
        check_product(&restarted, &patterns)?;
    }

    #[test]
    fn walks_of_the_product_are_those_of_the_chain_read_by_the_automaton(
        chain in chain(), strings in strings(), prompt in prompt(), seed in 0u64..100,
    ) {
        let patterns = Patterns::new(chain.states().vocabulary_size(), strings).unwrap();
        let product = chain.with_patterns(&patterns).unwrap();
        let start = chain.pattern_start(&patterns, Start::Prompt(&prompt), Overlap::Prompt).unwrap();
        let start = (0..product.len()).find(|&pair| start[pair] > 0.0).unwrap();
        let (walker, reader) = (chain.walker().unwrap(), product.walker().unwrap());
        let plain = walker.walk(Start::Prompt(&prompt), seed).unwrap();
        let read = reader.walk(Start::State(start), seed).unwrap();
        let many = walker.ensemble(Start::Prompt(&prompt), 40, 20, seed).unwrap();
        let many_read = reader.ensemble(Start::State(start), 40, 20, seed).unwrap();
        for (plain, read) in many.walks().zip(many_read.walks()) {
            let states = read.iter().map(|&pair| product.operator().pair(pair as usize).1 as u32);
            prop_assert_eq!(plain, states.collect::<Vec<_>>());
        }
        let mut text = prompt.clone();
        for (step, (state, pair)) in plain.zip(read).take(40).enumerate() {
            if step > 0 {
                text.push(chain.states().newest_token(state));
            }
            prop_assert_eq!(product.operator().pair(pair), (patterns.read(0, &text), state));
            for i in 0..patterns.len() {
                prop_assert_eq!(product.operator().ending(i).contains(pair), text.ends_with(&patterns.strings()[i]));
            }
        }
    }
}

#[test]
fn the_product_of_a_back_off_chain_does_what_its_matrix_does() {
    let model = words(&TEXTS);
    let chain = MarkovChain::smoothed(&model).unwrap();
    let token = |name: &str| model.vocab().token(name).unwrap();
    let (a, b, end) = (token("a"), token("b"), token("</s>"));
    let patterns = Patterns::new(model.vocab().len(), [&[a, b, b][..], &[b, a], &[b, end, a]]).unwrap();
    check_product(&chain, &patterns).unwrap();
}

#[test]
fn pairs_keep_the_tokens_of_their_states_and_are_named_by_no_prompt() {
    let chain = language_model("C12").shift();
    let patterns = Patterns::new(3, [vec![2, 2, 2]]).unwrap();
    let watched = chain.with_patterns(&patterns).unwrap();
    let pair = watched.operator().number(2, 7);
    assert_eq!(watched.states().tokens(pair), chain.states().tokens(7));
    assert_eq!(watched.states().newest_token(pair), 1);
    assert_eq!(watched.states().label(pair), "2 1 (2)");
    assert_eq!(watched.states().find("2 1 (2)").unwrap(), pair);
    let refused = watched.states().after_prompt(&[0, 2, 1]);
    assert!(matches!(refused, Err(Error::PairedStates { .. })), "{refused:?}");
    let bad = watched.operator().ending(0);
    let walk = watched.hitting_time_law(Start::Prompt(&[2, 1]), &bad, 5);
    assert!(matches!(walk, Err(Error::PairedStates { .. })));
    let q = watched.hitting_probability(&bad).unwrap().converged().unwrap();
    assert!(matches!(watched.sealing(&[2, 1, 0], &q), Err(Error::PairedStates { .. })));
    // In every node, the states that end with a token.
    let twos = StateSet::ending_with(watched.states(), &[&[2]]).unwrap();
    assert_eq!(twos.len(), 3 * patterns.nodes());
}
