//! Classes of chains with so many states that threads search them together, against
//! a slow obvious search.

use std::ops::ControlFlow;

use lmchain::Error;
use lmchain::chain::{Classes, MarkovChain, States};
use lmchain::operator::SparseOperator;
use lmchain::prob::stream;
use lmchain::solve::Progress;
use rand::RngExt;

const STATES: usize = 70_000;

fn chain(arcs: &[(u32, u32)]) -> MarkovChain<SparseOperator> {
    let mut weights: Vec<(u32, u32, f64)> = arcs.iter().map(|&(from, to)| (from, to, 1.0)).collect();
    weights.sort_by_key(|&(from, to, _)| (from, to));
    weights.dedup();
    MarkovChain::new(SparseOperator::from_weights(STATES, weights).unwrap(), States::numbered(STATES))
}

/// Which states can be reached by arcs from a state, with the steps of some way there.
fn reached(neighbours: &[Vec<u32>], from: usize) -> Vec<Option<u64>> {
    let mut steps = vec![None; STATES];
    steps[from] = Some(0);
    let mut pending = vec![from];
    while let Some(state) = pending.pop() {
        for &next in &neighbours[state] {
            if steps[next as usize].is_none() {
                steps[next as usize] = steps[state].map(|steps| steps + 1);
                pending.push(next as usize);
            }
        }
    }
    steps
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Holds the class of some states to what reaches them and is reached.
fn check(arcs: &[(u32, u32)], states: &[usize]) {
    let chain = chain(arcs);
    let classes = chain.classes();
    let mut forward = vec![Vec::new(); STATES];
    let mut backward = vec![Vec::new(); STATES];
    for &(from, to) in arcs {
        forward[from as usize].push(to);
        backward[to as usize].push(from);
    }
    for &state in states {
        let (to, from) = (reached(&forward, state), reached(&backward, state));
        let class = classes.class_of(state);
        let together: Vec<u32> =
            (0..STATES).filter(|&s| to[s].is_some() && from[s].is_some()).map(|s| s as u32).collect();
        assert_eq!(classes.members(class), together, "the class of state {state}");
        assert_eq!(classes.is_recurrent(class), to.iter().flatten().count() == together.len(), "{state}");
        let within =
            arcs.iter().filter(|(a, b)| [a, b].iter().all(|s| classes.class_of(**s as usize) == class));
        let steps = |s: u32| to[s as usize].unwrap();
        let period = within
            .fold(0, |period, &(a, b)| greatest_common_divisor(period, (steps(a) + 1).abs_diff(steps(b))));
        assert_eq!(classes.period(class) as u64, period, "the period of state {state}");
    }
    let sizes: usize = (0..classes.count()).map(|class| classes.members(class).len()).sum();
    assert_eq!(sizes, STATES, "every state is in one class");
}

#[test]
fn classes_of_arcs_anywhere_are_found() {
    // With one and a half arcs a state there is a large class, states before it, behind it and aside.
    let mut rng = stream(3, 0);
    for arcs_a_state in [1, 3] {
        let arcs: Vec<(u32, u32)> = (0..STATES as u32)
            .flat_map(|state| {
                let count = rng.random_range(1..=arcs_a_state);
                (0..count).map(|_| (state, rng.random_range(0..STATES as u32))).collect::<Vec<_>>()
            })
            .collect();
        check(&arcs, &[0, 1, 17, 4_711, STATES / 2, STATES - 1]);
    }
}

#[test]
fn two_large_classes_are_told_apart_with_their_periods() {
    // From the first third, a circle with chords of period 3, one arc leads to the rest, of period 4.
    let (first, rest) = (21_000, 49_000);
    let circle = |begin: usize, len: usize, chord: usize| {
        let state = move |place: usize| (begin + place % len) as u32;
        (0..len).flat_map(move |i| [(state(i), state(i + 1)), (state(i), state(i + chord))])
    };
    let mut arcs: Vec<(u32, u32)> = circle(0, first, 4).chain(circle(first, rest, 5)).collect();
    arcs.push((17, first as u32));
    check(&arcs, &[0, 17, first - 1, first, STATES - 1]);
    // The other way round, so that the class of the first state is the one that is never left.
    let last = arcs.len() - 1;
    arcs[last] = (first as u32, 17);
    check(&arcs, &[0, 17, first - 1, first, STATES - 1]);
}

#[test]
fn the_search_for_classes_is_watched_and_can_be_stopped() {
    // A circle with chords, whose one class is searched twice, and a tail that leads to it.
    let circle = (0..STATES as u32 - 100).flat_map(|state| {
        let on = |steps: u32| (state, (state + steps) % (STATES as u32 - 100));
        [on(1), on(2)]
    });
    let tail = (STATES as u32 - 100..STATES as u32).map(|state| (state, state - 1));
    let chain = chain(&circle.chain(tail).collect::<Vec<_>>());

    let mut stop = |_: &Progress| ControlFlow::Break(());
    let stopped = chain.classes_watched(&mut stop).map(Classes::count);
    assert!(matches!(stopped, Err(Error::Cancelled { .. })), "{stopped:?}");

    let mut seen: Vec<Progress> = Vec::new();
    let mut watch = |progress: &Progress| {
        seen.push(*progress);
        ControlFlow::Continue(())
    };
    assert_eq!(chain.classes_watched(&mut watch).unwrap().count(), 101);
    let mut stages: Vec<&str> = seen.iter().map(|progress| progress.stage).collect();
    stages.dedup();
    assert_eq!(stages.len(), 2, "{stages:?}");
    for progress in &seen {
        assert!(progress.total.is_none_or(|total| progress.done <= total), "{progress:?}");
    }
    // What is known is not sought again.
    assert_eq!(chain.classes_watched(&mut stop).unwrap().count(), 101);
}
