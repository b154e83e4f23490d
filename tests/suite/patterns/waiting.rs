//! Waiting times: closed forms, and limits of the law of occurrence.

use lmchain::chain::Start;
use lmchain::passage::{Overlap, Patterns};
use lmchain::prob::Law;
use lmchain::text::{ContextSpace, Token};
use proptest::prelude::*;

use super::{OVERLAPS, patterns, shift};

/// Lengths, from 1, of the prefixes that a string also ends with.
fn overlaps(string: &[Token]) -> impl Iterator<Item = usize> {
    (1..=string.len()).filter(|&length| string[..length] == string[string.len() - length..])
}

proptest! {
    #[test]
    fn independent_letters_take_conways_time(
        weights in prop::collection::vec(0.1..1.0f64, 2..5),
        string in prop::collection::vec(0u32..2, 1..7),
    ) {
        let v = weights.len();
        let letters = Law::normalized(weights).unwrap();
        let chain = shift(ContextSpace::new(v, 1).unwrap(), letters.repeat(v));
        let p = |tokens: &[Token]| tokens.iter().map(|&token| letters[token as usize]).product::<f64>();
        let m = string.len();
        let mean: f64 = overlaps(&string).map(|length| 1.0 / p(&string[..length])).sum();
        // The generating function of P(T > n) is C / D with C the correlation
        // polynomial and D = P z^m + (1 - z) C; the derivative at 1 gives
        // E[T (T - 1)] / 2 (Guibas & Odlyzko 1981, section 1).
        let whole = p(&string);
        let tails = || overlaps(&string).map(|length| (p(&string[length..]), (m - length) as f64));
        let c: f64 = tails().map(|(p, _)| p).sum();
        let slope: f64 = tails().map(|(p, power)| p * power).sum();
        let factorial = 2.0 * (slope * whole - c * (m as f64 * whole - c)) / (whole * whole);
        let variance = factorial + mean - mean * mean;
        let patterns = Patterns::new(v, [&string]).unwrap();
        let time = chain.waiting_time(&patterns, Start::State(0), Overlap::Fresh).unwrap().converged().unwrap();
        // Every sum is of at most 7 terms of at most 7 factors; the variance
        // is a difference of terms of about the squared mean.
        let error = 32.0 * f64::EPSILON;
        prop_assert!((time.mean.midpoint() - mean).abs() <= time.mean.width() + error * mean);
        let slack = time.variance.width() + 4.0 * error * (factorial.abs() + mean * mean);
        prop_assert!((time.variance.midpoint() - variance).abs() <= slack, "{time:?} {variance}");
        prop_assert!(time.mean.width() <= 1e-8 * mean && time.variance.width() <= 1e-6 * mean * mean);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn waiting_times_and_races_are_the_limits_of_their_laws(
        zeros in prop::collection::vec(0.3..0.7f64, 4),
        strings in prop::collection::hash_set(prop::collection::vec(0u32..2, 1..4), 1..4),
        start in 0usize..4,
    ) {
        let chain = shift(ContextSpace::new(2, 2).unwrap(), zeros.iter().flat_map(|&p| [p, 1.0 - p]).collect());
        let patterns = Patterns::new(2, strings).unwrap();
        // Any 3 tokens in a row are said with a chance of 0.3^3 = 0.027 or more, so
        // that P(T > t) <= 0.973^(t / 3 - 1): below 1e-23 after these, and so is
        // what is left of the sums below, but for a factor of 10^6.
        let steps = 6000;
        let mixed = Law::new(vec![0.25, 0.25, 0.5, 0.0]).unwrap();
        for (start, overlap) in [Start::State(start), Start::Law(&mixed)].into_iter().flat_map(|s| OVERLAPS.map(|o| (s, o))) {
            let law = chain.pattern_law(&patterns, start, overlap, steps).unwrap();
            let survival = |t: usize| law.not_within(t);
            let mean: f64 = (0..=steps).map(survival).sum();
            let square: f64 = (0..=steps).map(|t| (2 * t + 1) as f64 * survival(t)).sum();
            let time = chain.waiting_time(&patterns, start, overlap).unwrap().converged().unwrap();
            // Relative errors: survival at t has some 16 t roundings, so the mean
            // and the mean square have as many as their own mean times; the
            // sums add terms of one sign, most of them at once.
            let roundings = 16.0 * (square / mean.max(1.0) + 1.0) * 4.0 + 64.0;
            let error = roundings * f64::EPSILON;
            prop_assert!((time.mean.midpoint() - mean).abs() <= time.mean.width() + error * mean);
            let slack = time.variance.width() + 4.0 * error * square;
            prop_assert!((time.variance.midpoint() - (square - mean * mean)).abs() <= slack);
            let race = chain.pattern_race(&patterns, start, overlap).unwrap().converged().unwrap();
            for (pattern, first) in race.iter().enumerate() {
                let within = law.first_within(pattern, steps);
                prop_assert!((first.midpoint() - within).abs() <= first.width() + error);
            }
        }
    }
}

#[test]
fn a_string_that_may_never_occur_takes_for_ever() {
    // From 0 the text goes on with ones, or with twos, for ever.
    let rows = [[0.0, 0.25, 0.75], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].concat();
    let chain = shift(ContextSpace::new(3, 1).unwrap(), rows);
    let ones = patterns(3, &["11"]);
    let time = chain.waiting_time(&ones, Start::State(0), Overlap::Fresh).unwrap().converged().unwrap();
    assert_eq!((time.mean.lower, time.variance.lower), (f64::INFINITY, f64::INFINITY));
    let ever = chain.pattern_race(&ones, Start::State(0), Overlap::Fresh).unwrap().converged().unwrap();
    assert!(ever[0].contains(0.25) && ever[0].width() < 1e-12, "{ever:?}");
    let time = chain.waiting_time(&ones, Start::State(1), Overlap::Fresh).unwrap().converged().unwrap();
    assert!(time.mean.contains(2.0) && time.variance.contains(0.0), "{time:?}");
}
