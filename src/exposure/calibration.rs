//! Finding the one number of a look-ahead calibration.

use rayon::prelude::*;

use super::look_ahead::next_entropies;
use super::newton::{Moments, Search};
use super::{Exposure, Tilted};
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::operator::{TransitionOperator, pull_all};
use crate::prob::sum_by;
use crate::solve::{MEMORY_LIMIT, Outcome, check_memory, check_positive};
use crate::text::Token;

/// The largest binary exponent that weights may have.
const LARGEST_EXPONENT: f64 = 500.0;

/// Fits a look-ahead calibration to data: the `a` with the least cross-entropy.
///
/// `q_a` is an exponential family, so the cross-entropy is convex in `a`, with the
/// derivative `E_data H - E_(q_a) H` of the entropy `H` that follows the next token,
/// and the second derivative `ln 2` times its variance: Newton's method, kept
/// between ends. `a = 0` is the model itself, so the cross-entropy never grows, and
/// at the fit the model expects as much entropy to follow as the data have.
///
/// The report's residual is the derivative, in bits a unit of `a`. If the data
/// always go where the least, or the most, entropy follows, no finite `a` is the best:
/// what comes back is one so far out that the derivative is within the tolerance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LookAheadCalibration {
    tolerance: f64,
    max_iterations: usize,
}

impl Default for LookAheadCalibration {
    fn default() -> Self {
        Self::new()
    }
}

/// A calibration and what it does to the fit; in bits a token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LookAheadFit {
    /// The exponent `a`.
    pub alpha: f64,
    /// Cross-entropy of the data under the model.
    pub cross_entropy_before: f64,
    /// Cross-entropy of the data under the calibrated model.
    pub cross_entropy_after: f64,
    /// Mean entropy of the model's law after the next token, the data choosing that.
    pub next_entropy_data: f64,
    /// The same, the model choosing it.
    pub next_entropy_before: f64,
    /// The same, the calibrated model choosing it.
    pub next_entropy_after: f64,
}

impl LookAheadCalibration {
    /// A derivative of 1e-10 bits, at most 200 iterations.
    pub fn new() -> Self {
        Self { tolerance: 1e-10, max_iterations: 200 }
    }

    /// The derivative of the cross-entropy to reach, in bits a unit of `a`.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The most evaluations.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// Fits the model chain to the data chain of an exposure, exactly: three
    /// products an iteration. [`Exposure::look_ahead`] is the chain that it makes.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`]; [`Error::ImpossibleForModel`] if the cross-entropy
    /// is infinite.
    pub fn fit<P: TransitionOperator, Q: TransitionOperator>(
        &self,
        exposure: &Exposure<'_, P, Q>,
    ) -> Result<Outcome<LookAheadFit>> {
        let before = exposure.rates().cross_entropy;
        if before.is_infinite() {
            exposure.finite_errors()?;
        }
        let (law, entropies) = (exposure.data_law(), &exposure.model_entropies);
        let mut next = vec![0.0; law.len()];
        exposure.data.operator().push_forward(law, &mut next);
        let target = super::measure::mean(&next, entropies);
        let (low, high) = range(entropies.iter().copied());
        let moments =
            |alpha: f64| chain_moments(exposure.model.operator(), law, entropies, alpha, 0.5 * (low + high));
        self.least(before, target, high - low, moments)
    }

    /// Fits a model to a text that is cut at both ends; the first K tokens are only
    /// context. `V + 1` laws of the model for every different context.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`]; [`Error::TextTooShort`];
    /// [`Error::TokenOutOfRange`]; [`Error::ImpossibleToken`] for a token that the model
    /// holds impossible; [`Error::TooLarge`] for more than 8 GiB of laws; and as
    /// [`LanguageModel::next_token_law`].
    pub fn fit_text<M: LanguageModel + ?Sized>(
        &self,
        model: &M,
        tokens: &[Token],
    ) -> Result<Outcome<LookAheadFit>> {
        let counted = Counted::of(model, tokens)?;
        let (low, high) = range(counted.possible_entropies());
        let moments = |alpha: f64| counted.moments(alpha, 0.5 * (low + high));
        self.least(counted.cross_entropy, counted.next_entropy, high - low, moments)
    }

    /// The least cross-entropy for entropies of this range.
    fn least(
        &self,
        before: f64,
        target: f64,
        range: f64,
        moments: impl Fn(f64) -> Moments,
    ) -> Result<Outcome<LookAheadFit>> {
        check_positive("tolerance", self.tolerance)?;
        let farthest = if range > 0.0 { LARGEST_EXPONENT / range } else { 1.0 };
        let search = Search { tolerance: self.tolerance, max_iterations: self.max_iterations, farthest };
        let (alpha, after, report) = search.least(target, &moments);
        let fit = LookAheadFit {
            alpha,
            cross_entropy_before: before,
            cross_entropy_after: before + after.log_sum + alpha * target,
            next_entropy_data: target,
            next_entropy_before: moments(0.0).mean,
            next_entropy_after: after.mean,
        };
        Ok(Outcome::new(fit, report))
    }
}

impl<P: TransitionOperator, Q: TransitionOperator> Exposure<'_, P, Q> {
    /// The model chain under a look-ahead calibration: that of
    /// [`LookAhead`](super::LookAhead) over all contexts, on any operator.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] for an `a` so large that `2^(-a H)` leaves the range of
    /// numbers.
    pub fn look_ahead(&self, alpha: f64) -> Result<MarkovChain<Tilted<&Q>>> {
        let (low, high) = range(self.model_entropies.iter().copied());
        let middle = 0.5 * (low + high);
        if alpha.is_nan() || alpha.abs() * (high - low) > 2.0 * LARGEST_EXPONENT {
            let requirement = "at most 1000 divided by the range of the entropies";
            return Err(Error::InvalidSetting { name: "alpha", value: alpha, requirement });
        }
        let weights = self.model_entropies.iter().map(|bits| (-alpha * (bits - middle)).exp2()).collect();
        Ok(self.model.with_operator(Tilted::new(self.model.operator(), weights)?))
    }
}

