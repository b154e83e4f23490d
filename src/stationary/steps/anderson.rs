//! Extrapolation from the last few steps.

use std::collections::VecDeque;
use std::io;

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use crate::operator::map_in_place;
use crate::prob::dot;
use crate::stationary::tape::{Tape, impossible};

/// What is added to the diagonal of the normal equations, relatively: steps
/// that are all but parallel must not cancel each other with huge weights.
const REGULARIZATION: f64 = 1e-14;

/// Anderson's extrapolation (Anderson 1965; Walker & Ni 2011, section 2): of
/// all combinations of the last few steps that keep the sum, it takes the one
/// whose change is smallest. A few slow modes, whatever they are, are so
/// removed together.
///
/// It keeps `2 depth + 2` vectors and takes `2 depth` dot products a step.
pub(in crate::stationary) struct Anderson {
    depth: usize,
    last: Option<Move>,
    /// How the change, and where it led to, differ between successive steps.
    differences: VecDeque<Move>,
    /// The dot products of the changes among these.
    products: DMatrix<f64>,
}

/// A step: how much it changed, and where it led to.
#[derive(Default)]
struct Move {
    change: Vec<f64>,
    to: Vec<f64>,
}

impl Anderson {
    pub(in crate::stationary) fn new(depth: usize) -> Self {
        Self { depth, last: None, differences: VecDeque::new(), products: DMatrix::zeros(0, 0) }
    }

    /// Forgets the steps so far.
    pub(in crate::stationary) fn forget(&mut self) {
        self.last = None;
        self.differences.clear();
        self.products = DMatrix::zeros(0, 0);
    }

    /// Passes the steps so far, each over so many states.
    pub(in crate::stationary) fn persist(&mut self, states: usize, tape: &mut Tape<'_>) -> io::Result<()> {
        let mut has_last = self.last.is_some();
        tape.flag(&mut has_last)?;
        if has_last {
            self.last.get_or_insert_default().persist(states, tape)?;
        }
        let mut differences = self.differences.len();
        tape.count(&mut differences)?;
        if differences > self.depth {
            return Err(impossible());
        }
        self.differences.resize_with(differences, Move::default);
        self.differences.iter_mut().try_for_each(|difference| difference.persist(states, tape))?;
        let mut products = self.products.as_slice().to_vec();
        tape.vector(&mut products, differences * differences)?;
        self.products = DMatrix::from_vec(differences, differences, products);
        Ok(())
    }

    /// Replaces `to`, where a step from `from` led to, by the extrapolation.
    pub(in crate::stationary) fn extrapolate(&mut self, from: &[f64], to: &mut [f64]) {
        let step = Move { change: difference(to, from), to: to.to_vec() };
        if let Some(last) = self.last.take() {
            self.remember(Move {
                change: difference(&step.change, &last.change),
                to: difference(&step.to, &last.to),
            });
        }
        if let Some(weights) = self.weights(&step.change) {
            let moves: Vec<(f64, &[f64])> =
                weights.iter().copied().zip(self.differences.iter().map(|moved| &moved.to[..])).collect();
            map_in_place(to, |state, to| {
                moves.iter().fold(to, |to, (weight, moved)| to - weight * moved[state])
            });
        }
        self.last = Some(step);
    }

    /// Takes a difference in for the oldest, with its dot products with all others.
    fn remember(&mut self, newest: Move) {
        if self.differences.len() == self.depth {
            self.differences.pop_front();
            self.products = self.products.clone().remove_row(0).remove_column(0);
        }
        self.differences.push_back(newest);
        let m = self.differences.len();
        let change = |i: usize| &self.differences[i].change[..];
        let with_newest: Vec<f64> = (0..m).map(|i| dot(change(i), change(m - 1))).collect();
        self.products = DMatrix::from_fn(m, m, |i, j| match i.max(j) + 1 == m {
            true => with_newest[i.min(j)],
            false => self.products[(i, j)],
        });
    }

    /// The weights of the differences that leave least of a change.
    fn weights(&self, change: &[f64]) -> Option<DVector<f64>> {
        let m = self.differences.len();
        if m == 0 {
            return None;
        }
        let mut gram = self.products.clone();
        (0..m).for_each(|i| gram[(i, i)] *= 1.0 + REGULARIZATION);
        let right = DVector::from_fn(m, |i, _| dot(&self.differences[i].change, change));
        let weights = gram.full_piv_lu().solve(&right)?;
        weights.iter().all(|weight| weight.is_finite()).then_some(weights)
    }
}

impl Move {
    fn persist(&mut self, states: usize, tape: &mut Tape<'_>) -> io::Result<()> {
        tape.vector(&mut self.change, states)?;
        tape.vector(&mut self.to, states)
    }
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.par_iter().with_min_len(1 << 12).zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_step_in_two_dimensions_is_solved_in_three() {
        // x <- A x + b with modes 0.9 and 0.5; the fixed point is (10, 4).
        let step = |x: &[f64]| vec![0.9 * x[0] + 1.0, 0.5 * x[1] + 2.0];
        let mut extrapolation = Anderson::new(2);
        let mut x = vec![8.0, 3.0];
        for _ in 0..3 {
            let mut next = step(&x);
            extrapolation.extrapolate(&x, &mut next);
            x = next;
        }
        // The regularization leaves its share of the difference, 1e-14, times the
        // condition of the normal equations, that of two nearly parallel steps: about 1e3.
        assert!((x[0] - 10.0).abs() < 1e-10 && (x[1] - 4.0).abs() < 1e-10, "{x:?}");
    }
}
