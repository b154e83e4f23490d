//! Counts carried through: drawn chains, first-order variances, and coverage.

use lmchain::Error;
use lmchain::chain::{MarkovChain, Start};
use lmchain::operator::{SparseOperator, TransitionOperator};
use lmchain::prob::Law;
use lmchain::sensitivity::{
    CountPosterior, CountPosteriorSettings, PoissonSolver, PosteriorSampler, Support,
};
use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer, Vocab};
use lmchain::topics::Topics;

use super::law_of;
use crate::common::{assert_close, language_model};

fn corpus(tokens: &[u32], v: usize, end: DocumentEnd) -> Corpus {
    let names = (0..v).map(|token| format!("t{token}")).collect();
    Corpus::from_tokens(Vocab::new(names).unwrap(), [tokens], end).unwrap()
}

/// A text that a reference case wrote.
fn text(id: &str, tokens: usize, seed: u64) -> Vec<u32> {
    let chain = language_model(id).shift();
    let walker = chain.walker().unwrap();
    let walk = walker.walk(Start::State(0), seed).unwrap().take(tokens);
    walk.map(|state| chain.states().newest_token(state)).collect()
}

#[test]
fn without_a_prior_the_mean_is_the_observed_chain() {
    let text = "the cat sat on the mat and the rat sat on the cat ";
    for end in [DocumentEnd::Circular, DocumentEnd::Open] {
        let settings = CorpusSettings::new(Tokenizer::characters()).document_end(end);
        let corpus = settings.read_strings([text]).unwrap();
        let observed = MarkovChain::observed(&corpus, 3).unwrap();
        let posterior = CountPosteriorSettings::new().fit(&corpus, 3).unwrap();
        let mean = posterior.mean_chain().unwrap();
        for state in 0..observed.len() {
            for to in 0..observed.len() {
                let (a, b) =
                    (mean.operator().probability(state, to), observed.operator().probability(state, to));
                assert!((a - b).abs() <= 2.0 * f64::EPSILON, "{state} {to}: {a} {b}");
            }
        }
        let windows: f64 = (0..observed.len()).map(|state| posterior.row_sum(state)).sum();
        // The last context of an open text has no window, and counts as one to itself.
        let stuck = observed.classes().absorbing_states().count();
        assert_eq!(windows as usize, corpus.window_count(3) + stuck);
    }
}

#[test]
fn every_context_has_its_counts_and_its_prior() {
    let tokens = text("C12", 500, 3);
    let corpus = corpus(&tokens, 3, DocumentEnd::Open);
    let posterior =
        CountPosteriorSettings::new().support(Support::All).concentration(0.5).fit(&corpus, 2).unwrap();
    let mean = posterior.mean_chain().unwrap();
    for context in 0..9usize {
        let follows = |next: u32| {
            let pattern = [(context / 3) as u32, (context % 3) as u32, next];
            tokens.windows(3).filter(|window| *window == pattern).count() as f64 + 0.5
        };
        let counts: Vec<f64> = (0..3).map(follows).collect();
        let sum: f64 = counts.iter().sum();
        assert_eq!(posterior.row_sum(context), sum);
        for (next, count) in counts.iter().enumerate() {
            let to = (context % 3) * 3 + next;
            assert_close(mean.operator().probability(context, to), count / sum, 1e-15, "posterior mean");
        }
    }
}

