//! The chain of every context of a model.

use rayon::prelude::*;

use super::{MarkovChain, States};
use crate::error::Result;
use crate::model::LanguageModel;
use crate::operator::{ShiftOperator, TableEntry, round_to_f32};
use crate::solve::{MEMORY_LIMIT, Observer, Silent, check_memory, report};
use crate::text::{ContextSpace, Token};

/// Contexts whose laws are asked for in one batch, at most.
const BATCH: usize = 4096;

/// Probabilities asked for in one batch, at most, where there are many tokens.
const BATCH_ENTRIES: usize = 1 << 22;

/// Probabilities that one task stores, at least.
const TASK: usize = 1 << 14;

/// How to enumerate the contexts of a model.
///
/// # Example
///
/// ```
/// use lmchain::chain::Enumeration;
/// use lmchain::model::TableModel;
///
/// let model = TableModel::from_rows(1, &[[0.5, 0.5], [1.0, 0.0]])?;
/// let chain = Enumeration::new().memory_limit(1 << 20).build(&model)?;
/// assert_eq!(chain.len(), 2);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Enumeration {
    memory_limit: u128,
}

impl Default for Enumeration {
    fn default() -> Self {
        Self::new()
    }
}

impl Enumeration {
    /// Tables of up to 8 GiB.
    pub fn new() -> Self {
        Self { memory_limit: MEMORY_LIMIT }
    }

    /// The most bytes that the table may take.
    pub fn memory_limit(mut self, bytes: u128) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// The chain over all `V^K` contexts, with its table in `f64`.
    ///
    /// # Errors
    ///
    /// [`ContextSpaceTooLarge`](crate::Error::ContextSpaceTooLarge),
    /// [`TooLarge`](crate::Error::TooLarge) before anything is allocated, whatever
    /// the model returns, and [`InvalidEntry`](crate::Error::InvalidEntry) or
    /// [`RowSum`](crate::Error::RowSum) if it gives no law.
    pub fn build<M: LanguageModel>(&self, model: &M) -> Result<MarkovChain<ShiftOperator>> {
        self.build_watched(model, &mut Silent)
    }

    /// As [`build`](Self::build), watched: progress is counted in contexts.
    ///
    /// # Errors
    ///
    /// As `build`, and [`Cancelled`](crate::Error::Cancelled).
    pub fn build_watched<M: LanguageModel>(
        &self,
        model: &M,
        observer: &mut dyn Observer,
    ) -> Result<MarkovChain<ShiftOperator>> {
        let (space, table) = self.table(model, |p| p, observer)?;
        let states = States::contexts(space, model.vocab().cloned());
        Ok(MarkovChain::new(ShiftOperator::new(space, table)?, states))
    }

    /// The chain over all `V^K` contexts, with its table rounded to `f32`.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_f32<M: LanguageModel>(&self, model: &M) -> Result<MarkovChain<ShiftOperator<f32>>> {
        self.build_f32_watched(model, &mut Silent)
    }

    /// As [`build_f32`](Self::build_f32), watched: progress is counted in contexts.
    ///
    /// # Errors
    ///
    /// As [`build_watched`](Self::build_watched).
    pub fn build_f32_watched<M: LanguageModel>(
        &self,
        model: &M,
        observer: &mut dyn Observer,
    ) -> Result<MarkovChain<ShiftOperator<f32>>> {
        let (space, table) = self.table(model, round_to_f32, observer)?;
        let states = States::contexts(space, model.vocab().cloned());
        Ok(MarkovChain::new(ShiftOperator::new_f32(space, table)?, states))
    }

    fn table<M: LanguageModel, T: TableEntry>(
        &self,
        model: &M,
        store: impl Fn(f64) -> T + Sync,
        observer: &mut dyn Observer,
    ) -> Result<(ContextSpace, Vec<T>)> {
        let space = ContextSpace::new(model.vocabulary_size(), model.context_length())?;
        check_memory(
            "the table of all contexts",
            ShiftOperator::<T>::table_bytes(&space),
            self.memory_limit,
        )?;
        let (v, k) = (space.vocabulary_size(), space.context_length());
        let mut table = Vec::with_capacity(space.len() * v);
        let largest = BATCH.min(BATCH_ENTRIES / v).clamp(1, space.len());
        let mut contexts: Vec<Token> = vec![0; largest * k];
        let mut laws = vec![0.0; largest * v];
        for first in (0..space.len()).step_by(largest) {
            let batch = largest.min(space.len() - first);
            for (context, tokens) in (first..).zip(contexts.chunks_exact_mut(k).take(batch)) {
                space.write_tokens(context, tokens);
            }
            model.next_token_laws(&contexts[..batch * k], &mut laws[..batch * v])?;
            table.par_extend(laws[..batch * v].par_iter().with_min_len(TASK).map(|&p| store(p)));
            report(observer, "enumerating contexts", (first + batch) as u64, Some(space.len() as u64))?;
        }
        Ok((space, table))
    }
}

impl MarkovChain<ShiftOperator> {
    /// The chain over every context of a model: [`Enumeration`] with its defaults.
    ///
    /// # Errors
    ///
    /// As [`Enumeration::build`].
    pub fn enumerated<M: LanguageModel>(model: &M) -> Result<Self> {
        Enumeration::new().build(model)
    }
}
