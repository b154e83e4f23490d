//! The products against a slow matrix, and what the operator says of its transitions.

use std::collections::BTreeMap;

use rand::RngExt;

use super::BackoffOperator;
use crate::error::Error;
use crate::ngram::BackoffTrie;
use crate::ngram::test_models::{Shape, law_after};
use crate::operator::{TransitionOperator, predecessors, successors};
use crate::prob::stream;
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
fn matrix(model: &BackoffTrie, operator: &BackoffOperator, rule: &EndRule) -> Vec<Vec<f64>> {
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

/// Vectors that are hard to multiply by: points, and mass over many decades.
fn vectors(n: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut rng = stream(seed, 3);
    let mut spread = |decades: f64| -> Vec<f64> {
        (0..n).map(|_| 10f64.powf(rng.random_range(-decades..0.0))).collect()
    };
    let mut vectors = vec![spread(0.1), spread(10.0), spread(100.0)];
    let mut holes = spread(30.0);
    holes.iter_mut().step_by(3).for_each(|value| *value = 0.0);
    vectors.push(holes);
    vectors.extend((0..n).step_by(n.div_ceil(7)).map(|state| {
        (0..n).map(|other| if other == state { 1.0 } else { 0.0 }).collect()
    }));
    vectors
}

fn assert_relative(found: &[f64], expected: &[f64], scale: &[f64], units: usize) {
    for ((found, expected), scale) in found.iter().zip(expected).zip(scale) {
        let allowed = units as f64 * f64::EPSILON * scale;
        assert!((found - expected).abs() <= allowed, "{found} is not {expected} to {allowed:e}");
    }
}

#[test]
fn products_are_right_in_every_component() {
    for_models(0..150, |model, operator, matrix| {
        let n = operator.states();
        // The reference itself: a product of weights, and a sum of n terms.
        let units = operator.longest_sum() + n + 2 * model.order();
        for vector in vectors(n, n as u64) {
            let mixed: Vec<f64> =
                vector.iter().enumerate().map(|(i, x)| if i % 2 == 0 { *x } else { -x }).collect();
            for vector in [vector, mixed] {
                let size: Vec<f64> = vector.iter().map(|x| x.abs()).collect();
                let pull = |f: &[f64]| -> Vec<f64> {
                    matrix.iter().map(|row| row.iter().zip(f).map(|(p, f)| p * f).sum()).collect()
                };
                let push = |law: &[f64]| -> Vec<f64> {
                    (0..n).map(|to| (0..n).map(|from| law[from] * matrix[from][to]).sum()).collect()
                };
                let mut product = vec![f64::NAN; n];
                operator.pull_back(&vector, &mut product);
                assert_relative(&product, &pull(&vector), &pull(&size), units);
                operator.push_forward(&vector, &mut product);
                assert_relative(&product, &push(&vector), &push(&size), units);
            }
        }
    });
}

#[test]
fn transitions_are_met_once_from_either_end() {
    for_models(0..60, |_, operator, matrix| {
        let n = operator.states();
        let mut entering = vec![BTreeMap::new(); n];
        for (state, row) in matrix.iter().enumerate() {
            let mut left: Vec<usize> = (0..n).filter(|&to| row[to] > 0.0).collect();
            for to in successors(operator, state) {
                let at = left.iter().position(|&other| other == to.state).unwrap();
                left.swap_remove(at);
                assert!((to.probability - row[to.state]).abs() <= 1e-14 * row[to.state]);
                assert_eq!(to.probability, operator.probability(state, to.state));
                entering[to.state].insert(state, to.probability);
            }
            assert_eq!(left, [0; 0]);
            (0..n).filter(|&to| row[to] == 0.0).for_each(|to| assert_eq!(operator.probability(state, to), 0.0));
        }
        for (state, entering) in entering.into_iter().enumerate() {
            let met: Vec<(usize, f64)> =
                predecessors(operator, state).map(|from| (from.state, from.probability)).collect();
            assert_eq!(met, entering.into_iter().collect::<Vec<_>>());
        }
    });
}
