//! Products whose outputs take the place of the law's entries group by group (Gauss–Seidel).

use rayon::prelude::*;

use super::transition::Pushed;
use crate::prob::sums_by;

/// Groups of outputs, one after the other, each computed by all threads: with more of
/// them hardly fewer sweeps are needed, and each is one more wait for the last thread.
pub(super) const GROUPS: usize = 8;

/// Entries that one task measures.
const PART: usize = 1 << 12;

/// A law in the middle of a sweep.
#[derive(Clone, Copy)]
pub(super) struct Swept<'a> {
    /// The entries of the groups that are done.
    done: &'a [f64],
    before: &'a [f64],
}

impl Swept<'_> {
    /// What the entry of a state is by now.
    #[inline(always)]
    pub(super) fn entry(&self, state: usize) -> f64 {
        let entries = if state < self.done.len() { self.done } else { self.before };
        entries[state]
    }
}

/// Writes a law's outputs group by group, by what the law is by then.
///
/// `ends` says where each group ends; `write` computes the outputs of the group of a
/// number, in parallel.
pub(super) fn sweep_groups(
    law: &[f64],
    next: &mut [f64],
    ends: impl Iterator<Item = usize> + Send,
    write: impl Fn(Swept<'_>, usize, &mut [f64]) + Sync,
) -> Pushed {
    // One call into the pool for all groups: to wake its threads takes longer than a small one.
    rayon::scope(|_| {
        let mut first = 0;
        for (group, end) in ends.enumerate() {
            let (done, outputs) = next[..end].split_at_mut(first);
            write(Swept { done, before: law }, group, outputs);
            first = end;
        }
    });
    let parts = law.par_chunks(PART).zip(next.par_chunks(PART));
    let measured: Vec<[f64; 2]> = parts.map(|(before, after)| measure(before, after)).collect();
    let [sum, change] = sums_by(measured.len(), |part| measured[part]);
    Pushed { sum, change }
}

/// The sum of some outputs, and how far they are from what was before: in eight running
/// sums each, over slices of one length, which the compiler makes vectors of.
///
/// # Panics
///
/// If fewer values were before.
pub(super) fn measure(before: &[f64], after: &[f64]) -> [f64; 2] {
    let (blocks_before, rest_before) = before[..after.len()].as_chunks::<8>();
    let (blocks, rest) = after.as_chunks::<8>();
    let (mut sums, mut changes) = ([0.0; 8], [0.0; 8]);
    for (after, before) in blocks.iter().zip(blocks_before) {
        for j in 0..8 {
            sums[j] += after[j];
            changes[j] += (after[j] - before[j]).abs();
        }
    }
    for (j, (after, before)) in rest.iter().zip(rest_before).enumerate() {
        sums[j] += after;
        changes[j] += (after - before).abs();
    }
    [sums.iter().sum(), changes.iter().sum()]
}
