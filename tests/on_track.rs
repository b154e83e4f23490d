//! Four answers to how long a prompt is kept to, against closed forms, a slow coupling, and each other.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod common;

use common::tables::{shift, tables};
use common::{assert_all_close, assert_close, language_model, numbers};
use lmchain::Error;
use lmchain::chain::{Exploration, MarkovChain, Start, States};
use lmchain::drift::{MeanTime, MeetingTime, OnTrack, TrackSettings};
use lmchain::model::{Decoded, Decoding, NgramSettings, Smoothing};
use lmchain::operator::{Restart, ShiftOperator, SparseOperator, TransitionOperator, successors};
use lmchain::prob::Law;
use lmchain::solve::{Progress, Stop};
use lmchain::text::{CorpusSettings, Tokenizer};
use lmchain::topics::Topics;
use proptest::prelude::*;

fn stationary<O: TransitionOperator>(chain: &MarkovChain<O>) -> Law {
    chain.stationary().unwrap().converged().unwrap()
}

/// Two topics, by whether the newest token is the first.
fn topics(states: &States) -> Topics {
    Topics::by_token(states, ["first", "other"], |token| usize::from(token > 0)).unwrap()
}

fn measure<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    prompt: usize,
    settings: TrackSettings<'_>,
) -> OnTrack {
    settings.measure(chain, prompt, &topics(chain.states()), &stationary(chain)).unwrap()
}

fn bounds(meeting: &MeetingTime) -> [f64; 2] {
    both(&meeting.mean)
}

/// The bounds of a mean that was solved.
fn both(mean: &MeanTime) -> [f64; 2] {
    match mean {
        MeanTime::Bounds { bounds, stop: Stop::Converged | Stop::Direct } => [bounds.lower, bounds.upper],
        other => panic!("an exact mean, not {other:?}"),
    }
}

// ---- closed forms ------------------------------------------------------------------------------

#[test]
fn two_states_meet_as_fast_as_they_mix() {
    // Case C30: the maximal coupling of tokens is the best there is.
    let case = language_model("C30");
    for (operator, _, chain) in case.chains() {
        let track = measure(&chain, 0, TrackSettings::new().steps(40));
        let expected: Vec<f64> = (0..=40).map(|t| 0.6 * 0.5f64.powi(t)).collect();
        assert_all_close(&track.with_stationary.survival, &expected, 1e-12, operator);
        assert_all_close(&track.distance, &expected, 1e-12, operator);
        assert_all_close(&track.distance[..9], &numbers(&case.expected["exact_tv_t0_to_8"]), 1e-12, operator);
        let [lower, upper] = bounds(&track.with_stationary);
        assert!(lower - 1e-9 <= 1.2 && 1.2 <= upper + 1e-9, "{operator}: {lower} {upper}");
        // The topic is the state: left with probability 0.3 a step.
        let [lower, upper] = both(&track.time_to_leave);
        assert!(lower - 1e-9 <= 1.0 / 0.3 && 1.0 / 0.3 <= upper + 1e-9, "{operator}");
        assert_all_close(&track.topic_survival[..4], &[1.0, 0.7, 0.49, 0.343], 1e-12, operator);
        // Two continuations of state 0 are the same with 0.58, and with 0.68 from state 1;
        // once parted they meet with probability 1/2 a step.
        let pair = track.continuations;
        let meeting = pair.meeting.unwrap();
        assert_all_close(&pair.together[..3], &[1.0, 0.58, 0.49 * 0.58 + 0.09 * 0.68], 1e-12, operator);
        assert_all_close(&meeting.survival[..4], &[1.0, 0.5, 0.25, 0.125], 1e-12, operator);
        let [lower, upper] = bounds(&meeting);
        assert!(lower - 1e-9 <= 2.0 && 2.0 <= upper + 1e-9);
        // m = 1 + .49 m + .09 n from state 0, n = 1 + .64 n + .04 m from state 1.
        let [lower, upper] = both(&pair.time_to_part);
        let mean = (0.36 + 0.09) / (0.51 * 0.36 - 0.09 * 0.04);
        assert!(lower - 1e-9 <= mean && mean <= upper + 1e-9, "{operator}: {lower} {mean} {upper}");
    }
}

