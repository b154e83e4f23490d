//! The arrow of time, and reversal by Bayes' rule.

use lmchain::chain::MarkovChain;
use lmchain::error::Error;
use lmchain::model::{NgramSettings, Smoothing, TableModel};
use lmchain::operator::{ShiftOperator, TransitionOperator};
use lmchain::prob::Law;
use lmchain::reverse::{BayesReversal, BayesSettings, Conditionals, Prior};
use lmchain::stationary::{StationaryMethod, StationarySolver};
use lmchain::text::{ContextSpace, CorpusSettings, Token, Tokenizer};
use proptest::prelude::*;
use serde_json::Value;

use crate::common::tables::{shift, tables};
use crate::common::{assert_all_close, assert_close, language_model, language_models, matrices, numbers};

/// The law of a chain with one recurrent class, right in every component.
fn exact_law<O: TransitionOperator>(chain: &MarkovChain<O>) -> Law {
    let laws =
        StationarySolver::new().method(StationaryMethod::Gth).solve(chain).unwrap().converged().unwrap();
    laws.law(laws.classes().next().unwrap())
}

/// A number, or the word for infinity.
fn number(value: &Value) -> Option<f64> {
    if value == "inf" { Some(f64::INFINITY) } else { value.as_f64() }
}

#[track_caller]
fn assert_same(found: f64, expected: f64, tolerance: f64, what: &str) {
    if expected.is_infinite() {
        assert_eq!(found, expected, "{what}");
    } else {
        assert_close(found, expected, tolerance, what);
    }
}

#[test]
fn irreversibility_agrees_through_every_operator() {
    let mut known = 0;
    for case in language_models() {
        let keys = ["irreversibility_bits_per_token", "irreversibility"];
        let Some(expected) = keys.iter().find_map(|key| number(&case.expected[*key])) else { continue };
        known += 1;
        for (operator, windows, chain) in case.chains() {
            let law = exact_law(&chain);
            let found = chain.irreversibility(&law).unwrap();
            let what = format!("{} {operator}", case.name);
            // Windows of one token are their own reversal, known as such or not.
            if windows || case.k == 1 {
                assert_same(found, expected, case.tolerance, &what);
                let reversible = chain.is_token_reversible(&law, case.tolerance).unwrap();
                assert_eq!(reversible, expected == 0.0, "{what}");
                let distance = chain.reversal_distance(&law).unwrap();
                assert_eq!(distance > case.tolerance, expected > 0.0, "{what}: {distance}");
            }
            assert_close(
                chain.backward_entropy_rate(&law).unwrap(),
                chain.entropy_rate(&law),
                case.tolerance,
                &what,
            );
        }
    }
    assert_eq!(known, 20, "every case that states it");
}

#[test]
fn entropy_production_of_matrices_agrees() {
    let mut known = 0;
    for case in matrices() {
        let Some(nats) = number(&case.derived["entropy_production_nats"]) else { continue };
        known += 1;
        for (operator, _, chain) in case.chains() {
            let law = exact_law(&chain);
            let what = format!("{} {operator}", case.name);
            let bits = nats / std::f64::consts::LN_2;
            assert_same(chain.irreversibility(&law).unwrap(), bits, 1e-10, &what);
            let reversible = case.derived["is_reversible"].as_bool().unwrap();
            assert_eq!(chain.is_token_reversible(&law, 1e-12).unwrap(), reversible, "{what}");
        }
    }
    assert!(known >= 30, "{known} matrices state it");
}

#[test]
fn detailed_balance_without_the_reversal_of_windows_fails_from_two_tokens_on() {
    for case in language_models() {
        let windows_irreversible = number(&case.expected["irreversibility_bits_per_token"]);
        if case.k == 1 || windows_irreversible != Some(0.0) {
            continue;
        }
        for (operator, windows, chain) in case.chains() {
            let law = exact_law(&chain);
            let found = chain.irreversibility(&law).unwrap();
            if windows {
                assert_close(found, 0.0, case.tolerance, operator);
            } else {
                assert_eq!(found, f64::INFINITY, "{} {operator}", case.name);
            }
        }
    }
}

/// C11 of the notes: three bits of context are the fewest that can have an arrow of time.
#[test]
fn three_bits_of_context_can_be_irreversible() {
    let rows = [0.9, 0.2, 0.6, 0.3, 0.1, 0.8, 0.5, 0.7].map(|p| [p, 1.0 - p]);
    let chain = MarkovChain::enumerated(&TableModel::from_rows(3, &rows).unwrap()).unwrap();
    let law = exact_law(&chain);
    assert!(chain.irreversibility(&law).unwrap() > 1e-3);
    assert!(!chain.is_token_reversible(&law, 1e-6).unwrap());
    assert_close(chain.backward_entropy_rate(&law).unwrap(), chain.entropy_rate(&law), 1e-13, "both ways");
}

