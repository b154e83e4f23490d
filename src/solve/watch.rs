//! Telling an observer where a piece of work stands, as it goes on.

use super::progress::{Observer, report};
use crate::error::Result;

/// Steps of small work between two reports to an observer.
const OFTEN: u64 = 1 << 16;

/// Counts the steps of one piece of work.
pub(crate) struct Watch<'w> {
    observer: &'w mut dyn Observer,
    stage: &'static str,
    total: Option<u64>,
    done: u64,
    /// Steps between two reports, and the number of steps at the next one.
    every: u64,
    due: u64,
}

impl<'w> Watch<'w> {
    /// Tells of every step.
    pub(crate) fn new(observer: &'w mut dyn Observer, stage: &'static str, total: Option<u64>) -> Self {
        Self { observer, stage, total, done: 0, every: 1, due: 1 }
    }

    /// Tells only of every 65,536th, where a step is little work.
    pub(crate) fn of_small_steps(mut self) -> Self {
        (self.every, self.due) = (OFTEN, OFTEN);
        self
    }

    /// One step is done.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`](crate::Error::Cancelled) if the observer asks to stop.
    #[inline]
    pub(crate) fn step(&mut self) -> Result<()> {
        self.advance(1)
    }

    /// So many steps are done.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    #[inline]
    pub(crate) fn advance(&mut self, steps: u64) -> Result<()> {
        self.done += steps;
        if self.done < self.due { Ok(()) } else { self.report() }
    }

    #[cold]
    fn report(&mut self) -> Result<()> {
        self.due = self.done - self.done % self.every + self.every;
        report(self.observer, self.stage, self.done, self.total)
    }
}
