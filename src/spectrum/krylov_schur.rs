//! Krylov–Schur iteration: a Krylov basis that is shrunk to the wanted Schur
//! vectors and grown again (Stewart 2001).

use nalgebra::{DMatrix, RowDVector};
use rand::RngExt;

use super::blocks::Map;
use super::schur::OrderedSchur;
use super::vectors::{Weighted, combine, scale};
use super::{Eigenvalue, SpectralOrder};
use crate::error::Result;
use crate::prob::stream;

/// Products that wash the nilpotent part out of a fresh vector, at most.
const WASH: usize = 64;

/// A vector this small beside the unit vector that it comes from is rounding.
const ROUNDING: f64 = 1e-13;

/// `P V = V H + v c`: an orthonormal basis `V` that starts with the constant,
/// the map within it, the next vector `v` and how far each image reaches along it.
pub(super) struct KrylovSchur<'a, M> {
    map: &'a mut M,
    weights: Weighted<'a>,
    order: SpectralOrder,
    wash: usize,
    /// What a vector leaves outside the basis is nothing below this length.
    breakdown: f64,
    seed: u64,
    /// Fresh vectors drawn so far.
    drawn: u64,
    /// Products so far.
    pub(super) products: usize,
    pub(super) basis: Vec<Vec<f64>>,
    within: DMatrix<f64>,
    coupling: RowDVector<f64>,
    next: Option<Vec<f64>>,
    /// Whether the basis spans all but the nilpotent part.
    pub(super) is_complete: bool,
}

/// What a search is for.
pub(super) struct Search {
    pub(super) order: SpectralOrder,
    /// Context length of the chain: so many products remove the nilpotent part
    /// of a chain over all contexts.
    pub(super) context: usize,
    pub(super) tolerance: f64,
    pub(super) seed: u64,
}

/// The wanted part of what a basis holds.
pub(super) struct Leading {
    schur: OrderedSchur,
    /// The wanted eigenvalues, first the 1 of the constant.
    pub(super) eigenvalues: Vec<Eigenvalue>,
    /// The best of the others.
    pub(super) next: Option<Eigenvalue>,
    /// `||P X - X T||`, as the basis has it.
    pub(super) residual: f64,
}

impl<'a, M: Map> KrylovSchur<'a, M> {
    /// Begins with the constant.
    pub(super) fn new(map: &'a mut M, weights: Weighted<'a>, search: &Search) -> Self {
        let mut constant = vec![1.0; map.len()];
        map.project(&mut constant);
        let mut search = Self {
            weights,
            order: search.order,
            wash: search.context.max(WASH.min(map.size())),
            // Well within the residual that is allowed.
            breakdown: ROUNDING.max(0.1 * search.tolerance),
            seed: search.seed,
            map,
            drawn: 0,
            products: 0,
            basis: Vec::new(),
            within: DMatrix::zeros(0, 0),
            coupling: RowDVector::zeros(0),
            next: None,
            is_complete: false,
        };
        let length = weights.length(&constant);
        scale(&mut constant, length.recip());
        search.append(constant);
        // The rows of a transition matrix sum to one.
        search.next = None;
        search.coupling.fill(0.0);
        search
    }

    /// Grows the basis to so many vectors, or until it is complete.
    pub(super) fn grow(&mut self, room: usize) {
        while self.basis.len() < room {
            let Some(vector) = self.next.take().or_else(|| self.fresh()) else {
                self.is_complete = true;
                return;
            };
            self.append(vector);
        }
        self.is_complete = self.basis.len() == self.map.size();
    }

    /// Adds a vector that is orthogonal to the others, and maps it.
    fn append(&mut self, vector: Vec<f64>) {
        let last = self.basis.len();
        self.basis.push(vector);
        let mut image = self.map.apply(&self.basis[last]);
        self.products += 1;
        let (parts, left) = self.weights.orthogonalize(&mut image, &self.basis);
        self.within =
            std::mem::replace(&mut self.within, DMatrix::zeros(0, 0)).resize(last + 1, last + 1, 0.0);
        for column in 0..last {
            self.within[(last, column)] = self.coupling[column];
        }
        for (row, part) in parts.into_iter().enumerate() {
            self.within[(row, last)] = part;
        }
        self.coupling = RowDVector::zeros(last + 1);
        if left > self.breakdown {
            self.coupling[last] = left;
            scale(&mut image, left.recip());
            self.next = Some(image);
        }
    }

