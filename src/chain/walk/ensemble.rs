//! The states that many walks visited.

/// The states that many walks visited: 4 bytes a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensemble {
    pub(super) visited: Vec<u32>,
    pub(super) length: usize,
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
