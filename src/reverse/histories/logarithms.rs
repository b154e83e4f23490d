//! Sums of weights that are too small, or too different, for floating-point numbers.

use crate::operator::map_in_place;
use crate::prob::extremes_by;

/// Adds up weights that are given as natural logarithms: `ln(e^a + e^b + ...)`,
/// one at a time, without under- or overflow. Zero is `-inf`.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogSum {
    /// The largest logarithm so far.
    top: f64,
    /// The sum in units of `e^top`.
    sum: f64,
}

impl LogSum {
    pub(super) const ZERO: Self = Self { top: f64::NEG_INFINITY, sum: 0.0 };

    pub(super) fn add(&mut self, log: f64) {
        if log > self.top {
            self.sum = self.sum * (self.top - log).exp() + 1.0;
            self.top = log;
        } else if log > f64::NEG_INFINITY {
            self.sum += (log - self.top).exp();
        }
    }

    pub(super) fn of(logs: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = Self::ZERO;
        logs.into_iter().for_each(|log| sum.add(log));
        sum
    }

    /// The logarithm of the sum; `-inf` if nothing but zeros was added.
    pub(super) fn ln(self) -> f64 {
        self.top + self.sum.ln()
    }
}

/// Entropy of the law in proportion to weights whose logarithms, all above
/// `-inf`, are given, in bits: with `S = sum e^l`, `ln S - (sum l e^l) / S` in
/// units of the largest weight, so that both terms add up without cancellation.
pub(super) fn entropy_of(logs: impl Iterator<Item = f64>) -> f64 {
    let (mut top, mut sum, mut moment) = (f64::NEG_INFINITY, 0.0_f64, 0.0);
    for log in logs {
        if log > top {
            let down = top - log;
            let unit = down.exp();
            moment = if unit > 0.0 { (moment + sum * down) * unit } else { 0.0 };
            sum = sum * unit + 1.0;
            top = log;
        } else {
            let weight = (log - top).exp();
            moment += weight * (log - top);
            sum += weight;
        }
    }
    if sum > 0.0 { (sum.ln() - moment / sum) * std::f64::consts::LOG2_E } else { 0.0 }
}

/// A sum of numbers of any sign that keeps what rounding takes away, so that its
/// error does not grow with the number of terms (Neumaier 1974).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl CompensatedSum {
    pub(super) fn plus(self, term: f64) -> Self {
        let sum = self.sum + term;
        let lost =
            if self.sum.abs() >= term.abs() { (self.sum - sum) + term } else { (term - sum) + self.sum };
        // Beside an infinity nothing is lost, and its difference is no number.
        Self { sum, lost: if sum.is_finite() { self.lost + lost } else { 0.0 } }
    }

    pub(super) fn of(terms: impl IntoIterator<Item = f64>) -> Self {
        terms.into_iter().fold(Self::default(), Self::plus)
    }

    pub(super) fn value(self) -> f64 {
        self.sum + self.lost
    }
}

/// The largest of many numbers, in parallel; `-inf` of none.
pub(super) fn largest(values: &[f64]) -> f64 {
    let [(_, largest)] = extremes_by(values.len(), |i| [values[i]]);
    largest
}

/// The weights whose logarithms are given, divided by their sum; `None` if all are zero.
pub(super) fn normalized(logs: &[f64]) -> Option<Vec<f64>> {
    let top = largest(logs);
    if top == f64::NEG_INFINITY {
        return None;
    }
    let mut weights = vec![0.0; logs.len()];
    map_in_place(&mut weights, |state, _| (logs[state] - top).exp());
    let sum = crate::prob::sum_by(weights.len(), |i| weights[i]);
    map_in_place(&mut weights, |_, weight| weight / sum);
    Some(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_logarithms_neither_under_nor_overflow() {
        let close =
            |found: f64, expected: f64| (found - expected).abs() <= 4.0 * f64::EPSILON * expected.abs();
        let third = (1.0f64 / 3.0).ln();
        assert!(close(LogSum::of([third - 5000.0, third - 5000.0, third - 5000.0]).ln(), -5000.0));
        assert!(close(LogSum::of([-2000.0, 3000.0, f64::NEG_INFINITY]).ln(), 3000.0));
        assert_eq!(LogSum::of([f64::NEG_INFINITY; 2]).ln(), f64::NEG_INFINITY);
        assert_eq!(LogSum::ZERO.ln(), f64::NEG_INFINITY);
    }

    #[test]
    fn the_entropy_of_weights_is_that_of_their_law() {
        let logs = [-900.0, -900.0 + 2f64.ln(), -2000.0, -900.0 + 5f64.ln()];
        let expected = crate::prob::entropy(&[0.125, 0.25, 0.0, 0.625]);
        // The logarithms are rounded to 900 eps.
        assert!((entropy_of(logs.into_iter()) - expected).abs() < 1e4 * f64::EPSILON);
        assert_eq!((entropy_of([-7.0].into_iter()), entropy_of(std::iter::empty())), (0.0, 0.0));
    }

    #[test]
    fn compensated_sums_keep_what_rounding_takes() {
        assert_eq!(CompensatedSum::of([1e100, 1.0, -1e100]).value(), 1.0);
        assert_eq!(CompensatedSum::of([1.0, f64::NEG_INFINITY, 1.0]).value(), f64::NEG_INFINITY);
    }

    #[test]
    fn weights_far_below_the_smallest_number_are_normalised() {
        let law = normalized(&[-9000.0, f64::NEG_INFINITY, -9000.0 + 3f64.ln()]).unwrap();
        // The logarithms are rounded to 9000 eps.
        assert!((law[0] - 0.25).abs() < 1e4 * f64::EPSILON && law[1] == 0.0);
        assert_eq!(normalized(&[f64::NEG_INFINITY]), None);
    }
}
