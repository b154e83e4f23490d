//! The real Schur form of a small matrix, with the wanted eigenvalues first.

use nalgebra::{DMatrix, DVector, Schur};
use rand::RngExt;

use super::{Eigenvalue, SpectralOrder};
use crate::error::{Error, Result};
use crate::prob::stream;

/// Rotations of the matrix that are tried when the iteration does not end.
const TRIES: u64 = 4;

/// Rounds of the iteration for each eigenvalue, at most.
const ROUNDS: usize = 100;

/// `matrix = q · t · q'` with an orthogonal `q` and a quasi-triangular `t`:
/// blocks of one real eigenvalue or of a conjugate pair, sorted.
#[derive(Debug, Clone)]
pub(super) struct OrderedSchur {
    pub(super) q: DMatrix<f64>,
    pub(super) t: DMatrix<f64>,
    /// One for every column of `t`.
    pub(super) eigenvalues: Vec<Eigenvalue>,
}

impl OrderedSchur {
    /// # Errors
    ///
    /// [`Error::NotConverged`] if the iteration that finds the form does not end.
    pub(super) fn new(matrix: &DMatrix<f64>, order: SpectralOrder) -> Result<Self> {
        let found = (0..TRIES).find_map(|number| decompose(matrix, number));
        let (q, t) = found.ok_or(Error::NotConverged {
            stop: "the QR iteration on a small matrix goes round in circles",
            iterations: ROUNDS * matrix.nrows().max(10),
            residual: f64::INFINITY,
        })?;
        let mut schur = Self { q, t, eigenvalues: Vec::new() };
        schur.sort(order);
        schur.eigenvalues = schur.starts().into_iter().flat_map(|(at, size)| schur.block(at, size)).collect();
        Ok(schur)
    }

    /// So many leading columns, or one more where that would split a pair.
    pub(super) fn whole(&self, count: usize) -> usize {
        let splits = |&(at, size): &(usize, usize)| size == 2 && at + 1 == count;
        count + usize::from(self.starts().iter().any(splits))
    }

    /// The first column of every block, and its size.
    fn starts(&self) -> Vec<(usize, usize)> {
        let n = self.t.nrows();
        let (mut starts, mut at) = (Vec::new(), 0);
        while at < n {
            let size = if at + 1 < n && self.t[(at + 1, at)] != 0.0 { 2 } else { 1 };
            starts.push((at, size));
            at += size;
        }
        starts
    }

    /// The eigenvalues of a block, the larger or that with positive imaginary part first.
    fn block(&self, at: usize, size: usize) -> Vec<Eigenvalue> {
        let t = &self.t;
        if size == 1 {
            return vec![Eigenvalue { re: t[(at, at)], im: 0.0 }];
        }
        let (a, d) = (t[(at, at)], t[(at + 1, at + 1)]);
        let (middle, half) = (0.5 * (a + d), 0.5 * (a - d));
        let discriminant = half * half + t[(at, at + 1)] * t[(at + 1, at)];
        let root = discriminant.abs().sqrt();
        let at_distance = |sign: f64| match discriminant >= 0.0 {
            true => Eigenvalue { re: middle + sign * root, im: 0.0 },
            false => Eigenvalue { re: middle, im: sign * root },
        };
        vec![at_distance(1.0), at_distance(-1.0)]
    }

    /// Moves the blocks to their places, the best of those left at a time.
    fn sort(&mut self, order: SpectralOrder) {
        let count = self.starts().len();
        for place in 0..count {
            let starts = self.starts();
            let key = |number: usize| order.key(self.block(starts[number].0, starts[number].1)[0]);
            let better = |best: usize, other: usize| if key(other) > key(best) { other } else { best };
            let best = (place..starts.len()).fold(place, better);
            for number in (place..best).rev() {
                self.swap(number);
            }
        }
    }

    /// Exchanges a block with the next (Bai and Demmel 1993): the second one's
    /// invariant subspace within the two is turned to the front.
    fn swap(&mut self, number: usize) {
        let starts = self.starts();
        let ((at, first), (_, second)) = (starts[number], starts[number + 1]);
        let both = first + second;
        let Some(x) = self.subspace(at, first, second) else { return };
        let spanned = DMatrix::from_fn(both, both, |row, column| match (row < first, column < second) {
            (true, true) => -x[(row, column)],
            (true, false) => f64::from(u8::from(row == column - second)),
            (false, true) => f64::from(u8::from(row - first == column)),
            (false, false) => 0.0,
        });
        let turn = spanned.qr().q();
        let n = self.t.nrows();
        let rows = turn.transpose() * self.t.view((at, 0), (both, n));
        self.t.view_mut((at, 0), (both, n)).copy_from(&rows);
        for matrix in [&mut self.t, &mut self.q] {
            let columns = matrix.view((0, at), (n, both)) * &turn;
            matrix.view_mut((0, at), (n, both)).copy_from(&columns);
        }
        self.t.view_mut((at + second, at), (first, second)).fill(0.0);
    }

