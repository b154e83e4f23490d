//! Drift of topics against closed forms, enumeration, simulation, and counts in Python.

mod windows;

use lmchain::Error;
use lmchain::chain::{MarkovChain, Start, States};
use lmchain::operator::{Restart, ShiftOperator, SparseOperator, TransitionOperator, successors};
use lmchain::prob::{Law, total_variation};
use lmchain::solve::Progress;
use lmchain::topics::{Memberships, Topics};
use proptest::prelude::*;

use crate::common::tables::{shift, tables};
use crate::common::{assert_all_close, assert_close, language_model, matrix, numbers};

fn stationary<O: TransitionOperator>(chain: &MarkovChain<O>) -> Law {
    chain.stationary().unwrap().converged().unwrap()
}

/// The two topics of case C21, told by the token.
fn two_topics(states: &States) -> Topics {
    Topics::by_token(states, ["first", "second"], |token| usize::from(token >= 2)).unwrap()
}

// ---- the closed form of two topics ---------------------------------------------------------

#[test]
fn visits_to_two_topics_have_their_closed_form_in_every_operator() {
    let case = language_model("C21");
    let half_lives = numbers(&case.expected["sojourn_survival_half_life_steps"]);
    for (operator, _, chain) in case.chains() {
        let (law, topics) = (stationary(&chain), two_topics(chain.states()));
        for (topic, leave) in [0.05, 0.1].into_iter().enumerate() {
            let visit = chain.sojourn(&topics, topic, &law, 60).unwrap();
            assert_all_close(&visit.hazard(), &[leave; 60], 1e-12, operator);
            assert_close(visit.half_life_between_steps().unwrap(), half_lives[topic], 1e-10, operator);
            let geometric: Vec<f64> = (0..60).map(|n| leave * (1.0 - leave).powi(n)).collect();
            assert_all_close(&visit.law(), &geometric, 1e-12, operator);
            // From anywhere in a lumpable topic it takes as long as from an entry.
            let times = chain.time_to_leave(&topics, topic).unwrap().converged().unwrap();
            for state in topics.states_of(topic).iter() {
                let interval = times.mean().interval(state);
                assert!(interval.lower <= 1.0 / leave + 1e-9 && 1.0 / leave - 1e-9 <= interval.upper);
                assert!(times.variance().interval(state).width() < 1e-3);
                let kept = chain.topic_survival(&topics, topic, Start::State(state), 60).unwrap();
                assert_all_close(&kept, &visit.survival, 1e-12, operator);
            }
            assert_eq!(times.mean().interval(3 * (1 - topic)).upper, 0.0);
        }
    }
}

#[test]
fn two_topics_are_come_back_to_as_their_closed_form_says() {
    let chain = language_model("C21").shift();
    let (law, topics) = (stationary(&chain), two_topics(chain.states()));
    for (topic, enter, share) in [(0, 0.1f64, 2.0 / 3.0), (1, 0.05, 1.0 / 3.0)] {
        let back = chain.topic_return(&topics, topic, &law, 40).unwrap();
        let at: Vec<f64> = (0..=40).map(|n| share * (1.0 - 0.85f64.powi(n))).collect();
        let within: Vec<f64> = (0..=40).map(|n| 1.0 - (1.0 - enter).powi(n)).collect();
        assert_all_close(&back.at, &at, 1e-12, "back at n");
        assert_all_close(&back.within, &within, 1e-12, "back within n");
        assert_close(back.mean_absence, 1.0 / enter, 1e-10, "absence");
    }
}

