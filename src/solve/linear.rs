//! Systems of linear equations, known by what they do.

use nalgebra::{DMatrix, DVector};

use super::{Observer, Progress, Stop};
use crate::prob::dot;

/// Unknowns up to which the matrix is written out and factored.
const SMALL: usize = 512;

/// Unknowns up to which that helps out where GMRES makes no progress.
const REFEREE: usize = 4096;

/// Cycles of GMRES that must at least halve the residual.
const PATIENCE: usize = 10;

/// Vectors after which GMRES begins anew.
const BASIS: usize = 60;

/// Bytes that these may take; at least four vectors are kept.
const BASIS_BYTES: usize = 1 << 30;

/// A square system `A x = b` with one solution.
pub(crate) struct LinearSystem<'a> {
    /// Writes `A x` into its second argument.
    pub(crate) apply: &'a (dyn Fn(&[f64], &mut [f64]) + Sync),
    pub(crate) right: &'a [f64],
    /// The size of a residual `b - A x`, at most twice its Euclidean length.
    pub(crate) size: &'a dyn Fn(&[f64]) -> f64,
    /// The size to reach.
    pub(crate) tolerance: f64,
    /// What rounding leaves of a residual, in units of the largest unknown: no smaller size is asked for.
    pub(crate) rounding: f64,
    pub(crate) max_iterations: usize,
    pub(crate) stage: &'static str,
}

/// What was found, its residual computed afresh.
pub(crate) struct LinearSolution {
    pub(crate) values: Vec<f64>,
    pub(crate) size: f64,
    pub(crate) iterations: usize,
    pub(crate) stop: Stop,
}

impl LinearSystem<'_> {
    /// By elimination if there are few unknowns, by GMRES if there are many.
    pub(crate) fn solve(&self, observer: &mut dyn Observer) -> LinearSolution {
        let n = self.right.len();
        let direct = if n <= SMALL { self.eliminated(0) } else { None };
        direct.unwrap_or_else(|| self.iterated(observer))
    }

    /// The size to reach with such unknowns.
    fn goal(&self, values: &[f64]) -> f64 {
        let largest = values.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        self.tolerance.max(self.rounding * largest)
    }

    fn eliminated(&self, iterations: usize) -> Option<LinearSolution> {
        let values = self.factored()?;
        let size = (self.size)(&self.residual(&values));
        let stop = if size <= self.goal(&values) { Stop::Direct } else { Stop::Rounding };
        Some(LinearSolution { values, size, iterations, stop })
    }

    fn residual(&self, values: &[f64]) -> Vec<f64> {
        let mut image = vec![0.0; values.len()];
        (self.apply)(values, &mut image);
        image.iter_mut().zip(self.right).for_each(|(image, right)| *image = right - *image);
        image
    }

    /// Elimination with pivoting, and two corrections by what is left over.
    fn factored(&self) -> Option<Vec<f64>> {
        let n = self.right.len();
        let mut matrix = DMatrix::zeros(n, n);
        let (mut unit, mut image) = (vec![0.0; n], vec![0.0; n]);
        for column in 0..n {
            unit[column] = 1.0;
            (self.apply)(&unit, &mut image);
            unit[column] = 0.0;
            matrix.column_mut(column).copy_from_slice(&image);
        }
        let factors = matrix.lu();
        let mut values = vec![0.0; n];
        for _ in 0..3 {
            let correction = factors.solve(&DVector::from_vec(self.residual(&values)))?;
            values.iter_mut().zip(correction.iter()).for_each(|(value, change)| *value += change);
        }
        values.iter().all(|value| value.is_finite()).then_some(values)
    }

    /// GMRES (Saad & Schultz 1986), begun anew whenever its basis is full. Where
    /// that stands still, as on a long cycle, elimination takes over if it can.
    pub(crate) fn iterated(&self, observer: &mut dyn Observer) -> LinearSolution {
        let mut values = vec![0.0; self.right.len()];
        let mut iterations = 0;
        let mut left = self.residual(&values);
        let mut sizes = vec![(self.size)(&left)];
        loop {
            let size = sizes[sizes.len() - 1];
            let goal = self.goal(&values);
            if let Some(stop) = self.reason_to_stop(size, goal, iterations, observer) {
                return LinearSolution { values, size, iterations, stop };
            }
            let room = BASIS.min(self.max_iterations - iterations).max(1);
            let cycle = Cycle::run(self, &left, goal, room);
            iterations += cycle.basis.len();
            let candidate = cycle.improved(&values);
            let next = self.residual(&candidate);
            let next_size = (self.size)(&next);
            if next_size < size {
                (values, left) = (candidate, next);
            }
            sizes.push(next_size.min(size));
            // A cycle that believes itself done and is not is at the end of its precision.
            if cycle.claims_done && next_size > self.goal(&values) && next_size > 0.5 * size {
                return LinearSolution {
                    values,
                    size: next_size.min(size),
                    iterations,
                    stop: Stop::Rounding,
                };
            }
            let stands_still =
                sizes.len() > PATIENCE && 2.0 * sizes[sizes.len() - 1] > sizes[sizes.len() - 1 - PATIENCE];
            let small = values.len() <= REFEREE;
            if let Some(direct) = (stands_still && small).then(|| self.eliminated(iterations)).flatten() {
                return direct;
            }
        }
    }

    fn reason_to_stop(
        &self,
        size: f64,
        goal: f64,
        iterations: usize,
        observer: &mut dyn Observer,
    ) -> Option<Stop> {
        if size <= goal {
            return Some(Stop::Converged);
        }
        if iterations >= self.max_iterations {
            return Some(Stop::MaxIterations);
        }
        let (stage, done) = (self.stage, iterations as u64);
        let progress = Progress { stage, done, total: None, residual: Some(size) };
        observer.observe(&progress).is_break().then_some(Stop::Cancelled)
    }
}

