//! Bounds, and how far back the next token looks.

use lmchain::chain::MarkovChain;
use lmchain::error::Error;
use lmchain::mixing::{BoundKind, MemorySampler, MixingBound, Standing};
use lmchain::model::NgramSettings;
use lmchain::operator::{Restart, TransitionOperator};
use lmchain::prob::{Law, total_variation};
use lmchain::text::{CorpusSettings, DocumentEnd, Tokenizer};
use proptest::prelude::*;

use super::stationary;
use crate::common::tables::{shift, tables};
use crate::common::{Case, assert_all_close, assert_close, language_model, language_models, numbers};

/// The bound of a kind through the method of its own.
fn bound<O: TransitionOperator>(chain: &MarkovChain<O>, kind: BoundKind) -> MixingBound {
    let block = chain.states().context_length();
    let found = match kind {
        BoundKind::Doeblin => chain.doeblin_bound(block),
        BoundKind::Dobrushin => chain.dobrushin_bound(block),
        BoundKind::Zekri => chain.zekri_bound(),
        BoundKind::TokenFloor => chain.token_floor_bound(),
        BoundKind::HouseOfCards => chain.house_of_cards_bound(),
        _ => chain.common_tokens_bound(),
    };
    found.unwrap()
}

fn check_case(case: &Case) -> bool {
    let value = |key: &str| case.expected.get(key).and_then(serde_json::Value::as_f64);
    let curve = |key: &str| case.expected.get(key).map(numbers);
    let Some(alpha) = value("doeblin_K_step_alpha") else { return false };
    // The contexts are known to the first two only.
    for (operator, _, chain) in case.chains().into_iter().take(2) {
        let what = |key: &str| format!("{} ({operator}): {key}", case.name);
        let close = |kind, key: &str, of: &dyn Fn(f64) -> f64, expected: f64| {
            let loss = bound(&chain, kind).loss().unwrap();
            assert_close(of(loss), expected, case.tolerance, &what(key));
        };
        close(BoundKind::Doeblin, "alpha", &|loss| loss, alpha);
        close(BoundKind::Dobrushin, "delta", &|loss| 1.0 - loss, value("dobrushin_K_step").unwrap());
        let eps = value("zekri_epsilon_K_step_min").unwrap();
        close(BoundKind::Zekri, "eps", &|loss| loss / 2.0, eps.min(0.5));
        let floor = value("doeblin_token_alpha").unwrap();
        close(BoundKind::TokenFloor, "alpha_0", &|loss| loss, floor.powi(case.k as i32));
        for (kind, successes, key) in [
            (BoundKind::HouseOfCards, "pair_r_n", "hoc_bound_pair_t0"),
            (BoundKind::CommonTokens, "cff_a_n", "hoc_bound_cff_t0"),
        ] {
            let bound = bound(&chain, kind);
            let expected = curve(successes).unwrap();
            assert_all_close(bound.successes().unwrap(), &expected, case.tolerance, &what(successes));
            let expected = curve(key).unwrap();
            assert_all_close(&bound.curve(expected.len() - 1), &expected, case.tolerance, &what(key));
        }
        for (kind, key) in [(BoundKind::Zekri, "zekri_bound_t0"), (BoundKind::Doeblin, "doeblin_bound_t0")] {
            let expected = curve(key).unwrap();
            let found = bound(&chain, kind).curve(expected.len() - 1);
            assert_all_close(&found, &expected, case.tolerance, &what(key));
        }
    }
    true
}

#[test]
fn bounds_agree_with_the_cases() {
    let seen = language_models().iter().filter(|case| check_case(case)).count();
    assert!(seen > 10, "{seen}");
}

