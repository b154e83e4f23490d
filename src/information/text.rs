//! Mutual information by lag, estimated from a text.

use rand::seq::SliceRandom;

use super::batches::in_batches;
use super::counts::{PairCounts, Sequence};
use crate::error::Result;
use crate::prob::{EntropyEstimator, stream, sum_by};
use crate::solve::{Observer, Silent, check_operations};
use crate::text::Corpus;

/// Estimates the mutual information of two tokens of a text, by lag.
///
/// A finite text has mutual information at every lag, if only by chance. How much of that an
/// estimator leaves, shuffles of the text tell: they have the same tokens, and no memory.
///
/// # Example
///
/// ```
/// use lmchain::information::TextInformation;
/// use lmchain::text::{CorpusSettings, Tokenizer};
///
/// let text = "the cat sat on the mat and the rat sat on the cat ";
/// let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text])?;
/// let told = TextInformation::new().shuffles(20).seed(1).measure(&corpus, &[1, 2, 3])?;
/// let floor = told[0].floor.expect("shuffles were asked for");
/// assert!(told[0].mutual_information > floor.highest);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextInformation {
    estimator: EntropyEstimator,
    shuffles: usize,
    seed: u64,
}

/// The mutual information of two tokens of a text, `lag` steps apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LagEstimate {
    /// Steps between the two.
    pub lag: usize,
    /// Pairs of tokens that were counted.
    pub pairs: u64,
    /// The estimate, in bits; it may be below zero.
    pub mutual_information: f64,
    /// What the estimate is without memory, if shuffles were asked for.
    pub floor: Option<ShuffleFloor>,
}

/// The estimates that shuffles of a text give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShuffleFloor {
    /// Their mean: what of the estimate is bias.
    pub mean: f64,
    /// Their standard deviation, with `shuffles - 1` in the denominator; 0 for one shuffle.
    pub deviation: f64,
    /// The lowest of them.
    pub lowest: f64,
    /// The highest. A text without memory is above it with probability `1 / (shuffles + 1)`.
    pub highest: f64,
}

impl LagEstimate {
    /// What is left above the mean of the shuffles, in bits; without shuffles the estimate itself.
    pub fn above_floor(&self) -> f64 {
        self.mutual_information - self.floor.map_or(0.0, |floor| floor.mean)
    }

    /// Whether the estimate is above that of every shuffle. Without shuffles it never is.
    pub fn is_significant(&self) -> bool {
        self.floor.is_some_and(|floor| self.mutual_information > floor.highest)
    }
}

impl TextInformation {
    /// The default estimator ([`EntropyEstimator::Grassberger`]), no shuffles, seed 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// How entropies are estimated.
    pub fn estimator(mut self, estimator: EntropyEstimator) -> Self {
        self.estimator = estimator;
        self
    }

    /// How many shuffles of the text are measured too.
    pub fn shuffles(mut self, shuffles: usize) -> Self {
        self.shuffles = shuffles;
        self
    }

    /// The seed of the shuffles; shuffle `i` draws from stream `i`.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The estimates, for every lag asked for, in that order.
    ///
    /// Pairs are those of [`PairCounts::new`]. A shuffle permutes all tokens
    /// of the text and leaves the ends of documents where they are; one shuffle serves for
    /// all lags. `O(tokens)` a lag, for the text and for every shuffle.
    ///
    /// # Errors
    ///
    /// [`TextTooShort`](crate::Error::TextTooShort) if no two tokens are so far apart,
    /// [`TooExpensive`](crate::Error::TooExpensive) beyond 10^12 pairs.
    pub fn measure(&self, corpus: &Corpus, lags: &[usize]) -> Result<Vec<LagEstimate>> {
        self.measure_watched(corpus, lags, &mut Silent)
    }

    /// As [`measure`](Self::measure), watched.
    ///
    /// # Errors
    ///
    /// As there, and [`Cancelled`](crate::Error::Cancelled) when the observer breaks.
    pub fn measure_watched(
        &self,
        corpus: &Corpus,
        lags: &[usize],
        observer: &mut dyn Observer,
    ) -> Result<Vec<LagEstimate>> {
        let sequence = Sequence::of(corpus);
        let needed = (self.shuffles as f64 + 1.0) * lags.len() as f64 * sequence.tokens.len() as f64;
        check_operations("mutual information of a text", needed, "ask for fewer lags or fewer shuffles")?;
        let of_text = in_batches(lags.len(), "pairs of tokens", observer, |at| sequence.pairs(lags[at]))?;
        let of_text: Vec<PairCounts> = of_text.into_iter().collect::<Result<_>>()?;
        let shuffled = in_batches(self.shuffles, "shuffles of the text", observer, |shuffle| {
            let mut tokens = sequence.tokens.to_vec();
            tokens.shuffle(&mut stream(self.seed, shuffle as u64));
            let shuffled = sequence.with_tokens(tokens);
            lags.iter().map(|&lag| self.bits(&shuffled.pairs(lag)?)).collect()
        })?;
        let shuffled: Vec<Vec<f64>> = shuffled.into_iter().collect::<Result<_>>()?;
        let estimate = |(at, counts): (usize, &PairCounts)| {
            let floor: Vec<f64> = shuffled.iter().map(|by_lag| by_lag[at]).collect();
            Ok(LagEstimate {
                lag: lags[at],
                pairs: counts.total(),
                mutual_information: self.bits(counts)?,
                floor: ShuffleFloor::of(&floor),
            })
        };
        of_text.iter().enumerate().map(estimate).collect()
    }

    fn bits(&self, counts: &PairCounts) -> Result<f64> {
        Ok(counts.mutual_information(self.estimator))
    }
}

impl ShuffleFloor {
    fn of(estimates: &[f64]) -> Option<Self> {
        let n = estimates.len();
        if n == 0 {
            return None;
        }
        let mean = sum_by(n, |i| estimates[i]) / n as f64;
        let squares = sum_by(n, |i| (estimates[i] - mean).powi(2));
        let extreme = |pick: fn(f64, f64) -> f64| estimates.iter().copied().fold(estimates[0], pick);
        Some(Self {
            mean,
            deviation: (squares / (n - 1).max(1) as f64).sqrt(),
            lowest: extreme(f64::min),
            highest: extreme(f64::max),
        })
    }
}
