//! What is believed of the rows before anything was counted.

use super::CountPosterior;
use crate::chain::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::operator::{SparseOperator, successors};
use crate::solve::{MEMORY_LIMIT, check_memory};
use crate::text::{ContextSpace, Corpus};

/// Which transitions a posterior knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Support {
    /// Those that occur in the text: the chain that it shows, its counts blurred.
    /// What was never seen stays impossible, and a state that was always left the
    /// same way stays certain: intervals say nothing of the unseen.
    #[default]
    Observed,
    /// All `V^K` contexts, each followed by any token: needs a prior
    /// concentration, and memory for `V^(K+1)` counts.
    All,
}

/// How a posterior is made of the counts of a text.
///
/// # Example
///
/// ```
/// use lmchain::sensitivity::{CountPosteriorSettings, PosteriorSampler};
/// use lmchain::text::{CorpusSettings, Tokenizer};
///
/// let text = "the cat sat on the mat and the rat sat on the cat ";
/// let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text])?;
/// let posterior = CountPosteriorSettings::new().fit(&corpus, 2)?;
/// let rate = PosteriorSampler::new().draws(200).entropy_rate(&posterior)?;
/// assert!(rate.lower < rate.upper);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountPosteriorSettings {
    support: Support,
    concentration: f64,
}

impl Default for CountPosteriorSettings {
    fn default() -> Self {
        Self::new()
    }
}

impl CountPosteriorSettings {
    /// The transitions observed, and no prior count: the mean of a row is then
    /// its relative frequencies. Intervals are then no more than a measure of spread, entropies
    /// biased downwards: see [`PosteriorSampler`](super::PosteriorSampler).
    pub fn new() -> Self {
        Self { support: Support::Observed, concentration: 0.0 }
    }

    /// Which transitions there may be.
    pub fn support(mut self, support: Support) -> Self {
        self.support = support;
        self
    }

    /// The prior count of every transition in the support: the parameter of a symmetric
    /// Dirichlet law; 1 is uniform over rows, 1/2 is Jeffreys' prior.
    pub fn concentration(mut self, concentration: f64) -> Self {
        self.concentration = concentration;
        self
    }

    /// The posterior of the chain over contexts of `context_length` tokens, given a text.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] for a concentration that is negative, not finite,
    /// or zero with [`Support::All`]; [`Error::TooLarge`] beyond 8 GiB;
    /// [`Error::NotShiftRegister`] where that support meets a text whose documents
    /// end in a reset; and as [`MarkovChain::observed`].
    pub fn fit(&self, corpus: &Corpus, context_length: usize) -> Result<CountPosterior> {
        let all = self.support == Support::All;
        let positive = self.concentration > 0.0 || !all;
        if !(self.concentration >= 0.0 && self.concentration.is_finite() && positive) {
            let requirement = if all { "positive and finite" } else { "finite and not negative" };
            return Err(Error::InvalidSetting {
                name: "concentration",
                value: self.concentration,
                requirement,
            });
        }
        let observed = MarkovChain::observed(corpus, context_length)?;
        let counts = counts(&observed, corpus)?;
        match self.support {
            Support::Observed => {
                CountPosterior::new(observed.shared_states(), self.over_observed(&observed, counts))
            }
            Support::All => self.over_all(&observed, &counts),
        }
    }

    /// A context that nothing follows stays absorbing.
    fn over_observed(
        &self,
        observed: &MarkovChain<SparseOperator>,
        mut counts: Vec<(u32, u32, f64)>,
    ) -> Vec<(u32, u32, f64)> {
        counts.iter_mut().for_each(|(_, _, count)| *count += self.concentration);
        let mut followed = vec![false; observed.len()];
        counts.iter().for_each(|&(from, _, _)| followed[from as usize] = true);
        let last = (0..observed.len()).filter(|&state| !followed[state]);
        counts.extend(last.map(|state| (state as u32, state as u32, 1.0)));
        counts
    }

    fn over_all(
        &self,
        observed: &MarkovChain<SparseOperator>,
        counts: &[(u32, u32, f64)],
    ) -> Result<CountPosterior> {
        let states = observed.states();
        let space = ContextSpace::new(states.vocabulary_size(), states.context_length())?;
        let v = space.vocabulary_size();
        let entries = space.len().saturating_mul(v);
        // Counts while they are sorted, and the matrix of a chain that is drawn.
        let needed = 24 * entries as u128 + SparseOperator::bytes(space.len(), entries);
        check_memory("the counts of all contexts", needed, MEMORY_LIMIT)?;
        let mut all: Vec<(u32, u32, f64)> = (0..space.len())
            .flat_map(|from| space.successors(from).map(move |to| (from as u32, to as u32)))
            .map(|(from, to)| (from, to, self.concentration))
            .collect();
        for &(from, to, count) in counts {
            let [from, to] = [from, to].map(|state| states.key(state as usize) as usize);
            let place = space.successors(from).position(|next| next == to);
            let label = |key: usize| states.text(&space.tokens(key));
            let place = place.ok_or_else(|| Error::NotShiftRegister { from: label(from), to: label(to) })?;
            all[from * v + place].2 += count;
        }
        CountPosterior::new(States::contexts(space, states.vocab().cloned()).into(), all)
    }
}

/// How often each transition of an observed chain occurs: its share of the row
/// times the windows of the row, which are counted again.
///
/// A share is one rounded division, so the product is the count to a unit, and
/// rounding it gives the count exactly below 2^52.
fn counts(chain: &MarkovChain<SparseOperator>, corpus: &Corpus) -> Result<Vec<(u32, u32, f64)>> {
    let states = chain.states();
    let mut windows = vec![0u64; chain.len()];
    corpus.try_for_each_window(states.context_length(), |context, _| {
        windows[states.after_prompt(context)?] += 1;
        Ok::<(), Error>(())
    })?;
    let mut counts = Vec::with_capacity(chain.operator().matrix().nnz());
    for (from, &total) in windows.iter().enumerate().filter(|&(_, &total)| total > 0) {
        for next in successors(chain.operator(), from) {
            let count = (next.probability * total as f64).round();
            counts.push((from as u32, next.state as u32, count));
        }
    }
    Ok(counts)
}
