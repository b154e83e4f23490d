//! Error, distance and entropy along text that the model writes itself.

use super::Exposure;
use super::measure::mean;
use crate::chain::Start;
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::total_variation;
use crate::solve::{Observer, Silent, report};

/// What becomes of error, distance and entropy while the model writes on.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorCurve {
    rate: f64,
    limit: f64,
    error: Vec<f64>,
    distance: Vec<f64>,
    entropy: Vec<f64>,
}

impl ErrorCurve {
    /// `R_t`, the error in the contexts after `t = 0, 1, ...` tokens of the model's
    /// own, in bits a token.
    pub fn error(&self) -> &[f64] {
        &self.error
    }

    /// `D_t`, the total variation distance of the contexts from those of the data.
    pub fn distance(&self) -> &[f64] {
        &self.distance
    }

    /// The entropy of the model's next token, in bits.
    pub fn entropy(&self) -> &[f64] {
        &self.entropy
    }

    /// The error in the model's stationary contexts, which `R_t` goes to unless the
    /// model's chain is periodic.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// Accumulated error of `l = 1, 2, ...` tokens, in units of the error a token
    /// in the contexts of the data; `None` if that is infinite, or zero while there
    /// is some.
    pub fn accumulated(&self) -> Option<Vec<f64>> {
        if self.rate == 0.0 && self.error.iter().all(|&error| error == 0.0) {
            return Some((1..=self.error.len()).map(|length| length as f64).collect());
        }
        let usable = self.rate > 0.0 && self.rate.is_finite();
        let add = |sum: &mut f64, &error: &f64| {
            *sum += error;
            Some(*sum / self.rate)
        };
        usable.then(|| self.error.iter().scan(0.0, add).collect())
    }

    /// Excess accumulated error of `l = 1, 2, ...` tokens, in per cent, as
    /// [`accumulated`](Self::accumulated).
    pub fn excess(&self) -> Option<Vec<f64>> {
        let excess = |(place, sum): (usize, f64)| {
            let length = (place + 1) as f64;
            100.0 * (sum - length) / length
        };
        Some(self.accumulated()?.into_iter().enumerate().map(excess).collect())
    }

    /// The first `t` at which `R_t` has covered all but `1/e` of the way to its
    /// limit, for good as far as the curve goes; `None` if it has not by its end, or
    /// has no way to go.
    pub fn time_constant(&self) -> Option<usize> {
        let whole = (self.limit - self.error.first()?).abs();
        let near = |error: &f64| (self.limit - error).abs() <= whole / std::f64::consts::E;
        if !(whole > 0.0 && whole.is_finite() && self.error.last().is_some_and(near)) {
            return None;
        }
        Some(self.error.iter().rposition(|error| !near(error)).map_or(0, |last| last + 1))
    }
}

impl<P: TransitionOperator, Q: TransitionOperator> Exposure<'_, P, Q> {
    /// Error, distance and entropy after `0..=steps` tokens of the model's own,
    /// from a context of the data. `steps` products.
    pub fn curve(&self, steps: usize) -> ErrorCurve {
        let mut curve = self.empty_curve(steps);
        let mut law = self.data_law.to_vec();
        self.note(&law, &mut curve);
        for _ in 0..steps {
            law = self.pushed(&law);
            self.note(&law, &mut curve);
        }
        curve
    }

    /// As [`curve`](Self::curve), from any start, such as a prompt.
    ///
    /// # Errors
    ///
    /// As [`Start::law`].
    pub fn curve_from(&self, start: Start<'_>, steps: usize) -> Result<ErrorCurve> {
        self.curve_watched(start, steps, &mut Silent)
    }

    /// As [`curve_from`](Self::curve_from), watched: progress is counted in steps.
    ///
    /// # Errors
    ///
    /// As [`Start::law`], and [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn curve_watched(
        &self,
        start: Start<'_>,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> Result<ErrorCurve> {
        let mut curve = self.empty_curve(steps);
        let mut law = start.law(self.model.states())?.into_vec();
        self.note(&law, &mut curve);
        for step in 1..=steps {
            law = self.pushed(&law);
            self.note(&law, &mut curve);
            report(observer, "following the model", step as u64, Some(steps as u64))?;
        }
        Ok(curve)
    }

    fn empty_curve(&self, steps: usize) -> ErrorCurve {
        let errors = &self.divergences.relative_entropy;
        let room = || Vec::with_capacity(steps + 1);
        ErrorCurve {
            rate: mean(&self.data_law, errors),
            limit: mean(&self.model_law, errors),
            error: room(),
            distance: room(),
            entropy: room(),
        }
    }

    fn note(&self, law: &[f64], curve: &mut ErrorCurve) {
        curve.error.push(mean(law, &self.divergences.relative_entropy));
        curve.distance.push(total_variation(law, &self.data_law));
        curve.entropy.push(mean(law, &self.model_entropies));
    }

    fn pushed(&self, law: &[f64]) -> Vec<f64> {
        let mut next = vec![0.0; law.len()];
        self.model.operator().push_forward(law, &mut next);
        next
    }
}
