//! Histories drawn follow their law.

use lmchain::chain::{Start, StateSet};
use lmchain::reverse::{End, History};

use super::{all_histories, uneven_law};
use crate::common::language_model;

/// The largest chi-square of `cells` that one seed in a million exceeds, at
/// most: `P(X > d + 2 sqrt(d x) + 2 x) <= e^-x` (Laurent and Massart 2000, lemma 1).
fn largest_chi_square(cells: usize) -> f64 {
    let (freedom, x) = (cells as f64 - 1.0, 1e6_f64.ln());
    freedom + 2.0 * (freedom * x).sqrt() + 2.0 * x
}

#[test]
fn samples_follow_the_posterior_of_whole_histories() {
    let case = language_model("C12");
    let chain = case.shift();
    let start = uneven_law(9);
    let bad = StateSet::of(9, [8, 4]).unwrap();
    for end in [End::In(&bad), End::FirstIn(&bad)] {
        let all = all_histories(&chain, &start, end, 3);
        let total: f64 = all.iter().map(|(_, p)| p).sum();
        let draws = 40_000;
        let samples = chain.histories(Start::Law(&start), end, 3).unwrap().sample(draws, 11).unwrap();
        // Cells of fewer than ten draws expected are put together.
        let (mut chi_square, mut cells, mut rest) = (0.0, 0, (0.0, 0.0));
        let mut count = |expected: f64, found: f64| {
            chi_square += (found - expected).powi(2) / expected;
            cells += 1;
        };
        for (states, p) in &all {
            let expected = p / total * draws as f64;
            let found = samples.iter().filter(|history| history.states == *states).count() as f64;
            if expected >= 10.0 { count(expected, found) } else { rest = (rest.0 + expected, rest.1 + found) }
        }
        if rest.0 > 0.0 {
            count(rest.0, rest.1);
        }
        assert!(chi_square < largest_chi_square(cells), "{chi_square} in {cells} cells");
    }
}

#[test]
fn ages_and_histories_since_a_reset_are_drawn_from_their_law() {
    let chain = language_model("C12").shift();
    let (resets, bad) = (StateSet::of(9, [0, 4]).unwrap(), StateSet::of(9, [8]).unwrap());
    let found = chain.histories_since_reset(&resets, End::In(&bad)).unwrap().converged().unwrap();
    let draws = 20_000;
    let samples = found.sample(draws, 5).unwrap();
    // Ages up to 15, then all others together, each expected ten times or more.
    let ages = found.age_law();
    let cells = 2..16;
    let expected: Vec<f64> = cells.clone().map(|age| ages[age] * draws as f64).collect();
    let rest = draws as f64 - expected.iter().sum::<f64>();
    assert!(ages[0] == 0.0 && expected.iter().skip(1).all(|&e| e >= 10.0) && rest >= 10.0);
    let mut chi_square = 0.0;
    let mut others = draws as f64;
    for (age, expected) in cells.clone().zip(&expected) {
        let drawn = samples.iter().filter(|history| history.steps() == age).count() as f64;
        chi_square += if *expected > 0.0 { (drawn - expected).powi(2) / expected } else { drawn };
        others -= drawn;
    }
    chi_square += (others - rest).powi(2) / rest;
    assert!(chi_square < largest_chi_square(cells.len() + 1), "{chi_square}");
    // The state two steps before the end, given that the reset was not later.
    let law = found.law_before(2).unwrap();
    let older: Vec<&History> = samples.iter().filter(|history| history.steps() >= 2).collect();
    let chi_square: f64 = (0..9)
        .filter(|&state| law[state] > 0.0)
        .map(|state| {
            let drawn = older.iter().filter(|history| history.states[history.steps() - 2] == state).count();
            let expected = law[state] * older.len() as f64;
            (drawn as f64 - expected).powi(2) / expected
        })
        .sum();
    assert!(chi_square < largest_chi_square(9), "{chi_square}");
}