#[test]
fn topics_tell_of_each_other_by_lag_as_the_tokens_do() {
    // The mutual information of the topics now and later, from the curves of the drift.
    let case = language_model("C21");
    for (operator, _, chain) in case.chains() {
        let (law, topics) = (stationary(&chain), two_topics(chain.states()));
        let shares = topics.law(&law);
        let curves: Vec<_> = (0..2)
            .map(|topic| {
                let start = chain.law_in_topic(&topics, topic, &law).unwrap();
                chain.topic_curve(&topics, Start::Law(&start), 20).unwrap()
            })
            .collect();
        for (lag, expected) in case.expected["topic_lag"].as_object().unwrap() {
            let lag: usize = lag.parse().unwrap();
            let term =
                |a: usize, b: usize| shares[a] * curves[a][lag][b] * (curves[a][lag][b] / shares[b]).log2();
            let bits: f64 = [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().map(|(a, b)| term(a, b)).sum();
            assert_close(bits, expected["topic_mi_bits"].as_f64().unwrap(), 1e-11, operator);
        }
    }
}

#[test]
fn a_lumpable_chain_is_its_lumped_chain() {
    let case = language_model("C21");
    for (operator, _, chain) in case.chains() {
        let (law, topics) = (stationary(&chain), two_topics(chain.states()));
        let lumped = chain.lumped(&topics, &law).unwrap();
        for (from, row) in matrix(&case.expected["topic_chain"]).iter().enumerate() {
            for (to, &p) in row.iter().enumerate() {
                assert_close(lumped.chain().operator().probability(from, to), p, 1e-12, operator);
            }
        }
        assert_eq!(lumped.chain().states().label(1), "second");
        assert_all_close(lumped.shares(), &numbers(&case.expected["topic_stationary"]), 1e-12, operator);
        // Two sums of four products and a difference.
        assert!(lumped.max_error() < 16.0 * f64::EPSILON && lumped.mean_error() <= lumped.max_error());
        let test = chain.chapman_kolmogorov(&topics, &law, 50).unwrap();
        assert!(test.max_deviation().1 < 1e-13, "{operator}");
        assert_all_close(&test.lumped[0][1], &[0.95, 0.05], 1e-12, operator);
    }
}

// ---- enumeration -----------------------------------------------------------------------------

/// Every path of so many steps from a law, with its probability.
fn paths<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    start: &[f64],
    steps: usize,
) -> Vec<(Vec<usize>, f64)> {
    let mut paths: Vec<(Vec<usize>, f64)> =
        (0..chain.len()).filter(|&s| start[s] > 0.0).map(|s| (vec![s], start[s])).collect();
    for _ in 0..steps {
        let longer = |(path, p): &(Vec<usize>, f64)| {
            let last = *path.last().unwrap();
            let next = successors(chain.operator(), last);
            next.map(|to| ([path.as_slice(), &[to.state]].concat(), p * to.probability)).collect::<Vec<_>>()
        };
        paths = paths.iter().flat_map(longer).collect();
    }
    paths
}

/// The probability of the paths that have a property, out of those that have another.
fn share(
    paths: &[(Vec<usize>, f64)],
    given: impl Fn(&[usize]) -> bool,
    and: impl Fn(&[usize]) -> bool,
) -> f64 {
    let sum = |keep: &dyn Fn(&[usize]) -> bool| -> f64 {
        paths.iter().filter(|(path, _)| keep(path)).map(|(_, p)| p).sum()
    };
    sum(&|path| given(path) && and(path)) / sum(&given)
}

