//! Divergence curves, the distance of pairs, and purge and decay apart.

use lmchain::chain::{MarkovChain, Start};
use lmchain::mixing::{Divergence, SecondEigenvalueSolver};
use lmchain::model::NgramSettings;
use lmchain::operator::{Restart, TransitionOperator};
use lmchain::prob::{Law, relative_entropy, total_variation};
use lmchain::text::{CorpusSettings, DocumentEnd, Tokenizer};
use ndarray::Array2;
use proptest::prelude::*;

use super::stationary;
use crate::common::tables::{shift, tables};
use crate::common::{assert_all_close, assert_close, language_model, language_models, numbers};

/// All powers of a small matrix, up to so many.
fn powers<O: TransitionOperator>(chain: &MarkovChain<O>, steps: usize) -> Vec<Array2<f64>> {
    let n = chain.len();
    let matrix = Array2::from_shape_fn((n, n), |(from, to)| chain.operator().probability(from, to));
    let mut powers = vec![Array2::eye(n)];
    (0..steps).for_each(|t| powers.push(powers[t].dot(&matrix)));
    powers
}

#[test]
fn the_distance_of_pairs_agrees_with_the_cases() {
    let mut seen = 0;
    for case in language_models() {
        let Some(curve) = case.expected.get("dbar_t0").map(numbers) else { continue };
        for (operator, _, chain) in case.chains() {
            let found = chain.pair_distance_curve(curve.len() - 1).unwrap();
            assert_all_close(&found, &curve, case.tolerance, &format!("{} ({operator})", case.name));
        }
        seen += 1;
    }
    assert!(seen > 10);
}

#[test]
fn separation_of_the_two_state_chain_is_a_power_of_its_eigenvalue() {
    let chain = language_model("C03").shift();
    let law = stationary(&chain);
    let worst = chain.worst_divergence_curve(Divergence::Separation, &law, 10).unwrap();
    // mu_t = pi + 0.5^t (mu_0 - pi): from either state the other one is missing at first.
    for (t, found) in worst.iter().enumerate() {
        assert_close(*found, 0.5f64.powi(t as i32), 1e-14, "separation");
    }
    let squares = chain.divergence_curve(Divergence::ChiSquare, Start::State(0), &law, 30).unwrap();
    for (t, found) in squares.iter().enumerate() {
        // (1 - pi_0)^2 / pi_0 + pi_1 = pi_1 / pi_0; the difference of the laws keeps
        // an absolute error of some eps, of which chi-square is twice as sensitive.
        let exact = 0.25f64.powi(t as i32) * 1.5;
        assert!((found - exact).abs() <= 1e-15 * exact.sqrt() + 1e-13 * exact, "{found} is not {exact}");
    }
}

#[test]
fn mass_on_transient_states_is_infinite_until_it_has_left() {
    let chain = language_model("C38").shift();
    let law = stationary(&chain);
    let transient = chain.classes().transient_states().next().unwrap();
    let curve =
        chain.divergence_curve(Divergence::RelativeEntropy, Start::State(transient), &law, 8).unwrap();
    assert_eq!(curve[0], f64::INFINITY);
    assert!(curve.windows(2).all(|pair| pair[1] <= pair[0]), "{curve:?}");
}

#[test]
fn independent_tokens_are_purged_and_nothing_decays() {
    let chain = language_model("C02").shift();
    let law = stationary(&chain);
    let forgetting = chain.worst_forgetting(&law, 6).unwrap();
    assert_all_close(forgetting.distance(), &[0.96, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0], 1e-14, "distance");
    assert_all_close(forgetting.generated(), &[0.0; 7], 1e-14, "generated");
    assert_all_close(&forgetting.purge(), &[0.96, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0], 1e-14, "purge");
    assert_eq!((forgetting.purge_steps(), forgetting.tail_rate()), (2, None));
    let slem = SecondEigenvalueSolver::new().solve(&chain, &law).unwrap().converged().unwrap();
    assert_eq!(slem.modulus(), 0.0);
}

#[test]
fn two_topics_decay_and_nothing_is_purged() {
    let chain = language_model("C21").shift();
    let law = stationary(&chain);
    let forgetting = chain.worst_forgetting(&law, 60).unwrap();
    assert!(forgetting.purge()[1..].iter().all(|purge| *purge == 0.0));
    assert_eq!(forgetting.distance()[1..], forgetting.generated()[1..]);
    // One eigenvalue, 0.85, beside zeros: the ratio is exact but for rounding.
    assert_close(forgetting.tail_rate().unwrap(), 0.85, 1e-12, "rate");
    assert_close(forgetting.after_purge(), forgetting.distance()[1], 0.0, "after the purge");
}

#[test]
fn the_tail_of_a_chain_with_both_falls_like_the_second_eigenvalue() {
    for name in ["C10", "C12", "C22"] {
        let chain = language_model(name).shift();
        let law = stationary(&chain);
        let forgetting = chain.worst_forgetting(&law, 400).unwrap();
        let slem = SecondEigenvalueSolver::new().solve(&chain, &law).unwrap().converged().unwrap();
        // The next eigenvalue is at most 0.64 of it, and the tail at least 10 steps long.
        let rate = forgetting.tail_rate().unwrap();
        assert_close(rate, slem.modulus(), 2e-2 * slem.modulus(), name);
        let generated = forgetting.generated();
        let k = forgetting.purge_steps();
        assert!((1..=k).all(|t| generated[t] >= generated[t - 1] - 1e-14), "{name}: {generated:?}");
    }
}

