//! The mixing time.

use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::prob::{Law, total_variation};
use crate::solve::OPERATIONS_LIMIT;

/// States up to which powers of the matrix are formed by squaring.
const SMALL: usize = 512;

/// States up to which they are where pushing every start takes longer.
const MEDIUM: usize = 1024;

/// Products of two matrices that squaring and searching take, about.
const PRODUCTS: f64 = 30.0;

/// The most steps that can be looked ahead.
const LAST: u64 = 1 << 62;

/// How far off a distance may be at most: powers with a larger bound on their
/// error are not looked at.
const ACCURATE: f64 = 1e-3;

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

    /// The mixing time over all starts, or `None` if it is above the step limit:
    /// always so for several recurrent classes or a periodic one, which never mix.
    ///
    /// The distances compared are those to the law given, in floating point: a
    /// distance that all but equals the threshold may be counted either way.
    ///
    /// A bound on the rounding error of a power of the matrix is carried along. Its entries
    /// are sums of non-negative terms, right in relative terms, and its rows are divided by their sums; so
    /// what a product rounds moves a row by no more than `4 (N + 2) eps` times the mass outside
    /// its largest entry. A chain that hardly ever does what is not most probable thus keeps
    /// its digits for as many steps as it takes it to do so: 10^12 steps are no hindrance by themselves.
    /// Where the bound exceeds 1e-3 nothing is looked for any more.
    ///
    /// Up to 512 states, powers of the matrix are squared and searched:
    /// `O(N^3 log t)`. Above, every start is pushed forward until it is close,
    /// `O(N · t)` products; up to 1,024 states, as long as that is less work.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] unless the threshold is in `(0, 1)`;
    /// [`Error::TooExpensive`] if 10^12 multiplications did not settle it.
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
        let (operator, states) = (chain.operator(), chain.len() as f64);
        if chain.len() <= SMALL {
            return Ok(self.by_squaring(operator, stationary));
        }
        let per_step = states * (operator.stored_entries() as f64 + states);
        let can_square = chain.len() <= MEDIUM;
        let allowed = if can_square { PRODUCTS * states.powi(3) } else { OPERATIONS_LIMIT };
        let horizon = self.max_steps.min((allowed / per_step) as u64);
        // Where not even one step can be afforded, nothing is begun.
        let is_affordable = horizon > 0 || self.max_steps == 0;
        match if is_affordable { self.by_pushing(operator, stationary, horizon) } else { None } {
            None if can_square && horizon < self.max_steps => Ok(self.by_squaring(operator, stationary)),
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

    /// Squares until close, then closes in on the last time that is not close.
    fn by_squaring<O: TransitionOperator>(&self, operator: &O, stationary: &Law) -> Option<u64> {
        let close = |power: &Power| power.worst_distance(stationary) <= self.threshold;
        if close(&Power::identity(stationary.len())) {
            return Some(0);
        }
        let mut powers = vec![Power::first(operator)];
        while !close(&powers[powers.len() - 1]) {
            let last = &powers[powers.len() - 1];
            if 1u64 << (powers.len() - 1) >= self.max_steps {
                return None;
            }
            let square = last.times(last)?;
            powers.push(square);
        }
        powers.pop();
        let mut steps = 0;
        let mut reached: Option<Power> = None;
        for (exponent, power) in powers.iter().enumerate().rev() {
            let candidate = match &reached {
                Some(at) => at.times(power)?,
                None => power.clone(),
            };
            if !close(&candidate) {
                reached = Some(candidate);
                steps += 1u64 << exponent;
            }
        }
        Some(steps + 1).filter(|&steps| steps <= self.max_steps)
    }

    /// Pushes every start until it is close, if all are by the horizon.
    fn by_pushing<O: TransitionOperator>(&self, operator: &O, stationary: &Law, horizon: u64) -> Option<u64> {
        let time = |state| first_close(operator, state, stationary, self.threshold, horizon);
        // One start that is not close by then settles the matter.
        let times = (0..operator.states()).into_par_iter().map(time).collect::<Option<Vec<u64>>>();
        times?.into_iter().max()
    }
}

/// The first time at which one start is close; its distance never grows.
fn first_close<O: TransitionOperator>(
    operator: &O,
    state: usize,
    stationary: &Law,
    threshold: f64,
    horizon: u64,
) -> Option<u64> {
    let mut law = Law::point(operator.states(), state).into_vec();
    let mut next = vec![0.0; law.len()];
    for step in 0..=horizon {
        if total_variation(&law, stationary) <= threshold {
            return Some(step);
        }
        if step == horizon {
            break;
        }
        operator.push_forward(&law, &mut next);
        std::mem::swap(&mut law, &mut next);
    }
    None
}

/// A power of the transition matrix, with a bound on its error.
///
/// A row stands for the law of its entries divided by their sum, whatever rounding
/// left of that sum. Let `A` and `B` stand for laws that are within `a` and `b` of those of
/// exact powers, in total variation. Those of the exact product of `A` and `B` are within `a + b`
/// of the exact power. The computed entries are off by at most `u = 2 (N + 2) eps`
/// relatively, row sums of `B` that are not quite one included. Divided by their sums they
/// are off by at most `2 u`, and so the law by at most `2 u` times the mass outside the
/// largest entry: that entry makes up for what the others are off by.
#[derive(Debug, Clone)]
struct Power {
    matrix: Array2<f64>,
    error: f64,
}

impl Power {
    fn identity(n: usize) -> Self {
        Self { matrix: Array2::eye(n), error: 0.0 }
    }

    fn first<O: TransitionOperator>(operator: &O) -> Self {
        let n = operator.states();
        let mut matrix = Array2::zeros((n, n));
        for state in 0..n {
            for transition in successors(operator, state) {
                matrix[[state, transition.state]] = transition.probability;
            }
        }
        Self::rounded(matrix, 0.0)
    }

    /// The product, if its error is small enough.
    fn times(&self, other: &Self) -> Option<Self> {
        let product = Self::rounded(self.matrix.dot(&other.matrix), self.error + other.error);
        (product.error <= ACCURATE).then_some(product)
    }

    /// Divides the rows by their sums, and adds what rounding did to the error.
    fn rounded(mut matrix: Array2<f64>, error: f64) -> Self {
        let mut outside = 0.0;
        for mut row in matrix.rows_mut() {
            let sum = row.sum();
            row /= sum;
            outside = f64::max(outside, outside_largest(&row.view()));
        }
        let unit = 4.0 * (matrix.ncols() + 2) as f64 * f64::EPSILON;
        Self { error: error + unit * outside, matrix }
    }

    fn worst_distance(&self, stationary: &Law) -> f64 {
        let distance = |row: ArrayView1<'_, f64>| {
            0.5 * row.iter().zip(stationary.iter()).map(|(p, q)| (p - q).abs()).sum::<f64>()
        };
        self.matrix.rows().into_iter().map(distance).fold(0.0, f64::max)
    }
}

/// The mass of a row outside its largest entry, added up.
fn outside_largest(row: &ArrayView1<'_, f64>) -> f64 {
    let largest = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
    let others = row.iter().enumerate().filter(|(place, _)| Some(*place) != largest);
    others.map(|(_, p)| p).sum()
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
            assert_eq!(solver.by_squaring(chain.operator(), &law), pushed);
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
}
