//! Any chain, as compressed rows with compressed columns beside them.

use sprs::{CsMatI, CsMatViewI, SpIndex};

use super::compress::{checked_states, compress, compress_weights, normalize};
use super::group::{Grouped, columns_of};
use super::lanes::Lanes;
use crate::error::{Error, Result};
use crate::operator::block::check_blocks;
use crate::operator::check_lengths;
use crate::operator::transition::{Pushed, Transition, TransitionOperator};

/// A sparse matrix with 32-bit columns and wide row pointers.
pub type SparseMatrix = CsMatI<f64, u32, usize>;

/// Any transition matrix in compressed rows, with its compressed columns beside it.
///
/// Rows and columns together let both products gather, so that every output is
/// summed in a fixed order. They cost 24 bytes a transition and 16 a state, of which a
/// product reads half, and the two vectors. How near it comes to reading that as fast as
/// memory can depends on how near together the states are that a state goes to, or
/// is entered from: where they are anywhere, a product waits for one line of the cache a
/// transition, a [block](TransitionOperator::push_block) of vectors as often as one.
///
/// # Example
///
/// ```
/// use lmchain::operator::{SparseOperator, TransitionOperator};
///
/// let chain = SparseOperator::from_triplets(2, vec![(0, 1, 1.0), (1, 0, 0.25), (1, 1, 0.75)])?;
/// let mut expected = [0.0; 2];
/// chain.pull_back(&[4.0, 8.0], &mut expected);
/// assert_eq!(expected, [8.0, 7.0]);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SparseOperator {
    rows: Lanes,
    columns: Lanes,
    longest_sum: usize,
    longest_row: usize,
}

impl SparseOperator {
    /// Bytes that a chain of `states` states and `transitions` transitions takes.
    pub fn bytes(states: usize, transitions: usize) -> u128 {
        2 * (12 * transitions as u128 + 8 * (states as u128 + 1))
    }

    /// The chain with the entries of an `sprs` matrix; stored zeros are dropped.
    ///
    /// # Errors
    ///
    /// [`Error::NotSquare`], and as [`from_triplets`](Self::from_triplets).
    pub fn from_sprs<I: SpIndex, Iptr: SpIndex>(matrix: CsMatViewI<'_, f64, I, Iptr>) -> Result<Self> {
        if matrix.rows() != matrix.cols() {
            return Err(Error::NotSquare { rows: matrix.rows(), columns: matrix.cols() });
        }
        let states = checked_states(matrix.rows())?;
        let triplet = |(&p, (row, column)): (&f64, (I, I))| (row.index() as u32, column.index() as u32, p);
        Self::from_triplets(states, matrix.iter().map(triplet).collect())
    }

    /// The chain over `states` states with transitions `(from, to, probability)`,
    /// in any order; zeros are dropped.
    ///
    /// # Errors
    ///
    /// [`Error::NoStates`], [`Error::TooLarge`] beyond 2^32 - 1 states,
    /// [`Error::StateOutOfRange`], [`Error::DuplicateEntry`],
    /// [`Error::InvalidEntry`], and [`Error::RowSum`] for a row whose sum is not
    /// one within [`Law::sum_tolerance`](crate::prob::Law::sum_tolerance) of its length.
    pub fn from_triplets(states: usize, transitions: Vec<(u32, u32, f64)>) -> Result<Self> {
        compress(states, transitions).map(Self::from_rows)
    }

    /// The chain that leaves each state in proportion to weights `(from, to, weight)`,
    /// such as counts. A state with no weight at all stays where it is: it is absorbing.
    ///
    /// # Errors
    ///
    /// As [`from_triplets`](Self::from_triplets), but any row sum is welcome.
    pub fn from_weights(states: usize, weights: Vec<(u32, u32, f64)>) -> Result<Self> {
        compress_weights(states, weights).map(Self::from_rows)
    }

