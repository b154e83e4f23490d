//! Many things done side by side, watched.

use std::ops::Range;

use rayon::prelude::*;

use crate::error::Result;
use crate::operator::block_batches;
use crate::solve::{Observer, report};

/// Does so many things, so many at a time in parallel, and tells the observer
/// in between.
pub(super) fn in_batches<T: Send>(
    count: usize,
    stage: &'static str,
    observer: &mut dyn Observer,
    one: impl Fn(usize) -> T + Sync,
) -> Result<Vec<T>> {
    const BATCH: usize = 32;
    let batches = (0..count).step_by(BATCH).map(|start| (start..count.min(start + BATCH)).collect());
    watched(batches, (stage, count), observer, |number| vec![one(number)])
}

/// Does something with so many vectors over `states` states, a run of them at a time
/// that is moved together, and tells the observer in between.
pub(super) fn in_runs<T: Send>(
    (states, count): (usize, usize),
    stage: &'static str,
    observer: &mut dyn Observer,
    run: impl Fn(Range<usize>) -> Vec<T> + Sync,
) -> Result<Vec<T>> {
    watched(block_batches(states, count), (stage, count), observer, run)
}

fn watched<W: Send, T: Send>(
    batches: impl Iterator<Item = Vec<W>>,
    (stage, count): (&'static str, usize),
    observer: &mut dyn Observer,
    work: impl Fn(W) -> Vec<T> + Sync,
) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(count);
    for batch in batches {
        report(observer, stage, all.len() as u64, Some(count as u64))?;
        let found: Vec<Vec<T>> = batch.into_par_iter().map(&work).collect();
        all.extend(found.into_iter().flatten());
    }
    Ok(all)
}