fn range(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
}

/// The moments of a chain by three products.
fn chain_moments<O: TransitionOperator>(
    operator: &O,
    law: &[f64],
    entropies: &[f64],
    alpha: f64,
    middle: f64,
) -> Moments {
    // Powers of `H` less a middle value: what is squared stays small.
    let weighted = |power: i32| {
        let weight = |bits: &f64| (-alpha * (bits - middle)).exp2() * (bits - middle).powi(power);
        entropies.iter().map(weight).collect::<Vec<f64>>()
    };
    let mut pulled = [0, 1, 2].map(weighted);
    pull_all(operator, &mut pulled);
    let [sums, firsts, seconds] = pulled;
    let over = |term: &(dyn Fn(usize) -> f64 + Sync)| {
        sum_by(law.len(), |state| if law[state] > 0.0 { law[state] * term(state) } else { 0.0 })
    };
    let first = |state: usize| firsts[state] / sums[state];
    Moments {
        log_sum: over(&|state| sums[state].log2()) - alpha * middle,
        mean: over(&first) + middle,
        variance: over(&|state| (seconds[state] / sums[state] - first(state).powi(2)).max(0.0)),
    }
}

/// The different contexts of a text, with what the model says there.
struct Counted {
    vocabulary_size: usize,
    /// How often each occurs, as a share.
    shares: Vec<f64>,
    laws: Vec<f64>,
    /// Of the token after each next one.
    entropies: Vec<f64>,
    cross_entropy: f64,
    next_entropy: f64,
}

impl Counted {
    fn of<M: LanguageModel + ?Sized>(model: &M, tokens: &[Token]) -> Result<Self> {
        let (v, k) = (model.vocabulary_size(), model.context_length());
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= v) {
            return Err(Error::TokenOutOfRange { token, vocabulary_size: v });
        }
        let mut windows: Vec<&[Token]> = tokens.windows(k + 1).collect();
        if windows.is_empty() {
            return Err(Error::TextTooShort { needed: k + 1 });
        }
        windows.sort_unstable();
        let groups: Vec<&[&[Token]]> = windows.chunk_by(|one, other| one[..k] == other[..k]).collect();
        let bytes = 2 * groups.len() as u128 * v as u128 * size_of::<f64>() as u128;
        check_memory("the laws after the contexts of the text", bytes, MEMORY_LIMIT)?;
        let rows = groups.par_iter().map(|group| {
            let context = &group[0][..k];
            let mut law = vec![0.0; v];
            model.next_token_law(context, &mut law)?;
            let entropies = next_entropies(model, context, &law)?;
            Ok((law, entropies))
        });
        let rows: Vec<Result<(Vec<f64>, Vec<f64>)>> = rows.collect();
        let mut counted = Self {
            vocabulary_size: v,
            shares: groups.iter().map(|group| group.len() as f64 / windows.len() as f64).collect(),
            laws: Vec::with_capacity(groups.len() * v),
            entropies: Vec::with_capacity(groups.len() * v),
            cross_entropy: 0.0,
            next_entropy: 0.0,
        };
        for (group, row) in groups.iter().zip(rows) {
            let (law, entropies) = row?;
            counted.add(group, &law, &entropies, windows.len() as f64)?;
        }
        Ok(counted)
    }

    fn add(&mut self, group: &[&[Token]], law: &[f64], entropies: &[f64], windows: f64) -> Result<()> {
        for window in group {
            let (context, token) = (&window[..window.len() - 1], window[window.len() - 1]);
            let p = law[token as usize];
            if p == 0.0 {
                return Err(Error::ImpossibleToken { context: context.to_vec(), token });
            }
            self.cross_entropy -= p.log2() / windows;
            self.next_entropy += entropies[token as usize] / windows;
        }
        self.laws.extend_from_slice(law);
        self.entropies.extend_from_slice(entropies);
        Ok(())
    }

    /// The entropies after tokens that are possible.
    fn possible_entropies(&self) -> impl Iterator<Item = f64> {
        self.laws.iter().zip(&self.entropies).filter(|(p, _)| **p > 0.0).map(|(_, bits)| *bits)
    }

    fn moments(&self, alpha: f64, middle: f64) -> Moments {
        let rows = self.laws.par_chunks_exact(self.vocabulary_size);
        let rows = rows.zip(self.entropies.par_chunks_exact(self.vocabulary_size));
        let of_row = |(law, entropies): (&[f64], &[f64])| {
            let mut sums = [0.0; 3];
            for (p, bits) in law.iter().zip(entropies).filter(|(p, _)| **p > 0.0) {
                let weight = p * (-alpha * (bits - middle)).exp2();
                let off = bits - middle;
                (0..3).for_each(|power| sums[power] += weight * off.powi(power as i32));
            }
            let first = sums[1] / sums[0];
            [sums[0].log2(), first, (sums[2] / sums[0] - first * first).max(0.0)]
        };
        let found: Vec<[f64; 3]> = rows.map(of_row).collect();
        let over = |place: usize| sum_by(found.len(), |row| self.shares[row] * found[row][place]);
        Moments { log_sum: over(0) - alpha * middle, mean: over(1) + middle, variance: over(2) }
    }
}
