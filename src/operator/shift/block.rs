//! Several laws or observables moved by one reading of the table.

use rayon::prelude::*;

use super::operator::ShiftOperator;
use super::table_entry::TableEntry;
use crate::operator::block::{column_runs, entries};

/// Sums of one task of a push, about: 32 KiB.
const SUMS: usize = 1 << 12;

/// Table entries of one context length that a task of a pull goes through with
/// each of its contexts, about.
const ENTRIES: usize = 1 << 10;

/// Rows that are combined at a time.
const ROWS: usize = 4;

impl<T: TableEntry> ShiftOperator<T> {
    /// Pushes a block of laws: output `r·V + v` of every column adds up rows
    /// `a·V^(K-1) + r`, four at a time and in order.
    ///
    /// A task takes all tokens after a run of suffixes, or some of those after one. For
    /// each four oldest tokens, what it reads lies together.
    pub(super) fn push_columns(&self, laws: &[f64], next: &mut [f64], columns: usize) {
        let v = self.space.vocabulary_size();
        let outputs = (SUMS / columns).max(1);
        let (tokens, suffixes) = (v.min(outputs), (outputs / v).max(1));
        let runs = next.par_chunks_mut(suffixes * v * columns);
        runs.enumerate().for_each(|(run, next)| {
            if tokens == v {
                return self.push_run(laws, (run * suffixes, 0), next, (v, columns));
            }
            next.par_chunks_mut(tokens * columns).enumerate().for_each(|(part, out)| {
                self.push_run(laws, (run, part * tokens), out, (tokens, columns));
            });
        });
    }

    /// Sums what some tokens, from `token` on, receive after each of a run of suffixes.
    fn push_run(
        &self,
        laws: &[f64],
        (suffix, token): (usize, usize),
        out: &mut [f64],
        (tokens, columns): (usize, usize),
    ) {
        out.fill(0.0);
        for oldest in (0..self.space.vocabulary_size()).step_by(ROWS) {
            for (at, out) in out.chunks_mut(tokens * columns).enumerate() {
                for (column, width) in column_runs(columns) {
                    let (place, lane) = ((oldest, suffix + at, token), (columns, column));
                    match width {
                        4 => self.add_rows::<4>(laws, place, out, lane),
                        2 => self.add_rows::<2>(laws, place, out, lane),
                        _ => self.add_rows::<1>(laws, place, out, lane),
                    }
                }
            }
        }
    }

    /// Adds the rows of up to four oldest tokens before one suffix, weighted by some columns.
    fn add_rows<const W: usize>(
        &self,
        laws: &[f64],
        (oldest, suffix, token): (usize, usize, usize),
        out: &mut [f64],
        (columns, column): (usize, usize),
    ) {
        let (v, suffixes) = (self.space.vocabulary_size(), self.space.suffixes());
        let tokens = out.len() / columns;
        let row = |a: usize| &self.row(a * suffixes + suffix)[token..token + tokens];
        let weight = |a: usize| {
            let context = a * suffixes + suffix;
            let (weights, scale) = (entries::<W>(laws, context * columns + column), self.scale(context));
            std::array::from_fn::<f64, W, _>(|j| weights[j] * scale)
        };
        if oldest + ROWS > v {
            for a in oldest..v {
                let w = weight(a);
                for (out, p) in out.chunks_exact_mut(columns).zip(row(a)) {
                    out[column..].iter_mut().zip(w).for_each(|(sum, w)| *sum += w * p.widen());
                }
            }
            return;
        }
        let [r0, r1, r2, r3] = std::array::from_fn(|i| row(oldest + i));
        let [w0, w1, w2, w3] = std::array::from_fn(|i| weight(oldest + i));
        let rows = r0.iter().zip(r1).zip(r2.iter().zip(r3));
        for (out, ((p0, p1), (p2, p3))) in out.chunks_exact_mut(columns).zip(rows) {
            let [p0, p1, p2, p3] = [p0.widen(), p1.widen(), p2.widen(), p3.widen()];
            if let Some(sums) = out[column..].first_chunk_mut::<W>() {
                for j in 0..W {
                    sums[j] += (w0[j] * p0 + w1[j] * p1) + (w2[j] * p2 + w3[j] * p3);
                }
            }
        }
    }

