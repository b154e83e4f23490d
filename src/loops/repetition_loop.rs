//! A cycle of states, with the probabilities of following and of leaving it.

use crate::chain::{MarkovChain, StateSet, States};
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::text::Token;

/// A cycle of states of a chain, each led to by the one before it.
///
/// The probabilities of leaving are added up from the other steps, never taken
/// as `1 - p`: they keep their digits in loops that are all but absorbing.
///
/// # Example
///
/// ```
/// use lmchain::chain::MarkovChain;
/// use lmchain::loops::RepetitionLoop;
/// use ndarray::array;
///
/// let chain = MarkovChain::from_dense(array![[0.75, 0.25], [0.5, 0.5]].view())?;
/// let stuck = RepetitionLoop::along(&chain, &[0])?;
/// assert_eq!(stuck.turn_probability(), 0.75);
/// assert_eq!(stuck.mean_stay_from(0), 4.0); // 1 / (1 - 0.75)
/// let there_and_back = RepetitionLoop::along(&chain, &[1, 0])?;
/// assert_eq!(there_and_back.states(), [0, 1]); // the smallest state first
/// assert_eq!(there_and_back.turn_probability(), 0.125);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RepetitionLoop {
    states: Vec<usize>,
    /// Of the step from each state to the next of the loop.
    following: Vec<f64>,
    /// Of all other steps out of each state.
    leaving: Vec<f64>,
}

impl RepetitionLoop {
    /// The loop along these states, in this order and from the last to the first.
    ///
    /// Looks at every transition out of them.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for no states, [`Error::StateOutOfRange`],
    /// [`Error::RepeatedState`], and [`Error::NoStep`] where the chain does not
    /// lead from one state to the next.
    pub fn along<O: TransitionOperator>(chain: &MarkovChain<O>, cycle: &[usize]) -> Result<Self> {
        check_cycle(chain.states(), cycle)?;
        let smallest = (0..cycle.len()).min_by_key(|&place| cycle[place]).unwrap_or(0);
        let states = [&cycle[smallest..], &cycle[..smallest]].concat();
        let (mut following, mut leaving) = (Vec::new(), Vec::new());
        for (place, &from) in states.iter().enumerate() {
            let to = states[(place + 1) % states.len()];
            let (follows, leaves) = step_probabilities(chain.operator(), from, to);
            if follows == 0.0 {
                let label = |state| chain.states().label(state);
                return Err(Error::NoStep { from: label(from), to: label(to) });
            }
            following.push(follows);
            leaving.push(leaves);
        }
        Ok(Self { states, following, leaving })
    }

    /// The states in the order in which they are visited, the smallest first.
    pub fn states(&self) -> &[usize] {
        &self.states
    }

    /// Number of states, and of tokens a turn.
    #[allow(clippy::len_without_is_empty, reason = "a loop has at least one state")]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// The states as a set, out of the `states` of the chain.
    ///
    /// # Errors
    ///
    /// [`Error::StateOutOfRange`] for another chain's number of states.
    pub fn state_set(&self, states: usize) -> Result<StateSet> {
        StateSet::of(states, self.states.iter().copied())
    }

    /// The probability of the loop's step out of each of its states.
    pub fn step_probabilities(&self) -> &[f64] {
        &self.following
    }

    /// The probability of going round once more, `rho`: the product of those of the steps.
    pub fn turn_probability(&self) -> f64 {
        self.following.iter().product()
    }

    /// The probability of leaving the loop before it is closed again, `1 - rho`
    /// without a subtraction: the first step that leaves is the first, the
    /// second, and so on.
    pub fn escape_per_turn(&self) -> f64 {
        let mut kept = 1.0;
        let leaves = |(&leaves, &follows): (&f64, &f64)| {
            let escaped = kept * leaves;
            kept *= follows;
            escaped
        };
        self.leaving.iter().zip(&self.following).map(leaves).sum()
    }

    /// Whether no other step leaves the states of the loop.
    pub fn is_absorbing(&self) -> bool {
        self.leaving.iter().all(|&leaves| leaves == 0.0)
    }