#[test]
fn drawn_rows_have_the_moments_of_their_dirichlet_law() {
    let corpus = corpus(&[0, 0, 1, 0, 0, 0, 1, 1, 0], 2, DocumentEnd::Open);
    for concentration in [0.05, 1.0] {
        let posterior = CountPosteriorSettings::new()
            .support(Support::All)
            .concentration(concentration)
            .fit(&corpus, 1)
            .unwrap();
        let draws = 4000;
        let first = |row: usize| {
            (0..draws)
                .map(move |i| (row, i))
                .map(|(row, i)| posterior.draw(7, i).unwrap().operator().probability(row, 0))
        };
        // After 0: three 0s and two 1s; after 1: two 0s and one 1.
        for (row, zeros, ones) in [(0, 3.0, 2.0), (1, 2.0, 1.0)] {
            let (a, b) = (zeros + concentration, ones + concentration);
            let values: Vec<f64> = first(row).collect();
            let mean = values.iter().sum::<f64>() / draws as f64;
            let variance = values.iter().map(|p| (p - a / (a + b)).powi(2)).sum::<f64>() / draws as f64;
            let exact = a * b / ((a + b).powi(2) * (a + b + 1.0));
            // Six standard errors; the square of a number in [0, 1] has variance below 1/4.
            assert!((mean - a / (a + b)).abs() < 6.0 * (exact / draws as f64).sqrt(), "{row}: {mean}");
            assert!(
                (variance - exact).abs() < 6.0 * (0.25 * exact / draws as f64).sqrt(),
                "{row}: {variance}"
            );
        }
    }
}

#[test]
fn sampled_and_first_order_deviations_agree_where_counts_are_large() {
    let corpus = corpus(&text("C12", 200_000, 11), 3, DocumentEnd::Circular);
    let posterior = CountPosteriorSettings::new().fit(&corpus, 2).unwrap();
    let mean = posterior.mean_chain().unwrap();
    let law = law_of(&mean);
    let draws = 2000;
    let sampler = PosteriorSampler::new().draws(draws);
    // A sampled deviation of a nearly normal number is off by one part in
    // sqrt(2 D); six of these. What is of second order is smaller by the root of
    // the counts, here at least 5,000 a row: 2 %.
    let tolerance = 6.0 / (2.0 * draws as f64).sqrt() + 0.02;
    let check = |what: &str, sampled: f64, first_order: f64| {
        assert!((sampled / first_order - 1.0).abs() < tolerance, "{what}: {sampled} {first_order}");
    };
    let rate = PoissonSolver::new().entropy_rate_sensitivity(&mean, &law).unwrap().converged().unwrap();
    let sampled = sampler.entropy_rate(&posterior).unwrap();
    check("entropy rate", sampled.deviation, posterior.deviation(&rate));
    assert!(sampled.contains(mean.entropy_rate(&law)));
    let sampled = sampler.stationary(&posterior).unwrap();
    for (state, interval) in sampled.iter().enumerate() {
        let indicator = Law::point(9, state);
        let found = mean.mean_sensitivity(&law, &indicator).unwrap().converged().unwrap();
        check(&format!("pi {state}"), interval.deviation, posterior.deviation(&found));
        assert!(interval.contains(law[state]), "{state}");
    }
    let topics = Topics::by_token(mean.states(), ["zero", "other"], |token| usize::from(token > 0)).unwrap();
    let share = mean.topic_share_sensitivity(&law, &topics, 0).unwrap().converged().unwrap();
    let sampled = sampler.topic_shares(&posterior, &topics).unwrap();
    check("topic share", sampled[0].deviation, posterior.deviation(&share));
    // The shares of two topics move against each other.
    assert_close(sampled[0].deviation, sampled[1].deviation, 1e-12, "two topics");
    let information = sampler.mutual_information(&posterior, &[1, 2, 5]).unwrap();
    let exact = mean.mutual_information(&law, &[1, 2, 5]).unwrap();
    for (interval, lag) in information.iter().zip(&exact) {
        assert!(interval.contains(lag.mutual_information), "{interval:?} {lag:?}");
    }
}

