//! What never happens, hardly ever happens, or cannot be asked.

use lmchain::Error;
use lmchain::chain::{MarkovChain, States};
use lmchain::drift::{MeanTime, OnTrack, TrackSettings};
use lmchain::operator::SparseOperator;
use lmchain::prob::Law;
use lmchain::solve::Progress;
use lmchain::topics::Topics;

use super::{both, bounds, measure, stationary, topics};
use crate::common::{assert_all_close, language_model};

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
fn the_table_has_a_line_for_every_answer() {
    let chain = language_model("C21").shift();
    let topics = Topics::by_token(chain.states(), ["sea", "air"], |token| usize::from(token >= 2)).unwrap();
    let text = chain.on_track(0, &topics, &stationary(&chain)).unwrap().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 8);
    assert!(lines[0].starts_with("after \"0\", in steps"));
    let answers: Vec<&str> = lines[1..].iter().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(
        answers,
        ["coupling", "coupling", "coupling", "information", "information", "sojourn", "distance"]
    );
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