/// One run of GMRES: an orthonormal basis and the least-squares problem in it,
/// kept triangular by rotations.
struct Cycle {
    basis: Vec<Vec<f64>>,
    /// Columns of the triangular matrix.
    triangle: Vec<Vec<f64>>,
    right: Vec<f64>,
    claims_done: bool,
}

impl Cycle {
    fn run(system: &LinearSystem<'_>, left: &[f64], goal: f64, room: usize) -> Self {
        let room = room.min((BASIS_BYTES / size_of_val(left)).max(4)).min(left.len());
        let length = dot(left, left).sqrt();
        let mut basis = vec![scaled(left, 1.0 / length)];
        let (mut triangle, mut rotations) = (Vec::new(), Vec::new());
        let mut right = vec![length];
        let mut claims_done = false;
        for step in 0..room {
            let mut image = vec![0.0; left.len()];
            (system.apply)(&basis[step], &mut image);
            let mut column = project_out(&basis, &mut image);
            let rest = dot(&image, &image).sqrt();
            column.push(rest);
            rotate(&mut column, &mut right, &mut rotations);
            triangle.push(column);
            claims_done = right[step + 1].abs() <= 0.25 * goal || rest == 0.0;
            if claims_done || step + 1 == room {
                break;
            }
            basis.push(scaled(&image, 1.0 / rest));
        }
        Self { basis, triangle, right, claims_done }
    }

    /// The solution so far with what the cycle adds to it.
    fn improved(&self, values: &[f64]) -> Vec<f64> {
        let size = self.triangle.len();
        let mut coordinates = self.right[..size].to_vec();
        for row in (0..size).rev() {
            let known: f64 =
                (row + 1..size).map(|column| self.triangle[column][row] * coordinates[column]).sum();
            let pivot = self.triangle[row][row];
            coordinates[row] = if pivot == 0.0 { 0.0 } else { (coordinates[row] - known) / pivot };
        }
        let mut improved = values.to_vec();
        for (vector, along) in self.basis.iter().zip(&coordinates) {
            improved.iter_mut().zip(vector).for_each(|(value, v)| *value += along * v);
        }
        improved
    }
}

