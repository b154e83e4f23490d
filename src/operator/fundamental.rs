//! The matrix behind Poisson's equation.

use super::{TransitionOperator, map_in_place};
use crate::prob::dot;

/// `I - P + 1 pi`, which has an inverse where `P` has one recurrent class: the fundamental
/// matrix (Kemeny & Snell, *Finite Markov Chains*, 1960, section 4.3). With it
/// Poisson's equation `g - P g = f - pi f`, `pi g = 0` is `(I - P + 1 pi) g = f - pi f`.
///
/// Of some of the states, if that is asked for; elsewhere it is the identity then.
pub(crate) struct Fundamental<'a, O> {
    operator: &'a O,
    stationary: &'a [f64],
    within: Option<Vec<bool>>,
}

impl<'a, O: TransitionOperator> Fundamental<'a, O> {
    /// Of all states.
    pub(crate) fn new(operator: &'a O, stationary: &'a [f64]) -> Self {
        Self { operator, stationary, within: None }
    }

    /// Of closed states only, such as those of a recurrent class.
    pub(crate) fn within(operator: &'a O, stationary: &'a [f64], within: Vec<bool>) -> Self {
        Self { operator, stationary, within: Some(within) }
    }

    fn is_within(&self, state: usize) -> bool {
        self.within.as_ref().is_none_or(|within| within[state])
    }

    /// Writes the product with `values` into `image`. One pull back.
    pub(crate) fn apply(&self, values: &[f64], image: &mut [f64]) {
        self.operator.pull_back(values, image);
        let mean = dot(self.stationary, values);
        map_in_place(image, |state, pulled| match self.is_within(state) {
            true => values[state] - pulled + mean,
            false => values[state],
        });
    }

    /// An observable less its mean, zero elsewhere.
    pub(crate) fn centred(&self, mut values: Vec<f64>) -> Vec<f64> {
        let mean = dot(self.stationary, &values);
        map_in_place(&mut values, |state, value| if self.is_within(state) { value - mean } else { 0.0 });
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::SparseOperator;

    #[test]
    fn its_inverse_is_known_for_two_states() {
        // With the second eigenvalue 1/2 it doubles what has mean zero, and keeps the constant.
        let entries = vec![(0, 0, 0.7), (0, 1, 0.3), (1, 0, 0.2), (1, 1, 0.8), (2, 0, 0.5), (2, 2, 0.5)];
        let operator = SparseOperator::from_triplets(3, entries).unwrap();
        let law = [0.4, 0.6, 0.0];
        let recurrent = Fundamental::within(&operator, &law, vec![true, true, false]);
        let centred = recurrent.centred(vec![1.0, 0.0, 7.0]);
        assert_eq!(centred, [0.6, -0.4, 0.0]);
        let mut image = vec![0.0; 3];
        recurrent.apply(&centred, &mut image);
        let close = |image: &[f64], exact: [f64; 3]| {
            assert!(image.iter().zip(exact).all(|(a, b)| (a - b).abs() < 4.0 * f64::EPSILON), "{image:?}");
        };
        close(&image, [0.3, -0.2, 0.0]);
        let whole = Fundamental::new(&operator, &law);
        whole.apply(&[1.0; 3], &mut image);
        close(&image, [1.0; 3]);
        close(&whole.centred(vec![1.0, 0.0, 7.0]), [0.6, -0.4, 6.6]);
    }
}
