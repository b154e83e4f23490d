//! The products against a slow matrix, and what the operator says of its transitions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use rand::RngExt;

use super::BackoffOperator;
use super::pull::Pull;
use super::test_matrix::{for_models, matrix, operator};
use crate::error::Error;
use crate::ngram::BackoffTrie;
use crate::ngram::test_models::Shape;
use crate::operator::{TransitionOperator, assert_steps_side_by_side, predecessors, successors};
use crate::prob::stream;
use crate::text::{EndRule, Token};

/// Vectors that are hard to multiply by: points, and mass over many decades.
fn vectors(n: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut rng = stream(seed, 3);
    let mut spread =
        |decades: f64| -> Vec<f64> { (0..n).map(|_| 10f64.powf(rng.random_range(-decades..0.0))).collect() };
    let mut vectors = vec![spread(0.1), spread(10.0), spread(100.0)];
    let mut holes = spread(30.0);
    holes.iter_mut().step_by(3).for_each(|value| *value = 0.0);
    vectors.push(holes);
    vectors.extend(
        (0..n)
            .step_by(n.div_ceil(7))
            .map(|state| (0..n).map(|other| if other == state { 1.0 } else { 0.0 }).collect()),
    );
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
    for_models(0..150, check_products);
}

fn check_products(model: &BackoffTrie, operator: &BackoffOperator, matrix: &[Vec<f64>]) {
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
            (0..n)
                .filter(|&to| row[to] == 0.0)
                .for_each(|to| assert_eq!(operator.probability(state, to), 0.0));
        }
        for (state, entering) in entering.into_iter().enumerate() {
            let met: Vec<(usize, f64)> =
                predecessors(operator, state).map(|from| (from.state, from.probability)).collect();
            assert_eq!(met, entering.into_iter().collect::<Vec<_>>());
        }
    });
}

#[test]
fn entropies_are_those_of_the_rows() {
    for_models(0..150, |_, operator, matrix| {
        let mut entropies = vec![f64::NAN; operator.states()];
        operator.row_entropies(&mut entropies);
        let largest = operator.entries.backoffs.iter().copied().fold(1.0, f64::max);
        let units = (operator.longest_sum() + 64) as f64 * f64::EPSILON;
        for (row, found) in matrix.iter().zip(entropies) {
            let terms = row.iter().filter(|p| **p > 0.0).map(|p| -p * p.log2());
            let expected: f64 = terms.sum();
            let allowed = units * (expected + 1.0 + largest.log2());
            assert!((found - expected).abs() <= allowed && found >= 0.0, "{found} is not {expected}");
        }
    });
}

#[test]
fn walks_step_side_by_side_as_alone() {
    for_models(0..60, |_, operator, _| assert_steps_side_by_side(operator));
}

#[test]
fn draws_follow_the_rows() {
    for_models(0..40, |_, operator, matrix| {
        let sampler = operator.sampler();
        for state in [0, operator.states() - 1] {
            let mut rng = stream(11, state as u64);
            let mut counts = vec![0u32; operator.states()];
            let draws = 20_000;
            (0..draws).for_each(|_| counts[sampler.step(state, &mut rng)] += 1);
            let mut chi = 0.0;
            let mut cells = 0;
            for (&count, &p) in counts.iter().zip(&matrix[state]) {
                assert!(p > 0.0 || count == 0, "a step of probability zero");
                let expected = p * f64::from(draws);
                if expected > 5.0 {
                    chi += (f64::from(count) - expected).powi(2) / expected;
                    cells += 1;
                }
            }
            // Eight standard deviations of chi-square: the seeds are fixed.
            let freedom = f64::from(cells);
            assert!(chi <= freedom + 8.0 * (2.0 * freedom).sqrt(), "{chi} for {cells} cells");
        }
    });
}

/// Two tokens after which nearly everything is stored: what is left is lost by
/// subtracting, but not by adding it up.
fn cancelling() -> BackoffTrie {
    let shape = Shape {
        vocabulary_size: 40,
        order: 3,
        density: 0.96,
        decades: 14.0,
        interpolated: false,
        silent_start: false,
    };
    shape.model(5)
}

