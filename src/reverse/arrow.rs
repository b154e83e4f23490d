//! The arrow of time: how a process differs from itself read backwards.

use rayon::prelude::*;

use super::Reversed;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::parallel::{ROWS_A_PART, fill_by};
use crate::prob::{Law, sum_by};
use crate::text::sequence_key;

/// What is asked of a chain here, for its errors.
const WHAT: &str = "the reversal of its text";

impl<O: TransitionOperator> MarkovChain<O> {
    /// Irreversibility: the relative entropy rate of the stationary process of
    /// tokens from itself read backwards, in bits a token.
    ///
    /// ```text
    /// sigma = lim 1/n KL(P(x_1 .. x_n) || P(x_n .. x_1))
    ///       = sum over c of  pi(c) KL(p(· | c) || q(· | R c))
    /// ```
    ///
    /// with `R` the reversal of a window and `q` the law of the token before one.
    /// Zero if and only if the process is reversible, infinite if something is
    /// said that is never said backwards. For a bare matrix, where `R` is the
    /// identity, it is the entropy production of the chain (Schnakenberg 1976,
    /// Gaspard 2004). A difference of two nearly equal laws costs its leading
    /// digits: below about 1e-13 it is rounding.
    ///
    /// `O(transitions)`, and one product.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a law over other states;
    /// [`Error::NotWindows`] for the chain of a whole back-off model;
    /// [`Error::NotShiftRegister`] if some step does more than append a token
    /// and drop the oldest, such as a restart.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::MarkovChain;
    /// use ndarray::array;
    ///
    /// // Round and round, mostly one way.
    /// let cycle = array![[0.1, 0.7, 0.2], [0.2, 0.1, 0.7], [0.7, 0.2, 0.1]];
    /// let chain = MarkovChain::from_dense(cycle.view())?;
    /// let law = chain.stationary()?.converged()?;
    /// let bits = chain.irreversibility(&law)?;
    /// assert!((bits - 0.5 * 3.5_f64.log2()).abs() < 1e-12);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn irreversibility(&self, stationary: &Law) -> Result<f64> {
        let mirror = Mirror::new(self, stationary)?;
        let divergence = |from: usize| {
            let term = |to: usize, p: f64| {
                let backwards = mirror.probability(from, to);
                p * (p.log2() - backwards.log2())
            };
            stationary[from]
                * successors(self.operator(), from).map(|to| term(to.state, to.probability)).sum::<f64>()
        };
        Ok(mirror.sum(divergence).max(0.0))
    }

    /// Total variation distance between the law of K + 1 tokens in a row and the
    /// law of the same tokens read backwards: between 0 and 1, finite always.
    ///
    /// Zero if and only if the process of tokens is reversible,
    ///
    /// ```text
    /// pi(c) P(c, c') = pi(R c') P(R c', R c)   for all windows c, c'.
    /// ```
    ///
    /// Without `R` the condition fails for every chain over windows of two
    /// tokens or more: a step shifts the window, and no step shifts it back.
    ///
    /// `O(transitions)`, and one product.
    ///
    /// # Errors
    ///
    /// As [`irreversibility`](Self::irreversibility).
    pub fn reversal_distance(&self, stationary: &Law) -> Result<f64> {
        let mirror = Mirror::new(self, stationary)?;
        // Both flows sum to one, so half the L1 distance is the sum of what one
        // has more than the other: the transitions of the chain are enough.
        let excess = |from: usize| {
            let term = |to: usize, p: f64| (stationary[from] * p - mirror.flow(from, to)).max(0.0);
            successors(self.operator(), from).map(|to| term(to.state, to.probability)).sum()
        };
        Ok(mirror.sum(excess).min(1.0))
    }

    /// Whether the process of tokens is the same in both directions of time: no
    /// block of K + 1 tokens is more probable than itself read backwards by more
    /// than the tolerance.
    ///
    /// Every process over two tokens with K of 1 or 2 is.
    ///
    /// # Errors
    ///
    /// As [`irreversibility`](Self::irreversibility), and
    /// [`Error::InvalidSetting`] unless the tolerance is finite and not negative.
    pub fn is_token_reversible(&self, stationary: &Law, tolerance: f64) -> Result<bool> {
        if !(tolerance.is_finite() && tolerance >= 0.0) {
            let requirement = "finite and not negative";
            return Err(Error::InvalidSetting { name: "tolerance", value: tolerance, requirement });
        }
        let mirror = Mirror::new(self, stationary)?;
        let stands_out = |from: usize| {
            successors(self.operator(), from)
                .any(|to| stationary[from] * to.probability - mirror.flow(from, to.state) > tolerance)
        };
        Ok(!(0..self.len()).into_par_iter().any(stands_out))
    }

    /// Entropy rate of the process run backwards, in bits a step: new bits that
    /// the token *before* brings.
    ///
    /// It equals the [`entropy_rate`](Self::entropy_rate), however irreversible
    /// the process is: the same blocks have the same entropy. Computed from the
    /// backward rows, it checks the stationary law. `O(transitions)`.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a law over other states.
    pub fn backward_entropy_rate(&self, stationary: &Law) -> Result<f64> {
        Ok(self.reversed(stationary)?.entropy_rate(stationary))
    }
}

/// The chain seen backwards, its windows read backwards too.
struct Mirror<'a, O> {
    reversed: Reversed<&'a O>,
    /// The state that shows each state's tokens from right to left, if there is one.
    image: Vec<Option<u32>>,
}