#[test]
fn the_first_times_are_those_of_the_table() {
    use BoundKind::{Dobrushin, Doeblin, HouseOfCards, TokenFloor, Zekri};
    // Exact, Zekri, Doeblin, token floor, Dobrushin, house of cards.
    let table = [
        ("C10", [3, 30, 6, 14, 6, 5]),
        ("C12", [3, 140, 12, 30, 8, 9]),
        ("C22", [16, 465, 57, 4158, 51, 74]),
        ("C14_eps0.3", [4, 78, 18, 18, 9, 12]),
        ("C14_eps0.1", [11, 2082, 519, 519, 75, 214]),
    ];
    for (name, [exact, firsts @ ..]) in table {
        let chain = language_model(name).shift();
        let bounds = chain.mixing_bounds(&stationary(&chain), 12);
        assert_eq!(bounds.mixing_time(), Some(exact), "{name}");
        for (kind, first) in [Zekri, Doeblin, TokenFloor, Dobrushin, HouseOfCards].into_iter().zip(firsts) {
            let bound = bounds.get(kind).unwrap();
            assert_eq!(bound.first_below(0.25), Some(first), "{name}, {kind:?}");
            assert_eq!(bound.standing(), Standing::Certificate);
        }
    }
    // Given to two digits.
    let chain = language_model("C14_eps0.01").shift();
    let bounds = chain.mixing_bounds(&stationary(&chain), 3);
    assert_eq!(bounds.mixing_time(), Some(114));
    assert_eq!(bounds.get(Dobrushin).unwrap().first_below(0.25), Some(6978));
    for (kind, about) in [(Zekri, 2.1e6), (Doeblin, 5.2e5), (TokenFloor, 5.2e5), (HouseOfCards, 1.8e5)] {
        let first = bounds.get(kind).unwrap().first_below(0.25).unwrap() as f64;
        assert_close(first / about, 1.0, 0.05, kind.name());
    }
}

#[test]
fn the_table_names_what_is_missing() {
    let chain = language_model("C10").shift();
    let restarted = chain.with_operator(Restart::new(chain.operator(), 0.25, Law::uniform(4)).unwrap());
    let bounds = restarted.mixing_bounds(&stationary(&restarted), 8);
    let missing: Vec<BoundKind> = bounds.missing().map(|(kind, _)| kind).collect();
    assert_eq!(missing, [BoundKind::HouseOfCards, BoundKind::CommonTokens, BoundKind::TokenFloor]);
    assert!(bounds.missing().all(|(_, reason)| matches!(reason, Error::NotShiftRegister { .. })));
    // A restart alone is a Doeblin bound of a block of one.
    assert!(restarted.doeblin_bound(1).unwrap().loss().unwrap() >= 0.25 - 1e-14);
    let table = bounds.to_string();
    assert_eq!(table.lines().count(), 8, "{table}");
    assert!(table.contains("certificate") && table.contains("does not append a token"), "{table}");
}

proptest! {
    #[test]
    fn every_certificate_is_above_the_distance_of_pairs(
        (space, table) in tables(prop::sample::select(vec![(2, 2), (3, 2), (2, 3), (3, 1)]), 1, 0.05),
    ) {
        let chain = shift(space, table);
        let exact = chain.pair_distance_curve(24).unwrap();
        let kinds = [BoundKind::Doeblin, BoundKind::Dobrushin, BoundKind::Zekri, BoundKind::TokenFloor,
            BoundKind::HouseOfCards, BoundKind::CommonTokens];
        for kind in kinds {
            let bound = bound(&chain, kind);
            for (t, (found, exact)) in bound.curve(24).iter().zip(&exact).enumerate() {
                prop_assert!(found + 1e-14 >= *exact, "{:?} at {}: {} below {}", kind, t, found, exact);
                prop_assert!((bound.at(t as u64) - found).abs() <= 1e-13);
            }
            if let Some(first) = bound.first_below(0.25) {
                prop_assert!(bound.at(first) <= 0.25 && (first == 0 || bound.at(first - 1) > 0.25));
            }
        }
    }

    #[test]
    fn influence_is_what_brute_force_says(
        (space, table) in tables(prop::sample::select(vec![(2, 3), (3, 2), (2, 4)]), 1, 0.05),
    ) {
        let chain = shift(space, table);
        let profile = chain.memory_profile().unwrap();
        let law = |c: usize| chain.operator().next_token_law(c).collect::<Vec<_>>();
        let (n, v) = (chain.len(), space.vocabulary_size());
        for (shared, found) in profile.influence().into_iter().enumerate() {
            let modulus = v.pow(shared as u32);
            let slow = (0..n).flat_map(|a| (0..n).map(move |b| (a, b)))
                .filter(|(a, b)| a % modulus == b % modulus)
                .map(|(a, b)| total_variation(&law(a), &law(b))).fold(0.0, f64::max);
            prop_assert!((found - slow).abs() <= 1e-14, "{} shared: {}, not {}", shared, found, slow);
        }
        // A sample sees no more, and all of it where there is little to see.
        let uniform = Law::uniform(n);
        let sampled = MemorySampler::new().pairs(3000).estimate(&chain, &uniform).unwrap();
        prop_assert_eq!(sampled.standing(), Standing::Estimate);
        for (some, all) in sampled.influence().iter().zip(profile.influence()) {
            prop_assert!(*some <= all + 1e-15);
        }
        // 256 pairs at most: each is missed with probability exp(-11).
        prop_assert!((sampled.influence()[0] - profile.influence()[0]).abs() < 1e-14);
        let means = sampled.mean_influence().unwrap();
        prop_assert!(means.len() == space.context_length() + 1);
        prop_assert!(means.iter().zip(sampled.influence()).all(|(mean, most)| *mean <= most));
    }
}

