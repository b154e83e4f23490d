//! What becomes of the rows of all predecessors of a context.

use super::blocks::TOGETHER;
use crate::operator::shift::TableEntry;

/// How the rows of predecessors are combined in the outputs, which start at zero.
pub(super) trait Combine: Sync {
    /// What stands before a row.
    type Weight: Copy;

    /// The weight of the row of a context, of which the scale makes a law.
    fn weight(&self, context: usize, scale: f64) -> Self::Weight;

    /// Takes four rows in.
    fn four<E: TableEntry>(&self, outputs: &mut [f64], rows: [(Self::Weight, &[E]); TOGETHER]);

    /// Takes one row in.
    fn one<E: TableEntry>(&self, outputs: &mut [f64], row: (Self::Weight, &[E]));
}

/// Sums, added up in the order of [`ShiftOperator`](crate::operator::ShiftOperator).
pub(super) struct Sums<'a> {
    pub(super) law: &'a [f64],
}

impl Combine for Sums<'_> {
    type Weight = f64;

    fn weight(&self, context: usize, scale: f64) -> f64 {
        self.law[context] * scale
    }

    fn four<E: TableEntry>(&self, outputs: &mut [f64], rows: [(f64, &[E]); TOGETHER]) {
        let [(w0, r0), (w1, r1), (w2, r2), (w3, r3)] = rows;
        for (((sum, p0), p1), (p2, p3)) in outputs.iter_mut().zip(r0).zip(r1).zip(r2.iter().zip(r3)) {
            *sum += (w0 * p0.widen() + w1 * p1.widen()) + (w2 * p2.widen() + w3 * p3.widen());
        }
    }

    fn one<E: TableEntry>(&self, outputs: &mut [f64], (weight, row): (f64, &[E])) {
        outputs.iter_mut().zip(row).for_each(|(sum, p)| *sum += weight * p.widen());
    }
}

/// The largest terms.
pub(super) struct Largest<'a> {
    pub(super) weights: &'a [f64],
}

impl Combine for Largest<'_> {
    /// The weight of the context, and the scale of its row.
    type Weight = (f64, f64);

    fn weight(&self, context: usize, scale: f64) -> (f64, f64) {
        (self.weights[context], scale)
    }

    fn four<E: TableEntry>(&self, outputs: &mut [f64], rows: [((f64, f64), &[E]); TOGETHER]) {
        rows.into_iter().for_each(|row| self.one(outputs, row));
    }

    fn one<E: TableEntry>(&self, outputs: &mut [f64], ((weight, scale), row): ((f64, f64), &[E])) {
        for (largest, p) in outputs.iter_mut().zip(row) {
            *largest = largest.max(weight * (p.widen() * scale));
        }
    }
}