/// Tables whose every entry is positive, and topics by the oldest token: not lumpable.
fn uneven() -> impl Strategy<Value = (MarkovChain<ShiftOperator>, Law, Topics)> {
    let sizes = prop_oneof![Just((2usize, 2usize)), Just((3, 1)), Just((2, 3)), Just((3, 2))];
    tables(sizes, 0, 0.05).prop_map(|(space, table)| {
        let chain = shift(space, table);
        let law = stationary(&chain);
        let topics =
            Topics::by_state(chain.states(), ["zero", "other"], |state| usize::from(space.oldest(state) > 0));
        (chain, law, topics.unwrap())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn visits_and_returns_are_those_of_all_paths((chain, law, topics) in uneven()) {
        let steps = 4;
        // One step before, to see the entry or the exit.
        let all = paths(&chain, &law, steps + 1);
        // The stationary law is right to 1e-10 or so; what is divided by is above 1e-3.
        let close = |found: f64, expected: f64| prop_assert_ok((found - expected).abs() < 1e-7);
        for topic in 0..2 {
            let inside = |state: usize| topics.of_state(state) == topic;
            let visit = chain.sojourn(&topics, topic, &law, steps).unwrap();
            let back = chain.topic_return(&topics, topic, &law, steps).unwrap();
            for n in 0..=steps {
                let enters = |path: &[usize]| !inside(path[0]) && inside(path[1]);
                let leaves = |path: &[usize]| inside(path[0]) && !inside(path[1]);
                let stays = |path: &[usize]| path[1..=n + 1].iter().all(|&state| inside(state));
                let is_back = |path: &[usize]| path[1..=n + 1].iter().any(|&state| inside(state));
                close(visit.survival[n], share(&all, enters, stays))?;
                close(back.at[n], share(&all, leaves, |path| inside(path[n + 1])))?;
                close(back.within[n], share(&all, leaves, is_back))?;
            }
            let rate: f64 = share(&all, |_| true, |path| inside(path[0]) && !inside(path[1]));
            close(back.mean_absence, (1.0 - topics.law(&law)[topic]) / rate)?;
        }
    }

    #[test]
    fn the_lumpability_error_is_the_distance_of_rows((chain, law, topics) in uneven()) {
        let lumped = chain.lumped(&topics, &law).unwrap();
        let next = |law: &[f64]| {
            let mut next = vec![0.0; law.len()];
            chain.operator().push_forward(law, &mut next);
            topics.law(&next)
        };
        let row = |topic: usize| next(&chain.law_in_topic(&topics, topic, &law).unwrap());
        let rows = [row(0), row(1)];
        let apart = |state: usize| {
            total_variation(&next(&Law::point(chain.len(), state)), &rows[topics.of_state(state)])
        };
        let worst = (0..chain.len()).map(apart).fold(0.0, f64::max);
        let mean: f64 = (0..chain.len()).map(|state| law[state] * apart(state)).sum();
        prop_assert!((lumped.max_error() - worst).abs() < 1e-12);
        prop_assert!((lumped.mean_error() - mean).abs() < 1e-12);
        prop_assert!((apart(lumped.worst_state()) - worst).abs() < 1e-12);
    }

    #[test]
    fn the_lumped_chain_is_wrong_by_what_its_powers_say((chain, law, topics) in uneven()) {
        let test = chain.chapman_kolmogorov(&topics, &law, 6).unwrap();
        let flow: Vec<Vec<f64>> = chain.topic_flow(&topics, &law).into_iter().map(Option::unwrap).collect();
        let mut power = [vec![1.0, 0.0], vec![0.0, 1.0]];
        let mut deviation = Vec::new();
        for n in 0..=6 {
            let exact = |topic: usize| {
                let retained = chain.retention(&topics, topic, &law, n).unwrap()[n];
                if topic == 0 { vec![retained, 1.0 - retained] } else { vec![1.0 - retained, retained] }
            };
            deviation.push((0..2).map(|a| total_variation(&exact(a), &power[a])).fold(0.0, f64::max));
            for row in &mut power {
                *row = (0..2).map(|b| row[0] * flow[0][b] + row[1] * flow[1][b]).collect();
            }
        }
        for (found, expected) in test.deviation().iter().zip(&deviation) {
            prop_assert!((found - expected).abs() < 1e-12);
        }
        // By construction: sums of at most nine numbers, divided by their sum.
        prop_assert!(test.deviation()[..2].iter().all(|&apart| apart < 32.0 * f64::EPSILON));
    }

    #[test]
    fn the_mean_time_to_leave_is_the_sum_of_the_survival((chain, _, topics) in uneven()) {
        for topic in 0..2 {
            let times = chain.time_to_leave(&topics, topic).unwrap().converged().unwrap();
            for state in topics.states_of(topic).iter() {
                let kept = chain.topic_survival(&topics, topic, Start::State(state), 4000).unwrap();
                let interval = times.mean().interval(state);
                // What is left after the last step falls at least by the last factor or is nothing.
                let sum: f64 = kept.iter().sum();
                prop_assert!(kept[4000] < 1e-12, "followed to the end");
                prop_assert!(interval.lower - 1e-8 <= sum && sum <= interval.upper + 1e-8);
            }
        }
    }

    #[test]
    fn soft_topics_are_drawn_anew_at_every_step((chain, law, _) in uneven(), shares in prop::collection::vec(0.05..0.95f64, 9)) {
        let soft: Vec<f64> = (0..chain.len()).flat_map(|state| [shares[state], 1.0 - shares[state]]).collect();
        let soft = Memberships::new(["a", "b"], soft).unwrap();
        let all = paths(&chain, &law, 2);
        for a in 0..2 {
            let at = |state: usize, topic: usize| soft.of_state(state)[topic];
            let visits: f64 = all.iter().map(|(path, p)| p * at(path[0], a)).sum();
            let flow = chain.topic_flow(&soft, &law);
            for b in 0..2 {
                let both: f64 = all.iter().map(|(path, p)| p * at(path[0], a) * at(path[1], b)).sum();
                prop_assert!((flow[a].as_ref().unwrap()[b] - both / visits).abs() < 1e-12);
            }
            let kept: f64 = all.iter().map(|(path, p)| p * at(path[0], a) * at(path[2], a)).sum();
            prop_assert!((chain.retention(&soft, a, &law, 2).unwrap()[2] - kept / visits).abs() < 1e-12);
        }
    }

    #[test]
    fn a_partition_is_the_hard_case_of_memberships((chain, law, topics) in uneven()) {
        let hard = Memberships::of_topics(&topics);
        prop_assert_eq!(chain.topic_flow(&hard, &law), chain.topic_flow(&topics, &law));
        let curves = |start| (chain.topic_curve(&hard, start, 5).unwrap(), chain.topic_curve(&topics, start, 5).unwrap());
        let (one, other) = curves(Start::State(0));
        for (one, other) in one.iter().flatten().zip(other.iter().flatten()) {
            prop_assert!((one - other).abs() < 1e-14);
        }
    }
}

fn prop_assert_ok(holds: bool) -> Result<(), TestCaseError> {
    prop_assert!(holds);
    Ok(())
}

// ---- simulation -----------------------------------------------------------------------------

#[test]
fn simulated_visits_last_as_long_as_solved() {
    // The metastable chain: visits to the majority of ones, walk by walk the first complete one.
    let chain = language_model("C22").shift();
    let law = stationary(&chain);
    let topics =
        Topics::by_state(chain.states(), ["zeros", "ones"], |state| usize::from(state.count_ones() >= 2))
            .unwrap();
    let visit = chain.sojourn(&topics, 1, &law, 400).unwrap();
    let entered: Vec<f64> = {
        let mut outside: Vec<f64> = law.to_vec();
        topics.states_of(0).restrict(&mut outside);
        let mut next = vec![0.0; law.len()];
        chain.operator().push_forward(&outside, &mut next);
        topics.states_of(1).restrict(&mut next);
        next
    };
    let entry = Law::normalized(entered).unwrap();
    let (walks, steps) = (20_000, 400);
    let ensemble = chain.walker().unwrap().ensemble(Start::Law(&entry), walks, steps, 5).unwrap();
    let lengths: Vec<usize> = ensemble
        .walks()
        .map(|walk| walk.iter().position(|&state| topics.of_state(state as usize) == 0).unwrap_or(steps + 1))
        .collect();
    // Dvoretzky-Kiefer-Wolfowitz (Massart 1990): no survival is off by more, but for a chance of 1e-9.
    let off = ((2.0f64 / 1e-9).ln() / (2.0 * walks as f64)).sqrt();
    for (n, expected) in visit.survival.iter().enumerate() {
        let longer = lengths.iter().filter(|&&length| length > n).count() as f64 / walks as f64;
        assert!((longer - expected).abs() < off, "{n}: {longer}, not {expected}");
    }
    let mean = lengths.iter().sum::<usize>() as f64 / walks as f64;
    let variance = lengths.iter().map(|&n| (n as f64 - mean).powi(2)).sum::<f64>() / walks as f64;
    // Six standard errors, and what visits longer than was followed may add.
    let cut = visit.survival[steps] * visit.mean;
    assert!(
        (mean - visit.mean).abs() < 6.0 * (variance / walks as f64).sqrt() + cut,
        "{mean}, {}",
        visit.mean
    );
}

#[test]
fn a_chain_with_restarts_leaves_its_topic_more_often() {
    let chain = language_model("C21").shift();
    let topics = two_topics(chain.states());
    let restart = Restart::new(chain.operator(), 0.2, Law::point(4, 3)).unwrap();
    let restarted = chain.with_operator(restart);
    let law = stationary(&restarted);
    let visit = restarted.sojourn(&topics, 0, &law, 5).unwrap();
    assert_all_close(&visit.hazard(), &[1.0 - 0.8 * 0.95; 5], 1e-12, "restarted");
    let lumped = restarted.lumped(&topics, &law).unwrap();
    assert_close(lumped.chain().operator().probability(1, 1), 0.8 * 0.9 + 0.2, 1e-12, "restarted");
    assert!(lumped.max_error() < 1e-14);
}

// ---- what cannot be answered ---------------------------------------------------------------

#[test]
fn topics_that_are_never_visited_or_left_are_refused() {
    let stuck = SparseOperator::from_triplets(3, vec![(0, 1, 1.0), (1, 0, 1.0), (2, 0, 1.0)]).unwrap();
    let chain = MarkovChain::new(stuck, States::numbered(3));
    let law = stationary(&chain);
    let topics = |of: [usize; 3]| Topics::by_state(chain.states(), ["a", "b"], |state| of[state]).unwrap();
    let unvisited = topics([0, 0, 1]);
    let empty = |error: Error| matches!(error, Error::EmptyTopic { name } if name == "b");
    assert!(empty(chain.lumped(&unvisited, &law).unwrap_err()));
    assert!(empty(chain.chapman_kolmogorov(&unvisited, &law, 3).unwrap_err()));
    assert!(empty(chain.topic_return(&unvisited, 1, &law, 3).unwrap_err()));
    assert!(matches!(chain.topic_return(&unvisited, 0, &law, 3), Err(Error::Impossible { .. })));
    let whole = topics([0; 3]);
    assert!(matches!(chain.time_to_leave(&whole, 0), Err(Error::EmptySet { .. })));
    assert_eq!(chain.topic_survival(&whole, 0, Start::State(0), 2).unwrap(), [1.0; 3]);
    // Nothing but the last step of a cycle leads out: the hazard is 0, then 1.
    let visit = chain.sojourn(&topics([0, 1, 1]), 0, &law, 3).unwrap();
    assert_eq!((visit.hazard(), visit.mean), (vec![1.0], 1.0));
}

#[test]
fn closed_classes_that_never_change_topic_count_neither_as_visits_nor_as_absences() {
    // 0 and 1 in turn, and 2 for ever: half of the time each.
    let two = SparseOperator::from_triplets(3, vec![(0, 1, 1.0), (1, 0, 1.0), (2, 2, 1.0)]).unwrap();
    let chain = MarkovChain::new(two, States::numbered(3));
    let law = Law::new(vec![0.25, 0.25, 0.5]).unwrap();
    for topic in [[0, 1, 1], [0, 1, 0]] {
        let topics = Topics::by_state(chain.states(), ["a", "b"], |state| topic[state]).unwrap();
        for topic in 0..2 {
            // Every visit and every absence that begins at all lasts one step.
            let visit = chain.sojourn(&topics, topic, &law, 2).unwrap();
            assert_eq!((visit.mean, visit.survival), (1.0, vec![1.0, 0.0, 0.0]));
            let back = chain.topic_return(&topics, topic, &law, 2).unwrap();
            assert_eq!((back.mean_absence, back.within), (1.0, vec![0.0, 1.0, 1.0]));
        }
        // Retention ends nowhere: it goes on changing.
        assert!(chain.retention(&topics, 1, &law, 9).unwrap().windows(2).all(|two| two[0] != two[1]));
    }
    let alone = Topics::by_state(chain.states(), ["a", "b"], |state| usize::from(state == 2)).unwrap();
    assert_eq!(chain.sojourn(&alone, 1, &law, 2).unwrap().mean, f64::INFINITY);
}

#[test]
fn the_test_of_the_lumped_chain_can_be_stopped() {
    let chain = language_model("C21").shift();
    let (law, topics) = (stationary(&chain), two_topics(chain.states()));
    let mut stop = |_: &Progress| std::ops::ControlFlow::Break(());
    let stopped = chain.chapman_kolmogorov_watched(&topics, &law, 5, &mut stop);
    assert!(matches!(stopped, Err(Error::Cancelled { .. })));
}
