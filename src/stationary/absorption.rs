//! Which recurrent class a start ends up in.

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, row_sum_error, successors};
use crate::prob::{Law, sum_by, sum_depth};
use crate::solve::{Outcome, Report, Stop};

/// Transient states up to which elimination is used.
const SMALL: usize = 512;

/// Entries that the table of elimination may have: 512 MiB.
const SMALL_TABLE: usize = 1 << 26;

/// Transient mass at which pushing forward stops.
const TOLERANCE: f64 = 1e-12;

/// Products after which pushing forward gives up.
const MAX_ITERATIONS: usize = 100_000;

impl<O: TransitionOperator> MarkovChain<O> {
    /// The absorption weights of a start law: the probability of ending up in
    /// each recurrent class, in ascending order of the classes.
    ///
    /// With up to 512 transient states they are eliminated one by one, without
    /// subtraction. With more, the law is pushed forward until at most 1e-12 of
    /// it is still transient; what is left then is the proven error bound, and
    /// the residual, of the report.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a law over other states, [`Error::Underflow`].
    pub fn absorption_weights(&self, start: &Law) -> Result<Outcome<Vec<f64>>> {
        if start.len() != self.len() {
            return Err(Error::LengthMismatch { expected: self.len(), found: start.len() });
        }
        if self.classes().recurrent_count() == 1 {
            let report = Report { iterations: 0, residual: 0.0, error_bound: None, stop: Stop::Direct };
            return Ok(Outcome::new(vec![1.0], report));
        }
        let transient: Vec<usize> = self.classes().transient_states().collect();
        let entries = (transient.len() + 1) * (transient.len() + self.classes().recurrent_count());
        if transient.len() <= SMALL && entries <= SMALL_TABLE {
            self.absorbed_by_elimination(start, &transient)
        } else {
            Ok(self.absorbed_by_pushing(start, &transient))
        }
    }

    /// The long-run law from a start law: the limit of the average of the laws
    /// at times `0..t` (Cesàro), the stationary laws mixed with the absorption weights.
    ///
    /// # Errors
    ///
    /// As [`absorption_weights`](Self::absorption_weights) and
    /// [`stationary_laws`](Self::stationary_laws); [`Error::NotConverged`] if
    /// either did not converge.
    pub fn long_run_law(&self, start: &Law) -> Result<Law> {
        let weights = self.absorption_weights(start)?.converged()?;
        Ok(self.stationary_laws()?.converged()?.mixture(&weights))
    }

    /// Place of each class among the recurrent ones.
    fn recurrent_places(&self) -> Vec<Option<usize>> {
        let classes = self.classes();
        let mut places = vec![None; classes.count()];
        for (place, class) in classes.recurrent().enumerate() {
            places[class] = Some(place);
        }
        places
    }

    fn absorbed_by_pushing(&self, start: &Law, transient: &[usize]) -> Outcome<Vec<f64>> {
        let classes = self.classes();
        let recurrent: Vec<usize> = classes.recurrent().collect();
        let mut weights = vec![0.0; recurrent.len()];
        let mut law = start.to_vec();
        let mut next = vec![0.0; law.len()];
        let mut iterations = 0;
        loop {
            for (weight, &class) in weights.iter_mut().zip(&recurrent) {
                let states = classes.members(class);
                *weight += sum_by(states.len(), |i| law[states[i] as usize]);
                for &state in states {
                    law[state as usize] = 0.0;
                }
            }
            let left = sum_by(transient.len(), |i| law[transient[i]]);
            if left <= TOLERANCE || iterations == MAX_ITERATIONS {
                let stop = if left <= TOLERANCE { Stop::Converged } else { Stop::MaxIterations };
                let product =
                    self.operator().longest_sum() as f64 * f64::EPSILON + row_sum_error(self.operator());
                let sums = sum_depth(self.len()) as f64 * f64::EPSILON;
                let rounding = (iterations + 1) as f64 * (product + sums);
                let error_bound = Some(left + rounding);
                return Outcome::new(weights, Report { iterations, residual: left, error_bound, stop });
            }
            self.operator().push_forward(&law, &mut next);
            std::mem::swap(&mut law, &mut next);
            iterations += 1;
        }
    }

    /// Removes the transient states one by one: what enters a removed state
    /// leaves it again in proportion to its other exits.
    fn absorbed_by_elimination(&self, start: &Law, transient: &[usize]) -> Result<Outcome<Vec<f64>>> {
        let places = self.recurrent_places();
        let recurrent = places.iter().flatten().count();
        let (t, width) = (transient.len(), transient.len() + recurrent);
        // The last row is the start: it is left once and never entered.
        let mut rows = vec![vec![0.0; width]; t + 1];
        let mut add = |row: usize, state: usize, p: f64| {
            let column = match places[self.classes().class_of(state)] {
                Some(place) => t + place,
                None => transient.partition_point(|&other| other < state),
            };
            rows[row][column] += p;
        };
        for (row, &state) in transient.iter().enumerate() {
            successors(self.operator(), state).for_each(|to| add(row, to.state, to.probability));
        }
        for (state, &p) in start.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            add(t, state, p);
        }
        for last in 0..t {
            let removed = std::mem::take(&mut rows[last]);
            let leaving: f64 = removed[last + 1..].iter().sum();
            if !leaving.is_normal() {
                return Err(Error::Underflow { state: transient[last] });
            }
            for row in &mut rows[last + 1..] {
                let entering = row[last] / leaving;
                for (p, exit) in row[last + 1..].iter_mut().zip(&removed[last + 1..]) {
                    *p += entering * exit;
                }
            }
        }
        let weights = rows[t][t..].to_vec();
        let report = Report { iterations: 0, residual: 0.0, error_bound: None, stop: Stop::Direct };
        Ok(Outcome::new(weights, report))
    }
}
