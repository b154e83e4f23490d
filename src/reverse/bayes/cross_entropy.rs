//! What a reversal by Bayes' rule costs on the chain's own text.

use rayon::prelude::*;

use super::BayesReversal;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::prob::sum_by;
use crate::solve::{MEMORY_LIMIT, check_memory, check_operations};
use crate::text::{sequence_count, write_sequence};

impl<O: TransitionOperator> BayesReversal<'_, O> {
    /// Cross-entropy of the reversal on the chain's own stationary text, in bits
    /// a token: the mean of `-log2 q(u | s)` over blocks of a token `u` and the
    /// `length` tokens `s` after it. Infinite if something is excluded that occurs.
    ///
    /// The exact reversal costs `H(length + 1) - H(length)` bits, the entropy rate
    /// for whole windows, and no other costs less. Longer suffixes than windows
    /// tell nothing more.
    ///
    /// `O(length V^(length + 1))` time, `V^(length + 1)` entries of memory.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] unless the length is from 1 to K;
    /// [`Error::PromptTooShort`] if it is less than a reverse model as the prior
    /// looks at, and what that model returns; [`Error::TooLarge`] beyond 8 GiB,
    /// [`Error::TooExpensive`] beyond 10^12 multiplications.
    pub fn cross_entropy(&self, length: usize) -> Result<f64> {
        if !(1..=self.context_length()).contains(&length) {
            let requirement = "from 1 to the context length";
            return Err(Error::InvalidSetting { name: "suffix length", value: length as f64, requirement });
        }
        let blocks = self.block_law(length + 1)?;
        let v = self.chain().states().vocabulary_size();
        let suffixes = blocks.len() / v;
        let cost = |suffix: usize| {
            let weights: Vec<f64> = (0..v).map(|before| blocks[before * suffixes + suffix]).collect();
            if weights.iter().all(|weight| *weight == 0.0) {
                return Ok(0.0);
            }
            let mut tokens = vec![0; length];
            write_sequence(suffix as u128, v, &mut tokens);
            let posterior = self.posterior(&tokens)?;
            Ok(posterior.map_or(f64::INFINITY, |law| surprisal(&weights, &law)))
        };
        let costs: Vec<Result<f64>> = (0..suffixes).into_par_iter().map(cost).collect();
        let costs = costs.into_iter().collect::<Result<Vec<f64>>>()?;
        Ok(sum_by(costs.len(), |suffix| costs[suffix]))
    }

    /// The law of blocks of up to K + 1 tokens, by number.
    fn block_law(&self, length: usize) -> Result<Vec<f64>> {
        let (chain, law) = (self.chain(), self.stationary());
        let states = chain.states();
        let v = states.vocabulary_size();
        let count = sequence_count(v, length).unwrap_or(u128::MAX);
        check_memory("the law of blocks of tokens", count.saturating_mul(8), MEMORY_LIMIT)?;
        let remedy = "ask for shorter suffixes, or use a smaller vocabulary";
        check_operations("the cross-entropy of a reversal", count as f64 * length as f64, remedy)?;
        let mut blocks = vec![0.0; count as usize];
        for (state, &p) in law.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            if length <= states.context_length() {
                blocks[states.suffix_key(state, length) as usize] += p;
                continue;
            }
            let first = states.key(state) as usize * v;
            for next in successors(chain.operator(), state) {
                blocks[first + states.newest_token(next.state) as usize] += p * next.probability;
            }
        }
        Ok(blocks)
    }
}

/// `sum of - weight log2 p` over what has weight.
fn surprisal(weights: &[f64], law: &[f64]) -> f64 {
    let terms = weights.iter().zip(law).filter(|(weight, _)| **weight > 0.0);
    terms.map(|(weight, p)| -weight * p.log2()).sum()
}
