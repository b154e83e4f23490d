//! Resets that are so rare that a share of all excursions says nothing of them.

use lmchain::Error;
use lmchain::chain::{MarkovChain, StateSet, States};
use lmchain::operator::SparseOperator;
use lmchain::reverse::{End, ResetHistorySettings};
use lmchain::stationary::{StationaryMethod, StationarySolver};
use proptest::prelude::*;

fn sparse(states: usize, rows: Vec<(u32, u32, f64)>) -> MarkovChain<SparseOperator> {
    MarkovChain::new(SparseOperator::from_triplets(states, rows).unwrap(), States::numbered(states))
}

#[test]
fn the_past_may_rest_on_a_reset_of_probability_1e_minus_16() {
    let p = 1e-16;
    let mut rows = vec![(0, 0, 1.0 - p), (0, 2, p), (2, 1, 1.0), (1, 3, 0.5), (1, 0, 0.5), (3, 0, 1.0)];
    let (resets, end) = (StateSet::of(4, [0, 1]).unwrap(), StateSet::of(4, [3]).unwrap());
    let chain = sparse(4, rows.clone());
    let found = chain.histories_since_reset(&resets, End::In(&end)).unwrap().converged().unwrap();
    let best = found.most_probable(2).unwrap();
    assert_eq!(best.len(), 1);
    assert_eq!((&best[0].states[..], best[0].posterior), (&[1, 3][..], 1.0));

    // The chain is reset in 1 once for 1/p times in 0, and goes on to the end with
    // 1/2; from 0 it goes there at once with 1e-25.
    rows.push((0, 3, 1e-25));
    let chain = sparse(4, rows);
    let outcome = chain.histories_since_reset(&resets, End::In(&end)).unwrap();
    assert!(outcome.report().error_bound.unwrap() <= 1e-12);
    let best = outcome.converged().unwrap().most_probable(2).unwrap();
    assert_eq!([&best[0].states[..], &best[1].states[..]], [[1, 3], [0, 3]]);
    // 1 - p is rounded, to a relative error of an eps; so are some ten operations.
    let odds = 1e-25 / (p * 0.5);
    assert!((best[1].posterior / (odds / (1.0 + odds)) - 1.0).abs() <= 64.0 * f64::EPSILON);
}

/// Chains of six states with transitions from 1 down to 1e-20, which come to 0
/// with a probability of a quarter or more a step.
fn uneven() -> impl Strategy<Value = MarkovChain<SparseOperator>> {
    let weight = prop_oneof![2 => Just(0.0), 3 => (0..20i32).prop_map(|power| 10f64.powi(-power))];
    prop::collection::vec(weight, 36).prop_map(|mut weights| {
        for row in weights.chunks_exact_mut(6) {
            row[0] += f64::from(u8::from(row.iter().all(|weight| *weight == 0.0)));
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|weight| *weight *= 0.75 / sum);
            row[0] += 0.25;
        }
        let entry = |i: usize| ((i / 6) as u32, (i % 6) as u32, weights[i]);
        sparse(6, (0..36).map(entry).filter(|(.., p)| *p > 0.0).collect())
    })
}

proptest! {
    #[test]
    fn the_law_of_resets_has_the_same_digits_for_the_rarest(
        chain in uneven(), tolerance in prop_oneof![Just(1e-12), Just(1e-3), Just(0.2)],
    ) {
        let classes = chain.classes();
        let recurs = |state: usize| classes.is_recurrent(classes.class_of(state));
        let resets = StateSet::by_state(6, |state| state < 3 && recurs(state));
        let pi = StationarySolver::new().method(StationaryMethod::Gth).solve(&chain);
        let pi = pi.unwrap().converged().unwrap().unique().unwrap();
        let expected = chain.law_within(&pi, &resets).unwrap();

        // A history that ends in a reset is that reset alone.
        let settings = ResetHistorySettings::new().tolerance(tolerance);
        let outcome = settings.solve(&chain, &resets, End::In(&resets)).unwrap();
        let bound = outcome.report().error_bound.unwrap();
        prop_assert!(bound <= tolerance);
        let found = outcome.converged().unwrap().most_probable(9).unwrap();
        prop_assert_eq!(found.len(), resets.len());

        // Ratios to the truth are within a factor of (1 + tolerance / r)^(r - 1)
        // of each other. Excursions end with a quarter or more a step, and the
        // rarest reset is met with 1e-80 or more: what is left of them is small
        // enough after a thousand steps, of up to ten roundings each, and an error
        // of the rows counts twice for each of six states.
        let rounding = 12.0 * 1e4 * f64::EPSILON;
        let factor = (1.0 + tolerance / resets.len() as f64).powi(2 * (resets.len() as i32 - 1));
        let mut distance = 0.0;
        for history in &found {
            let expected = expected[history.states[0]];
            let ratio = history.ln_weight.exp() / expected;
            prop_assert!(ratio <= factor * (1.0 + rounding) && ratio * factor >= 1.0 - rounding, "{}", ratio);
            distance += 0.5 * (history.posterior - expected).abs();
        }
        prop_assert!(distance <= bound + rounding, "{} {}", distance, bound);
    }
}

#[test]
fn a_reset_too_rare_for_a_number_is_no_zero() {
    let rare = 1e-200;
    // 0 -> 2 -> 1, each step once in 1e200.
    let rows = vec![(0, 0, 1.0), (0, 2, rare), (2, 0, 1.0), (2, 1, rare), (1, 0, 1.0)];
    let resets = StateSet::of(3, [0, 1]).unwrap();
    let refused = sparse(3, rows).histories_since_reset(&resets, End::In(&resets)).map(|_| ());
    assert!(matches!(refused, Err(Error::Underflow { state: 0 })), "{refused:?}");
    // Resets that are landed in, but one after the other.
    let rows = vec![(0, 0, 1.0), (0, 1, rare), (1, 0, 1.0), (1, 2, rare), (2, 0, 1.0)];
    let resets = StateSet::of(3, [0, 1, 2]).unwrap();
    let refused = sparse(3, rows).histories_since_reset(&resets, End::In(&resets)).map(|_| ());
    assert!(matches!(refused, Err(Error::Underflow { state: 2 })), "{refused:?}");
}

#[test]
fn more_resets_than_can_be_eliminated_are_refused() {
    let n = 5000;
    let cycle = sparse(n, (0..n as u32).map(|i| (i, (i + 1) % n as u32, 1.0)).collect());
    let resets = StateSet::by_state(n, |state| state != 7);
    let refused = cycle.histories_since_reset(&resets, End::In(&resets)).map(|_| ());
    assert!(matches!(refused, Err(Error::TooExpensive { .. })), "{refused:?}");
}
