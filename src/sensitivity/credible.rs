//! Intervals by drawing whole chains.

use rayon::prelude::*;

use super::CountPosterior;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::SparseOperator;
use crate::prob::Law;
use crate::solve::{Observer, Silent, report};
use crate::topics::Topics;

/// Chains that are drawn at a time, in parallel.
const BATCH: usize = 64;

/// A number under a posterior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CredibleInterval {
    /// Mean of the draws.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// The lower end of the interval.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
}

impl CredibleInterval {
    /// Whether a number is in the interval.
    pub fn contains(&self, number: f64) -> bool {
        self.lower <= number && number <= self.upper
    }
}

/// Draws chains from a posterior, and asks each the same questions.
///
/// An interval of level `c` from `D` draws reaches from the `k`-th smallest of
/// them to the `k`-th largest, with `k = floor((1 - c) (D + 1) / 2)`. Where the posterior has a prior,
/// that is with [`Support::All`](super::Support) and its concentration, and the truth was drawn from
/// that, it is one more draw among equals: the interval holds it with
/// probability `(D + 1 - 2 k) / (D + 1)`, at least `c`, exactly.
///
/// With [`Support::Observed`](super::Support), the default, nothing of the kind is promised: the support is
/// taken from the text itself, and there is no prior at all without a concentration. What was
/// never seen stays impossible, so entropy comes out too low, on one side only; and
/// rows drawn around few counts are less even than the counts, so even the estimate from the
/// relative frequencies may lie above its interval: of 200 contexts seen twice, with
/// two successors each, it is 1 bit a token, and the interval is around 0.72. Hold
/// the interval against [`CredibleInterval::mean`], not against that estimate, and take it for what
/// the counts leave open within the support.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PosteriorSampler {
    draws: usize,
    level: f64,
    seed: u64,
}

impl Default for PosteriorSampler {
    fn default() -> Self {
        Self::new()
    }
}

impl PosteriorSampler {
    /// 999 draws, intervals of 95 %, seed 1.
    pub fn new() -> Self {
        Self { draws: 999, level: 0.95, seed: 1 }
    }

    /// How many chains to draw.
    pub fn draws(mut self, draws: usize) -> Self {
        self.draws = draws;
        self
    }

    /// The probability that an interval holds; as said above, exact for a truth drawn from the prior.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    /// The seed of the draws.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The draws outside the interval at either end.
    fn tail(&self) -> Result<usize> {
        let refuse = |name, value, requirement| Err(Error::InvalidSetting { name, value, requirement });
        if !(self.level > 0.0 && self.level < 1.0) {
            return refuse("level", self.level, "between 0 and 1");
        }
        let tail = ((1.0 - self.level) / 2.0 * (self.draws as f64 + 1.0) * (1.0 + 1e-12)).floor() as usize;
        if tail == 0 {
            return refuse(
                "draws",
                self.draws as f64,
                "at least 2 / (1 - level) - 1, for one draw in each tail",
            );
        }
        Ok(tail)
    }

    /// Intervals for the numbers that a question gives for a chain and its
    /// stationary law, always as many.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] for a level outside (0, 1), or too few draws for it;
    /// [`Error::LengthMismatch`] if the question gives another number of answers than
    /// the first time; and what the question and [`MarkovChain::stationary`] return,
    /// [`Error::NotConverged`] among it.
    pub fn measure(
        &self,
        posterior: &CountPosterior,
        question: impl Fn(&MarkovChain<SparseOperator>, &Law) -> Result<Vec<f64>> + Sync,
    ) -> Result<Vec<CredibleInterval>> {
        self.measure_watched(posterior, question, &mut Silent)
    }

    /// As [`measure`](Self::measure), watched: progress is counted in draws.
    ///
    /// # Errors
    ///
    /// As `measure`, and [`Error::Cancelled`].
    pub fn measure_watched(
        &self,
        posterior: &CountPosterior,
        question: impl Fn(&MarkovChain<SparseOperator>, &Law) -> Result<Vec<f64>> + Sync,
        observer: &mut dyn Observer,
    ) -> Result<Vec<CredibleInterval>> {
        let tail = self.tail()?;
        let answer = |number: usize| {
            let chain = posterior.draw(self.seed, number as u64)?;
            let law = chain.stationary()?.converged()?;
            question(&chain, &law)
        };
        let mut answers: Vec<Vec<f64>> = Vec::with_capacity(self.draws);
        for first in (0..self.draws).step_by(BATCH) {
            let batch = first..self.draws.min(first + BATCH);
            let found: Vec<Result<Vec<f64>>> = batch.into_par_iter().map(answer).collect();
            for numbers in found {
                answers.push(numbers?);
            }
            report(observer, "drawing chains", answers.len() as u64, Some(self.draws as u64))?;
        }
        let expected = answers.first().map_or(0, Vec::len);
        if let Some(other) = answers.iter().find(|numbers| numbers.len() != expected) {
            return Err(Error::LengthMismatch { expected, found: other.len() });
        }
        let column = |place: usize| answers.iter().map(|numbers| numbers[place]).collect();
        Ok((0..expected).map(|place| interval(column(place), tail)).collect())
    }

    /// The entropy rate, in bits a step.
    ///
    /// # Errors
    ///
    /// As [`measure`](Self::measure).
    pub fn entropy_rate(&self, posterior: &CountPosterior) -> Result<CredibleInterval> {
        self.measure(posterior, |chain, law| Ok(vec![chain.entropy_rate(law)])).map(|found| found[0])
    }

    /// The stationary probability of each state.
    ///
    /// # Errors
    ///
    /// As [`measure`](Self::measure).
    pub fn stationary(&self, posterior: &CountPosterior) -> Result<Vec<CredibleInterval>> {
        self.measure(posterior, |_, law| Ok(law.to_vec()))
    }

    /// Mutual information of two tokens, in bits, for every lag, strictly ascending.
    ///
    /// It is never negative, so the draws lie above a value near zero.
    ///
    /// # Errors
    ///
    /// As [`measure`](Self::measure) and [`MarkovChain::mutual_information`].
    ///
    /// # Panics
    ///
    /// If the lags are not strictly ascending.
    pub fn mutual_information(
        &self,
        posterior: &CountPosterior,
        lags: &[usize],
    ) -> Result<Vec<CredibleInterval>> {
        assert!(lags.is_sorted_by(|a, b| a < b), "lags must be strictly ascending");
        self.measure(posterior, |chain, law| {
            let found = chain.mutual_information(law, lags)?;
            Ok(found.iter().map(|lag| lag.mutual_information).collect())
        })
    }

    /// The long-run share of each topic.
    ///
    /// # Errors
    ///
    /// As [`measure`](Self::measure).
    ///
    /// # Panics
    ///
    /// If the topics are of another chain.
    #[track_caller]
    pub fn topic_shares(&self, posterior: &CountPosterior, topics: &Topics) -> Result<Vec<CredibleInterval>> {
        assert_eq!(topics.states(), posterior.states().len(), "topics of the states of the posterior");
        self.measure(posterior, |_, law| Ok(topics.law(law)))
    }
}

fn interval(mut numbers: Vec<f64>, tail: usize) -> CredibleInterval {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    numbers.sort_unstable_by(f64::total_cmp);
    CredibleInterval {
        mean,
        deviation: (squares / (count - 1.0)).sqrt(),
        lower: numbers[tail - 1],
        upper: numbers[numbers.len() - tail],
    }
}
