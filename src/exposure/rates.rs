//! The rates of two chains.

use std::fmt;

/// How far a model is from the data, on average over contexts; information in bits a token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorRates {
    /// Relative entropy rate of the data from the model: `E_(pi_P) KL(p || q)`.
    pub error: f64,
    /// That of the model from the data: `E_(pi_Q) KL(q || p)`.
    pub reverse_error: f64,
    /// The error in the contexts of the model itself, the plateau of `R_t`: `E_(pi_Q) KL(p || q)`.
    pub error_under_model: f64,
    /// Cross-entropy of the data under the model.
    pub cross_entropy: f64,
    /// Entropy rate of the data.
    pub entropy_rate_data: f64,
    /// Entropy rate of the model.
    pub entropy_rate_model: f64,
    /// Mean distance of the laws of the next state: `E_(pi_P) TV(p, q)`.
    pub step_distance: f64,
    /// Total variation distance of the stationary laws.
    pub distance: f64,
}

impl ErrorRates {
    /// Entropy-rate drift, in bits a token: the entropy rate of the model less
    /// its cross-entropy. Zero for a model that is calibrated; below, its text
    /// says less that is new than it should.
    pub fn drift(&self) -> f64 {
        self.entropy_rate_model - self.cross_entropy
    }

    /// Excess error in the long run, in per cent: how much larger the error is in
    /// the model's own contexts than in the data's. Nothing for a model without errors; `None`
    /// if the error is infinite in the contexts of the data, or zero in these only.
    pub fn limit_excess(&self) -> Option<f64> {
        if self.error == 0.0 && self.error_under_model == 0.0 {
            return Some(0.0);
        }
        let usable = self.error > 0.0 && self.error.is_finite();
        usable.then(|| 100.0 * (self.error_under_model - self.error) / self.error)
    }
}

impl fmt::Display for ErrorRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [
            ("entropy rate of the data", self.entropy_rate_data, "bits a token"),
            ("cross-entropy under the model", self.cross_entropy, "bits a token"),
            ("entropy rate of the model", self.entropy_rate_model, "bits a token"),
            ("drift", self.drift(), "bits a token"),
            ("error in the contexts of the data", self.error, "bits a token"),
            ("error in the model's own contexts", self.error_under_model, "bits a token"),
            ("error of the data as a model", self.reverse_error, "bits a token"),
            ("distance a step", self.step_distance, "total variation"),
            ("distance in the long run", self.distance, "total variation"),
        ];
        for (place, (name, value, unit)) in lines.into_iter().enumerate() {
            let end = if place + 1 < lines.len() { "\n" } else { "" };
            write!(f, "{name:<36}{value:>10.5} {unit}{end}")?;
        }
        Ok(())
    }
}
