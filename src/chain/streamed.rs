//! Chains of all contexts of a model whose table is not held in memory.

use std::path::Path;

use super::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::operator::{FileEntry, RoundedRows, RowSource, StreamedOperator, TableFile};
use crate::solve::{Observer, Silent};
use crate::text::{ContextSpace, Token, Vocab};

/// The laws of a language model, asked for whenever they are needed.
pub struct ModelRows<M> {
    space: ContextSpace,
    model: M,
}

impl<M: LanguageModel + Send> ModelRows<M> {
    /// The laws after all contexts of a model.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`],
    /// [`Error::ContextSpaceTooLarge`].
    pub fn new(model: M) -> Result<Self> {
        let space = ContextSpace::new(model.vocabulary_size(), model.context_length())?;
        Ok(Self { space, model })
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.model
    }
}

impl<M: LanguageModel + Send> RowSource for ModelRows<M> {
    type Entry = f64;

    fn space(&self) -> &ContextSpace {
        &self.space
    }

    fn rows(&self, first: usize, rows: &mut [f64]) -> Result<()> {
        let k = self.space.context_length();
        let mut contexts: Vec<Token> = vec![0; rows.len() / self.space.vocabulary_size() * k];
        for (context, tokens) in (first..).zip(contexts.chunks_exact_mut(k)) {
            self.space.write_tokens(context, tokens);
        }
        self.model.next_token_laws(&contexts, rows)
    }

    /// A batch of laws is computed in parallel.
    fn is_parallel(&self) -> bool {
        true
    }
}

/// The chain of a table in a file.
pub type StoredChain<T> = MarkovChain<StreamedOperator<TableFile<T>>>;

/// The chain of a model that is asked again in every product.
pub type RecomputedChain<M> = MarkovChain<StreamedOperator<ModelRows<M>>>;

impl<T: FileEntry> StoredChain<T> {
    /// The chain over all `V^K` contexts of a model, its table written to a file,
    /// which every product reads: for tables larger than memory.
    ///
    /// # Errors
    ///
    /// As [`TableFile::write`] and [`stored`](Self::stored).
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::StoredChain;
    /// use lmchain::model::TableModel;
    ///
    /// let model = TableModel::from_rows(1, &[[0.5, 0.5], [1.0, 0.0]])?;
    /// let folder = tempfile::tempdir().expect("a folder for the file");
    /// let path = folder.path().join("model.table");
    /// let chain = StoredChain::<f32>::store(&model, &path)?;
    /// let law = chain.stationary()?.converged()?;
    /// // Later, from the file alone:
    /// let again = StoredChain::<f32>::stored(&path, None)?;
    /// assert_eq!(again.stationary()?.converged()?, law);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn store<M: LanguageModel + Send>(model: M, path: impl AsRef<Path>) -> Result<Self> {
        Self::store_watched(model, path, &mut Silent)
    }

    /// As [`store`](Self::store), watched.
    ///
    /// # Errors
    ///
    /// As `store`, and [`Error::Cancelled`].
    pub fn store_watched<M: LanguageModel + Send>(
        model: M,
        path: impl AsRef<Path>,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let vocab = model.vocab().cloned();
        let rows = RoundedRows::<_, T>::new(ModelRows::new(model)?);
        TableFile::write_watched(&path, &rows, observer)?;
        Self::stored_watched(path, vocab, observer)
    }

    /// The chain of a table in a file, with names for its tokens if there are any.
    ///
    /// # Errors
    ///
    /// As [`TableFile::open`] and [`StreamedOperator::new`], and
    /// [`Error::LengthMismatch`] if there are not V names.
    pub fn stored(path: impl AsRef<Path>, vocab: Option<Vocab>) -> Result<Self> {
        Self::stored_watched(path, vocab, &mut Silent)
    }

    /// As [`stored`](Self::stored), watched.
    ///
    /// # Errors
    ///
    /// As `stored`, and [`Error::Cancelled`].
    pub fn stored_watched(
        path: impl AsRef<Path>,
        vocab: Option<Vocab>,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let table = TableFile::open_watched(path, observer)?;
        let space = *table.space();
        if let Some(vocab) = vocab.as_ref().filter(|vocab| vocab.len() != space.vocabulary_size()) {
            return Err(Error::LengthMismatch { expected: space.vocabulary_size(), found: vocab.len() });
        }
        let operator = StreamedOperator::new_watched(table, observer)?;
        Ok(MarkovChain::new(operator, States::contexts(space, vocab)))
    }
}

impl<M: LanguageModel + Send> RecomputedChain<M> {
    /// The chain over all `V^K` contexts of a model without a table: every product
    /// asks the model for all its laws, in batches.
    ///
    /// # Errors
    ///
    /// As [`ModelRows::new`] and [`StreamedOperator::new`].
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::RecomputedChain;
    /// use lmchain::model::TableModel;
    ///
    /// let model = TableModel::from_rows(1, &[[0.5, 0.5], [1.0, 0.0]])?;
    /// let law = RecomputedChain::recomputed(&model)?.stationary()?.converged()?;
    /// assert!((law[0] - 2.0 / 3.0).abs() < 1e-15);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn recomputed(model: M) -> Result<Self> {
        Self::recomputed_watched(model, &mut Silent)
    }

    /// As [`recomputed`](Self::recomputed), watched: progress is counted in contexts.
    ///
    /// # Errors
    ///
    /// As `recomputed`, and [`Error::Cancelled`].
    pub fn recomputed_watched(model: M, observer: &mut dyn Observer) -> Result<Self> {
        let vocab = model.vocab().cloned();
        let operator = StreamedOperator::new_watched(ModelRows::new(model)?, observer)?;
        let states = States::contexts(*operator.space(), vocab);
        Ok(MarkovChain::new(operator, states))
    }
}