impl<'a, O: TransitionOperator> Mirror<'a, O> {
    fn new(chain: &'a MarkovChain<O>, stationary: &Law) -> Result<Self> {
        chain.check_token_process(stationary, WHAT)?;
        let states = chain.states();
        let image = |state: usize| {
            let key = sequence_key(states.tokens(state).iter().rev(), states.vocabulary_size());
            states.find_key(key).map(|image| image as u32)
        };
        Ok(Self {
            reversed: Reversed::new(chain.operator(), stationary.clone())?,
            image: (0..chain.len()).into_par_iter().map(image).collect(),
        })
    }

    fn images(&self, from: usize, to: usize) -> Option<(usize, usize)> {
        Some((self.image[from]? as usize, self.image[to]? as usize))
    }

    /// The probability of the step in the process read backwards.
    fn probability(&self, from: usize, to: usize) -> f64 {
        match self.images(from, to) {
            Some((from, to)) if self.reversed.has_past(from) => self.reversed.probability(from, to),
            _ => 0.0,
        }
    }

    /// The probability of the two windows in a row in the process read backwards.
    fn flow(&self, from: usize, to: usize) -> f64 {
        self.images(from, to).map_or(0.0, |(from, to)| {
            self.reversed.law()[to] * self.reversed.operator().probability(to, from)
        })
    }

    /// Adds up what the states that are visited contribute.
    fn sum(&self, term: impl Fn(usize) -> f64 + Sync) -> f64 {
        let law = self.reversed.law();
        let visited = |state: usize| if law[state] > 0.0 { term(state) } else { 0.0 };
        let mut terms = vec![0.0; law.len()];
        fill_by(&mut terms, ROWS_A_PART, visited);
        sum_by(terms.len(), |state| terms[state])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::States;
    use crate::model::TableModel;
    use crate::operator::Restart;

    /// Three tokens, two of context, no symmetry.
    fn chain() -> (MarkovChain<crate::operator::ShiftOperator>, Law) {
        let weights: Vec<f64> = (0..27u32).map(|i| f64::from(i * i % 7 + 1)).collect();
        let chain = MarkovChain::enumerated(&TableModel::normalized(3, 2, weights).unwrap()).unwrap();
        let law = chain.stationary().unwrap().converged().unwrap();
        (chain, law)
    }

    /// KL(P_n || its reversal), all strings of n tokens one by one.
    fn divergence_of_blocks(n: usize) -> f64 {
        let (chain, law) = chain();
        let space = *chain.operator().space();
        let probability = |tokens: &[u32]| {
            let state = space.index(&tokens[..2]);
            let steps = tokens
                .windows(3)
                .map(|w| chain.operator().probability(space.index(&w[..2]), space.index(&w[1..])));
            law[state] * steps.product::<f64>()
        };
        let strings = crate::text::ContextSpace::new(3, n).unwrap();
        (0..strings.len())
            .map(|string| {
                let p = probability(&strings.tokens(string));
                p * (p / probability(&strings.tokens(strings.reversed(string)))).log2()
            })
            .sum()
    }

    #[test]
    fn irreversibility_is_the_growth_of_the_divergence_of_blocks() {
        let (chain, law) = chain();
        let rate = chain.irreversibility(&law).unwrap();
        assert!(rate > 0.01);
        for n in [2, 3, 5] {
            // 3^6 terms of size below one, each off by a few eps.
            let growth = divergence_of_blocks(n + 1) - divergence_of_blocks(n);
            assert!((growth - rate).abs() < 1e-12, "{n}: {growth} {rate}");
        }
    }

    #[test]
    fn the_distance_is_that_of_blocks_of_one_token_more_than_a_window() {
        let (chain, law) = chain();
        let space = crate::text::ContextSpace::new(3, 3).unwrap();
        let block = |string: usize| law[string / 3] * chain.operator().probability(string / 3, string % 9);
        let half: f64 =
            (0..27).map(|string| 0.5 * (block(string) - block(space.reversed(string))).abs()).sum();
        let distance = chain.reversal_distance(&law).unwrap();
        assert!((distance - half).abs() < 1e-14 && distance > 0.01, "{distance} {half}");
        assert!(!chain.is_token_reversible(&law, 1e-6).unwrap());
        assert!(chain.is_token_reversible(&law, 1.0).unwrap());
    }

    #[test]
    fn laws_of_other_chains_restarts_and_bad_tolerances_are_refused() {
        let (chain, law) = chain();
        let other = Law::uniform(4);
        assert!(matches!(
            chain.irreversibility(&other),
            Err(Error::LengthMismatch { expected: 9, found: 4 })
        ));
        assert!(matches!(chain.backward_entropy_rate(&other), Err(Error::LengthMismatch { .. })));
        for tolerance in [-1.0, f64::NAN, f64::INFINITY] {
            let refused = chain.is_token_reversible(&law, tolerance);
            assert!(matches!(refused, Err(Error::InvalidSetting { name: "tolerance", .. })));
        }
        let space = *chain.operator().space();
        let restart = Restart::new(chain.operator(), 0.1, Law::point(9, 0)).unwrap();
        let restarted = MarkovChain::new(restart, States::contexts(space, None));
        assert!(matches!(restarted.reversal_distance(&law), Err(Error::NotShiftRegister { .. })));
    }
}
