//! The forward messages of weighted paths, from the last to the first.

use super::paths::{Direction, Message, Paths, Stepper};
use super::replay::{capacity, replay_backwards};
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::solve::Watch;

/// Vectors that a sweep and what is done in it take besides the messages kept.
pub(super) const BESIDE: usize = 8;

/// How the weights of the paths into a state are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weights {
    /// Added up.
    Total,
    /// The largest counts.
    Best,
}

/// A horizon, and the memory to keep messages in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sweep {
    last: usize,
    kept: usize,
}

impl Sweep {
    /// # Errors
    ///
    /// [`Error::TooLarge`](crate::Error::TooLarge), see [`capacity`].
    pub(super) fn new(states: usize, last: usize, memory_limit: u128) -> Result<Self> {
        Ok(Self { last, kept: capacity(last, Message::bytes(states), BESIDE, memory_limit)? })
    }

    /// Visits the weights of the paths of `last, ..., 1, 0` steps, by their last state.
    pub(super) fn backwards<O: TransitionOperator>(
        self,
        paths: &Paths<'_, O>,
        weights: Weights,
        watch: &mut Watch<'_>,
        visit: impl FnMut(usize, &Message) -> Result<()>,
    ) -> Result<()> {
        let mut stepper = Stepper::new(paths);
        let advance = |message: &Message, next: &mut Message| {
            match weights {
                Weights::Total => stepper.sum(Direction::Forward, message, next),
                Weights::Best => stepper.best(message, next),
            }
            watch.step()
        };
        replay_backwards(paths.first(), self.last, self.kept, advance, visit)
    }
}
