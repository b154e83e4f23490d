//! Histories since the last reset.

use std::ops::ControlFlow;

use super::History;
use super::logarithms::{LogSum, normalized};
use super::marginals::Backward;
use super::most_probable::MostProbable;
use super::paths::Paths;
use super::samples::{Choice, Draft, check_drafts, complete};
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::{Law, stream};
use crate::solve::{Observer, Silent, Watch};

/// More than what rounding can do to the logarithm of a weight.
const ROUNDING: f64 = 1e-6;

/// What happened since the last reset, given that the chain has come to an end:
/// the law of the age and of all states since then, without a stationary law.
///
/// The **age** is the number of steps since the reset: 0 in the state of the
/// reset itself. The first state of a history is that of the reset, and its
/// weight is
///
/// - since a restart, `eps mu(x_0) (1 - eps)^T P(x_0, x_1) ... P(x_{T-1}, x_T)`,
///   where `P` is the chain that is restarted;
/// - since a visit to a set of resets, `nu(x_0) P(x_0, x_1) ... P(x_{T-1}, x_T)`,
///   where `nu` is the law of the state of the reset, and no later state is one.
///
/// Ages are looked at up to a largest one. The posterior of those left out is
/// certified by the error bound of the report that these histories come with.
#[derive(Debug, Clone)]
pub struct ResetHistories<'a, O> {
    paths: Paths<'a, O>,
    /// Natural logarithm of the weight of all histories of each age.
    ages: Vec<f64>,
    /// Natural logarithm of the weight of all paths to each state, of any age.
    forward: Vec<f64>,
    ln_weight: f64,
    memory_limit: u128,
}

impl<'a, O: TransitionOperator> ResetHistories<'a, O> {
    pub(super) fn new(paths: Paths<'a, O>, ages: Vec<f64>, forward: Vec<f64>, memory_limit: u128) -> Self {
        let ln_weight = LogSum::of(ages.iter().copied()).ln();
        Self { paths, ages, forward, ln_weight, memory_limit }
    }

    /// Natural logarithm of the weight of all histories together.
    ///
    /// To [`End::In`](super::End::In) a set, the weight is the stationary
    /// probability of the set for a restart chain, and for a set of resets that
    /// divided by the stationary probability of a reset: the mean number of
    /// visits between resets. To [`End::FirstIn`](super::End::FirstIn) it is the
    /// probability of a visit before the next reset (times the probability of a
    /// restart). The ages left out are not in it.
    pub fn ln_weight(&self) -> f64 {
        self.ln_weight
    }

    /// The law of the age given the end, from age 0 to the largest looked at.
    pub fn age_law(&self) -> Law {
        Law::from_computed(normalized(&self.ages).expect("at least one history"))
    }

    /// The law of the state `steps` steps before the end, given the end and that
    /// the last reset was not later than that. `None` if it was, for every age
    /// looked at.
    ///
    /// `steps` products.
    pub fn law_before(&self, steps: usize) -> Option<Law> {
        let mut last = None;
        self.follow_back(steps, |time, law| {
            if time == steps {
                last = Some(law.clone());
            }
            ControlFlow::Continue(())
        });
        last
    }

    /// Hands the law of the state `0, 1, 2, ...` steps before the end, given the
    /// end and that the last reset was not later, to a visitor, until it breaks
    /// or the largest age is reached. [`age_law`](Self::age_law) says how
    /// probable it is that the last reset was not later.
    ///
    /// One product a step.
    pub fn for_each_law_before(&self, visit: impl FnMut(usize, &Law) -> ControlFlow<()>) {
        self.follow_back(self.ages.len() - 1, visit);
    }

    fn follow_back(&self, steps: usize, mut visit: impl FnMut(usize, &Law) -> ControlFlow<()>) {
        let mut backward = Backward::new(&self.paths);
        for time in 0..=steps.min(self.ages.len() - 1) {
            if time > 0 {
                backward.step();
            }
            let logs: Vec<f64> = self
                .forward
                .iter()
                .zip(&backward.message.logs)
                .map(|(before, after)| before + after)
                .collect();
            let Some(law) = normalized(&logs) else { return };
            if visit(time, &Law::from_computed(law)).is_break() {
                return;
            }
        }
    }

    /// The `count` most probable histories given the end, of any age looked at,
    /// most probable first. Exact for all whose posterior exceeds the error bound
    /// reported; of histories that tie up to rounding, some may be left out.
    ///
    /// Looks at every transition two or more times for each age that can matter:
    /// no history is more probable than its age.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`](crate::Error::TooLarge) for histories of more than 8
    /// GiB together, or if not even few messages fit.
    pub fn most_probable(&self, count: usize) -> Result<Vec<History>> {
        self.most_probable_watched(count, &mut Silent)
    }

    /// As [`most_probable`](Self::most_probable), watched: progress is counted in
    /// steps, of which some may be taken again.
    ///
    /// # Errors
    ///
    /// As `most_probable`, and [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn most_probable_watched(&self, count: usize, observer: &mut dyn Observer) -> Result<Vec<History>> {
        let mut watch = Watch::new(observer, "the most probable histories", None);
        let (median, oldest) = (self.median_age(), self.ages.len() - 1);
        let found = self.most_probable_up_to(median, count, &mut watch)?;
        let least = found.last().filter(|_| found.len() == count);
        let needed = least.map_or(oldest, |least| self.oldest_as_probable_as(least));
        if needed <= median { Ok(found) } else { self.most_probable_up_to(needed, count, &mut watch) }
    }

    fn most_probable_up_to(&self, age: usize, count: usize, watch: &mut Watch<'_>) -> Result<Vec<History>> {
        MostProbable::find(&self.paths, count, 0..=age, self.ln_weight, self.memory_limit, watch)
    }

    /// The age that half of the histories have at most.
    fn median_age(&self) -> usize {
        let mut sum = 0.0;
        let reaches_half = |&age: &f64| {
            sum += (age - self.ln_weight).exp();
            sum >= 0.5
        };
        self.ages.iter().position(reaches_half).unwrap_or(self.ages.len() - 1)
    }

    /// The largest age whose histories have together the weight of one, up to rounding.
    fn oldest_as_probable_as(&self, history: &History) -> usize {
        let least = history.ln_weight - ROUNDING;
        self.ages.iter().rposition(|&age| age >= least).unwrap_or(0)
    }

    /// `samples` independent histories, drawn from their law given the end: first
    /// the age, then the states.
    ///
    /// History `i` draws from stream `i` of the seed: it is the same on any
    /// number of threads, and whatever the number of histories.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`](crate::Error::TooLarge) for histories of more than 8
    /// GiB together, or if not even few messages fit.
    pub fn sample(&self, samples: usize, seed: u64) -> Result<Vec<History>> {
        self.sample_watched(samples, seed, &mut Silent)
    }

    /// As [`sample`](Self::sample), watched: progress is counted in steps, of
    /// which some may be taken again.
    ///
    /// # Errors
    ///
    /// As `sample`, and [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn sample_watched(
        &self,
        samples: usize,
        seed: u64,
        observer: &mut dyn Observer,
    ) -> Result<Vec<History>> {
        check_drafts(samples, self.ages.len() - 1)?;
        let ages = Choice::of(self.ages.iter().copied().enumerate());
        let draft = |sample: usize| {
            let mut rng = stream(seed, sample as u64);
            let age = ages.draw(&mut rng);
            Draft::new(rng, age)
        };
        let drafts = (0..samples).map(draft).collect();
        let mut watch = Watch::new(observer, "drawing histories", None);
        complete(&self.paths, drafts, self.ln_weight, self.memory_limit, &mut watch)
    }
}
