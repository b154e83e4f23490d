//! The dominant eigenvalues and their invariant subspace.

use ndarray::Array2;

use super::separation::Separation;
use super::{Eigenvalue, SpectralOrder};
use crate::prob::Law;

/// The dominant eigenvalues of a chain with the Schur vectors that go with them.
#[derive(Debug, Clone, PartialEq)]
pub struct DominantSpectrum {
    pub(super) eigenvalues: Vec<Eigenvalue>,
    pub(super) next: Option<Eigenvalue>,
    pub(super) order: SpectralOrder,
    pub(super) vectors: Vec<Vec<f64>>,
    pub(super) form: Array2<f64>,
    pub(super) separation: Separation,
    pub(super) weights: Law,
}

impl DominantSpectrum {
    /// The eigenvalues, in the order asked for, first the 1 of the constant.
    /// Fewer than asked for if nothing else is left but the nilpotent part.
    pub fn eigenvalues(&self) -> &[Eigenvalue] {
        &self.eigenvalues
    }

    /// The eigenvalue that would come next, as far as it was seen: an estimate.
    pub fn next(&self) -> Option<Eigenvalue> {
        self.next
    }

    /// Real Schur vectors, one a row of N numbers: observables `X` with
    /// `P X = X T`, orthonormal in the inner product `sum of weight · f · g`.
    /// The first is the constant 1.
    pub fn vectors(&self) -> &[Vec<f64>] {
        &self.vectors
    }

    /// The Schur form `T`: triangular but for a 2 × 2 block for each pair.
    pub fn form(&self) -> &Array2<f64> {
        &self.form
    }

    /// The weights of the states in the inner product.
    pub fn weights(&self) -> &Law {
        &self.weights
    }

    /// How far the eigenvalue after the first `count` lies below the last of
    /// these, in the number that they are sorted by; `None` if no other is known.
    ///
    /// # Panics
    ///
    /// If `count` is zero or larger than the number of eigenvalues.
    #[track_caller]
    pub fn gap_after(&self, count: usize) -> Option<f64> {
        assert!((1..=self.eigenvalues.len()).contains(&count), "a number of eigenvalues that were found");
        let after = self.eigenvalues.get(count).copied().or(self.next)?;
        Some(self.order.key(self.eigenvalues[count - 1]) - self.order.key(after))
    }

    /// Whether the first `count` vectors span a space that is invariant and well
    /// defined: no conjugate pair is split, no equal eigenvalue left out, and none
    /// that may be part of the same, defective one, as far as the residual lets it be told
    /// (the tolerance, if the search did not converge).
    ///
    /// Judged by the separation of the leading block of the Schur form from the next
    /// (Stewart 1973), of which that after the last vector is an estimate.
    ///
    /// # Panics
    ///
    /// As [`gap_after`](Self::gap_after).
    #[track_caller]
    pub fn is_separate(&self, count: usize) -> bool {
        // The next eigenvalue of all that were seen need not be the next one of the form.
        let is_apart = self.gap_after(count).is_none_or(|gap| gap > 4.0 * self.separation.error());
        is_apart && self.separation.is_separate(count)
    }
}