    /// Mean number of whole turns of a visit, `rho / (1 - rho)` wherever it
    /// begins: the visit lasts for `k` turns with probability `rho^k`. Infinite
    /// if the loop is absorbing.
    pub fn mean_turns(&self) -> f64 {
        self.turn_probability() / self.escape_per_turn()
    }

    /// Mean number of steps, from the state at this place of the loop, up to and
    /// with the first one that is not the loop's. Infinite if the loop is absorbing.
    ///
    /// # Panics
    ///
    /// If the loop is shorter than that.
    #[track_caller]
    pub fn mean_stay_from(&self, place: usize) -> f64 {
        assert!(place < self.len(), "place {place} on a loop of {} states", self.len());
        self.mean_stays()[place]
    }

    /// The mean stay from each place.
    ///
    /// With `m = 1 + p m'` from each place to the next, the stay from the first
    /// one is the sum of the chances of still being on the loop after `0..length`
    /// steps, divided by that of leaving in a turn; the others follow backwards.
    pub(super) fn mean_stays(&self) -> Vec<f64> {
        let still_there = self.following.iter().scan(1.0, |kept, follows| {
            let there = *kept;
            *kept *= follows;
            Some(there)
        });
        let mut stay = still_there.sum::<f64>() / self.escape_per_turn();
        let mut stays = vec![stay; self.len()];
        for place in (1..self.len()).rev() {
            stay = 1.0 + self.following[place] * stay;
            stays[place] = stay;
        }
        stays
    }

    /// The tokens that one turn appends, from the first state on, or the
    /// shortest string that they repeat.
    ///
    /// In a chain of contexts a turn repeats nothing, however short its string:
    /// after a repetition the context would be the same.
    ///
    /// # Panics
    ///
    /// If the states are of another chain and have no such state.
    #[track_caller]
    pub fn tokens(&self, states: &States) -> Vec<Token> {
        let after_first = self.states[1..].iter().chain(&self.states[..1]);
        let mut turn: Vec<Token> = after_first.map(|&state| states.newest_token(state)).collect();
        turn.truncate(primitive_period(&turn));
        turn
    }

    /// What one turn writes: the names of its [`tokens`](Self::tokens).
    ///
    /// # Panics
    ///
    /// As [`tokens`](Self::tokens).
    #[track_caller]
    pub fn text(&self, states: &States) -> String {
        states.text(&self.tokens(states))
    }
}

/// Refuses what cannot be a cycle of these states, whatever the transitions are.
fn check_cycle(states: &States, cycle: &[usize]) -> Result<()> {
    if cycle.is_empty() {
        return Err(Error::MustBePositive { what: "number of states of a loop" });
    }
    if let Some(&state) = cycle.iter().find(|&&state| state >= states.len()) {
        return Err(Error::StateOutOfRange { state, states: states.len() });
    }
    let mut sorted = cycle.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::RepeatedState { state: pair[0], label: states.label(pair[0]) }),
        None => Ok(()),
    }
}

/// The probabilities of a step from one state to another, and of all other steps.
fn step_probabilities<O: TransitionOperator>(operator: &O, from: usize, to: usize) -> (f64, f64) {
    successors(operator, from).fold((0.0, 0.0), |(follows, leaves), step| {
        if step.state == to {
            (follows + step.probability, leaves)
        } else {
            (follows, leaves + step.probability)
        }
    })
}

