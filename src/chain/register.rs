//! Which chains shift their windows, so that a step shows its token.

use rayon::prelude::*;

use super::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::prob::Law;

impl<O: TransitionOperator> MarkovChain<O> {
    /// Refuses a chain over windows some step of which, from a state that has
    /// weight under the law, does not append a token and drop the oldest.
    ///
    /// The law must be over the states of the chain, and these must be windows.
    pub(crate) fn check_shifts(&self, law: &Law) -> Result<()> {
        debug_assert!(self.states().are_windows() && law.len() == self.len());
        let states = self.states();
        let kept = states.context_length() - 1;
        let v = states.vocabulary_size() as u128;
        let shifted = |from: usize, to: usize| states.suffix_key(from, kept) == states.key(to) / v;
        let broken = |from: usize| {
            let jump = successors(self.operator(), from).find(|next| !shifted(from, next.state))?;
            Some(Error::NotShiftRegister { from: states.label(from), to: states.label(jump.state) })
        };
        let visited = (0..self.len()).into_par_iter().filter(|&state| law[state] > 0.0);
        visited.find_map_first(broken).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TableModel;
    use crate::operator::Restart;

    #[test]
    fn a_step_that_is_no_shift_is_found_where_the_law_has_weight() {
        let rows = [[0.5, 0.5], [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]];
        let chain = MarkovChain::enumerated(&TableModel::from_rows(2, &rows).unwrap()).unwrap();
        let uniform = Law::uniform(4);
        chain.check_shifts(&uniform).unwrap();
        // From 0 0 a restart in 1 1 is no shift; from 0 1 and 1 1 it is one.
        let restart = Restart::new(chain.operator(), 0.1, Law::point(4, 3)).unwrap();
        let restarted = chain.with_operator(restart);
        let found = restarted.check_shifts(&uniform);
        let expected = |from: &str, to: &str| from == "0 0" && to == "1 1";
        assert!(
            matches!(&found, Err(Error::NotShiftRegister { from, to }) if expected(from, to)),
            "{found:?}"
        );
        restarted.check_shifts(&Law::new(vec![0.0, 0.5, 0.0, 0.5]).unwrap()).unwrap();
    }
}
