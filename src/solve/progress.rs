//! Watching long work, and stopping it.

use std::ops::ControlFlow;

use crate::error::{Error, Result};

/// Where long work stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is being done, in a few words.
    pub stage: &'static str,
    /// Steps done so far.
    pub done: u64,
    /// Steps in all, if known beforehand.
    pub total: Option<u64>,
    /// The latest residual, or a bound on it, for iterations.
    pub residual: Option<f64>,
}

/// Watches long work; every closure from [`Progress`] to [`ControlFlow`] does.
///
/// The library prints nothing and draws no bar: the observer does. Returning
/// [`ControlFlow::Break`] stops the work at the next step.
///
/// # Example
///
/// ```
/// use std::ops::ControlFlow;
/// use lmchain::solve::{Observer, Progress};
///
/// let mut steps = 0;
/// let mut watch = |progress: &Progress| {
///     steps = progress.done;
///     if progress.done < 10 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
/// };
/// let progress = Progress { stage: "power iteration", done: 10, total: None, residual: None };
/// assert!(watch.observe(&progress).is_break());
/// assert_eq!(steps, 10);
/// ```
pub trait Observer {
    /// Takes note; [`ControlFlow::Break`] asks the work to stop.
    fn observe(&mut self, progress: &Progress) -> ControlFlow<()>;
}

impl<F: FnMut(&Progress) -> ControlFlow<()>> Observer for F {
    fn observe(&mut self, progress: &Progress) -> ControlFlow<()> {
        self(progress)
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&mut self, _: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Tells the observer how far work is that is of no use half done.
///
/// # Errors
///
/// [`Error::Cancelled`] if the observer asks to stop.
pub(crate) fn report(
    observer: &mut dyn Observer,
    stage: &'static str,
    done: u64,
    total: Option<u64>,
) -> Result<()> {
    let progress = Progress { stage, done, total, residual: None };
    if observer.observe(&progress).is_break() { Err(Error::Cancelled { stage }) } else { Ok(()) }
}
