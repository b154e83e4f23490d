//! Strings of tokens: reference cases, closed forms, and all texts one by one.

mod product;
mod refusals;
mod texts;
mod waiting;
mod whole_models;

use lmchain::chain::{MarkovChain, Start};
use lmchain::model::{NgramModel, NgramSettings, Smoothing};
use lmchain::operator::{ShiftOperator, TransitionOperator};
use lmchain::passage::{Overlap, Patterns};
use lmchain::text::{ContextSpace, CorpusSettings, DocumentEnd, Token, Tokenizer};
use proptest::prelude::*;

use crate::common::tables::{shift, tables};
use crate::common::{assert_close, language_model, numbers};

const OVERLAPS: [Overlap; 2] = [Overlap::Fresh, Overlap::Prompt];

fn digits(string: &str) -> Vec<Token> {
    string.bytes().map(|digit| Token::from(digit - b'0')).collect()
}

fn patterns(v: usize, strings: &[&str]) -> Patterns {
    Patterns::new(v, strings.iter().map(|string| digits(string))).unwrap()
}

fn relatively_close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs()
}

#[test]
fn waiting_times_of_a_fair_coin_are_those_of_the_textbook() {
    let case = language_model("C23");
    let mut checked = 0;
    for (operator, _, chain) in case.chains() {
        for (string, expected) in case.expected["patterns"].as_object().unwrap() {
            let patterns = patterns(2, &[string]);
            let what = format!("{string} ({operator})");
            let law = chain.pattern_law(&patterns, Start::State(0), Overlap::Fresh, 20).unwrap();
            for (n, within) in expected["P_within_n"].as_object().unwrap() {
                // Multiples of 2^-20: nothing is rounded.
                assert_eq!(law.within(n.parse().unwrap()), within.as_f64().unwrap(), "{what}");
                checked += 1;
            }
            let time = chain.waiting_time(&patterns, Start::State(0), Overlap::Fresh).unwrap();
            let mean = time.converged().unwrap().mean;
            let exact = expected["mean_tokens_until_complete"].as_f64().unwrap();
            assert!(mean.contains(exact) && mean.width() < 1e-7 * exact, "{what}: {mean:?}");
        }
    }
    assert_eq!(checked, 4 * 7 * 4);
}

#[test]
fn abracadabra_takes_three_quadrillion_letters() {
    let case = language_model("C24");
    let string: Vec<Token> = b"ABRACADABRA".iter().map(|letter| Token::from(letter - b'A')).collect();
    let patterns = Patterns::new(26, [string]).unwrap();
    let time = case.shift().waiting_time(&patterns, Start::State(3), Overlap::Fresh).unwrap();
    let mean = time.converged().unwrap().mean;
    // 26^11 + 26^4 + 26.
    assert!(mean.contains(3_670_344_487_444_778.0), "{mean:?}");
    assert!(relatively_close(mean.midpoint(), 3_670_344_487_444_778.0, 1e-12), "{mean:?}");
}

#[test]
fn strings_race_as_in_the_game_of_penney() {
    let case = language_model("C25");
    for (operator, _, chain) in case.chains() {
        for (race, expected) in case.expected["races"].as_object().unwrap() {
            let racers: Vec<&str> = race.split("_before_").collect();
            let patterns = patterns(2, &racers);
            let what = format!("{race} ({operator})");
            let outcome = chain.pattern_race(&patterns, Start::State(0), Overlap::Fresh).unwrap();
            let first = outcome.converged().unwrap();
            let p = expected["P"].as_f64().unwrap();
            // The case itself is rounded to the nearest double.
            assert!((first[0].midpoint() - p).abs() <= first[0].width() + 1e-15, "{what}: {first:?}");
            assert!((first[1].midpoint() - (1.0 - p)).abs() <= first[1].width() + 1e-15, "{what}: {first:?}");
            assert!(first[0].width() < 1e-8, "{what}: {first:?}");
            let time = chain.waiting_time(&patterns, Start::State(0), Overlap::Fresh).unwrap();
            let mean = time.converged().unwrap().mean;
            let exact = expected["mean_tokens_to_either"].as_f64().unwrap();
            assert!((mean.midpoint() - exact).abs() <= mean.width() + 1e-14, "{what}: {mean:?}");
        }
    }
}

