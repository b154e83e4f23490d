//! Sensitivity of hitting probabilities and committors.

use super::Sensitivity;
use crate::chain::{MarkovChain, Start, StateSet};
use crate::error::Result;
use crate::operator::{TransitionOperator, map_in_place};
use crate::passage::{PassageSolver, leading_to};
use crate::prob::dot;
use crate::solve::{LinearSystem, Outcome, Report, Silent};

/// Residual of the expected visits, in visits, unless rounding of many leaves more.
const TOLERANCE: f64 = 1e-10;

/// Products that they may take.
const MAX_ITERATIONS: usize = 100_000;

impl<O: TransitionOperator> MarkovChain<O> {
    /// How the probability of reaching `target` before `avoid`, from a start, moves
    /// with the chain's probabilities. For the forward committor from `A` to `B`
    /// the target is `B` and `A` is to be avoided; `avoid` may be empty.
    ///
    /// `w` are the expected visits before either set is met, or a state from which
    /// neither can be, by one more solution with the transposed matrix; `a(i, j)`
    /// is the probability from `j`, the middle of its proven bounds. The
    /// report's residual is the larger of that of the visits (in the sum) and the
    /// width of those bounds; the derivatives themselves are not bounded.
    ///
    /// # Errors
    ///
    /// As [`PassageSolver::reach`] and [`Start::law`].
    pub fn passage_sensitivity(
        &self,
        start: Start<'_>,
        target: &StateSet,
        avoid: &StateSet,
    ) -> Result<Outcome<Sensitivity<'_, O>>> {
        let start = start.law(self.states())?;
        let reached = PassageSolver::new().tolerance(TOLERANCE).reach(self, target, avoid)?;
        let (committor, passage) = (reached.value().midpoints(), *reached.report());
        let ends = target.union(avoid);
        let open = leading_to(self.operator(), &ends)?.difference(&ends);
        let (visits, visited) = self.expected_visits(&start, &open);
        let value = dot(&start, &committor);
        let report = Report { error_bound: None, ..passage.worse(&visited) };
        Ok(Outcome::new(Sensitivity::new(self, value, visits, committor, false), report))
    }

    /// Expected visits to each open state, the start included, until the open
    /// states are left: the solution of `nu = mu + nu P` on them.
    fn expected_visits(&self, start: &[f64], open: &StateSet) -> (Vec<f64>, Report) {
        let operator = self.operator();
        let apply = |visits: &[f64], image: &mut [f64]| {
            operator.push_forward(visits, image);
            // Outside, where nothing counts, the identity keeps the system solvable.
            map_in_place(image, |state, pushed| {
                visits[state] - if open.contains(state) { pushed } else { 0.0 }
            });
        };
        let mut right = start.to_vec();
        open.restrict(&mut right);
        let largest = |left: &[f64]| left.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let system = LinearSystem {
            apply: &apply,
            right: &right,
            size: &largest,
            tolerance: TOLERANCE,
            // A visit is the start or comes from others, so the sum of what comes is no more than the
            // visits; each of these and the difference is rounded, and the solution itself.
            rounding: 2.0 * (operator.longest_sum() + 3) as f64 * f64::EPSILON,
            max_iterations: MAX_ITERATIONS,
            stage: "expected visits",
        };
        let found = system.solve(&mut Silent);
        let report = Report {
            iterations: found.iterations,
            residual: found.size,
            error_bound: None,
            stop: found.stop,
        };
        // No number of visits is negative, whatever rounding says.
        (found.values.into_iter().map(|visits| visits.max(0.0)).collect(), report)
    }
}
