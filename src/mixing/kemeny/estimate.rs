//! Kemeny's constant of large chains, estimated.

use rand::RngExt;

use super::poisson::{Poisson, Solution, norm};
use super::recurrent_class;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, dot, stream};
use crate::solve::{
    MEMORY_LIMIT, Observer, Outcome, Report, Silent, Stop, check_memory, check_positive, report,
};

/// What the observer is told.
const STAGE: &str = "estimating Kemeny's constant";

/// Vectors beside the sketch: the basis of a solution, and what it is made of.
const VECTORS: usize = 68;

/// A relative length at which a vector counts as spanned by others.
const SPANNED: f64 = 1e-10;

/// An estimate of Kemeny's constant: not a bound, but a mean with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KemenyEstimate {
    /// The mean, for a zero diagonal.
    pub zero_diagonal: f64,
    /// Its standard error over the probes.
    pub standard_error: f64,
    /// Probes that the error is from.
    pub probes: usize,
}

impl KemenyEstimate {
    /// With the mean return time on the diagonal: one more.
    pub fn return_diagonal(&self) -> f64 {
        self.zero_diagonal + 1.0
    }

    /// So many standard errors to either side. If what the probes say were normal, the number
    /// for an interval that holds the true value 19 times in 20 would be the quantile 0.975 of
    /// Student's `t` with one degree of freedom less than probes: 2.07 for 24 of them, 2.26 for
    /// 10, but 12.7 for 2, whose 2 standard errors hold 7 times in 10 only.
    pub fn interval(&self, standard_errors: f64) -> (f64, f64) {
        let width = standard_errors * self.standard_error;
        (self.zero_diagonal - width, self.zero_diagonal + width)
    }
}

/// Estimates Kemeny's constant, the trace of the deviation matrix `D`, by random vectors.
///
/// For a vector `z` of random signs `z' D z` has the trace as its expectation
/// (Girard 1989; Hutchinson 1990). What slow eigenvalues add to the variance is taken out first
/// (Hutch++: Meyer, Musco, Musco & Woodruff 2021): a few vectors are sketched, `Y = D S`,
/// the trace of `D` on their span is computed as it is, and only the rest is
/// estimated by the probes. Given the sketch it is unbiased, up to the tolerance of the
/// solutions of Poisson's equation that stand behind every product with `D`.
///
/// Works on every operator. `2 sketch + probes` solutions; each takes some tens
/// of products, more where many eigenvalues are near 1. The basis of the sketch and
/// the vectors of a solution take `8 (sketch + 68) N` bytes, some 600 N.
///
/// # Example
///
/// ```
/// use lmchain::chain::MarkovChain;
/// use lmchain::mixing::KemenyEstimator;
/// use ndarray::array;
///
/// let chain = MarkovChain::from_dense(array![[0.7, 0.3], [0.1, 0.9]].view())?;
/// let law = chain.stationary()?.converged()?;
/// let estimate = KemenyEstimator::new().estimate(&chain, &law)?.converged()?;
/// assert!((estimate.zero_diagonal - 2.5).abs() < 1e-6); // the sketch spans it all
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct KemenyEstimator {
    sketch: usize,
    probes: usize,
    tolerance: f64,
    max_iterations: usize,
    seed: u64,
}

impl Default for KemenyEstimator {
    fn default() -> Self {
        Self::new()
    }
}

impl KemenyEstimator {
    /// A sketch of 8 vectors, 24 probes, relative residuals of 1e-9 within 10,000 products.
    pub fn new() -> Self {
        Self { sketch: 8, probes: 24, tolerance: 1e-9, max_iterations: 10_000, seed: 1 }
    }

    /// Vectors of the sketch; none for Hutchinson's estimate.
    #[must_use]
    pub fn sketch(mut self, vectors: usize) -> Self {
        self.sketch = vectors;
        self
    }

    /// Random vectors that what is outside the sketch is estimated by, at least 2.
    #[must_use]
    pub fn probes(mut self, probes: usize) -> Self {
        self.probes = probes;
        self
    }

