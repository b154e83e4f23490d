//! The search for loops that are likely to be followed.

use super::RepetitionLoop;
use super::strong_graph::StrongGraph;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::solve::{Observer, Silent, check_operations};

/// Finds every loop that is likely to be followed for a whole turn.
///
/// The search is exact: a simple cycle of up to `max_length` states is found if,
/// and only if, the probabilities of its steps, multiplied from its smallest
/// state on, come to the threshold `t` or more.
///
/// # Complexity
///
/// Every transition is looked at once; those below `t` cannot be on such a
/// loop. From each state the others are followed depth first, as long as their
/// product is `t` or more. The paths of one length out of a state have a total
/// probability of at most 1, so there are at most `1/t` of those: at most
/// `2 L / t` steps a state are looked at for loops of `L` states. All loops
/// through one state exclude each other as first returns, so there are at most
/// `1/t` of them too.
///
/// The loops of greedy decoding, [`MarkovChain::greedy_loops`], are among those
/// found if their turns are that probable; [`RepetitionLoop::along`] measures the others.
///
/// # Example
///
/// ```
/// use lmchain::prelude::*;
/// use lmchain::loops::LoopSearch;
///
/// let text = "so it goes, so it goes, so it goes, and then it ends. ";
/// let corpus = CorpusSettings::new(Tokenizer::words()).read_strings([text])?;
/// let chain = MarkovChain::observed(&corpus, 2)?;
/// let found = LoopSearch::new().threshold(0.5).find(&chain)?;
/// assert_eq!(found[0].text(chain.states()), "it goes , so");
/// assert!((found[0].turn_probability() - 2.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LoopSearch {
    threshold: f64,
    max_length: usize,
}

impl Default for LoopSearch {
    fn default() -> Self {
        Self::new()
    }
}

impl LoopSearch {
    /// Turns of probability 1/2 or more, of up to 64 states.
    pub fn new() -> Self {
        Self { threshold: 0.5, max_length: 64 }
    }

    /// The least turn probability: above 0, at most 1.
    #[must_use]
    pub fn threshold(mut self, turn_probability: f64) -> Self {
        self.threshold = turn_probability;
        self
    }

    /// The most states of a loop.
    #[must_use]
    pub fn max_length(mut self, states: usize) -> Self {
        self.max_length = states;
        self
    }

    /// The loops of a chain, the most probable turn first, then by their states.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] for a threshold outside its range,
    /// [`Error::MustBePositive`] for the length, [`Error::TooExpensive`] if more
    /// than 10^12 steps might have to be looked at, [`Error::TooLarge`].
    pub fn find<O: TransitionOperator>(&self, chain: &MarkovChain<O>) -> Result<Vec<RepetitionLoop>> {
        self.find_watched(chain, &mut Silent)
    }

    /// As [`find`](Self::find), watched: progress is counted in states whose
    /// transitions were looked at, then in probable steps followed.
    ///
    /// # Errors
    ///
    /// As `find`, and [`Error::Cancelled`].
    pub fn find_watched<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        observer: &mut dyn Observer,
    ) -> Result<Vec<RepetitionLoop>> {
        self.check(chain.len())?;
        let graph = StrongGraph::new(chain.operator(), self.threshold, observer)?;
        let cycles = graph.cycles(self.max_length, observer)?;
        let measured = cycles.iter().map(|cycle| RepetitionLoop::along(chain, cycle));
        let mut loops = measured.collect::<Result<Vec<_>>>()?;
        loops.sort_by(|one, two| {
            let by_turn = two.turn_probability().total_cmp(&one.turn_probability());
            by_turn.then_with(|| one.states().cmp(two.states()))
        });
        Ok(loops)
    }

    fn check(&self, states: usize) -> Result<()> {
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            let (value, requirement) = (self.threshold, "above 0 and at most 1");
            return Err(Error::InvalidSetting { name: "threshold", value, requirement });
        }
        if self.max_length == 0 {
            return Err(Error::MustBePositive { what: "length of a loop" });
        }
        let length = self.max_length.min(states) as f64;
        let needed = 2.0 * states as f64 * length / self.threshold;
        check_operations("the search for loops", needed, "raise the threshold, or shorten the loops")
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::chain::States;
    use crate::operator::ShiftOperator;
    use crate::solve::Progress;
    use crate::text::ContextSpace;

    /// A chain whose tokens follow each other by turns of hashed weights.
    fn chain(v: usize, k: usize) -> MarkovChain<ShiftOperator> {
        let space = ContextSpace::new(v, k).unwrap();
        let row = |context: usize| {
            let weight = move |token: usize| match (context * 31 + token * 7919) % 101 {
                0..4 => 40.0,
                rest => rest as f64 / 101.0,
            };
            let sum: f64 = (0..v).map(weight).sum();
            (0..v).map(move |token| weight(token) / sum)
        };
        let table = (0..space.len()).flat_map(row).collect();
        MarkovChain::new(ShiftOperator::new(space, table).unwrap(), States::contexts(space, None))
    }

    #[test]
    fn no_more_steps_are_followed_than_probabilities_allow() {
        let chain = chain(27, 3);
        for (threshold, max_length) in [(0.5, 64), (0.1, 16), (0.01, 6)] {
            let mut seen = Vec::new();
            let mut watch = |progress: &Progress| {
                seen.push((progress.stage, progress.done));
                ControlFlow::Continue(())
            };
            let search = LoopSearch::new().threshold(threshold).max_length(max_length);
            let loops = search.find_watched(&chain, &mut watch).unwrap();
            let done = |stage| seen.iter().rev().find(|(s, _)| *s == stage).unwrap().1;
            assert_eq!(done("finding probable steps"), 27 * 27 * 27);
            let bound = 2.0 * chain.len() as f64 * max_length as f64 / threshold;
            assert!((done("following probable steps") as f64) <= bound);
            let states: usize = loops.iter().map(RepetitionLoop::len).sum();
            assert!(states as f64 <= chain.len() as f64 / threshold);
        }
    }

    #[test]
    fn the_observer_can_stop_either_stage() {
        let chain = chain(5, 2);
        for stage in ["finding probable steps", "following probable steps"] {
            let mut stop = |progress: &Progress| {
                if progress.stage == stage { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let stopped = LoopSearch::new().find_watched(&chain, &mut stop);
            assert!(matches!(stopped, Err(Error::Cancelled { stage: at }) if at == stage));
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let chain = chain(5, 2);
        for threshold in [0.0, -0.5, 1.5, f64::NAN] {
            let refused = LoopSearch::new().threshold(threshold).find(&chain);
            assert!(matches!(refused, Err(Error::InvalidSetting { name: "threshold", .. })));
        }
        let refused = LoopSearch::new().max_length(0).find(&chain);
        assert!(matches!(refused, Err(Error::MustBePositive { .. })));
        let refused = LoopSearch::new().threshold(1e-12).find(&chain);
        assert!(matches!(refused, Err(Error::TooExpensive { .. })));
    }
}
