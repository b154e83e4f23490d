//! How to ask how long a chain stays on track.

use super::continuations::Continuations;
use super::mean_time::MeanTime;
use super::meeting::MeetingTime;
use super::on_track::OnTrack;
use super::pair_chain::PairChain;
use super::sampled_pairs::SampledPairs;
use crate::chain::{MarkovChain, Start};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::passage::{Interval, PassageSolver};
use crate::prob::{Law, relative_entropy, total_variation};
use crate::solve::{MEMORY_LIMIT, Observer, Silent, Stop, check_memory, check_operations, report};
use crate::topics::Topics;

/// Numbers a step that are kept, while a sample is counted.
const CURVES: u128 = 7;

/// How to ask how long a chain stays on the track of a prompt: see [`OnTrack`].
///
/// Information, sojourn and distance are exact: three products a step, and a
/// [`PassageSolver`] for the means. Meeting times are exact where the chain of pairs of
/// states is small: `N^2 / 2` states, and at most 2^23 transitions, of which a pair has about
/// a quarter of the product of the lengths of its rows where all tokens may follow. Otherwise
/// they are sampled, and come with a standard error.
///
/// # Coupling
///
/// Two walks are coupled token by token: the tokens appended are the same as often as
/// can be, with probability `sum over v of min(p(v), q(v))`, and otherwise independent. They have met
/// when the windows are the same, after K agreements in a row at the latest; from there
/// on they stay together.
///
/// # Example
///
/// ```
/// use lmchain::prelude::*;
/// use lmchain::drift::TrackSettings;
///
/// // Two states that are topics of their own: all four laws fall by half a step.
/// let chain = MarkovChain::from_dense(ndarray::array![[0.7, 0.3], [0.2, 0.8]].view())?;
/// let law = chain.stationary()?.converged()?;
/// let topics = Topics::by_token(chain.states(), ["left", "right"], |state| state as usize)?;
/// let track = TrackSettings::new().steps(20).measure(&chain, 0, &topics, &law)?;
/// assert_eq!((track.distance_at_most(0.25), track.topic_half_life()), (Some(2), Some(2)));
/// assert!((track.with_stationary.survival[3] - 0.6 / 8.0).abs() < 1e-12);
/// assert!(track.time_to_leave.bounds().is_some_and(|bounds| bounds.contains(1.0 / 0.3)));
/// println!("{track}");
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct TrackSettings<'a> {
    steps: usize,
    pairs: usize,
    seed: u64,
    prompts: Option<&'a Law>,
    always_sample: bool,
}

