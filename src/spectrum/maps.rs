//! A whole chain as a linear map on observables.

use super::blocks::Map;
use crate::operator::TransitionOperator;

/// `f -> P f`, or `f -> (P f + P* f) / 2` where the chain is reversed by a law.
pub(super) struct WholeChain<'a, O> {
    operator: &'a O,
    reversed_by: Option<&'a [f64]>,
}

impl<'a, O: TransitionOperator> WholeChain<'a, O> {
    /// The law that the chain is reversed by must be positive.
    pub(super) fn new(operator: &'a O, reversed_by: Option<&'a [f64]>) -> Self {
        Self { operator, reversed_by }
    }
}

impl<O: TransitionOperator> Map for WholeChain<'_, O> {
    fn len(&self) -> usize {
        self.operator.states()
    }

    fn size(&self) -> usize {
        self.operator.states()
    }

    fn entries(&self) -> usize {
        self.operator.stored_entries()
    }

    fn rounding(&self) -> f64 {
        4.0 * (self.operator.longest_sum() + 4) as f64 * f64::EPSILON
    }

    fn project(&self, _: &mut [f64]) {}

    fn apply(&mut self, vector: &[f64]) -> Vec<f64> {
        let mut image = vec![0.0; vector.len()];
        self.operator.pull_back(vector, &mut image);
        let Some(law) = self.reversed_by else { return image };
        let flow: Vec<f64> = vector.iter().zip(law).map(|(value, p)| value * p).collect();
        let mut pushed = vec![0.0; vector.len()];
        self.operator.push_forward(&flow, &mut pushed);
        for ((value, moved), p) in image.iter_mut().zip(&pushed).zip(law) {
            *value = 0.5 * (*value + moved / p);
        }
        image
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::chain::MarkovChain;

    #[test]
    fn the_reversibilization_is_half_the_chain_and_half_its_reversal() {
        // Three states in a cycle, now and then the other way round.
        let chain = array![[0.1, 0.7, 0.2], [0.2, 0.1, 0.7], [0.7, 0.2, 0.1]];
        let chain = MarkovChain::from_dense(chain.view()).unwrap();
        let law = [1.0 / 3.0; 3];
        let found = WholeChain::new(chain.operator(), Some(&law)).apply(&[1.0, 0.0, 0.0]);
        for (value, expected) in found.iter().zip([0.1, 0.45, 0.45]) {
            assert!((value - expected).abs() < 1e-15);
        }
    }
}
