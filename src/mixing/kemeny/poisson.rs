//! Poisson's equation, for one observable after another.

use crate::chain::MarkovChain;
use crate::operator::{TransitionOperator, map_in_place};
use crate::prob::{Law, dot};
use crate::solve::{LinearSystem, Silent};

/// Poisson's equation `g - P g = f - (pi f) 1`, with `pi g = 0`, on the
/// recurrent class: its solution is `g = D f`, with the deviation matrix `D`.
///
/// Solved by GMRES on `g - P g + (pi g) 1`, which is not singular. A few slow
/// eigenvalues cost a few products each, however slow they are.
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
        if scale == 0.0 {
            return Solution { values: right, residual: 0.0, products: 0 };
        }
        let system = LinearSystem {
            apply: &|values, image| self.apply(values, image),
            right: &right,
            size: &norm,
            tolerance: self.tolerance * scale,
            max_iterations: self.max_iterations,
            stage: "Poisson's equation",
        };
        let found = system.iterated(&mut Silent);
        Solution {
            values: self.centred(found.values),
            residual: found.size / scale,
            products: found.iterations,
        }
    }

    /// `g - P g + (pi g) 1` on the recurrent class; elsewhere, where all is zero, `g`.
    fn apply(&self, values: &[f64], image: &mut [f64]) {
        self.operator.pull_back(values, image);
        let mean = dot(self.stationary, values);
        map_in_place(image, |state, pulled| {
            if self.recurrent[state] { values[state] - pulled + mean } else { values[state] }
        });
    }

    /// An observable less its mean, on the recurrent class.
    fn centred(&self, mut values: Vec<f64>) -> Vec<f64> {
        let mean = dot(self.stationary, &values);
        for (state, value) in values.iter_mut().enumerate() {
            *value = if self.recurrent[state] { *value - mean } else { 0.0 };
        }
        values
    }
}

pub(super) fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}
