//! Look-ahead calibration: convex, never worse, and the same by chain and by model.

use lmchain::Error;
use lmchain::chain::MarkovChain;
use lmchain::exposure::{Exposure, LookAhead, LookAheadCalibration, Tilted};
use lmchain::model::{LanguageModel, NgramSettings, TableModel, score_tokens};
use lmchain::operator::{TransitionOperator, predecessors, successors};
use lmchain::text::{ContextSpace, CorpusSettings, Tokenizer};
use proptest::prelude::*;

use super::{law_of, sparse, sticky};
use crate::common::assert_close;
use crate::common::tables::{shift, tables};

fn pairs() -> impl Strategy<Value = (ContextSpace, Vec<f64>, Vec<f64>)> {
    let sizes = prop_oneof![Just((2, 2)), Just((3, 1)), Just((3, 2)), Just((2, 3))];
    sizes.prop_flat_map(|size| {
        (tables(Just(size), 0, 0.05), tables(Just(size), 0, 0.05))
            .prop_map(|((space, p), (_, q))| (space, p, q))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_fit_is_the_least_cross_entropy((space, p, q) in pairs()) {
        let (data, model) = (shift(space, p), shift(space, q));
        let law = law_of(&data);
        let exposure = Exposure::measure(&data, &law, &model, &law_of(&model)).unwrap();
        let fit = LookAheadCalibration::new().fit(&exposure).unwrap().converged().unwrap();
        // The cross-entropy of the calibrated chain, measured afresh.
        let cross_entropy = |alpha: f64| {
            let calibrated = exposure.look_ahead(alpha).unwrap();
            let own = law_of(&calibrated);
            Exposure::measure(&data, &law, &calibrated, &own).unwrap().rates().cross_entropy
        };
        prop_assert!((fit.cross_entropy_before - exposure.rates().cross_entropy).abs() <= 1e-13);
        prop_assert!((fit.cross_entropy_after - cross_entropy(fit.alpha)).abs() <= 1e-11);
        prop_assert!(fit.cross_entropy_after <= fit.cross_entropy_before + 1e-13);
        prop_assert!((fit.next_entropy_data - fit.next_entropy_after).abs() <= 1e-10);
        // Convex with the least at the fit: no neighbour is better than rounding.
        for step in [-1.0, -1e-2, 1e-2, 1.0] {
            prop_assert!(cross_entropy(fit.alpha + step) >= fit.cross_entropy_after - 1e-12);
        }
        // Away from the fit the slope is the difference of the entropies that follow.
        let slope = (cross_entropy(1e-4) - cross_entropy(-1e-4)) / 2e-4;
        let expected = fit.next_entropy_data - fit.next_entropy_before;
        prop_assert!((slope - expected).abs() <= 1e-7, "{} {}", slope, expected);
    }

    /// The chain of the calibrated model is the calibrated chain of the model.
    #[test]
    fn chain_and_model_are_calibrated_alike((space, p, q) in pairs(), alpha in -3.0..3.0f64) {
        let table = TableModel::new(space.vocabulary_size(), space.context_length(), q.clone()).unwrap();
        let by_model = MarkovChain::enumerated(&LookAhead::new(&table, alpha).unwrap()).unwrap();
        let (data, model) = (shift(space, p), shift(space, q));
        let (law, own) = (law_of(&data), law_of(&model));
        let exposure = Exposure::measure(&data, &law, &model, &own).unwrap();
        let by_chain = exposure.look_ahead(alpha).unwrap();
        for state in 0..data.len() {
            for next in successors(by_model.operator(), state) {
                let found = by_chain.operator().probability(state, next.state);
                prop_assert!((found - next.probability).abs() <= 1e-14);
            }
        }
    }

    /// A tilted operator is the sparse operator of its entries.
    #[test]
    fn tilted_products_are_those_of_the_entries((space, p, _) in pairs(), f in prop::collection::vec(0.1..2.0f64, 16)) {
        let chain = shift(space, p);
        let n = chain.len();
        let tilted = Tilted::new(chain.operator(), f[..n].to_vec()).unwrap();
        let tilted = chain.with_operator(tilted);
        let written = sparse(&tilted);
        let (mut one, mut other) = (vec![0.0; n], vec![0.0; n]);
        tilted.operator().push_forward(&f[..n], &mut one);
        written.operator().push_forward(&f[..n], &mut other);
        prop_assert!(one.iter().zip(&other).all(|(a, b)| (a - b).abs() <= 1e-14));
        tilted.operator().pull_back(&f[..n], &mut one);
        written.operator().pull_back(&f[..n], &mut other);
        prop_assert!(one.iter().zip(&other).all(|(a, b)| (a - b).abs() <= 1e-14));
        for state in 0..n {
            let back: Vec<_> = predecessors(tilted.operator(), state).map(|t| (t.state, t.probability)).collect();
            let expected: Vec<_> = predecessors(written.operator(), state).map(|t| (t.state, t.probability)).collect();
            prop_assert_eq!(back, expected);
        }
    }
}

#[test]
fn a_sticky_model_is_made_to_leave_its_loop() {
    let (p, q, _) = sticky();
    let (data, model) = (MarkovChain::enumerated(&p).unwrap(), MarkovChain::enumerated(&q).unwrap());
    let law = law_of(&data);
    let exposure = Exposure::measure(&data, &law, &model, &law_of(&model)).unwrap();
    let fit = LookAheadCalibration::new().fit(&exposure).unwrap().converged().unwrap();
    let calibrated = exposure.look_ahead(fit.alpha).unwrap();
    let after = Exposure::measure(&data, &law, &calibrated, &law_of(&calibrated)).unwrap();
    // Too predictable: more entropy must follow, so a is below zero. The numbers are
    // from a search of all a in steps of 1/1000, written apart from this crate.
    assert_close(fit.alpha, -3.171, 5e-4, "alpha");
    assert_close(fit.cross_entropy_after, 1.0762387, 1e-7, "cross-entropy");
    let rates = after.rates();
    for (found, expected, what) in [
        (rates.entropy_rate_model, 0.86359, "entropy rate"),
        (rates.drift(), -0.21265, "drift"),
        (rates.error, 0.10265, "error"),
        (rates.error_under_model, 0.12499, "plateau"),
        (after.model_law()[7], 0.11585, "time in the loop"),
    ] {
        // None of them moves faster than a itself.
        assert_close(found, expected, 5e-4, what);
    }
}

#[test]
fn a_model_is_fitted_to_a_text() {
    let text = "the cat sat on the mat and the rat sat on the cat and the mat sat on the rat ";
    let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text]).unwrap();
    let model = NgramSettings::new(3).fit(&corpus).unwrap();
    let fit = LookAheadCalibration::new().fit_text(&model, corpus.tokens()).unwrap().converged().unwrap();
    let score = |alpha: f64| {
        score_tokens(&LookAhead::new(&model, alpha).unwrap(), corpus.tokens()).unwrap().bits_per_token()
    };
    assert_close(fit.cross_entropy_before, score(0.0), 1e-13, "before");
    assert_close(fit.cross_entropy_after, score(fit.alpha), 1e-12, "after");
    assert!(fit.alpha != 0.0 && fit.cross_entropy_after < fit.cross_entropy_before);
    for step in [-0.5, -1e-2, 1e-2, 0.5] {
        assert!(score(fit.alpha + step) > fit.cross_entropy_after);
    }
}

