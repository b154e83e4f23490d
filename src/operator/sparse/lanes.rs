//! The rows, or the columns, of a sparse matrix, and sums over them.

use rayon::prelude::*;

use super::operator::SparseMatrix;
use crate::operator::block::{column_runs, entries};
use crate::operator::sweep::{GROUPS, sweep_groups};
use crate::operator::transition::{Pushed, Transition};
use crate::prob::sum_by;

/// Terms that one task adds up, about: 192 KiB of the matrix, so that tasks
/// outnumber threads in any matrix that does not fit in a cache.
const TERMS: usize = 1 << 14;

/// Tasks in a group of a sweep, at least, so that there are some for all threads.
const TASKS_IN_GROUP: usize = 16;

/// A lane of so many terms is summed by many tasks.
const LONG: usize = 1 << 16;

/// A lane of fewer terms is added up one by one.
const SHORT: usize = 2 * SUMS;

/// Running sums that a lane is added up in.
const SUMS: usize = 4;

/// Rows or columns of a matrix, each a sum of a product, cut into tasks of about
/// as many terms each.
#[derive(Debug, Clone)]
pub(super) struct Lanes {
    matrix: SparseMatrix,
    /// The first lane of every task, and the end of the last one.
    tasks: Vec<usize>,
}

impl Lanes {
    pub(super) fn new(matrix: SparseMatrix) -> Self {
        let tasks = cut(matrix.indptr().raw_storage());
        Self { matrix, tasks }
    }

    pub(super) fn matrix(&self) -> &SparseMatrix {
        &self.matrix
    }

    /// The most terms of a lane.
    pub(super) fn longest(&self) -> usize {
        self.matrix.outer_iterator().map(|lane| lane.nnz()).max().unwrap_or(0)
    }

    /// The first entry of a lane at or after a place in it. Inlined, so that who does
    /// not ask for its probability does not wait for it.
    #[inline]
    pub(super) fn next(&self, lane: usize, cursor: usize) -> Option<Transition> {
        let range = self.matrix.indptr().outer_inds_sz(lane);
        let at = range.start + cursor;
        (at < range.end).then(|| Transition {
            state: self.matrix.indices()[at] as usize,
            probability: self.matrix.data()[at],
            cursor: cursor + 1,
        })
    }

    /// Writes the sum over every lane of its values times what is gathered from the
    /// input, for vectors of the same length that are interleaved.
    pub(super) fn gather(&self, input: &[f64], output: &mut [f64], columns: usize) {
        cut_at(&self.tasks, output, columns).into_par_iter().for_each(|(first, out)| {
            if columns == 1 {
                return self.gather_task(|state| [input[state]], first, out);
            }
            for (out, lane) in out.chunks_exact_mut(columns).zip(self.lanes_from(first)) {
                lane.write_sums(input, out);
            }
        });
    }

    /// Writes the sums of one vector group by group of tasks, each of what is there by then;
    /// `None` if there is but one group.
    pub(super) fn sweep(&self, law: &[f64], next: &mut [f64]) -> Option<Pushed> {
        let tasks = self.tasks.len() - 1;
        let together = tasks.div_ceil(GROUPS).max(TASKS_IN_GROUP);
        if together >= tasks {
            return None;
        }
        let end = |group: usize| tasks.min((group + 1) * together);
        let ends = (0..tasks.div_ceil(together)).map(|group| self.tasks[end(group)]);
        Some(sweep_groups(law, next, ends, |swept, group, outputs| {
            let tasks = cut_at(&self.tasks[group * together..=end(group)], outputs, 1);
            let entry = |state| [swept.entry(state)];
            tasks.into_par_iter().for_each(|(first, out)| self.gather_task(entry, first, out));
        }))
    }

    /// Writes the sums of one vector over the lanes from the first one on.
    #[inline(always)]
    fn gather_task(&self, input: impl Fn(usize) -> [f64; 1] + Copy + Sync, first: usize, out: &mut [f64]) {
        for (out, lane) in out.iter_mut().zip(self.lanes_from(first)) {
            [*out] = lane.sums(input);
        }
    }

    /// Lanes from the first one on.
    fn lanes_from(&self, first: usize) -> impl Iterator<Item = Lane<'_>> {
        let starts = self.matrix.indptr().into_raw_storage();
        let (indices, values) = (self.matrix.indices(), self.matrix.data());
        let mut start = starts[first];
        starts[first + 1..].iter().map(move |&end| {
            let lane = Lane { indices: &indices[start..end], values: &values[start..end] };
            start = end;
            lane
        })
    }
}

