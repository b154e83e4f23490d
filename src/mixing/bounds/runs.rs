//! Runs of successes.

use ndarray::Array2;

/// Trials that succeed with a probability that depends on how many have just
/// succeeded in a row; a failure begins the run anew. What is asked is whether a run as
/// long as there are probabilities has been seen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Runs {
    successes: Vec<f64>,
}

impl Runs {
    pub(super) fn new(successes: Vec<f64>) -> Self {
        Self { successes }
    }

    pub(super) fn successes(&self) -> &[f64] {
        &self.successes
    }

    /// The probability of no full run in `0..=trials` trials, rounded up.
    pub(super) fn curve(&self, trials: usize) -> Vec<f64> {
        let mut law = vec![0.0; self.successes.len()];
        law[0] = 1.0;
        let mut curve = vec![1.0];
        for trial in 1..=trials {
            let failed: f64 = law.iter().zip(&self.successes).map(|(p, r)| p * (1.0 - r)).sum();
            for run in (1..law.len()).rev() {
                law[run] = law[run - 1] * self.successes[run - 1];
            }
            law[0] = failed;
            curve.push(self.rounded_up(law.iter().sum(), trial as u64));
        }
        curve
    }

    /// The probability of no full run in so many trials, rounded up.
    pub(super) fn survival(&self, trials: u64) -> f64 {
        let mut law = Array2::zeros((1, self.successes.len()));
        law[[0, 0]] = 1.0;
        let mut power = self.matrix();
        let mut left = trials;
        while left > 0 {
            if left % 2 == 1 {
                law = law.dot(&power);
            }
            left /= 2;
            if left > 0 {
                power = power.dot(&power);
            }
        }
        self.rounded_up(law.sum(), trials)
    }

    /// The first number of trials, up to `last`, with a probability of at most `level`.
    pub(super) fn first_below(&self, level: f64, last: u64) -> Option<u64> {
        if self.survival(0) <= level {
            return Some(0);
        }
        // Double until it is below, then halve the step. Survival never grows.
        let mut below = 1u64;
        while self.survival(below) > level {
            if below >= last {
                return None;
            }
            below *= 2;
        }
        let mut above = below / 2;
        while below - above > 1 {
            let middle = above + (below - above) / 2;
            if self.survival(middle) <= level { below = middle } else { above = middle }
        }
        Some(below)
    }

    /// From run to run, the full one left out.
    fn matrix(&self) -> Array2<f64> {
        let k = self.successes.len();
        let mut matrix = Array2::zeros((k, k));
        for (run, &success) in self.successes.iter().enumerate() {
            matrix[[run, 0]] = 1.0 - success;
            if run + 1 < k {
                matrix[[run, run + 1]] = success;
            }
        }
        matrix
    }

    /// A sum of products of non-negative numbers, of which each trial rounds at
    /// most as often as there are runs, and the entries of its matrix once.
    fn rounded_up(&self, survival: f64, trials: u64) -> f64 {
        let unit = (self.successes.len() + 4) as f64 * f64::EPSILON;
        (survival * (1.0 + 2.0 * trials as f64 * unit)).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survival_is_what_the_curve_says_and_never_grows() {
        let runs = Runs::new(vec![0.3, 0.6, 0.9]);
        let curve = runs.curve(64);
        for (trials, &survival) in curve.iter().enumerate() {
            assert!((runs.survival(trials as u64) - survival).abs() < 1e-13);
        }
        let first = curve.iter().position(|&p| p <= 0.25).unwrap();
        assert_eq!(runs.first_below(0.25, 1 << 62), Some(first as u64));
        assert_eq!(Runs::new(vec![0.0, 1.0]).first_below(0.25, 1 << 62), None);
        assert_eq!(Runs::new(vec![1.0, 1.0]).first_below(1e-9, 1 << 62), Some(2));
    }

    #[test]
    fn rare_successes_take_their_time() {
        // A single success of probability 1e-12: geometric.
        let first = Runs::new(vec![1e-12]).first_below(0.25, 1 << 62).unwrap();
        let exact = 4f64.ln() * 1e12;
        // Rounding up costs t (K + 4) eps relative to a survival that falls by 1e-12 a trial.
        assert!(first as f64 >= exact && (first as f64) < 1.01 * exact, "{first}");
    }
}
