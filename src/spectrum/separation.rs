//! How far the leading part of a Schur form is separate from the rest.

use nalgebra::DMatrix;

/// Blocks of the rest that are looked at: more that come after are farther away.
const AHEAD: usize = 4;

/// A Schur form `T` of a matrix, to a backward error: it is exact for some matrix that is no
/// farther away.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Separation {
    form: DMatrix<f64>,
    error: f64,
}

impl Separation {
    pub(super) fn new(form: DMatrix<f64>, error: f64) -> Self {
        Self { form, error }
    }

    /// The error.
    pub(super) fn error(&self) -> f64 {
        self.error
    }

    /// Columns of the form that are needed for so many vectors.
    pub(super) fn columns(vectors: usize) -> usize {
        vectors + AHEAD
    }

    /// Whether the first `count` vectors span an invariant space that the error cannot have
    /// mixed with the next ones.
    ///
    /// With `T11` the leading block, `T22` the next one, `T12` what couples them, and an
    /// error `e`, the matrix that was meant has one such space near by if
    /// `e (|T12| + e) < (sep(T11, T22) - 2 e)^2 / 4` (Stewart 1973, theorem 4.11), where
    /// the separation is the least of `|T11 X - X T22|` over all `X` of length 1. It is at
    /// most the distance of the eigenvalues, and far less where they are parts of one
    /// that is defective: rounding splits that by the m-th root of `eps` if m of
    /// it make one Jordan block.
    pub(super) fn is_separate(&self, count: usize) -> bool {
        let next = (self.form.nrows() - count).min(AHEAD);
        if next == 0 {
            return true;
        }
        let coupling = self.form.view((0, count), (count, next)).norm();
        let clear = separation(&self.form, count, next) - 2.0 * self.error;
        clear > 0.0 && clear * clear > 4.0 * self.error * (coupling + self.error)
    }
}

/// The least singular value of `X -> T11 X - X T22`, for a leading block of so many columns and the next.
fn separation(form: &DMatrix<f64>, count: usize, next: usize) -> f64 {
    let map = DMatrix::from_fn(count * next, count * next, |image, place| {
        let ((i, j), (k, l)) = ((image / next, image % next), (place / next, place % next));
        let first = if j == l { form[(i, k)] } else { 0.0 };
        let second = if i == k { form[(count + l, count + j)] } else { 0.0 };
        first - second
    });
    map.singular_values().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separation_of_single_numbers_is_their_distance() {
        let form = DMatrix::from_row_slice(2, 2, &[0.9, 7.0, 0.0, 0.6]);
        assert!((separation(&form, 1, 1) - 0.3).abs() < 1e-15);
        // Two of one side: |x (a - A)| is least along the singular vector of a - A.
        let form = DMatrix::from_row_slice(3, 3, &[1.0, 0.0, 0.0, 0.0, 0.5, 1.0, 0.0, 0.0, 0.5]);
        // The singular values of (.5, -1; 0, .5) have the product 1/4 and the sum of squares 3/2.
        let least = (0.75 - (0.75f64.powi(2) - 1.0 / 16.0).sqrt()).sqrt();
        assert!((separation(&form, 1, 2) - least).abs() < 1e-15);
    }

    #[test]
    fn what_an_error_can_have_split_is_not_separate() {
        let split = |distance: f64, coupling: f64, error: f64| {
            let form = DMatrix::from_row_slice(2, 2, &[0.5 + distance, coupling, 0.0, 0.5]);
            Separation::new(form, error).is_separate(1)
        };
        // An entry e below the coupling c moves the eigenvalues by the root of e c, either way.
        assert!(!split(2.0 * 1e-5, 1.0, 1e-10) && split(3.0 * 1e-5, 1.0, 1e-10));
        // Without coupling, by e itself.
        assert!(!split(2e-10, 0.0, 1e-10) && split(5e-10, 0.0, 1e-10));
        assert!(Separation::new(DMatrix::identity(3, 3), 1e-10).is_separate(3));
    }
}
