//! The chain of a back-off model against that of all contexts, enumerated.

use crate::chain::{Enumeration, MarkovChain, Start, States};
use crate::error::Error;
use crate::mixing::SecondEigenvalueSolver;
use crate::model::{EndOfText, EndRule, TableModel};
use crate::ngram::BackoffTrie;
use crate::ngram::test_models::{Shape, law_after};
use crate::operator::test_matrix::{for_models, operator, rules};
use crate::operator::{BackoffOperator, Restart, ShiftOperator, TransitionOperator};
use crate::prob::Law;
use crate::stationary::{StationaryMethod, StationarySolver};
use crate::text::{ContextSpace, Token};
use crate::topics::Topics;

/// The same model twice: over the contexts it tells apart, and over all.
struct Pair {
    rule: EndRule,
    small: MarkovChain<BackoffOperator>,
    full: MarkovChain<ShiftOperator>,
    /// The state of `small` that each one of `full` is lumped into.
    lump: Vec<usize>,
    silent_start: bool,
}

fn pair(model: &BackoffTrie, rule: EndRule, silent_start: bool) -> Pair {
    let (v, k) = (model.vocabulary_size(), (model.order() - 1).max(1));
    let space = ContextSpace::new(v, k).unwrap();
    let rows = (0..space.len()).flat_map(|context| law_after(model, &space.tokens(context))).collect();
    let table = TableModel::normalized(v, k, rows).unwrap();
    let ended = EndOfText::new(table, v as Token - 1, rule.clone()).unwrap();
    let full = Enumeration::new().build(&ended).unwrap();
    let operator = operator(model, &rule);
    let states = States::suffixes(&operator, None);
    let small = MarkovChain::new(operator, states);
    let lumped = |context: usize| small.states().after_prompt(&space.tokens(context)).unwrap();
    let lump = (0..space.len()).map(lumped).collect();
    Pair { rule, small, full, lump, silent_start }
}

/// Calls a check with models of up to 300 contexts under every rule.
fn for_pairs(check: impl Fn(&Pair)) {
    for seed in 0..70 {
        let (shape, model) = Shape::any(seed);
        if shape.vocabulary_size.pow((shape.order - 1).max(1) as u32) <= 300 {
            rules(&model).into_iter().for_each(|rule| check(&pair(&model, rule, shape.silent_start)));
        }
    }
}

impl Pair {
    fn lumped(&self, law: &[f64]) -> Vec<f64> {
        let mut lumped = vec![0.0; self.small.len()];
        law.iter().zip(&self.lump).for_each(|(p, &state)| lumped[state] += p);
        lumped
    }

    /// The stationary laws, if there is one.
    fn stationary(&self) -> Option<(Law, Law)> {
        let gth = StationarySolver::new().method(StationaryMethod::Gth);
        assert_eq!(self.small.classes().recurrent_count(), self.full.classes().recurrent_count());
        let small = gth.solve(&self.small).ok()?.into_value().unique().ok()?;
        Some((small, gth.solve(&self.full).ok()?.into_value().unique().ok()?))
    }

    /// Whether a start token is never met but at starts.
    fn tells_tokens(&self) -> bool {
        self.silent_start || !matches!(self.rule, EndRule::Reset { .. })
    }
}

#[track_caller]
fn assert_relative(found: &[f64], expected: &[f64], relative: f64) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= relative * expected.abs(), "{found} is not {expected}");
    }
}

#[test]
fn the_chain_lumps_that_of_all_contexts_exactly() {
    for_pairs(|pair| {
        let (n, small) = (pair.full.len(), pair.small.operator());
        // Contexts with an end for good further back are never met, and keep another law.
        let end = pair.full.states().vocabulary_size() as Token - 1;
        let is_met = |context: usize| {
            let tokens = pair.full.states().tokens(context);
            pair.rule != EndRule::Absorbing || !tokens[..tokens.len() - 1].contains(&end)
        };
        let weight = |i: usize| if is_met(i) { 10f64.powi(-((i * 7 % 13) as i32)) } else { 0.0 };
        let law: Vec<f64> = (0..n).map(weight).collect();
        let mut next = vec![0.0; n];
        pair.full.operator().push_forward(&law, &mut next);
        let mut pushed = vec![0.0; small.states()];
        small.push_forward(&pair.lumped(&law), &mut pushed);
        assert_relative(&pushed, &pair.lumped(&next), 1e-13);

        let f: Vec<f64> = (0..small.states()).map(|i| 10f64.powi(-((i * 5 % 17) as i32))).collect();
        let lifted: Vec<f64> = pair.lump.iter().map(|&state| f[state]).collect();
        pair.full.operator().pull_back(&lifted, &mut next);
        small.pull_back(&f, &mut pushed);
        for context in (0..n).filter(|&context| is_met(context)) {
            assert_relative(&[pushed[pair.lump[context]]], &[next[context]], 1e-13);
        }
        if let Some((law, full)) = pair.stationary() {
            assert_relative(&law, &pair.lumped(&full), 1e-11);
        }
    });
}

