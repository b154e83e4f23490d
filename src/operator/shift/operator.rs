//! The chain of all contexts, stored without indices.

use rayon::prelude::*;

use super::lookup;
use super::sampler::ShiftSteps;
use super::table_entry::{TableEntry, round_to_f32};
use crate::error::{Error, Result};
use crate::operator::block::check_blocks;
use crate::operator::check_lengths;
use crate::operator::transition::{
    LikelyStep, Pushed, StepSampler, Transition, TransitionOperator, likeliest,
};
use crate::parallel::{ROWS_A_PART, fill_by};
use crate::prob::Law;
use crate::text::ContextSpace;

/// All `V^K` contexts of a model: only the table `p[context][token]` is stored,
/// the shift structure gives the columns.
///
/// A product reads the table once and in order, which is its limit: `N·V`
/// entries of 8 bytes (`f64`) or 4 (`f32`).
///
/// ```text
/// (law · P)[r·V + v] = sum over a of  law[a·V^(K-1) + r] · p[a·V^(K-1) + r][v]
/// (P · f)[c]         = sum over v of  p[c][v] · f[(c mod V^(K-1))·V + v]
/// ```
///
/// A table in `f32` stands for the chain whose rows are its rounded entries
/// divided by their sum; sums are always formed in `f64`.
///
/// # Example
///
/// ```
/// use lmchain::operator::{ShiftOperator, TransitionOperator};
/// use lmchain::text::ContextSpace;
///
/// // Two tokens, one token of context: 0 is followed by 0 or 1, 1 only by 0.
/// let chain = ShiftOperator::new(ContextSpace::new(2, 1)?, vec![0.5, 0.5, 1.0, 0.0])?;
/// let mut next = [0.0; 2];
/// chain.push_forward(&[1.0, 0.0], &mut next);
/// assert_eq!(next, [0.5, 0.5]);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ShiftOperator<T: TableEntry = f64> {
    pub(super) space: ContextSpace,
    pub(super) table: Vec<T>,
    /// One over the sum of each row where rows are rounded (`f32`); else empty.
    row_scale: Vec<f64>,
}

impl ShiftOperator<f64> {
    /// The chain with transition probabilities `table[c * V + v]`.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] if the table does not have `V^K · V` entries,
    /// [`Error::InvalidEntry`] and [`Error::RowSum`] for rows that are not laws.
    pub fn new(space: ContextSpace, table: Vec<f64>) -> Result<Self> {
        check_table(&space, &table)?;
        Ok(Self { space, table, row_scale: Vec::new() })
    }

    /// The same chain with its table rounded to `f32` ([`round_to_f32`]): half
    /// the memory and traffic.
    pub fn to_f32(&self) -> ShiftOperator<f32> {
        self.rounded()
    }
}

impl ShiftOperator<f32> {
    /// The chain with transition probabilities `table[c * V + v]`, rounded.
    ///
    /// # Errors
    ///
    /// As for `f64`; rows must sum to one within the rounding of their entries.
    pub fn new_f32(space: ContextSpace, table: Vec<f32>) -> Result<Self> {
        check_table(&space, &table)?;
        Ok(Self::with_scales(space, table))
    }

    fn with_scales(space: ContextSpace, table: Vec<f32>) -> Self {
        let row_scale =
            table.par_chunks_exact(space.vocabulary_size()).map(|row| sum_of_row(row).recip()).collect();
        Self { space, table, row_scale }
    }
}

impl<T: TableEntry> ShiftOperator<T> {
    /// Bytes that the table over a context space takes.
    pub fn table_bytes(space: &ContextSpace) -> u128 {
        space.len() as u128 * space.vocabulary_size() as u128 * size_of::<T>() as u128
    }

    /// The numbering of the contexts.
    pub fn space(&self) -> &ContextSpace {
        &self.space
    }

    fn rounded(&self) -> ShiftOperator<f32> {
        let table = self.table.par_iter().map(|p| round_to_f32(p.widen())).collect();
        ShiftOperator::with_scales(self.space, table)
    }

    /// Whether entries are stored in single precision already.
    fn is_rounded(&self) -> bool {
        !self.row_scale.is_empty()
    }

    /// The law of the next token after a context, in `f64`.
    pub fn next_token_law(&self, context: usize) -> impl Iterator<Item = f64> + '_ {
        let scale = self.scale(context);
        self.row(context).iter().map(move |p| p.widen() * scale)
    }

    pub(super) fn row(&self, context: usize) -> &[T] {
        self.rows_from(context, self.space.vocabulary_size())
    }

    /// So many entries from the beginning of a row on.
    pub(in crate::operator) fn rows_from(&self, context: usize, entries: usize) -> &[T] {
        &self.table[context * self.space.vocabulary_size()..][..entries]
    }

    pub(super) fn scale(&self, context: usize) -> f64 {
        self.row_scale.get(context).copied().unwrap_or(1.0)
    }

    fn entry(&self, context: usize, token: usize) -> f64 {
        self.table[context * self.space.vocabulary_size() + token].widen() * self.scale(context)
    }
}

