//! In which contexts of the data the errors start that pile up later.

use std::fmt;

use rayon::prelude::*;

use super::Exposure;
use super::contributions::per_cent;
use super::divergence::merged;
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::Best;
use crate::sensitivity::PoissonSolver;
use crate::solve::Outcome;

/// A context of the data in which the model goes astray.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The state.
    pub state: usize,
    /// Its label.
    pub label: String,
    /// How often the data are there: the stationary probability.
    pub weight: f64,
    /// What it adds to the error in the long run, in bits a token.
    pub excess: f64,
    /// The state entered next that has the largest part in that.
    pub next: usize,
    /// Its newest token, as it is called.
    pub token: String,
    /// The probability of that step in the data.
    pub data_probability: f64,
    /// Its probability in the model.
    pub model_probability: f64,
}

/// The contexts of the data where errors start that pile up, most first.
///
/// With `g` the solution of Poisson's equation for the errors under the model
/// (what a context costs, all told, compared to the plateau), the plateau exceeds
/// the error in the contexts of the data by exactly
///
/// ```text
/// R_inf - eps = sum over c of pi_P(c) sum over c' of (q(c' | c) - p(c' | c)) g(c'),
/// ```
///
/// since `pi_P P = pi_P`. The terms of the outer sum are what each context adds:
/// the model enters what costs more than the data do, from there. (The identity is
/// that of Schweitzer 1968, known in learning as the performance difference.)
#[derive(Debug, Clone, PartialEq)]
pub struct Origins {
    /// The contexts with the largest part, by size; a negative one starts less
    /// error than the data would.
    pub contexts: Vec<Origin>,
    /// `R_inf - eps`, what all contexts of the data together add, in bits a token.
    pub total: f64,
}

impl<P: TransitionOperator, Q: TransitionOperator> Exposure<'_, P, Q> {
    /// The `count` contexts in which most of what piles up starts. One solution of
    /// Poisson's equation, without a proven bound, and a walk of all transitions.
    ///
    /// # Errors
    ///
    /// As [`plateau`](Self::plateau).
    pub fn origins(&self, count: usize) -> Result<Outcome<Origins>> {
        let errors = self.finite_errors()?;
        let solved = PoissonSolver::new().proven(false).solve(self.model, &self.model_law, errors)?;
        let visited = (0..self.data.len()).into_par_iter().filter(|&state| self.data_law[state] > 0.0);
        let excess: Vec<(usize, f64)> =
            visited.map(|state| (state, self.excess(solved.value().values(), state))).collect();
        let total = excess.iter().map(|&(_, excess)| excess).sum();
        let larger = |a: &(usize, f64), b: &(usize, f64)| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0));
        let mut best = Best::new(count, larger);
        best.extend(excess);
        Ok(solved.map(|poisson| {
            let origin = |(state, excess)| self.origin(poisson.values(), state, excess);
            Origins { contexts: best.into_sorted().into_iter().map(origin).collect(), total }
        }))
    }

    fn excess(&self, costs: &[f64], state: usize) -> f64 {
        let steps = merged(self.data.operator(), self.model.operator(), state);
        let level = self.level(costs, state);
        self.data_law[state] * steps.map(|(to, p, q)| (q - p) * (costs[to] - level)).sum::<f64>()
    }

    /// The mean cost of what the data do next: what a step is measured against.
    fn level(&self, costs: &[f64], state: usize) -> f64 {
        merged(self.data.operator(), self.model.operator(), state).map(|(to, p, _)| p * costs[to]).sum()
    }

    fn origin(&self, costs: &[f64], state: usize, excess: f64) -> Origin {
        let level = self.level(costs, state);
        let sign = if excess < 0.0 { -1.0 } else { 1.0 };
        let part = |&(to, p, q): &(usize, f64, f64)| sign * (q - p) * (costs[to] - level);
        let steps = merged(self.data.operator(), self.model.operator(), state);
        let worst = steps.max_by(|a, b| part(a).total_cmp(&part(b)));
        let (next, data_probability, model_probability) = worst.unwrap_or((state, 0.0, 0.0));
        let states = self.data.states();
        Origin {
            state,
            label: states.label(state),
            weight: self.data_law[state],
            excess,
            next,
            token: states.token_label(states.newest_token(next)),
            data_probability,
            model_probability,
        }
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = |text: &dyn Fn(&Origin) -> &str, least: usize| {
            self.contexts.iter().map(|origin| text(origin).chars().count()).max().unwrap_or(0).max(least)
        };
        let (label, token) = (widest(&|origin| &origin.label, 7), widest(&|origin| &origin.token, 4));
        write!(
            f,
            "{:<label$}  {:>9}  {:>11}  {:>7}  {:<token$}  {:>8}  {:>8}",
            "context", "weight", "adds (bits)", "share", "next", "data", "model"
        )?;
        for origin in &self.contexts {
            let share = per_cent(origin.excess, self.total);
            write!(
                f,
                "\n{:<label$}  {:>9.6}  {:>11.6}  {share:>5.1} %  {:<token$}  {:>8.5}  {:>8.5}",
                origin.label,
                origin.weight,
                origin.excess,
                origin.token,
                origin.data_probability,
                origin.model_probability
            )?;
        }
        Ok(())
    }
}
