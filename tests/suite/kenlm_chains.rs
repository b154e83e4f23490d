//! The chains of KenLM's models, against numbers computed elsewhere from the same files.

use std::path::Path;

use lmchain::chain::MarkovChain;
use lmchain::mixing::SecondEigenvalueSolver;
use lmchain::model::NgramModel;
use lmchain::operator::TransitionOperator;
use lmchain::stationary::StationarySolver;
use serde_json::Value;

use crate::common::texts;

/// The files have seven digits, so their laws sum to one within some 2e-7.
const TOLERANCE: f64 = 1e-6;

#[track_caller]
fn assert_close(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= TOLERANCE * expected.abs(), "{what}: {found} but {expected}");
}

fn check(name: &str, model: &NgramModel, expected: &Value) {
    let chain = MarkovChain::smoothed(model).unwrap();
    assert_eq!(chain.len() as u64, expected["states"].as_u64().unwrap(), "{name}: states");
    // All n-grams but `<s>`, which nothing leads to.
    let stored = chain.operator().stored_entries() - 1;
    assert_eq!(stored as u64, expected["explicit_arcs"].as_u64().unwrap(), "{name}: n-grams");

    let outcome = StationarySolver::new().tolerance(1e-11).solve(&chain).unwrap();
    let law = outcome.converged().unwrap().unique().unwrap();
    assert_close(chain.entropy_rate(&law), &expected["entropy_rate_bits_per_token"], name);
    let start = chain.states().after_prompt(&[model.vocab().start().unwrap()]).unwrap();
    assert_close(1.0 / law[start], &expected["tokens_per_sentence_incl_eos"], name);

    // The token law is that of what is said: `</s>` where a sentence starts.
    let emissions = chain.token_law(&law);
    for emission in expected["emission_top10"].as_array().unwrap() {
        let word = emission[0].as_str().unwrap();
        let token = model.vocab().token(word).unwrap();
        assert_close(emissions[token as usize], &emission[1], &format!("{name}: {word}"));
    }
    let unknown = model.vocab().unknown().unwrap();
    assert_close(emissions[unknown as usize], &expected["emission_unk"], name);

    for state in expected["stationary_top10_states"].as_array().unwrap() {
        let words: Vec<&str> =
            state[0].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        let tokens: Vec<_> = words.iter().map(|word| model.vocab().token(word).unwrap()).collect();
        let found = chain.states().after_prompt(&tokens).unwrap();
        assert_eq!(chain.states().tokens(found), tokens);
        assert_close(law[found], &state[1], &format!("{name}: {words:?}"));
    }

    let second = SecondEigenvalueSolver::new().tolerance(1e-8).solve(&chain, &law).unwrap();
    let modulus = second.converged().unwrap().modulus();
    let expected = expected["second_largest_eigenvalue_modulus"].as_f64().unwrap();
    assert!((modulus - expected).abs() <= TOLERANCE, "{name}: {modulus} but {expected}");
}

#[test]
fn chains_of_reference_models_agree() {
    let Some(folder) = texts::folder() else { return texts::skip("chains of KenLM's models") };
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lm_chain");
    let mut checked = 0;
    for file in std::fs::read_dir(results).unwrap() {
        let path = file.unwrap().path();
        let expected: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let Some(model) = texts::model(&folder, name) else {
            texts::skip(&format!("the chain of {name}"));
            continue;
        };
        check(name, &model.normalized().unwrap(), &expected);
        checked += 1;
    }
    assert!(checked > 0, "no model was there to check");
}