#[test]
fn generated_tokens_are_compared_as_blocks() {
    // Slow: the law of the tokens since the prompt, from all texts.
    let case = language_model("C12");
    let chain = case.shift();
    let law = stationary(&chain);
    for start in 0..chain.len() {
        let forgetting = chain.forgetting(Start::State(start), &law, 3).unwrap();
        let one = |from: usize| -> Vec<f64> { case.p[from].clone() };
        let token = (0..3).map(|v| (0..9).map(|c| law[c] * case.p[c][v]).sum()).collect::<Vec<f64>>();
        assert_close(forgetting.generated()[1], total_variation(&one(start), &token), 1e-14, "one token");
        assert_close(forgetting.generated()[2], forgetting.distance()[2], 0.0, "two tokens");
    }
}

#[test]
fn states_that_are_no_windows_are_purged_as_they_are() {
    // A back-off model of order 1 has single tokens as states; one of order 3 up to two.
    let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Reset);
    let corpus = settings.read_strings(["abracadabra", "cadabra", "arcade"]).unwrap();
    for order in [1, 3] {
        let chain = MarkovChain::smoothed(&NgramSettings::new(order).fit(&corpus).unwrap()).unwrap();
        let law = stationary(&chain);
        let forgetting = chain.worst_forgetting(&law, 12).unwrap();
        for (t, (all, new)) in forgetting.distance().iter().zip(forgetting.generated()).enumerate() {
            assert!(*new <= all + 1e-14, "order {order}, step {t}: {new} of {all}");
            assert!(t < forgetting.purge_steps() || all == new);
        }
        if order == 1 {
            assert!(forgetting.distance()[1] < 1e-14, "independent tokens");
        }
    }
}

proptest! {
    #[test]
    fn divergences_agree_with_their_definitions_and_never_grow(
        (space, table) in tables(prop::sample::select(vec![(2, 2), (3, 2), (2, 3)]), 1, 0.02), start in 0usize..8,
    ) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().recurrent_count() == 1);
        let law = stationary(&chain);
        let start = start % chain.len();
        let powers = powers(&chain, 12);
        for divergence in Divergence::ALL {
            let curve = chain.divergence_curve(divergence, Start::State(start), &law, 12).unwrap();
            for (power, found) in powers.iter().zip(&curve) {
                let mu: Vec<f64> = power.row(start).to_vec();
                let slow = match divergence {
                    Divergence::TotalVariation => total_variation(&mu, &law),
                    Divergence::RelativeEntropy => relative_entropy(&mu, &law),
                    Divergence::Separation => (0..mu.len())
                        .filter(|&j| law[j] > 0.0).map(|j| 1.0 - mu[j] / law[j]).fold(0.0, f64::max),
                    _ => mu.iter().zip(law.iter()).map(|(m, p)| match m {
                        _ if *p > 0.0 => (m - p).powi(2) / p,
                        m if *m > 0.0 => f64::INFINITY,
                        _ => 0.0,
                    }).sum(),
                };
                // The least positive entry of the law is above 1e-7 here.
                prop_assert!(*found == slow || (found - slow).abs() <= 1e-8 * slow.max(1e-3), "{:?}: {} {}", divergence, found, slow);
            }
            for pair in curve.windows(2) {
                prop_assert!(pair[1] <= pair[0] * (1.0 + 1e-9) + 1e-12, "{:?} grows: {:?}", divergence, pair);
            }
        }
    }

    #[test]
    fn pairs_are_apart_as_brute_force_says(
        (space, table) in tables(prop::sample::select(vec![(2, 2), (3, 2), (2, 3), (4, 1)]), 1, 0.01),
    ) {
        let chain = shift(space, table);
        let found = chain.pair_distance_curve(9).unwrap();
        for (t, power) in powers(&chain, 9).iter().enumerate() {
            let row = |i: usize| power.row(i).to_vec();
            let n = chain.len();
            let slow = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)))
                .map(|(i, j)| total_variation(&row(i), &row(j))).fold(0.0, f64::max);
            prop_assert!((found[t] - slow).abs() <= 1e-13);
        }
        // d <= dbar <= 2 d.
        if chain.classes().recurrent_count() == 1 {
            let worst = chain.worst_distance_curve(&stationary(&chain), 9).unwrap();
            for (pair, one) in found.iter().zip(worst) {
                prop_assert!(one <= pair + 1e-12 && *pair <= 2.0 * one + 1e-12);
            }
        }
    }
}

#[test]
fn a_restart_counts_as_generated() {
    let chain = language_model("C10").shift();
    let restarted = chain.with_operator(Restart::new(chain.operator(), 1.0, Law::point(4, 3)).unwrap());
    let law = stationary(&restarted);
    let forgetting = restarted.worst_forgetting(&law, 3).unwrap();
    assert_eq!(forgetting.distance(), [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(forgetting.generated(), [0.0; 4]);
}