impl<T: TableEntry> TransitionOperator for ShiftOperator<T> {
    fn states(&self) -> usize {
        self.space.len()
    }

    fn stored_entries(&self) -> usize {
        self.table.len()
    }

    fn longest_sum(&self) -> usize {
        self.space.vocabulary_size()
    }

    fn push_forward(&self, law: &[f64], next: &mut [f64]) {
        check_lengths(self, law, next);
        self.push(law, next);
    }

    fn push_measuring(&self, law: &[f64], next: &mut [f64]) -> Pushed {
        check_lengths(self, law, next);
        self.measured_push(law, next)
    }

    fn sweep_forward(&self, law: &[f64], next: &mut [f64]) -> Option<Pushed> {
        check_lengths(self, law, next);
        self.sweep(law, next)
    }

    fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
        check_lengths(self, observable, expected);
        self.pull(observable, expected);
    }

    fn push_block(&self, laws: &[f64], next: &mut [f64], columns: usize) {
        check_blocks(self, laws, next, columns);
        match columns {
            1 => self.push(laws, next),
            _ => self.push_columns(laws, next, columns),
        }
    }

    fn pull_block(&self, observables: &[f64], expected: &mut [f64], columns: usize) {
        check_blocks(self, observables, expected, columns);
        self.pull_columns(observables, expected, columns);
    }

    fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
        lookup::next_successor(&self.space, (self.row(state), self.scale(state)), state, cursor)
    }

    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
        lookup::next_predecessor(&self.space, state, cursor, |context, token| self.entry(context, token))
    }

    fn probability(&self, from: usize, to: usize) -> f64 {
        lookup::probability(&self.space, from, to, |context, token| self.entry(context, token))
    }

    fn likely_steps(&self, steps: &mut [LikelyStep]) {
        assert_eq!(steps.len(), self.states(), "one entry per state");
        fill_by(steps, ROWS_A_PART, |context| {
            let first = self.space.successors(context).start;
            likeliest((first..).zip(self.next_token_law(context)))
        });
    }

    fn is_evidently_shift(&self) -> bool {
        true
    }

    fn is_evidently_regular(&self) -> bool {
        // With every entry positive, K steps lead anywhere.
        self.table.par_chunks(1 << 16).all(|entries| entries.iter().all(|p| p.widen() > 0.0))
    }

    fn single_precision_bytes(&self) -> Option<u128> {
        let scales = (size_of::<f64>() * self.states()) as u128;
        (!self.is_rounded()).then(|| ShiftOperator::<f32>::table_bytes(&self.space) + scales)
    }

    fn single_precision(&self) -> Option<Box<dyn TransitionOperator + '_>> {
        (!self.is_rounded()).then(|| Box::new(self.rounded()) as Box<dyn TransitionOperator>)
    }

    fn sampler_bytes(&self) -> u128 {
        ShiftSteps::bytes(&self.space)
    }

    fn sampler(&self) -> Box<dyn StepSampler + '_> {
        Box::new(ShiftSteps::new(self))
    }
}

fn check_table<T: TableEntry>(space: &ContextSpace, table: &[T]) -> Result<()> {
    let v = space.vocabulary_size();
    let expected = check_table_size::<T>(space)?;
    if expected != table.len() {
        return Err(Error::LengthMismatch { expected, found: table.len() });
    }
    let rows = table.par_chunks_exact(v).enumerate();
    let problem = rows.find_map_first(|(row, law)| check_row(row, law).err());
    problem.map_or(Ok(()), Err)
}

/// The number of entries of the table over a space, if its contexts can be numbered.
pub(in crate::operator) fn check_table_size<T: TableEntry>(space: &ContextSpace) -> Result<usize> {
    if space.len() >= u32::MAX as usize {
        let allowed = u128::from(u32::MAX) * space.vocabulary_size() as u128 * size_of::<T>() as u128;
        return Err(Error::TooLarge {
            what: "a table of 2^32 - 1 contexts or more, which are numbered in 32 bits,",
            needed: ShiftOperator::<T>::table_bytes(space),
            allowed,
        });
    }
    Ok(space.len().saturating_mul(space.vocabulary_size()))
}

/// Refuses a row that is no law within the rounding of its entries.
pub(in crate::operator) fn check_row<T: TableEntry>(row: usize, law: &[T]) -> Result<()> {
    let tolerance = T::ROUNDING + Law::sum_tolerance(law.len());
    if let Some(column) = law.iter().position(|p| !(p.widen().is_finite() && p.widen() >= 0.0)) {
        return Err(Error::InvalidEntry { row, column, value: law[column].widen() });
    }
    let sum = sum_of_row(law);
    if (sum - 1.0).abs() > tolerance { Err(Error::RowSum { row, sum, tolerance }) } else { Ok(()) }
}

/// The sum of a row, from left to right.
pub(in crate::operator) fn sum_of_row<T: TableEntry>(row: &[T]) -> f64 {
    row.iter().map(|p| p.widen()).sum()
}