    /// Solves `A X - X B = C` for two neighbouring blocks and what couples them.
    fn subspace(&self, at: usize, first: usize, second: usize) -> Option<DMatrix<f64>> {
        let t = &self.t;
        let other = at + first;
        let unknowns = first * second;
        let system = DMatrix::from_fn(unknowns, unknowns, |equation, unknown| {
            let ((i, j), (k, l)) =
                ((equation / second, equation % second), (unknown / second, unknown % second));
            let a = if j == l { t[(at + i, at + k)] } else { 0.0 };
            let b = if i == k { t[(other + l, other + j)] } else { 0.0 };
            a - b
        });
        let coupling =
            DVector::from_fn(unknowns, |equation, _| t[(at + equation / second, other + equation % second)]);
        let x = system.lu().solve(&coupling)?;
        x.iter().all(|value| value.is_finite()).then(|| DMatrix::from_row_slice(first, second, x.as_slice()))
    }
}

/// The eigenvalues of a small matrix, sorted.
///
/// # Errors
///
/// [`Error::NotConverged`] if the iteration that finds them does not end.
pub(crate) fn eigenvalues(matrix: &DMatrix<f64>, order: SpectralOrder) -> Result<Vec<Eigenvalue>> {
    Ok(OrderedSchur::new(matrix, order)?.eigenvalues)
}

/// The form as it comes, of the matrix itself or, since the iteration can go
/// round in circles on permutations, of the matrix turned at random.
fn decompose(matrix: &DMatrix<f64>, number: u64) -> Option<(DMatrix<f64>, DMatrix<f64>)> {
    let n = matrix.nrows();
    let mut rng = stream(1, number);
    let random = |_, _| rng.random_range(-1.0..1.0);
    let turn = if number == 0 { DMatrix::identity(n, n) } else { DMatrix::from_fn(n, n, random).qr().q() };
    let turned = turn.transpose() * matrix * &turn;
    let (q, mut t) = Schur::try_new(turned, f64::EPSILON, ROUNDS * n.max(10))?.unpack();
    for column in 0..n {
        for row in column + 1..n {
            let scale = t[(row, row)].abs() + t[(column, column)].abs();
            if row > column + 1 || t[(row, column)].abs() <= f64::EPSILON * scale {
                t[(row, column)] = 0.0;
            }
        }
    }
    Some((turn * q, t))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(matrix: &DMatrix<f64>, order: SpectralOrder) -> OrderedSchur {
        let n = matrix.nrows();
        let schur = OrderedSchur::new(matrix, order).unwrap();
        // Orthogonal turns move nothing by more than a few eps each.
        let tolerance = 1e3 * n as f64 * f64::EPSILON * matrix.norm();
        let OrderedSchur { q, t, eigenvalues } = &schur;
        assert!((q * t * q.transpose() - matrix).norm() < tolerance);
        assert!((q.transpose() * q - DMatrix::identity(n, n)).norm() < tolerance);
        let keys: Vec<f64> = eigenvalues.iter().map(|&eigenvalue| order.key(eigenvalue)).collect();
        assert!(keys.windows(2).all(|two| two[0] >= two[1] - tolerance), "{keys:?}");
        schur
    }

    #[test]
    fn random_matrices_come_sorted() {
        let mut rng = stream(3, 0);
        for n in [1, 2, 3, 5, 8, 13, 30] {
            let matrix = DMatrix::from_fn(n, n, |_, _| rng.random_range(-1.0..1.0));
            for order in [SpectralOrder::Modulus, SpectralOrder::RealPart] {
                let schur = check(&matrix, order);
                let sum: f64 = schur.eigenvalues.iter().map(|eigenvalue| eigenvalue.re).sum();
                assert!((sum - matrix.trace()).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_permutation_does_not_go_round_in_circles() {
        for n in [3, 4, 7, 12] {
            let cycle = DMatrix::from_fn(n, n, |row, column| f64::from(u8::from((row + 1) % n == column)));
            let schur = check(&cycle, SpectralOrder::RealPart);
            for (place, eigenvalue) in schur.eigenvalues.iter().enumerate() {
                let angle = std::f64::consts::TAU * place.div_ceil(2) as f64 / n as f64;
                assert!((eigenvalue.re - angle.cos()).abs() < 1e-12);
                assert!((eigenvalue.im.abs() - angle.sin().abs()).abs() < 1e-7);
            }
        }
    }
}
