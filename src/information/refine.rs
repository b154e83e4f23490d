//! The coarsest partition of states whose blocks have one future each.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::rows::{Rows, grouped};
use crate::error::Result;
use crate::solve::{Observer, report};

/// Splits blocks until any two states of one block, by steps with the same label,
/// enter the same block: the coarsest refinement of the partition given that does so.
///
/// Moore's refinement: every round looks at each step once. Of contexts of `K` tokens
/// two futures that differ do so within `K` tokens, after which the contexts are equal, so
/// there are at most `K + 1` rounds; any other chain takes at most as many as states.
pub(super) fn coarsest(
    rows: &Rows,
    (mut blocks, mut count): (Vec<u32>, usize),
    observer: &mut dyn Observer,
) -> Result<(Vec<u32>, usize)> {
    for round in 0.. {
        report(observer, "causal states", round, None)?;
        let (finer, more) = split(rows, &blocks);
        if more == count {
            break;
        }
        (blocks, count) = (finer, more);
    }
    Ok((blocks, count))
}

/// One round: states stay together whose steps enter the same blocks.
fn split(rows: &Rows, blocks: &[u32]) -> (Vec<u32>, usize) {
    let entered = |place: usize| rows.row(place).iter().map(|step| blocks[step.target as usize]);
    let hash = |place: usize| {
        let mut hasher = FxHasher::default();
        blocks[place].hash(&mut hasher);
        entered(place).for_each(|block| block.hash(&mut hasher));
        hasher.finish()
    };
    let equal = |one: usize, two: usize| blocks[one] == blocks[two] && entered(one).eq(entered(two));
    grouped(rows.len(), hash, equal)
}
