//! Walks that take their steps together.

use std::ops::{ControlFlow, Range};

use rayon::prelude::*;

use crate::operator::StepSampler;
use crate::prob::{LANES, StreamRng};

/// A walk that is about to start.
pub(crate) struct Begun {
    /// Its stream, after the draws for the start.
    pub(crate) rng: StreamRng,
    /// The state that it starts in.
    pub(crate) state: usize,
    /// The most steps that it takes.
    pub(crate) steps: u64,
}

/// A visit of a walk to a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Visit {
    /// The number of the walk.
    pub walk: usize,
    /// Steps that it has taken.
    pub step: u64,
    /// The state that it is in.
    pub state: usize,
    /// Whether it has taken all its steps.
    pub is_last: bool,
}

/// Some walks of many: up to [`LANES`] of them go side by side, one step each in
/// turn, so that they wait for memory together. Where one ends the next begins.
///
/// Every walk draws from a stream of its own, so it is the same as if it went alone.
pub(crate) struct Lockstep<'a, B> {
    sampler: &'a dyn StepSampler,
    begin: B,
    waiting: Range<usize>,
    walks: Vec<Progress>,
    states: Vec<u32>,
    rngs: Vec<StreamRng>,
}

/// How far a walk is.
struct Progress {
    walk: usize,
    step: u64,
    steps: u64,
}

impl<'a, B: Fn(usize) -> Begun> Lockstep<'a, B> {
    /// The walks of a range of numbers, none of them begun.
    pub(crate) fn new(sampler: &'a dyn StepSampler, walks: Range<usize>, begin: B) -> Self {
        Self { sampler, begin, waiting: walks, walks: Vec::new(), states: Vec::new(), rngs: Vec::new() }
    }

    /// Goes on until all walks have ended, or `steps` steps or a few more were
    /// taken by all walks together: returns how many, less than `steps` at the end only.
    ///
    /// Calls `visit` at the start and after every step of each walk, in the order of its
    /// steps; a walk ends where it breaks off.
    pub(crate) fn advance(&mut self, steps: u64, mut visit: impl FnMut(Visit) -> ControlFlow<()>) -> u64 {
        let mut taken = 0;
        while taken < steps && self.fill(&mut visit) {
            self.sampler.step_many(&mut self.states, &mut self.rngs);
            taken += self.walks.len() as u64;
            // From the last on, so that walks that move into a gap have been looked at.
            for lane in (0..self.walks.len()).rev() {
                let progress = &mut self.walks[lane];
                progress.step += 1;
                let is_last = progress.step == progress.steps;
                let state = self.states[lane] as usize;
                let seen = visit(Visit { walk: progress.walk, step: progress.step, is_last, state });
                if seen.is_break() || is_last {
                    self.walks.swap_remove(lane);
                    self.states.swap_remove(lane);
                    self.rngs.swap_remove(lane);
                }
            }
        }
        taken
    }

    /// Begins walks while there is room for them; whether any is under way.
    fn fill(&mut self, visit: &mut impl FnMut(Visit) -> ControlFlow<()>) -> bool {
        while self.walks.len() < LANES
            && let Some(walk) = self.waiting.next()
        {
            let Begun { rng, state, steps } = (self.begin)(walk);
            let is_last = steps == 0;
            let seen = visit(Visit { walk, step: 0, is_last, state });
            if seen.is_continue() && !is_last {
                self.walks.push(Progress { walk, step: 0, steps });
                self.states.push(state as u32);
                self.rngs.push(rng);
            }
        }
        !self.walks.is_empty()
    }
}

/// Walks one walk for every note, in parallel, and calls `visit(note, visit)` at
/// its start and after each of its steps; it ends where that breaks off.
pub(crate) fn walk_each<T: Send>(
    sampler: &dyn StepSampler,
    notes: &mut [T],
    begin: impl Fn(usize) -> Begun + Sync,
    visit: impl Fn(&mut T, Visit) -> ControlFlow<()> + Sync,
) {
    // Enough to go side by side, if there are enough for all threads.
    let together = notes.len().div_ceil(rayon::current_num_threads()).clamp(1, 2 * LANES);
    notes.par_chunks_mut(together).enumerate().for_each(|(task, notes)| {
        let first = task * together;
        let mut walks = Lockstep::new(sampler, first..first + notes.len(), &begin);
        walks.advance(u64::MAX, |seen| visit(&mut notes[seen.walk - first], seen));
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::operator::{SparseOperator, TransitionOperator};
    use crate::prob::stream;

    /// Steps of different lengths, some none, some broken off, each as if alone.
    #[test]
    fn every_walk_goes_as_if_alone() {
        let edges = (0..50u32).flat_map(|from| (1..4).map(move |by| (from, (from * by + by) % 53 % 50, 1.0)));
        let mut edges: Vec<_> = edges.collect();
        edges.sort_by_key(|&(from, to, _)| (from, to));
        edges.dedup();
        let operator = SparseOperator::from_weights(50, edges).unwrap();
        let sampler = operator.sampler();
        let begin = |walk: usize| Begun {
            rng: stream(3, walk as u64),
            state: walk % 50,
            steps: (walk * 7 % 40) as u64,
        };
        let ends = |state: usize| state == 13;
        let mut paths = BTreeMap::<usize, Vec<usize>>::new();
        let mut lockstep = Lockstep::new(&*sampler, 5..205, begin);
        let mut taken = 0;
        loop {
            let now = lockstep.advance(1, |visit| {
                let path = paths.entry(visit.walk).or_default();
                assert_eq!(path.len() as u64, visit.step, "walk {}", visit.walk);
                path.push(visit.state);
                if ends(visit.state) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            taken += now;
            if now == 0 {
                break;
            }
        }
        assert_eq!(paths.len(), 200);
        assert_eq!(taken as usize, paths.values().map(|path| path.len() - 1).sum::<usize>());
        for (walk, path) in paths {
            let Begun { mut rng, mut state, steps } = begin(walk);
            let mut alone = vec![state];
            for _ in 0..steps {
                if ends(state) {
                    break;
                }
                state = sampler.step(state, &mut rng);
                alone.push(state);
            }
            assert_eq!(path, alone, "walk {walk}");
        }
    }
}