#[test]
fn a_rare_string_has_its_probability_levels_rate_and_mean() {
    let case = language_model("C27");
    let expected = |key: &str| case.expected[key].as_f64().unwrap();
    let patterns = patterns(2, &["111111"]);
    for (operator, _, chain) in case.chains() {
        // The case starts from the stationary law.
        let stationary = chain.stationary().unwrap().converged().unwrap();
        let start = Start::Law(&stationary);
        let law = chain.pattern_law(&patterns, start, Overlap::Fresh, 1000).unwrap();
        let found = law.within(1000);
        assert!(relatively_close(found, expected("P"), 1e-10), "{operator}: {found}");
        let levels = chain.pattern_levels(&patterns, start, Overlap::Fresh, 1000).unwrap();
        let of_case = numbers(&case.expected["P_level_runs_1_to_6"]);
        assert_eq!(levels.len(), of_case.len());
        for (found, expected) in levels.iter().zip(&of_case) {
            assert!(relatively_close(*found, *expected, 1e-10), "{operator}: {found} {expected}");
        }
        let rate = chain.pattern_rates(&patterns, &stationary).unwrap()[0];
        assert!(
            relatively_close(rate, expected("stationary_rate_per_position"), 1e-10),
            "{operator}: {rate}"
        );
        let time = chain.waiting_time(&patterns, start, Overlap::Fresh).unwrap().converged().unwrap();
        let mean = expected("mean_tokens_until_complete");
        assert!(relatively_close(time.mean.midpoint(), mean, 1e-10), "{operator}: {:?}", time.mean);
        // A geometric number of attempts, one in about 1000 tokens: the deviation
        // is the mean up to about one attempt. Allow for three.
        let deviation = time.variance.midpoint().sqrt();
        assert!((deviation - mean).abs() <= 3000.0, "{operator}: {deviation}");
    }
}

#[test]
fn a_string_may_be_longer_than_the_context() {
    let case = language_model("C18");
    let expected = case.expected["P(run of ones >=10 inside next 50 tokens | 0000)"].as_f64().unwrap();
    let patterns = patterns(2, &["1111111111"]);
    for (operator, has_contexts, chain) in case.chains() {
        if !has_contexts {
            continue;
        }
        // The prompt ends without ones, so it cannot matter whether it is read.
        for overlap in OVERLAPS {
            let law = chain.pattern_law(&patterns, Start::Prompt(&[0, 0, 0, 0]), overlap, 50).unwrap();
            // 50 products of 2 terms, 50 sums: some 200 roundings of 1e-16.
            assert_close(law.within(50), expected, 1e-13, operator);
        }
    }
}

/// Chains over small context spaces; a third of the entries are zero.
fn chain() -> impl Strategy<Value = MarkovChain<ShiftOperator>> {
    tables((2usize..4, 1usize..3), 1, 0.01).prop_map(|(space, table)| shift(space, table))
}

/// Different strings over two tokens, which every vocabulary here has, and a
/// prompt that is longer than any context.
fn strings() -> impl Strategy<Value = Vec<Vec<Token>>> {
    prop::collection::hash_set(prop::collection::vec(0u32..2, 1..5), 1..4)
        .prop_map(|strings| strings.into_iter().collect())
}

fn prompt() -> impl Strategy<Value = Vec<Token>> {
    prop::collection::vec(0u32..2, 2..6)
}

/// Relative rounding error of sums over all texts, and of products of the chain.
fn rounding<O: TransitionOperator>(chain: &MarkovChain<O>, nodes: usize, n: usize) -> f64 {
    let texts = chain.states().vocabulary_size().pow(n as u32);
    let product = chain.operator().longest_sum() + nodes;
    2.0 * (texts + n * (product + 2) + chain.len()) as f64 * f64::EPSILON
}

fn words(texts: &[&str]) -> NgramModel {
    let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Reset);
    let corpus = settings.read_strings(texts.iter().copied()).unwrap();
    NgramSettings::new(3).smoothing(Smoothing::WittenBell).fit(&corpus).unwrap()
}

