//! Products whose outputs replace the law group by group (Gauss–Seidel).

use rayon::prelude::*;

use super::transition::Pushed;
use crate::prob::sums_by;

/// Groups of outputs, one after the other, each computed by all threads: with more of
/// them hardly fewer sweeps are needed, and each is one more wait for the last thread.
pub(super) const GROUPS: usize = 16;

/// Entries that one task puts in place.
const PUT: usize = 1 << 12;

/// Writes a law's outputs group by group, by what the law is by then, and puts them in
/// place of the law.
///
/// `ends` says where each group ends; `write` computes the outputs of the group of a
/// number, in parallel.
pub(super) fn sweep_groups(
    law: &mut [f64],
    outputs: &mut [f64],
    ends: impl Iterator<Item = usize> + Send,
    write: impl Fn(&[f64], usize, &mut [f64]) + Sync,
) -> Pushed {
    let mut measured = Vec::new();
    // One call into the pool for all groups: to wake its threads takes longer than a small one.
    rayon::scope(|_| {
        let mut first = 0;
        for (group, end) in ends.enumerate() {
            write(law, group, &mut outputs[first..end]);
            measured.extend(replace(&mut law[first..end], &outputs[first..end]));
            first = end;
        }
    });
    let [sum, change] = sums_by(measured.len(), |part| measured[part]);
    Pushed { sum, change }
}

/// Puts outputs in place, and measures their parts.
fn replace(before: &mut [f64], after: &[f64]) -> Vec<[f64; 2]> {
    let put = |(before, after): (&mut [f64], &[f64])| {
        let measured = measure(before, after);
        before.copy_from_slice(after);
        measured
    };
    before.par_chunks_mut(PUT).zip(after.par_chunks(PUT)).map(put).collect()
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
