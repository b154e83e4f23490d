//! Four answers to how long a prompt is kept to, against closed forms, a slow coupling, and each other.

mod ends;
mod samples;

use lmchain::chain::{MarkovChain, Start, States};
use lmchain::drift::{MeanTime, MeetingTime, OnTrack, TrackSettings};
use lmchain::operator::{ShiftOperator, TransitionOperator};
use lmchain::prob::Law;
use lmchain::solve::Stop;
use lmchain::topics::Topics;
use proptest::prelude::*;

use crate::common::tables::{shift, tables};
use crate::common::{assert_all_close, assert_close, language_model, numbers};

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
