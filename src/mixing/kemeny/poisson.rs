//! Poisson's equation, for one observable after another.

use crate::chain::MarkovChain;
use crate::operator::{Fundamental, TransitionOperator};
use crate::prob::{Law, dot};
use crate::solve::{LinearSystem, Silent, Stop};

/// Poisson's equation `g - P g = f - (pi f) 1`, with `pi g = 0`, on the
/// recurrent class: its solution is `g = D f`, with the deviation matrix `D`.
///
/// Solved by GMRES. A few slow eigenvalues cost a few products each, however slow they are.
pub(super) struct Poisson<'a, O> {
    fundamental: Fundamental<'a, O>,
    tolerance: f64,
    max_iterations: usize,
}

/// A solution, and what it took.
pub(super) struct Solution {
    pub(super) values: Vec<f64>,
    /// `||f - (pi f) 1 - (g - P g)||_2`, relative to the norm of the right-hand side.
    pub(super) residual: f64,
    pub(super) products: usize,
    pub(super) stop: Stop,
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
        let fundamental = Fundamental::within(chain.operator(), stationary, recurrent);
        Self { fundamental, tolerance, max_iterations }
    }

    /// The solution for an observable on the recurrent class.
    pub(super) fn solve(&self, observable: &[f64]) -> Solution {
        let right = self.fundamental.centred(observable.to_vec());
        let scale = norm(&right);
        if scale == 0.0 {
            return Solution { values: right, residual: 0.0, products: 0, stop: Stop::Converged };
        }
        let system = LinearSystem {
            apply: &|values, image| self.fundamental.apply(values, image),
            right: &right,
            size: &norm,
            tolerance: self.tolerance * scale,
            rounding: 0.0,
            max_iterations: self.max_iterations,
            stage: "Poisson's equation",
        };
        let found = system.iterated(&mut Silent);
        Solution {
            values: self.fundamental.centred(found.values),
            residual: found.size / scale,
            products: found.iterations,
            stop: found.stop,
        }
    }
}

pub(super) fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}