#[test]
fn data_at_the_edge_have_no_finite_best() {
    // The data always go where nothing is open; the model leaves it to a coin.
    let data = TableModel::from_rows(1, &[[0.0, 1.0], [1.0, 0.0]]).unwrap();
    let model = TableModel::from_rows(1, &[[0.5, 0.5], [0.9, 0.1]]).unwrap();
    let (data, model) = (MarkovChain::enumerated(&data).unwrap(), MarkovChain::enumerated(&model).unwrap());
    let law = law_of(&data);
    let exposure = Exposure::measure(&data, &law, &model, &law_of(&model)).unwrap();
    // Half the time the data want more to follow than the model, half less: that has a best.
    LookAheadCalibration::new().fit(&exposure).unwrap().converged().unwrap();
    let still = TableModel::from_rows(1, &[[0.0, 1.0], [0.0, 1.0]]).unwrap();
    let still = MarkovChain::enumerated(&still).unwrap();
    let law = law_of(&still);
    let exposure = Exposure::measure(&still, &law, &model, &law_of(&model)).unwrap();
    let outcome = LookAheadCalibration::new().fit(&exposure).unwrap();
    // The cross-entropy falls to zero, ever more slowly: within the tolerance it is there.
    assert!(outcome.value().cross_entropy_after < 1e-9 && outcome.value().alpha > 10.0, "{outcome:?}");
    let short = LookAheadCalibration::new().max_iterations(3).fit(&exposure).unwrap();
    assert!(short.value().cross_entropy_after < short.value().cross_entropy_before);
    assert!(short.converged().is_err());
}

