//! Two chains held against each other.

use super::divergence::impossible_steps;
use super::{ContextDivergences, ErrorRates, ImpossibleStep};
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, sum_by, total_variation};
use crate::solve::check_operations;

/// A data chain and a model chain over the same contexts, and their divergence in
/// each of them.
///
/// # Example
///
/// ```
/// use lmchain::prelude::*;
/// use lmchain::exposure::Exposure;
/// use lmchain::model::TableModel;
///
/// // The model all but repeats what it said; in the data that is a coin.
/// let data = MarkovChain::enumerated(&TableModel::from_rows(1, &[[0.9, 0.1], [0.5, 0.5]])?)?;
/// let model = MarkovChain::enumerated(&TableModel::from_rows(1, &[[0.9, 0.1], [0.1, 0.9]])?)?;
/// let (p, q) = (data.stationary()?.converged()?, model.stationary()?.converged()?);
/// let exposure = Exposure::measure(&data, &p, &model, &q)?;
/// let curve = exposure.curve(20);
/// let rates = exposure.rates();
/// assert!((curve.error()[0] - rates.error).abs() < 1e-15); // the contexts of the data
/// assert!(rates.error_under_model > 2.9 * rates.error); // its own
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug)]
pub struct Exposure<'a, P, Q> {
    pub(super) data: &'a MarkovChain<P>,
    pub(super) model: &'a MarkovChain<Q>,
    pub(super) data_law: Law,
    pub(super) model_law: Law,
    pub(super) divergences: ContextDivergences,
    pub(super) data_entropies: Vec<f64>,
    pub(super) model_entropies: Vec<f64>,
}

impl<'a, P: TransitionOperator, Q: TransitionOperator> Exposure<'a, P, Q> {
    /// Holds a model against data, each with its stationary law; that of a model
    /// with several recurrent classes is its long-run law from the data's
    /// ([`MarkovChain::long_run_law`]). State `i` must be the same context in both:
    /// see [`ModelLift`](super::ModelLift) and [`explored_together`](super::explored_together).
    ///
    /// Walks all transitions of both: `O(transitions)`, and with a
    /// [`BackoffOperator`](crate::operator::BackoffOperator) `O(N V)`.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a law over other states;
    /// [`Error::TooExpensive`] for back-off models with more than 10^12 transitions.
    ///
    /// # Panics
    ///
    /// If the chains are not over the same contexts: see
    /// [`with_model`](MarkovChain::with_model), [`ModelLift`](super::ModelLift)
    /// and [`explored_together`](super::explored_together) for ways to have them so.
    #[track_caller]
    pub fn measure(
        data: &'a MarkovChain<P>,
        data_law: &Law,
        model: &'a MarkovChain<Q>,
        model_law: &Law,
    ) -> Result<Self> {
        assert!(
            data.states().are_those_of(model.states()),
            "two chains over the same contexts: see ModelLift, or explored_together"
        );
        for law in [data_law, model_law] {
            if law.len() != data.len() {
                return Err(Error::LengthMismatch { expected: data.len(), found: law.len() });
            }
        }
        for states in [data.states(), model.states()].into_iter().filter(|states| !states.are_windows()) {
            let needed = states.len() as f64 * states.vocabulary_size() as f64;
            let remedy = "use models of a lower order, or a smaller vocabulary";
            check_operations("the divergences of all contexts", needed, remedy)?;
        }
        let (mut data_entropies, mut model_entropies) = (vec![0.0; data.len()], vec![0.0; data.len()]);
        data.operator().row_entropies(&mut data_entropies);
        model.operator().row_entropies(&mut model_entropies);
        Ok(Self {
            data,
            model,
            data_law: data_law.clone(),
            model_law: model_law.clone(),
            divergences: ContextDivergences::between(data.operator(), model.operator()),
            data_entropies,
            model_entropies,
        })
    }

    /// The divergences of every context.
    pub fn divergences(&self) -> &ContextDivergences {
        &self.divergences
    }

    /// The stationary law of the data.
    pub fn data_law(&self) -> &Law {
        &self.data_law
    }

    /// The stationary law of the model.
    pub fn model_law(&self) -> &Law {
        &self.model_law
    }

    /// The rates of error, entropy and distance.
    pub fn rates(&self) -> ErrorRates {
        let d = &self.divergences;
        let entropy_rate_data = mean(&self.data_law, &self.data_entropies);
        let error = mean(&self.data_law, &d.relative_entropy);
        ErrorRates {
            error,
            reverse_error: mean(&self.model_law, &d.reverse),
            error_under_model: mean(&self.model_law, &d.relative_entropy),
            cross_entropy: entropy_rate_data + error,
            entropy_rate_data,
            entropy_rate_model: mean(&self.model_law, &self.model_entropies),
            step_distance: mean(&self.data_law, &d.total_variation),
            distance: total_variation(&self.data_law, &self.model_law),
        }
    }

    /// The steps that the data make and the model holds impossible, the most
    /// frequent first: why the error is infinite, if it is.
    pub fn impossible_steps(&self, count: usize) -> Vec<ImpossibleStep> {
        let infinite = (0..self.data.len()).filter(|&state| {
            self.data_law[state] > 0.0 && self.divergences.relative_entropy[state].is_infinite()
        });
        impossible_steps(self.data.operator(), self.model.operator(), &self.data_law, infinite, count)
    }

    /// The errors of all contexts, if they are finite.
    pub(super) fn finite_errors(&self) -> Result<&[f64]> {
        let errors = &self.divergences.relative_entropy;
        match errors.iter().position(|error| error.is_infinite()) {
            None => Ok(errors),
            Some(state) => {
                let (data, model) = (self.data.operator(), self.model.operator());
                let steps =
                    impossible_steps(data, model, &vec![1.0; self.data.len()], std::iter::once(state), 1);
                let label = |state| self.data.states().label(state);
                let to = steps.first().map_or(state, |step| step.to);
                Err(Error::ImpossibleForModel { from: label(state), to: label(to) })
            }
        }
    }
}

/// The mean of numbers that may be infinite where the law is zero.
pub(super) fn mean(law: &[f64], numbers: &[f64]) -> f64 {
    sum_by(law.len(), |state| if law[state] > 0.0 { law[state] * numbers[state] } else { 0.0 })
}