    /// A random unit vector orthogonal to the basis, its nilpotent part washed
    /// out, or `None` if nothing is left of it.
    fn fresh(&mut self) -> Option<Vec<f64>> {
        if self.basis.len() == self.map.size() {
            return None;
        }
        let mut rng = stream(self.seed, self.drawn);
        self.drawn += 1;
        let mut vector: Vec<f64> = (0..self.map.len()).map(|_| rng.random_range(-1.0..1.0)).collect();
        self.map.project(&mut vector);
        for product in 0..=self.wash {
            let (_, length) = self.weights.orthogonalize(&mut vector, &self.basis);
            // The basis is invariant to within the breakdown only.
            if length <= 10.0 * self.breakdown {
                return None;
            }
            scale(&mut vector, length.recip());
            if product < self.wash {
                vector = self.map.apply(&vector);
                self.products += 1;
            }
        }
        // Of a short vector the first turn leaves parts that have grown with its length.
        let (_, length) = self.weights.orthogonalize(&mut vector, &self.basis);
        scale(&mut vector, length.recip());
        Some(vector)
    }

    /// The leading eigenvalues, at least `wanted` if there are so many, with no
    /// pair split.
    ///
    /// # Errors
    ///
    /// [`Error::NotConverged`](crate::Error::NotConverged) if the small problem cannot be solved.
    pub(super) fn leading(&self, wanted: usize) -> Result<Leading> {
        let n = self.basis.len();
        // The constant stays the first Schur vector, whatever else has the eigenvalue 1.
        let rest = self.within.view((1, 1), (n - 1, n - 1)).into_owned();
        let schur = OrderedSchur::new(&rest, self.order)?;
        let count = schur.whole(wanted.min(n) - 1) + 1;
        let one = Eigenvalue { re: self.within[(0, 0)], im: 0.0 };
        let reach = self.coupling.view((0, 1), (1, n - 1)) * schur.q.columns(0, count - 1);
        Ok(Leading {
            eigenvalues: [one].into_iter().chain(schur.eigenvalues[..count - 1].iter().copied()).collect(),
            next: schur.eigenvalues.get(count - 1).copied(),
            residual: reach.norm(),
            schur,
        })
    }

    /// The leading columns of the Schur form, so many if there are, and one more where that
    /// would split a pair.
    pub(super) fn form(&self, leading: &Leading, columns: usize) -> DMatrix<f64> {
        let n = self.basis.len();
        let OrderedSchur { q, t, .. } = &leading.schur;
        let kept = leading.schur.whole(columns.min(n) - 1);
        let mut form = DMatrix::zeros(kept + 1, kept + 1);
        form[(0, 0)] = self.within[(0, 0)];
        let beside = self.within.view((0, 1), (1, n - 1)) * q.columns(0, kept);
        form.view_mut((0, 1), (1, kept)).copy_from(&beside);
        form.view_mut((1, 1), (kept, kept)).copy_from(&t.view((0, 0), (kept, kept)));
        form
    }

    /// Turns the basis to its Schur vectors and keeps the first `count`, or one
    /// more where that would split a pair.
    pub(super) fn shrink(&mut self, leading: &Leading, count: usize) {
        let n = self.basis.len();
        let within = self.form(leading, count);
        let kept = within.nrows() - 1;
        let turned = leading.schur.q.columns(0, kept);
        let reach = self.coupling.view((0, 1), (1, n - 1)) * turned;
        self.coupling = RowDVector::zeros(kept + 1);
        self.coupling.columns_mut(1, kept).copy_from(&reach);
        self.within = within;
        let turn = |column: usize| {
            let mut vector = vec![0.0; self.basis[0].len()];
            combine(&mut vector, &self.basis[1..], |row| turned[(row, column)]);
            vector
        };
        let vectors: Vec<_> = (0..kept).map(turn).collect();
        self.basis.truncate(1);
        self.basis.extend(vectors);
    }

    /// Takes what the basis spans as invariant: goes on with a fresh vector, in
    /// which anything that was missed is found.
    pub(super) fn close(&mut self) {
        self.coupling.fill(0.0);
        self.next = None;
    }

    /// The map within the basis, `T` once the basis has been shrunk.
    pub(super) fn within(&self) -> &DMatrix<f64> {
        &self.within
    }

    /// `||P X - X T||` of the basis, computed afresh.
    pub(super) fn residual(&mut self) -> f64 {
        let mut squares = 0.0;
        for column in 0..self.basis.len() {
            let mut left = self.map.apply(&self.basis[column]);
            self.products += 1;
            combine(&mut left, &self.basis, |row| -self.within[(row, column)]);
            squares += self.weights.dot(&left, &left);
        }
        squares.sqrt()
    }
}