/// Length of the shortest string that these tokens repeat a whole number of
/// times: the shortest period that divides their number (Knuth, Morris & Pratt 1977).
fn primitive_period(tokens: &[Token]) -> usize {
    let mut borders = vec![0; tokens.len()];
    for end in 1..tokens.len() {
        let mut border: usize = borders[end - 1];
        while border > 0 && tokens[border] != tokens[end] {
            border = borders[border - 1];
        }
        borders[end] = border + usize::from(tokens[border] == tokens[end]);
    }
    let period = tokens.len() - borders.last().copied().unwrap_or(0);
    if tokens.len().is_multiple_of(period.max(1)) { period } else { tokens.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::SparseOperator;
    use crate::text::Vocab;

    fn chain(rows: &[[f64; 3]; 3]) -> MarkovChain<SparseOperator> {
        let entry = |from: usize, to: usize| (from as u32, to as u32, rows[from][to]);
        let triplets = (0..9).map(|place| entry(place / 3, place % 3)).collect();
        let names = Vocab::new(vec!["a".into(), "b".into(), "c".into()]).unwrap();
        MarkovChain::new(SparseOperator::from_triplets(3, triplets).unwrap(), States::named(names))
    }

    #[test]
    fn the_stay_from_each_place_is_what_the_steps_say() {
        let chain = chain(&[[0.25, 0.5, 0.25], [0.0, 0.25, 0.75], [0.5, 0.5, 0.0]]);
        let cycle = RepetitionLoop::along(&chain, &[1, 2, 0]).unwrap();
        assert_eq!(cycle.states(), [0, 1, 2]);
        assert_eq!(cycle.step_probabilities(), [0.5, 0.75, 0.5]);
        assert_eq!((cycle.turn_probability(), cycle.escape_per_turn()), (3.0 / 16.0, 13.0 / 16.0));
        // m0 = 1 + m1 / 2, m1 = 1 + 3/4 m2, m2 = 1 + m0 / 2.
        let expected = [30.0 / 13.0, 34.0 / 13.0, 28.0 / 13.0];
        for (place, expected) in expected.into_iter().enumerate() {
            // A dozen roundings.
            assert!((cycle.mean_stay_from(place) - expected).abs() < 16.0 * f64::EPSILON);
        }
        assert!((cycle.mean_turns() - 3.0 / 13.0).abs() < f64::EPSILON);
        assert_eq!(cycle.text(chain.states()), "bca");
    }

    #[test]
    fn a_loop_that_is_hardly_left_keeps_its_digits() {
        let rare = 1e-25;
        let chain = chain(&[[0.0, 1.0, rare], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]);
        let cycle = RepetitionLoop::along(&chain, &[0, 1]).unwrap();
        assert_eq!((cycle.turn_probability(), cycle.is_absorbing()), (1.0, false));
        assert_eq!((cycle.escape_per_turn(), cycle.mean_turns()), (rare, 1.0 / rare));
    }

    #[test]
    fn an_absorbing_loop_is_never_left() {
        let chain = chain(&[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.0, 0.5]]);
        let cycle = RepetitionLoop::along(&chain, &[0, 1]).unwrap();
        assert!(cycle.is_absorbing());
        assert_eq!((cycle.mean_stay_from(1), cycle.mean_turns()), (f64::INFINITY, f64::INFINITY));
    }

    #[test]
    fn what_is_no_loop_is_refused_with_the_place() {
        let chain = chain(&[[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]]);
        let along = |cycle: &[usize]| RepetitionLoop::along(&chain, cycle).unwrap_err();
        assert!(matches!(along(&[]), Error::MustBePositive { .. }));
        assert!(matches!(along(&[0, 3]), Error::StateOutOfRange { state: 3, states: 3 }));
        assert!(matches!(along(&[0, 1, 2, 1]), Error::RepeatedState { state: 1, .. }));
        let Error::NoStep { from, to } = along(&[1, 0]) else { panic!("no step leads from b to a") };
        assert_eq!((from.as_str(), to.as_str()), ("b", "a"));
        let cycle = RepetitionLoop::along(&chain, &[2, 0, 1]).unwrap();
        assert!(matches!(cycle.state_set(2), Err(Error::StateOutOfRange { state: 2, states: 2 })));
    }

    #[test]
    fn a_period_divides_the_turn() {
        for (tokens, period) in [
            (&[7][..], 1),
            (&[7, 7, 7], 1),
            (&[1, 2, 1, 2], 2),
            (&[1, 2, 1, 2, 1], 5),
            (&[1, 1, 2, 1, 1, 2], 3),
            (&[1, 2, 3], 3),
        ] {
            assert_eq!(primitive_period(tokens), period, "{tokens:?}");
        }
    }
}