#[test]
fn plain_subtraction_would_lose_everything() {
    let model = cancelling();
    let operator = operator(&model, &EndRule::Token);
    let entries = &operator.entries;
    let mut worst: f64 = 0.0;
    for state in operator.tree.of_length(1) {
        let kept = |entry: usize| entries.probabilities[entries.links[entry] as usize];
        let taken: f64 = entries.after(state).map(kept).sum();
        let whole: f64 = entries.probabilities[entries.singles()].iter().sum();
        let rest = operator.rest[state];
        worst = worst.max(((whole - taken) - rest).abs() / rest);
    }
    assert!(worst > 1e-6, "the model is too easy: {worst}");
    check_products(&model, &operator, &matrix(&model, &operator, &EndRule::Token));
}

#[test]
fn a_context_that_does_not_sum_to_one_is_named() {
    let (_, mut model) = Shape::any(3);
    let context = (0..model.trie().len(1)).find(|&n| !model.trie().children(1, n).is_empty()).unwrap();
    model.backoffs_mut(1)[context] += 0.5;
    model.backoffs_mut(1)[context] *= 3.0;
    let refused = BackoffOperator::new(&model, None, &EndRule::Token);
    assert!(matches!(refused, Err(Error::ContextSum { context: named, .. }) if named == [context as Token]));
}

#[test]
fn rules_without_their_tokens_are_refused() {
    let (_, model) = Shape::any(1);
    let v = model.vocabulary_size() as Token;
    let new = |end, rule: EndRule| BackoffOperator::new(&model, end, &rule).map(|_| ());
    assert!(matches!(new(None, EndRule::Absorbing), Err(Error::MissingToken { .. })));
    assert!(matches!(new(Some(v), EndRule::Token), Err(Error::TokenOutOfRange { .. })));
    let reset = |start: &[Token]| EndRule::Reset { start: start.to_vec() };
    assert!(matches!(new(Some(0), reset(&[v])), Err(Error::TokenOutOfRange { .. })));
    assert!(matches!(new(Some(0), reset(&[])), Err(Error::MustBePositive { .. })));
    assert!(matches!(new(Some(0), reset(&[1, 0])), Err(Error::MustBePositive { .. })));
}

/// Models of a few ten thousand n-grams, and one four times as large.
fn larger_models() -> [BackoffTrie; 2] {
    let shape = |vocabulary_size| Shape {
        vocabulary_size,
        order: 4,
        density: 0.2,
        decades: 6.0,
        interpolated: false,
        silent_start: true,
    };
    [shape(44).model(1), shape(62).model(2)]
}

#[test]
fn products_have_the_same_bits_on_any_number_of_threads() {
    let [model, _] = larger_models();
    for rule in super::test_matrix::rules(&model) {
        let operator = operator(&model, &rule);
        let input: Vec<f64> = (0..operator.states()).map(|i| 1.0 / (i as f64 + 1.5)).collect();
        let products = || {
            let mut outputs = [vec![0.0; input.len()], vec![0.0; input.len()], vec![0.0; input.len()]];
            operator.push_forward(&input, &mut outputs[0]);
            operator.pull_back(&input, &mut outputs[1]);
            operator.row_entropies(&mut outputs[2]);
            outputs.map(|output| output.into_iter().map(f64::to_bits).collect::<Vec<_>>())
        };
        let on =
            |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(products);
        assert!(on(1) == on(2) && on(1) == on(8), "the products depend on the number of threads");
    }
}

#[test]
fn work_grows_with_the_stored_ngrams() {
    for model in larger_models() {
        let operator = operator(&model, &EndRule::Token);
        let values = AtomicUsize::new(0);
        let value = |_: usize| {
            values.fetch_add(1, Relaxed);
            1.0
        };
        let carry = |_: usize, rest: f64| rest;
        let pull = Pull { tree: &operator.tree, entries: &operator.entries, value, carry };
        pull.write(&mut vec![0.0; operator.states()], |_, own, _| own);
        assert_eq!(values.load(Relaxed), operator.stored_entries());

        let mut arcs = 0;
        for node in 0..operator.states() + operator.hubs() {
            let mut cursor = 0;
            while let Some(arc) = operator.next_arc(node, cursor) {
                cursor = arc.cursor;
                arcs += 1;
            }
        }
        let stored = operator.stored_entries();
        assert!(arcs <= 8 * stored, "{arcs} arcs for {stored} n-grams");
    }
}
