//! Blocks of n-grams as nodes of the graph.

use super::pyramid::{RADIX, block_counts};

/// Which blocks of n-grams hold one of positive probability.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    /// By level, from the blocks of 8 on.
    pub(super) possible: Vec<Vec<bool>>,
    /// The number of the first block of each level, and one past the last block.
    pub(super) firsts: Vec<usize>,
}

impl Blocks {
    pub(super) fn new(probabilities: &[f64]) -> Self {
        let mut possible: Vec<Vec<bool>> = Vec::new();
        let mut firsts = vec![0];
        for (level, count) in block_counts(probabilities.len()).enumerate() {
            let any = |block: usize| {
                let mut members = block * RADIX..(block + 1) * RADIX;
                match level.checked_sub(1) {
                    Some(below) => members.any(|member| possible[below][member]),
                    None => members.any(|entry| probabilities[entry] > 0.0),
                }
            };
            let blocks = (0..count).map(any).collect();
            possible.push(blocks);
            firsts.push(firsts[level] + count);
        }
        Self { possible, firsts }
    }

    /// Number of blocks.
    pub(super) fn count(&self) -> usize {
        self.firsts[self.firsts.len() - 1]
    }

    /// The level (1 for blocks of 8) and place of a block.
    pub(super) fn locate(&self, block: usize) -> (u32, usize) {
        let level = self.firsts.partition_point(|&first| first <= block);
        (level as u32, block - self.firsts[level - 1])
    }
}
