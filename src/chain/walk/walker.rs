//! Tables to walk with, and a walk.

use std::ops::ControlFlow;

use super::ensemble::Ensemble;
use super::lockstep::{Begun, walk_each};
use super::start::{Start, StartTable};
use crate::chain::{MarkovChain, States};
use crate::error::Result;
use crate::operator::{StepSampler, TransitionOperator};
use crate::prob::StreamRng;
use crate::solve::{MEMORY_LIMIT, check_memory};

/// Walks along a chain: alias tables for every state, so that a step costs the
/// same however many transitions there are.
///
/// The tables take 8 bytes a transition and, unless the chain is that of all
/// contexts, 8 a state; see [`TransitionOperator::sampler`].
///
/// # Example
///
/// ```
/// use lmchain::chain::{MarkovChain, Start};
///
/// let chain = MarkovChain::from_dense(ndarray::array![[0.0, 1.0], [0.5, 0.5]].view())?;
/// let walker = chain.walker()?;
/// let path: Vec<usize> = walker.walk(Start::State(0), 1)?.take(4).collect();
/// assert_eq!(path[..2], [0, 1]);
/// // Walk 0 of many is the same walk.
/// let many = walker.ensemble(Start::State(0), 100, 3, 1)?;
/// assert!(many.walks().next().is_some_and(|walk| walk.iter().map(|&state| state as usize).eq(path)));
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug)]
pub struct Walker<'a> {
    sampler: SamplerBox<'a>,
    pub(super) states: &'a States,
}

struct SamplerBox<'a>(Box<dyn StepSampler + 'a>);

impl std::fmt::Debug for SamplerBox<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StepSampler")
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// Tables to walk with: one alias table a state, at most 8 GiB.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`](crate::Error::TooLarge) before anything is allocated.
    pub fn walker(&self) -> Result<Walker<'_>> {
        self.walker_within(MEMORY_LIMIT)
    }

    /// As [`walker`](Self::walker), with a memory limit in bytes.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`](crate::Error::TooLarge) before anything is allocated.
    pub fn walker_within(&self, memory_limit: u128) -> Result<Walker<'_>> {
        check_memory("the alias tables", self.operator().sampler_bytes(), memory_limit)?;
        Ok(Walker { sampler: SamplerBox(self.operator().sampler()), states: self.states() })
    }
}

impl Walker<'_> {
    /// One walk, as an iterator over its states without end: the start, then
    /// the state after every step. Draws from stream 0 of the seed, as walk 0
    /// of an [`ensemble`](Self::ensemble) does.
    ///
    /// A start drawn from a law is tabulated first, `O(N)`: for many walks from
    /// one, ask for an ensemble.
    ///
    /// # Errors
    ///
    /// As [`Start::law`].
    pub fn walk(&self, start: Start<'_>, seed: u64) -> Result<Walk<'_>> {
        let Begun { rng, state, .. } = StartTable::new(start, self.states)?.begin(seed, usize::MAX)(0);
        Ok(Walk { sampler: self.sampler(), rng, next: state })
    }

    /// `walks` walks of `steps` steps, in parallel, and on each thread some
    /// dozens side by side: a step waits for memory, and so they wait together.
    /// To look at walks without keeping their states, [`stream`](Self::stream) them.
    ///
    /// Walk `i` draws from stream `i` of the seed: it is the same on any number
    /// of threads, and whatever the number of walks.
    ///
    /// # Errors
    ///
    /// As [`Start::law`], and [`Error::TooLarge`](crate::Error::TooLarge) if the states visited
    /// would take more than 8 GiB; [`Error::Product`](crate::Error::Product) from
    /// an operator that fails.
    pub fn ensemble(&self, start: Start<'_>, walks: usize, steps: usize, seed: u64) -> Result<Ensemble> {
        let length = steps as u128 + 1;
        let needed = length * walks.max(1) as u128 * size_of::<u32>() as u128;
        check_memory("the ensemble", needed, MEMORY_LIMIT)?;
        let start = StartTable::new(start, self.states)?;
        let mut visited = vec![0; walks * (steps + 1)];
        let mut paths: Vec<&mut [u32]> = visited.chunks_exact_mut(steps + 1).collect();
        walk_each(self.sampler(), &mut paths, start.begin(seed, steps), |path, visit| {
            path[visit.step as usize] = visit.state as u32;
            ControlFlow::Continue(())
        });
        self.sampler().check_steps()?;
        Ok(Ensemble { visited, length: steps + 1 })
    }

    pub(super) fn sampler(&self) -> &dyn StepSampler {
        &*self.sampler.0
    }
}

/// A walk without end: an iterator over the states visited.
pub struct Walk<'a> {
    sampler: &'a dyn StepSampler,
    rng: StreamRng,
    next: usize,
}

impl Iterator for Walk<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let state = self.next;
        self.next = self.sampler.step(state, &mut self.rng);
        Some(state)
    }
}
