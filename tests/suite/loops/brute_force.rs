//! Loops of random chains: brute force, linear algebra, and series.

use lmchain::chain::{Enumeration, StateSet};
use lmchain::loops::{LoopSearch, RepetitionLoop};
use lmchain::model::{Decoded, Decoding, TableModel};
use lmchain::operator::TransitionOperator;
use lmchain::text::ContextSpace;
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

use super::{dense, stationary};
use crate::common::tables::{shift, tables};

/// The transitions along a cycle, by place.
fn along(cycle: &RepetitionLoop) -> DMatrix<f64> {
    let length = cycle.len();
    let mut steps = DMatrix::zeros(length, length);
    for (place, &p) in cycle.step_probabilities().iter().enumerate() {
        steps[(place, (place + 1) % length)] = p;
    }
    steps
}

/// Tables over small context spaces; a third of the entries are zero.
fn table(most: usize) -> impl Strategy<Value = (ContextSpace, Vec<f64>)> {
    let sizes = (2usize..5, 1usize..4).prop_filter("small", move |&(v, k)| v.pow(k as u32) <= most);
    tables(sizes, 1, 0.01)
}

/// Every simple cycle that begins with its smallest state, with its turn probability.
fn simple_cycles(matrix: &DMatrix<f64>) -> Vec<(Vec<usize>, f64)> {
    fn extend(matrix: &DMatrix<f64>, path: &mut Vec<usize>, turn: f64, all: &mut Vec<(Vec<usize>, f64)>) {
        let last = path[path.len() - 1];
        for to in path[0]..matrix.nrows() {
            let turn = turn * matrix[(last, to)];
            if turn > 0.0 && to == path[0] {
                all.push((path.clone(), turn));
            } else if turn > 0.0 && !path.contains(&to) {
                path.push(to);
                extend(matrix, path, turn, all);
                path.pop();
            }
        }
    }
    let mut all = Vec::new();
    (0..matrix.nrows()).for_each(|start| extend(matrix, &mut vec![start], 1.0, &mut all));
    all
}

/// The spectral radius of a non-negative matrix by Gelfand's formula: the root of
/// the norm of its 2^64th power, squared again and again.
///
/// An error in the square number j counts 2^-j, so rounding by (n + 2) eps a
/// square comes to twice that; the norm of the power itself is off by a constant
/// factor, of which the 2^64th root is 1 to all digits.
fn spectral_radius(mut power: DMatrix<f64>) -> f64 {
    let (mut logarithm, mut weight) = (0.0, 1.0);
    for _ in 0..64 {
        let norm = power.row_iter().map(|row| row.sum()).fold(0.0, f64::max);
        logarithm += weight * norm.ln();
        power /= norm;
        power = &power * &power;
        weight /= 2.0;
    }
    f64::exp(logarithm)
}

