//! A progress bar on the error stream, hidden when that is not a terminal.

use std::ops::ControlFlow;
use std::time::Duration;

use indicatif::ProgressBar;
use lmchain::solve::{Observer, Progress};

/// Shows what the library is doing.
pub(crate) struct Watch(ProgressBar);

impl Watch {
    pub(crate) fn new() -> Self {
        Self(ProgressBar::hidden())
    }

    /// A spinner for work that nobody can look into.
    pub(crate) fn during<T>(&mut self, stage: &'static str, work: impl FnOnce() -> T) -> T {
        self.show(ProgressBar::new_spinner(), stage);
        let done = work();
        self.clear();
        done
    }

    /// Takes the bar away, so that lines can be printed.
    pub(crate) fn clear(&mut self) {
        self.0.finish_and_clear();
        self.0 = ProgressBar::hidden();
    }

    fn show(&mut self, bar: ProgressBar, stage: &'static str) {
        self.clear();
        self.0 = bar.with_message(stage);
        self.0.enable_steady_tick(Duration::from_millis(100));
    }
}

impl Observer for Watch {
    fn observe(&mut self, progress: &Progress) -> ControlFlow<()> {
        if self.0.message() != progress.stage {
            let bar = progress.total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            self.show(bar, progress.stage);
        }
        self.0.set_position(progress.done);
        ControlFlow::Continue(())
    }
}
