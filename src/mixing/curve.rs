//! How far from the stationary law a chain is over time.

use std::ops::Range;

use rayon::prelude::*;

use super::Divergence;
use crate::chain::{MarkovChain, Start};
use crate::error::{Error, Result};
use crate::operator::{Block, TransitionOperator, block_batches};
use crate::prob::Law;
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
        self.divergence_curve(Divergence::TotalVariation, start, stationary, steps)
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
    #[track_caller]
    pub fn worst_distance_curve(&self, stationary: &Law, steps: usize) -> Result<Vec<f64>> {
        self.worst_divergence_curve(Divergence::TotalVariation, stationary, steps)
    }

    /// The largest distance to `stationary` over the starts named, after
    /// `0..=steps` steps: a lower bound on that over all starts.
    ///
    /// # Errors
    ///
    /// [`Error::NoStates`] without starts, [`Error::StateOutOfRange`].
    #[track_caller]
    pub fn worst_distance_curve_over(
        &self,
        starts: &[usize],
        stationary: &Law,
        steps: usize,
    ) -> Result<Vec<f64>> {
        self.worst_divergence_curve_over(Divergence::TotalVariation, starts, stationary, steps)
    }

    /// How far the chain is from `stationary` after `0..=steps` steps from a
    /// start, by a [`Divergence`]. It never grows, up to rounding; relative entropy and
    /// chi-square may be infinite at first. `steps` products.
    ///
    /// # Errors
    ///
    /// As [`Start::law`].
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::{MarkovChain, Start};
    /// use lmchain::mixing::Divergence;
    /// use ndarray::array;
    ///
    /// let chain = MarkovChain::from_dense(array![[0.75, 0.25], [0.25, 0.75]].view())?;
    /// let law = chain.stationary()?.converged()?;
    /// let start = Start::State(0);
    /// let separation = chain.divergence_curve(Divergence::Separation, start, &law, 2)?;
    /// assert_eq!(separation, [1.0, 0.5, 0.25]); // here it is the second eigenvalue to the power t
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    #[track_caller]
    pub fn divergence_curve(
        &self,
        divergence: Divergence,
        start: Start<'_>,
        stationary: &Law,
        steps: usize,
    ) -> Result<Vec<f64>> {
        assert_eq!(stationary.len(), self.len(), "a law over the states of the chain");
        let law = start.law(self.states())?.into_vec();
        let curve = self.measured_along(law, steps, |law, _| divergence.between(law, stationary));
        self.operator().check_products()?;
        Ok(curve)
    }

    /// The largest [`Divergence`] from `stationary` over *all* starts, after
    /// `0..=steps` steps; over all laws to start from, too, as the worst is a state.
    ///
    /// Exact: `N` starts times `steps` products.
    ///
    /// # Errors
    ///
    /// [`Error::TooExpensive`] beyond 10^12 multiplications;
    /// [`worst_divergence_curve_over`](Self::worst_divergence_curve_over) takes a
    /// named sample of starts instead, and so gives a lower bound.
    #[track_caller]
    pub fn worst_divergence_curve(
        &self,
        divergence: Divergence,
        stationary: &Law,
        steps: usize,
    ) -> Result<Vec<f64>> {
        self.check_every_start(steps)?;
        let starts: Vec<usize> = (0..self.len()).collect();
        self.worst_divergence_curve_over(divergence, &starts, stationary, steps)
    }

    /// The largest [`Divergence`] from `stationary` over the starts named, after
    /// `0..=steps` steps: a lower bound on that over all starts.
    ///
    /// # Errors
    ///
    /// [`Error::NoStates`] without starts, [`Error::StateOutOfRange`].
    #[track_caller]
    pub fn worst_divergence_curve_over(
        &self,
        divergence: Divergence,
        starts: &[usize],
        stationary: &Law,
        steps: usize,
    ) -> Result<Vec<f64>> {
        assert_eq!(stationary.len(), self.len(), "a law over the states of the chain");
        self.worst_over(starts, steps, |laws, _| divergence.of_block(laws, stationary))
    }

    /// Refuses to follow every start where that takes too long.
    pub(super) fn check_every_start(&self, steps: usize) -> Result<()> {
        let n = self.len() as f64;
        let needed = n * (steps as f64 * self.operator().stored_entries() as f64 + n);
        let remedy = "name a sample of starts with worst_distance_curve_over, for a lower bound";
        check_operations("the distance from the worst start", needed, remedy)
    }

    /// The largest of a measure of the law after `0..=steps` steps, over the starts
    /// named. The measure is given several laws at a time, and the number of steps.
    pub(super) fn worst_over(
        &self,
        starts: &[usize],
        steps: usize,
        measure: impl Fn(&Block, usize) -> Vec<f64> + Sync,
    ) -> Result<Vec<f64>> {
        let states = self.len();
        if starts.is_empty() {
            return Err(Error::NoStates);
        }
        if let Some(&state) = starts.iter().find(|&&state| state >= states) {
            return Err(Error::StateOutOfRange { state, states });
        }
        let largest = |run: Range<usize>| -> Vec<f64> {
            let starts = &starts[run];
            let mut laws = Block::points(states, starts.len(), |column| starts[column]);
            let mut at = |step: usize| {
                if step > 0 {
                    laws.push(self.operator());
                }
                measure(&laws, step).into_iter().fold(0.0, f64::max)
            };
            (0..=steps).map(&mut at).collect()
        };
        let mut worst = vec![0.0f64; steps + 1];
        for batch in block_batches(states, starts.len()) {
            let curves: Vec<Vec<f64>> = batch.into_par_iter().map(largest).collect();
            for curve in curves {
                worst.iter_mut().zip(curve).for_each(|(worst, value)| *worst = worst.max(value));
            }
        }
        self.operator().check_products()?;
        Ok(worst)
    }

    /// A measure of the law, and of the time, after `0..=steps` steps from a law.
    pub(super) fn measured_along(
        &self,
        mut law: Vec<f64>,
        steps: usize,
        measure: impl Fn(&[f64], usize) -> f64,
    ) -> Vec<f64> {
        let mut next = vec![0.0; law.len()];
        let mut curve = Vec::with_capacity(steps + 1);
        curve.push(measure(&law, 0));
        for step in 1..=steps {
            self.operator().push_forward(&law, &mut next);
            std::mem::swap(&mut law, &mut next);
            curve.push(measure(&law, step));
        }
        curve
    }
}