proptest! {
    #[test]
    fn the_search_finds_the_loops_of_brute_force(
        (space, table) in table(9),
        threshold in prop_oneof![Just(1e-6), 1e-3..1.0f64],
        max_length in 1usize..10,
    ) {
        let chain = shift(space, table);
        let every: Vec<usize> = (0..chain.len()).collect();
        let likely = |(cycle, turn): &(Vec<usize>, f64)| *turn >= threshold && cycle.len() <= max_length;
        let all = simple_cycles(&dense(&chain, &every)).into_iter().filter(likely);
        let mut expected: Vec<Vec<usize>> = all.map(|(cycle, _)| cycle).collect();
        let found = LoopSearch::new().threshold(threshold).max_length(max_length).find(&chain).unwrap();
        prop_assert!(found.windows(2).all(|pair| pair[0].turn_probability() >= pair[1].turn_probability()));
        let mut found: Vec<Vec<usize>> = found.iter().map(|cycle| cycle.states().to_vec()).collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_text_of_a_loop_leads_back_to_where_it_began((space, table) in table(64)) {
        let chain = shift(space, table);
        for cycle in LoopSearch::new().threshold(0.05).max_length(12).find(&chain).unwrap() {
            let tokens = cycle.tokens(chain.states());
            prop_assert_eq!(tokens.len(), cycle.len(), "a turn of windows repeats nothing");
            let first = chain.states().tokens(cycle.states()[0]);
            prop_assert_eq!(chain.states().after_prompt(&[first, tokens].concat()).unwrap(), cycle.states()[0]);
        }
    }

    #[test]
    fn the_stay_solves_its_linear_equations((space, table) in table(64)) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().recurrent_count() == 1);
        let law = stationary(&chain);
        for cycle in LoopSearch::new().threshold(0.02).max_length(8).find(&chain).unwrap() {
            let Some(visits) = chain.loop_visits(&cycle, &law).unwrap() else { continue };
            if cycle.is_absorbing() {
                prop_assert_eq!(visits.mean_stay, f64::INFINITY);
                continue;
            }
            let length = cycle.len();
            let follow = along(&cycle);
            let system = (DMatrix::identity(length, length) - &follow).lu();
            let stays = system.solve(&DVector::from_element(length, 1.0)).unwrap();
            // The inverse has row sums up to the longest stay, the matrix up to 2.
            let longest = stays.max();
            let relative = 8.0 * length as f64 * longest * f64::EPSILON;
            for place in 0..length {
                prop_assert!((cycle.mean_stay_from(place) - stays[place]).abs() <= relative * longest);
            }
            // Elimination is right to a few n^2 eps in every component of the law.
            let rounding = 32.0 * (chain.len() * chain.len()) as f64 * f64::EPSILON;
            let mass = DVector::from_iterator(length, cycle.states().iter().map(|&state| law[state]));
            let entered = &mass - follow.transpose() * &mass;
            prop_assert!((visits.entry_rate - entered.sum()).abs() <= rounding);
            prop_assert!((visits.share / (visits.entry_rate * visits.mean_stay) - 1.0).abs() <= rounding);
            let turn = cycle.turn_probability();
            prop_assert!((cycle.escape_per_turn() - (1.0 - turn)).abs() <= 4.0 * length as f64 * f64::EPSILON);
            prop_assert!((visits.mean_turns - turn / cycle.escape_per_turn()).abs() <= rounding * visits.mean_turns);
        }
    }

    #[test]
    fn escape_rates_bound_the_eigenvalue((space, table) in table(27), seed in 0usize..1000) {
        let chain = shift(space, table);
        let found = LoopSearch::new().threshold(0.02).max_length(6).find(&chain).unwrap();
        prop_assume!(!found.is_empty());
        let cycle = &found[seed % found.len()];
        let restricted = dense(&chain, cycle.states());
        let radius = spectral_radius(restricted);
        let rate = chain.loop_escape_rate(cycle).unwrap().into_value();
        // Met, or as near as rounding allows: eight eps of a sum of up to 101 on
        // either side, as the loop leads from any place to any other with 0.02 or
        // more, and the observable is constant up to 50.
        prop_assert!(rate.upper - rate.lower <= f64::max(1e-9 * rate.upper, 1e4 * f64::EPSILON));
        prop_assert!(rate.lower <= rate.upper);
        // The radius is right to 2 (n + 2) eps, and rows sum to one to V eps.
        let slack = (2 * (cycle.len() + 2) + 4) as f64 * f64::EPSILON;
        prop_assert!(rate.lower - slack <= 1.0 - radius && 1.0 - radius <= rate.upper + slack, "{rate:?} {radius}");
        // A set is left no faster than along its cycle alone.
        let alone = 1.0 - cycle.turn_probability().powf(1.0 / cycle.len() as f64);
        prop_assert!(rate.lower <= alone + 16.0 * f64::EPSILON);
    }

    #[test]
    fn cooling_never_lowers_the_turn_probability_of_a_greedy_loop(
        (space, table) in table(64),
        warm in 0.3..3.0f64,
        colder in 0.2..1.0f64,
    ) {
        let (v, k) = (space.vocabulary_size(), space.context_length());
        let model = TableModel::new(v, k, table.clone()).unwrap();
        let at = |temperature: f64| {
            let decoded = Decoded::new(&model, Decoding::new().temperature(temperature)).unwrap();
            Enumeration::new().build(&decoded).unwrap()
        };
        let (hot, cold) = (at(warm), at(warm * colder));
        for greedy in shift(space, table).greedy_loops().loops() {
            let turn = |chain| RepetitionLoop::along(chain, &greedy.cycle).unwrap().turn_probability();
            // Every step is a power, a sum of V terms and a division, each rounded.
            let rounding = greedy.cycle.len() as f64 * (4.0 * v as f64 + 16.0) * f64::EPSILON;
            prop_assert!(turn(&cold) >= turn(&hot) * (1.0 - rounding));
        }
    }

    #[test]
    fn the_average_repetition_probability_is_the_sum_of_its_series((space, table) in table(16), out in 0usize..16) {
        let chain = shift(space, table);
        let left_out = StateSet::of(chain.len(), [out % chain.len()]).unwrap();
        let Ok(found) = chain.average_repetition(&left_out) else { return Ok(()) };
        let kept: Vec<usize> = left_out.complement().iter().collect();
        let square = dense(&chain, &kept).pow(2) / (found.density * found.states as f64);
        // Powers shrink at least as fast as the largest row sum does.
        let shrinks = square.row_iter().map(|row| row.sum()).fold(0.0, f64::max);
        prop_assume!(shrinks < 0.9);
        let (mut power, mut sum) = (square.clone(), 0.0);
        let terms = 40;
        for _ in 0..terms {
            sum += power.trace();
            power *= &square;
        }
        let rest = kept.len() as f64 * shrinks.powi(terms + 1) / (1.0 - shrinks);
        // The system has a condition of at most 2 / (1 - 0.9).
        let rounding = 20.0 * 8.0 * (kept.len() * kept.len()) as f64 * f64::EPSILON;
        prop_assert!(sum - rounding <= found.value && found.value <= sum + rest + rounding);
    }

    #[test]
    fn a_state_of_its_own_is_left_after_one_over_the_rest((space, table) in table(64)) {
        let chain = shift(space, table);
        for state in 0..chain.len() {
            let p = chain.operator().probability(state, state);
            if p > 0.0 && p < 0.999 {
                let cycle = RepetitionLoop::along(&chain, &[state]).unwrap();
                // The row sums to one within V eps, and 1 - p is at least 1e-3.
                prop_assert!((cycle.mean_stay_from(0) * (1.0 - p) - 1.0).abs() <= 8e3 * f64::EPSILON);
            }
        }
    }
}