#[test]
fn published_reversals_of_c12_cost_what_the_case_says() {
    let case = language_model("C12");
    let expected = &case.expected["bayes_reversal_logloss_bits"];
    let stated = |key: &str| expected[key].as_f64().unwrap();
    for (operator, windows, chain) in case.chains() {
        if !windows {
            continue;
        }
        let law = exact_law(&chain);
        let averaged = BayesSettings::new().conditionals(Conditionals::Averaged);
        let bits =
            |settings: BayesSettings<'_>| settings.reverse(&chain, &law).unwrap().cross_entropy(2).unwrap();
        let close =
            |found: f64, key: &str| assert_close(found, stated(key), 1e-10, &format!("{operator} {key}"));
        close(chain.backward_entropy_rate(&law).unwrap(), "exact_reversal_bits");
        close(bits(BayesSettings::new()), "prior=marginal,short=stationary_conditional");
        close(bits(BayesSettings::new().prior(Prior::Uniform)), "prior=uniform,short=stationary_conditional");
        close(bits(averaged), "prior=marginal,short=uniform_average_row");

        let kernel = chain.short_kernel(&law, Conditionals::Averaged).unwrap();
        let rows = expected["short_uniform_average_row"].as_array().unwrap();
        for (token, row) in rows.iter().enumerate() {
            let found: Vec<f64> = kernel.operator().next_token_law(token).collect();
            assert_all_close(&found, &numbers(row), 1e-12, operator);
        }
        let prior = exact_law(&kernel);
        let stationary = numbers(&expected["stationary_of_short_uniform_row_kernel"]);
        assert_all_close(&prior, &stationary, 1e-12, operator);
        close(
            bits(averaged.prior(Prior::Tokens(&prior))),
            "prior=stationary_of_short_kernel,short=uniform_average_row",
        );

        let residual = |settings: BayesSettings<'_>, suffix: &[Token]| {
            settings.reverse(&chain, &law).unwrap().residual(suffix).unwrap().unwrap()
        };
        let found: Vec<f64> = (0..3).map(|token| residual(averaged, &[token])).collect();
        let stated = numbers(&expected["invariance_residual_r(x)=sum_u m(u)short(x|u)/m(x)"]);
        assert_all_close(&found, &stated, 1e-10, operator);
        // The kernel's own stationary law is invariant under one step of it, but not under two of the model's.
        for token in 0..3 {
            assert_close(residual(averaged.prior(Prior::Tokens(&prior)), &[token]), 1.0, 1e-12, operator);
        }
        assert!((residual(averaged.prior(Prior::Tokens(&prior)), &[0, 1]) - 1.0).abs() > 1e-3);
    }
}

#[test]
fn frequencies_of_a_text_are_reversed_exactly() {
    let text = "the cat sat on the mat and the rat sat on the cat";
    let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text]).unwrap();
    let chain = MarkovChain::observed(&corpus, 3).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    let table = chain.reverse_table(&law).unwrap();
    let bayes = BayesSettings::new().reverse(&chain, &law).unwrap();
    for state in 0..chain.len() {
        let found = bayes.law_before(&chain.states().tokens(state)).unwrap();
        // At most 50 windows, each a rational number rounded a few times, in logarithms of up to 10 bits.
        assert_all_close(&found, table.law_before(state).unwrap(), 1e-13, &chain.states().label(state));
    }
    let unseen: Vec<Token> = "tht".chars().map(|c| corpus.vocab().token(&c.to_string()).unwrap()).collect();
    assert!(matches!(bayes.law_before(&unseen), Err(Error::Impossible { .. })));
    assert!(matches!(bayes.residual(&unseen), Err(Error::Impossible { .. })));
    // "at" is said, "hat" never.
    let at = [corpus.vocab().token("a").unwrap(), corpus.vocab().token("t").unwrap()];
    assert_eq!(bayes.prefix_bits(&unseen[1..2], &at).unwrap(), f64::INFINITY);

    // A model of the reversed text that looks at three tokens knows all of it:
    // its law as a prior counts the suffix twice, and costs more.
    let learned =
        NgramSettings::new(4).smoothing(Smoothing::MaximumLikelihood).fit(&corpus.reversed()).unwrap();
    let twice = BayesSettings::new().prior(Prior::ReverseModel(&learned)).reverse(&chain, &law).unwrap();
    let (once, twice) = (bayes.cross_entropy(3).unwrap(), twice.cross_entropy(3).unwrap());
    assert_close(once, chain.entropy_rate(&law), 1e-12, "the exact reversal");
    assert!(twice > once + 1e-3, "{twice} {once}");
}

