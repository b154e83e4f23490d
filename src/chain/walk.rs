//! Walks along a chain.

use rayon::prelude::*;

use super::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::operator::{StepSampler, TransitionOperator};
use crate::prob::{AliasTable, Law, StreamRng, stream};
use crate::solve::{MEMORY_LIMIT, check_memory};
use crate::text::Token;

/// Where walks start.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Start<'a> {
    /// In this state.
    State(usize),
    /// In the state made of the last K tokens of this prompt.
    Prompt(&'a [Token]),
    /// In a state drawn from this law.
    Law(&'a Law),
}

impl Start<'_> {
    /// The law of the first state.
    ///
    /// # Errors
    ///
    /// [`Error::StateOutOfRange`], [`Error::LengthMismatch`] for a law over
    /// other states, and as [`States::after_prompt`] for a prompt.
    pub fn law(&self, states: &States) -> Result<Law> {
        let n = states.len();
        match *self {
            Self::State(state) if state < n => Ok(Law::point(n, state)),
            Self::State(state) => Err(Error::StateOutOfRange { state, states: n }),
            Self::Prompt(prompt) => Ok(Law::point(n, states.after_prompt(prompt)?)),
            Self::Law(law) if law.len() == n => Ok(law.clone()),
            Self::Law(law) => Err(Error::LengthMismatch { expected: n, found: law.len() }),
        }
    }
}

/// Walks along a chain: alias tables for every state, so that a step costs the
/// same however many transitions there are.
#[derive(Debug)]
pub struct Walker<'a> {
    sampler: SamplerBox<'a>,
    states: &'a States,
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
    /// [`Error::TooLarge`] before anything is allocated.
    pub fn walker(&self) -> Result<Walker<'_>> {
        self.walker_within(MEMORY_LIMIT)
    }

    /// As [`walker`](Self::walker), with a memory limit in bytes.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] before anything is allocated.
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
    /// [`Error::StateOutOfRange`], [`Error::LengthMismatch`] for a law over
    /// other states, and as [`States::after_prompt`] for a prompt.
    pub fn walk(&self, start: Start<'_>, seed: u64) -> Result<Walk<'_>> {
        Ok(self.nth_walk(&self.start_table(start)?, seed, 0))
    }

    /// `walks` walks of `steps` steps, in parallel.
    ///
    /// Walk `i` draws from stream `i` of the seed: it is the same on any number
    /// of threads, and whatever the number of walks.
    ///
    /// # Errors
    ///
    /// As [`walk`](Self::walk), and [`Error::TooLarge`] if the states visited
    /// would take more than 8 GiB.
    pub fn ensemble(&self, start: Start<'_>, walks: usize, steps: usize, seed: u64) -> Result<Ensemble> {
        let length = steps as u128 + 1;
        let needed = length * walks.max(1) as u128 * size_of::<u32>() as u128;
        check_memory("the ensemble", needed, MEMORY_LIMIT)?;
        let start = self.start_table(start)?;
        let mut visited = vec![0; walks * (steps + 1)];
        visited.par_chunks_mut(steps + 1).enumerate().for_each(|(walk, path)| {
            for (place, state) in path.iter_mut().zip(self.nth_walk(&start, seed, walk as u64)) {
                *place = state as u32;
            }
        });
        Ok(Ensemble { visited, length: steps + 1 })
    }

    fn start_table(&self, start: Start<'_>) -> Result<StartTable> {
        let states = self.states.len();
        match start {
            Start::State(state) if state < states => Ok(StartTable::Fixed(state)),
            Start::State(state) => Err(Error::StateOutOfRange { state, states }),
            Start::Prompt(prompt) => self.states.after_prompt(prompt).map(StartTable::Fixed),
            Start::Law(law) if law.len() == states => Ok(StartTable::Drawn(AliasTable::new(law))),
            Start::Law(law) => Err(Error::LengthMismatch { expected: states, found: law.len() }),
        }
    }

    fn nth_walk(&self, start: &StartTable, seed: u64, number: u64) -> Walk<'_> {
        let mut rng = stream(seed, number);
        let next = match start {
            StartTable::Fixed(state) => *state,
            StartTable::Drawn(table) => table.draw(&mut rng),
        };
        Walk { sampler: &*self.sampler.0, rng, next }
    }
}

enum StartTable {
    Fixed(usize),
    Drawn(AliasTable),
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

/// The states that many walks visited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensemble {
    visited: Vec<u32>,
    length: usize,
}

impl Ensemble {
    /// The walks, each a slice of the states it visited, start included.
    pub fn walks(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        self.visited.chunks_exact(self.length)
    }

    /// How often each of `states` states was visited after `step` steps.
    ///
    /// # Panics
    ///
    /// If the walks are shorter than that, or leave the states.
    #[track_caller]
    pub fn counts_after(&self, step: usize, states: usize) -> Vec<u64> {
        assert!(step < self.length, "the walks have {} steps", self.length - 1);
        let mut counts = vec![0; states];
        for walk in self.walks() {
            counts[walk[step] as usize] += 1;
        }
        counts
    }
}
