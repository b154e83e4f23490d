//! Bounds from a direct solution that subtracts nothing.

use super::Enclosure;
use super::dirichlet::Dirichlet;
use super::iteration::LEAST;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, row_sum_error, successors};
use crate::parallel::{for_each_part, of_each_part};
use crate::prob::{sum_by, sum_depth};
use crate::solve::{Observer, report};

/// Rows that one task updates.
const UPDATED: usize = 16;

/// Solves a [`Dirichlet`] problem by eliminating its open states one by one:
/// what enters an eliminated state leaves it again in proportion to its other
/// exits (Grassmann, Taksar & Heyman 1985, carried over to absorbing chains).
///
/// All numbers are sums, products and quotients of non-negative ones. How far
/// off the result is follows from two facts. Rounding, while k states are left,
/// amounts to an error of at most `d = (depth of a sum of k terms + 4) eps` in
/// every entry of the chain censored on them. And if every exit probability of
/// a chain of k open states is off by `d` in relative terms, so is `h` by
/// `2 k d` at most, for it is a quotient of two polynomials of degree at most
/// `k` in these with non-negative coefficients (the sums over forests of the matrix
/// tree theorem; see O'Cinneide 1993, theorem 3). The errors of all stages add up.
///
/// `O(n^3 / 3)` multiplications and `n^2` numbers for n open states.
pub(super) fn eliminate<O: TransitionOperator>(
    problem: &Dirichlet<'_, O>,
    observer: &mut dyn Observer,
) -> Result<Enclosure> {
    let open: Vec<usize> = problem.open.iter().collect();
    let mut rows = exits_of(problem, &open);
    let n = open.len();
    check_digits(&rows, &open)?;
    for last in (0..n).rev() {
        report(observer, "eliminating states", (n - last) as u64, Some(n as u64))?;
        let (before, rest) = rows.split_at_mut(last);
        let removed = &mut rest[0];
        let leaving = sum_by(last, |to| removed.open[to]) + removed.leaving;
        if !leaving.is_normal() {
            return Err(Error::Underflow { state: open[last] });
        }
        removed.divide(leaving, last);
        let removed = &*removed;
        for_each_part(before, UPDATED, &|_, rows| rows.iter_mut().for_each(|row| row.pass_on(removed, last)));
        check_digits(before, &open)?;
    }
    let solution = substitute(&rows, &open)?;
    let longest = rows.iter().map(|row| row.exits).max().unwrap_or(0);
    let error = relative_error(n, longest, row_sum_error(problem.operator));
    let mut values = vec![0.0; problem.operator.states()];
    for (&state, value) in open.iter().zip(solution) {
        values[state] = value;
    }
    Ok(problem.enclosure(values.clone(), values, error))
}

/// Refuses numbers that are too small to have all their digits.
fn check_digits(rows: &[Row], open: &[usize]) -> Result<()> {
    match rows.iter().position(|row| row.underflows) {
        Some(place) => Err(Error::Underflow { state: open[place] }),
        None => Ok(()),
    }
}

/// Bytes that elimination of `n` open states takes.
pub(super) fn bytes(n: usize) -> u128 {
    (n as u128).pow(2) * size_of::<f64>() as u128
}

/// The exits of an open state.
struct Row {
    /// To every open state; its own entry is not read.
    open: Vec<f64>,
    /// To the boundary.
    leaving: f64,
    /// What is collected on the way out, and met at the boundary.
    collected: f64,
    /// Transitions out of the state.
    exits: usize,
    /// Whether a sum of positive terms became too small to have all its digits.
    underflows: bool,
}

impl Row {
    /// Given that the state is left, and with what is collected until then.
    fn divide(&mut self, leaving: f64, last: usize) {
        self.open[..last].iter_mut().for_each(|p| *p /= leaving);
        self.leaving /= leaving;
        self.collected /= leaving;
    }

    /// Goes on from the removed state wherever this row led to it.
    fn pass_on(&mut self, removed: &Row, last: usize) {
        let entering = self.open[last];
        if entering > 0.0 {
            let mut add = |sum: &mut f64, exit: f64| {
                *sum += entering * exit;
                self.underflows |= exit > 0.0 && *sum < LEAST;
            };
            for (p, &exit) in self.open[..last].iter_mut().zip(&removed.open[..last]) {
                add(p, exit);
            }
            add(&mut self.leaving, removed.leaving);
            add(&mut self.collected, removed.collected);
        }
    }
}

fn exits_of<O: TransitionOperator>(problem: &Dirichlet<'_, O>, open: &[usize]) -> Vec<Row> {
    let mut place = vec![0u32; problem.operator.states()];
    for (at, &state) in open.iter().enumerate() {
        place[state] = at as u32;
    }
    let exits = |number: usize| {
        let state = open[number];
        let collected = problem.reward.of(state);
        let mut row =
            Row { open: vec![0.0; open.len()], leaving: 0.0, collected, exits: 0, underflows: false };
        for to in successors(problem.operator, state) {
            row.exits += 1;
            if problem.open.contains(to.state) {
                row.open[place[to.state] as usize] += to.probability;
            } else {
                row.leaving += to.probability;
                let met = problem.boundary[to.state];
                row.collected += to.probability * met;
                row.underflows |= met > 0.0 && row.collected < LEAST;
            }
        }
        row
    };
    of_each_part(open.len(), &exits)
}

/// From the state eliminated last, which leads to the boundary alone, back to
/// the first.
fn substitute(rows: &[Row], open: &[usize]) -> Result<Vec<f64>> {
    let mut solution: Vec<f64> = Vec::with_capacity(rows.len());
    for (row, &state) in rows.iter().zip(open) {
        let onwards = sum_by(solution.len(), |to| row.open[to] * solution[to]);
        let value = row.collected + onwards;
        let terms = || row.open.iter().zip(&solution).any(|(&p, &h)| p > 0.0 && h > 0.0);
        if value < LEAST && terms() {
            return Err(Error::Underflow { state });
        }
        solution.push(value);
    }
    Ok(solution)
}

/// A bound on the relative error of the solution of `n` open states with up to
/// so many exits.
fn relative_error(n: usize, exits: usize, row_sum_error: f64) -> f64 {
    let stages: f64 = (1..=n).map(|k| 2.0 * k as f64 * (sum_depth(k) + 4) as f64).sum();
    let substitutions = n as f64 * (sum_depth(n) + 2) as f64;
    // The exits to the boundary were added up one by one, from rows that may not sum to one.
    let entries = 2.0 * n as f64 * (2.0 * row_sum_error + 2.0 * (exits + 1) as f64 * f64::EPSILON);
    (stages + substitutions) * f64::EPSILON + entries
}
