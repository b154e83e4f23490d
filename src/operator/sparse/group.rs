//! Entries of a matrix, grouped by row or by column.

use rayon::prelude::*;
use sprs::CsMatI;

use super::compress::Weighted;
use super::operator::SparseMatrix;
use crate::error::Result;

/// The most tasks that share the lanes: every one of them reads all entries.
const MOST_TASKS: usize = 8;

/// Entries of lanes that one task changes, about.
const ENTRIES: usize = 1 << 14;

/// Entries of a matrix that can be read many times, in a fixed order.
pub(super) trait Entries: Sync {
    /// Hands out the lane of every entry, its place across, and its value.
    fn visit(&self, see: impl FnMut(u32, u32, f64));
}

/// Entries in any order, whose lanes are rows.
impl Entries for [Weighted] {
    fn visit(&self, mut see: impl FnMut(u32, u32, f64)) {
        self.iter().for_each(|&(row, column, value)| see(row, column, value));
    }
}

/// Compressed rows, whose columns are lanes.
impl Entries for SparseMatrix {
    fn visit(&self, mut see: impl FnMut(u32, u32, f64)) {
        for (row, entries) in (0..).zip(self.outer_iterator()) {
            let entries = entries.indices().iter().zip(entries.data());
            entries.for_each(|(&column, &value)| see(column, row, value));
        }
    }
}

/// Lanes once more, without what is zero.
impl Entries for Grouped {
    fn visit(&self, mut see: impl FnMut(u32, u32, f64)) {
        for (lane, ends) in (0..).zip(self.starts.windows(2)) {
            let range = ends[0]..ends[1];
            let entries = self.across[range.clone()].iter().zip(&self.values[range]);
            entries.for_each(|(&place, &value)| see(lane, place, value));
        }
    }
}

/// The columns of a matrix given by rows.
pub(super) fn columns_of(rows: &SparseMatrix) -> SparseMatrix {
    let Grouped { starts, across, values } = group(rows.cols(), rows);
    CsMatI::new_csc(rows.shape(), starts, across, values)
}

/// Groups entries by lane, in the order they come within each; entries that are
/// not positive are left out.
///
/// A counting sort: two readings of all entries by as many tasks as there are
/// threads, each of which keeps what lies in its share of the lanes. So no two
/// write to the same place, and the result does not depend on their number.
pub(super) fn group<E: Entries + ?Sized>(lanes: usize, entries: &E) -> Grouped {
    let tasks = rayon::current_num_threads().clamp(1, MOST_TASKS);
    let mut starts = vec![0; lanes + 1];
    let part = lanes.div_ceil(tasks).max(1);
    starts[1..].par_chunks_mut(part).enumerate().for_each(|(task, counts)| {
        entries.visit(|lane, _, value| {
            if let Some(count) = at_lane(counts, task * part, lane) {
                *count += usize::from(value > 0.0);
            }
        });
    });
    for lane in 0..lanes {
        starts[lane + 1] += starts[lane];
    }
    let total = starts[lanes];
    let mut grouped = Grouped { starts, across: vec![0; total], values: vec![0.0; total] };
    grouped.shares(tasks).into_par_iter().for_each(|share| share.fill(entries));
    grouped
}

/// Groups entries that come row by row already, none of them zero, as [`group`] does;
/// `None` for others.
///
/// Reads them five times, in order, in parallel.
pub(super) fn cut_rows(rows: usize, entries: &[Weighted]) -> Option<Grouped> {
    let in_order = |pair: &[Weighted]| pair[0].0 <= pair[1].0;
    let is_sorted = entries.par_windows(2).with_min_len(ENTRIES).all(in_order);
    if !is_sorted || entries.par_iter().with_min_len(ENTRIES).any(|entry| entry.2 <= 0.0) {
        return None;
    }
    let mut starts = vec![0; rows + 1];
    // About as many entries to a part, however long the rows are.
    let part_len = (rows * ENTRIES / entries.len().max(1)).clamp(1, ENTRIES);
    starts.par_chunks_mut(part_len).enumerate().for_each(|(part, starts)| {
        let first = part * part_len;
        let mut start = entries.partition_point(|entry| (entry.0 as usize) < first);
        for (row, place) in (first..).zip(starts) {
            start += entries[start..].iter().take_while(|entry| (entry.0 as usize) < row).count();
            *place = start;
        }
    });
    let across = entries.par_iter().with_min_len(ENTRIES).map(|entry| entry.1).collect();
    let values = entries.par_iter().with_min_len(ENTRIES).map(|entry| entry.2).collect();
    Some(Grouped { starts, across, values })
}

/// What belongs to a lane, if it lies in a share that starts with `first`.
fn at_lane<T>(share: &mut [T], first: usize, lane: u32) -> Option<&mut T> {
    share.get_mut((lane as usize).wrapping_sub(first))
}

