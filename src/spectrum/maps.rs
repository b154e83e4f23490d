//! A whole chain as a linear map on observables.

use super::blocks::Map;
use crate::chain::StateSet;
use crate::operator::{TransitionOperator, map_in_place};

/// `f -> P f`, or `f -> (P f + P* f) / 2` where the chain is reversed by a law;
/// on a closed set of states, or on all.
pub(super) struct WholeChain<'a, O> {
    operator: &'a O,
    reversed_by: Option<&'a [f64]>,
    within: Option<&'a StateSet>,
}

impl<'a, O: TransitionOperator> WholeChain<'a, O> {
    /// The law that the chain is reversed by must be positive on the set.
    pub(super) fn new(operator: &'a O, reversed_by: Option<&'a [f64]>, within: Option<&'a StateSet>) -> Self {
        Self { operator, reversed_by, within }
    }
}

impl<O: TransitionOperator> Map for WholeChain<'_, O> {
    fn len(&self) -> usize {
        self.operator.states()
    }

    fn size(&self) -> usize {
        self.within.map_or(self.len(), StateSet::len)
    }

    fn entries(&self) -> usize {
        self.operator.stored_entries()
    }

    fn rounding(&self) -> f64 {
        4.0 * (self.operator.longest_sum() + 4) as f64 * f64::EPSILON
    }

    fn project(&self, vector: &mut [f64]) {
        if let Some(set) = self.within {
            map_in_place(vector, |state, value| if set.contains(state) { value } else { 0.0 });
        }
    }

    fn apply(&mut self, vector: &[f64]) -> Vec<f64> {
        let mut image = vec![0.0; vector.len()];
        self.operator.pull_back(vector, &mut image);
        if let Some(law) = self.reversed_by {
            let mut flow = vector.to_vec();
            map_in_place(&mut flow, |state, value| value * law[state]);
            let mut pushed = vec![0.0; vector.len()];
            self.operator.push_forward(&flow, &mut pushed);
            map_in_place(&mut image, |state, value| 0.5 * (value + pushed[state] / law[state]));
        }
        self.project(&mut image);
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
        let found = WholeChain::new(chain.operator(), Some(&law), None).apply(&[1.0, 0.0, 0.0]);
        assert_eq!(found.len(), 3);
        for (value, expected) in found.iter().zip([0.1, 0.45, 0.45]) {
            assert!((value - expected).abs() < 1e-15);
        }
    }
    #[test]
    fn a_closed_set_is_a_chain_of_its_own() {
        let chain = array![[0.5, 0.5, 0.0], [0.0, 0.9, 0.1], [0.0, 0.2, 0.8]];
        let chain = MarkovChain::from_dense(chain.view()).unwrap();
        let set = StateSet::of(3, [1, 2]).unwrap();
        let mut map = WholeChain::new(chain.operator(), None, Some(&set));
        assert_eq!((map.size(), map.len()), (2, 3));
        let image = map.apply(&[0.0, 1.0, 1.0]);
        assert_eq!((image[0], image[1]), (0.0, 1.0));
    }
}
