//! Walks against the laws they are drawn from.

mod laws;
mod streamed;

use lmchain::chain::{Exploration, MarkovChain, Start};
use lmchain::error::Error;
use lmchain::model::{Decoded, Decoding, TableModel};
use lmchain::operator::{Restart, TransitionOperator};
use lmchain::prob::{Law, stream};

use crate::common;
use crate::common::{language_model, language_models};

/// Hoeffding's inequality: the chance that a frequency over `walks` independent
/// walks is off by this much is below 2e-12, in each of the states looked at.
fn deviation(walks: usize) -> f64 {
    ((2.0f64 / 2e-12).ln() / (2.0 * walks as f64)).sqrt()
}

fn check_frequencies<O: TransitionOperator>(chain: &MarkovChain<O>, what: &str) {
    let (walks, steps) = (4000, 6);
    let n = chain.len();
    let ensemble = chain.walker().unwrap().ensemble(Start::State(n - 1), walks, steps, 11).unwrap();
    let mut law = Law::point(n, n - 1).into_vec();
    let mut next = vec![0.0; n];
    for step in 0..=steps {
        let counts = ensemble.counts_after(step, n);
        for state in 0..n {
            let frequency = counts[state] as f64 / walks as f64;
            assert!((frequency - law[state]).abs() <= deviation(walks), "{what}: state {state}, step {step}");
            assert!(law[state] > 0.0 || counts[state] == 0, "{what}: an impossible state was visited");
        }
        chain.operator().push_forward(&law, &mut next);
        std::mem::swap(&mut law, &mut next);
    }
}

#[test]
fn frequencies_of_walks_approach_the_law() {
    for case in language_models().iter().filter(|case| case.states() <= 81) {
        for (operator, _, chain) in case.chains() {
            check_frequencies(&chain, &format!("{} ({operator})", case.name));
        }
        let chain = case.shift();
        let law = Law::uniform(chain.len());
        check_frequencies(&chain.reversed(&law).unwrap(), "reversed");
        let restart = Restart::new(chain.operator(), 0.2, law).unwrap();
        check_frequencies(&chain.with_operator(restart), "restarted");
    }
}

#[test]
fn no_transition_of_probability_zero_is_ever_drawn() {
    // The golden mean process forbids 11.
    let chain = language_model("C05").shift();
    let walker = chain.walker().unwrap();
    let ensemble = walker.ensemble(Start::State(0), 50, 2000, 3).unwrap();
    assert!(ensemble.walks().all(|walk| walk.windows(2).all(|pair| pair != [1, 1])));
}

#[test]
fn walks_of_an_ensemble_are_those_that_go_alone() {
    let chain = language_model("C12").shift();
    let law = Law::uniform(chain.len());
    let restart = chain.with_operator(Restart::new(chain.operator(), 0.2, law.clone()).unwrap());
    let (walker, sampler) = (restart.walker().unwrap(), restart.operator().sampler());
    for (walks, steps) in [(1, 10), (31, 3), (33, 40), (200, 1), (5, 0)] {
        let ensemble = walker.ensemble(Start::State(2), walks, steps, 8).unwrap();
        assert_eq!(ensemble.walks().len(), walks);
        for (walk, path) in ensemble.walks().enumerate() {
            let mut rng = stream(8, walk as u64);
            let mut alone = vec![2];
            for step in 0..steps {
                alone.push(sampler.step(alone[step] as usize, &mut rng) as u32);
            }
            assert_eq!(path, alone);
        }
    }
}

#[test]
fn backward_walks_follow_the_reverse_table() {
    let case = language_model("C12");
    let chain = case.shift();
    let law = chain.stationary().unwrap().converged().unwrap();
    let reversed = chain.reversed(&law).unwrap();
    let table = chain.reverse_table(&law).unwrap();
    let walks = 4000;
    let mut counts = [0u32; 3];
    for seed in 0..walks {
        let before = reversed.walk_back(8, seed).unwrap().nth(1).unwrap();
        counts[chain.states().oldest_token(before) as usize] += 1;
    }
    for (count, expected) in counts.iter().zip(table.law_before(8).unwrap()) {
        let frequency = f64::from(*count) / walks as f64;
        assert!((frequency - expected).abs() <= deviation(walks as usize), "{frequency} {expected}");
    }
}

