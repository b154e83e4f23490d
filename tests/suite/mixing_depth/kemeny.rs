//! Kemeny's constant and implied timescales.

use std::ops::ControlFlow;

use lmchain::chain::{MarkovChain, States};
use lmchain::error::Error;
use lmchain::mixing::KemenyEstimator;
use lmchain::model::NgramSettings;
use lmchain::operator::{Restart, SparseOperator, TransitionOperator};
use lmchain::prob::Law;
use lmchain::solve::{Progress, Stop};
use lmchain::text::{CorpusSettings, DocumentEnd, Tokenizer};
use nalgebra::DMatrix;
use proptest::prelude::*;

use super::stationary;
use crate::common::tables::{shift, tables};
use crate::common::{assert_all_close, assert_close, language_models, matrices, numbers};

#[test]
fn kemeny_agrees_with_the_cases() {
    let mut seen = 0;
    for case in language_models().into_iter().chain(matrices()) {
        let value = |key: &str| {
            let found = case.expected.get(key).or_else(|| case.derived.get(key));
            found.and_then(serde_json::Value::as_f64)
        };
        let Some(expected) = value("kemeny_constant").or(value("kemeny_zero_diag")) else { continue };
        for (operator, _, chain) in case.chains() {
            let kemeny = chain.kemeny_constant(&stationary(&chain)).unwrap();
            let what = format!("{} ({operator})", case.name);
            // The cases were derived in double precision: where the constant is 3·10^14
            // they have three digits, and the right ones are those of 80-digit arithmetic.
            let is_stiff = case.name == "qe_kmr_N3_eps1e-14";
            let (expected, tolerance) =
                if is_stiff { (300_000_000_000_004.0, 1e-14) } else { (expected, 1e-10) };
            assert_close(kemeny.zero_diagonal() / expected, 1.0, tolerance, &what);
            assert_eq!(kemeny.return_diagonal(), kemeny.zero_diagonal() + 1.0);
            if let Some(expected) = value("kemeny_return_diag") {
                assert_close(kemeny.return_diagonal(), expected, 1e-10, &what);
            }
        }
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}

/// `1/(1 - lambda)` over all eigenvalues but the one, by the trace of `(I - P + 1 pi)^-1`.
fn trace<O: TransitionOperator>(chain: &MarkovChain<O>, law: &Law) -> f64 {
    let n = chain.len();
    let entry =
        |i: usize, j: usize| f64::from(u8::from(i == j)) - chain.operator().probability(i, j) + law[j];
    DMatrix::from_fn(n, n, entry).try_inverse().unwrap().trace() - 1.0
}

#[test]
fn nearly_decomposable_chains_keep_their_digits() {
    // Two states, a and b: pi = (b, a)/(a + b), one eigenvalue 1 - a - b.
    for (a, b) in [(1e-14, 3e-14), (1e-200, 2e-250), (0.5, 1e-9)] {
        let operator =
            SparseOperator::from_triplets(2, vec![(0, 0, 1.0 - a), (0, 1, a), (1, 0, b), (1, 1, 1.0 - b)]);
        let chain = MarkovChain::new(operator.unwrap(), States::numbered(2));
        let kemeny = chain.kemeny_constant(&stationary(&chain)).unwrap().zero_diagonal();
        assert_close(kemeny * (a + b), 1.0, 1e-15, "two states");
    }
    // A walk on a line of 64 with a step up of eps = 1e-6 in the middle, against the closed form of
    // birth and death: sum over edges of F (1 - F) / (pi up).
    let n = 64;
    let up = |i: usize| if i == 31 { 1e-12 } else { 0.3 };
    let down = |i: usize| if i == 32 { 1e-12 } else { 0.2 };
    let mut weights = vec![1.0];
    for i in 1..n {
        weights.push(weights[i - 1] * up(i - 1) / down(i));
    }
    let total: f64 = weights.iter().sum();
    let below = |edge: usize| weights[..=edge].iter().sum::<f64>() / total;
    let above = |edge: usize| weights[edge + 1..].iter().sum::<f64>() / total;
    let exact: f64 = (0..n - 1).map(|e| below(e) * above(e) / (weights[e] / total * up(e))).sum();
    let steps = (0..n as u32).flat_map(|i| {
        let (u, d) =
            (if i + 1 < n as u32 { up(i as usize) } else { 0.0 }, if i > 0 { down(i as usize) } else { 0.0 });
        let mut row = vec![(i, i, 1.0 - u - d)];
        if u > 0.0 {
            row.push((i, i + 1, u));
        }
        if d > 0.0 {
            row.push((i, i - 1, d));
        }
        row
    });
    let chain =
        MarkovChain::new(SparseOperator::from_triplets(n, steps.collect()).unwrap(), States::numbered(n));
    let kemeny = chain.kemeny_constant(&stationary(&chain)).unwrap().zero_diagonal();
    // N states are removed, each time sums of up to N terms are formed.
    assert_close(kemeny / exact, 1.0, 64.0 * 64.0 * f64::EPSILON, "a walk with a narrow place");
}

#[test]
fn transient_states_do_not_count_and_several_classes_are_refused() {
    let rows = [(0, 0, 0.7), (0, 1, 0.3), (1, 0, 0.1), (1, 1, 0.9), (2, 0, 0.5), (2, 2, 0.5)];
    let chain =
        MarkovChain::new(SparseOperator::from_triplets(3, rows.to_vec()).unwrap(), States::numbered(3));
    let law = stationary(&chain);
    assert_close(chain.kemeny_constant(&law).unwrap().zero_diagonal(), 2.5, 1e-14, "transient");
    let estimate = KemenyEstimator::new().estimate(&chain, &law).unwrap().converged().unwrap();
    assert_close(estimate.zero_diagonal, 2.5, 1e-7, "estimated");
    let apart = MarkovChain::from_dense(ndarray::array![[1.0, 0.0], [0.0, 1.0]].view()).unwrap();
    let law = Law::uniform(2);
    assert!(matches!(apart.kemeny_constant(&law), Err(Error::SeveralRecurrentClasses { classes: 2 })));
    let estimated = KemenyEstimator::new().estimate(&apart, &law);
    assert!(matches!(estimated, Err(Error::SeveralRecurrentClasses { classes: 2 })));
    let few = KemenyEstimator::new().probes(1).estimate(&chain, &stationary(&chain));
    assert!(matches!(few, Err(Error::InvalidSetting { name: "probes", .. })));
}

proptest! {
    #[test]
    fn kemeny_is_the_trace_of_the_deviation_matrix(
        (space, table) in tables(prop::sample::select(vec![(2, 3), (3, 2), (4, 2), (5, 2), (7, 1)]), 1, 0.05),
    ) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().is_irreducible());
        let law = stationary(&chain);
        let kemeny = chain.kemeny_constant(&law).unwrap().zero_diagonal();
        let slow = trace(&chain, &law);
        // The inverse loses as many digits as the constant has, at most.
        prop_assert!((kemeny - slow).abs() <= 1e-12 * slow * slow.max(1.0), "{} {}", kemeny, slow);
    }
}