#[test]
fn refusals_are_typed() {
    let (p, q, _) = sticky();
    assert!(matches!(LookAhead::new(&p, f64::NAN), Err(Error::InvalidSetting { name: "alpha", .. })));
    let (data, model) = (MarkovChain::enumerated(&p).unwrap(), MarkovChain::enumerated(&q).unwrap());
    let exposure = Exposure::measure(&data, &law_of(&data), &model, &law_of(&model)).unwrap();
    let too_large = exposure.look_ahead(1e6).map(|_| ());
    assert!(matches!(too_large, Err(Error::InvalidSetting { name: "alpha", .. })));
    let refused = LookAheadCalibration::new().tolerance(-1.0).fit(&exposure);
    assert!(matches!(refused, Err(Error::InvalidSetting { name: "tolerance", .. })));
    let fit = |tokens: &[u32]| LookAheadCalibration::new().fit_text(&q, tokens).map(|_| ());
    assert!(matches!(fit(&[0, 1]), Err(Error::TextTooShort { needed: 4 })));
    assert!(matches!(fit(&[0, 1, 2, 0]), Err(Error::TokenOutOfRange { token: 2, .. })));
    let sure = TableModel::from_rows(1, &[[1.0, 0.0], [0.5, 0.5]]).unwrap();
    let refused = LookAheadCalibration::new().fit_text(&sure, &[0, 1]);
    assert!(matches!(refused, Err(Error::ImpossibleToken { token: 1, .. })));
    let tilted = Tilted::new(data.operator(), vec![0.0; 8]).map(|_| ());
    assert!(matches!(tilted, Err(Error::InvalidSetting { name: "weight", .. })));
    assert_eq!(LookAhead::new(&p, 0.5).unwrap().context_length(), 3);
}

#[test]
fn impossible_tokens_have_no_say() {
    let model = TableModel::from_rows(1, &[[0.5, 0.5, 0.0]; 3]).unwrap();
    for alpha in [1100.0, -1100.0, 1e300, -1e300] {
        let mut law = [0.0; 3];
        LookAhead::new(&model, alpha).unwrap().next_token_law(&[0], &mut law).unwrap();
        assert_eq!(law, [0.5, 0.5, 0.0], "{alpha}");
    }
    for alpha in [f64::MAX, f64::NEG_INFINITY, f64::NAN] {
        let refused = LookAhead::new(&model, alpha);
        assert!(matches!(refused, Err(Error::InvalidSetting { name: "alpha", .. })), "{alpha}");
    }
    // A text that always goes where a little more is open. The exponents looked at are in units of the
    // range of what may follow, from 0.99 to 1 bit, not of what may not.
    let rows = [[0.5, 0.5, 0.0], [0.45, 0.55, 0.0], [1.0, 0.0, 0.0]];
    let model = TableModel::from_rows(1, &rows).unwrap();
    let fit = LookAheadCalibration::new().fit_text(&model, &[0; 20]).unwrap().converged().unwrap();
    assert!(fit.alpha < -1000.0 && fit.cross_entropy_after < 1e-6, "{fit:?}");
    let mut law = [0.0; 3];
    LookAhead::new(&model, fit.alpha).unwrap().next_token_law(&[0], &mut law).unwrap();
    // It is what is left of the exponent times entropies near 1, each rounded.
    let rounding = 8.0 * f64::EPSILON * fit.alpha.abs();
    assert_close(-law[0].log2(), fit.cross_entropy_after, rounding, "cross-entropy");
}
