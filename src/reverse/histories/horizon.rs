//! Histories of a given number of steps that end in a set.

use super::most_probable::MostProbable;
use super::paths::{Direction, Message, Paths, Stepper};
use super::samples::{Draft, check_drafts, complete};
use super::sweep::BESIDE;
use super::{End, History};
use crate::chain::{MarkovChain, Start};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::stream;
use crate::solve::{Observer, Silent, Watch, check_memory, check_operations};

/// The most bytes that messages may take unless the caller says otherwise: 1 GiB.
pub(super) const MESSAGE_MEMORY: u128 = 1 << 30;

/// How to look for the histories of a given number of steps.
///
/// # Example
///
/// ```
/// use lmchain::prelude::*;
/// use lmchain::reverse::{End, HistorySettings};
///
/// let model = TableModel::from_rows(1, &[[0.75, 0.25], [0.5, 0.5]])?;
/// let chain = MarkovChain::enumerated(&model)?;
/// let bad = StateSet::of(2, [1])?;
/// let settings = HistorySettings::new().memory_limit(1 << 20);
/// let histories = settings.solve(&chain, Start::State(0), End::FirstIn(&bad), 3)?;
/// // First 1 after three steps: 0, 0, 0, 1.
/// assert!((histories.probability() - 0.75 * 0.75 * 0.25).abs() < 1e-15);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistorySettings {
    memory_limit: u128,
}

impl Default for HistorySettings {
    fn default() -> Self {
        Self::new()
    }
}

impl HistorySettings {
    /// Messages of up to 1 GiB.
    pub fn new() -> Self {
        Self { memory_limit: MESSAGE_MEMORY }
    }

    /// The most bytes that messages may take, 8 a state each. With less memory,
    /// steps are taken again: twice if there is room for about the square root
    /// of twice their number.
    pub fn memory_limit(mut self, bytes: u128) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// The histories of `steps` steps from a start to an end: `steps` products.
    ///
    /// # Errors
    ///
    /// As [`Start::law`]; [`Error::LengthMismatch`] for a set of another chain,
    /// [`Error::EmptySet`]; [`Error::Impossible`] if the end has probability
    /// zero; [`Error::TooLarge`] if not even few messages fit,
    /// [`Error::TooExpensive`] beyond 10^12 operations.
    pub fn solve<'a, O: TransitionOperator>(
        &self,
        chain: &'a MarkovChain<O>,
        start: Start<'_>,
        end: End<'_>,
        steps: usize,
    ) -> Result<Histories<'a, O>> {
        self.solve_watched(chain, start, end, steps, &mut Silent)
    }

    /// As [`solve`](Self::solve), watched: progress is counted in steps.
    ///
    /// # Errors
    ///
    /// As `solve`, and [`Error::Cancelled`].
    pub fn solve_watched<'a, O: TransitionOperator>(
        &self,
        chain: &'a MarkovChain<O>,
        start: Start<'_>,
        end: End<'_>,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> Result<Histories<'a, O>> {
        end.set().check(chain.len(), "end of the histories")?;
        let work = steps as f64 * (chain.operator().stored_entries() + chain.len()) as f64;
        check_operations("the products of the histories", work, "ask for fewer steps")?;
        let start = start.law(chain.states())?.iter().map(|p| p.ln()).collect();
        check_memory(
            "the messages of a history",
            BESIDE as u128 * Message::bytes(chain.len()),
            self.memory_limit,
        )?;
        let paths = Paths {
            operator: chain.operator(),
            start,
            keep: 0.0,
            barred: None,
            ends: end.set().clone(),
            first_visit: matches!(end, End::FirstIn(_)),
        };
        let ln_probability = ln_total(&paths, steps, observer)?;
        if ln_probability == f64::NEG_INFINITY {
            return Err(Error::Impossible { what: "the end of the histories" });
        }
        Ok(Histories { chain, paths, steps, ln_probability, memory_limit: self.memory_limit })
    }
}

/// The logarithm of the weight of all paths of so many steps.
fn ln_total<O: TransitionOperator>(
    paths: &Paths<'_, O>,
    steps: usize,
    observer: &mut dyn Observer,
) -> Result<f64> {
    let mut watch = Watch::new(observer, "the probability of the end", Some(steps as u64));
    let mut stepper = Stepper::new(paths);
    let mut message = paths.first();
    let mut next = message.clone();
    for _ in 0..steps {
        stepper.sum(Direction::Forward, &message, &mut next);
        std::mem::swap(&mut message, &mut next);
        watch.step()?;
    }
    Ok(message.ln_sum(paths.ends.iter()))
}

