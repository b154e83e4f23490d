//! Strings of tokens: reference cases, closed forms, and all texts one by one.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod common;

use std::ops::ControlFlow;

use common::{assert_close, language_model, numbers};
use lmchain::Error;
use lmchain::chain::{MarkovChain, Start, StateSet, States};
use lmchain::model::{EndOfText, EndRule, LanguageModel, NgramModel, NgramSettings, Smoothing};
use lmchain::operator::{
    Restart, ShiftOperator, SparseOperator, TransitionOperator, predecessors, successors,
};
use lmchain::passage::{Overlap, PassageSolver, PatternLaw, PatternOperator, Patterns};
use lmchain::prob::Law;
use lmchain::solve::Progress;
use lmchain::text::{ContextSpace, CorpusSettings, DocumentEnd, Token, Tokenizer};
use proptest::prelude::*;

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

// ---- reference cases --------------------------------------------------------------

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

// ---- all texts one by one -------------------------------------------------------------

/// What every text of `n` tokens after a prompt adds up to, by `[token][pattern]`.
struct Brute {
    first: Vec<Vec<f64>>,
    ending: Vec<Vec<f64>>,
    not_within: Vec<f64>,
}

fn ending(text: &[Token], patterns: &Patterns) -> Vec<usize> {
    (0..patterns.len()).filter(|&i| text.ends_with(&patterns.strings()[i])).collect()
}

impl Brute {
    fn new<O: TransitionOperator>(
        chain: &MarkovChain<O>,
        prompt: &[Token],
        overlap: Overlap,
        patterns: &Patterns,
        n: usize,
    ) -> Self {
        let table = || vec![vec![0.0; patterns.len()]; n + 1];
        let mut brute = Self { first: table(), ending: table(), not_within: vec![0.0; n + 1] };
        let read = if overlap == Overlap::Prompt { prompt.to_vec() } else { Vec::new() };
        let state = chain.states().after_prompt(prompt).unwrap();
        brute.go_on(chain, state, &mut read.clone(), read.len(), false, 1.0, patterns);
        brute
    }

    /// Adds the texts that go on from here; `read` is the prompt, where it
    /// counts, and the tokens so far.
    #[allow(clippy::too_many_arguments, reason = "the state of a recursion")]
    fn go_on<O: TransitionOperator>(
        &mut self,
        chain: &MarkovChain<O>,
        state: usize,
        read: &mut Vec<Token>,
        prompt: usize,
        mut over: bool,
        p: f64,
        patterns: &Patterns,
    ) {
        let token = read.len() - prompt;
        let here = ending(read, patterns);
        here.iter().for_each(|&i| self.ending[token][i] += p);
        if let Some(&winner) = here.iter().min_by_key(|&&i| patterns.strings()[i].len()).filter(|_| !over) {
            self.first[token][winner] += p;
        }
        over |= !here.is_empty();
        self.not_within[token] += if over { 0.0 } else { p };
        if token + 1 == self.not_within.len() {
            return;
        }
        for to in successors(chain.operator(), state) {
            read.push(chain.states().newest_token(to.state));
            self.go_on(chain, to.state, read, prompt, over, p * to.probability, patterns);
            read.pop();
        }
    }

    fn check(&self, law: &PatternLaw, tolerance: f64) -> Result<(), TestCaseError> {
        for (token, row) in self.first.iter().enumerate() {
            for (pattern, &expected) in row.iter().enumerate() {
                let found = law.at(pattern, token);
                prop_assert!(relatively_close(found, expected, tolerance), "{found} {expected}");
            }
            prop_assert!(relatively_close(law.any_at(token), row.iter().sum(), tolerance));
            prop_assert!(relatively_close(law.not_within(token), self.not_within[token], tolerance));
            let within: f64 = self.first[..=token].iter().flatten().sum();
            prop_assert!(relatively_close(law.within(token), within, tolerance));
        }
        Ok(())
    }
}