    /// The residual of Poisson's equation to reach, relative to its right-hand side.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Products after which a solution is given up.
    #[must_use]
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// The seed: vector `i` draws from stream `i`.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The estimate for a chain with one recurrent class and this stationary law.
    ///
    /// The report counts the products; its residual is the largest of the
    /// solutions. It has converged if all solutions have, and says why the first
    /// stopped that has not; of the statistical error it says nothing.
    ///
    /// # Errors
    ///
    /// [`Error::SeveralRecurrentClasses`], [`Error::InvalidSetting`], [`Error::TooLarge`]
    /// beyond 8 GiB.
    ///
    /// # Panics
    ///
    /// If the stationary law is over other states.
    #[track_caller]
    pub fn estimate<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        stationary: &Law,
    ) -> Result<Outcome<KemenyEstimate>> {
        self.estimate_watched(chain, stationary, &mut Silent)
    }

    /// As [`estimate`](Self::estimate), watched: progress is counted in solutions.
    ///
    /// # Errors
    ///
    /// As `estimate`, and [`Error::Cancelled`].
    #[track_caller]
    pub fn estimate_watched<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        stationary: &Law,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<KemenyEstimate>> {
        assert_eq!(stationary.len(), chain.len(), "a law over the states of the chain");
        check_positive("tolerance", self.tolerance)?;
        if self.probes < 2 {
            let value = self.probes as f64;
            return Err(Error::InvalidSetting { name: "probes", value, requirement: "at least 2" });
        }
        let states = recurrent_class(chain)?;
        let vectors = (self.sketch + VECTORS) as u128;
        check_memory("the sketch of the deviation matrix", vectors * chain.len() as u128 * 8, MEMORY_LIMIT)?;
        let poisson = Poisson::new(chain, stationary, self.tolerance, self.max_iterations);
        let total = (2 * self.sketch + self.probes) as u64;
        let mut work = Work { poisson, observer, done: 0, total, products: 0, residual: 0.0, failed: None };
        let (basis, within) = self.sketched(chain.len(), states, &mut work)?;
        let rest = self.probed(chain.len(), states, &basis, &mut work)?;
        Ok(self.outcome(within, &rest, &work))
    }

    /// An orthonormal basis of the range of a random sketch, and the trace on it.
    fn sketched<O: TransitionOperator>(
        &self,
        n: usize,
        states: &[u32],
        work: &mut Work<'_, '_, O>,
    ) -> Result<(Vec<Vec<f64>>, f64)> {
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for number in 0..self.sketch {
            let mut image = work.solve(&self.signs(n, states, number))?;
            let length = norm(&image);
            outside(&mut image, &basis);
            let left = norm(&image);
            if left > SPANNED * length {
                basis.push(image.iter().map(|value| value * left.recip()).collect());
            }
        }
        let mut trace = 0.0;
        for vector in &basis {
            trace += dot(vector, &work.solve(vector)?);
        }
        Ok((basis, trace))
    }

    /// For every probe, what it says about the trace outside the basis.
    fn probed<O: TransitionOperator>(
        &self,
        n: usize,
        states: &[u32],
        basis: &[Vec<f64>],
        work: &mut Work<'_, '_, O>,
    ) -> Result<Vec<f64>> {
        let probe = |number: usize| {
            let mut vector = self.signs(n, states, self.sketch + number);
            outside(&mut vector, basis);
            let image = work.solve(&vector)?;
            Ok(dot(&vector, &image))
        };
        (0..self.probes).map(probe).collect()
    }

    /// Random signs on the recurrent states.
    fn signs(&self, n: usize, states: &[u32], number: usize) -> Vec<f64> {
        let mut rng = stream(self.seed, number as u64);
        let mut vector = vec![0.0; n];
        for &state in states {
            vector[state as usize] = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
        }
        vector
    }

    fn outcome<O>(&self, within: f64, rest: &[f64], work: &Work<'_, '_, O>) -> Outcome<KemenyEstimate> {
        let probes = rest.len() as f64;
        let mean = rest.iter().sum::<f64>() / probes;
        let variance = rest.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (probes - 1.0);
        let estimate = KemenyEstimate {
            zero_diagonal: within + mean,
            standard_error: (variance / probes).sqrt(),
            probes: rest.len(),
        };
        let stop = work.failed.unwrap_or(Stop::Converged);
        let (iterations, residual) = (work.products, work.residual);
        Outcome::new(estimate, Report { iterations, residual, error_bound: None, stop })
    }
}

/// Products with the deviation matrix, counted.
struct Work<'a, 'b, O> {
    poisson: Poisson<'a, O>,
    observer: &'b mut dyn Observer,
    done: u64,
    total: u64,
    products: usize,
    residual: f64,
    /// Why the first solution stopped that did not converge.
    failed: Option<Stop>,
}

impl<O: TransitionOperator> Work<'_, '_, O> {
    fn solve(&mut self, vector: &[f64]) -> Result<Vec<f64>> {
        let Solution { values, residual, products, stop } = self.poisson.solve(vector);
        self.products += products;
        let failed = !matches!(stop, Stop::Converged | Stop::Direct);
        self.failed = self.failed.or(failed.then_some(stop));
        self.residual = self.residual.max(residual);
        self.done += 1;
        report(self.observer, STAGE, self.done, Some(self.total))?;
        Ok(values)
    }
}

/// Takes out of a vector what an orthonormal basis spans.
fn outside(vector: &mut [f64], basis: &[Vec<f64>]) {
    for _ in 0..2 {
        for direction in basis {
            let part = dot(direction, vector);
            vector.iter_mut().zip(direction).for_each(|(value, d)| *value -= part * d);
        }
    }
}
