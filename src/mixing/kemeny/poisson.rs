//! Poisson's equation by GMRES.

use crate::chain::MarkovChain;
use crate::operator::TransitionOperator;
use crate::prob::{Law, sum_by};

/// Vectors of a Krylov basis before it is begun afresh.
const RESTART: usize = 40;

/// Poisson's equation `g - P g = f - (pi f) 1`, with `pi g = 0`, on the
/// recurrent class: its solution is `g = D f`, with the deviation matrix `D`.
///
/// Solved by GMRES (Saad & Schultz 1986), begun afresh every 40 products, on
/// `g - P g + (pi g) 1`, which is not singular. A few slow eigenvalues cost a
/// few products each, however slow they are.
pub(super) struct Poisson<'a, O> {
    operator: &'a O,
    stationary: &'a Law,
    recurrent: Vec<bool>,
    tolerance: f64,
    max_iterations: usize,
}

/// A solution, and what it took.
pub(super) struct Solution {
    pub(super) values: Vec<f64>,
    /// `||f - (pi f) 1 - (g - P g)||_2`, relative to the norm of the right-hand side.
    pub(super) residual: f64,
    pub(super) products: usize,
}

impl<'a, O: TransitionOperator> Poisson<'a, O> {
    pub(super) fn new(
        chain: &'a MarkovChain<O>,
        stationary: &'a Law,
        tolerance: f64,
        max_iterations: usize,
    ) -> Self {
        let classes = chain.classes();
        let recurrent = (0..chain.len()).map(|state| classes.is_recurrent(classes.class_of(state))).collect();
        Self { operator: chain.operator(), stationary, recurrent, tolerance, max_iterations }
    }

    /// The solution for an observable on the recurrent class.
    pub(super) fn solve(&self, observable: &[f64]) -> Solution {
        let right = self.centred(observable.to_vec());
        let scale = norm(&right);
        let mut found = Solution { values: vec![0.0; right.len()], residual: 0.0, products: 0 };
        let mut left = right.clone();
        loop {
            found.residual = if scale > 0.0 { norm(&left) / scale } else { 0.0 };
            if found.residual <= self.tolerance || found.products >= self.max_iterations {
                found.values = self.centred(found.values);
                return found;
            }
            let (change, products) = self.cycle(&left, self.tolerance * scale);
            found.values.iter_mut().zip(&change).for_each(|(value, change)| *value += change);
            // The residual is computed afresh, not carried along.
            let image = self.apply(&found.values);
            left = right.iter().zip(&image).map(|(right, image)| right - image).collect();
            found.products += products + 1;
        }
    }

    /// What one Krylov space can do about a residual.
    fn cycle(&self, left: &[f64], enough: f64) -> (Vec<f64>, usize) {
        let mut basis = vec![scaled(left, norm(left).recip())];
        let mut small = LeastSquares::new(norm(left));
        loop {
            let mut image = self.apply(&basis[basis.len() - 1]);
            let length = norm(&image);
            let mut column = vec![0.0; basis.len()];
            // Twice is enough (Kahan; Parlett 1980, section 6.9).
            for _ in 0..2 {
                for (along, vector) in column.iter_mut().zip(&basis) {
                    let part = dot(vector, &image);
                    *along += part;
                    image.iter_mut().zip(vector).for_each(|(value, v)| *value -= part * v);
                }
            }
            let outside = norm(&image);
            let is_full = outside <= 1e-14 * length || basis.len() == RESTART.min(left.len());
            if small.push(column, outside) <= enough || is_full {
                break;
            }
            basis.push(scaled(&image, outside.recip()));
        }
        let mut change = vec![0.0; left.len()];
        for (coordinate, vector) in small.solution().into_iter().zip(&basis) {
            change.iter_mut().zip(vector).for_each(|(value, v)| *value += coordinate * v);
        }
        (change, basis.len())
    }

    /// `g - P g + (pi g) 1` on the recurrent class.
    fn apply(&self, values: &[f64]) -> Vec<f64> {
        let mut image = vec![0.0; values.len()];
        self.operator.pull_back(values, &mut image);
        let mean = self.mean(values);
        for (state, image) in image.iter_mut().enumerate() {
            *image = if self.recurrent[state] { values[state] - *image + mean } else { 0.0 };
        }
        image
    }

    /// An observable less its mean, on the recurrent class.
    fn centred(&self, mut values: Vec<f64>) -> Vec<f64> {
        let mean = self.mean(&values);
        for (state, value) in values.iter_mut().enumerate() {
            *value = if self.recurrent[state] { *value - mean } else { 0.0 };
        }
        values
    }

    fn mean(&self, values: &[f64]) -> f64 {
        sum_by(values.len(), |state| self.stationary[state] * values[state])
    }
}

/// The small least-squares problem of GMRES, kept triangular by rotations.
struct LeastSquares {
    columns: Vec<Vec<f64>>,
    rotations: Vec<(f64, f64)>,
    right: Vec<f64>,
}

impl LeastSquares {
    fn new(length: f64) -> Self {
        Self { columns: Vec::new(), rotations: Vec::new(), right: vec![length] }
    }

    /// Takes in a column and what is below its diagonal; gives the residual left.
    fn push(&mut self, mut column: Vec<f64>, below: f64) -> f64 {
        for (row, &(cosine, sine)) in self.rotations.iter().enumerate() {
            let (upper, lower) = (column[row], column[row + 1]);
            column[row] = cosine * upper + sine * lower;
            column[row + 1] = cosine * lower - sine * upper;
        }
        let last = column.len() - 1;
        let length = column[last].hypot(below);
        let (cosine, sine) = if length > 0.0 { (column[last] / length, below / length) } else { (1.0, 0.0) };
        column[last] = length;
        let right = self.right[last];
        self.right[last] = cosine * right;
        self.right.push(-sine * right);
        self.rotations.push((cosine, sine));
        self.columns.push(column);
        (sine * right).abs()
    }

    fn solution(&self) -> Vec<f64> {
        let size = self.columns.len();
        let mut solution = vec![0.0; size];
        for row in (0..size).rev() {
            let known: f64 = (row + 1..size).map(|later| self.columns[later][row] * solution[later]).sum();
            let diagonal = self.columns[row][row];
            solution[row] = if diagonal > 0.0 { (self.right[row] - known) / diagonal } else { 0.0 };
        }
        solution
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_by(a.len(), |i| a[i] * b[i])
}

pub(super) fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

pub(super) fn scaled(vector: &[f64], factor: f64) -> Vec<f64> {
    vector.iter().map(|value| value * factor).collect()
}
