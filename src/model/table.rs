//! A model given as a table of laws.

use super::LanguageModel;
use super::language_model::check_request;
use crate::error::{Error, Result};
use crate::prob::Law;
use crate::text::{ContextSpace, Token, Vocab};

/// A model that holds the law of the next token for each of its V^K contexts.
///
/// # Example
///
/// ```
/// use lmchain::model::{LanguageModel, TableModel};
///
/// // After a 1 always a 0; after a 0 a fair coin.
/// let model = TableModel::from_rows(1, &[[0.5, 0.5], [1.0, 0.0]])?;
/// let mut law = [0.0; 2];
/// model.next_token_law(&[1], &mut law)?;
/// assert_eq!(law, [1.0, 0.0]);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TableModel {
    space: ContextSpace,
    table: Vec<f64>,
    vocab: Option<Vocab>,
}

impl TableModel {
    /// A model from `p[context][token]`, row by row, contexts numbered as by [`ContextSpace`].
    ///
    /// # Shapes
    ///
    /// `table` has V^K · V entries.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] and [`Error::ContextSpaceTooLarge`] for V and
    /// K, [`Error::LengthMismatch`] for the table, [`Error::InvalidEntry`] for
    /// an entry that is negative or not finite, [`Error::RowSum`] for a row
    /// that does not sum to one within [`Law::sum_tolerance`] of V.
    pub fn new(vocabulary_size: usize, context_length: usize, table: Vec<f64>) -> Result<Self> {
        let space = checked_space(vocabulary_size, context_length, table.len())?;
        check_entries(vocabulary_size, &table)?;
        let tolerance = Law::sum_tolerance(vocabulary_size);
        for (row, law) in table.chunks_exact(vocabulary_size).enumerate() {
            let sum: f64 = law.iter().sum();
            if (sum - 1.0).abs() > tolerance {
                return Err(Error::RowSum { row, sum, tolerance });
            }
        }
        Ok(Self { space, table, vocab: None })
    }

    /// A model from weights, each row divided by its sum.
    ///
    /// # Errors
    ///
    /// As [`TableModel::new`], but [`Error::ZeroRow`] for a row of zeros in
    /// place of [`Error::RowSum`].
    pub fn normalized(vocabulary_size: usize, context_length: usize, mut weights: Vec<f64>) -> Result<Self> {
        let space = checked_space(vocabulary_size, context_length, weights.len())?;
        check_entries(vocabulary_size, &weights)?;
        for (row, law) in weights.chunks_exact_mut(vocabulary_size).enumerate() {
            // Dividing by the largest weight first keeps the sum from overflowing.
            let largest = law.iter().copied().fold(0.0, f64::max);
            if largest == 0.0 {
                return Err(Error::ZeroRow { row });
            }
            let sum: f64 = law.iter().map(|weight| weight / largest).sum();
            for weight in law {
                *weight = *weight / largest / sum;
            }
        }
        Ok(Self { space, table: weights, vocab: None })
    }

    /// A model from one law per context; V is the length of the first.
    ///
    /// # Errors
    ///
    /// As [`TableModel::new`]; [`Error::RowLength`] for a row of another length
    /// than the first, [`Error::LengthMismatch`] if there are not V^K rows.
    pub fn from_rows<R: AsRef<[f64]>>(context_length: usize, rows: &[R]) -> Result<Self> {
        let expected = rows.first().map_or(0, |row| row.as_ref().len());
        let space = ContextSpace::new(expected, context_length)?;
        if rows.len() != space.len() {
            return Err(Error::LengthMismatch { expected: space.len(), found: rows.len() });
        }
        let mut table = Vec::with_capacity(rows.len() * expected);
        for (row, law) in rows.iter().enumerate() {
            let found = law.as_ref().len();
            if found != expected {
                return Err(Error::RowLength { row, expected, found });
            }
            table.extend_from_slice(law.as_ref());
        }
        Self::new(expected, context_length, table)
    }

    /// The same model with names for its tokens.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] if there are not V names.
    pub fn with_vocab(mut self, vocab: Vocab) -> Result<Self> {
        let expected = self.space.vocabulary_size();
        if vocab.len() != expected {
            return Err(Error::LengthMismatch { expected, found: vocab.len() });
        }
        self.vocab = Some(vocab);
        Ok(self)
    }

    /// The contexts, numbered.
    pub fn space(&self) -> ContextSpace {
        self.space
    }

    /// The law of the next token after a context, by its number.
    ///
    /// # Panics
    ///
    /// If there is no such context.
    #[track_caller]
    pub fn row(&self, context: usize) -> &[f64] {
        let vocabulary_size = self.space.vocabulary_size();
        &self.table[context * vocabulary_size..][..vocabulary_size]
    }

