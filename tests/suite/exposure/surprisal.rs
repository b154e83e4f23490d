//! Surprisal less entropy: false alarms, power, and the slow sums.

use lmchain::Error;
use lmchain::chain::{MarkovChain, Start};
use lmchain::exposure::{SurprisalMonitor, SurprisalTest};
use lmchain::model::{LanguageModel, TableModel};

use super::sticky;
use crate::common::assert_close;

/// Texts that a model writes.
fn texts(model: &TableModel, count: usize, tokens: usize, seed: u64) -> Vec<Vec<u32>> {
    let chain = MarkovChain::enumerated(model).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    let walker = chain.walker().unwrap();
    let walks = walker.ensemble(Start::Law(&law), count, tokens, seed).unwrap();
    let text = |walk: &[u32]| {
        let start = chain.states().tokens(walk[0] as usize);
        let rest = walk[1..].iter().map(|&state| chain.states().newest_token(state as usize));
        start.into_iter().chain(rest).collect()
    };
    walks.walks().map(text).collect()
}

#[test]
fn false_alarms_are_as_rare_as_promised() {
    let (_, q, _) = sticky();
    let trials = 2000;
    for false_alarms in [0.2, 0.05] {
        let test = SurprisalTest::new().false_alarms(false_alarms);
        let alarms = texts(&q, trials, 300, 17)
            .iter()
            .filter(|text| test.measure(&q, text).unwrap().alarm().is_some())
            .count();
        // More than this has a chance below 1e-9 (Hoeffding 1963) if each has at most the one promised.
        let slack = (trials as f64 * 1e9f64.ln() / 2.0).sqrt();
        assert!(alarms as f64 <= false_alarms * trials as f64 + slack, "{alarms} of {trials}");
        assert!(alarms > 0, "a test that never rings says nothing here");
    }
}

#[test]
fn z_is_about_standard_normal_late_in_a_text_of_the_model() {
    let (_, q, _) = sticky();
    let found: Vec<f64> = texts(&q, 1000, 1000, 23)
        .iter()
        .map(|text| *SurprisalTest::new().measure(&q, text).unwrap().z().last().unwrap())
        .collect();
    let mean = found.iter().sum::<f64>() / 1000.0;
    let square = found.iter().map(|z| z * z).sum::<f64>() / 1000.0;
    // Six standard errors of a thousand draws, and as much for a limit not yet reached.
    assert!(mean.abs() < 12.0 / 1000f64.sqrt(), "{mean}");
    assert!((square - 1.0).abs() < 12.0 * (2.0f64 / 1000.0).sqrt(), "{square}");
}

#[test]
fn text_of_the_data_is_told_from_that_of_the_model() {
    let (p, q, _) = sticky();
    for text in texts(&p, 20, 2000, 5) {
        let path = SurprisalTest::new().measure(&q, &text).unwrap();
        assert!(path.alarm().is_some_and(|tokens| tokens < 2000));
        // The data break out of the loop more often than the model expects.
        assert!(*path.z().last().unwrap() > 0.0);
    }
}

#[test]
fn paths_are_the_slow_sums() {
    let (p, q, _) = sticky();
    let text = &texts(&p, 1, 50, 2)[0];
    let path = SurprisalTest::new().measure(&q, text).unwrap();
    let (mut deviation, mut variance) = (0.0, 0.0);
    let mut monitor = SurprisalMonitor::new();
    for (n, window) in text.windows(4).enumerate() {
        let mut law = [0.0; 2];
        q.next_token_law(&window[..3], &mut law).unwrap();
        let bits = law.map(|p| -p.log2());
        let entropy = law[0] * bits[0] + law[1] * bits[1];
        deviation += bits[window[3] as usize] - entropy;
        variance += law[0] * bits[0] * bits[0] + law[1] * bits[1] * bits[1] - entropy * entropy;
        assert_close(path.deviation()[n], deviation, 1e-12, "deviation");
        assert_close(path.variance()[n], variance, 1e-12, "variance");
        if deviation.abs() > 1e-10 {
            assert_close(path.z()[n], deviation / variance.sqrt(), 1e-9, "z");
        }
        monitor.push(&law, window[3]).unwrap();
        assert_eq!(path.evidence()[n], monitor.evidence());
        assert_close(monitor.p_value(), (-monitor.evidence()).exp2().min(1.0), 0.0, "p-value");
    }
    assert_eq!(monitor.tokens(), 50);
    assert_close(path.threshold(), 100f64.log2(), 1e-12, "threshold");
}

#[test]
fn batches_and_threads_do_not_change_a_bit() {
    let (p, q, _) = sticky();
    let text = &texts(&p, 1, 10_000, 9)[0];
    let measure = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| SurprisalTest::new().measure(&q, text).unwrap())
    };
    assert_eq!(measure(1), measure(3));
    let whole = measure(2);
    let part = SurprisalTest::new().measure(&q, &text[..5003]).unwrap();
    assert_eq!(part.evidence(), &whole.evidence()[..5000]);
}

#[test]
fn an_impossible_token_rings_at_once() {
    let sure = TableModel::from_rows(1, &[[1.0, 0.0], [0.5, 0.5]]).unwrap();
    let path = SurprisalTest::new().measure(&sure, &[0, 0, 0, 1, 1]).unwrap();
    assert_eq!(path.alarm(), Some(3));
    assert_eq!(path.evidence()[3], f64::INFINITY);
}

#[test]
fn refusals_are_typed() {
    let (p, _, _) = sticky();
    let measure = |tokens: &[u32]| SurprisalTest::new().measure(&p, tokens).map(|_| ());
    assert!(matches!(measure(&[0, 0, 0]), Err(Error::TextTooShort { needed: 4 })));
    assert!(matches!(measure(&[0, 0, 0, 2]), Err(Error::TokenOutOfRange { token: 2, .. })));
    let refused = SurprisalTest::new().false_alarms(0.0).measure(&p, &[0; 9]);
    assert!(matches!(refused, Err(Error::InvalidSetting { name: "false_alarms", .. })));
}
