//! Telling an observer where a sweep over a horizon stands.

use crate::error::Result;
use crate::solve::{Observer, report};

/// Counts the steps of one piece of work.
pub(super) struct Watch<'w> {
    observer: &'w mut dyn Observer,
    stage: &'static str,
    total: Option<u64>,
    done: u64,
}

impl<'w> Watch<'w> {
    pub(super) fn new(observer: &'w mut dyn Observer, stage: &'static str, total: Option<usize>) -> Self {
        Self { observer, stage, total: total.map(|total| total as u64), done: 0 }
    }

    /// One step is done.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`](crate::Error::Cancelled) if the observer asks to stop.
    pub(super) fn step(&mut self) -> Result<()> {
        self.done += 1;
        report(self.observer, self.stage, self.done, self.total)
    }
}
