//! The mixing time.

use std::ops::Range;

use rayon::prelude::*;

use super::Divergence;
use super::powers::{Blocks, Power};
use crate::chain::{Classes, MarkovChain};
use crate::error::{Error, Result};
use crate::operator::{Block, TransitionOperator, block_batches};
use crate::prob::Law;
use crate::solve::OPERATIONS_LIMIT;

/// States up to which powers of the matrix are formed by squaring.
const SMALL: usize = 512;

/// States up to which they are where pushing every start takes longer.
const MEDIUM: usize = 1024;

/// Products of two matrices that squaring and searching take, about.
const PRODUCTS: f64 = 30.0;

/// The most steps that can be looked ahead.
const LAST: u64 = 1 << 62;

/// How far off a distance may be, in units of the threshold, or of one less the
/// threshold, whichever is less.
const ACCURATE: f64 = 1e-3;

/// How alike the laws of starts in one block are, in units of the worst distance.
const ALIKE: f64 = 0.25;

/// Finds the first time at which every start is close to the stationary law.
///
/// # Example
///
/// ```
/// use lmchain::chain::MarkovChain;
/// use lmchain::mixing::MixingTimeSolver;
/// use ndarray::array;
///
/// // The distance from the worst start is 0.6 · 0.5^t.
/// let chain = MarkovChain::from_dense(array![[0.7, 0.3], [0.2, 0.8]].view())?;
/// let law = chain.stationary()?.converged()?;
/// assert_eq!(MixingTimeSolver::new().solve(&chain, &law)?, Some(2));
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MixingTimeSolver {
    threshold: f64,
    max_steps: u64,
}

impl Default for MixingTimeSolver {
    fn default() -> Self {
        Self::new()
    }
}

impl MixingTimeSolver {
    /// Distance 1/4, up to 2^62 steps.
    pub fn new() -> Self {
        Self { threshold: 0.25, max_steps: LAST }
    }

    /// The total variation distance to reach.
    pub fn threshold(mut self, distance: f64) -> Self {
        self.threshold = distance;
        self
    }

    /// The most steps to look ahead, at most 2^62.
    pub fn max_steps(mut self, steps: u64) -> Self {
        self.max_steps = steps.min(LAST);
        self
    }