#[test]
fn independent_tokens_meet_when_the_window_is_full() {
    // Case C02: all rows are alike, so tokens always agree; windows of two are the same after two steps.
    let chain = language_model("C02").shift();
    let law = stationary(&chain);
    for prompt in 0..chain.len() {
        let track = measure(&chain, prompt, TrackSettings::new().steps(4));
        let newest = [0.5, 0.3, 0.2][chain.states().newest_token(prompt) as usize];
        let expected = [1.0 - law[prompt], 1.0 - newest, 0.0, 0.0, 0.0];
        assert_all_close(&track.with_stationary.survival, &expected, 1e-12, "met");
        assert_all_close(&track.distance, &[1.0 - law[prompt], 1.0 - newest, 0.0, 0.0, 0.0], 1e-12, "mixed");
        // Two continuations part with 1 - (.25 + .09 + .04); then two more steps until the windows agree.
        let pair = track.continuations;
        assert_all_close(
            &pair.together,
            &[1.0, 0.38, 0.38f64.powi(2), 0.38f64.powi(3), 0.38f64.powi(4)],
            1e-12,
            "together",
        );
        assert_all_close(&pair.meeting.unwrap().survival, &[1.0, 1.0, 0.0, 0.0, 0.0], 1e-12, "parted");
    }
}

#[test]
fn the_mean_information_over_prompts_is_that_of_windows() {
    let case = language_model("C12");
    let chain = case.shift();
    let law = stationary(&chain);
    let mut mean = vec![0.0; 9];
    for prompt in 0..chain.len() {
        let track = measure(&chain, prompt, TrackSettings::new().steps(8));
        assert_close(track.information[0], -law[prompt].log2(), 1e-9, "the prompt itself");
        mean.iter_mut().zip(&track.information).for_each(|(mean, bits)| *mean += law[prompt] * bits);
    }
    assert_all_close(&mean, &numbers(&case.expected["window_mi_bits_t0_to_8"]), 1e-9, "window information");
}

#[test]
fn prompts_may_have_a_law_of_their_own() {
    let chain = language_model("C12").shift();
    let mut prompts = vec![0.0; 9];
    (prompts[0], prompts[8]) = (0.25, 0.75);
    let prompts = Law::new(prompts).unwrap();
    let track = measure(&chain, 0, TrackSettings::new().steps(6).prompts(&prompts));
    assert_close(track.information[0], 2.0, 1e-15, "one in four");
    let after = |start: Start<'_>| {
        let law = start.law(chain.states()).unwrap();
        let mut next = vec![0.0; law.len()];
        chain.operator().push_forward(&law, &mut next);
        next
    };
    let bits = lmchain::prob::relative_entropy(&after(Start::State(0)), &after(Start::Law(&prompts)));
    assert_close(track.information[1], bits, 1e-14, "after a step");
    // A prompt that is not one of them tells more than any number of bits.
    let track = measure(&chain, 3, TrackSettings::new().prompts(&prompts));
    assert_eq!((track.information[0], track.information_share_at_most(0.05)), (f64::INFINITY, None));
    assert!(track.information_at_most(1.0).is_some());
}

// ---- a slow coupling ---------------------------------------------------------------------------

/// The law of a pair of windows one step later, straight from the definition over all tokens.
fn slow_step(chain: &MarkovChain<ShiftOperator>, pair: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let (n, space) = (chain.len(), *chain.operator().space());
    let row = |state: usize| chain.operator().next_token_law(state).collect::<Vec<f64>>();
    let mut next = vec![vec![0.0; n]; n];
    for one in 0..n {
        for other in (0..n).filter(|&other| pair[one][other] > 0.0) {
            let (p, q) = (row(one), row(other));
            let agree: f64 = p.iter().zip(&q).map(|(p, q)| p.min(*q)).sum();
            for (a, pa) in p.iter().enumerate() {
                for (b, qb) in q.iter().enumerate() {
                    let (rest_a, rest_b) = (pa - pa.min(q[a]), qb - qb.min(p[b]));
                    let apart = if agree < 1.0 { rest_a * rest_b / (1.0 - agree) } else { 0.0 };
                    let both = if a == b { pa.min(*qb) } else { 0.0 };
                    next[space.shift(one, a as u32)][space.shift(other, b as u32)] +=
                        pair[one][other] * (both + apart);
                }
            }
        }
    }
    next
}