#[test]
fn the_estimate_is_as_far_off_as_it_says() {
    // A random table over 5^3 contexts, with some rows that make it slow.
    let space = lmchain::text::ContextSpace::new(5, 3).unwrap();
    let weight = |c: usize, v: usize| {
        let noise = ((c * 7919 + v * 104_729) % 997) as f64 / 997.0;
        let sticks = if v == c % 5 { 30.0 } else { 0.0 };
        0.05 + noise + sticks
    };
    let row = |c: usize| {
        let weights: Vec<f64> = (0..5).map(|v| weight(c, v)).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(move |w| w / sum)
    };
    let chain = shift(space, (0..125).flat_map(row).collect());
    let law = stationary(&chain);
    let exact = chain.kemeny_constant(&law).unwrap().zero_diagonal();
    // 40 independent estimates: their deviations in standard errors have mean 0 and are about 1 in size,
    // and their mean is as close to the truth as 40 of them make it.
    for sketch in [0, 6] {
        let estimates: Vec<_> = (0..40)
            .map(|seed| {
                let estimator = KemenyEstimator::new().sketch(sketch).probes(16).seed(seed);
                estimator.estimate(&chain, &law).unwrap().converged().unwrap()
            })
            .collect();
        let mean = estimates.iter().map(|e| e.zero_diagonal).sum::<f64>() / 40.0;
        let spread = (estimates.iter().map(|e| (e.zero_diagonal - mean).powi(2)).sum::<f64>() / 39.0).sqrt();
        assert!((mean - exact).abs() <= 4.0 * spread / 40f64.sqrt(), "sketch {sketch}: {mean}, not {exact}");
        let claimed = (estimates.iter().map(|e| e.standard_error.powi(2)).sum::<f64>() / 40.0).sqrt();
        assert!(
            (0.6..1.6).contains(&(claimed / spread)),
            "sketch {sketch}: {claimed} claimed, {spread} found"
        );
        let inside = |e: &lmchain::mixing::KemenyEstimate| {
            let (low, high) = e.interval(2.0);
            low <= exact && exact <= high
        };
        // Of 40 with a chance of 0.94 each (t with 15 degrees of freedom), fewer than 31 are a chance of 1e-4.
        assert!(estimates.iter().filter(|e| inside(e)).count() >= 31);
    }
}

