//! Sums over any range of an array in logarithmic time.

use std::ops::Range;

use rayon::prelude::*;

/// Entries of a level that make one of the next.
pub(super) const RADIX: usize = 8;

/// Blocks that one task sums.
const BLOCKS: usize = 1 << 9;

/// An array with the sums of its aligned blocks of 8, 64, 512, ... entries.
///
/// A range is a few entries and blocks: what is added up is what is in it, and
/// nothing is subtracted. An eighth of the array and a bit more beside it.
pub(super) struct Pyramid {
    /// The array, then the sums of the full blocks of the level before.
    levels: Vec<Vec<f64>>,
}

impl Pyramid {
    pub(super) fn new(array: Vec<f64>) -> Self {
        let mut levels = vec![array];
        while let Some(last) = levels.last()
            && last.len() >= RADIX
        {
            let (blocks, _) = last.as_chunks::<RADIX>();
            let sums = blocks.par_iter().with_min_len(BLOCKS).map(|block| block.iter().sum()).collect();
            levels.push(sums);
        }
        Self { levels }
    }

    /// The array itself.
    pub(super) fn array(&self) -> &[f64] {
        &self.levels[0]
    }

    /// The sum over a range.
    #[inline]
    pub(super) fn sum(&self, range: Range<usize>) -> f64 {
        if range.len() < 2 * RADIX {
            return self.levels[0][range].iter().sum::<f64>() + 0.0;
        }
        let Range { mut start, mut end } = range;
        let mut total = 0.0;
        for values in &self.levels {
            let (inner_start, inner_end) = (start.div_ceil(RADIX), end / RADIX);
            if inner_start >= inner_end {
                return values[start..end].iter().fold(total, |sum, value| sum + value);
            }
            total += values[start..inner_start * RADIX].iter().sum::<f64>();
            total += values[inner_end * RADIX..end].iter().sum::<f64>();
            (start, end) = (inner_start, inner_end);
        }
        total
    }
}

/// How many blocks there are at each level above an array of `len` entries.
pub(super) fn block_counts(len: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(len), |&len| Some(len / RADIX)).skip(1).take_while(|&blocks| blocks > 0)
}

/// The most additions that any entry of a sum over a range goes through, its
/// blocks included.
pub(super) fn range_depth(len: usize) -> usize {
    let levels = 1 + block_counts(len).count();
    levels * (RADIX + 2 * RADIX)
}

/// The first part of a range in its decomposition into aligned blocks: the
/// level of the block, 0 for a single entry. Blocks first grow, then shrink.
pub(super) fn first_block(range: &Range<usize>) -> u32 {
    let aligned = range.start.trailing_zeros() / RADIX.ilog2();
    let fitting = range.len().max(1).ilog2() / RADIX.ilog2();
    aligned.min(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_summed_from_what_is_in_them() {
        for len in [0, 1, 7, 8, 9, 63, 64, 65, 700] {
            // Powers of two far apart would show any term that does not belong.
            let array: Vec<f64> = (0..len).map(|i| ((i * 7919) % 1009) as f64).collect();
            let pyramid = Pyramid::new(array.clone());
            for start in 0..=len {
                for end in start..=len {
                    assert_eq!(pyramid.sum(start..end), array[start..end].iter().sum::<f64>());
                }
            }
        }
        let mut spiked = vec![1.0; 600];
        spiked[300] = 1e300;
        let pyramid = Pyramid::new(spiked);
        assert_eq!((pyramid.sum(0..300), pyramid.sum(301..600)), (300.0, 299.0));
    }

    #[test]
    fn a_range_is_a_few_blocks() {
        for start in 0..150 {
            for end in start..700 {
                let mut rest = start..end;
                let mut blocks = 0;
                while !rest.is_empty() {
                    let size = RADIX.pow(first_block(&rest));
                    assert!(rest.start.is_multiple_of(size) && size <= rest.len());
                    rest.start += size;
                    blocks += 1;
                }
                assert!(blocks <= 2 * (RADIX - 1) * 4, "{start}..{end}: {blocks}");
            }
        }
    }
}