/// A chance below 1e-9 of being further from the mean than this (Hoeffding 1963).
fn slack(trials: usize) -> f64 {
    (trials as f64 * (2e9f64).ln() / 2.0).sqrt()
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    // The truth is drawn from the prior and writes a text; given that text it is one
    // more draw from the posterior, so coverage is exact (Cook, Gelman & Rubin 2006).
    let settings = CountPosteriorSettings::new().support(Support::All).concentration(1.0);
    let (trials, draws, level) = (400, 199, 0.9);
    let mut covered = [0usize; 3];
    for trial in 0..trials {
        let truth = uniform_chain(trial as u64);
        let law = law_of(&truth);
        let walker = truth.walker().unwrap();
        let states = walker.walk(Start::State(0), 1000 + trial as u64).unwrap().take(150);
        let tokens: Vec<u32> =
            [0].into_iter().chain(states.map(|state| truth.states().newest_token(state))).collect();
        let posterior = settings.fit(&corpus(&tokens, 2, DocumentEnd::Open), 2).unwrap();
        let sampler = PosteriorSampler::new().draws(draws).level(level).seed(5000 + trial as u64);
        let found = sampler
            .measure(&posterior, |chain, law| Ok(vec![chain.entropy_rate(law), law[0], law[3]]))
            .unwrap();
        let truths = [truth.entropy_rate(&law), law[0], law[3]];
        for (place, (interval, number)) in found.iter().zip(truths).enumerate() {
            covered[place] += usize::from(interval.contains(number));
        }
    }
    for count in covered {
        let off = count as f64 - level * trials as f64;
        assert!(off.abs() <= slack(trials), "{covered:?} of {trials}");
    }
}

/// A chain over two tokens with two of context whose rows are uniform over laws.
fn uniform_chain(seed: u64) -> MarkovChain<SparseOperator> {
    use rand::RngExt;
    let mut rng = lmchain::prob::stream(99, seed);
    let mut entries = Vec::new();
    for context in 0..4u32 {
        let p: f64 = rng.random();
        entries.push((context, context % 2 * 2, p));
        entries.push((context, context % 2 * 2 + 1, 1.0 - p));
    }
    let template = language_model("C10").shift();
    template.with_operator(SparseOperator::from_triplets(4, entries).unwrap())
}

#[test]
fn draws_are_the_same_on_any_number_of_threads_and_refusals_are_typed() {
    let corpus = corpus(&text("C12", 300, 5), 3, DocumentEnd::Circular);
    let posterior: CountPosterior = CountPosteriorSettings::new().fit(&corpus, 2).unwrap();
    let measure = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| PosteriorSampler::new().draws(150).stationary(&posterior).unwrap())
    };
    assert_eq!(measure(1), measure(3));
    let refuse = |sampler: PosteriorSampler| sampler.entropy_rate(&posterior);
    let few = refuse(PosteriorSampler::new().draws(20));
    assert!(matches!(few, Err(Error::InvalidSetting { name: "draws", .. })));
    let whole = refuse(PosteriorSampler::new().level(1.0));
    assert!(matches!(whole, Err(Error::InvalidSetting { name: "level", .. })));
    let settings = CountPosteriorSettings::new();
    for bad in
        [settings.concentration(-1.0), settings.support(Support::All), settings.concentration(f64::NAN)]
    {
        assert!(matches!(bad.fit(&corpus, 2), Err(Error::InvalidSetting { name: "concentration", .. })));
    }
}

#[test]
fn an_estimate_may_lie_outside_its_own_interval() {
    // Round a ring of 200 in steps of 1, then in steps of 7: each context is seen twice, with two successors.
    let tokens: Vec<u32> = (0..200).chain((0..200).map(|step| step * 7 % 200)).collect();
    let corpus = corpus(&tokens, 200, DocumentEnd::Circular);
    let posterior = CountPosteriorSettings::new().fit(&corpus, 1).unwrap();
    let plug_in = posterior.mean_chain().unwrap();
    assert_close(plug_in.entropy_rate(&law_of(&plug_in)), 1.0, 1e-12, "relative frequencies");
    let interval = PosteriorSampler::new().entropy_rate(&posterior).unwrap();
    assert!(interval.upper < 0.8 && interval.lower > 0.6, "{interval:?}");
    // Rows are even: the entropy of (u, 1 - u) for a uniform u has the mean 1 / (2 ln 2). That of the
    // draws has the standard error of a mean, and a bias from the stationary law, which is drawn
    // too: of the order of the variance of a row's weight and entropy together, below 0.01.
    let expected = 0.5 * std::f64::consts::LOG2_E;
    assert!((interval.mean - expected).abs() < 0.01, "{interval:?}, not {expected}");
}
