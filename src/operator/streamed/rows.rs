//! Where rows come from that are not held in memory.

use std::marker::PhantomData;

use super::entry::FileEntry;
use crate::error::Result;
use crate::operator::shift::{ShiftOperator, TableEntry};
use crate::text::ContextSpace;

/// The rows of a chain over all contexts, given block by block.
///
/// The same context must always have the same row.
pub trait RowSource: Send + Sync {
    /// What rows are made of.
    type Entry: TableEntry + Default;

    /// The numbering of the contexts.
    fn space(&self) -> &ContextSpace;

    /// Writes the laws of the next token after the contexts `first`, `first + 1` and so on.
    ///
    /// # Shapes
    ///
    /// `rows` has V entries for each of these contexts; `first` and the rows
    /// asked for stay within the space.
    ///
    /// # Errors
    ///
    /// Any [`enum@crate::Error`]: the rows cannot be had.
    fn rows(&self, first: usize, rows: &mut [Self::Entry]) -> Result<()>;

    /// Whether one call makes use of all threads. Such a source is asked for one
    /// block after another, others for several at once.
    fn is_parallel(&self) -> bool {
        false
    }
}

impl<R: RowSource + ?Sized> RowSource for &R {
    type Entry = R::Entry;

    fn space(&self) -> &ContextSpace {
        (**self).space()
    }

    fn rows(&self, first: usize, rows: &mut [Self::Entry]) -> Result<()> {
        (**self).rows(first, rows)
    }

    fn is_parallel(&self) -> bool {
        (**self).is_parallel()
    }
}

/// A table in memory, to be written to a file.
impl<T: TableEntry + Default> RowSource for ShiftOperator<T> {
    type Entry = T;

    fn space(&self) -> &ContextSpace {
        self.space()
    }

    fn rows(&self, first: usize, rows: &mut [T]) -> Result<()> {
        rows.copy_from_slice(self.rows_from(first, rows.len()));
        Ok(())
    }
}

/// Rows that a function computes anew whenever they are needed.
///
/// # Example
///
/// ```
/// use lmchain::operator::{FunctionRows, StreamedOperator, TransitionOperator};
/// use lmchain::text::ContextSpace;
///
/// // The newest token is repeated with probability 0.75; no table is stored.
/// let space = ContextSpace::new(2, 3)?;
/// let rows = FunctionRows::new(space, move |first, rows: &mut [f64]| {
///     for (context, row) in (first..).zip(rows.chunks_exact_mut(2)) {
///         row.fill(0.25);
///         row[space.newest(context) as usize] = 0.75;
///     }
///     Ok(())
/// });
/// let chain = StreamedOperator::new(rows)?;
/// let mut next = [0.0; 8];
/// chain.push_forward(&[0.125; 8], &mut next);
/// assert_eq!(next[7], 0.125 * 0.75 + 0.125 * 0.75);
/// chain.check_products()?;
/// # Ok::<(), lmchain::Error>(())
/// ```
pub struct FunctionRows<F> {
    space: ContextSpace,
    write: F,
}

impl<F: Fn(usize, &mut [f64]) -> Result<()> + Send + Sync> FunctionRows<F> {
    /// Rows written by a function as by [`RowSource::rows`].
    pub fn new(space: ContextSpace, write: F) -> Self {
        Self { space, write }
    }
}

impl<F: Fn(usize, &mut [f64]) -> Result<()> + Send + Sync> RowSource for FunctionRows<F> {
    type Entry = f64;

    fn space(&self) -> &ContextSpace {
        &self.space
    }

    fn rows(&self, first: usize, rows: &mut [f64]) -> Result<()> {
        (self.write)(first, rows)
    }
}

/// The rows of another source, in the precision of a file ([`FileEntry::round`]).
pub struct RoundedRows<R, T> {
    rows: R,
    entries: PhantomData<T>,
}

impl<R: RowSource<Entry = f64>, T: FileEntry> RoundedRows<R, T> {
    /// Rows to be rounded.
    pub fn new(rows: R) -> Self {
        Self { rows, entries: PhantomData }
    }
}

impl<R: RowSource<Entry = f64>, T: FileEntry> RowSource for RoundedRows<R, T> {
    type Entry = T;

    fn space(&self) -> &ContextSpace {
        self.rows.space()
    }

    fn rows(&self, first: usize, rows: &mut [T]) -> Result<()> {
        let mut exact = vec![0.0; rows.len()];
        self.rows.rows(first, &mut exact)?;
        rows.iter_mut().zip(exact).for_each(|(rounded, p)| *rounded = T::round(p));
        Ok(())
    }

    fn is_parallel(&self) -> bool {
        self.rows.is_parallel()
    }
}
