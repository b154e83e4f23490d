//! How much of its time a chain spends on a loop.

use super::RepetitionLoop;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, predecessors};
use crate::prob::Law;

/// Visits to a loop under a stationary law, or a long-run law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoopVisits {
    /// Share of time spent on the states of the loop.
    pub share: f64,
    /// Visits begun per step. Zero if the loop is absorbing.
    pub entry_rate: f64,
    /// Mean number of steps of a visit, from its first state up to and with the
    /// step that leaves the loop. Infinite if the loop is absorbing.
    pub mean_stay: f64,
    /// Mean number of whole turns of a visit. Infinite if the loop is absorbing.
    pub mean_turns: f64,
}

impl LoopVisits {
    /// Mean number of steps from the beginning of a visit to that of the next.
    /// Infinite if the loop is absorbing.
    pub fn mean_time_between_entries(&self) -> f64 {
        self.entry_rate.recip()
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The visits to a loop under a stationary law, or a mixture of several such
    /// as [`long_run_law`](Self::long_run_law) gives; `None` if the law never
    /// visits the loop.
    ///
    /// The place where a visit begins is drawn as the law has it: the flow
    /// `sum over i of law(i) P(i, c)` into each state `c`, without the loop's own
    /// step. The mean stay from each place is known in closed form
    /// ([`RepetitionLoop::mean_stay_from`]). Under an exact law, the share of
    /// time is the entry rate times the mean stay.
    ///
    /// Looks at every transition into the states of the loop.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a law over other states,
    /// [`Error::StateOutOfRange`] for a loop of another chain, and
    /// [`Error::Impossible`] for a loop that is left but, under the law, never
    /// entered, so that the law is not stationary.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::MarkovChain;
    /// use lmchain::loops::RepetitionLoop;
    /// use ndarray::array;
    ///
    /// let chain = MarkovChain::from_dense(array![[0.75, 0.25], [0.5, 0.5]].view())?;
    /// let law = chain.stationary()?.converged()?;
    /// let stuck = RepetitionLoop::along(&chain, &[0])?;
    /// let visits = chain.loop_visits(&stuck, &law)?.expect("a state that is visited");
    /// assert!((visits.share - 2.0 / 3.0).abs() < 1e-15);
    /// assert!((visits.entry_rate - 1.0 / 6.0).abs() < 1e-15); // 1/3 of the time in 1, then 1/2
    /// assert!((visits.mean_stay - 4.0).abs() < 1e-14);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn loop_visits(&self, cycle: &RepetitionLoop, law: &Law) -> Result<Option<LoopVisits>> {
        self.check_loop_and_law(cycle, law)?;
        let share: f64 = cycle.states().iter().map(|&state| law[state]).sum();
        if share == 0.0 {
            return Ok(None);
        }
        let (mean_turns, length) = (cycle.mean_turns(), cycle.len());
        if cycle.is_absorbing() {
            return Ok(Some(LoopVisits { share, entry_rate: 0.0, mean_stay: f64::INFINITY, mean_turns }));
        }
        let (mut entry_rate, mut stays) = (0.0, 0.0);
        for (place, stay) in cycle.mean_stays().into_iter().enumerate() {
            let before = cycle.states()[(place + length - 1) % length];
            let entered = self.flow_into(cycle.states()[place], before, law);
            entry_rate += entered;
            stays += entered * stay;
        }
        if entry_rate == 0.0 {
            return Err(Error::Impossible { what: "the beginning of a visit to the loop" });
        }
        Ok(Some(LoopVisits { share, entry_rate, mean_stay: stays / entry_rate, mean_turns }))
    }

    /// The loops that a law visits, with their visits: the longest mean stay
    /// first, then the largest share of time, then in the order given.
    ///
    /// # Errors
    ///
    /// As [`loop_visits`](Self::loop_visits).
    pub fn ranked_loops(
        &self,
        loops: impl IntoIterator<Item = RepetitionLoop>,
        law: &Law,
    ) -> Result<Vec<(RepetitionLoop, LoopVisits)>> {
        let mut ranked = Vec::new();
        for cycle in loops {
            if let Some(visits) = self.loop_visits(&cycle, law)? {
                ranked.push((cycle, visits));
            }
        }
        ranked.sort_by(|(_, one), (_, two)| {
            two.mean_stay.total_cmp(&one.mean_stay).then(two.share.total_cmp(&one.share))
        });
        Ok(ranked)
    }

    /// What flows into a state in one step, except from one other.
    fn flow_into(&self, state: usize, except: usize, law: &Law) -> f64 {
        let others = predecessors(self.operator(), state).filter(|from| from.state != except);
        others.map(|from| law[from.state] * from.probability).sum()
    }

    fn check_loop_and_law(&self, cycle: &RepetitionLoop, law: &Law) -> Result<()> {
        let states = self.len();
        if law.len() != states {
            return Err(Error::LengthMismatch { expected: states, found: law.len() });
        }
        match cycle.states().iter().find(|&&state| state >= states) {
            Some(&state) => Err(Error::StateOutOfRange { state, states }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        let pair = MarkovChain::from_dense(array![[0.75, 0.25], [0.5, 0.5]].view()).unwrap();
        let one = MarkovChain::from_dense(array![[1.0]].view()).unwrap();
        let cycle = RepetitionLoop::along(&pair, &[0, 1]).unwrap();
        let visits = one.loop_visits(&cycle, &Law::uniform(2));
        assert!(matches!(visits, Err(Error::LengthMismatch { expected: 1, found: 2 })));
        let visits = one.loop_visits(&cycle, &Law::uniform(1));
        assert!(matches!(visits, Err(Error::StateOutOfRange { state: 1, states: 1 })));
        let stuck = RepetitionLoop::along(&pair, &[0]).unwrap();
        let visits = pair.loop_visits(&stuck, &Law::point(2, 0));
        assert!(matches!(visits, Err(Error::Impossible { .. })), "the law stays although the chain does not");
    }

    #[test]
    fn loops_that_are_never_visited_are_left_out() {
        let chain = MarkovChain::from_dense(array![[0.5, 0.5, 0.0], [0.0, 0.9, 0.1], [0.0, 0.8, 0.2]].view());
        let chain = chain.unwrap();
        let law = chain.stationary().unwrap().converged().unwrap();
        let loops = [0, 2, 1].map(|state| RepetitionLoop::along(&chain, &[state]).unwrap());
        let ranked = chain.ranked_loops(loops, &law).unwrap();
        let states: Vec<usize> = ranked.iter().map(|(cycle, _)| cycle.states()[0]).collect();
        assert_eq!(states, [1, 2], "the longest stay first, and nothing transient");
    }
}