    /// Pulls back a block of observables: every output adds up its row in order.
    ///
    /// A task takes a few contexts that differ in their oldest token alone, which
    /// look at the same entries, for each of a run of suffixes.
    pub(super) fn pull_columns(&self, observables: &[f64], expected: &mut [f64], columns: usize) {
        let (v, suffixes) = (self.space.vocabulary_size(), self.space.suffixes());
        let run = (ENTRIES / v).max(1);
        let mut lanes: Vec<_> =
            expected.chunks_mut(suffixes * columns).map(|lane| lane.chunks_mut(run * columns)).collect();
        let mut tasks = Vec::with_capacity(suffixes.div_ceil(run) * v.div_ceil(ROWS));
        for tile in 0..suffixes.div_ceil(run) {
            for (group, lanes) in lanes.chunks_mut(ROWS).enumerate() {
                let outs: Vec<&mut [f64]> = lanes.iter_mut().filter_map(Iterator::next).collect();
                tasks.push((tile * run, group * ROWS, outs));
            }
        }
        tasks.into_par_iter().for_each(|(suffix, oldest, mut outs)| {
            self.pull_task(observables, (suffix, oldest), &mut outs, columns);
        });
    }

    /// Writes what the contexts before a run of suffixes expect, for a few oldest tokens.
    fn pull_task(
        &self,
        observables: &[f64],
        (suffix, oldest): (usize, usize),
        outs: &mut [&mut [f64]],
        columns: usize,
    ) {
        let (v, suffixes) = (self.space.vocabulary_size(), self.space.suffixes());
        let run = outs[0].len() / columns;
        for at in 0..run {
            let next = &observables[(suffix + at) * v * columns..][..v * columns];
            let context = |place: usize| (oldest + place) * suffixes + suffix + at;
            for (column, width) in column_runs(columns) {
                let (lane, place) = ((columns, column), at * columns + column);
                match width {
                    4 => self.pull_width::<4>(context, next, lane, outs, place),
                    2 => self.pull_width::<2>(context, next, lane, outs, place),
                    _ => self.pull_width::<1>(context, next, lane, outs, place),
                }
            }
        }
    }

    fn pull_width<const W: usize>(
        &self,
        context: impl Fn(usize) -> usize,
        next: &[f64],
        lane: (usize, usize),
        outs: &mut [&mut [f64]],
        place: usize,
    ) {
        if outs.len() == ROWS {
            let sums = self.row_sums::<ROWS, W>(std::array::from_fn(context), next, lane);
            for (out, sums) in outs.iter_mut().zip(&sums) {
                out[place..place + W].copy_from_slice(sums);
            }
        } else {
            for (number, out) in outs.iter_mut().enumerate() {
                let [sums] = self.row_sums::<1, W>([context(number)], next, lane);
                out[place..place + W].copy_from_slice(&sums);
            }
        }
    }

    /// What some contexts with the same suffix expect of some columns, given the
    /// entries of the states that may come next.
    fn row_sums<const C: usize, const W: usize>(
        &self,
        contexts: [usize; C],
        next: &[f64],
        (columns, column): (usize, usize),
    ) -> [[f64; W]; C] {
        let rows: [&[T]; C] = std::array::from_fn(|i| self.row(contexts[i]));
        let mut sums = [[0.0; W]; C];
        for (token, next) in next.chunks_exact(columns).enumerate() {
            let f = entries::<W>(next, column);
            for (sums, row) in sums.iter_mut().zip(rows) {
                let p = row[token].widen();
                for j in 0..W {
                    sums[j] += p * f[j];
                }
            }
        }
        for (sums, context) in sums.iter_mut().zip(contexts) {
            let scale = self.scale(context);
            sums.iter_mut().for_each(|sum| *sum *= scale);
        }
        sums
    }
}