#[test]
fn the_estimate_is_honest_about_what_did_not_converge_and_works_on_restarts() {
    let case = language_models().into_iter().find(|case| case.name == "C22").unwrap();
    let chain = case.shift();
    let law = stationary(&chain);
    let given_up = KemenyEstimator::new().max_iterations(2).tolerance(1e-14).estimate(&chain, &law).unwrap();
    // Eight states: one Krylov space of seven settles it, in one cycle, so the
    // iteration limit is only looked at between cycles.
    assert!(given_up.report().residual <= 1e-14 || !given_up.is_converged());
    let restarted = chain.with_operator(Restart::new(chain.operator(), 0.1, Law::uniform(8)).unwrap());
    let law = stationary(&restarted);
    let exact = restarted.kemeny_constant(&law).unwrap().zero_diagonal();
    // The sketch of 8 vectors spans all: no statistical error is left.
    let estimate = KemenyEstimator::new().estimate(&restarted, &law).unwrap().converged().unwrap();
    assert_close(estimate.zero_diagonal, exact, 1e-6, "restarted");
}

#[test]
fn implied_timescales_agree_with_the_cases() {
    let mut seen = 0;
    for case in matrices() {
        let Some(expected) = case.expected.get("implied_timescales").map(numbers) else { continue };
        for (operator, _, chain) in case.chains() {
            let found = chain.implied_timescales(1).unwrap();
            assert_all_close(
                &found,
                &expected,
                case.tolerance.max(1e-7),
                &format!("{} ({operator})", case.name),
            );
        }
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn the_nilpotent_part_has_no_timescale_once_it_is_gone() {
    for case in language_models() {
        let Some(pairs) = case.expected.get("eigenvalues_nonzero").map(crate::common::matrix) else {
            continue;
        };
        let chain = case.shift();
        let lag = case.k;
        let mut expected: Vec<f64> = pairs.iter().map(|z| z[0].hypot(z[1])).collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        let found = chain.implied_timescales(lag).unwrap();
        let timescale =
            |modulus: &f64| if *modulus > 1.0 - 1e-12 { f64::INFINITY } else { -1.0 / modulus.ln() };
        let expected: Vec<f64> = expected[1..].iter().map(timescale).collect();
        assert_eq!(found.len(), expected.len(), "{}: {found:?}, not {expected:?}", case.name);
        for (found, expected) in found.iter().zip(&expected) {
            // An eigenvalue that is well conditioned is right to some eps; so is 1 - modulus, absolutely.
            let allowed = 1e-9 * expected.max(1.0).powi(2);
            assert!(
                found == expected || (found - expected).abs() <= allowed,
                "{}: {found} {expected}",
                case.name
            );
        }
    }
    // Independent tokens have none at all, where the bare matrix shows noise.
    let chain = language_models().into_iter().find(|case| case.name == "C02").unwrap().shift();
    assert!(chain.implied_timescales(2).unwrap().is_empty());
    assert!(matches!(chain.implied_timescales(0), Err(Error::MustBePositive { .. })));
}

#[test]
fn long_lags_take_no_longer_and_keep_the_timescales() {
    // The other eigenvalue is 1 - 2 c, to half a unit of rounding of 1 - c.
    for (c, lags) in [(0.2, vec![1, 2, 3, 5, 6, 7, 12, 20]), (1e-9, vec![1_000_000_000, 987_654_321])] {
        let chain = MarkovChain::from_dense(ndarray::array![[1.0 - c, c], [c, 1.0 - c]].view()).unwrap();
        let exact = -1.0 / (-2.0 * c).ln_1p();
        for lag in lags {
            let found = chain.implied_timescales(lag).unwrap();
            // Each of some 40 products adds a few units to an entry, which the eigenvalue
            // mu loses absolutely: the timescale is off by as much over mu ln mu.
            let mu = (-(lag as f64) / exact).exp();
            let allowed = 200.0 * f64::EPSILON / (mu * mu.ln().abs()) + f64::EPSILON / c;
            assert_close(found[0] / exact, 1.0, allowed, &format!("{c}, lag {lag}"));
        }
    }
    // The power is the limit, whose eigenvalues are 1 and 0.
    let coin = MarkovChain::from_dense(ndarray::array![[0.7, 0.3], [0.2, 0.8]].view()).unwrap();
    assert!(coin.implied_timescales(usize::MAX).unwrap().is_empty());
}

#[test]
fn an_estimate_says_why_it_did_not_converge() {
    let chain = language_models().into_iter().find(|case| case.name == "C12").unwrap().shift();
    let law = stationary(&chain);
    let stop = |estimator: KemenyEstimator| estimator.estimate(&chain, &law).unwrap().report().stop;
    assert_eq!(stop(KemenyEstimator::new()), Stop::Converged);
    assert_eq!(stop(KemenyEstimator::new().tolerance(1e-30)), Stop::Rounding);
    assert_eq!(stop(KemenyEstimator::new().max_iterations(1)), Stop::MaxIterations);
}

#[test]
fn whole_models_have_a_kemeny_constant_and_long_work_can_be_stopped() {
    let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Reset);
    let corpus = settings.read_strings(["abracadabra", "cadabra", "arcade", "bread"]).unwrap();
    let chain = MarkovChain::smoothed(&NgramSettings::new(3).fit(&corpus).unwrap()).unwrap();
    let law = stationary(&chain);
    let exact = chain.kemeny_constant(&law).unwrap().zero_diagonal();
    assert_close(exact, trace(&chain, &law), 1e-11, "trace");
    let estimator = KemenyEstimator::new().sketch(2).probes(64);
    let estimate = estimator.estimate(&chain, &law).unwrap().converged().unwrap();
    let (low, high) = estimate.interval(4.0);
    assert!(low <= exact && exact <= high, "{low} {exact} {high}");
    let mut stop = |_: &Progress| ControlFlow::Break(());
    let stopped = chain.kemeny_constant_watched(&law, &mut stop);
    assert!(matches!(stopped, Err(Error::Cancelled { .. })));
    assert!(matches!(estimator.estimate_watched(&chain, &law, &mut stop), Err(Error::Cancelled { .. })));
}
