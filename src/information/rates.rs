//! Entropy rate, block entropies, excess entropy.

use crate::chain::MarkovChain;
use crate::operator::{TransitionOperator, successors};
use crate::prob::{Law, entropy, sum_by};
use crate::text::Token;

impl<O: TransitionOperator> MarkovChain<O> {
    /// Entropy rate `sum over i of pi(i) H(P(i, ·))`, in bits a token. `O(transitions)`.
    ///
    /// # Panics
    ///
    /// If the law is over other states; so do the other methods here.
    #[track_caller]
    pub fn entropy_rate(&self, stationary: &Law) -> f64 {
        self.check_law(stationary);
        let row_entropy = |state| {
            let row = successors(self.operator(), state);
            row.map(|to| -to.probability * to.probability.log2()).sum::<f64>()
        };
        let weighted =
            |state| if stationary[state] > 0.0 { stationary[state] * row_entropy(state) } else { 0.0 };
        sum_by(self.len(), weighted).max(0.0)
    }

    /// The law of one token, the newest of a state: `V` entries.
    #[track_caller]
    pub fn token_law(&self, law: &Law) -> Law {
        self.check_law(law);
        let mut tokens = vec![0.0; self.states().vocabulary_size()];
        for (state, p) in law.iter().enumerate() {
            tokens[self.states().newest_token(state) as usize] += p;
        }
        Law::from_computed(tokens)
    }

    /// Entropies `H(L)` of blocks of `L = 0..=longest` tokens, in bits.
    ///
    /// `O(K N log N)`.
    #[track_caller]
    pub fn block_entropies(&self, stationary: &Law, longest: usize) -> Vec<f64> {
        let context = self.states().context_length();
        let rate = self.entropy_rate(stationary);
        let within: Vec<f64> =
            (0..=longest.min(context)).map(|length| self.suffix_entropy(stationary, length)).collect();
        let beyond = (context + 1..=longest).map(|length| within[context] + (length - context) as f64 * rate);
        within.iter().copied().chain(beyond).collect()
    }

    /// Excess entropy `H(K) - K h`, in bits: the mutual information of a window
    /// and the next one that does not overlap it (Crutchfield & Feldman 2003).
    #[track_caller]
    pub fn excess_entropy(&self, stationary: &Law) -> f64 {
        let context = self.states().context_length() as f64;
        (stationary.entropy() - context * self.entropy_rate(stationary)).max(0.0)
    }

    /// Entropy of the last `length` tokens of a state.
    fn suffix_entropy(&self, law: &Law, length: usize) -> f64 {
        if length == 0 {
            // There is one empty block: no rounding of the total mass belongs here.
            return 0.0;
        }
        if length >= self.states().context_length() {
            return law.entropy();
        }
        let keyed = |(state, &p): (usize, &f64)| (self.states().suffix_key(state, length), p);
        let mut suffixes: Vec<(u128, f64)> =
            law.iter().enumerate().filter(|(_, p)| **p > 0.0).map(keyed).collect();
        suffixes.sort_by_key(|&(key, _)| key);
        let groups = suffixes.chunk_by(|a, b| a.0 == b.0);
        let masses: Vec<f64> = groups.map(|group| group.iter().map(|(_, p)| p).sum()).collect();
        entropy(&masses)
    }

    /// The newest token of every state.
    pub(super) fn newest_tokens(&self) -> Vec<Token> {
        (0..self.len()).map(|state| self.states().newest_token(state)).collect()
    }

    #[track_caller]
    pub(super) fn check_law(&self, law: &Law) {
        assert_eq!(law.len(), self.len(), "a law over the states of the chain");
    }
}
