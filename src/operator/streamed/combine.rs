//! What becomes of the rows of all predecessors of a context.

use crate::operator::shift::{ROWS, TableEntry, add_rows};

/// How the rows of predecessors are combined in the outputs, which start at zero.
pub(super) trait Combine: Sync {
    /// What stands before a row.
    type Weight: Copy;

    /// The weight of the row of a context, of which the scale makes a law.
    fn weight(&self, context: usize, scale: f64) -> Self::Weight;

    /// Takes four rows in.
    fn four<E: TableEntry>(&self, outputs: &mut [f64], rows: [(Self::Weight, &[E]); ROWS]);

    /// Takes one row in.
    fn one<E: TableEntry>(&self, outputs: &mut [f64], row: (Self::Weight, &[E]));
}

/// Sums, added up in the order of [`ShiftOperator`](crate::operator::ShiftOperator).
pub(super) struct Sums<L> {
    /// The entries of the law.
    pub(super) law: L,
}

impl<L: Fn(usize) -> f64 + Sync> Combine for Sums<L> {
    type Weight = f64;

    fn weight(&self, context: usize, scale: f64) -> f64 {
        (self.law)(context) * scale
    }

    fn four<E: TableEntry>(&self, outputs: &mut [f64], rows: [(f64, &[E]); ROWS]) {
        add_rows(outputs, rows.map(|(weight, _)| weight), rows.map(|(_, row)| row));
    }

    fn one<E: TableEntry>(&self, outputs: &mut [f64], (weight, row): (f64, &[E])) {
        add_rows(outputs, [weight], [row]);
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

    fn four<E: TableEntry>(&self, outputs: &mut [f64], rows: [((f64, f64), &[E]); ROWS]) {
        rows.into_iter().for_each(|row| self.one(outputs, row));
    }

    fn one<E: TableEntry>(&self, outputs: &mut [f64], ((weight, scale), row): ((f64, f64), &[E])) {
        for (largest, p) in outputs.iter_mut().zip(row) {
            *largest = largest.max(weight * (p.widen() * scale));
        }
    }
}
