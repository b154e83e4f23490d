//! The chain on sets, and its timescales at longer lags.

use lmchain::chain::MarkovChain;
use lmchain::metastable::MetastableSolver;
use lmchain::prob::Law;
use lmchain::topics::{Memberships, Topics};
use ndarray::Array2;

use crate::common::{assert_close, language_model, matrices};

/// Three sets that pass states on, more one way round than the other.
fn passing() -> MarkovChain<lmchain::operator::ShiftOperator> {
    let weight = |from: usize, to: usize| match (to / 3 + 3 - from / 3) % 3 {
        0 => 1.0 + ((from * 7 + to * 3) % 5) as f64,
        1 => 0.05 * ((from + to) % 3) as f64,
        _ => 0.01 * ((from * to) % 2) as f64,
    };
    let mut matrix = Array2::from_shape_fn((9, 9), |(from, to)| weight(from, to));
    for mut row in matrix.rows_mut() {
        let sum = row.sum();
        row /= sum;
    }
    MarkovChain::from_dense(matrix.view()).unwrap()
}

#[test]
fn memberships_of_an_invariant_subspace_keep_its_eigenvalues_at_every_lag() {
    let chain = passing();
    let law = chain.stationary().unwrap().converged().unwrap();
    let found = MetastableSolver::new().sets(3).tolerance(1e-12).solve(&chain, &law).unwrap();
    let found = found.converged().unwrap();
    let once = found.coarse().matrix().clone();
    let mut power = once.clone();
    for steps in 1..=6u32 {
        let coarse = chain.coarse_grained(&law, found.memberships(), steps).unwrap();
        // Chapman and Kolmogorov: the lag-t matrix is the t-th power.
        for (found, expected) in coarse.matrix().iter().zip(&power) {
            assert_close(*found, *expected, 1e-10, "entry");
        }
        for (k, value) in coarse.eigenvalues().unwrap().iter().enumerate() {
            let expected = found.spectrum().eigenvalues()[k].power(steps);
            assert_close(value.modulus(), expected.modulus(), 1e-10, "eigenvalue");
        }
        let exact = found.spectrum().eigenvalues()[1].implied_timescale();
        assert_close(coarse.implied_timescales().unwrap()[0], exact, 1e-8, "timescale");
        power = power.dot(&once);
    }
    for row in once.rows() {
        assert_close(row.sum(), 1.0, 1e-12, "row sum");
    }
    // The law of the sets is stationary for the chain on them.
    let masses = ndarray::Array1::from(found.coarse().law().clone());
    for (after, before) in masses.dot(&once).iter().zip(&masses) {
        assert_close(*after, *before, 1e-9, "law of the sets");
    }
}

#[test]
fn timescales_of_a_partition_grow_towards_the_exact_ones() {
    let case = matrices().into_iter().find(|case| case.name == "gpcca_mu0").unwrap();
    let chain = case.shift();
    let law = chain.stationary().unwrap().converged().unwrap();
    let found = MetastableSolver::new().sets(3).solve(&chain, &law).unwrap().converged().unwrap();
    let crisp = Memberships::of_topics(&found.memberships().largest());
    let exact = found.spectrum().eigenvalues()[1].implied_timescale();
    let mut before = 0.0;
    for steps in [1, 2, 5, 20, 100, 400] {
        let coarse = chain.coarse_grained(&law, &crisp, steps).unwrap();
        assert_eq!(coarse.steps(), steps);
        let timescale = coarse.implied_timescales().unwrap()[0];
        // The chain is reversible: the variational principle.
        assert!(
            timescale > before && timescale < exact * (1.0 + 1e-9),
            "{steps}: {timescale}, exact {exact}"
        );
        before = timescale;
    }
    // The relative error falls like 1/steps: -ln of the overlap with the exact
    // vector, which is near 1, is divided by the steps.
    assert!(before > 0.99 * exact);
}

#[test]
fn timescales_of_a_partition_may_be_too_long_if_the_chain_is_not_reversible() {
    // Fair bits: a window of two forgets all in two steps, its eigenvalues but the 1 are 0.
    let chain = ndarray::array![
        [0.5, 0.5, 0.0, 0.0],
        [0.0, 0.0, 0.5, 0.5],
        [0.5, 0.5, 0.0, 0.0],
        [0.0, 0.0, 0.5, 0.5]
    ];
    let chain = MarkovChain::from_dense(chain.view()).unwrap();
    let both =
        Topics::by_state(chain.states(), ["not both", "both"], |state| usize::from(state == 3)).unwrap();
    let both = Memberships::of_topics(&both);
    // After "both" it is both with 1/2; after the other three with 1/6.
    for (steps, eigenvalue) in [(1, 1.0 / 3.0), (2, 0.0), (3, 0.0)] {
        let coarse = chain.coarse_grained(&Law::uniform(4), &both, steps).unwrap();
        assert_close(coarse.eigenvalues().unwrap()[1].re, eigenvalue, 1e-14, "second eigenvalue");
    }
}

#[test]
fn the_two_topics_of_c21_are_the_sets_of_its_chain() {
    // Two topics of two tokens; whether a topic is kept does not depend on the token.
    let case = language_model("C21");
    let chain = case.shift();
    let law = chain.stationary().unwrap().converged().unwrap();
    let found = MetastableSolver::new().sets(2).solve(&chain, &law).unwrap().converged().unwrap();
    let topics = found.memberships().largest();
    assert_eq!(topics.of_state(0), topics.of_state(1));
    assert_eq!(topics.of_state(2), topics.of_state(3));
    assert_ne!(topics.of_state(0), topics.of_state(2));
    assert_close(found.spectrum().eigenvalues()[1].re, 0.85, 1e-9, "lambda");
    // Topics are left once in 20 and once in 10 steps (science of the case: sojourns 20 and 10).
    assert_close(found.coarse().matrix()[[0, 1]], 0.05, 1e-9, "leaving the larger");
    assert_close(found.coarse().matrix()[[1, 0]], 0.1, 1e-9, "leaving the smaller");
}

#[test]
fn a_law_that_is_not_stationary_weighs_but_does_not_move_the_sets() {
    let chain = passing();
    let stationary = chain.stationary().unwrap().converged().unwrap();
    let topics = |law: &Law| {
        let found = MetastableSolver::new().sets(3).solve(&chain, law).unwrap().converged().unwrap();
        let topics = found.memberships().largest();
        (0..9).map(|state| topics.of_state(state) == topics.of_state(0)).collect::<Vec<_>>()
    };
    assert_eq!(topics(&stationary), topics(&Law::uniform(9)));
}
