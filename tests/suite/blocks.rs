//! Several vectors moved together, against the product with each.

use lmchain::operator::{Restart, ShiftOperator, SparseOperator, TransitionOperator, successors};
use lmchain::prob::Law;
use lmchain::reverse::Reversed;
use lmchain::text::ContextSpace;

use crate::support;
use crate::support::chains::ChainSpec;

/// Numbers of columns around the widths that products are compiled for.
const COLUMNS: [usize; 9] = [1, 2, 3, 4, 5, 7, 8, 16, 19];

/// Column number `column` of a block: laws, not all of them positive everywhere.
fn law(states: usize, column: usize) -> Vec<f64> {
    let first = |state: usize| f64::from(u8::from(state == 0));
    let weight = |state: usize| first(state) + ((state * 31 + column * 7) % 13) as f64 / (1.0 + state as f64);
    Law::normalized((0..states).map(weight).collect()).unwrap().into_vec()
}

fn interleaved(vectors: &[Vec<f64>]) -> Vec<f64> {
    (0..vectors[0].len()).flat_map(|state| vectors.iter().map(move |vector| vector[state])).collect()
}

/// Both products with blocks, column by column against the single products.
///
/// All terms are non-negative, so either is within `longest_sum` roundings and a
/// few more of the exact sum, relatively.
fn check(what: &str, operator: &dyn TransitionOperator, same_bits: bool) {
    let n = operator.states();
    let unit = 2.0 * (operator.longest_sum() + 2) as f64 * f64::EPSILON;
    type Product = fn(&dyn TransitionOperator, &[f64], &mut [f64], usize);
    let products: [(&str, Product, Product); 2] = [
        ("push", |o, from, to, m| o.push_block(from, to, m), |o, from, to, _| o.push_forward(from, to)),
        ("pull", |o, from, to, m| o.pull_block(from, to, m), |o, from, to, _| o.pull_back(from, to)),
    ];
    for (name, block, single) in products {
        for columns in COLUMNS {
            let inputs: Vec<Vec<f64>> = (0..columns).map(|column| law(n, column)).collect();
            let mut together = vec![f64::NAN; n * columns];
            block(operator, &interleaved(&inputs), &mut together, columns);
            for (column, input) in inputs.iter().enumerate() {
                let (mut alone, mut apart) = (vec![f64::NAN; n], vec![f64::NAN; n]);
                block(operator, input, &mut alone, 1);
                single(operator, input, &mut apart, 1);
                for state in 0..n {
                    let found = together[state * columns + column];
                    let place = format!("{what}, {name}, column {column} of {columns}, state {state}");
                    assert_eq!(found.to_bits(), alone[state].to_bits(), "{place}: depends on the others");
                    let error = (found - apart[state]).abs();
                    assert!(error <= unit * apart[state], "{place}: {found}, alone {}", apart[state]);
                    assert!(!same_bits || error == 0.0, "{place}: other bits");
                }
            }
        }
    }
}

fn shift(v: usize, k: usize) -> ShiftOperator {
    let space = ContextSpace::new(v, k).unwrap();
    let row = |context: usize| {
        let weight = move |token: usize| ((context * 31 + token * 7919) % 1009) as f64 + 0.5;
        let sum: f64 = (0..v).map(weight).sum();
        (0..v).map(move |token| weight(token) / sum)
    };
    ShiftOperator::new(space, (0..space.len()).flat_map(row).collect()).unwrap()
}

fn sparse(operator: &impl TransitionOperator) -> SparseOperator {
    let row = |s: usize| successors(operator, s).map(move |t| (s as u32, t.state as u32, t.probability));
    let n = operator.states();
    SparseOperator::from_triplets(n, (0..n).flat_map(row).collect()).unwrap()
}

#[test]
fn columns_of_a_block_are_single_products() {
    // Vocabularies around the rows combined at a time, and longer than the sums of a task.
    for (v, k) in
        [(1, 1), (2, 1), (2, 6), (3, 4), (4, 3), (5, 3), (7, 2), (8, 2), (27, 2), (300, 1), (301, 1)]
    {
        let what = format!("{v}^{k}");
        let operator = shift(v, k);
        check(&format!("shift {what}"), &operator, false);
        check(&format!("shift in f32 {what}"), &operator.to_f32(), false);
        check(&format!("sparse {what}"), &sparse(&operator), true);
    }
}

