//! Which contexts the errors are made in.

use std::fmt;

use super::Exposure;
use crate::operator::TransitionOperator;
use crate::prob::{Best, Law};

/// What contexts are put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContributionOrder {
    /// The error made there in the contexts of the data.
    Data,
    /// The error made there in the contexts of the model.
    Model,
    /// How much more is made there in the contexts of the model.
    Increase,
}

/// The part that one context has in the error.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// The state.
    pub state: usize,
    /// Its label.
    pub label: String,
    /// The error there, `KL(p || q)`, in bits.
    pub error: f64,
    /// How often the data are there.
    pub data_weight: f64,
    /// How often the model is there.
    pub model_weight: f64,
}

impl Contribution {
    /// The error made there in the contexts of the data, in bits a token.
    pub fn under_data(&self) -> f64 {
        weighted(self.data_weight, self.error)
    }

    /// The error made there in the contexts of the model, in bits a token.
    pub fn under_model(&self) -> f64 {
        weighted(self.model_weight, self.error)
    }

    /// How much more is made there in the contexts of the model, in bits a token.
    pub fn increase(&self) -> f64 {
        weighted(self.model_weight - self.data_weight, self.error)
    }

    fn by(&self, order: ContributionOrder) -> f64 {
        match order {
            ContributionOrder::Data => self.under_data(),
            ContributionOrder::Model => self.under_model(),
            ContributionOrder::Increase => self.increase(),
        }
    }
}

/// An infinite error counts for nothing where nobody goes.
fn weighted(weight: f64, error: f64) -> f64 {
    if weight == 0.0 { 0.0 } else { weight * error }
}

/// The part of a whole, in per cent; nothing is no part of nothing.
pub(super) fn per_cent(part: f64, whole: f64) -> f64 {
    if part == 0.0 { 0.0 } else { 100.0 * part / whole }
}

/// The contexts with the largest part in the error, as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// The contexts, in the order asked for.
    pub contexts: Vec<Contribution>,
    /// The error in the contexts of the data, in bits a token.
    pub under_data: f64,
    /// The error in the contexts of the model, in bits a token.
    pub under_model: f64,
}

impl<P: TransitionOperator, Q: TransitionOperator> Exposure<'_, P, Q> {
    /// The `count` contexts with the largest part in the error, the model in its
    /// stationary law. `O(N)`.
    pub fn contributions(&self, order: ContributionOrder, count: usize) -> Contributions {
        self.contributions_under(&self.model_law, order, count)
    }

    /// As [`contributions`](Self::contributions), the contexts of the model those
    /// of any law, such as one after a few tokens.
    ///
    /// # Panics
    ///
    /// If the law is over other states.
    #[track_caller]
    pub fn contributions_under(&self, law: &Law, order: ContributionOrder, count: usize) -> Contributions {
        assert_eq!(law.len(), self.data.len(), "a law over the states of the chain");
        let errors = &self.divergences.relative_entropy;
        let of = |state: usize| Contribution {
            state,
            label: String::new(),
            error: errors[state],
            data_weight: self.data_law[state],
            model_weight: law[state],
        };
        let larger = |a: &Contribution, b: &Contribution| {
            b.by(order).total_cmp(&a.by(order)).then(a.state.cmp(&b.state))
        };
        let mut best = Best::new(count, larger);
        best.extend((0..law.len()).map(of));
        let mut contexts = best.into_sorted();
        for context in &mut contexts {
            context.label = self.data.states().label(context.state);
        }
        let mean = |law: &[f64]| super::measure::mean(law, errors);
        Contributions { contexts, under_data: mean(&self.data_law), under_model: mean(law) }
    }
}

impl fmt::Display for Contributions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.contexts.iter().map(|context| context.label.chars().count());
        let label = widths.max().unwrap_or(0).max(7);
        write!(
            f,
            "{:<label$}  {:>11}  {:>9}  {:>9}  {:>8}  {:>8}",
            "context", "error (bits)", "in data", "in model", "of data", "of model"
        )?;
        for context in &self.contexts {
            write!(
                f,
                "\n{:<label$}  {:>12.5}  {:>9.6}  {:>9.6}  {:>6.2} %  {:>6.2} %",
                context.label,
                context.error,
                context.data_weight,
                context.model_weight,
                per_cent(context.under_data(), self.under_data),
                per_cent(context.under_model(), self.under_model)
            )?;
        }
        Ok(())
    }
}