/// Tables over small context spaces; a third of the entries are zero.
fn chain() -> impl Strategy<Value = MarkovChain<ShiftOperator>> {
    (2usize..4, 1usize..3).prop_flat_map(|(v, k)| {
        let space = ContextSpace::new(v, k).unwrap();
        let entry = prop_oneof![1 => Just(0.0), 2 => 0.01..1.0f64];
        let row = prop::collection::vec(entry, v).prop_map(|mut row| {
            if row.iter().all(|p| *p == 0.0) {
                row[0] = 1.0;
            }
            let sum: f64 = row.iter().sum();
            row.iter().map(|p| p / sum).collect::<Vec<_>>()
        });
        prop::collection::vec(row, space.len()).prop_map(move |rows| shift(space, rows.concat()))
    })
}

fn shift(space: ContextSpace, table: Vec<f64>) -> MarkovChain<ShiftOperator> {
    MarkovChain::new(ShiftOperator::new(space, table).unwrap(), States::contexts(space, None))
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

proptest! {
    #[test]
    fn laws_and_numbers_of_occurrences_are_those_of_all_texts(
        chain in chain(), strings in strings(), prompt in prompt(), n in 0usize..7,
    ) {
        let patterns = Patterns::new(chain.states().vocabulary_size(), strings).unwrap();
        let tolerance = rounding(&chain, patterns.nodes(), n);
        for overlap in OVERLAPS {
            let brute = Brute::new(&chain, &prompt, overlap, &patterns, n);
            let start = Start::Prompt(&prompt);
            let law = chain.pattern_law(&patterns, start, overlap, n).unwrap();
            prop_assert_eq!(law.tokens(), n);
            brute.check(&law, tolerance)?;
            let found = chain.pattern_occurrences(&patterns, start, overlap, n).unwrap();
            prop_assert_eq!(found.tokens(), n);
            for pattern in 0..patterns.len() {
                let mut expected = 0.0;
                for token in 0..=n {
                    let at = brute.ending[token][pattern];
                    prop_assert!(relatively_close(found.at(pattern, token), at, tolerance));
                    expected += at;
                    prop_assert!(relatively_close(found.expected(pattern, token), expected, tolerance));
                }
                prop_assert!(law.first_within(pattern, n) <= expected * (1.0 + 2.0 * tolerance));
            }
            // Of each length, whether any prefix was matched.
            let levels = chain.pattern_levels(&patterns, start, overlap, n).unwrap();
            for (length, found) in (1..).zip(levels) {
                let of_length = patterns.strings().iter().filter(|s| s.len() >= length).map(|s| s[..length].to_vec());
                let prefixes: std::collections::BTreeSet<Vec<Token>> = of_length.collect();
                let prefixes = Patterns::new(patterns.vocabulary_size(), prefixes).unwrap();
                let brute = Brute::new(&chain, &prompt, overlap, &prefixes, n);
                let within: f64 = brute.first.iter().flatten().sum();
                prop_assert!(relatively_close(found, within, tolerance), "{found} {within}");
            }
        }
    }

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

    #[test]
    fn a_string_that_contains_another_changes_nothing(
        chain in chain(), strings in strings(), prompt in prompt(),
        before in prop::collection::vec(0u32..2, 0..3), after in prop::collection::vec(0u32..2, 0..3),
    ) {
        let v = chain.states().vocabulary_size();
        let longer = [&before[..], &strings[0], &after].concat();
        prop_assume!(!strings.contains(&longer));
        let with = Patterns::new(v, strings.iter().chain([&longer])).unwrap();
        let without = Patterns::new(v, &strings).unwrap();
        // A shorter one that ended within the prompt is past, and the longer one may come.
        let is_past = prompt.windows(strings[0].len()).any(|window| window == strings[0]);
        for overlap in OVERLAPS.into_iter().take(if is_past { 1 } else { 2 }) {
            let law = |patterns| chain.pattern_law(patterns, Start::Prompt(&prompt), overlap, 12).unwrap();
            let (with, without) = (law(&with), law(&without));
            let nodes = longer.len() + strings.iter().map(Vec::len).sum::<usize>() + 1;
            let product = chain.operator().longest_sum() + nodes;
            let tolerance = 2.0 * (12 * (product + 2) + nodes * chain.len()) as f64 * f64::EPSILON;
            prop_assert_eq!(with.first_within(strings.len(), 12), 0.0);
            for token in 0..=12 {
                prop_assert!(relatively_close(with.not_within(token), without.not_within(token), tolerance));
                for pattern in 0..strings.len() {
                    prop_assert!(relatively_close(with.at(pattern, token), without.at(pattern, token), tolerance));
                }
            }
        }
    }
}

// ---- the product as an operator ---------------------------------------------------------

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

fn words(texts: &[&str]) -> NgramModel {
    let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Reset);
    let corpus = settings.read_strings(texts.iter().copied()).unwrap();
    NgramSettings::new(3).smoothing(Smoothing::WittenBell).fit(&corpus).unwrap()
}

