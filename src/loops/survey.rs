//! How decoding moves the loops of a model.

use super::{LoopSearch, LoopVisits, RepetitionEstimate, RepetitionLoop, RepetitionSampler};
use crate::chain::{Exploration, MarkovChain, Start};
use crate::error::Result;
use crate::model::{Decoded, Decoding, LanguageModel};
use crate::operator::SparseOperator;
use crate::prob::Law;
use crate::solve::{Observer, Silent};
use crate::text::Token;

/// A loop of a model under a decoding.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveyedLoop {
    /// What one turn writes, see [`RepetitionLoop::text`].
    pub text: String,
    /// The same as tokens.
    pub tokens: Vec<Token>,
    /// Its turn probability.
    pub turn_probability: f64,
    /// Its visits in the long run from the prompt. An absorbing loop has an
    /// infinite stay; its share of time is then the probability of being caught in it.
    pub visits: LoopVisits,
}

/// The loops of a model under one decoding, and how much its text repeats itself.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedLoops {
    /// The decoding.
    pub decoding: Decoding,
    /// Contexts that the prompt can lead to.
    pub states: usize,
    /// Recurrent classes among them. With several, where text ends up is a
    /// matter of chance, and what is said of the long run weighs them by it.
    pub recurrent_classes: usize,
    /// The loops of at least the turn probability asked for that are visited in
    /// the long run: the longest mean stay first.
    pub loops: Vec<SurveyedLoop>,
    /// How many more such loops are passed on the way, if at all, and then never again.
    pub transient_loops: usize,
    /// Entropy rate in the long run from the prompt, in bits a token.
    pub entropy_rate: f64,
    /// Repetition of text sampled from the prompt.
    pub repetition: RepetitionEstimate,
}

impl DecodedLoops {
    /// The loop with the longest mean stay, if there is any.
    pub fn strongest(&self) -> Option<&SurveyedLoop> {
        self.loops.first()
    }

    /// How many of the loops are absorbing.
    pub fn absorbing_loops(&self) -> usize {
        self.loops.iter().filter(|surveyed| surveyed.visits.mean_stay.is_infinite()).count()
    }
}

/// Surveys the loops of a model under decodings.
///
/// For each decoding it explores the contexts that the prompt can lead to,
/// searches them for loops, and ranks these under the long-run law from the
/// prompt. Truncating decodings may make loops absorbing, and several recurrent
/// classes; the long-run law then weighs the classes by the probability of
/// ending up in each.
///
/// # Example
///
/// ```
/// use lmchain::loops::LoopSurvey;
/// use lmchain::model::{Decoding, TableModel};
///
/// let model = TableModel::from_rows(1, &[[0.75, 0.25], [0.5, 0.5]])?;
/// let decodings = [Decoding::new(), Decoding::new().temperature(0.5), Decoding::greedy()];
/// let surveyed = LoopSurvey::new().sweep(&model, &decodings, &[1])?;
/// let stays: Vec<f64> = surveyed.iter().map(|one| one.strongest().map_or(0.0, |s| s.visits.mean_stay)).collect();
/// assert!((stays[0] - 4.0).abs() < 1e-14); // 1 / (1 - 3/4)
/// assert!((stays[1] - 10.0).abs() < 1e-13); // 1 / (1 - 9/10)
/// assert_eq!(stays[2], f64::INFINITY);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct LoopSurvey {
    search: LoopSearch,
    sampler: RepetitionSampler,
    exploration: Exploration,
}

impl LoopSurvey {
    /// [`LoopSearch`], [`RepetitionSampler`] and [`Exploration`] with their defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which loops to look for.
    #[must_use]
    pub fn search(mut self, search: LoopSearch) -> Self {
        self.search = search;
        self
    }

    /// Which repetition to measure, on how much text.
    #[must_use]
    pub fn sampler(mut self, sampler: RepetitionSampler) -> Self {
        self.sampler = sampler;
        self
    }

    /// How many contexts to explore.
    #[must_use]
    pub fn exploration(mut self, exploration: Exploration) -> Self {
        self.exploration = exploration;
        self
    }

    /// The loops of a model under one decoding, from a prompt.
    ///
    /// # Errors
    ///
    /// As [`Decoded::new`], [`Exploration::build`], [`LoopSearch::find`],
    /// [`MarkovChain::long_run_law`] and [`RepetitionSampler::estimate`].
    pub fn measure<M: LanguageModel>(
        &self,
        model: &M,
        decoding: Decoding,
        prompt: &[Token],
    ) -> Result<DecodedLoops> {
        self.measure_watched(model, decoding, prompt, &mut Silent)
    }

    /// As [`measure`](Self::measure), watched while it explores and searches.
    ///
    /// # Errors
    ///
    /// As `measure`, and [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn measure_watched<M: LanguageModel>(
        &self,
        model: &M,
        decoding: Decoding,
        prompt: &[Token],
        observer: &mut dyn Observer,
    ) -> Result<DecodedLoops> {
        let decoded = Decoded::new(model, decoding)?;
        let chain = self.exploration.build_watched(&decoded, &[prompt], observer)?;
        let start = Start::Prompt(prompt);
        let law = chain.long_run_law(&start.law(chain.states())?)?;
        let found = self.search.find_watched(&chain, observer)?;
        let all = found.len();
        let loops = surveyed(&chain, found, &law)?;
        Ok(DecodedLoops {
            decoding,
            states: chain.len(),
            recurrent_classes: chain.classes().recurrent_count(),
            transient_loops: all - loops.len(),
            loops,
            entropy_rate: chain.entropy_rate(&law),
            repetition: self.sampler.estimate(&chain, start)?,
        })
    }

    /// The loops of a model under each of several decodings, from one prompt.
    ///
    /// # Errors
    ///
    /// As [`measure`](Self::measure), for the first decoding that fails.
    pub fn sweep<M: LanguageModel>(
        &self,
        model: &M,
        decodings: &[Decoding],
        prompt: &[Token],
    ) -> Result<Vec<DecodedLoops>> {
        decodings.iter().map(|&decoding| self.measure(model, decoding, prompt)).collect()
    }
}

fn surveyed(
    chain: &MarkovChain<SparseOperator>,
    found: Vec<RepetitionLoop>,
    law: &Law,
) -> Result<Vec<SurveyedLoop>> {
    let describe = |(cycle, visits): (RepetitionLoop, LoopVisits)| SurveyedLoop {
        text: cycle.text(chain.states()),
        tokens: cycle.tokens(chain.states()),
        turn_probability: cycle.turn_probability(),
        visits,
    };
    Ok(chain.ranked_loops(found, law)?.into_iter().map(describe).collect())
}