/// The first lane of every task, given where these begin and the last one ends, with its
/// part of their output.
fn cut_at<'a>(ends: &[usize], mut output: &'a mut [f64], columns: usize) -> Vec<(usize, &'a mut [f64])> {
    let part = |lanes: &[usize]| {
        let all = std::mem::take(&mut output);
        let (part, rest) = all.split_at_mut((lanes[1] - lanes[0]) * columns);
        output = rest;
        (lanes[0], part)
    };
    ends.windows(2).map(part).collect()
}

/// One row or column.
struct Lane<'a> {
    indices: &'a [u32],
    values: &'a [f64],
}

impl Lane<'_> {
    /// Writes the sum of every column: as of a single vector, whatever stands beside it.
    fn write_sums(&self, input: &[f64], out: &mut [f64]) {
        let columns = out.len();
        for (column, width) in column_runs(columns) {
            match width {
                4 => out[column..][..4]
                    .copy_from_slice(&self.sums(|state| entries::<4>(input, state * columns + column))),
                2 => out[column..][..2]
                    .copy_from_slice(&self.sums(|state| entries::<2>(input, state * columns + column))),
                _ => [out[column]] = self.sums(|state| entries(input, state * columns + column)),
            }
        }
    }

    /// The sums of some columns, given the entries of a state in them. In all but short lanes
    /// terms four apart are added up together, as one addition has to wait for the one before
    /// it; the order depends on the length alone.
    #[inline(always)]
    fn sums<const W: usize>(&self, input: impl Fn(usize) -> [f64; W] + Sync) -> [f64; W] {
        let (indices, values) = (self.indices, self.values);
        if indices.len() < SHORT {
            let mut sums = [0.0; W];
            for (&at, p) in indices.iter().zip(values) {
                let terms = input(at as usize);
                for j in 0..W {
                    sums[j] += p * terms[j];
                }
            }
            return sums;
        }
        self.long_sums(input)
    }

    /// The same of a lane that is not short.
    #[inline(never)]
    fn long_sums<const W: usize>(&self, input: impl Fn(usize) -> [f64; W] + Sync) -> [f64; W] {
        let (indices, values) = (self.indices, self.values);
        if indices.len() >= LONG {
            return std::array::from_fn(|j| {
                sum_by(indices.len(), |at| values[at] * input(indices[at] as usize)[j])
            });
        }
        let mut sums = [[0.0; W]; SUMS];
        let mut add = |sum: usize, at: u32, p: f64| {
            let terms = input(at as usize);
            for j in 0..W {
                sums[sum][j] += p * terms[j];
            }
        };
        let (index_blocks, index_rest) = indices.as_chunks::<SUMS>();
        let (value_blocks, value_rest) = values.as_chunks::<SUMS>();
        for (at, p) in index_blocks.iter().zip(value_blocks) {
            for sum in 0..SUMS {
                add(sum, at[sum], p[sum]);
            }
        }
        for (sum, (&at, &p)) in index_rest.iter().zip(value_rest).enumerate() {
            add(sum, at, p);
        }
        std::array::from_fn(|j| (sums[0][j] + sums[1][j]) + (sums[2][j] + sums[3][j]))
    }
}

/// Cuts lanes into tasks of about [`TERMS`] terms, given where each lane starts.
/// A lane counts as one term more than it has, lest millions of empty ones be one task.
fn cut(starts: &[usize]) -> Vec<usize> {
    let lanes = starts.len() - 1;
    let mut tasks = vec![0];
    let mut full = TERMS;
    for (lane, start) in starts.iter().enumerate().take(lanes).skip(1) {
        if start + lane >= full {
            tasks.push(lane);
            full = start + lane + TERMS;
        }
    }
    tasks.push(lanes);
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_share_the_terms_and_lose_no_lane() {
        // Lanes of 0 to 4 terms, some of many thousands, and a long end of empty ones.
        let length = |lane: usize| match lane {
            7 | 8 | 50_000 => 3 * TERMS,
            0..80_000 => lane * 7 % 5,
            _ => 0,
        };
        let starts: Vec<usize> = std::iter::once(0)
            .chain((0..200_000).scan(0, |end, lane| {
                *end += length(lane);
                Some(*end)
            }))
            .collect();
        let tasks = cut(&starts);
        assert_eq!((tasks[0], tasks[tasks.len() - 1]), (0, 200_000));
        let cost = |first: usize, end: usize| starts[end] + end - starts[first] - first;
        for task in tasks.windows(2) {
            // A task is full with its last lane, and was not before.
            assert!(task[0] < task[1] && cost(task[0], task[1] - 1) < TERMS);
            assert!(task[1] == 200_000 || cost(task[0], task[1]) >= TERMS);
        }
    }
}
