//! Rows that are known from counts.

use std::sync::Arc;

use rand::RngExt;
use rand_distr::{Distribution, Gamma};

use super::Sensitivity;
use crate::chain::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::operator::{SparseOperator, TransitionOperator};
use crate::prob::{StreamRng, stream};

/// The posterior of a chain's rows: independent Dirichlet laws, one a state.
///
/// Made by [`CountPosteriorSettings`](super::CountPosteriorSettings) from a text.
#[derive(Debug, Clone)]
pub struct CountPosterior {
    states: Arc<States>,
    /// Parameters `(from, to, a)`, sorted, all positive.
    parameters: Vec<(u32, u32, f64)>,
    /// Sums of the parameters of every row.
    sums: Vec<f64>,
}

impl CountPosterior {
    pub(super) fn new(states: Arc<States>, mut parameters: Vec<(u32, u32, f64)>) -> Result<Self> {
        parameters.sort_unstable_by_key(|&(from, to, _)| (from, to));
        let mut sums = vec![0.0; states.len()];
        for &(from, _, parameter) in &parameters {
            sums[from as usize] += parameter;
        }
        match sums.iter().position(|&sum| sum <= 0.0) {
            Some(row) => Err(Error::ZeroRow { row }),
            None => Ok(Self { states, parameters, sums }),
        }
    }

    /// The states.
    pub fn states(&self) -> &States {
        &self.states
    }

    /// The sum of the parameters of a row: counts and prior counts.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    #[track_caller]
    pub fn row_sum(&self, state: usize) -> f64 {
        self.sums[state]
    }

    /// The chain of the mean probabilities of every row.
    ///
    /// # Errors
    ///
    /// As [`SparseOperator::from_weights`].
    pub fn mean_chain(&self) -> Result<MarkovChain<SparseOperator>> {
        self.chain(self.parameters.clone())
    }

    /// Chain number `number` of those that a seed draws from the posterior: the
    /// same whatever others are drawn. `O(transitions)`.
    ///
    /// # Errors
    ///
    /// As [`SparseOperator::from_weights`].
    pub fn draw(&self, seed: u64, number: u64) -> Result<MarkovChain<SparseOperator>> {
        let mut rng = stream(seed, number);
        let mut weights = self.parameters.clone();
        for row in weights.chunk_by_mut(|one, other| one.0 == other.0) {
            for (_, _, parameter) in row.iter_mut() {
                *parameter = log_gamma_draw(*parameter, &mut rng)?;
            }
            // In logarithms until the largest is one: small parameters make
            // numbers that underflow, all of a row at once if it comes to that.
            let largest = row.iter().fold(f64::NEG_INFINITY, |most, entry| most.max(entry.2));
            row.iter_mut().for_each(|entry| entry.2 = (entry.2 - largest).exp());
        }
        self.chain(weights)
    }

    fn chain(&self, weights: Vec<(u32, u32, f64)>) -> Result<MarkovChain<SparseOperator>> {
        let operator = SparseOperator::from_weights(self.states.len(), weights)?;
        Ok(MarkovChain::new(operator, Arc::clone(&self.states)))
    }

    /// The standard deviation of a number under the posterior, to first order (the
    /// delta method), from its sensitivity at the [`mean_chain`](Self::mean_chain).
    ///
    /// A Dirichlet row with mean `m` and parameters that sum to `A` has covariance
    /// `(diag(m) - m m') / (A + 1)`, so the variance is
    /// `sum over i of w(i)^2 Var_m(a(i, ·)) / (A(i) + 1)`. `O(transitions)`.
    ///
    /// # Panics
    ///
    /// If the sensitivity is of a chain with another number of states.
    #[track_caller]
    pub fn deviation<O: TransitionOperator>(&self, sensitivity: &Sensitivity<'_, O>) -> f64 {
        assert_eq!(sensitivity.weights().len(), self.sums.len(), "a sensitivity at the mean chain");
        sensitivity.variance(|row| 1.0 / (self.sums[row] + 1.0)).sqrt()
    }
}

/// The natural logarithm of a draw from the gamma law of a shape and scale 1.
fn log_gamma_draw(shape: f64, rng: &mut StreamRng) -> Result<f64> {
    let law = |shape: f64| {
        Gamma::new(shape, 1.0).map_err(|_| Error::InvalidSetting {
            name: "count",
            value: shape,
            requirement: "positive and finite",
        })
    };
    if shape >= 1.0 {
        return Ok(law(shape)?.sample(rng).ln());
    }
    // A draw of shape a + 1 times U^(1/a) has shape a (Marsaglia & Tsang 2000).
    let boosted: f64 = law(shape + 1.0)?.sample(rng).ln();
    let uniform: f64 = 1.0 - rng.random::<f64>();
    Ok(boosted + uniform.ln() / shape)
}