#[test]
fn chains_over_suffixes_have_a_backward_rate_and_no_windows_to_reverse() {
    let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings(["abracadabra, abra"]).unwrap();
    let model = NgramSettings::new(3).smoothing(Smoothing::WittenBell).fit(&corpus).unwrap();
    let chain = MarkovChain::smoothed(&model).unwrap();
    let law = exact_law(&chain);
    assert_close(chain.backward_entropy_rate(&law).unwrap(), chain.entropy_rate(&law), ROUNDING, "both ways");
    assert!(matches!(chain.irreversibility(&law), Err(Error::NotWindows { .. })));
    assert!(matches!(chain.short_kernel(&law, Conditionals::Averaged), Err(Error::NotWindows { .. })));
    assert!(matches!(BayesSettings::new().reverse(&chain, &law), Err(Error::NotWindows { .. })));
}

#[test]
fn a_prior_that_excludes_a_suffix_leaves_an_infinite_residual() {
    let chain = language_model("C12").shift();
    let law = exact_law(&chain);
    let never_two = Law::new(vec![0.5, 0.5, 0.0]).unwrap();
    let settings = BayesSettings::new().prior(Prior::Tokens(&never_two));
    let bayes = settings.reverse(&chain, &law).unwrap();
    assert_eq!(bayes.residual(&[2, 0]).unwrap(), Some(f64::INFINITY));
    assert!(bayes.residual(&[0, 2]).unwrap().unwrap().is_finite());
    assert_eq!(bayes.cross_entropy(2).unwrap(), f64::INFINITY);
    let diluted = settings.dilution(0.3).reverse(&chain, &law).unwrap();
    assert!(diluted.cross_entropy(2).unwrap().is_finite());
}

#[test]
fn bad_requests_to_a_reversal_are_refused() {
    let chain = language_model("C12").shift();
    let law = exact_law(&chain);
    let refused = |settings: BayesSettings<'_>| settings.reverse(&chain, &law).unwrap_err();
    for dilution in [-0.1, 1.1, f64::NAN] {
        let error = refused(BayesSettings::new().dilution(dilution));
        assert!(matches!(error, Error::InvalidSetting { name: "dilution", .. }));
    }
    for temperature in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        let error = refused(BayesSettings::new().temperature(temperature));
        assert!(matches!(error, Error::InvalidSetting { name: "temperature", .. }));
    }
    let four = Law::uniform(4);
    let error = refused(BayesSettings::new().prior(Prior::Tokens(&four)));
    assert!(matches!(error, Error::LengthMismatch { expected: 3, found: 4 }));
    let binary = TableModel::from_rows(1, &[[0.5, 0.5], [0.5, 0.5]]).unwrap();
    let error = refused(BayesSettings::new().prior(Prior::ReverseModel(&binary)));
    assert!(matches!(error, Error::VocabularyMismatch { model: 2, text: 3 }));
    let error = BayesSettings::new().reverse(&chain, &four).unwrap_err();
    assert!(matches!(error, Error::LengthMismatch { expected: 9, found: 4 }));

    let bayes = BayesSettings::new().reverse(&chain, &law).unwrap();
    assert!(matches!(bayes.law_before(&[]), Err(Error::EmptyText)));
    assert!(matches!(bayes.law_before(&[3]), Err(Error::TokenOutOfRange { token: 3, vocabulary_size: 3 })));
    assert!(matches!(bayes.prefix_bits(&[3], &[0]), Err(Error::TokenOutOfRange { .. })));
    assert!(matches!(bayes.prefix_bits(&[0], &[]), Err(Error::EmptyText)));
    assert!(matches!(bayes.residual(&[]), Err(Error::EmptyText)));
    for length in [0, 3] {
        let error = bayes.cross_entropy(length).unwrap_err();
        assert!(matches!(error, Error::InvalidSetting { name: "suffix length", .. }));
    }
    let ternary = TableModel::from_rows(2, &[[0.2, 0.3, 0.5]; 9]).unwrap();
    let learned = BayesSettings::new().prior(Prior::ReverseModel(&ternary)).reverse(&chain, &law).unwrap();
    assert_eq!(learned.residual(&[0, 1]).unwrap(), None);
    assert!(matches!(learned.law_before(&[0]), Err(Error::PromptTooShort { tokens: 1, needed: 2 })));
    assert!(matches!(learned.cross_entropy(1), Err(Error::PromptTooShort { tokens: 1, needed: 2 })));
}

