//! The first look at all rows.

use rayon::prelude::*;

use super::blocks::Blocks;
use super::rows::RowSource;
use crate::error::Result;
use crate::operator::shift::{TableEntry, check_row, sum_of_row};
use crate::solve::{Observer, report};

/// Blocks between two reports.
const BATCH: usize = 64;

/// What is found out about a table before it is used.
pub(super) struct Survey {
    /// One over the sum of each row where rows are rounded; else empty.
    pub(super) row_scale: Vec<f64>,
    /// Whether every entry is positive.
    pub(super) is_positive: bool,
}

impl Survey {
    /// Reads all rows once, and refuses those that are no laws.
    pub(super) fn of<R: RowSource>(source: &R, blocks: &Blocks, observer: &mut dyn Observer) -> Result<Self> {
        let contexts = source.space().len();
        let is_rounded = <R::Entry as TableEntry>::ROUNDING > 0.0;
        let mut row_scale = vec![0.0; if is_rounded { contexts } else { 0 }];
        let mut is_positive = true;
        let block = blocks.in_order;
        let batch = if blocks.blocks_at_once { BATCH * block } else { block };
        for begin in (0..contexts).step_by(batch) {
            let end = contexts.min(begin + batch);
            let firsts: Vec<usize> = (begin..end).step_by(block).collect();
            let scales: Vec<&mut [f64]> = if is_rounded {
                row_scale[begin..end].chunks_mut(block).collect()
            } else {
                firsts.iter().map(|_| Default::default()).collect()
            };
            let looked: Vec<Result<bool>> = firsts
                .into_par_iter()
                .zip(scales)
                .map(|(first, scales)| look_at(source, first..end.min(first + block), scales))
                .collect();
            for found in looked {
                is_positive &= found?;
            }
            report(observer, "checking the rows", end as u64, Some(contexts as u64))?;
        }
        Ok(Self { row_scale, is_positive })
    }
}

/// Checks the rows of some contexts; whether they are positive. Writes the
/// scales, if there is room for them.
fn look_at<R: RowSource>(source: &R, contexts: std::ops::Range<usize>, scales: &mut [f64]) -> Result<bool> {
    let v = source.space().vocabulary_size();
    let mut rows = vec![R::Entry::default(); contexts.len() * v];
    source.rows(contexts.start, &mut rows)?;
    for (context, row) in contexts.zip(rows.chunks_exact(v)) {
        check_row(context, row)?;
    }
    scales.iter_mut().zip(rows.chunks_exact(v)).for_each(|(scale, row)| *scale = sum_of_row(row).recip());
    Ok(rows.iter().all(|p| p.widen() > 0.0))
}
