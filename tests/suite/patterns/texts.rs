//! Strings in all texts of some length, one by one.

use lmchain::Error;
use lmchain::chain::{MarkovChain, Start};
use lmchain::operator::{TransitionOperator, successors};
use lmchain::passage::{Overlap, PatternLaw, Patterns};
use lmchain::reverse::End;
use lmchain::text::Token;
use proptest::prelude::*;

use super::{OVERLAPS, chain, prompt, relatively_close, rounding, strings};

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
    fn histories_of_the_product_are_those_of_strings_of_any_length(
        chain in chain(), string in prop::collection::vec(0u32..2, 1..6), prompt in prompt(), n in 1usize..7,
    ) {
        let patterns = Patterns::new(chain.states().vocabulary_size(), [&string]).unwrap();
        let product = chain.with_patterns(&patterns).unwrap();
        let bad = product.operator().ending(0);
        for overlap in OVERLAPS {
            let brute = Brute::new(&chain, &prompt, overlap, &patterns, n);
            let start = chain.pattern_start(&patterns, Start::Prompt(&prompt), overlap).unwrap();
            let expected = brute.first[n][0];
            let histories = match product.histories(Start::Law(&start), End::FirstIn(&bad), n) {
                Err(Error::Impossible { .. }) => {
                    prop_assert_eq!(expected, 0.0);
                    continue;
                }
                histories => histories.unwrap(),
            };
            // Logarithms of up to 7 ln 100 = 32, each step rounded to about as many eps.
            let tolerance = rounding(&chain, patterns.nodes(), n) + 64.0 * n as f64 * f64::EPSILON;
            prop_assert!(relatively_close(histories.probability(), expected, tolerance));
            let road = histories.most_probable(1).unwrap().pop().unwrap();
            let tokens = road.states[1..].iter().map(|&pair| chain.states().newest_token(product.operator().pair(pair).1));
            let read = if overlap == Overlap::Prompt { prompt.clone() } else { Vec::new() };
            let text: Vec<Token> = read.into_iter().chain(tokens).collect();
            prop_assert!(text.ends_with(&string), "{text:?}");
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
