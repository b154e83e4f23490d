//! Where the error goes, and how long it takes.

use super::Exposure;
use super::measure::mean;
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::sensitivity::PoissonSolver;
use crate::solve::Outcome;

/// The plateau of the error under the model's own contexts.
///
/// With `g` the solution of Poisson's equation for the errors under the model,
/// the errors of the first `l` tokens add up to `l limit + offset` and a part that
/// vanishes as the model mixes, with `offset = pi_P g`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plateau {
    /// `R_0`, the error in the contexts of the data, in bits a token.
    pub first: f64,
    /// The error in the model's stationary contexts, in bits a token.
    pub limit: f64,
    /// `sum over t of (R_t - limit)`, in bits (a Cesàro sum if the model is
    /// periodic): how much the way up saves, below zero, or costs.
    pub offset: f64,
}

impl Plateau {
    /// The time constant of the approach, in tokens: `offset / (first - limit)`.
    /// For a difference that falls by a factor `r` each step it is `1 / (1 - r)`; an
    /// error that overshoots its plateau may have any, even a negative one. Not a
    /// number if there is no way to go.
    pub fn time_constant(&self) -> f64 {
        self.offset / (self.first - self.limit)
    }

    /// What the errors of `tokens` tokens add up to in the end, in bits: the
    /// asymptote `tokens limit + offset`.
    pub fn asymptote(&self, tokens: f64) -> f64 {
        tokens * self.limit + self.offset
    }
}

impl<P: TransitionOperator, Q: TransitionOperator> Exposure<'_, P, Q> {
    /// The plateau of the error and the time constant of the way there, from one
    /// solution of Poisson's equation; [`PoissonSolver`] with its defaults, but
    /// without a proven bound.
    ///
    /// # Errors
    ///
    /// [`ImpossibleForModel`](crate::Error::ImpossibleForModel) if some error is
    /// infinite;
    /// [`SeveralRecurrentClasses`](crate::Error::SeveralRecurrentClasses) of the model.
    pub fn plateau(&self) -> Result<Outcome<Plateau>> {
        let errors = self.finite_errors()?;
        let solved = PoissonSolver::new().proven(false).solve(self.model, &self.model_law, errors)?;
        Ok(solved.map(|poisson| Plateau {
            first: mean(&self.data_law, errors),
            limit: poisson.mean(),
            offset: mean(&self.data_law, poisson.values()),
        }))
    }
}