#[test]
fn operators_made_of_others_move_blocks_too() {
    let (shift, sparse) = (shift(5, 3), sparse(&shift(5, 3)));
    let law = Law::normalized(law(125, 4)).unwrap();
    check("restart", &Restart::new(&shift, 0.3, law.clone()).unwrap(), false);
    check("restart of a sparse chain", &Restart::new(&sparse, 0.3, law.clone()).unwrap(), true);
    // States that the law does not enter stay where they are.
    check("reversed", &Reversed::new(&shift, law.clone()).unwrap(), false);
    check("reversed sparse chain", &Reversed::new(&sparse, Law::point(125, 7)).unwrap(), true);
    let boxed: Box<dyn TransitionOperator> = Box::new(sparse);
    check("boxed", &boxed, true);
}

#[test]
fn an_operator_without_blocks_of_its_own_moves_one_column_after_the_other() {
    struct Cycle(usize);
    impl TransitionOperator for Cycle {
        fn states(&self) -> usize {
            self.0
        }
        fn stored_entries(&self) -> usize {
            self.0
        }
        fn longest_sum(&self) -> usize {
            1
        }
        fn push_forward(&self, law: &[f64], next: &mut [f64]) {
            (0..self.0).for_each(|state| next[(state + 1) % self.0] = law[state]);
        }
        fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
            (0..self.0).for_each(|state| expected[state] = observable[(state + 1) % self.0]);
        }
        fn next_successor(&self, state: usize, cursor: usize) -> Option<lmchain::operator::Transition> {
            let next = (state + 1) % self.0;
            (cursor == 0).then_some(lmchain::operator::Transition {
                state: next,
                probability: 1.0,
                cursor: 1,
            })
        }
        fn next_predecessor(&self, state: usize, cursor: usize) -> Option<lmchain::operator::Transition> {
            let before = (state + self.0 - 1) % self.0;
            (cursor == 0).then_some(lmchain::operator::Transition {
                state: before,
                probability: 1.0,
                cursor: 1,
            })
        }
        fn probability(&self, from: usize, to: usize) -> f64 {
            f64::from(u8::from((from + 1) % self.0 == to))
        }
    }
    check("cycle", &Cycle(37), true);
}

#[test]
fn states_with_many_neighbours_or_none_are_summed_right() {
    // State 0 leads to all others alike and all others lead to it: a row and a column
    // of 70,000 entries. State 1 is entered by state 0 alone.
    let n = 70_001u32;
    let p = 1.0 / f64::from(n - 1);
    let transitions = (1..n).flat_map(|state| [(0, state, p), (state, 0, 1.0)]).collect();
    let star = SparseOperator::from_triplets(n as usize, transitions).unwrap();
    let columns = 5;
    let input: Vec<f64> = (0..n as usize * columns).map(|i| (i % columns) as f64).collect();
    let mut next = vec![f64::NAN; input.len()];
    star.push_block(&input, &mut next, columns);
    for column in 0..columns {
        // Whole numbers are added up without rounding.
        assert_eq!(next[column], column as f64 * f64::from(n - 1));
        assert_eq!(next[columns + column], column as f64 * p);
    }
    let single: Vec<f64> = input.iter().skip(3).step_by(columns).copied().collect();
    let mut alone = vec![f64::NAN; single.len()];
    star.pull_back(&single, &mut alone);
    star.pull_block(&input, &mut next, columns);
    // The mean of 70,000 threes, a few hundred additions deep.
    assert!((alone[0] - 3.0).abs() <= 1e-11 && alone[1..].iter().all(|&value| value == 3.0));
    assert!(next.iter().skip(3).step_by(columns).eq(&alone));
    // A state that nothing leads to.
    let way_in = SparseOperator::from_triplets(2, vec![(0, 1, 1.0), (1, 1, 1.0)]).unwrap();
    let mut next = [f64::NAN; 2];
    way_in.push_forward(&[0.25, 0.75], &mut next);
    assert_eq!(next, [0.0, 1.0]);
}

#[test]
fn blocks_of_a_benchmark_chain_stay_laws() {
    let spec = ChainSpec::soft(27, 3);
    let chain = support::shift(&spec);
    let (n, columns) = (chain.len(), 6);
    let mut block = vec![0.0; n * columns];
    (0..columns).for_each(|column| block[(column * 1000) * columns + column] = 1.0);
    let mut next = block.clone();
    for _ in 0..5 {
        chain.operator().push_block(&block, &mut next, columns);
        std::mem::swap(&mut block, &mut next);
    }
    for column in 0..columns {
        let sum: f64 = block[column..].iter().step_by(columns).sum();
        // Five products of 27 terms, and a sum of some 20,000 terms of the size of their mean.
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    }
}