fn slow_survival(chain: &MarkovChain<ShiftOperator>, mut pair: Vec<Vec<f64>>, steps: usize) -> Vec<f64> {
    let apart = |pair: &[Vec<f64>]| -> f64 {
        let off = |(i, row): (usize, &Vec<f64>)| row.iter().sum::<f64>() - row[i];
        pair.iter().enumerate().map(off).sum()
    };
    let mut survival = vec![apart(&pair)];
    for _ in 0..steps {
        pair = slow_step(chain, &pair);
        survival.push(apart(&pair));
    }
    survival
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn meetings_are_those_of_the_coupling_written_out(
        (space, table) in tables(prop_oneof![Just((2usize, 2usize)), Just((3, 1)), Just((2, 3)), Just((3, 2))], 1, 0.05),
        prompt in 0usize..8,
    ) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().recurrent_count() == 1);
        let (law, prompt, steps) = (stationary(&chain), prompt % chain.len(), 6);
        let track = measure(&chain, prompt, TrackSettings::new().steps(steps));
        let mut pair = vec![vec![0.0; chain.len()]; chain.len()];
        pair[prompt] = law.to_vec();
        let slow = slow_survival(&chain, pair, steps);
        for (found, expected) in track.with_stationary.survival.iter().zip(&slow) {
            prop_assert!((found - expected).abs() < 1e-11);
        }
        // The coupling inequality, and nothing that is forgotten comes back.
        for (met, distance) in track.with_stationary.survival.iter().zip(&track.distance) {
            prop_assert!(*met >= distance - 1e-9);
        }
        prop_assert!(track.distance.is_sorted_by(|one, next| *next <= one + 1e-12));
        prop_assert!(track.information.is_sorted_by(|one, next| *next <= one + 1e-9));
        // Pinsker's inequality, in bits.
        for (bits, distance) in track.information.iter().zip(&track.distance) {
            prop_assert!(2.0 * distance.powi(2) / std::f64::consts::LN_2 <= bits + 1e-9);
        }
    }

    #[test]
    fn continuations_part_and_meet_as_written_out(
        (space, table) in tables(prop_oneof![Just((2usize, 2usize)), Just((3, 1)), Just((3, 2))], 1, 0.05),
    ) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().recurrent_count() == 1);
        let steps = 5;
        let track = measure(&chain, 1, TrackSettings::new().steps(steps));
        let n = chain.len();
        let (mut both, mut parted) = (vec![0.0; n], vec![vec![0.0; n]; n]);
        both[1] = 1.0;
        let mut together = vec![1.0];
        for _ in 0..steps {
            let mut next = vec![0.0; n];
            for (state, &weight) in both.iter().enumerate() {
                for (a, p) in chain.operator().next_token_law(state).enumerate() {
                    for (b, q) in chain.operator().next_token_law(state).enumerate() {
                        let pair = [a, b].map(|token| space.shift(state, token as u32));
                        if a == b { next[pair[0]] += weight * p * q } else { parted[pair[0]][pair[1]] += weight * p * q }
                    }
                }
            }
            both = next;
            together.push(both.iter().sum());
        }
        let whole: f64 = parted.iter().flatten().sum();
        for (found, expected) in track.continuations.together.iter().zip(&together) {
            prop_assert!((found - expected).abs() < 1e-12);
        }
        match track.continuations.meeting {
            None => prop_assert!(whole == 0.0),
            Some(meeting) => {
                parted.iter_mut().flatten().for_each(|p| *p /= whole);
                let slow = slow_survival(&chain, parted, steps);
                for (found, expected) in meeting.survival.iter().zip(&slow) {
                    prop_assert!((found - expected).abs() < 1e-11);
                }
            }
        }
    }
}

