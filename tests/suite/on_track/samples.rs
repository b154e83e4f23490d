//! Sampled pairs against solved ones, and operators of every kind.

use lmchain::chain::{Exploration, MarkovChain, States};
use lmchain::drift::{MeanTime, MeetingTime, OnTrack, TrackSettings};
use lmchain::model::{Decoded, Decoding, NgramSettings, Smoothing};
use lmchain::operator::{Restart, SparseOperator, TransitionOperator, successors};
use lmchain::prob::Law;
use lmchain::text::{CorpusSettings, Tokenizer};

use super::measure;
use crate::common::{assert_all_close, language_model};

/// A sampled law against an exact one: Dvoretzky-Kiefer-Wolfowitz (Massart 1990) for the
/// survival, a chance of 1e-9; six standard errors for the mean.
fn check_sample(sampled: &MeetingTime, exact: &MeetingTime, what: &str) {
    let pairs = sampled.sampled.unwrap() as f64;
    let off = ((2.0f64 / 1e-9).ln() / (2.0 * pairs)).sqrt();
    for (step, (found, expected)) in sampled.survival.iter().zip(&exact.survival).enumerate() {
        assert!((found - expected).abs() < off, "{what}, step {step}: {found}, not {expected}");
    }
    let MeanTime::Sampled { mean, standard_error } = sampled.mean else { panic!("all pairs meet") };
    assert!((mean - exact.mean.value()).abs() < 6.0 * standard_error, "{what}: {mean} ± {standard_error}");
}

#[test]
fn samples_agree_with_the_chain_of_pairs() {
    for name in ["C12", "C22", "C21"] {
        let chain = language_model(name).shift();
        let settings = TrackSettings::new().steps(400).pairs(8000).seed(7);
        let exact = measure(&chain, 1, settings);
        let sampled = measure(&chain, 1, settings.always_sample(true));
        check_sample(&sampled.with_stationary, &exact.with_stationary, name);
        let (found, expected) = (sampled.continuations, exact.continuations);
        check_sample(found.meeting.as_ref().unwrap(), expected.meeting.as_ref().unwrap(), name);
        let MeanTime::Sampled { mean, standard_error } = found.time_to_part else { panic!("all part") };
        assert!((mean - expected.time_to_part.value()).abs() < 6.0 * standard_error, "{name}");
        let off = ((2.0f64 / 1e-9).ln() / 16_000.0).sqrt();
        for (found, expected) in found.together.iter().zip(&expected.together) {
            assert!((found - expected).abs() < off, "{name}");
        }
        assert_eq!((sampled.information, sampled.distance), (exact.information, exact.distance));
    }
}

#[test]
fn operators_that_store_less_than_they_stand_for_are_solved_as_if_they_stored_all() {
    // After every word Witten-Bell lets all others follow, after odd ones with other weights.
    let sentence = |word: usize| match word % 2 {
        0 => format!("w{word} w0 "),
        _ => format!("w{word} w0 w{word} w1 w{word} w2 "),
    };
    let text = |words: usize| (0..words).map(sentence).collect::<String>();
    let model = |words| {
        let corpus = CorpusSettings::new(Tokenizer::whitespace()).read_strings([text(words)]).unwrap();
        NgramSettings::new(2).smoothing(Smoothing::WittenBell).fit(&corpus).unwrap()
    };
    let ring = |states: u32| {
        let steps = (0..states).map(|state| (state, (state + 1) % states, 1.0)).collect();
        let ring = SparseOperator::from_triplets(states as usize, steps).unwrap();
        MarkovChain::new(ring, States::numbered(states as usize))
    };
    let written_out = |chain: &MarkovChain<&dyn TransitionOperator>| {
        let row = |state| {
            successors(chain.operator(), state).map(move |to| (state as u32, to.state as u32, to.probability))
        };
        let entries = (0..chain.len()).flat_map(row).collect();
        chain.with_operator(SparseOperator::from_weights(chain.len(), entries).unwrap())
    };
    let settings = TrackSettings::new().steps(20).pairs(50);
    let check = |chain: MarkovChain<&dyn TransitionOperator>, is_exact: bool| {
        let (found, expected) = (measure(&chain, 1, settings), measure(&written_out(&chain), 1, settings));
        assert_eq!(found.with_stationary.sampled.is_none(), is_exact);
        assert_eq!(expected.with_stationary.sampled.is_none(), is_exact);
        if is_exact {
            assert_all_close(
                &found.with_stationary.survival,
                &expected.with_stationary.survival,
                1e-11,
                "met",
            );
        }
    };
    for (words, is_exact) in [(20, true), (220, false), (300, false)] {
        let chain = MarkovChain::smoothed(&model(words)).unwrap();
        // Some n-grams stand for the square of the words.
        assert!(chain.operator().stored_entries() < 8 * words);
        check(chain.with_operator(chain.operator() as &dyn TransitionOperator), is_exact);
    }
    for (states, is_exact) in [(20, true), (300, false)] {
        let ring = ring(states);
        let restart = Restart::new(ring.operator(), 0.25, Law::uniform(states as usize)).unwrap();
        check(ring.with_operator(&restart as &dyn TransitionOperator), is_exact);
    }
}

#[test]
fn samples_are_the_same_on_any_number_of_threads() {
    let chain = language_model("C12").shift();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| measure(&chain, 0, TrackSettings::new().pairs(600).always_sample(true)))
    };
    assert_eq!(on(1), on(8));
}

/// The coupling inequality for a sample: the distance is not above the survival by more
/// than chance allows.
fn check_inequality(track: &OnTrack, what: &str) {
    let pairs = track.with_stationary.sampled.unwrap() as f64;
    let off = ((1.0f64 / 1e-9).ln() / (2.0 * pairs)).sqrt();
    for (met, distance) in track.with_stationary.survival.iter().zip(&track.distance) {
        assert!(*met >= distance - off, "{what}: {met} {distance}");
    }
}

#[test]
fn chains_of_every_kind_stay_on_track() {
    const TEXT: &str = "the cat sat on the mat and the dog sat on the log and the rat ran from the cat";
    let corpus = CorpusSettings::new(Tokenizer::whitespace()).read_strings([TEXT]).unwrap();
    let model = NgramSettings::new(3).smoothing(Smoothing::WittenBell).fit(&corpus).unwrap();
    let settings = TrackSettings::new().steps(60).pairs(500).always_sample(true);
    let smoothed = MarkovChain::smoothed(&model).unwrap();
    check_inequality(&measure(&smoothed, 3, settings), "back-off");
    let decoded = Decoded::new(&model, Decoding::new().top_k(4)).unwrap();
    let prompt = &corpus.tokens()[..2];
    let reachable = Exploration::new().build(&decoded, &[prompt]).unwrap();
    let start = reachable.states().after_prompt(prompt).unwrap();
    check_inequality(&measure(&reachable, start, settings), "reachable");
    // Both restart together with probability 1/4: they meet at least as fast as that.
    let chain = language_model("C22").shift();
    let restart = Restart::new(chain.operator(), 0.25, Law::uniform(8)).unwrap();
    let restarted = chain.with_operator(restart);
    let track = measure(&restarted, 0, TrackSettings::new().steps(30));
    for (step, survival) in track.with_stationary.survival.iter().enumerate() {
        assert!(*survival <= 0.75f64.powi(step as i32) + 1e-12, "{step}: {survival}");
    }
}
