//! The rows, or the columns, of a sparse matrix, and sums over them.

use rayon::prelude::*;

use super::operator::SparseMatrix;
use crate::operator::transition::Transition;
use crate::prob::sum_by;

/// Terms that one task adds up, about: 192 KiB of the matrix, so that tasks
/// outnumber threads in any matrix that does not fit in a cache.
const TERMS: usize = 1 << 14;

/// A lane of so many terms is summed by many tasks.
const LONG: usize = 1 << 16;

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

    /// The first entry of a lane at or after a place in it.
    pub(super) fn next(&self, lane: usize, cursor: usize) -> Option<Transition> {
        let range = self.matrix.indptr().outer_inds_sz(lane);
        let at = range.start + cursor;
        (at < range.end).then(|| Transition {
            state: self.matrix.indices()[at] as usize,
            probability: self.matrix.data()[at],
            cursor: cursor + 1,
        })
    }

    /// Writes the sum over every lane of its values times what is gathered from the input.
    pub(super) fn gather(&self, input: &[f64], output: &mut [f64]) {
        let starts = self.matrix.indptr();
        let starts = starts.raw_storage();
        let (indices, values) = (self.matrix.indices(), self.matrix.data());
        self.tasks_of(output).into_par_iter().for_each(|(first, out)| {
            let mut start = starts[first];
            for (sum, &end) in out.iter_mut().zip(&starts[first + 1..]) {
                *sum = lane_sum(&indices[start..end], &values[start..end], input);
                start = end;
            }
        });
    }

    /// The first lane of every task, with its part of the output.
    fn tasks_of<'a>(&self, mut output: &'a mut [f64]) -> Vec<(usize, &'a mut [f64])> {
        let part = |lanes: &[usize]| {
            let (part, rest) = std::mem::take(&mut output).split_at_mut(lanes[1] - lanes[0]);
            output = rest;
            (lanes[0], part)
        };
        self.tasks.windows(2).map(part).collect()
    }
}

/// Cuts lanes into tasks of about [`TERMS`] terms, given where each lane starts.
/// A lane counts as one term more than it has, lest millions of empty ones be one task.
fn cut(starts: &[usize]) -> Vec<usize> {
    let lanes = starts.len() - 1;
    let mut tasks = vec![0];
    let mut full = TERMS;
    for lane in 1..lanes {
        if starts[lane] + lane >= full {
            tasks.push(lane);
            full = starts[lane] + lane + TERMS;
        }
    }
    tasks.push(lanes);
    tasks
}

/// The sum of one lane. Terms four apart are added up together, as one addition has
/// to wait for the one before it; the order depends on the length alone.
fn lane_sum(indices: &[u32], values: &[f64], input: &[f64]) -> f64 {
    if indices.len() >= LONG {
        return sum_by(indices.len(), |at| values[at] * input[indices[at] as usize]);
    }
    let (index_blocks, index_rest) = indices.as_chunks::<SUMS>();
    let (value_blocks, value_rest) = values.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for (at, p) in index_blocks.iter().zip(value_blocks) {
        for sum in 0..SUMS {
            sums[sum] += p[sum] * input[at[sum] as usize];
        }
    }
    for ((sum, &at), p) in sums.iter_mut().zip(index_rest).zip(value_rest) {
        *sum += p * input[at as usize];
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}
