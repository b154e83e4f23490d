//! The law of the next token after contexts that are not full.

use crate::chain::{MarkovChain, States};
use crate::error::Result;
use crate::operator::{ShiftOperator, TransitionOperator};
use crate::prob::Law;
use crate::solve::{MEMORY_LIMIT, check_memory};
use crate::text::{ContextSpace, Token, sequence_count};

/// What is said after fewer than K tokens.
///
/// A chain over windows has laws after K tokens only. A language model that is
/// asked with a shorter context answers as at the start of a document, which is
/// not what the middle of its text does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Conditionals {
    /// What the stationary process says after these tokens: rows averaged with
    /// the stationary law over the windows that end with them. The chain with
    /// these rows is the projection to that order; it has the block laws of the
    /// process up to one token more.
    #[default]
    Stationary,
    /// The plain average of the rows of all states that end with these tokens:
    /// a model that was never told how common each context is.
    Averaged,
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The chain of single tokens whose rows are what is said after one token:
    /// the kernel whose stationary law was used as a prior in place of that of
    /// the windows (Pfau et al. 2023).
    ///
    /// With [`Conditionals::Stationary`] its stationary law is that of one token.
    /// A token that is never said is followed by every token alike.
    ///
    /// One product, and `O(V^K + V^2)` memory.
    ///
    /// # Errors
    ///
    /// As [`BayesSettings::reverse`](super::BayesSettings::reverse); in particular
    /// [`Error::TooLarge`](crate::Error::TooLarge) if V^2 probabilities would take
    /// more than 8 GiB, from some 33,000 tokens on.
    pub fn short_kernel(
        &self,
        stationary: &Law,
        conditionals: Conditionals,
    ) -> Result<MarkovChain<ShiftOperator>> {
        let laws = ContextLaws::new(self, stationary, conditionals)?;
        let v = self.states().vocabulary_size();
        let bytes = (v as u128).pow(2) * size_of::<f64>() as u128;
        check_memory("the kernel of single tokens", bytes, MEMORY_LIMIT)?;
        let mut rows = Vec::with_capacity(v * v);
        for before in 0..v {
            let row: Vec<f64> =
                (0..v).map(|token| laws.probability(1, before as u128, token as Token)).collect();
            let said = row.iter().any(|p| *p > 0.0);
            rows.extend(row.into_iter().map(|p| if said { p } else { 1.0 / v as f64 }));
        }
        let space = ContextSpace::new(v, 1)?;
        let states = States::contexts(space, self.states().vocab().cloned());
        Ok(MarkovChain::new(ShiftOperator::new(space, rows)?, states))
    }
}

/// The law of the next token after 1, 2, .. tokens.
#[derive(Debug)]
pub(super) struct ContextLaws<'a, O> {
    pub(super) chain: &'a MarkovChain<O>,
    /// `levels[m - 1]`: V^m rows, after m tokens, for m below K. Rows of zeros
    /// for contexts that are never seen.
    levels: Vec<Vec<f64>>,
}

impl<'a, O: TransitionOperator> ContextLaws<'a, O> {
    pub(super) fn new(
        chain: &'a MarkovChain<O>,
        stationary: &Law,
        conditionals: Conditionals,
    ) -> Result<Self> {
        chain.check_token_process(stationary, "the law after fewer tokens than a window has")?;
        let (v, k) = (chain.states().vocabulary_size(), chain.states().context_length());
        let entries = (2..=k).map(|length| sequence_count(v, length)).sum::<Option<u128>>();
        let bytes = entries.unwrap_or(u128::MAX).saturating_mul(size_of::<f64>() as u128);
        check_memory("the laws after short contexts", bytes, MEMORY_LIMIT)?;
        let mut levels = Vec::new();
        if k > 1 {
            levels.push(windows(chain, stationary, conditionals));
        }
        for _ in 2..k {
            let longer = &levels[levels.len() - 1];
            levels.push(without_oldest(longer, v));
        }
        levels.reverse();
        for level in &mut levels {
            level.chunks_exact_mut(v).for_each(normalize);
        }
        Ok(Self { chain, levels })
    }

    /// The probability of a token after a context of 1 to K tokens, by its
    /// base-V number.
    pub(super) fn probability(&self, length: usize, context: u128, token: Token) -> f64 {
        let v = self.chain.states().vocabulary_size();
        match self.levels.get(length - 1) {
            Some(level) => level[context as usize * v + token as usize],
            None => self.after_window(context, token),
        }
    }

    fn after_window(&self, window: u128, token: Token) -> f64 {
        let states = self.chain.states();
        let v = states.vocabulary_size() as u128;
        // The space of windows is numbered in 128 bits, so its suffixes are too.
        let suffix = window % v.pow(states.context_length() as u32 - 1);
        let next = states.find_key(suffix * v + u128::from(token));
        match (states.find_key(window), next) {
            (Some(from), Some(to)) => self.chain.operator().probability(from, to),
            _ => 0.0,
        }
    }
}

/// How much each window is entered when every state weighs what the conditionals
/// say, by number: the rows after K - 1 tokens, before they are divided by their sums.
fn windows<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    stationary: &Law,
    conditionals: Conditionals,
) -> Vec<f64> {
    let states = chain.states();
    let mut entered = vec![0.0; chain.len()];
    match conditionals {
        Conditionals::Stationary => chain.operator().push_forward(stationary, &mut entered),
        Conditionals::Averaged => chain.operator().push_forward(&vec![1.0; chain.len()], &mut entered),
    }
    let all = states.vocabulary_size().pow(states.context_length() as u32);
    let mut windows = vec![0.0; all];
    for (state, weight) in entered.into_iter().enumerate() {
        windows[states.key(state) as usize] = weight;
    }
    windows
}

/// Blocks of tokens with their weights, the oldest token of each summed out.
fn without_oldest(blocks: &[f64], vocabulary_size: usize) -> Vec<f64> {
    let shorter = blocks.len() / vocabulary_size;
    let mut sums = vec![0.0; shorter];
    for lane in blocks.chunks_exact(shorter) {
        for (sum, weight) in sums.iter_mut().zip(lane) {
            *sum += weight;
        }
    }
    sums
}

fn normalize(row: &mut [f64]) {
    let sum: f64 = row.iter().sum();
    if sum > 0.0 {
        row.iter_mut().for_each(|weight| *weight /= sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::operator::SparseOperator;

    #[test]
    fn a_dense_kernel_of_forty_thousand_tokens_is_refused() {
        let v = 40_000;
        let cycle = (0..v as u32).map(|token| (token, (token + 1) % v as u32, 1.0)).collect();
        let states = States::contexts(ContextSpace::new(v, 1).unwrap(), None);
        let chain = MarkovChain::new(SparseOperator::from_triplets(v, cycle).unwrap(), states);
        let kernel = chain.short_kernel(&Law::uniform(v), Conditionals::Stationary);
        // 8 V^2 = 12.8 GB.
        assert!(matches!(kernel, Err(Error::TooLarge { needed: 12_800_000_000, .. })));
    }
}