    /// The mixing time over all starts, or `None` if it is above the step limit: always so if
    /// the threshold is below `1 - pi(C) / d` for a recurrent class `C` of period `d`, as
    /// is 1/4 for several classes or a periodic one, which never mix.
    ///
    /// The distances compared are those to the law given, in floating point: a
    /// distance that all but equals the threshold may be counted either way.
    ///
    /// A bound on the rounding error of a power of the matrix is carried along. Its entries
    /// are sums of non-negative terms, right in relative terms, and its rows are divided by their sums; so
    /// what a product rounds moves a row by no more than `4 (N + 2) eps` times the mass outside
    /// its largest entry. A chain that hardly ever does what is not most probable thus keeps
    /// its digits for as many steps as it takes it to do so. So does one that hardly ever leaves any of
    /// some blocks of states, within which it forgets where it was: 10^12 steps are no hindrance
    /// by themselves. Where the bound exceeds a thousandth of the threshold, or of one less the
    /// threshold, nothing is claimed.
    ///
    /// Up to 512 states, powers of the matrix are squared and searched:
    /// `O(N^3 log t)`. Above, every start is pushed forward until it is close,
    /// `O(N · t)` products; up to 1,024 states, as long as that is less work.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] unless the threshold is in `(0, 1)`;
    /// [`Error::TooExpensive`] if 10^12 multiplications did not settle it;
    /// [`Error::LostDigits`] if rounding keeps it open.
    ///
    /// # Panics
    ///
    /// If the law is over other states.
    #[track_caller]
    pub fn solve<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        stationary: &Law,
    ) -> Result<Option<u64>> {
        assert_eq!(stationary.len(), chain.len(), "a law over the states of the chain");
        if !(self.threshold > 0.0 && self.threshold < 1.0) {
            let requirement = "between 0 and 1";
            return Err(Error::InvalidSetting { name: "threshold", value: self.threshold, requirement });
        }
        if self.threshold < least_distance(chain.classes(), stationary) {
            return Ok(None);
        }
        let (operator, states) = (chain.operator(), chain.len() as f64);
        if chain.len() <= SMALL {
            return self.by_squaring(operator, stationary);
        }
        let per_step = states * (operator.stored_entries() as f64 + states);
        let can_square = chain.len() <= MEDIUM;
        let allowed = if can_square { PRODUCTS * states.powi(3) } else { OPERATIONS_LIMIT };
        let horizon = self.max_steps.min((allowed / per_step) as u64);
        // Where not even one step can be afforded, nothing is begun.
        let is_affordable = horizon > 0 || self.max_steps == 0;
        match if is_affordable { self.by_pushing(operator, stationary, horizon) } else { None } {
            None if can_square && horizon < self.max_steps => self.by_squaring(operator, stationary),
            None if horizon == self.max_steps => Ok(None),
            None => Err(Error::TooExpensive {
                what: "the mixing time over all starts",
                needed: per_step * (horizon + 1) as f64,
                allowed: OPERATIONS_LIMIT,
                remedy: "lower max_steps, or look at a sample of starts with worst_distance_curve_over",
            }),
            time => Ok(time),
        }
    }

    /// By squaring, once more with blocks where digits are lost: those that the last power tells.
    fn by_squaring<O: TransitionOperator>(&self, operator: &O, stationary: &Law) -> Result<Option<u64>> {
        let lost = match self.search(operator, stationary, &Blocks::singletons(stationary.len())) {
            Ok(time) => return Ok(time),
            Err(lost) => lost,
        };
        let blocks = Blocks::alike(&lost, ALIKE * lost.worst_distance(stationary));
        self.search(operator, stationary, &blocks).map_err(|lost| Error::LostDigits {
            what: "the mixing time",
            error: lost.error(),
            allowed: self.allowed(),
            remedy: "raise the threshold, or take the relaxation time by SecondEigenvalueSolver",
        })
    }

    /// The error that a distance may have.
    fn allowed(&self) -> f64 {
        ACCURATE * self.threshold.min(1.0 - self.threshold)
    }

    /// Squares until close, then closes in on the last time that is not close; or the
    /// power that is too far off to be looked at.
    fn search<O: TransitionOperator>(
        &self,
        operator: &O,
        stationary: &Law,
        blocks: &Blocks,
    ) -> Result<Option<u64>, Box<Power>> {
        let close = |power: &Power| power.worst_distance(stationary) <= self.threshold;
        let trusted = |power: Power| {
            if power.error() <= self.allowed() { Ok(power) } else { Err(Box::new(power)) }
        };
        let least = stationary.iter().copied().fold(1.0, f64::min);
        if 1.0 - least <= self.threshold {
            return Ok(Some(0));
        }
        let mut powers = vec![trusted(Power::first(operator, blocks))?];
        while !close(&powers[powers.len() - 1]) {
            let last = &powers[powers.len() - 1];
            if 1u64 << (powers.len() - 1) >= self.max_steps {
                return Ok(None);
            }
            powers.push(trusted(last.times(last, blocks))?);
        }
        powers.pop();
        let mut steps = 0;
        let mut reached: Option<Power> = None;
        for (exponent, power) in powers.into_iter().enumerate().rev() {
            let candidate = match &reached {
                Some(at) => trusted(power.times(at, blocks))?,
                None => power,
            };
            if !close(&candidate) {
                reached = Some(candidate);
                steps += 1u64 << exponent;
            }
        }
        Ok(Some(steps + 1).filter(|&steps| steps <= self.max_steps))
    }

    /// Pushes every start until it is close, if all are by the horizon.
    fn by_pushing<O: TransitionOperator>(&self, operator: &O, stationary: &Law, horizon: u64) -> Option<u64> {
        let time = |run| all_close(operator, run, stationary, self.threshold, horizon);
        let mut latest = 0;
        for batch in block_batches(operator.states(), operator.states()) {
            // One start that is not close by then settles the matter.
            let times = batch.into_par_iter().map(time).collect::<Option<Vec<u64>>>()?;
            latest = times.into_iter().fold(latest, u64::max);
        }
        Some(latest)
    }
}

/// What the distance of the worst start never falls below: walks in a recurrent class
/// of period `d` are in one of its `d` cyclic classes at a time, and these are equally probable.
fn least_distance(classes: &Classes, stationary: &Law) -> f64 {
    let inside = |class: usize| {
        let mass: f64 = classes.members(class).iter().map(|&state| stationary[state as usize]).sum();
        mass / classes.period(class) as f64
    };
    1.0 - classes.recurrent().map(inside).fold(1.0, f64::min)
}

