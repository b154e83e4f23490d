//! In which state the chain is reset, in the long run.

use ndarray::Array2;

use super::excursion::{Excursions, met_after};
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, sum_by};
use crate::solve::{Stop, Watch, check_operations};
use crate::stationary::{StationaryMethod, StationarySolver};

/// The most resets whose law is found; more are too many for elimination.
const MOST_RESETS: usize = 4096;

/// A sum of probabilities below this may have lost digits to underflow: less
/// than 2^-1074 for each state and step, of which there are less than 10^15.
const LEAST: f64 = 1e-290;

/// The law of the state in which the chain is reset.
pub(super) struct ResetLaw {
    pub(super) law: Law,
    /// A bound on the total variation error that its own error causes in the
    /// posterior of histories, whatever their end.
    pub(super) posterior_error: f64,
}

impl<O: TransitionOperator> Excursions<'_, O> {
    /// The law of the state in which the chain is reset, in the long run: the
    /// stationary law of the chain watched only at resets (Kemeny and Snell
    /// 1960, section 6.1), whose rows are found by following excursions.
    ///
    /// **Every probability is right in relative terms**, as a posterior may rest
    /// on the rarest reset alone. Let `r` be the number of resets. Excursions
    /// from a reset are followed until what is left of them is at most
    /// `d = tolerance / r` times each probability of landing found so far. Then
    /// the true row, and that found, are between what has landed and `1 + d`
    /// times that. A stationary law is in proportion to sums, over the spanning
    /// trees of the graph, of products of `r - 1` probabilities (the matrix tree
    /// theorem), so each of its ratios to the true one is within a factor of
    /// `(1 + d)^(r - 1)`, up to a common one; elimination keeps that (O'Cinneide
    /// 1993). Histories whose weights are all right within a factor of `f` have
    /// a posterior that is off by at most `(f - 1) / (f + 1) <= ln(f) / 2` in
    /// total variation, here `(r - 1) d / 2`.
    ///
    /// # Errors
    ///
    /// [`Error::SeveralRecurrentClasses`]; [`Error::TooExpensive`] for too many
    /// resets; [`Error::Underflow`] where a reset is too rare for a number;
    /// [`Error::NotConverged`], [`Error::Cancelled`].
    pub(super) fn reset_law(
        &self,
        longest_mean: f64,
        tolerance: f64,
        watch: &mut Watch<'_>,
    ) -> Result<ResetLaw> {
        let resets: Vec<usize> = self.resets.iter().collect();
        if let [reset] = resets[..] {
            return Ok(ResetLaw { law: Law::point(self.chain.len(), reset), posterior_error: 0.0 });
        }
        let relative = tolerance / resets.len() as f64;
        self.check_size(&resets, longest_mean, relative)?;
        let mut rows = Array2::zeros((resets.len(), resets.len()));
        for (mut row, &reset) in rows.rows_mut().into_iter().zip(&resets) {
            let landed = self.landing_law(reset, &resets, relative, watch)?;
            row.iter_mut().zip(landed.iter()).for_each(|(p, &landed)| *p = landed);
        }
        let watched = MarkovChain::from_dense(rows.view())?;
        let law = self.spread(&resets, &eliminated(&watched, &resets)?)?;
        Ok(ResetLaw { law, posterior_error: 0.5 * (resets.len() - 1) as f64 * relative })
    }

    /// Refuses resets of several recurrent classes, or too many.
    fn check_size(&self, resets: &[usize], longest_mean: f64, relative: f64) -> Result<()> {
        let classes = self.chain.classes();
        let mut met: Vec<usize> = resets.iter().map(|&reset| classes.class_of(reset)).collect();
        met.sort_unstable();
        met.dedup();
        if met.len() > 1 {
            return Err(Error::SeveralRecurrentClasses { classes: met.len() });
        }
        let (what, remedy) = ("the law of resets", "name fewer resets, such as the start of text alone");
        if resets.len() > MOST_RESETS {
            let operations = |n: usize| 2.0 / 3.0 * (n as f64).powi(3);
            let (needed, allowed) = (operations(resets.len()), operations(MOST_RESETS));
            return Err(Error::TooExpensive { what, needed, allowed, remedy });
        }
        // A mean time m leaves a share e^-k after about e k m steps.
        let steps = std::f64::consts::E * longest_mean * -relative.ln();
        let needed = resets.len() as f64 * steps * self.chain.operator().stored_entries() as f64;
        check_operations(what, needed, remedy)
    }

    /// The law of the next reset after one in `reset`, in the order of the resets.
    fn landing_law(
        &self,
        reset: usize,
        resets: &[usize],
        relative: f64,
        watch: &mut Watch<'_>,
    ) -> Result<Law> {
        let n = self.chain.len();
        let met = met_after(self.chain.operator(), std::iter::once(reset), Some(self.resets));
        let mut going_on = Law::point(n, reset).into_vec();
        let mut next = vec![0.0; n];
        let mut landed = vec![0.0; resets.len()];
        let mut left = 1.0;
        for _ in 0..self.max_iterations {
            self.chain.operator().push_forward(&going_on, &mut next);
            for (landed, &state) in landed.iter_mut().zip(resets) {
                *landed += std::mem::take(&mut next[state]);
            }
            std::mem::swap(&mut going_on, &mut next);
            left = sum_by(n, |state| going_on[state]);
            let reached = landed.iter().zip(resets).filter(|(_, state)| met[**state]);
            let rarest = reached.map(|(&landed, _)| landed).fold(1.0, f64::min);
            if left <= relative * rarest.max(LEAST) {
                let lost = Error::Underflow { state: reset };
                return if rarest < LEAST { Err(lost) } else { Law::normalized(landed) };
            }
            watch.step()?;
        }
        let (stop, iterations) = (Stop::MaxIterations.describe(), self.max_iterations);
        Err(Error::NotConverged { stop, iterations, residual: left })
    }

    /// The law of all states, of which only resets have a probability.
    fn spread(&self, resets: &[usize], law: &Law) -> Result<Law> {
        let mut spread = vec![0.0; self.chain.len()];
        for (&state, &p) in resets.iter().zip(law.iter()) {
            if !p.is_normal() {
                return Err(Error::Underflow { state });
            }
            spread[state] = p;
        }
        Ok(Law::from_computed(spread))
    }
}

/// The stationary law of the chain watched at resets, each component right in
/// relative terms.
fn eliminated<O: TransitionOperator>(watched: &MarkovChain<O>, resets: &[usize]) -> Result<Law> {
    let laws = match StationarySolver::new().method(StationaryMethod::Gth).solve(watched) {
        Err(Error::Underflow { state }) => return Err(Error::Underflow { state: resets[state] }),
        laws => laws?,
    };
    laws.converged()?.unique()
}
