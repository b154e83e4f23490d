//! What a chain remembers, against reference cases, closed forms and slow computations.

mod brute_force;
mod identities;
mod processes;
mod refusals;

use lmchain::information::{CausalStateSolver, crossover, slopes};
use lmchain::topics::Topics;

use crate::common;
use crate::common::{assert_all_close, assert_close, language_models, numbers};

#[test]
fn reference_cases_are_remembered_as_stated() {
    let mut checked = 0;
    for case in language_models() {
        let expect = |key: &str| case.expected.get(key).filter(|value| !value.is_null());
        let Some(window) = expect("window_mi_bits_t0_to_8") else { continue };
        for (name, are_contexts, chain) in case.chains() {
            let what = format!("{}, {name}", case.name);
            let law = chain.stationary().unwrap().converged().unwrap();
            let found = chain.window_information(&law, 8).unwrap();
            assert_all_close(&found, &numbers(window), 1e-10, &what);
            if !are_contexts {
                continue;
            }
            let entropies = chain.conditional_entropies(&law).unwrap();
            assert_all_close(&entropies, &numbers(expect("h_mu_L_bits_L1_to_Kplus1").unwrap()), 1e-10, &what);
            let causal = chain.causal_states(&law).unwrap();
            assert_eq!(causal.count() as u64, expect("causal_states").unwrap().as_u64().unwrap(), "{what}");
            let complexity = expect("statistical_complexity_bits").unwrap().as_f64().unwrap();
            assert_close(causal.statistical_complexity(), complexity, 1e-10, &what);
            let order = expect("effective_markov_order").unwrap().as_u64().unwrap();
            assert_eq!(chain.effective_order(&law).unwrap() as u64, order, "{what}");
            // Entropies differ by rounding where nothing is left to be known.
            assert_eq!(chain.effective_order_within(&law, 1e-12).unwrap() as u64, order, "{what}");
            checked += 1;
        }
    }
    assert_eq!(checked, 2 * 19, "cases through two operators");
}

#[test]
fn a_topic_that_tokens_show_is_remembered_as_tokens_are() {
    let case = common::language_model("C21");
    let chain = case.shift();
    let law = chain.stationary().unwrap().converged().unwrap();
    let topics = Topics::by_token(chain.states(), ["A", "B"], |token| usize::from(token >= 2)).unwrap();
    let lags = [1, 2, 5, 10, 20, 200];
    let of_topics = chain.topic_information(&topics, &law, &lags).unwrap();
    let of_tokens = chain.mutual_information(&law, &lags).unwrap();
    for (topic, token) in of_topics.iter().zip(&of_tokens) {
        assert!(
            (topic.mutual_information / token.mutual_information - 1.0).abs() < 1e-11,
            "{topic:?} {token:?}"
        );
        if let Some(expected) = case.expected["topic_lag"].get(topic.lag.to_string()) {
            let bits = expected["topic_mi_bits"].as_f64().unwrap();
            assert_close(topic.mutual_information, bits, 1e-12, "topic");
        }
        // A two-state chain is reversible: the rational information is lambda^(2d).
        let expected = 0.85f64.powi(2 * topic.lag as i32);
        assert!((topic.rational / expected - 1.0).abs() < 1e-11, "{topic:?}");
    }
    let causal = chain.causal_states(&law).unwrap();
    for state in 0..4 {
        assert_eq!(causal.of_state(state), Some(topics.of_state(state)));
    }
}

#[test]
fn a_period_is_never_forgotten() {
    let case = common::language_model("C38");
    let chain = case.shift();
    let law = chain.stationary().unwrap().converged().unwrap();
    let log3 = 3f64.log2();
    let causal = chain.causal_states(&law).unwrap();
    assert_eq!(causal.count(), 3);
    assert_close(causal.statistical_complexity(), log3, 1e-14, "complexity");
    assert_eq!(causal.of_state(0), None);
    assert_eq!(causal.machine().classes().period(0), 3);
    assert_all_close(&chain.window_information(&law, 50).unwrap(), &[log3; 51], 1e-12, "contexts");
    for at in chain.mutual_information(&law, &[0, 1, 7, 500]).unwrap() {
        assert_close(at.mutual_information, log3, 1e-12, "tokens");
        assert_close(at.rational, 2.0, 1e-12, "rational");
    }
    // The next token is the one after the last in the cycle: order one is enough.
    assert_eq!(chain.effective_order(&law).unwrap(), 1);
}