/// The first time at which every one of a run of starts is close; their distances never grow.
fn all_close<O: TransitionOperator>(
    operator: &O,
    starts: Range<usize>,
    stationary: &Law,
    threshold: f64,
    horizon: u64,
) -> Option<u64> {
    let mut laws = Block::points(operator.states(), starts.len(), |column| starts.start + column);
    for step in 0..=horizon {
        if step > 0 {
            laws.push(operator);
        }
        let distances = Divergence::TotalVariation.of_block(&laws, stationary);
        if distances.into_iter().all(|distance| distance <= threshold) {
            return Some(step);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TableModel;

    #[test]
    fn squaring_and_pushing_find_the_same_times() {
        for eps in [0.4, 0.1, 0.02, 0.004] {
            let row = |parity: usize| if parity == 0 { [1.0 - eps, eps] } else { [eps, 1.0 - eps] };
            let rows: Vec<[f64; 2]> =
                (0..16u32).map(|context| row(context.count_ones() as usize % 2)).collect();
            let chain = MarkovChain::enumerated(&TableModel::from_rows(4, &rows).unwrap()).unwrap();
            let law = chain.stationary().unwrap().converged().unwrap();
            let solver = MixingTimeSolver::new();
            let pushed = solver.by_pushing(chain.operator(), &law, 10_000);
            assert_eq!(solver.by_squaring(chain.operator(), &law).unwrap(), pushed);
            let time = pushed.unwrap();
            assert_eq!(solver.by_pushing(chain.operator(), &law, time - 1), None);
            assert_eq!(solver.clone().max_steps(time - 1).solve(&chain, &law).unwrap(), None);
            assert_eq!(solver.max_steps(time).solve(&chain, &law).unwrap(), pushed);
        }
    }

    #[test]
    fn what_hardly_ever_happens_costs_no_digits() {
        // Two states that change with probability 1e-13: the distance is 0.5 (1 - 2e-13)^t.
        let chain =
            MarkovChain::from_dense(ndarray::array![[1.0 - 1e-13, 1e-13], [1e-13, 1.0 - 1e-13]].view())
                .unwrap();
        let time = MixingTimeSolver::new().solve(&chain, &Law::uniform(2)).unwrap().unwrap();
        let exact = 0.5f64.ln() / (-2e-13f64).ln_1p();
        // The bound on the error is 4 (N + 2) eps a product: some 10^-13 of the time with 42 squarings.
        assert!((time as f64 / exact - 1.0).abs() < 1e-12, "{time}, not {exact}");
    }

    /// Two pairs of states, a fair coin within each, that change with a probability.
    fn pairs(crossing: f64) -> MarkovChain<crate::operator::ShiftOperator> {
        let entry = |i: usize, j: usize| if i / 2 == j / 2 { 0.5 * (1.0 - crossing) } else { 0.5 * crossing };
        let matrix = ndarray::Array2::from_shape_fn((4, 4), |(i, j)| entry(i, j));
        MarkovChain::from_dense(matrix.view()).unwrap()
    }

    #[test]
    fn what_a_coin_decides_costs_no_digits() {
        // The distance is 0.5 (1 - 2 c)^t from the first step on.
        for (crossing, threshold) in [(1e-12, 0.25), (1e-15, 0.25), (1e-12, 1e-4), (1e-3, 1e-4)] {
            let solver = MixingTimeSolver::new().threshold(threshold);
            let time = solver.solve(&pairs(crossing), &Law::uniform(4)).unwrap().unwrap();
            let exact = (2.0 * threshold).ln() / (-2.0 * crossing).ln_1p();
            // Between the pairs rounding adds up to 24 eps of the mass that crosses, in each of
            // some 50 squarings, some 10^-12 of distances near the threshold; and times are whole.
            assert!((time as f64 - exact).abs() < 1.0 + 1e-12 / threshold * exact, "{time}, not {exact}");
        }
        let time = MixingTimeSolver::new().solve(&pairs(1e-12), &Law::uniform(4)).unwrap();
        assert_eq!(time, Some(346_573_590_280));
    }

    #[test]
    fn a_question_that_rounding_leaves_open_is_not_answered() {
        // A walk on a ring has no blocks: 8,600 steps bring it to 10^-9, and as many times the
        // rounding of a product are too much to tell that.
        let step = |i: usize, j: usize| match (j + 64 - i) % 64 {
            0 => 0.5,
            1 | 63 => 0.25,
            _ => 0.0,
        };
        let matrix = ndarray::Array2::from_shape_fn((64, 64), |(i, j)| step(i, j));
        let chain = MarkovChain::from_dense(matrix.view()).unwrap();
        let solve = |threshold| MixingTimeSolver::new().threshold(threshold).solve(&chain, &Law::uniform(64));
        assert!(solve(0.25).unwrap().is_some());
        match solve(1e-9) {
            Err(Error::LostDigits { error, allowed, .. }) => assert!(error > allowed && allowed < 1.1e-12),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn classes_that_never_mix_say_so_at_any_threshold() {
        let cycle = MarkovChain::from_dense(ndarray::array![[0.0, 1.0], [1.0, 0.0]].view()).unwrap();
        let solve =
            |threshold| MixingTimeSolver::new().threshold(threshold).solve(&cycle, &Law::uniform(2)).unwrap();
        assert_eq!((solve(0.25), solve(0.49), solve(0.5)), (None, None, Some(0)));
        let apart = MarkovChain::from_dense(ndarray::array![[1.0, 0.0], [0.0, 1.0]].view()).unwrap();
        let law = Law::new(vec![0.25, 0.75]).unwrap();
        let solve = |threshold| MixingTimeSolver::new().threshold(threshold).solve(&apart, &law).unwrap();
        assert_eq!((solve(0.7), solve(0.75)), (None, Some(0)));
    }
}
