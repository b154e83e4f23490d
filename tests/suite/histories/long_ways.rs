//! Ways so long, or so improbable, that their probability is no floating-point number.

use lmchain::chain::{MarkovChain, Start, StateSet, States};
use lmchain::operator::SparseOperator;
use lmchain::prob::entropy;
use lmchain::reverse::{End, HistorySettings};

use crate::common::assert_all_close;

/// A ladder of `rungs` steps up of probability 1/1000; a miss leads to the bottom.
fn ladder(rungs: usize) -> MarkovChain<SparseOperator> {
    let rung = |i: usize| {
        let up = (i as u32, (i + 1).min(rungs) as u32, 1e-3);
        [up, (i as u32, 0, 1.0 - 1e-3)]
    };
    let operator = SparseOperator::from_triplets(rungs + 1, (0..=rungs).flat_map(rung).collect()).unwrap();
    MarkovChain::new(operator, States::numbered(rungs + 1))
}

#[test]
fn a_probability_of_1e_minus_900_does_not_underflow() {
    let chain = ladder(300);
    let top = StateSet::of(301, [300]).unwrap();
    let found = chain.histories(Start::State(0), End::FirstIn(&top), 300).unwrap();
    // The bottom stays the most probable state, so the logarithm of the way up,
    // in units of it, grows to 2073, and is rounded twice a step at that size.
    let rounding = 600.0 * 2073.0 * f64::EPSILON;
    let expected = 300.0 * 1e-3_f64.ln();
    assert!((found.ln_probability() - expected).abs() <= rounding);
    assert_eq!(found.probability(), 0.0);
    let best = found.most_probable(3).unwrap();
    assert_eq!(best.len(), 1);
    assert!(best[0].states.iter().copied().eq(0..=300));
    assert!((best[0].posterior - 1.0).abs() <= rounding);
    assert_eq!(found.sample(2, 3).unwrap()[1].states, best[0].states);
    assert!(found.entropy().unwrap().abs() <= rounding);
    // With a step to spare, it waits at the bottom or at the top.
    let longer = chain.histories(Start::State(0), End::In(&top), 301).unwrap();
    let ways = [(1.0 - 1e-3_f64).ln(), 1e-3_f64.ln()];
    let sum = expected + ways.iter().map(|way| way.exp()).sum::<f64>().ln();
    assert!((longer.ln_probability() - sum).abs() <= 2.0 * rounding);
    let law = longer.law_at(1).unwrap();
    assert!((law[0] - (1.0 - 1e-3)).abs() <= 2.0 * rounding && (law[1] - 1e-3).abs() <= 2.0 * rounding);
}

#[test]
fn a_hundred_thousand_steps_neither_underflow_nor_fill_memory() {
    // Two states that are left for good with probability 0.1 a step, and are
    // swapped with 0.3.
    let steps = 100_000;
    let rows = [(0, 0, 0.6), (0, 1, 0.3), (0, 2, 0.1), (1, 0, 0.3), (1, 1, 0.6), (1, 2, 0.1), (2, 2, 1.0)];
    let operator = SparseOperator::from_triplets(3, rows.to_vec()).unwrap();
    let chain = MarkovChain::new(operator, States::numbered(3));
    let n = steps as f64;
    // The scale is added up without loss, and the states on the way are the most
    // probable ones: each step adds a few eps.
    let rounding = n * 4.0 * f64::EPSILON;

    // 27 of 100,001 messages are kept, of 72 bytes, besides those that are worked on.
    let settings = HistorySettings::new().memory_limit(37 * 72);
    let left = StateSet::of(3, [2]).unwrap();
    let found = settings.solve(&chain, Start::State(0), End::FirstIn(&left), steps).unwrap();
    assert!((found.ln_probability() - ((n - 1.0) * 0.9_f64.ln() + 0.1_f64.ln())).abs() <= rounding);
    let mut last = steps + 1;
    found
        .for_each_law(|time, law| {
            assert_eq!(time + 1, last);
            last = time;
            let even = 0.5 * (1.0 + (1.0_f64 / 3.0).powi(time as i32));
            let expected = if time == steps { [0.0, 0.0, 1.0] } else { [even, 1.0 - even, 0.0] };
            assert_all_close(law, &expected, rounding, "law given the end");
            Ok(())
        })
        .unwrap();
    assert_eq!(last, 0);
    // Swaps are independent with chance 1/3 given that the states are not left.
    let swap = entropy(&[1.0 / 3.0, 2.0 / 3.0]);
    assert!((found.entropy().unwrap() - (n - 1.0) * swap).abs() <= n * rounding);
    let histories =
        HistorySettings::new().solve(&chain, Start::State(0), End::FirstIn(&left), steps).unwrap();
    let best = histories.most_probable(2).unwrap();
    let expected = (n - 1.0) * 0.6_f64.ln() + 0.1_f64.ln();
    assert!(best[0].states[..steps].iter().all(|&state| state == 0));
    assert!((best[0].ln_weight - expected).abs() <= rounding);
    assert!((best[1].ln_weight - (expected - 2f64.ln())).abs() <= rounding);
    // The number of swaps: mean n/3, standard deviation sqrt(2n/9); five of them
    // are exceeded by one seed in a million.
    let sample = &histories.sample(1, 7).unwrap()[0].states[..steps];
    let swaps = sample.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64;
    assert!((swaps - n / 3.0).abs() < 5.0 * (2.0 * n / 9.0).sqrt());

    // To be in the first state after n steps has probability (0.9^n + 0.3^n) / 2.
    // Here to have left is e^10,536 times as probable, and the logarithm in units
    // of it is rounded at that size.
    let first = StateSet::of(3, [0]).unwrap();
    let found = settings.solve(&chain, Start::State(0), End::In(&first), steps).unwrap();
    let expected = n * 0.9_f64.ln() - 2f64.ln();
    assert!((found.ln_probability() - expected).abs() <= 10_537.0 * rounding);
}