#[test]
fn exact_means_are_the_sums_of_the_survival() {
    let chain = language_model("C12").shift();
    for prompt in 0..chain.len() {
        let track = measure(&chain, prompt, TrackSettings::new().steps(400));
        let pair = &track.continuations;
        let sum: f64 = pair.together.iter().sum();
        let [lower, upper] = both(&pair.time_to_part);
        assert!(pair.together[400] < 1e-12 && lower - 1e-9 <= sum && sum <= upper + 1e-9);
        for meeting in [&track.with_stationary, pair.meeting.as_ref().unwrap()] {
            let sum: f64 = meeting.survival.iter().sum();
            let [lower, upper] = bounds(meeting);
            // Nothing is left to meet after 400 steps; the curve loses some eps a step.
            assert!(meeting.survival[400] < 1e-12);
            assert!(lower - 1e-9 <= sum && sum <= upper + 1e-9, "{lower} {sum} {upper}");
        }
        let kept: f64 = track.topic_survival.iter().sum();
        let [lower, upper] = both(&track.time_to_leave);
        assert!(lower - 1e-8 <= kept && kept <= upper + 1e-8);
    }
}

// ---- samples ------------------------------------------------------------------------------------

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
        let row = |state| successors(chain.operator(), state).map(move |to| (state as u32, to.state as u32, to.probability));
        let entries = (0..chain.len()).flat_map(row).collect();
        chain.with_operator(SparseOperator::from_weights(chain.len(), entries).unwrap())
    };
    let settings = TrackSettings::new().steps(20).pairs(50);
    let check = |chain: MarkovChain<&dyn TransitionOperator>, is_exact: bool| {
        let (found, expected) = (measure(&chain, 1, settings), measure(&written_out(&chain), 1, settings));
        assert_eq!(found.with_stationary.sampled.is_none(), is_exact);
        assert_eq!(expected.with_stationary.sampled.is_none(), is_exact);
        if is_exact {
            assert_all_close(&found.with_stationary.survival, &expected.with_stationary.survival, 1e-11, "met");
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

// ---- ends of the scale -------------------------------------------------------------------------

#[test]
fn what_never_happens_is_said_to_be_so() {
    // A circle of three: no text ever parts from itself, nor meets one that is behind.
    let circle = SparseOperator::from_triplets(3, vec![(0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0)]).unwrap();
    let chain = MarkovChain::new(circle, States::numbered(3));
    let law = stationary(&chain);
    let whole = Topics::by_state(chain.states(), ["all"], |_| 0).unwrap();
    let track = TrackSettings::new().steps(9).measure(&chain, 0, &whole, &law).unwrap();
    assert!(track.continuations.meeting.is_none());
    assert_eq!(track.continuations.together, [1.0; 10]);
    assert_eq!(both(&track.continuations.time_to_part), [f64::INFINITY; 2]);
    assert_all_close(&track.with_stationary.survival, &[2.0 / 3.0; 10], 1e-12, "never");
    assert_eq!(bounds(&track.with_stationary), [f64::INFINITY; 2]);
    assert_eq!((both(&track.time_to_leave), track.topic_half_life()), ([f64::INFINITY; 2], None));
    assert_eq!((track.distance_at_most(0.25), track.information_at_most(1.0)), (None, None));
    let text = track.to_string();
    assert!(!text.contains("once parted") && text.contains("> 9") && text.contains("inf"));
    let sampled = TrackSettings::new().steps(9).pairs(200).always_sample(true);
    let sampled = sampled.measure(&chain, 0, &whole, &law).unwrap();
    assert!(sampled.continuations.meeting.is_none());
    assert_eq!(sampled.continuations.together, [1.0; 10]);
    assert_eq!(sampled.continuations.time_to_part, MeanTime::AtLeast(9.0));
    assert!(matches!(sampled.with_stationary.mean, MeanTime::AtLeast(mean) if mean > 0.0));
}

#[test]
fn continuations_that_seldom_part_have_a_mean_beyond_the_steps_followed() {
    // The more likely token has p^2 + (1 - p)^2 = 0.999, wherever one is.
    let p = 0.5 + (0.998f64 / 4.0).sqrt();
    let chain = MarkovChain::from_dense(ndarray::array![[p, 1.0 - p], [p, 1.0 - p]].view()).unwrap();
    let track = measure(&chain, 0, TrackSettings::new());
    let together: Vec<f64> = (0..=200).map(|n| 0.999f64.powi(n)).collect();
    assert_all_close(&track.continuations.together, &together, 1e-12, "together");
    let [lower, upper] = both(&track.continuations.time_to_part);
    assert!(lower - 1e-5 <= 1000.0 && 1000.0 <= upper + 1e-5, "{lower} {upper}");
    assert!(track.to_string().contains("1000.00"));
    // One pair of two parts within 400 steps with probability 0.44: that is too few to tell when
    // they meet again, but not when they part.
    let settings = TrackSettings::new().steps(400).pairs(2).always_sample(true);
    let tracks = (0..40).map(|seed| measure(&chain, 0, settings.seed(seed)));
    let halves: Vec<OnTrack> = tracks.filter(|track| track.continuations.together[400] == 0.5).collect();
    assert!(!halves.is_empty());
    for track in halves {
        assert!(track.continuations.meeting.is_none());
        assert!(matches!(track.continuations.time_to_part, MeanTime::AtLeast(mean) if mean >= 200.0));
        assert!(track.to_string().contains("two continuations part (half of them)"));
    }
}

#[test]
fn means_that_were_not_reached_say_so() {
    // A walk that drifts away from the one state outside: so rarely there that no round of bounds is enough.
    let (states, up) = (5000u32, 0.75);
    let step = |state: u32| [(state, state.saturating_sub(1), 1.0 - up), (state, (state + 1).min(states - 1), up)];
    let walk = SparseOperator::from_triplets(states as usize, (0..states).flat_map(step).collect()).unwrap();
    let chain = MarkovChain::new(walk, States::numbered(states as usize));
    let topics = Topics::by_state(chain.states(), ["out", "in"], |state| usize::from(state > 0)).unwrap();
    let settings = TrackSettings::new().steps(3).pairs(2);
    let track = settings.measure(&chain, 4000, &topics, &Law::uniform(states as usize)).unwrap();
    let MeanTime::Bounds { bounds, stop } = track.time_to_leave else { panic!("it was solved for") };
    assert!(stop == Stop::MaxIterations && bounds.width() > 1.0, "{stop}: {bounds:?}");
    assert!(track.to_string().lines().any(|line| line.contains("is left") && line.contains("> ")));
}

#[test]
fn the_table_has_a_line_for_every_answer() {
    let chain = language_model("C21").shift();
    let topics = Topics::by_token(chain.states(), ["sea", "air"], |token| usize::from(token >= 2)).unwrap();
    let text = chain.on_track(0, &topics, &stationary(&chain)).unwrap().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 8);
    assert!(lines[0].starts_with("after \"0\", in steps"));
    let answers: Vec<&str> = lines[1..].iter().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(answers, [
        "coupling", "coupling", "coupling", "information", "information", "sojourn", "distance"
    ]);
    let leaves = lines.iter().find(|line| line.contains("topic \"sea\"")).unwrap();
    assert_eq!(leaves.split_whitespace().rev().take(2).collect::<Vec<_>>(), ["20.00", "14"]);
}

#[test]
fn bad_questions_are_refused() {
    let chain = language_model("C21").shift();
    let (law, topics) = (stationary(&chain), topics(chain.states()));
    let refused =
        |settings: TrackSettings<'_>, prompt| settings.measure(&chain, prompt, &topics, &law).unwrap_err();
    let settings = TrackSettings::new();
    assert!(matches!(refused(settings, 4), Error::StateOutOfRange { state: 4, states: 4 }));
    assert!(matches!(refused(settings.pairs(1), 0), Error::InvalidSetting { name: "pairs", .. }));
    assert!(matches!(refused(settings.steps(usize::MAX), 0), Error::TooLarge { .. }));
    assert!(matches!(refused(settings.steps(100_000_000_000), 0), Error::TooLarge { .. }));
    let sampled = settings.always_sample(true);
    assert!(matches!(refused(sampled.pairs(usize::MAX), 0), Error::TooLarge { .. }));
    assert!(matches!(refused(sampled.steps(10_000).pairs(100_000_000), 0), Error::TooExpensive { .. }));
    let other = Law::uniform(5);
    let expected = refused(settings.prompts(&other), 0);
    assert!(matches!(expected, Error::LengthMismatch { expected: 4, found: 5 }));
    for after in [0, 5, 210] {
        let mut calls = 0;
        let mut stop = |_: &Progress| {
            calls += 1;
            if calls > after { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        };
        let stopped = settings.measure_watched(&chain, 0, &topics, &law, &mut stop);
        assert!(matches!(stopped, Err(Error::Cancelled { .. })), "after {after}");
    }
}
