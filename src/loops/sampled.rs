//! Repetition in the text that a chain writes, from samples.

use rayon::prelude::*;

use super::repetition::{check_ngram, check_window};
use super::{ngram_repetition, window_repetition};
use crate::chain::{MarkovChain, Start};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::text::Token;

/// The mean of independent samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleMean {
    /// The mean.
    pub mean: f64,
    /// Its standard error: the standard deviation of the samples over the root
    /// of their number.
    pub standard_error: f64,
}

impl SampleMean {
    /// Of at least two samples, added up in order; relative to the first one, so
    /// that samples that are all the same have no error.
    fn of(samples: &[f64]) -> Self {
        let (n, first) = (samples.len() as f64, samples[0]);
        let mean = first + samples.iter().map(|sample| sample - first).sum::<f64>() / n;
        let variance = samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Self { mean, standard_error: (variance / n).sqrt() }
    }
}

/// How much sampled texts repeat themselves, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RepetitionEstimate {
    /// seq-rep-n, see [`ngram_repetition`].
    pub ngrams: SampleMean,
    /// rep-w, see [`window_repetition`].
    pub window: SampleMean,
}

/// Estimates how much the text of a chain repeats itself: expectations of
/// seq-rep-n and rep-w over texts of a given length, without bias.
///
/// The text of a walk is the newest tokens of the states after each step; the
/// start is not part of it. Walk `i` draws from stream `i` of the seed, so the
/// result does not depend on the number of threads.
///
/// # Example
///
/// ```
/// use lmchain::chain::{MarkovChain, Start};
/// use lmchain::loops::RepetitionSampler;
/// use ndarray::array;
///
/// let cycle = MarkovChain::from_dense(array![[0.0, 1.0], [1.0, 0.0]].view())?;
/// let sampler = RepetitionSampler::new().ngram(2).steps(11).walks(2);
/// let repetition = sampler.estimate(&cycle, Start::State(0))?;
/// assert_eq!(repetition.ngrams.mean, 1.0 - 2.0 / 10.0);
/// assert_eq!(repetition.ngrams.standard_error, 0.0);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RepetitionSampler {
    ngram: usize,
    window: usize,
    walks: usize,
    steps: usize,
    seed: u64,
}

impl Default for RepetitionSampler {
    fn default() -> Self {
        Self::new()
    }
}

impl RepetitionSampler {
    /// seq-rep-4 and rep-128 of 1,000 texts of 256 tokens.
    pub fn new() -> Self {
        Self { ngram: 4, window: 128, walks: 1000, steps: 256, seed: 1 }
    }

    /// The `n` of seq-rep-n.
    #[must_use]
    pub fn ngram(mut self, n: usize) -> Self {
        self.ngram = n;
        self
    }

    /// The `w` of rep-w.
    #[must_use]
    pub fn window(mut self, w: usize) -> Self {
        self.window = w;
        self
    }

    /// The number of texts, at least two.
    #[must_use]
    pub fn walks(mut self, walks: usize) -> Self {
        self.walks = walks;
        self
    }

    /// The length of a text in tokens.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self
    }

    /// The seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Mean repetition of texts that a chain writes from a start.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for fewer than two walks, or an `n` or `w` of
    /// zero; [`Error::TextTooShort`] for fewer steps than `n`,
    /// [`Error::EmptyText`] for none; [`Error::TooLarge`], and as
    /// [`Start::law`] for the start.
    pub fn estimate<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        start: Start<'_>,
    ) -> Result<RepetitionEstimate> {
        if self.walks < 2 {
            return Err(Error::MustBePositive { what: "number of walks less one" });
        }
        check_window(self.steps, self.window)?;
        check_ngram(self.steps, self.ngram)?;
        let walker = chain.walker()?;
        let ensemble = walker.ensemble(start, self.walks, self.steps, self.seed)?;
        let measure = |walk: &[u32]| {
            let newest = |&state: &u32| chain.states().newest_token(state as usize);
            let tokens: Vec<Token> = walk[1..].iter().map(newest).collect();
            Ok((ngram_repetition(&tokens, self.ngram)?, window_repetition(&tokens, self.window)?))
        };
        let walks: Vec<&[u32]> = ensemble.walks().collect();
        let measured = walks.into_par_iter().map(measure).collect::<Result<Vec<_>>>()?;
        let (ngrams, windows): (Vec<f64>, Vec<f64>) = measured.into_iter().unzip();
        Ok(RepetitionEstimate { ngrams: SampleMean::of(&ngrams), window: SampleMean::of(&windows) })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn what_cannot_be_estimated_is_refused() {
        let chain = MarkovChain::from_dense(array![[0.5, 0.5], [0.5, 0.5]].view()).unwrap();
        let estimate = |sampler: RepetitionSampler| sampler.estimate(&chain, Start::State(0)).unwrap_err();
        let new = RepetitionSampler::new;
        assert!(matches!(estimate(new().walks(1)), Error::MustBePositive { .. }));
        assert!(matches!(estimate(new().window(0)), Error::MustBePositive { .. }));
        assert!(matches!(estimate(new().ngram(0)), Error::MustBePositive { .. }));
        assert!(matches!(estimate(new().steps(3)), Error::TextTooShort { needed: 4 }));
        assert!(matches!(estimate(new().steps(0)), Error::EmptyText));
        let outside = new().estimate(&chain, Start::State(2));
        assert!(matches!(outside, Err(Error::StateOutOfRange { state: 2, states: 2 })));
    }

    #[test]
    fn the_mean_has_the_error_of_the_textbook() {
        let found = SampleMean::of(&[1.0, 2.0, 3.0, 6.0]);
        // Squared deviations 4, 1, 0, 9 over 3, then over 4.
        assert_eq!((found.mean, found.standard_error), (3.0, (14.0f64 / 3.0 / 4.0).sqrt()));
    }
}