    /// The chain that leaves each state in proportion to positive weights, given row
    /// by row: row `i` has those at `starts[i]..starts[i + 1]`, at least one.
    ///
    /// # Errors
    ///
    /// [`Error::NoStates`], [`Error::TooLarge`] beyond 2^32 - 1 states, [`Error::DuplicateEntry`].
    pub(crate) fn from_weight_rows(starts: Vec<usize>, columns: Vec<u32>, weights: Vec<f64>) -> Result<Self> {
        checked_states(starts.len() - 1)?;
        normalize(Grouped { starts, across: columns, values: weights }).map(Self::from_rows)
    }

    fn from_rows(rows: SparseMatrix) -> Self {
        let columns = Lanes::new(columns_of(&rows));
        let rows = Lanes::new(rows);
        let longest_row = rows.longest();
        let longest_sum = longest_row.max(columns.longest());
        Self { rows, columns, longest_sum, longest_row }
    }

    /// The transition matrix, in compressed rows.
    pub fn matrix(&self) -> &SparseMatrix {
        self.rows.matrix()
    }
}

impl TransitionOperator for SparseOperator {
    fn states(&self) -> usize {
        self.matrix().rows()
    }

    fn stored_entries(&self) -> usize {
        self.matrix().nnz()
    }

    fn longest_sum(&self) -> usize {
        self.longest_sum
    }

    fn longest_row(&self) -> usize {
        self.longest_row
    }

    fn push_forward(&self, law: &[f64], next: &mut [f64]) {
        check_lengths(self, law, next);
        self.columns.gather(law, next, 1);
    }

    fn sweep_forward(&self, law: &[f64], next: &mut [f64]) -> Option<Pushed> {
        check_lengths(self, law, next);
        self.columns.sweep(law, next)
    }

    fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
        check_lengths(self, observable, expected);
        self.rows.gather(observable, expected, 1);
    }

    fn push_block(&self, laws: &[f64], next: &mut [f64], columns: usize) {
        check_blocks(self, laws, next, columns);
        self.columns.gather(laws, next, columns);
    }

    fn pull_block(&self, observables: &[f64], expected: &mut [f64], columns: usize) {
        check_blocks(self, observables, expected, columns);
        self.rows.gather(observables, expected, columns);
    }

    #[inline]
    fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
        self.rows.next(state, cursor)
    }

    #[inline]
    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
        self.columns.next(state, cursor)
    }

    fn probability(&self, from: usize, to: usize) -> f64 {
        self.matrix().get(from, to).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_that_are_merely_claimed_allocate_nothing() {
        let claimed = SparseOperator::from_triplets(u32::MAX as usize, vec![(0, 0, 1.0), (1, 0, 1.0)]);
        assert!(matches!(claimed, Err(Error::RowSum { row: 2, sum: 0.0, .. })));
    }

    #[test]
    fn bad_matrices_are_refused_with_the_place() {
        let build = |states, entries| SparseOperator::from_triplets(states, entries);
        assert!(matches!(build(0, vec![]), Err(Error::NoStates)));
        assert!(matches!(build(1, vec![(0, 1, 1.0)]), Err(Error::StateOutOfRange { state: 1, states: 1 })));
        assert!(matches!(build(1, vec![(0, 0, -1.0)]), Err(Error::InvalidEntry { row: 0, column: 0, .. })));
        assert!(matches!(build(1, vec![(0, 0, f64::NAN)]), Err(Error::InvalidEntry { .. })));
        assert!(matches!(build(2, vec![(0, 0, 1.0), (1, 0, 0.9)]), Err(Error::RowSum { row: 1, .. })));
        let twice = vec![(0, 0, 0.5), (0, 0, 0.5)];
        assert!(matches!(build(1, twice), Err(Error::DuplicateEntry { row: 0, column: 0 })));
        assert!(matches!(SparseOperator::from_triplets(1 << 33, vec![]), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn a_state_without_weights_is_absorbing() {
        let chain = SparseOperator::from_weights(2, vec![(0, 0, 1.0), (0, 1, 3.0), (1, 0, 0.0)]).unwrap();
        assert_eq!(chain.probability(0, 1), 0.75);
        assert_eq!(chain.probability(1, 1), 1.0);
    }
}
