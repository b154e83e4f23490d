//! Steps of many walks against the rows of the matrix.

use lmchain::chain::{MarkovChain, Start, States, VisitCounts};
use lmchain::model::{NgramSettings, Smoothing};
use lmchain::operator::{Restart, SparseOperator, TransitionOperator};
use lmchain::passage::Patterns;
use lmchain::prob::Law;
use lmchain::text::{CorpusSettings, DocumentEnd, Tokenizer};

use crate::common::language_models;

/// What `n` times the relative entropy, in nats, of the frequencies of `n` draws
/// from the law of `outcomes` outcomes exceeds with a probability below 1e-12
/// (Agrawal 2020, "Finite-sample concentration of the multinomial in relative
/// entropy", theorem I.2): `exp(-x) (e x / (k - 1))^(k - 1) = 1e-12`. Half the
/// threshold of a likelihood-ratio test, and of Pearson's chi-square nearly.
fn most_nats(outcomes: usize) -> f64 {
    let freedom = (outcomes - 1) as f64;
    let bound = |x: f64| -x + freedom * (1.0 + (x / freedom).ln());
    let mut x = freedom.max(1.0);
    while bound(x) > -12.0 * 10f64.ln() {
        x *= 1.01;
    }
    x
}

#[track_caller]
fn assert_drawn(counts: &[u64], law: &[f64]) {
    let n: u64 = counts.iter().sum();
    let mut nats = 0.0;
    for (&count, &p) in counts.iter().zip(law) {
        assert!(p > 0.0 || count == 0, "a step of probability zero");
        if count > 0 {
            nats += count as f64 * (count as f64 / (n as f64 * p)).ln();
        }
    }
    let outcomes = law.iter().filter(|p| **p > 0.0).count();
    let most = if outcomes == 1 { 1e-9 } else { most_nats(outcomes) };
    assert!(nats <= most, "{nats} nats of {most}, {outcomes} outcomes");
}

/// The first steps out of some states.
fn check_steps<O: TransitionOperator>(chain: &MarkovChain<O>) {
    let (n, walks) = (chain.len(), 5000);
    let walker = chain.walker().unwrap();
    for state in (0..n).step_by(n.div_ceil(9)) {
        let mut law = vec![0.0; n];
        chain.operator().push_forward(&Law::point(n, state), &mut law);
        let new = || VisitCounts::of_states(n).after_steps([1]);
        let counts = walker.stream(Start::State(state), walks, 1, 17, new).unwrap();
        assert_eq!(counts.total(), walks as u64);
        assert_drawn(&counts.counts_after(1), &law);
    }
}

#[test]
fn steps_follow_the_rows_of_every_chain() {
    for case in language_models().iter().filter(|case| case.states() <= 81) {
        for (_, _, chain) in case.chains() {
            check_steps(&chain);
        }
        let chain = case.shift();
        check_steps(
            &chain.with_operator(Restart::new(chain.operator(), 0.3, Law::uniform(chain.len())).unwrap()),
        );
        let patterns = Patterns::new(case.v, [vec![0, 1], vec![1, 0, 1]]).unwrap();
        check_steps(&chain.with_patterns(&patterns).unwrap());
    }
}

#[test]
fn steps_follow_the_rows_of_smoothed_models() {
    let settings = CorpusSettings::new(Tokenizer::whitespace()).document_end(DocumentEnd::Reset);
    let corpus = settings.read_strings(["a b a c a b b", "c a b d", "b b a", "d c b a a b"]).unwrap();
    for smoothing in [Smoothing::ModifiedKneserNey, Smoothing::Katz { largest: 5 }, Smoothing::WittenBell] {
        let settings = NgramSettings::new(3).smoothing(smoothing);
        let model = settings.fallback_discounts([0.5, 1.0, 1.5]).fit(&corpus).unwrap();
        check_steps(&MarkovChain::smoothed(&model).unwrap());
    }
}

#[test]
fn rows_of_very_different_lengths_are_followed() {
    let from_all = (0..500).map(|to| (0, to, f64::from(to % 7)));
    let others = (1..500u32).flat_map(|from| [(from, 0, 1e-3), (from, from, 1.0)]);
    let operator = SparseOperator::from_weights(500, from_all.chain(others).collect()).unwrap();
    check_steps(&MarkovChain::new(operator, States::numbered(500)));
}
