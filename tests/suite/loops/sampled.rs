//! Loops in walks and in sampled texts.

use lmchain::chain::Start;
use lmchain::loops::{RepetitionLoop, RepetitionSampler, ngram_repetition, window_repetition};
use lmchain::operator::TransitionOperator;
use lmchain::prob::Law;
use lmchain::text::Token;

use super::stationary;
use crate::common::{assert_close, language_model};

/// The mean of samples, and five of its standard errors: a fair sample is
/// farther off once in two million seeds, and the seed is fixed.
fn interval(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, 5.0 * (variance / n).sqrt())
}

#[test]
fn walks_stay_as_long_as_the_formula_says() {
    // The last loop has a step across, from its first state to itself: a new visit.
    for (case, states) in [("C18", &[15][..]), ("C12", &[8]), ("C12", &[2, 6]), ("C22", &[0, 1, 2, 4])] {
        let chain = language_model(case).shift();
        let law = stationary(&chain);
        let cycle = RepetitionLoop::along(&chain, states).unwrap();
        let visits = chain.loop_visits(&cycle, &law).unwrap().unwrap();
        let next = |state: u32| {
            let place = cycle.states().iter().position(|&s| s == state as usize)?;
            Some(cycle.states()[(place + 1) % cycle.len()] as u32)
        };

        // Where visits begin, from the definition: what flows in, but along the loop.
        let mut entered = vec![0.0; chain.len()];
        for from in 0..chain.len() {
            for &to in cycle.states().iter().filter(|&&to| next(from as u32) != Some(to as u32)) {
                entered[to] += law[from] * chain.operator().probability(from, to);
            }
        }
        let entered = Law::normalized(entered).unwrap();
        let walker = chain.walker().unwrap();
        // Of 4,000 walks none outlasts 5,000 steps at 0.99 a step, but once in 10^18.
        let ensemble = walker.ensemble(Start::Law(&entered), 4000, 5000, 11).unwrap();
        let stay =
            |walk: &[u32]| 1 + walk.windows(2).position(|step| next(step[0]) != Some(step[1])).unwrap();
        let stays: Vec<f64> = ensemble.walks().map(|walk| stay(walk) as f64).collect();
        let (mean, error) = interval(&stays);
        assert!((mean - visits.mean_stay).abs() < error, "{case}: {mean} {error} {}", visits.mean_stay);

        let turns: Vec<f64> = stays.iter().map(|stay| ((stay - 1.0) / cycle.len() as f64).floor()).collect();
        let (mean, error) = interval(&turns);
        assert!((mean - visits.mean_turns).abs() < error, "{case}: {mean} {error} {}", visits.mean_turns);

        // From the stationary law every step begins a visit with the same probability.
        let ensemble = walker.ensemble(Start::Law(&law), 4000, 100, 12).unwrap();
        let begins = |step: &&[u32]| next(step[1]).is_some() && next(step[0]) != Some(step[1]);
        let begun = |walk: &[u32]| walk.windows(2).filter(begins).count() as f64 / 100.0;
        let (mean, error) = interval(&ensemble.walks().map(begun).collect::<Vec<_>>());
        assert!((mean - visits.entry_rate).abs() < error, "{case}: {mean} {error} {}", visits.entry_rate);
    }
}

#[test]
fn sampled_repetition_is_near_the_exact_expectation() {
    let chain = language_model("C12").shift();
    let (length, n, w, start) = (7, 2, 3, 5);
    // Every text of seven tokens, with its probability.
    let (mut ngrams, mut window, mut total) = (0.0, 0.0, 0.0);
    for number in 0..3usize.pow(length as u32) {
        let tokens: Vec<Token> =
            (0..length).map(|place| (number / 3usize.pow(place as u32) % 3) as Token).collect();
        let (mut state, mut p) = (start, 1.0);
        for &token in &tokens {
            let next = state % 3 * 3 + token as usize;
            p *= chain.operator().probability(state, next);
            state = next;
        }
        ngrams += p * ngram_repetition(&tokens, n).unwrap();
        window += p * window_repetition(&tokens, w).unwrap();
        total += p;
    }
    assert_close(total, 1.0, 1e-14, "all texts");
    let sampler = RepetitionSampler::new().ngram(n).window(w).steps(length).walks(20_000).seed(3);
    let estimate = sampler.estimate(&chain, Start::State(start)).unwrap();
    for (found, exact) in [(estimate.ngrams, ngrams), (estimate.window, window)] {
        assert!(found.standard_error > 0.0 && found.standard_error < 0.01);
        assert!((found.mean - exact).abs() < 5.0 * found.standard_error, "{found:?} {exact}");
    }
}