/// Lanes one behind another.
pub(super) struct Grouped {
    /// Where each lane starts, and the last one ends.
    pub(super) starts: Vec<usize>,
    pub(super) across: Vec<u32>,
    pub(super) values: Vec<f64>,
}

impl Grouped {
    pub(super) fn lanes(&self) -> usize {
        self.starts.len() - 1
    }

    /// Changes every lane, given its number, places and values, in parallel; of
    /// several errors that of the first lane is returned.
    pub(super) fn try_for_each_lane(
        &mut self,
        change: impl Fn(usize, &mut [u32], &mut [f64]) -> Result<()> + Sync,
    ) -> Result<()> {
        let tasks = self.values.len().div_ceil(ENTRIES).max(1);
        let shares = self.shares(tasks).into_par_iter();
        shares.map(|share| share.try_for_each_lane(&change)).collect::<Vec<_>>().into_iter().collect()
    }

    /// A matrix of so many columns, whose rows are the lanes, each sorted.
    pub(super) fn into_rows(self, columns: usize) -> SparseMatrix {
        CsMatI::new((self.lanes(), columns), self.starts, self.across, self.values)
    }

    /// Splits the lanes into shares of about as many entries each.
    fn shares(&mut self, count: usize) -> Vec<Share<'_>> {
        let Self { starts, across, values } = self;
        let (starts, lanes) = (&starts[..], starts.len() - 1);
        let (mut across, mut values) = (&mut across[..], &mut values[..]);
        let mut first = 0;
        let share = |place: usize| {
            let wanted = starts[lanes] / count * (place + 1);
            let is_last = place + 1 == count;
            let end = if is_last {
                lanes
            } else {
                starts.partition_point(|&start| start < wanted).clamp(first, lanes)
            };
            let entries = starts[end] - starts[first];
            let share = Share {
                first,
                starts: &starts[first..=end],
                across: across.split_off_mut(..entries).unwrap_or_default(),
                values: values.split_off_mut(..entries).unwrap_or_default(),
            };
            first = end;
            share
        };
        (0..count).map(share).collect()
    }
}

/// Lanes that one task writes.
struct Share<'a> {
    first: usize,
    starts: &'a [usize],
    across: &'a mut [u32],
    values: &'a mut [f64],
}

impl Share<'_> {
    /// Puts entries in their places.
    fn fill<E: Entries + ?Sized>(self, entries: &E) {
        let (start, lanes) = (self.starts[0], self.starts.len() - 1);
        let mut next: Vec<usize> = self.starts[..lanes].iter().map(|place| place - start).collect();
        entries.visit(|lane, place, value| {
            if let Some(next) = at_lane(&mut next, self.first, lane)
                && value > 0.0
            {
                self.across[*next] = place;
                self.values[*next] = value;
                *next += 1;
            }
        });
    }

    fn try_for_each_lane(self, change: impl Fn(usize, &mut [u32], &mut [f64]) -> Result<()>) -> Result<()> {
        let start = self.starts[0];
        self.starts.windows(2).zip(self.first..).try_for_each(|(ends, lane)| {
            let range = ends[0] - start..ends[1] - start;
            change(lane, &mut self.across[range.clone()], &mut self.values[range])
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lanes_hold_their_entries_in_order_on_any_number_of_threads(
            entries in prop::collection::vec((0..9u32, 0..9u32, 0..3u8), 0..60),
            threads in 1..12usize,
        ) {
            let entries: Vec<Weighted> =
                entries.into_iter().map(|(row, column, value)| (row, column, f64::from(value))).collect();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let grouped = pool.install(|| group(9, &entries[..]));
            prop_assert_eq!(grouped.starts.len(), 10);
            for lane in 0..9 {
                let range = grouped.starts[lane]..grouped.starts[lane + 1];
                let found: Vec<(u32, f64)> =
                    grouped.across[range.clone()].iter().copied().zip(grouped.values[range].iter().copied()).collect();
                let of_lane = entries.iter().filter(|entry| entry.0 as usize == lane && entry.2 > 0.0);
                prop_assert_eq!(found, of_lane.map(|entry| (entry.1, entry.2)).collect::<Vec<_>>());
            }
            let mut sorted: Vec<Weighted> = entries.iter().copied().filter(|entry| entry.2 > 0.0).collect();
            sorted.sort_by_key(|entry| entry.0);
            let cut = pool.install(|| cut_rows(9, &sorted)).expect("sorted entries that are not zero");
            prop_assert_eq!((cut.starts, cut.across, cut.values), (grouped.starts, grouped.across, grouped.values));
            let is_cut = entries == sorted;
            prop_assert_eq!(pool.install(|| cut_rows(9, &entries)).is_some(), is_cut);
        }
    }
}
