//! Walks that are watched as they go, and not kept.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::lockstep::{Lockstep, Visit};
use super::start::{Start, StartTable};
use super::walker::Walker;
use crate::error::Result;
use crate::solve::{MEMORY_LIMIT, Observer, Silent, check_memory, report};

/// The most observers at a time, and so tasks; fewer walks than [`LEAST_WALKS`] are not split.
const TASKS: usize = 16;
const LEAST_WALKS: usize = 8;

/// Steps that a task takes between two reports.
const ROUND: u64 = 1 << 16;

/// Takes note of where walks are, as they go: what is to be known of walks
/// without their states being kept. See [`Walker::stream`].
///
/// [`VisitCounts`](super::VisitCounts) counts visits to states or groups of them, such as
/// topics and newest tokens; [`FirstVisits`](super::FirstVisits) times first visits to a
/// set. Both see patterns of tokens in the walks of
/// [`with_patterns`](crate::chain::MarkovChain::with_patterns).
pub trait WalkObserver: Send + Sized {
    /// Looks at a walk: at its start, then after every step. The visits of one walk
    /// come in order, those of different walks are interleaved.
    ///
    /// [`ControlFlow::Break`] ends the walk there.
    fn visit(&mut self, visit: Visit) -> ControlFlow<()>;

    /// Adds what an observer of later walks took note of.
    fn merge(&mut self, later: Self);

    /// Bytes that an observer takes; up to 16 are at work.
    fn bytes(&self) -> u128 {
        size_of::<Self>() as u128
    }
}

impl Walker<'_> {
    /// Walks `walks` walks of up to `steps` steps, in parallel, past observers made
    /// by `new`, and returns what they noted, together. The states are not kept.
    ///
    /// Walk `i` draws from stream `i` of the seed, as in an
    /// [`ensemble`](Self::ensemble). The walks are dealt out to at most 16 observers,
    /// in a way that depends on their number only, and merged in order: the result
    /// is the same on any number of threads.
    ///
    /// # Example
    ///
    /// The long-run law, and the times at which a state is first visited:
    ///
    /// ```
    /// use lmchain::chain::{FirstVisits, MarkovChain, Start, StateSet, VisitCounts};
    ///
    /// let chain = MarkovChain::from_dense(ndarray::array![[0.9, 0.1], [0.5, 0.5]].view())?;
    /// let walker = chain.walker()?;
    /// let counts = walker.stream(Start::State(0), 100, 2000, 1, || VisitCounts::of_states(2).from_step(20))?;
    /// let share = counts.counts()[1] as f64 / counts.total() as f64;
    /// assert!((share - 1.0 / 6.0).abs() < 0.01);
    ///
    /// let target = StateSet::of(2, [1])?;
    /// let first = walker.stream(Start::State(0), 1000, 500, 1, || FirstVisits::to(&target))?;
    /// let mean = first.times().map(|(step, walks)| step as f64 * walks as f64).sum::<f64>() / 1000.0;
    /// assert_eq!(first.missed(), 0);
    /// assert!((mean - 10.0).abs() < 1.5);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Start::law`], and [`Error::TooLarge`](crate::Error::TooLarge) if the observers
    /// would take more than 8 GiB.
    pub fn stream<W: WalkObserver>(
        &self,
        start: Start<'_>,
        walks: usize,
        steps: usize,
        seed: u64,
        new: impl Fn() -> W,
    ) -> Result<W> {
        self.stream_watched(start, walks, steps, seed, new, &mut Silent)
    }

    /// As [`stream`](Self::stream), reporting the steps taken to an observer of
    /// progress, which may stop the work. Of the total, walks that are broken off
    /// leave some out.
    ///
    /// # Errors
    ///
    /// As [`stream`](Self::stream), and [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn stream_watched<W: WalkObserver>(
        &self,
        start: Start<'_>,
        walks: usize,
        steps: usize,
        seed: u64,
        new: impl Fn() -> W,
        observer: &mut dyn Observer,
    ) -> Result<W> {
        let start = StartTable::new(start, self.states)?;
        let tasks = walks.div_ceil(LEAST_WALKS).clamp(1, TASKS);
        let mut first = new();
        check_memory("the observers of walks", first.bytes() * tasks as u128, MEMORY_LIMIT)?;
        let bounds = |task: usize| (task as u128 * walks as u128 / tasks as u128) as usize;
        let begin = start.begin(seed, steps);
        let under_way = |task| Lockstep::new(self.sampler(), bounds(task)..bounds(task + 1), &begin);
        let mut others: Vec<W> = (1..tasks).map(|_| new()).collect();
        let watchers = std::iter::once(&mut first).chain(&mut others);
        let mut tasks: Vec<_> =
            watchers.enumerate().map(|(task, watcher)| (under_way(task), watcher)).collect();
        let total = (walks as u64).checked_mul(steps as u64);
        let mut taken = 0;
        loop {
            report(observer, "walking", taken, total)?;
            let round = tasks
                .par_iter_mut()
                .map(|(walks, watcher)| walks.advance(ROUND, |visit| watcher.visit(visit)));
            match round.sum() {
                0 => break,
                more => taken += more,
            }
        }
        drop(tasks);
        others.into_iter().for_each(|later| first.merge(later));
        Ok(first)
    }
}