const TEXTS: [&str; 5] = ["abab", "aab", "b", "abba", "babb"];

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

// ---- waiting times -------------------------------------------------------------------------

/// Lengths, from 1, of the prefixes that a string also ends with.
fn overlaps(string: &[Token]) -> impl Iterator<Item = usize> {
    (1..=string.len()).filter(|&length| string[..length] == string[string.len() - length..])
}

proptest! {
    #[test]
    fn independent_letters_take_conways_time(
        weights in prop::collection::vec(0.1..1.0f64, 2..5),
        string in prop::collection::vec(0u32..2, 1..7),
    ) {
        let v = weights.len();
        let letters = Law::normalized(weights).unwrap();
        let chain = shift(ContextSpace::new(v, 1).unwrap(), letters.repeat(v));
        let p = |tokens: &[Token]| tokens.iter().map(|&token| letters[token as usize]).product::<f64>();
        let m = string.len();
        let mean: f64 = overlaps(&string).map(|length| 1.0 / p(&string[..length])).sum();
        // The generating function of P(T > n) is C / D with C the correlation
        // polynomial and D = P z^m + (1 - z) C; the derivative at 1 gives
        // E[T (T - 1)] / 2 (Guibas & Odlyzko 1981, section 1).
        let whole = p(&string);
        let tails = || overlaps(&string).map(|length| (p(&string[length..]), (m - length) as f64));
        let c: f64 = tails().map(|(p, _)| p).sum();
        let slope: f64 = tails().map(|(p, power)| p * power).sum();
        let factorial = 2.0 * (slope * whole - c * (m as f64 * whole - c)) / (whole * whole);
        let variance = factorial + mean - mean * mean;
        let patterns = Patterns::new(v, [&string]).unwrap();
        let time = chain.waiting_time(&patterns, Start::State(0), Overlap::Fresh).unwrap().converged().unwrap();
        // Every sum is of at most 7 terms of at most 7 factors; the variance
        // is a difference of terms of about the squared mean.
        let error = 32.0 * f64::EPSILON;
        prop_assert!((time.mean.midpoint() - mean).abs() <= time.mean.width() + error * mean);
        let slack = time.variance.width() + 4.0 * error * (factorial.abs() + mean * mean);
        prop_assert!((time.variance.midpoint() - variance).abs() <= slack, "{time:?} {variance}");
        prop_assert!(time.mean.width() <= 1e-8 * mean && time.variance.width() <= 1e-6 * mean * mean);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn waiting_times_and_races_are_the_limits_of_their_laws(
        zeros in prop::collection::vec(0.3..0.7f64, 4),
        strings in prop::collection::hash_set(prop::collection::vec(0u32..2, 1..4), 1..4),
        start in 0usize..4,
    ) {
        let chain = shift(ContextSpace::new(2, 2).unwrap(), zeros.iter().flat_map(|&p| [p, 1.0 - p]).collect());
        let patterns = Patterns::new(2, strings).unwrap();
        // Any 3 tokens in a row are said with a chance of 0.3^3 = 0.027 or more, so
        // that P(T > t) <= 0.973^(t / 3 - 1): below 1e-23 after these, and so is
        // what is left of the sums below, but for a factor of 10^6.
        let steps = 6000;
        let mixed = Law::new(vec![0.25, 0.25, 0.5, 0.0]).unwrap();
        for (start, overlap) in [Start::State(start), Start::Law(&mixed)].into_iter().flat_map(|s| OVERLAPS.map(|o| (s, o))) {
            let law = chain.pattern_law(&patterns, start, overlap, steps).unwrap();
            let survival = |t: usize| law.not_within(t);
            let mean: f64 = (0..=steps).map(survival).sum();
            let square: f64 = (0..=steps).map(|t| (2 * t + 1) as f64 * survival(t)).sum();
            let time = chain.waiting_time(&patterns, start, overlap).unwrap().converged().unwrap();
            // Relative errors: survival at t has some 16 t roundings, so the mean
            // and the mean square have as many as their own mean times; the
            // sums add terms of one sign, most of them at once.
            let roundings = 16.0 * (square / mean.max(1.0) + 1.0) * 4.0 + 64.0;
            let error = roundings * f64::EPSILON;
            prop_assert!((time.mean.midpoint() - mean).abs() <= time.mean.width() + error * mean);
            let slack = time.variance.width() + 4.0 * error * square;
            prop_assert!((time.variance.midpoint() - (square - mean * mean)).abs() <= slack);
            let race = chain.pattern_race(&patterns, start, overlap).unwrap().converged().unwrap();
            for (pattern, first) in race.iter().enumerate() {
                let within = law.first_within(pattern, steps);
                prop_assert!((first.midpoint() - within).abs() <= first.width() + error);
            }
        }
    }
}

#[test]
fn a_string_that_may_never_occur_takes_for_ever() {
    // From 0 the text goes on with ones, or with twos, for ever.
    let rows = [[0.0, 0.25, 0.75], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].concat();
    let chain = shift(ContextSpace::new(3, 1).unwrap(), rows);
    let ones = patterns(3, &["11"]);
    let time = chain.waiting_time(&ones, Start::State(0), Overlap::Fresh).unwrap().converged().unwrap();
    assert_eq!((time.mean.lower, time.variance.lower), (f64::INFINITY, f64::INFINITY));
    let ever = chain.pattern_race(&ones, Start::State(0), Overlap::Fresh).unwrap().converged().unwrap();
    assert!(ever[0].contains(0.25) && ever[0].width() < 1e-12, "{ever:?}");
    let time = chain.waiting_time(&ones, Start::State(1), Overlap::Fresh).unwrap().converged().unwrap();
    assert!(time.mean.contains(2.0) && time.variance.contains(0.0), "{time:?}");
}

// ---- prompts -------------------------------------------------------------------------------

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

// ---- back-off models ---------------------------------------------------------------------------

#[test]
fn strings_in_a_whole_model_are_those_in_all_its_contexts() {
    let model = words(&TEXTS);
    let vocab = model.vocab();
    let token = |name: &str| vocab.token(name).unwrap();
    let (a, b, start, end) = (token("a"), token("b"), token("<s>"), token("</s>"));
    let smoothed = MarkovChain::smoothed(&model).unwrap();
    let rule = EndRule::Reset { start: vec![start; model.context_length()] };
    let all = MarkovChain::enumerated(&EndOfText::new(&model, end, rule).unwrap()).unwrap();
    // Neither string says how the end of a text is read, which the two do differently.
    let patterns = Patterns::new(vocab.len(), [vec![a, b, b, a], vec![b, a, b], vec![a; 7]]).unwrap();
    for prompt in [vec![start, start], vec![a, b], vec![b, a, b, b]] {
        for overlap in OVERLAPS {
            let start = Start::Prompt(&prompt);
            let laws = [
                smoothed.pattern_law(&patterns, start, overlap, 30).unwrap(),
                all.pattern_law(&patterns, start, overlap, 30).unwrap(),
            ];
            let nodes = patterns.nodes();
            let products = smoothed.operator().longest_sum() + all.operator().longest_sum() + 2 * nodes;
            // Both add up at most so many terms for each of 30 tokens, and the states at the end.
            let tolerance = (30 * products + nodes * (all.len() + smoothed.len())) as f64 * f64::EPSILON;
            for token in 0..=30 {
                for pattern in 0..patterns.len() {
                    let [found, expected] = [laws[0].at(pattern, token), laws[1].at(pattern, token)];
                    assert!(relatively_close(found, expected, tolerance), "{found} {expected}");
                }
            }
            let times = [
                smoothed.waiting_time(&patterns, start, overlap).unwrap().converged().unwrap(),
                all.waiting_time(&patterns, start, overlap).unwrap().converged().unwrap(),
            ];
            let (one, other) = (times[0].mean, times[1].mean);
            assert!(one.lower <= other.upper && other.lower <= one.upper, "{times:?}");
        }
    }
}

#[test]
fn the_end_of_a_text_is_a_token_of_a_whole_model() {
    let model = words(&TEXTS);
    let chain = MarkovChain::smoothed(&model).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    let patterns = Patterns::new(model.vocab().len(), [[model.vocab().end().unwrap()]]).unwrap();
    let rates = chain.pattern_rates(&patterns, &law).unwrap();
    let start = chain.states().find("<s>").unwrap();
    // The law is stationary up to its rounding, in each of some twenty states.
    assert!(relatively_close(rates[0], law[start], 1e-13), "{rates:?} {}", law[start]);
}

// ---- refusals, threads -------------------------------------------------------------------------

#[test]
fn what_cannot_be_waited_for_is_refused() {
    let chain = language_model("C12").shift();
    let good = patterns(3, &["01"]);
    let law = |patterns: &Patterns, start: Start<'_>| chain.pattern_law(patterns, start, Overlap::Prompt, 5);
    let other = patterns(4, &["01"]);
    assert!(matches!(law(&other, Start::State(0)), Err(Error::VocabularyMismatch { model: 3, text: 4 })));
    assert!(matches!(law(&good, Start::State(9)), Err(Error::StateOutOfRange { state: 9, states: 9 })));
    assert!(matches!(law(&good, Start::Prompt(&[1])), Err(Error::PromptTooShort { tokens: 1, needed: 2 })));
    // An early token that only the automaton reads.
    let early = law(&good, Start::Prompt(&[7, 0, 1]));
    assert!(matches!(early, Err(Error::TokenOutOfRange { token: 7, vocabulary_size: 3 })));
    let wrong = Law::uniform(8);
    assert!(matches!(law(&good, Start::Law(&wrong)), Err(Error::LengthMismatch { expected: 9, found: 8 })));
    let rates = chain.pattern_rates(&good, &wrong);
    assert!(matches!(rates, Err(Error::LengthMismatch { expected: 9, found: 8 })));
    let rates = chain.pattern_rates(&other, &Law::uniform(9));
    assert!(matches!(rates, Err(Error::VocabularyMismatch { .. })));
    let endless = chain.pattern_law(&good, Start::State(0), Overlap::Fresh, usize::MAX);
    assert!(matches!(endless, Err(Error::TooLarge { .. })));
    let often = chain.pattern_occurrences(&good, Start::State(0), Overlap::Fresh, 1 << 40);
    assert!(matches!(often, Err(Error::TooLarge { .. })));
    let time =
        PassageSolver::new().tolerance(0.0).waiting_time(&chain, &good, Start::State(0), Overlap::Fresh);
    assert!(matches!(time, Err(Error::InvalidSetting { name: "tolerance", .. })));
    // 10,001 nodes for each of 59,049 states: 5 GB a vector.
    let space = ContextSpace::new(3, 10).unwrap();
    let chain = shift(space, [0.25, 0.25, 0.5].repeat(space.len()));
    let long: Vec<Token> = (0..10_000).map(|i| (i % 3) as Token).collect();
    let long = Patterns::new(3, [long]).unwrap();
    assert!(matches!(chain.with_patterns(&long), Err(Error::TooLarge { .. })));
}

#[test]
fn the_observer_can_stop_the_reading() {
    let chain = language_model("C12").shift();
    let mut seen = 0;
    let mut stop = |progress: &Progress| {
        seen = progress.done;
        if progress.done < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let law = chain.pattern_law_watched(&patterns(3, &["01"]), Start::State(0), Overlap::Fresh, 9, &mut stop);
    assert!(matches!(law, Err(Error::Cancelled { .. })));
    assert_eq!(seen, 3);
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