#[test]
fn approximate_causal_states_are_fewer_and_say_so() {
    // Two topics of two tokens each, whose rows differ by a hundredth.
    let rows = ndarray::array![
        [0.665, 0.285, 0.02, 0.03],
        [0.655, 0.295, 0.02, 0.03],
        [0.07, 0.03, 0.36, 0.54],
        [0.07, 0.03, 0.37, 0.53]
    ];
    let chain = lmchain::chain::MarkovChain::from_dense(rows.view()).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    let exact = chain.causal_states(&law).unwrap();
    assert!(exact.is_exact() && exact.count() == 4);
    let near = CausalStateSolver::new().within(0.011).solve(&chain, &law).unwrap();
    assert!(!near.is_exact() && near.count() == 2);
    let mean = (law[0] * 0.665 + law[1] * 0.655) / (law[0] + law[1]);
    assert_close(near.steps(0)[0].probability, mean, 1e-14, "weighted row");
    // The law of the merged machine is that of its states.
    let mut next = vec![0.0; near.count()];
    use lmchain::operator::TransitionOperator;
    near.machine().operator().push_forward(near.law(), &mut next);
    assert_all_close(&next, near.law(), 1e-12, "law");
}

#[test]
fn the_tail_of_a_text_of_two_tokens_keeps_its_digits() {
    // I(d) = 1 - H((1 - x) / 2) = 1 / ln 2 sum over k of x^(2k) / (2k (2k - 1)), x = lambda^d.
    let lambda = 0.6;
    let stay = 0.5 * (1.0 + lambda);
    let rows = ndarray::array![[stay, 1.0 - stay], [1.0 - stay, stay]];
    let chain = lmchain::chain::MarkovChain::from_dense(rows.view()).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    let lags: Vec<usize> = (1..=300).collect();
    let found = chain.mutual_information(&law, &lags).unwrap();
    let windows = chain.window_information(&law, 300).unwrap();
    for at in &found {
        let x = lambda.powi(at.lag as i32);
        let series: f64 = (1..200).map(|k| x.powi(2 * k) / f64::from(2 * k * (2 * k - 1))).sum::<f64>()
            / std::f64::consts::LN_2;
        // Every step rounds the deviation a few times, and information is its square;
        // powi rounds about as often.
        let tolerance = (8.0 * at.lag as f64 + 16.0) * f64::EPSILON;
        assert!((at.mutual_information / series - 1.0).abs() < tolerance.max(1e-14), "{at:?}, not {series}");
        assert!((at.rational / (x * x) - 1.0).abs() < tolerance.max(1e-14), "{at:?}");
        if at.lag > 1 {
            assert!((windows[at.lag] / series - 1.0).abs() < tolerance.max(1e-14), "{at:?}");
        }
    }
    assert!(found[299].mutual_information < 1e-132);
    let curve: Vec<(usize, f64)> = found.iter().map(|at| (at.lag, at.mutual_information)).collect();
    let slopes = slopes(&curve);
    assert!((slopes[298].rate - 2.0 * lambda.ln()).abs() < 1e-12);
    // The power series in x falls to its first term: the rate differs by a share of
    // about x^2 / 6 (1 - lambda^2) / -ln lambda^2 < 0.001 from d = 5 on.
    assert!((4..=6).contains(&crossover(&slopes, lambda, 0.001).unwrap().unwrap()));
    assert_eq!(crossover(&slopes, lambda, 0.5).unwrap(), Some(1));
}
