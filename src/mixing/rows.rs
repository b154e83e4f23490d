//! The rows of powers of the transition matrix: the laws after so many steps
//! from every start.

use rayon::prelude::*;

use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::{TransitionOperator, push_all, row_sum_error, successors};
use crate::prob::{Law, StreamRng, stream, sum_by, sum_depth, total_variation};
use crate::solve::{MEMORY_LIMIT, check_memory, check_operations};
use rand::RngExt;

/// Laws added up, or compared, by one task.
const STATES: usize = 1 << 10;

/// The laws after `t >= 1` steps, one for every *different* row of the matrix:
/// from states with equal rows the laws are equal from the first step on.
pub(super) struct Rows<'a, O> {
    operator: &'a O,
    laws: Vec<Vec<f64>>,
    steps: usize,
    row_sum_error: f64,
}

impl<'a, O: TransitionOperator> Rows<'a, O> {
    /// The laws after one step, if following them for `steps` steps with `looks`
    /// comparisons of all pairs can be afforded.
    pub(super) fn new(
        chain: &'a MarkovChain<O>,
        what: &'static str,
        remedy: &'static str,
        (steps, looks): (usize, usize),
    ) -> Result<Self> {
        let operator = chain.operator();
        let starts = different_rows(chain);
        let (n, m) = (chain.len() as f64, starts.len() as f64);
        let products = m * steps as f64 * (operator.stored_entries() as f64 + n);
        check_operations(what, products + looks as f64 * n * m * (m + 1.0) / 2.0, remedy)?;
        check_memory("the laws from every start", (chain.len() * starts.len() * 8) as u128, MEMORY_LIMIT)?;
        let law = |&state: &usize| Law::point(chain.len(), state).into_vec();
        let mut laws: Vec<Vec<f64>> = starts.iter().map(law).collect();
        push_all(operator, &mut laws);
        Ok(Self { operator, laws, steps: 1, row_sum_error: row_sum_error(operator) })
    }

    /// One step further.
    pub(super) fn step(&mut self) {
        push_all(self.operator, &mut self.laws);
        self.steps += 1;
    }

    /// How far off, relatively, a sum over one of the laws may be: the rounding of
    /// the products and of the sum, and rows that do not sum to one.
    pub(super) fn relative_error(&self) -> f64 {
        let product = (self.operator.longest_sum() + 2) as f64 * f64::EPSILON + 2.0 * self.row_sum_error;
        let sum = (sum_depth(self.operator.states()) + 2) as f64 * f64::EPSILON;
        2.0 * (self.steps as f64 * product + sum)
    }

    /// The largest total variation distance between two of the laws.
    pub(super) fn largest_distance(&self) -> f64 {
        let of_first = |first: usize| {
            let others = self.laws[first + 1..].iter();
            others.map(|other| total_variation(&self.laws[first], other)).fold(0.0, f64::max)
        };
        (0..self.laws.len()).into_par_iter().map(of_first).reduce(|| 0.0, f64::max)
    }

    /// The least mass that two of the laws have in common, `sum of min(p, q)`: one
    /// less their distance, without cancellation.
    pub(super) fn least_overlap(&self) -> f64 {
        let overlap = |p: &[f64], q: &[f64]| sum_by(p.len(), |state| p[state].min(q[state]));
        let of_first = |first: usize| {
            let others = self.laws[first + 1..].iter();
            others.map(|other| overlap(&self.laws[first], other)).fold(1.0, f64::min)
        };
        (0..self.laws.len()).into_par_iter().map(of_first).reduce(|| 1.0, f64::min)
    }

    /// The largest measure that all of the laws are above: `min over i of P^t(i, j)`.
    pub(super) fn common_part(&self) -> Vec<f64> {
        let mut least = vec![f64::INFINITY; self.operator.states()];
        least.par_chunks_mut(STATES).enumerate().for_each(|(chunk, least)| {
            for law in &self.laws {
                let law = &law[chunk * STATES..chunk * STATES + least.len()];
                least.iter_mut().zip(law).for_each(|(least, p)| *least = least.min(*p));
            }
        });
        least
    }
}

/// One state for every different row, the first that has it, ascending.
///
/// Rows are sorted by what they make of a random observable, and compared entry by
/// entry where they agree in that. Equal rows that an operator stores in
/// different ways may both be kept.
fn different_rows<O: TransitionOperator>(chain: &MarkovChain<O>) -> Vec<usize> {
    let operator = chain.operator();
    let mut rng: StreamRng = stream(1, 0);
    let observable: Vec<f64> = (0..chain.len()).map(|_| rng.random_range(1.0..2.0)).collect();
    let mut marks = vec![0.0; chain.len()];
    operator.pull_back(&observable, &mut marks);
    let mut order: Vec<usize> = (0..chain.len()).collect();
    order.sort_unstable_by(|&a, &b| marks[a].total_cmp(&marks[b]).then(a.cmp(&b)));
    let row = |state: usize| successors(operator, state).map(|to| (to.state, to.probability));
    let mut different = Vec::new();
    for same_mark in order.chunk_by(|&a, &b| marks[a] == marks[b]) {
        let mut kept: Vec<usize> = Vec::new();
        for &state in same_mark {
            if !kept.iter().any(|&other| row(other).eq(row(state))) {
                kept.push(state);
            }
        }
        different.extend(kept);
    }
    different.sort_unstable();
    different
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The largest total variation distance between the laws from *two* starts,
    /// after `0..=steps` steps: `d-bar` of Levin & Peres (2017), section 4.4.
    ///
    /// It needs no stationary law, never grows, and is submultiplicative:
    /// `dbar(s + t) <= dbar(s) dbar(t)`. The distance from the worst start to a stationary
    /// law lies between half of it and it. It stays 1 for K steps over contexts of
    /// K tokens as long as two starts leave no common window.
    ///
    /// Exact: for `M` different rows among those of the matrix, `M` starts times
    /// `steps` products, `M^2 N / 2` comparisons a step, and `8 M N` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::TooExpensive`](crate::Error::TooExpensive) beyond 10^12 operations,
    /// [`Error::TooLarge`](crate::Error::TooLarge) beyond 8 GiB.
    pub fn pair_distance_curve(&self, steps: usize) -> Result<Vec<f64>> {
        let mut curve = vec![if self.len() > 1 { 1.0 } else { 0.0 }];
        if steps == 0 {
            return Ok(curve);
        }
        let (what, remedy) = ("the distance between the laws from every two starts", REMEDY);
        let mut rows = Rows::new(self, what, remedy, (steps, steps))?;
        curve.push(rows.largest_distance());
        for _ in 1..steps {
            rows.step();
            curve.push(rows.largest_distance());
        }
        Ok(curve)
    }
}

const REMEDY: &str = "ask for fewer steps, or for the distance from a sample of starts with worst_distance_curve_over; twice the distance from the worst start is above it";