/// What happened on the way from a start to an end that lies `steps` steps
/// later: the law of all paths of a chain, given how they end.
///
/// A history is a sequence of `steps + 1` states, and its weight is its joint
/// probability with the end. Each question sweeps over the horizon, forward once
/// or a few times (see [`HistorySettings::memory_limit`]) and backward once.
///
/// All is done in log-space: nothing underflows, however improbable the end and
/// however long the way. Logarithms are held in units of the most probable state
/// at the time; where the way leads through states that are `e^-d` times as
/// probable, each step is rounded by up to about `d eps`.
#[derive(Debug, Clone)]
pub struct Histories<'a, O> {
    pub(super) chain: &'a MarkovChain<O>,
    pub(super) paths: Paths<'a, O>,
    pub(super) steps: usize,
    pub(super) ln_probability: f64,
    pub(super) memory_limit: u128,
}

impl<O: TransitionOperator> Histories<'_, O> {
    /// Steps from the start to the end.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Natural logarithm of the probability of the end.
    pub fn ln_probability(&self) -> f64 {
        self.ln_probability
    }

    /// The probability of the end; 0 where it is too small for a number, then
    /// ask [`ln_probability`](Self::ln_probability).
    pub fn probability(&self) -> f64 {
        self.ln_probability.exp()
    }

    /// The `count` most probable histories given the end, most probable first,
    /// or all that are possible if there are fewer. Exact (Viterbi 1967 for the
    /// first one); of histories that tie up to rounding, some may be left out.
    ///
    /// Looks at every transition two or more times a step: `O(V)` a state for
    /// contexts of V tokens, but up to `O(N)` where every state may follow any,
    /// as in a [`Restart`](crate::operator::Restart) chain or that of a whole
    /// back-off model. `24 count` bytes a step, and some `150 count` once.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] for histories of more than 8 GiB together.
    pub fn most_probable(&self, count: usize) -> Result<Vec<History>> {
        self.most_probable_watched(count, &mut Silent)
    }

    /// As [`most_probable`](Self::most_probable), watched: progress is counted
    /// in steps, of which some may be taken again.
    ///
    /// # Errors
    ///
    /// As `most_probable`, and [`Error::Cancelled`].
    pub fn most_probable_watched(&self, count: usize, observer: &mut dyn Observer) -> Result<Vec<History>> {
        let mut watch = Watch::new(observer, "the most probable histories", None);
        let lengths = self.steps..=self.steps;
        MostProbable::find(&self.paths, count, lengths, self.ln_probability, self.memory_limit, &mut watch)
    }

    /// `samples` independent histories, drawn from their law given the end.
    ///
    /// History `i` draws from stream `i` of the seed: it is the same on any
    /// number of threads, and whatever the number of histories.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] for histories of more than 8 GiB together.
    pub fn sample(&self, samples: usize, seed: u64) -> Result<Vec<History>> {
        self.sample_watched(samples, seed, &mut Silent)
    }

    /// As [`sample`](Self::sample), watched: progress is counted in steps, of
    /// which some may be taken again.
    ///
    /// # Errors
    ///
    /// As `sample`, and [`Error::Cancelled`].
    pub fn sample_watched(
        &self,
        samples: usize,
        seed: u64,
        observer: &mut dyn Observer,
    ) -> Result<Vec<History>> {
        check_drafts(samples, self.steps)?;
        let draft = |sample: usize| Draft::new(stream(seed, sample as u64), self.steps);
        let drafts = (0..samples).map(draft).collect();
        let mut watch = Watch::new(observer, "drawing histories", None);
        complete(&self.paths, drafts, self.ln_probability, self.memory_limit, &mut watch)
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The histories of `steps` steps from a start to an end:
    /// [`HistorySettings`] with its defaults.
    ///
    /// With a stationary law as the start, they are the histories of the
    /// stationary chain.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::prelude::*;
    /// use lmchain::reverse::End;
    ///
    /// let text = "the cat sat on the mat and the rat sat on the cat ";
    /// let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text])?;
    /// let chain = MarkovChain::observed(&corpus, 2)?;
    /// let start = chain.states().find("th")?;
    /// let bad = StateSet::by_context(chain.states(), |context| {
    ///     context[0] == corpus.vocab().token("r").expect("a letter of the text")
    /// });
    /// let histories = chain.histories(Start::State(start), End::In(&bad), 4)?;
    /// let best = &histories.most_probable(1)?[0]; // how "the ra" came about
    /// assert_eq!(best.tokens(chain.states()).len(), 6);
    /// assert!((best.posterior - 1.0).abs() < 1e-12); // there is no other way
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`HistorySettings::solve`].
    pub fn histories(&self, start: Start<'_>, end: End<'_>, steps: usize) -> Result<Histories<'_, O>> {
        HistorySettings::new().solve(self, start, end, steps)
    }
}
