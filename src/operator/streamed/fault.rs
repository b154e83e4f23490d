//! What went wrong where nothing may go wrong.

use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};

/// Keeps the first error of products, which cannot fail.
#[derive(Default)]
pub(super) struct Fault(OnceLock<Arc<Error>>);

impl Fault {
    /// The first error so far, if there was one.
    pub(super) fn check(&self) -> Result<()> {
        self.0.get().map_or(Ok(()), |first| Err(Error::Product { source: Arc::clone(first) }))
    }

    /// What `work` gives, or `otherwise` if it fails or something failed before.
    pub(super) fn or<T>(&self, otherwise: T, work: impl FnOnce() -> Result<T>) -> T {
        if self.0.get().is_some() {
            return otherwise;
        }
        work().unwrap_or_else(|error| {
            // An error that came first is the one to tell.
            let _ = self.0.set(Arc::new(error));
            otherwise
        })
    }

    /// Fills the outputs by `work`, or with `otherwise` as [`or`](Self::or) says.
    pub(super) fn fill<T: Clone>(
        &self,
        outputs: &mut [T],
        otherwise: T,
        work: impl FnOnce(&mut [T]) -> Result<()>,
    ) {
        let filled = self.or(false, || work(outputs).map(|()| true));
        if !filled {
            outputs.fill(otherwise);
        }
    }
}
