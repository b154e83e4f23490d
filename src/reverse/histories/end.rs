//! How a history ends.

use crate::chain::StateSet;

/// How a history ends: what "the bad thing happens at time n" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<'a> {
    /// In one of these states; the history may have been there before.
    In(&'a StateSet),
    /// In one of these states for the first time: no earlier state of the
    /// history, its first included, is one of them.
    FirstIn(&'a StateSet),
}

impl<'a> End<'a> {
    pub(super) fn set(self) -> &'a StateSet {
        match self {
            Self::In(set) | Self::FirstIn(set) => set,
        }
    }
}
