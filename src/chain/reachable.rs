//! The chain of the contexts that prompts can lead to.

use rustc_hash::FxHashMap;

use super::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::operator::SparseOperator;
use crate::solve::{Observer, Silent, report};
use crate::text::{Token, prompt_key, sequence_count, write_sequence};

/// Contexts whose laws are asked for in one batch.
const BATCH: usize = 1024;

/// Transitions that may be found: 2^28, which take 6 GiB once they are sorted.
const MOST_TRANSITIONS: usize = 1 << 28;

/// How to explore the contexts that are reachable from prompts.
///
/// Meant for models under top-k or top-p decoding, where few contexts of `V^K`
/// can ever be met. Exploration is breadth first and exact: it either finds
/// every reachable context or refuses.
#[derive(Debug, Clone)]
pub struct Exploration {
    state_limit: usize,
}

impl Default for Exploration {
    fn default() -> Self {
        Self::new()
    }
}

impl Exploration {
    /// Up to a million states.
    pub fn new() -> Self {
        Self { state_limit: 1_000_000 }
    }

    /// The most states to find before giving up.
    pub fn state_limit(mut self, states: usize) -> Self {
        self.state_limit = states;
        self
    }

    /// The chain over all contexts that can follow the prompts, the prompts'
    /// own contexts (their last K tokens) included.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] without prompts, [`Error::PromptTooShort`], [`Error::TokenOutOfRange`],
    /// [`Error::ContextSpaceTooLarge`] if `V^K` does not fit in 128 bits,
    /// [`Error::StateLimit`], [`Error::TooLarge`] beyond 2^28 transitions,
    /// whatever the model returns, and
    /// [`Error::RowSum`] if it gives no law.
    pub fn build<M: LanguageModel>(
        &self,
        model: &M,
        prompts: &[&[Token]],
    ) -> Result<MarkovChain<SparseOperator>> {
        self.build_watched(model, prompts, &mut Silent)
    }

    /// As [`build`](Self::build), watched: progress is counted in states explored.
    ///
    /// # Errors
    ///
    /// As `build`, and [`Error::Cancelled`].
    pub fn build_watched<M: LanguageModel>(
        &self,
        model: &M,
        prompts: &[&[Token]],
        observer: &mut dyn Observer,
    ) -> Result<MarkovChain<SparseOperator>> {
        let mut frontier = Frontier::new(model.vocabulary_size(), model.context_length(), self.state_limit)?;
        if prompts.is_empty() {
            return Err(Error::MustBePositive { what: "number of prompts" });
        }
        for prompt in prompts {
            frontier.add_prompt(prompt)?;
        }
        let (v, k) = (frontier.vocabulary_size, frontier.context_length);
        let mut explored = 0;
        let mut transitions = Vec::new();
        let mut contexts: Vec<Token> = Vec::new();
        let mut laws = Vec::new();
        while explored < frontier.keys.len() {
            let batch = explored..frontier.keys.len().min(explored + BATCH);
            contexts.resize(batch.len() * k, 0);
            for (&key, tokens) in frontier.keys[batch.clone()].iter().zip(contexts.chunks_exact_mut(k)) {
                write_sequence(key, v, tokens);
            }
            laws.resize(batch.len() * v, 0.0);
            model.next_token_laws(&contexts, &mut laws)?;
            for (state, law) in batch.clone().zip(laws.chunks_exact(v)) {
                for (token, &p) in law.iter().enumerate() {
                    // An entry that is no probability is kept, to be refused with its place.
                    if p != 0.0 {
                        if transitions.len() == MOST_TRANSITIONS {
                            return Err(Error::TooLarge {
                                what: "the transitions among reachable contexts",
                                needed: SparseOperator::bytes(frontier.keys.len(), MOST_TRANSITIONS + 1),
                                allowed: SparseOperator::bytes(frontier.keys.len(), MOST_TRANSITIONS),
                            });
                        }
                        let next = frontier.shift(state, token as Token)?;
                        transitions.push((state as u32, next, p));
                    }
                }
            }
            explored = batch.end;
            report(observer, "exploring contexts", explored as u64, None)?;
        }
        frontier.into_chain(transitions, model)
    }
}

/// The contexts found so far, in the order they were found.
struct Frontier {
    vocabulary_size: usize,
    context_length: usize,
    suffixes: u128,
    state_limit: usize,
    keys: Vec<u128>,
    state_of: FxHashMap<u128, u32>,
}

impl Frontier {
    fn new(vocabulary_size: usize, context_length: usize, state_limit: usize) -> Result<Self> {
        if vocabulary_size == 0 || context_length == 0 {
            return Err(Error::MustBePositive { what: "vocabulary size and context length" });
        }
        let count = |length| sequence_count(vocabulary_size, length);
        let (Some(suffixes), Some(_)) = (count(context_length - 1), count(context_length)) else {
            return Err(Error::ContextSpaceTooLarge { vocabulary_size, context_length, bits: u128::BITS });
        };
        let state_limit = state_limit.min(u32::MAX as usize);
        Ok(Self {
            vocabulary_size,
            context_length,
            suffixes,
            state_limit,
            keys: Vec::new(),
            state_of: FxHashMap::default(),
        })
    }

    fn add_prompt(&mut self, prompt: &[Token]) -> Result<()> {
        let key = prompt_key(prompt, self.context_length, self.vocabulary_size)?;
        self.find_or_add(key).map(|_| ())
    }

    fn shift(&mut self, state: usize, token: Token) -> Result<u32> {
        let key = self.keys[state] % self.suffixes * self.vocabulary_size as u128 + u128::from(token);
        self.find_or_add(key)
    }

    fn find_or_add(&mut self, key: u128) -> Result<u32> {
        if let Some(&state) = self.state_of.get(&key) {
            return Ok(state);
        }
        if self.keys.len() >= self.state_limit {
            return Err(Error::StateLimit { limit: self.state_limit });
        }
        let state = self.keys.len() as u32;
        self.keys.push(key);
        self.state_of.insert(key, state);
        Ok(state)
    }

    /// Renumbers the states in the order of their contexts.
    fn into_chain<M: LanguageModel>(
        self,
        mut transitions: Vec<(u32, u32, f64)>,
        model: &M,
    ) -> Result<MarkovChain<SparseOperator>> {
        let vocab = model.vocab().cloned();
        let mut order: Vec<u32> = (0..self.keys.len() as u32).collect();
        order.sort_unstable_by_key(|&state| self.keys[state as usize]);
        let mut place = vec![0; order.len()];
        for (sorted, &found) in order.iter().enumerate() {
            place[found as usize] = sorted as u32;
        }
        for (from, to, _) in &mut transitions {
            (*from, *to) = (place[*from as usize], place[*to as usize]);
        }
        let states = States::some_contexts(self.keys, self.vocabulary_size, self.context_length, vocab);
        Ok(MarkovChain::new(SparseOperator::from_triplets(states.len(), transitions)?, states))
    }
}

impl MarkovChain<SparseOperator> {
    /// The chain over the contexts reachable from prompts: [`Exploration`] with its defaults.
    ///
    /// # Errors
    ///
    /// As [`Exploration::build`].
    pub fn reachable<M: LanguageModel>(model: &M, prompts: &[&[Token]]) -> Result<Self> {
        Exploration::new().build(model, prompts)
    }
}