#[test]
fn a_whole_model_knows_its_token_floor() {
    let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Reset);
    let corpus = settings.read_strings(["abracadabra", "cadabra", "arcade", "bread"]).unwrap();
    let model = NgramSettings::new(3).fit(&corpus).unwrap();
    let chain = MarkovChain::smoothed(&model).unwrap();
    let v = corpus.vocab().len() as u32;
    // Slow: every token after every state.
    let floor = |token| {
        (0..chain.len()).map(|state| chain.operator().token_probability(state, token)).fold(1.0, f64::min)
    };
    let alpha: f64 = (0..v).map(floor).sum();
    let bound = chain.token_floor_bound().unwrap();
    let loss = bound.loss().unwrap();
    assert_close(loss, alpha.powi(2), 1e-13, "alpha_0^K");
    assert!(loss <= alpha.powi(2) && loss > 0.0);
    let exact = chain.pair_distance_curve(30).unwrap();
    let certified = bound.curve(30);
    assert!(certified.iter().zip(&exact).all(|(bound, exact)| *bound >= exact - 1e-14));
    // Its houses of cards stand on the states that it tells apart: slow, by pairs of these.
    let law = |state: usize| {
        (0..v).map(|token| chain.operator().token_probability(state, token)).collect::<Vec<_>>()
    };
    let profile = chain.memory_profile().unwrap();
    for (shared, found) in profile.influence().into_iter().enumerate() {
        let ending = |state: usize| {
            let tokens = chain.states().tokens(state);
            (tokens.len() >= shared).then(|| tokens[tokens.len() - shared..].to_vec())
        };
        let alike = |a: usize, b: usize| ending(a).is_some() && ending(a) == ending(b);
        let slow = (0..chain.len())
            .flat_map(|a| (0..chain.len()).map(move |b| (a, b)))
            .filter(|&(a, b)| alike(a, b))
            .map(|(a, b)| total_variation(&law(a), &law(b)))
            .fold(0.0, f64::max);
        assert_close(found, slow, 1e-13, "influence");
    }
    let curve = profile.bound().curve(30);
    assert!(curve.iter().zip(&exact).all(|(bound, exact)| *bound >= exact - 1e-14));
    let sampled = MemorySampler::new().pairs(500).estimate(&chain, &stationary(&chain)).unwrap();
    assert!(sampled.influence().iter().zip(profile.influence()).all(|(some, all)| *some <= all + 1e-15));
    let restart = Restart::new(chain.operator(), 0.1, Law::point(chain.len(), 0)).unwrap();
    let restarted = chain.with_operator(restart);
    assert!(matches!(restarted.memory_profile(), Err(Error::NotWindows { .. })));
    assert!(matches!(restarted.token_floor_bound(), Err(Error::NotWindows { .. })));
}

#[test]
fn what_cannot_be_afforded_is_refused() {
    let space = lmchain::text::ContextSpace::new(30, 3).unwrap();
    let weight = |c: usize, v: usize| 1.0 + ((c * 31 + v * 17) % 1009) as f64;
    let row = |c: usize| {
        let sum: f64 = (0..30).map(|v| weight(c, v)).sum();
        (0..30).map(move |v| weight(c, v) / sum)
    };
    let chain = shift(space, (0..space.len()).flat_map(row).collect());
    assert!(matches!(chain.dobrushin_bound(3), Err(Error::TooExpensive { .. })));
    let mut step = chain.doeblin_bound(0);
    assert!(matches!(step, Err(Error::MustBePositive { .. })));
    step = chain.common_tokens_bound();
    assert!(step.is_ok());
    let sampler = MemorySampler::new().pairs(100);
    let (one, two) =
        (sampler.estimate(&chain, &Law::uniform(27_000)), sampler.estimate(&chain, &Law::uniform(27_000)));
    assert_eq!(one.unwrap(), two.unwrap());
    let none = MemorySampler::new().pairs(0).estimate(&chain, &Law::uniform(27_000));
    assert!(matches!(none, Err(Error::MustBePositive { .. })));
}