/// The stationary probability of some tokens in a row, window by window.
fn block(chain: &MarkovChain<ShiftOperator>, law: &[f64], tokens: &[Token]) -> f64 {
    let (space, k) = (chain.operator().space(), chain.states().context_length());
    if tokens.len() < k {
        return (0..space.vocabulary_size())
            .map(|t| block(chain, law, &[&[t as Token], tokens].concat()))
            .sum();
    }
    let steps = tokens
        .windows(k + 1)
        .map(|w| chain.operator().probability(space.index(&w[..k]), space.index(&w[1..])));
    law[space.index(&tokens[..k])] * steps.product::<f64>()
}

/// Every string of some length.
fn strings(v: usize, length: usize) -> impl Iterator<Item = Vec<Token>> {
    let space = ContextSpace::new(v, length).unwrap();
    (0..space.len()).map(move |string| space.tokens(string))
}

/// Laws over up to 64 windows from elimination without subtraction: each is off
/// by some 64 eps relatively; logarithms of numbers above 2^-32 make at most 32 of that.
const ROUNDING: f64 = 64.0 * 64.0 * 32.0 * f64::EPSILON;

proptest! {
    #[test]
    fn entropy_is_the_same_in_both_directions_of_time((space, table) in tables((2usize..5, 1usize..4), 1, 0.05)) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().recurrent_count() == 1);
        let law = exact_law(&chain);
        let (forward, backward) = (chain.entropy_rate(&law), chain.backward_entropy_rate(&law).unwrap());
        prop_assert!((forward - backward).abs() <= ROUNDING, "{} {}", forward, backward);
    }

    #[test]
    fn irreversibility_is_that_of_blocks_of_tokens((space, table) in tables((2usize..4, 1usize..4), 1, 0.05)) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().recurrent_count() == 1);
        let law = exact_law(&chain);
        let (v, k) = (space.vocabulary_size(), space.context_length());
        let divergence = |length: usize| -> f64 {
            strings(v, length).map(|tokens| {
                let p = block(&chain, &law, &tokens);
                let backwards: Vec<Token> = tokens.into_iter().rev().collect();
                if p > 0.0 { p * (p / block(&chain, &law, &backwards)).log2() } else { 0.0 }
            }).sum()
        };
        let found = chain.irreversibility(&law).unwrap();
        let longer = divergence(k + 1);
        if longer.is_infinite() {
            prop_assert_eq!(found, f64::INFINITY);
        } else {
            prop_assert!((found - (longer - divergence(k))).abs() <= ROUNDING, "{}", found);
        }
        let half: f64 = strings(v, k + 1).map(|tokens| {
            let backwards: Vec<Token> = tokens.iter().rev().copied().collect();
            0.5 * (block(&chain, &law, &tokens) - block(&chain, &law, &backwards)).abs()
        }).sum();
        prop_assert!((chain.reversal_distance(&law).unwrap() - half).abs() <= ROUNDING);
        // Pinsker: KL in nats is at least twice the square of the total variation.
        prop_assert!(longer * std::f64::consts::LN_2 >= 2.0 * half * half - ROUNDING);
    }

    #[test]
    fn two_tokens_and_two_of_context_never_have_an_arrow((space, table) in tables((2usize..3, 1usize..3), 1, 0.05)) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().recurrent_count() == 1);
        let law = exact_law(&chain);
        prop_assert!(chain.irreversibility(&law).unwrap() <= ROUNDING);
        prop_assert!(chain.is_token_reversible(&law, ROUNDING).unwrap());
    }

    #[test]
    fn with_the_stationary_prior_and_conditionals_bayes_is_the_exact_reversal((space, table) in tables((2usize..4, 1usize..4), 1, 0.05)) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().recurrent_count() == 1);
        let law = exact_law(&chain);
        let (v, k) = (space.vocabulary_size(), space.context_length());
        let bayes = BayesSettings::new().reverse(&chain, &law).unwrap();
        for suffix in (1..=k + 1).flat_map(|length| strings(v, length)) {
            let together = block(&chain, &law, &suffix);
            if together == 0.0 {
                continue;
            }
            let found = bayes.law_before(&suffix).unwrap();
            for (before, &q) in found.iter().enumerate() {
                let exact = block(&chain, &law, &[&[before as Token], &suffix[..]].concat()) / together;
                prop_assert!((q - exact).abs() <= ROUNDING, "{} before {:?}: {} {}", before, suffix, q, exact);
            }
            let residual = bayes.residual(&suffix).unwrap().unwrap();
            prop_assert!((residual - 1.0).abs() <= ROUNDING, "{:?}: {}", suffix, residual);
            // The posterior of prefixes of two tokens is P(prefix suffix) / P(suffix).
            for prefix in strings(v, 2) {
                let exact = block(&chain, &law, &[&prefix[..], &suffix].concat()) / together;
                let bits = bayes.prefix_bits(&prefix, &suffix).unwrap();
                prop_assert!((bits.exp2().recip() - exact).abs() <= ROUNDING);
            }
        }
        let blocks = chain.block_entropies(&law, k + 1).unwrap();
        for length in 1..=k {
            let bits = bayes.cross_entropy(length).unwrap();
            prop_assert!((bits - (blocks[length + 1] - blocks[length])).abs() <= ROUNDING);
        }
        let kernel = chain.short_kernel(&law, Conditionals::Stationary).unwrap();
        let marginal = chain.token_law(&law);
        let mut next = vec![0.0; v];
        kernel.operator().push_forward(&marginal, &mut next);
        prop_assert!(next.iter().zip(marginal.iter()).all(|(a, b)| (a - b).abs() <= ROUNDING));
    }

    #[test]
    fn diluted_and_tempered_posteriors_are_what_their_formula_says(
        (space, table) in tables((2usize..4, 1usize..4), 0, 0.05),
        dilution in 0.0..1.0f64,
        temperature in 0.25..4.0f64,
        averaged: bool,
        kind in 0usize..4,
    ) {
        let chain = shift(space, table.clone());
        let law = exact_law(&chain);
        let (v, k) = (space.vocabulary_size(), space.context_length());
        let conditionals = if averaged { Conditionals::Averaged } else { Conditionals::Stationary };
        let corpus = Law::normalized((0..v).map(|token| (token + 1) as f64).collect()).unwrap();
        let learned = TableModel::normalized(v, 1, (0..v * v).map(|i| (i * 5 % 7 + 1) as f64).collect()).unwrap();
        let prior = [Prior::Marginal, Prior::Uniform, Prior::Tokens(&corpus), Prior::ReverseModel(&learned)][kind];
        let settings = BayesSettings::new().prior(prior).conditionals(conditionals);
        let bayes: BayesReversal<'_, _> = settings.dilution(dilution).temperature(temperature).reverse(&chain, &law).unwrap();
        let marginal = chain.token_law(&law);
        // The law after a short context, straight from the definition.
        let after = |context: &[Token], token: Token| {
            let recent = &context[context.len().saturating_sub(k)..];
            let ending = (0..space.len()).filter(|&window| space.tokens(window).ends_with(recent));
            let weighted = ending.map(|window| {
                let weight = if averaged { 1.0 } else { law[window] };
                (weight, weight * table[window * v + token as usize])
            });
            let (weights, joint) = weighted.fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
            joint / weights
        };
        for suffix in (1..=k + 1).flat_map(|length| strings(v, length)) {
            let weights: Vec<f64> = (0..v as Token).map(|before| {
                let believed = match kind {
                    0 => marginal[before as usize],
                    1 => 1.0 / v as f64,
                    2 => corpus[before as usize],
                    _ => learned.row(suffix[0] as usize)[before as usize],
                };
                let text = [&[before], &suffix[..]].concat();
                let likelihood: f64 = (1..text.len()).map(|place| after(&text[..place], text[place])).product();
                (((1.0 - dilution) * believed + dilution / v as f64) * likelihood).powf(1.0 / temperature)
            }).collect();
            let exact = Law::normalized(weights).unwrap();
            let found = bayes.law_before(&suffix).unwrap();
            for (q, exact) in found.iter().zip(exact.iter()) {
                // Exponents are multiplied by up to four.
                prop_assert!((q - exact).abs() <= 4.0 * ROUNDING, "{:?}: {} {}", suffix, q, exact);
            }
            let total: f64 = strings(v, 2).map(|prefix| bayes.prefix_bits(&prefix, &suffix).unwrap().exp2().recip()).sum();
            prop_assert!((total - 1.0).abs() <= ROUNDING, "{:?}: {}", suffix, total);
        }
        for length in 1..=k {
            let direct: f64 = strings(v, length + 1).map(|text| {
                block(&chain, &law, &text) * bayes.prefix_bits(&text[..1], &text[1..]).unwrap()
            }).sum();
            let found = bayes.cross_entropy(length).unwrap();
            prop_assert!((found - direct).abs() <= ROUNDING);
            // No reversal costs less than the exact one.
            let blocks = chain.block_entropies(&law, length + 1).unwrap();
            prop_assert!(found >= blocks[length + 1] - blocks[length] - ROUNDING);
        }
    }
}
