//! Where sorting may take place.

use std::path::PathBuf;

use super::key::Key;
use super::runs::Sorter;

/// Memory for sorting, and the folder for what does not fit in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sorting {
    pub(crate) memory: usize,
    /// The system's folder for temporary files, if none is given.
    pub(crate) folder: Option<PathBuf>,
}

impl Default for Sorting {
    fn default() -> Self {
        Self { memory: 1 << 30, folder: None }
    }
}

impl Sorting {
    /// A sorter of so many keys.
    pub(crate) fn sorter<K: Key>(&self, keys: usize) -> Sorter<K> {
        let folder = self.folder.clone().unwrap_or_else(std::env::temp_dir);
        Sorter::new(self.memory, keys, &folder)
    }
}