#[test]
fn classes_and_periods_are_those_of_the_matrix() {
    for_models(0..150, |_, operator, matrix| {
        let n = operator.states();
        let dense = ndarray::Array2::from_shape_fn((n, n), |(i, j)| matrix[i][j]);
        let dense = MarkovChain::from_dense(dense.view()).unwrap();
        let chain = MarkovChain::new(operator, States::suffixes(operator, None));
        let (found, expected) = (chain.classes(), dense.classes());
        assert_eq!(found.count(), expected.count());
        for class in 0..found.count() {
            assert_eq!(found.members(class), expected.members(class));
            assert_eq!(found.is_recurrent(class), expected.is_recurrent(class));
            assert_eq!(found.period(class), expected.period(class));
        }
        let law = Law::point(n, n - 1);
        let restarted =
            MarkovChain::new(Restart::new(operator, 0.1, law.clone()).unwrap(), States::numbered(n));
        let expected = Restart::new(dense.operator(), 0.1, law).unwrap();
        let expected = MarkovChain::new(expected, States::numbered(n));
        assert_eq!(restarted.classes().count(), expected.classes().count());
        assert!(
            (0..n).all(|state| restarted.classes().class_of(state) == expected.classes().class_of(state))
        );
    });
}

#[test]
fn information_is_that_of_the_chain_of_all_contexts() {
    for_pairs(|pair| {
        let Some((law, full)) = pair.stationary() else { return };
        let rates = [pair.small.entropy_rate(&law), pair.full.entropy_rate(&full)];
        let k = pair.full.states().context_length();
        let blocks = pair.small.block_entropies(&law, k + 2);
        if !pair.tells_tokens() && blocks.is_err() {
            assert!(matches!(blocks, Err(Error::NotShiftRegister { .. })));
            return;
        }
        assert!((rates[0] - rates[1]).abs() < 1e-12, "{rates:?}");
        let expected = pair.full.block_entropies(&full, k + 2).unwrap();
        for (found, expected) in blocks.unwrap().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-11, "{found} bits, not {expected}");
        }
        let [small, full] =
            [pair.small.excess_entropy(&law), pair.full.excess_entropy(&full)].map(Result::unwrap);
        assert!((small - full).abs() < 1e-10, "{small} is not {full}");
        let lags = [1, 2, 5];
        let information = pair.small.mutual_information(&law, &lags).unwrap();
        let expected = pair.full.mutual_information(&pair.stationary().unwrap().1, &lags).unwrap();
        for (found, expected) in information.iter().zip(expected) {
            assert!((found.mutual_information - expected.mutual_information).abs() < 1e-11);
        }
    });
}

#[test]
fn what_came_before_is_what_the_chain_of_all_contexts_says() {
    for_pairs(|pair| {
        let Some((law, full)) = pair.stationary().filter(|_| pair.tells_tokens()) else { return };
        let small = pair.small.states();
        let (v, k) = (small.vocabulary_size(), pair.full.states().context_length());
        let reverse = pair.full.reverse_table(&full).unwrap();
        let starting = small.restart().map(|start| small.tokens(start)).unwrap_or_default();
        for state in 0..small.len() {
            let tokens = small.tokens(state);
            let is_start = small.restart() == Some(state);
            let holds_start = !is_start && tokens.iter().any(|token| starting.contains(token));
            if holds_start || law[state] == 0.0 {
                continue;
            }
            let length = if is_start { 1 } else { tokens.len() };
            let mut expected = vec![0.0; v];
            for context in (0..pair.full.len()).filter(|&c| pair.lump[c] == state && full[c] > 0.0) {
                let window = pair.full.states().tokens(context);
                if length < k {
                    expected[window[k - 1 - length] as usize] += full[context] / law[state];
                } else if let Some(before) = reverse.law_before(context) {
                    (0..v).for_each(|t| expected[t] += full[context] / law[state] * before[t]);
                }
            }
            let found = pair.small.law_before(&law, state).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-10, "{tokens:?}: {found:?} is not {expected:?}");
            }
        }
        // Start tokens are in the states only, where they stand for an end.
        for token in (0..v as Token).filter(|token| !starting.contains(token)) {
            let (Ok(found), windows) =
                (pair.small.law_before_tokens(&law, &[token]), pair.full.law_before_tokens(&full, &[token]))
            else {
                continue;
            };
            let expected = windows.unwrap();
            for (found, expected) in found.iter().zip(expected.iter()) {
                assert!((found - expected).abs() < 1e-10, "{token}: {found} is not {expected}");
            }
        }
        let table = pair.small.reverse_table(&law).unwrap();
        let visited = (0..small.len()).find(|&state| law[state] > 0.0).unwrap();
        assert_eq!(table.law_before(visited).unwrap(), &pair.small.law_before(&law, visited).unwrap()[..]);
    });
}

