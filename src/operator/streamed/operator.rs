//! The chain of all contexts, its table not in memory.

use std::sync::{Mutex, TryLockError};

use super::blocks::Blocks;
use super::combine::{Largest, Sums};
use super::fault::Fault;
use super::rows::RowSource;
use super::sampler::StreamedSteps;
use super::survey::Survey;
use crate::error::Result;
use crate::operator::check_lengths;
use crate::operator::shift::{TableEntry, check_table_size, lookup};
use crate::operator::transition::{
    LikelyStep, Pushed, StepSampler, Transition, TransitionOperator, likeliest,
};
use crate::prob::AliasRows;
use crate::solve::{Observer, Silent};
use crate::text::ContextSpace;

/// All `V^K` contexts of a model whose table is not held in memory: every product
/// has its rows from a [`RowSource`] anew, block by block, and gives the same bits
/// as [`ShiftOperator`](super::super::ShiftOperator) on the same table.
///
/// From a [`TableFile`](super::TableFile), a product reads the file once, in
/// pieces of 256 KiB and more; what the system keeps in its cache comes from there.
/// From [`FunctionRows`](super::FunctionRows), it computes all rows once.
///
/// Looking at single transitions takes a row each: cheap enough to follow some,
/// not to search the graph of a large chain. Where every entry is positive, its
/// classes are known without that.
///
/// # Failures
///
/// A disk may fail, or a model, in the middle of a product. The first such error
/// is kept, [`check_products`](TransitionOperator::check_products) tells it, and from then on
/// products give NaN, transitions are none, and steps are arbitrary. Stationary solvers, ensembles of
/// walks, passage solvers, dominant spectra and distance curves ask; after anything else, ask before
/// you believe what came out.
///
/// # Memory
///
/// Some MiB a thread; 8 bytes a context if entries are `f32`.
pub struct StreamedOperator<R: RowSource> {
    pub(super) source: R,
    pub(super) blocks: Blocks,
    pub(super) fault: Fault,
    row_scale: Vec<f64>,
    is_positive: bool,
    /// The row looked at last.
    last: Mutex<Option<(usize, Vec<R::Entry>)>>,
}

impl<R: RowSource> StreamedOperator<R> {
    /// The chain with the rows of a source, which are all had once, to be checked.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidEntry`](crate::Error::InvalidEntry) and
    /// [`Error::RowSum`](crate::Error::RowSum) for rows that are not laws,
    /// [`Error::TooLarge`](crate::Error::TooLarge) for 2^32 - 1 contexts or more, and those of the source.
    pub fn new(source: R) -> Result<Self> {
        Self::new_watched(source, &mut Silent)
    }

    /// As [`new`](Self::new), watched: progress is counted in contexts.
    ///
    /// # Errors
    ///
    /// As `new`, and [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn new_watched(source: R, observer: &mut dyn Observer) -> Result<Self> {
        let blocks = Blocks::new(source.space(), size_of::<R::Entry>(), source.is_parallel());
        Self::with_blocks(source, blocks, observer)
    }

    pub(super) fn with_blocks(source: R, blocks: Blocks, observer: &mut dyn Observer) -> Result<Self> {
        check_table_size::<R::Entry>(source.space())?;
        let Survey { row_scale, is_positive } = Survey::of(&source, &blocks, observer)?;
        Ok(Self { source, blocks, fault: Fault::default(), row_scale, is_positive, last: Mutex::new(None) })
    }

    /// Where the rows come from.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// The numbering of the contexts.
    pub fn space(&self) -> &ContextSpace {
        self.source.space()
    }

    /// The row of a context as it is stored, or `None` after a failure.
    pub(super) fn row(&self, context: usize) -> Option<Vec<R::Entry>> {
        self.fault.or(None, || {
            let mut row = vec![R::Entry::default(); self.space().vocabulary_size()];
            self.source.rows(context, &mut row)?;
            Ok(Some(row))
        })
    }

    /// What `look` sees in the row of a context. The last row is kept: who looks
    /// at all its transitions has it read once.
    fn look<T>(&self, context: usize, look: impl FnOnce(&[R::Entry]) -> Option<T>) -> Option<T> {
        let mut last = match self.last.try_lock() {
            Ok(last) => last,
            Err(TryLockError::Poisoned(last)) => last.into_inner(),
            Err(TryLockError::WouldBlock) => return look(&self.row(context)?),
        };
        if last.as_ref().is_none_or(|(kept, _)| *kept != context) {
            *last = Some((context, self.row(context)?));
        }
        last.as_ref().and_then(|(_, row)| look(row))
    }

    pub(super) fn scale(&self, context: usize) -> f64 {
        self.row_scale.get(context).copied().unwrap_or(1.0)
    }

    fn entry(&self, context: usize, token: usize) -> f64 {
        self.look(context, |row| Some(row[token].widen())).unwrap_or(0.0) * self.scale(context)
    }
}

impl<R: RowSource> TransitionOperator for StreamedOperator<R> {
    fn states(&self) -> usize {
        self.space().len()
    }

    fn stored_entries(&self) -> usize {
        self.space().len() * self.space().vocabulary_size()
    }

    fn longest_sum(&self) -> usize {
        self.space().vocabulary_size()
    }

    fn push_forward(&self, law: &[f64], next: &mut [f64]) {
        check_lengths(self, law, next);
        self.gather(next, &Sums { law: |state| law[state] });
    }

    fn sweep_forward(&self, law: &[f64], next: &mut [f64]) -> Option<Pushed> {
        check_lengths(self, law, next);
        self.sweep(law, next)
    }

    fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
        check_lengths(self, observable, expected);
        self.pull(observable, expected);
    }

    fn check_products(&self) -> Result<()> {
        self.fault.check()
    }

    fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
        let scale = self.scale(state);
        self.look(state, |row| lookup::next_successor(self.space(), (row, scale), state, cursor))
    }

    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
        lookup::next_predecessor(self.space(), state, cursor, |context, token| self.entry(context, token))
    }

    fn probability(&self, from: usize, to: usize) -> f64 {
        lookup::probability(self.space(), from, to, |context, token| self.entry(context, token))
    }

    fn push_largest(&self, weights: &[f64], next: &mut [f64]) {
        check_lengths(self, weights, next);
        self.gather(next, &Largest { weights });
    }

    fn likely_steps(&self, steps: &mut [LikelyStep]) {
        assert_eq!(steps.len(), self.states(), "one entry per state");
        self.map_rows(steps, LikelyStep::default(), |context, row| {
            let scale = self.scale(context);
            likeliest(self.space().successors(context).zip(row.iter().map(|p| p.widen() * scale)))
        });
    }

    fn row_entropies(&self, entropies: &mut [f64]) {
        assert_eq!(entropies.len(), self.states(), "one entry per state");
        self.map_rows(entropies, f64::NAN, |context, row| {
            let scale = self.scale(context);
            let possible = row.iter().map(|p| p.widen()).filter(|&p| p > 0.0).map(|p| p * scale);
            possible.map(|p| -p * p.log2()).sum()
        });
    }

    fn is_evidently_shift(&self) -> bool {
        true
    }

    fn looks_cost_rows(&self) -> bool {
        true
    }

    fn is_evidently_regular(&self) -> bool {
        // With every entry positive, K steps lead anywhere.
        self.is_positive
    }

    fn sampler_bytes(&self) -> u128 {
        AliasRows::bytes(1, self.space().vocabulary_size())
    }

    fn sampler(&self) -> Box<dyn StepSampler + '_> {
        Box::new(StreamedSteps(self))
    }
}