    /// The whole table, row by row.
    pub fn table(&self) -> &[f64] {
        &self.table
    }

    /// The whole table, given up.
    pub fn into_table(self) -> Vec<f64> {
        self.table
    }
}

impl LanguageModel for TableModel {
    fn vocabulary_size(&self) -> usize {
        self.space.vocabulary_size()
    }

    fn context_length(&self) -> usize {
        self.space.context_length()
    }

    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> Result<()> {
        check_request(self, context, Some(law))?;
        law.copy_from_slice(self.row(self.space.try_index(context)?));
        Ok(())
    }

    fn probability(&self, context: &[Token], token: Token) -> Result<f64> {
        check_request(self, context, None)?;
        let vocabulary_size = self.vocabulary_size();
        let law = self.row(self.space.try_index(context)?);
        law.get(token as usize).copied().ok_or(Error::TokenOutOfRange { token, vocabulary_size })
    }

    fn vocab(&self) -> Option<&Vocab> {
        self.vocab.as_ref()
    }
}

/// The contexts of a table with this many entries.
fn checked_space(vocabulary_size: usize, context_length: usize, entries: usize) -> Result<ContextSpace> {
    let space = ContextSpace::new(vocabulary_size, context_length)?;
    match space.len().checked_mul(vocabulary_size) {
        Some(expected) if expected == entries => Ok(space),
        expected => Err(Error::LengthMismatch { expected: expected.unwrap_or(usize::MAX), found: entries }),
    }
}

fn check_entries(vocabulary_size: usize, table: &[f64]) -> Result<()> {
    match table.iter().position(|value| !value.is_finite() || *value < 0.0) {
        Some(at) => Err(Error::InvalidEntry {
            row: at / vocabulary_size,
            column: at % vocabulary_size,
            value: table[at],
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_tables_are_refused() {
        assert!(matches!(TableModel::new(0, 1, vec![]), Err(Error::MustBePositive { .. })));
        assert!(matches!(TableModel::new(2, 0, vec![]), Err(Error::MustBePositive { .. })));
        assert!(matches!(TableModel::new(2, 70, vec![]), Err(Error::ContextSpaceTooLarge { .. })));
        assert!(matches!(TableModel::new(2, 63, vec![]), Err(Error::LengthMismatch { found: 0, .. })));
        assert!(matches!(
            TableModel::new(2, 1, vec![0.5; 3]),
            Err(Error::LengthMismatch { expected: 4, found: 3 })
        ));
        for bad in [f64::NAN, f64::INFINITY, -1e-300] {
            let table = vec![0.5, 0.5, 1.0, bad];
            assert!(matches!(
                TableModel::new(2, 1, table.clone()),
                Err(Error::InvalidEntry { row: 1, column: 1, .. })
            ));
            assert!(matches!(TableModel::normalized(2, 1, table), Err(Error::InvalidEntry { .. })));
        }
        assert!(matches!(
            TableModel::new(2, 1, vec![0.5, 0.5, 0.5, 0.5 + 1e-9]),
            Err(Error::RowSum { row: 1, .. })
        ));
        assert!(matches!(
            TableModel::normalized(2, 1, vec![1.0, 1.0, 0.0, 0.0]),
            Err(Error::ZeroRow { row: 1 })
        ));
    }

    #[test]
    fn bad_rows_are_refused() {
        let none: [Vec<f64>; 0] = [];
        assert!(matches!(TableModel::from_rows(1, &none), Err(Error::MustBePositive { .. })));
        assert!(matches!(TableModel::from_rows(2, &[[1.0]; 2]), Err(Error::LengthMismatch { .. })));
        assert!(matches!(
            TableModel::from_rows(1, &[vec![0.5, 0.5], vec![1.0]]),
            Err(Error::RowLength { row: 1, expected: 2, found: 1 })
        ));
    }

    #[test]
    fn weights_are_normalized_without_overflow() {
        let model = TableModel::normalized(2, 1, vec![f64::MAX, f64::MAX, 5e-324, 0.0]).unwrap();
        assert_eq!(model.table(), [0.5, 0.5, 1.0, 0.0]);
    }

    #[test]
    fn requests_are_checked() {
        let model = TableModel::from_rows(1, &[[0.25, 0.75], [1.0, 0.0]]).unwrap();
        assert!(matches!(
            model.next_token_law(&[2], &mut [0.0; 2]),
            Err(Error::TokenOutOfRange { token: 2, .. })
        ));
        assert_eq!(model.probability(&[0], 1).unwrap(), 0.75);
        assert!(matches!(model.probability(&[0], 2), Err(Error::TokenOutOfRange { token: 2, .. })));
        let vocab = Vocab::new(vec!["a".into()]).unwrap();
        assert!(matches!(model.with_vocab(vocab), Err(Error::LengthMismatch { .. })));
    }
}