#[test]
fn the_second_eigenvalue_is_that_of_the_chain_of_all_contexts() {
    let shape = Shape {
        vocabulary_size: 5,
        order: 3,
        density: 0.5,
        decades: 1.0,
        interpolated: true,
        silent_start: true,
    };
    for seed in 0..5 {
        let model = shape.model(seed);
        for rule in rules(&model) {
            let pair = pair(&model, rule, true);
            let (law, full) = pair.stationary().unwrap();
            let solver = SecondEigenvalueSolver::new();
            let found = solver.solve(&pair.small, &law).unwrap().into_value().modulus();
            let expected = solver.solve(&pair.full, &full).unwrap().into_value().modulus();
            assert!((found - expected).abs() < 1e-8, "{found} is not {expected}");
        }
    }
}

#[test]
fn prompts_lead_to_their_longest_suffix() {
    let (_, model) = Shape::any(4);
    let end = model.vocabulary_size() as Token - 1;
    let operator = operator(&model, &EndRule::Reset { start: vec![0] });
    let states = States::suffixes(&operator, None);
    let start = operator.start().unwrap();
    assert_eq!(states.after_prompt(&[end]).unwrap(), start);
    assert_eq!(states.after_prompt(&[1, 0, end]).unwrap(), start);
    assert_eq!(states.after_prompt(&[end, 0]).unwrap(), operator.after(start, 0));
    assert!(matches!(states.after_prompt(&[]), Err(Error::PromptTooShort { needed: 1, .. })));
    assert!(matches!(states.after_prompt(&[0, 99]), Err(Error::TokenOutOfRange { token: 99, .. })));
    for state in 0..states.len() {
        assert_eq!(states.find(&states.label(state)).unwrap(), state);
    }
}

#[test]
fn short_states_are_given_topics_by_the_tokens_they_have() {
    let shape = Shape {
        vocabulary_size: 3,
        order: 4,
        density: 0.9,
        decades: 0.5,
        interpolated: true,
        silent_start: false,
    };
    let operator = operator(&shape.model(2), &EndRule::Token);
    let states = States::suffixes(&operator, None);
    let topics = Topics::by_texts(&states, &[("long", &[0, 1, 2, 0]), ("short", &[1, 1])]).unwrap();
    for state in 0..states.len() {
        let expected = match &states.tokens(state)[..] {
            [.., 0, 1] | [.., 0] | [.., 2] => 0,
            [.., 1] => 1,
            other => unreachable!("{other:?}"),
        };
        assert_eq!(topics.of_state(state), expected, "{}", states.label(state));
    }
}

#[test]
fn walks_and_restarts_work_on_suffixes() {
    for_pairs(|pair| {
        let walker = pair.small.walker().unwrap();
        let path: Vec<usize> = walker.walk(Start::State(0), 3).unwrap().take(200).collect();
        for step in path.windows(2) {
            assert!(pair.small.operator().probability(step[0], step[1]) > 0.0);
        }
        let law = Law::uniform(pair.small.len());
        let restarted = Restart::new(pair.small.operator(), 0.2, law.clone()).unwrap();
        let restarted = pair.small.with_operator(restarted);
        let stationary = restarted.stationary().unwrap().converged().unwrap();
        assert!(matches!(restarted.block_entropies(&stationary, 2), Err(Error::NotShiftRegister { .. })));
    });
}
