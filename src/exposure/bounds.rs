//! How far a model can get from the data.

use rayon::prelude::*;

use super::Exposure;
use crate::error::Result;
use crate::operator::{TransitionOperator, push_all, row_sum_error};
use crate::prob::{Law, sum_depth, total_variation};
use crate::solve::{MEMORY_LIMIT, check_memory, check_operations};

/// Bounds on the distance from the data, by contraction.
#[derive(Debug, Clone, PartialEq)]
pub struct ContractionBounds {
    /// Dobrushin's coefficient of `K` steps of the model: the largest total variation
    /// distance of their laws from two starts, rounded up; at most 1.
    pub coefficient: f64,
    /// The steps `K`: the context length.
    pub steps: usize,
    /// The bounds on `D_t` for `t = 0, 1, ...`.
    pub bounds: Vec<f64>,
    /// The bound on `D_t` for every `t`: `K eta / (1 - coefficient)`, at most 1.
    pub limit: f64,
}

impl<P: TransitionOperator, Q: TransitionOperator> Exposure<'_, P, Q> {
    /// The linear bounds `D_t <= t eta` for `t = 0..=steps`, at most 1, with
    /// `eta = E_(pi_P) TV(p, q)` (Ross & Bagnell 2010), rounded up.
    ///
    /// They hold for the distance from the law of the data that was given, if that
    /// is stationary.
    pub fn linear_bounds(&self, steps: usize) -> Vec<f64> {
        let distance = self.step_distance_rounded_up();
        (0..=steps).map(|step| (step as f64 * distance).min(1.0)).collect()
    }

    /// The bounds by contraction for `t = 0..=steps`.
    ///
    /// Every step adds at most `eta`, and what was added before shrinks by the
    /// coefficient `delta` of `K` steps of the model every `K` steps (Dobrushin
    /// 1956): `D_t <= eta sum over s < t of delta^floor(s / K)`, which is at most
    /// `K eta / (1 - delta)`.
    ///
    /// The coefficient is exact, from all pairs of starts: `K` products a state, and
    /// `N^3 / 2` operations.
    ///
    /// # Errors
    ///
    /// [`TooExpensive`](crate::Error::TooExpensive) beyond 10^12 operations,
    /// [`TooLarge`](crate::Error::TooLarge) beyond 8 GiB.
    pub fn contraction_bounds(&self, steps: usize) -> Result<ContractionBounds> {
        let context = self.model.states().context_length();
        let coefficient = contraction(self.model.operator(), context)?;
        let distance = self.step_distance_rounded_up();
        let mut sum: f64 = 0.0;
        let bounds = (0..=steps).map(|step| {
            let bound = (sum * (1.0 + (step + 2) as f64 * f64::EPSILON)).min(1.0);
            sum += distance * coefficient.powi((step / context) as i32);
            bound
        });
        let bounds = bounds.collect();
        let limit = context as f64 * distance / (1.0 - coefficient) * (1.0 + 4.0 * f64::EPSILON);
        // Not a number where nothing contracts and nothing is wrong.
        let limit = if limit.is_nan() { 0.0 } else { limit.min(1.0) };
        Ok(ContractionBounds { coefficient, steps: context, bounds, limit })
    }

    /// `eta`, not rounded down: its terms are not negative, each right to the
    /// rounding of a row and a sum, and rows are what they are divided by.
    fn step_distance_rounded_up(&self) -> f64 {
        let (data, model) = (self.data.operator(), self.model.operator());
        let terms = (data.longest_row() + model.longest_row() + sum_depth(self.data.len()) + 4) as f64;
        let rows = row_sum_error(data) + row_sum_error(model);
        self.rates().step_distance * (1.0 + terms * f64::EPSILON) + 2.0 * rows
    }
}

/// The largest distance of the laws after `steps` steps from two starts, rounded up.
fn contraction<O: TransitionOperator>(operator: &O, steps: usize) -> Result<f64> {
    let n = operator.states();
    let products = n as f64 * steps as f64 * operator.stored_entries() as f64;
    let remedy = "use the linear bound, or the distance itself";
    check_operations("Dobrushin's coefficient", products + 0.5 * (n as f64).powi(3), remedy)?;
    check_memory("the laws from all starts", (n as u128).pow(2) * size_of::<f64>() as u128, MEMORY_LIMIT)?;
    let mut laws: Vec<Vec<f64>> = (0..n).map(|start| Law::point(n, start).into_vec()).collect();
    for _ in 0..steps {
        push_all(operator, &mut laws);
    }
    let farthest = |one: usize| {
        let others = laws[one + 1..].iter();
        others.map(|other| total_variation(&laws[one], other)).fold(0.0, f64::max)
    };
    let largest = (0..n).into_par_iter().map(farthest).reduce(|| 0.0, f64::max);
    // Each product adds its own units, and the rows' distance from sum one.
    let unit = (operator.longest_sum() + 2) as f64 * f64::EPSILON + row_sum_error(operator);
    Ok((largest + steps as f64 * unit + sum_depth(n) as f64 * f64::EPSILON).min(1.0))
}
