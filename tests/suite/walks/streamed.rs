//! Walks that are watched and not kept against those that are kept.

use std::ops::ControlFlow;

use lmchain::chain::{Ensemble, FirstVisits, Start, StateSet, Visit, VisitCounts, WalkObserver, Walker};
use lmchain::error::Error;
use lmchain::solve::Progress;

use crate::common::language_model;

const STEPS: usize = 50;

/// Numbers of walks around those that are split, and that go side by side.
const NUMBERS: [usize; 8] = [0, 1, 7, 8, 9, 33, 130, 700];

fn for_ensembles(check: impl Fn(&Walker<'_>, Start<'_>, usize, &Ensemble)) {
    let chain = language_model("C12").shift();
    let law = chain.stationary().unwrap().converged().unwrap();
    let walker = chain.walker().unwrap();
    for walks in NUMBERS {
        for start in [Start::State(4), Start::Law(&law)] {
            check(&walker, start, walks, &walker.ensemble(start, walks, STEPS, 3).unwrap());
        }
    }
}

#[test]
fn visits_are_counted() {
    for_ensembles(|walker, start, walks, kept| {
        let new = || VisitCounts::by_group(3, |state| state % 3).from_step(10);
        let streamed = walker.stream(start, walks, STEPS, 3, new).unwrap();
        let mut counts = [0; 3];
        kept.walks().flat_map(|walk| &walk[10..]).for_each(|state| counts[*state as usize % 3] += 1);
        assert_eq!((streamed.counts(), streamed.total()), (counts.to_vec(), counts.iter().sum()));

        let new = || VisitCounts::of_states(9).after_steps([STEPS as u64, 0, 7, 7]);
        let streamed = walker.stream(start, walks, STEPS, 3, new).unwrap();
        for step in [0, 7, STEPS] {
            assert_eq!(streamed.counts_after(step as u64), kept.counts_after(step, 9));
        }
        assert_eq!(streamed.total(), 3 * walks as u64);
    });
}

#[test]
fn first_visits_are_timed() {
    for_ensembles(|walker, start, walks, kept| {
        let set = StateSet::of(9, [0, 8]).unwrap();
        let streamed = walker.stream(start, walks, STEPS, 3, || FirstVisits::to(&set)).unwrap();
        let first = |walk: &[u32]| walk.iter().position(|&state| set.contains(state as usize));
        let mut times: Vec<u64> = kept.walks().filter_map(first).map(|step| step as u64).collect();
        times.sort_unstable();
        let found: Vec<u64> =
            streamed.times().flat_map(|(step, walks)| std::iter::repeat_n(step, walks as usize)).collect();
        assert_eq!(found, times);
        assert_eq!(streamed.missed() as usize, walks - times.len());
    });
}

/// All that is shown of every walk, and a sum that depends on the order.
#[derive(Default)]
struct Diary {
    walks: Vec<(usize, Vec<u32>)>,
    sum: f32,
}

impl WalkObserver for Diary {
    fn visit(&mut self, visit: Visit) -> ControlFlow<()> {
        if visit.step == 0 {
            self.walks.push((visit.walk, Vec::new()));
        }
        let place = self.walks.iter().position(|(walk, _)| *walk == visit.walk).unwrap();
        let path = &mut self.walks[place].1;
        assert_eq!((path.len() as u64, visit.is_last), (visit.step, visit.step == STEPS as u64));
        path.push(visit.state as u32);
        self.sum += 1.0 / (visit.state as f32 + 0.3);
        ControlFlow::Continue(())
    }

    fn merge(&mut self, later: Self) {
        self.walks.extend(later.walks);
        self.sum += later.sum;
    }
}

#[test]
fn every_walk_is_shown_from_start_to_end_and_merged_in_order() {
    for_ensembles(|walker, start, walks, kept| {
        let diary = walker.stream(start, walks, STEPS, 3, Diary::default).unwrap();
        let paths = kept.walks().map(<[u32]>::to_vec).enumerate().collect::<Vec<_>>();
        assert_eq!(diary.walks, paths);
    });
}

#[test]
fn what_is_noted_does_not_depend_on_the_number_of_threads() {
    let chain = language_model("C12").shift();
    let walker = chain.walker().unwrap();
    let sum = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let diary = || walker.stream(Start::State(0), 300, STEPS, 3, Diary::default).unwrap();
        pool.install(diary).sum.to_bits()
    };
    assert_eq!([sum(1), sum(2), sum(8)], [sum(1); 3]);
}

#[test]
fn walking_is_watched_and_stopped() {
    let chain = language_model("C12").shift();
    let walker = chain.walker().unwrap();
    let new = || VisitCounts::of_states(9);
    let mut seen = Vec::new();
    let (walks, steps) = (64, 30_000);
    let mut watch = |progress: &Progress| {
        seen.push((progress.done, progress.total));
        ControlFlow::Continue(())
    };
    let counts = walker.stream_watched(Start::State(0), walks, steps, 1, new, &mut watch).unwrap();
    let total = (walks * steps) as u64;
    assert_eq!(counts.total(), total + walks as u64);
    assert_eq!((seen[0], seen[seen.len() - 1]), ((0, Some(total)), (total, Some(total))));
    assert!(seen.len() > 2 && seen.windows(2).all(|pair| pair[0].0 < pair[1].0));

    let mut stop = |progress: &Progress| {
        if progress.done > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let stopped = walker.stream_watched(Start::State(0), walks, steps, 1, new, &mut stop);
    assert!(matches!(stopped, Err(Error::Cancelled { stage: "walking" })));
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let chain = language_model("C12").shift();
    let walker = chain.walker().unwrap();
    let outside = walker.stream(Start::State(9), 1, 1, 1, || VisitCounts::of_states(9));
    assert!(matches!(outside, Err(Error::StateOutOfRange { state: 9, states: 9 })));
    let large = walker.stream(Start::State(0), 1000, 1, 1, || VisitCounts::of_states(1 << 40));
    assert!(matches!(large, Err(Error::TooLarge { needed, .. }) if needed == (16 * 8) << 40));
}
