//! Distance to the stationary law over time.

use rayon::prelude::*;

use crate::chain::{MarkovChain, Start};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, total_variation};
use crate::solve::check_operations;

impl<O: TransitionOperator> MarkovChain<O> {
    /// Total variation distance to `stationary` after `0..=steps` steps from a start.
    ///
    /// It never grows, up to rounding. `steps` products.
    ///
    /// # Errors
    ///
    /// As [`Start::law`].
    ///
    /// # Panics
    ///
    /// If the stationary law is over other states; so do the methods below.
    #[track_caller]
    pub fn distance_curve(&self, start: Start<'_>, stationary: &Law, steps: usize) -> Result<Vec<f64>> {
        Ok(self.curve_from(start.law(self.states())?.into_vec(), stationary, steps))
    }

    /// The largest distance to `stationary` over *all* starts, after `0..=steps` steps.
    ///
    /// Exact: `N` starts times `steps` products.
    ///
    /// # Errors
    ///
    /// [`Error::TooExpensive`] beyond 10^12 multiplications;
    /// [`worst_distance_curve_over`](Self::worst_distance_curve_over) takes a
    /// named sample of starts instead, and so gives a lower bound.
    pub fn worst_distance_curve(&self, stationary: &Law, steps: usize) -> Result<Vec<f64>> {
        let n = self.len() as f64;
        let needed = n * (steps as f64 * self.operator().stored_entries() as f64 + n);
        let remedy = "name a sample of starts with worst_distance_curve_over, for a lower bound";
        check_operations("the distance from the worst start", needed, remedy)?;
        let starts: Vec<usize> = (0..self.len()).collect();
        self.worst_distance_curve_over(&starts, stationary, steps)
    }

    /// The largest distance to `stationary` over the starts named, after
    /// `0..=steps` steps: a lower bound on that over all starts.
    ///
    /// # Errors
    ///
    /// [`Error::NoStates`] without starts, [`Error::StateOutOfRange`].
    pub fn worst_distance_curve_over(
        &self,
        starts: &[usize],
        stationary: &Law,
        steps: usize,
    ) -> Result<Vec<f64>> {
        let states = self.len();
        if let Some(&state) = starts.iter().find(|&&state| state >= states) {
            return Err(Error::StateOutOfRange { state, states });
        }
        let larger = |mut a: Vec<f64>, b: Vec<f64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a = a.max(b));
            a
        };
        let curve = |&state: &usize| self.curve_from(Law::point(states, state).into_vec(), stationary, steps);
        starts.par_iter().map(curve).reduce_with(larger).ok_or(Error::NoStates)
    }

    fn curve_from(&self, mut law: Vec<f64>, stationary: &Law, steps: usize) -> Vec<f64> {
        let mut next = vec![0.0; law.len()];
        let mut curve = Vec::with_capacity(steps + 1);
        curve.push(total_variation(&law, stationary));
        for _ in 0..steps {
            self.operator().push_forward(&law, &mut next);
            std::mem::swap(&mut law, &mut next);
            curve.push(total_variation(&law, stationary));
        }
        curve
    }
}