impl Default for TrackSettings<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> TrackSettings<'a> {
    /// Follows 200 steps; samples 2,000 pairs where it must, from seed 0; prompts are
    /// as frequent as in the stationary law.
    pub fn new() -> Self {
        Self { steps: 200, pairs: 2000, seed: 0, prompts: None, always_sample: false }
    }

    /// The steps that are followed.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self
    }

    /// The pairs of continuations that are sampled.
    #[must_use]
    pub fn pairs(mut self, pairs: usize) -> Self {
        self.pairs = pairs;
        self
    }

    /// Whether pairs are sampled even where the meeting time can be solved for.
    #[must_use]
    pub fn always_sample(mut self, always_sample: bool) -> Self {
        self.always_sample = always_sample;
        self
    }

    /// The seed of the sample.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The law of the states after prompts, which the information is measured against.
    #[must_use]
    pub fn prompts(mut self, prompts: &'a Law) -> Self {
        self.prompts = Some(prompts);
        self
    }

    /// Answers for one prompt: the state after it
    /// ([`States::after_prompt`](crate::chain::States::after_prompt)).
    ///
    /// # Errors
    ///
    /// [`Error::StateOutOfRange`]; [`Error::LengthMismatch`] for a law of prompts over other
    /// states; [`Error::InvalidSetting`] for less than two pairs; [`Error::TooExpensive`] and
    /// [`Error::TooLarge`] for too many steps, or pairs that are sampled.
    ///
    /// # Panics
    ///
    /// If the topics or the stationary law are of another chain.
    #[track_caller]
    pub fn measure<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        prompt: usize,
        topics: &Topics,
        stationary: &Law,
    ) -> Result<OnTrack> {
        self.measure_watched(chain, prompt, topics, stationary, &mut Silent)
    }

    /// As [`measure`](Self::measure), watched.
    ///
    /// # Errors
    ///
    /// As above, and [`Error::Cancelled`].
    #[track_caller]
    pub fn measure_watched<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        prompt: usize,
        topics: &Topics,
        stationary: &Law,
        observer: &mut dyn Observer,
    ) -> Result<OnTrack> {
        assert_eq!(stationary.len(), chain.len(), "a stationary law over the states of this chain");
        chain.check_topics(topics);
        self.check(chain, prompt)?;
        let topic = topics.of_state(prompt);
        let topic_survival = chain.topic_survival(topics, topic, Start::State(prompt), self.steps)?;
        let (information, distance) = self.forgetting(chain, prompt, stationary, observer)?;
        let (with_stationary, continuations) = self.meetings(chain, prompt, stationary, observer)?;
        Ok(OnTrack {
            prompt: chain.states().label(prompt),
            topic: topics.names()[topic].clone(),
            with_stationary,
            continuations,
            information,
            topic_survival,
            time_to_leave: time_to_leave(chain, topics, prompt, observer)?,
            distance,
        })
    }

    fn check<O: TransitionOperator>(&self, chain: &MarkovChain<O>, prompt: usize) -> Result<()> {
        let states = chain.len();
        if prompt >= states {
            return Err(Error::StateOutOfRange { state: prompt, states });
        }
        if let Some(prompts) = self.prompts.filter(|prompts| prompts.len() != states) {
            return Err(Error::LengthMismatch { expected: states, found: prompts.len() });
        }
        if self.pairs < 2 {
            let (name, value) = ("pairs", self.pairs as f64);
            return Err(Error::InvalidSetting { name, value, requirement: "at least 2" });
        }
        let numbers = CURVES * (self.steps as u128 + 1);
        check_memory("the curves after a prompt", numbers * size_of::<f64>() as u128, MEMORY_LIMIT)?;
        let work = 3.0 * self.steps as f64 * (chain.operator().stored_entries() + states) as f64;
        check_operations("the laws after a prompt", work, "ask for fewer steps")
    }

    /// What the prompt tells of the state, and the distance to the stationary law, step by step.
    fn forgetting<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        prompt: usize,
        stationary: &Law,
        observer: &mut dyn Observer,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let mut law = Law::point(chain.len(), prompt).into_vec();
        // The stationary law stays what it is; another law of prompts moves along.
        let mut any = self.prompts.map(|prompts| prompts.to_vec());
        let mut next = vec![0.0; chain.len()];
        let (mut information, mut distance) = (Vec::new(), Vec::new());
        for step in 0..=self.steps {
            report(observer, "the law after the prompt", step as u64, Some(self.steps as u64 + 1))?;
            information.push(relative_entropy(&law, any.as_deref().unwrap_or(stationary)));
            distance.push(total_variation(&law, stationary));
            for moving in std::iter::once(&mut law).chain(any.as_mut()).filter(|_| step < self.steps) {
                chain.operator().push_forward(moving, &mut next);
                std::mem::swap(moving, &mut next);
            }
        }
        Ok((information, distance))
    }

    fn meetings<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        prompt: usize,
        stationary: &Law,
        observer: &mut dyn Observer,
    ) -> Result<(MeetingTime, Continuations)> {
        let pairs = if self.always_sample { None } else { PairChain::build(chain, observer)? };
        let Some(pairs) = pairs else {
            let Self { steps, pairs, seed, .. } = *self;
            let sample = SampledPairs { chain, steps, pairs, seed };
            sample.check()?;
            let with_stationary = sample.with_stationary(prompt, stationary, observer)?;
            return Ok((with_stationary, sample.continuations(prompt, observer)?));
        };
        let start = pairs.law(stationary.iter().enumerate().map(|(other, &p)| (prompt, other, p)))?;
        let with_stationary = MeetingTime::exact(&pairs, &start, self.steps, observer)?;
        let continuations = Continuations::exact(chain, &pairs, prompt, self.steps, observer)?;
        Ok((with_stationary, continuations))
    }
}

fn time_to_leave<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    topics: &Topics,
    prompt: usize,
    observer: &mut dyn Observer,
) -> Result<MeanTime> {
    let outside = topics.states_of(topics.of_state(prompt)).complement();
    if outside.is_empty() {
        let bounds = Interval { lower: f64::INFINITY, upper: f64::INFINITY };
        return Ok(MeanTime::Bounds { bounds, stop: Stop::Direct });
    }
    let start = Law::point(chain.len(), prompt);
    MeanTime::solve(
        &PassageSolver::new(),
        chain,
        &outside,
        &start,
        "the mean time until the topic is left",
        observer,
    )
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// Four answers to how long the chain stays on the track of a prompt, with the
    /// settings that [`TrackSettings::new`] has.
    ///
    /// # Errors
    ///
    /// As [`TrackSettings::measure`].
    ///
    /// # Panics
    ///
    /// If the topics or the stationary law are of another chain.
    #[track_caller]
    pub fn on_track(&self, prompt: usize, topics: &Topics, stationary: &Law) -> Result<OnTrack> {
        TrackSettings::new().measure(self, prompt, topics, stationary)
    }
}