/// Takes out of a vector what lies along a basis, twice (Parlett 1980, section 6.9).
fn project_out(basis: &[Vec<f64>], image: &mut [f64]) -> Vec<f64> {
    let mut column = vec![0.0; basis.len()];
    for _ in 0..2 {
        for (along, vector) in column.iter_mut().zip(basis) {
            let part = dot(vector, image);
            *along += part;
            image.iter_mut().zip(vector).for_each(|(value, v)| *value -= part * v);
        }
    }
    column
}

/// Applies the rotations so far to a new column, and one more that makes it triangular.
fn rotate(column: &mut [f64], right: &mut Vec<f64>, rotations: &mut Vec<(f64, f64)>) {
    let step = rotations.len();
    for (row, &(cos, sin)) in rotations.iter().enumerate() {
        let (a, b) = (column[row], column[row + 1]);
        (column[row], column[row + 1]) = (cos * a + sin * b, cos * b - sin * a);
    }
    let length = column[step].hypot(column[step + 1]);
    let (cos, sin) =
        if length == 0.0 { (1.0, 0.0) } else { (column[step] / length, column[step + 1] / length) };
    (column[step], column[step + 1]) = (length, 0.0);
    rotations.push((cos, sin));
    let last = right[step];
    right[step] = cos * last;
    right.push(-sin * last);
}

fn scaled(vector: &[f64], factor: f64) -> Vec<f64> {
    vector.iter().map(|value| value * factor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solve::Silent;

    /// `(2 I - shift) x = b` on a circle: diagonally dominant, with a known inverse.
    fn circle(x: &[f64], image: &mut [f64]) {
        let n = x.len();
        (0..n).for_each(|i| image[i] = 2.0 * x[i] - x[(i + 1) % n]);
    }

    fn system<'a>(right: &'a [f64], size: &'a dyn Fn(&[f64]) -> f64) -> LinearSystem<'a> {
        LinearSystem {
            apply: &circle,
            right,
            size,
            tolerance: 1e-12,
            rounding: 0.0,
            max_iterations: 1000,
            stage: "test",
        }
    }

    #[test]
    fn elimination_and_iteration_agree() {
        let largest = |left: &[f64]| left.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        for n in [1, 2, 7, 100, SMALL, SMALL + 1, 2000] {
            let right: Vec<f64> = (0..n).map(|i| ((i * 37 + 11) % 101) as f64 / 101.0).collect();
            let system = system(&right, &largest);
            let direct = system.solve(&mut Silent);
            let iterated = system.iterated(&mut Silent);
            assert!(iterated.stop == Stop::Converged && iterated.size <= 1e-12, "{n}: {}", iterated.size);
            // The inverse has rows of absolute sum 1 / (2 - 1), so residuals bound errors.
            let apart = direct.values.iter().zip(&iterated.values).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f64::max) <= direct.size + iterated.size, "{n}");
        }
    }

    #[test]
    fn what_is_not_reached_is_not_claimed() {
        let right = vec![1.0; 2000];
        let largest = |left: &[f64]| left.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let right: Vec<f64> = right.iter().enumerate().map(|(i, x)| x * (i as f64).sin()).collect();
        let short = LinearSystem { max_iterations: 3, ..system(&right, &largest) }.solve(&mut Silent);
        assert!(short.stop == Stop::MaxIterations && short.size > 1e-12);
        let fine = LinearSystem { tolerance: 1e-30, ..system(&right, &largest) }.solve(&mut Silent);
        assert!(fine.stop == Stop::Rounding && fine.size < 1e-14, "{:?} {}", fine.stop, fine.size);
    }

    #[test]
    fn no_more_is_asked_for_than_rounding_leaves() {
        let largest = |left: &[f64]| left.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        for n in [100, 2000] {
            let right: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
            // Three roundings an equation, of unknowns up to twice the largest.
            let rounding = 6.0 * f64::EPSILON;
            let system = LinearSystem { tolerance: 1e-30, rounding, ..system(&right, &largest) };
            let found = system.solve(&mut Silent);
            assert!(matches!(found.stop, Stop::Direct | Stop::Converged), "{n}: {:?}", found.stop);
            assert!(found.size <= rounding * largest(&found.values));
        }
    }
}
