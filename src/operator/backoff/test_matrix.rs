//! Random back-off chains as matrices, for tests.

use super::BackoffOperator;
use crate::ngram::BackoffTrie;
use crate::ngram::test_models::{Shape, law_after};
use crate::operator::TransitionOperator;
use crate::text::{EndRule, Token};

/// The rules that a model can be under; token V-1 is the end, 0 the start.
pub(crate) fn rules(model: &BackoffTrie) -> Vec<EndRule> {
    let start = vec![0; (model.order() - 1).max(1)];
    vec![EndRule::Token, EndRule::Reset { start }, EndRule::Absorbing]
}

/// A model under a rule.
pub(crate) fn operator(model: &BackoffTrie, rule: &EndRule) -> BackoffOperator {
    BackoffOperator::new(model, Some(model.vocabulary_size() as Token - 1), rule).unwrap()
}

/// The matrix, from the laws after the states and the tree alone.
pub(crate) fn matrix(model: &BackoffTrie, operator: &BackoffOperator, rule: &EndRule) -> Vec<Vec<f64>> {
    let (n, v) = (operator.states(), model.vocabulary_size());
    let end = v as Token - 1;
    let mut matrix = vec![vec![0.0; n]; n];
    for (state, row) in matrix.iter_mut().enumerate() {
        let tokens = operator.tree.tokens(state);
        if *rule == EndRule::Absorbing && tokens == [end] {
            row[state] = 1.0;
            continue;
        }
        for (token, p) in law_after(model, &tokens).into_iter().enumerate() {
            let next = match rule {
                EndRule::Reset { start } if token as Token == end => start.clone(),
                _ => [&tokens[..], &[token as Token]].concat(),
            };
            row[operator.tree.longest_suffix(&next).unwrap()] += p;
        }
    }
    matrix
}

/// Calls a check with random models under every rule, and their matrices.
pub(crate) fn for_models(
    seeds: std::ops::Range<u64>,
    check: impl Fn(&BackoffTrie, &BackoffOperator, &[Vec<f64>]),
) {
    for seed in seeds {
        let (_, model) = Shape::any(seed);
        for rule in rules(&model) {
            let operator = operator(&model, &rule);
            check(&model, &operator, &matrix(&model, &operator, &rule));
        }
    }
}