#[test]
fn a_state_that_is_never_visited_has_no_past() {
    let chain = language_model("C06").shift();
    let law = chain.stationary().unwrap().converged().unwrap();
    let reversed = chain.reversed(&law).unwrap();
    assert!(matches!(reversed.walk_back(3, 0).unwrap_err(), Error::NoPast { state: 3, .. }));
    assert!(matches!(reversed.walk_back(4, 0).unwrap_err(), Error::StateOutOfRange { .. }));
    assert!(chain.reverse_table(&law).unwrap().law_before(3).is_none());
}

#[test]
fn bad_starts_are_refused() {
    let chain = language_model("C12").shift();
    let walker = chain.walker().unwrap();
    let refused = |start| walker.walk(start, 0).err().unwrap();
    assert!(matches!(refused(Start::State(9)), Error::StateOutOfRange { state: 9, states: 9 }));
    assert!(matches!(refused(Start::Prompt(&[0])), Error::PromptTooShort { tokens: 1, needed: 2 }));
    assert!(matches!(refused(Start::Prompt(&[0, 3])), Error::TokenOutOfRange { token: 3, .. }));
    let law = Law::uniform(4);
    assert!(matches!(refused(Start::Law(&law)), Error::LengthMismatch { expected: 9, found: 4 }));
    assert!(matches!(chain.walker_within(10), Err(Error::TooLarge { allowed: 10, .. })));
    let prompted = walker.walk(Start::Prompt(&[1, 0, 2]), 0).unwrap().next();
    assert_eq!(prompted, Some(2));
}

#[test]
fn reachable_contexts_are_those_that_walks_can_meet() {
    let case = language_model("C12");
    let model = TableModel::from_rows(2, &case.p).unwrap();
    // The two most probable tokens only: some contexts drop out.
    let decoded = Decoded::new(&model, Decoding::new().top_k(2)).unwrap();
    let all = MarkovChain::enumerated(&decoded).unwrap();
    let some = MarkovChain::reachable(&decoded, &[&[0, 0]]).unwrap();
    let mut seen = vec![false; all.len()];
    seen[0] = true;
    for _ in 0..all.len() {
        for state in (0..all.len()).filter(|&state| seen[state]).collect::<Vec<_>>() {
            lmchain::operator::successors(all.operator(), state).for_each(|to| seen[to.state] = true);
        }
    }
    assert_eq!(some.len(), seen.iter().filter(|seen| **seen).count());
    for state in 0..some.len() {
        let full = all.states().after_prompt(&some.states().tokens(state)).unwrap();
        assert!(seen[full]);
        for to in lmchain::operator::successors(some.operator(), state) {
            let full_to = all.states().after_prompt(&some.states().tokens(to.state)).unwrap();
            assert!((all.operator().probability(full, full_to) - to.probability).abs() < 1e-15);
        }
    }
    let limited = Exploration::new().state_limit(2).build(&model, &[&[0, 0]]);
    assert!(matches!(limited, Err(Error::StateLimit { limit: 2 })));
    assert!(matches!(MarkovChain::reachable(&model, &[&[0]]), Err(Error::PromptTooShort { .. })));
    assert!(matches!(MarkovChain::reachable(&model, &[]), Err(Error::MustBePositive { .. })));
}

#[test]
fn exact_draws_of_a_restarted_chain_follow_its_stationary_law() {
    let case = language_model("C35");
    let draws = 4000;
    for (eps, expected) in case.expected["by_eps"].as_object().unwrap() {
        let eps: f64 = eps.parse().unwrap();
        let restart = Restart::new(case.shift().operator().clone(), eps, Law::point(4, 0)).unwrap();
        let chain = case.shift().with_operator(restart);
        let drawn = chain.stationary_draws(draws, 5).unwrap();
        for (state, expected) in common::numbers(&expected["stationary"]).iter().enumerate() {
            let frequency = drawn.iter().filter(|&&s| s == state).count() as f64 / draws as f64;
            assert!((frequency - expected).abs() <= deviation(draws), "eps {eps}: {frequency} {expected}");
        }
    }
}