const TEXTS: [&str; 5] = ["abab", "aab", "b", "abba", "babb"];

#[test]
fn an_occurrence_counts_at_token_zero_only_if_it_ends_with_the_prompt() {
    let case = language_model("C12");
    let chain = case.shift();
    let patterns = patterns(3, &["0120", "21"]);
    let at_zero = |prompt: &[Token], overlap| {
        let law = chain.pattern_law(&patterns, Start::Prompt(prompt), overlap, 0).unwrap();
        (law.at(0, 0), law.at(1, 0), law.not_within(0))
    };
    // Longer than the context, and all of it read.
    assert_eq!(at_zero(&[0, 1, 2, 0], Overlap::Prompt), (1.0, 0.0, 0.0));
    assert_eq!(at_zero(&[0, 1, 2, 0], Overlap::Fresh), (0.0, 0.0, 1.0));
    // Ended before: it is past.
    assert_eq!(at_zero(&[2, 1, 0], Overlap::Prompt), (0.0, 0.0, 1.0));
    assert_eq!(at_zero(&[2, 1], Overlap::Prompt), (0.0, 1.0, 0.0));
    // Of a state no more than its tokens is known.
    let state = chain.states().after_prompt(&[2, 0]).unwrap();
    let law = chain.pattern_law(&patterns, Start::State(state), Overlap::Prompt, 0).unwrap();
    assert_eq!(law.not_within(0), 1.0);
    let time = chain.waiting_time(&patterns, Start::Prompt(&[0, 1, 2, 0]), Overlap::Prompt).unwrap();
    let time = time.converged().unwrap();
    assert_eq!((time.mean.lower, time.mean.upper, time.variance.upper), (0.0, 0.0, 0.0));
}

#[test]
fn rates_are_the_probabilities_of_ending_at_any_late_token() {
    let case = language_model("C12");
    let patterns = patterns(3, &["0", "012", "2211"]);
    for (operator, _, chain) in case.chains().into_iter().filter(|(_, has_contexts, _)| *has_contexts) {
        let law = chain.stationary().unwrap().converged().unwrap();
        let rates = chain.pattern_rates(&patterns, &law).unwrap();
        for overlap in OVERLAPS {
            let found = chain.pattern_occurrences(&patterns, Start::Law(&law), overlap, 9).unwrap();
            for (pattern, &rate) in rates.iter().enumerate() {
                for token in patterns.longest()..=9 {
                    // The law is stationary to about 1e-16 in each of its states.
                    assert_close(found.at(pattern, token), rate, 1e-14, operator);
                }
            }
        }
        let tokens = numbers(&case.expected["token_marginal"]);
        assert_close(rates[0], tokens[0], 1e-12, operator);
    }
}

#[test]
fn answers_have_the_same_bits_on_any_number_of_threads() {
    let space = ContextSpace::new(5, 4).unwrap();
    let row = |context: usize| {
        let weight = move |token: usize| ((context * 31 + token * 7919) % 1009 + 1) as f64;
        let sum: f64 = (0..5).map(weight).sum();
        (0..5).map(move |token| weight(token) / sum)
    };
    let chain = shift(space, (0..space.len()).flat_map(row).collect());
    let patterns = patterns(5, &["012340123", "1123", "40"]);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let product = chain.with_patterns(&patterns).unwrap();
            let input: Vec<f64> = (0..product.len()).map(|i| 1.0 / (i as f64 + 1.5)).collect();
            let (mut pushed, mut pulled) = (vec![0.0; input.len()], vec![0.0; input.len()]);
            product.operator().push_forward(&input, &mut pushed);
            product.operator().pull_back(&input, &mut pulled);
            let start = Start::State(17);
            let law = chain.pattern_law(&patterns, start, Overlap::Prompt, 40).unwrap();
            let often = chain.pattern_occurrences(&patterns, start, Overlap::Prompt, 40).unwrap();
            let time = chain.waiting_time(&patterns, start, Overlap::Prompt).unwrap().into_value();
            let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
            (bits(pushed), bits(pulled), law, often, time)
        })
    };
    let one = on(1);
    assert!(one == on(2) && one == on(8));
}
