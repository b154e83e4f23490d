//! Entropy rate, block entropies, excess entropy.

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, predecessors};
use crate::prob::{Law, entropy, sum_by};
use crate::text::Token;

impl<O: TransitionOperator> MarkovChain<O> {
    /// Entropy rate `sum over i of pi(i) H(P(i, ·))` of the chain of states, in
    /// bits a step; over contexts, also that of the tokens. `O(transitions)`, and
    /// for a [`BackoffOperator`](crate::operator::BackoffOperator) `O(n-grams)`.
    ///
    /// # Panics
    ///
    /// If the law is over other states; so do the other methods here.
    #[track_caller]
    pub fn entropy_rate(&self, stationary: &Law) -> f64 {
        self.check_law(stationary);
        let mut entropies = vec![0.0; self.len()];
        self.operator().row_entropies(&mut entropies);
        let weighted =
            |state| if stationary[state] > 0.0 { stationary[state] * entropies[state] } else { 0.0 };
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
    /// `O(K N log N + transitions)`; for the chain of a back-off model, whose
    /// states are no windows, K products. There a text that starts anew has one
    /// token for that, the end-of-text token.
    ///
    /// # Errors
    ///
    /// [`Error::NotShiftRegister`] if some step does more than append a token and
    /// drop the oldest, such as a restart: then blocks are not read off windows.
    #[track_caller]
    pub fn block_entropies(&self, stationary: &Law, longest: usize) -> Result<Vec<f64>> {
        let context = self.states().context_length();
        let rate = self.entropy_rate(stationary);
        let within = self.entropies_within(stationary, longest.min(context))?;
        let beyond = (context + 1..=longest).map(|length| within[context] + (length - context) as f64 * rate);
        Ok(within.iter().copied().chain(beyond).collect())
    }

    /// Excess entropy `H(K) - K h`, in bits: the mutual information of a window
    /// and the next one that does not overlap it (Crutchfield & Feldman 2003).
    ///
    /// # Errors
    ///
    /// As [`block_entropies`](Self::block_entropies).
    #[track_caller]
    pub fn excess_entropy(&self, stationary: &Law) -> Result<f64> {
        let context = self.states().context_length();
        let window = if self.states().are_windows() {
            self.check_register(stationary)?;
            stationary.entropy()
        } else {
            self.entropies_within(stationary, context)?[context]
        };
        Ok((window - context as f64 * self.entropy_rate(stationary)).max(0.0))
    }

    /// Entropies of blocks that are no longer than a context.
    #[track_caller]
    fn entropies_within(&self, stationary: &Law, longest: usize) -> Result<Vec<f64>> {
        if !self.states().are_windows() {
            self.check_law(stationary);
            let known = self.operator().block_entropies(stationary, longest);
            return known.ok_or_else(|| self.unknown_blocks());
        }
        self.check_register(stationary)?;
        Ok((0..=longest).map(|length| self.suffix_entropy(stationary, length)).collect())
    }

    /// Names a step of a chain over suffixes whose token is not known.
    pub(super) fn unknown_blocks(&self) -> Error {
        let to = self.states().restart().unwrap_or(0);
        let from = predecessors(self.operator(), to).next().map_or(to, |before| before.state);
        Error::NotShiftRegister { from: self.states().label(from), to: self.states().label(to) }
    }

    /// Refuses a chain some step of which, under the law, is not a shift.
    #[track_caller]
    fn check_register(&self, law: &Law) -> Result<()> {
        self.check_law(law);
        self.check_shifts(law)
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
