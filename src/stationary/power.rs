//! Power iteration.

use super::certificate::Certificate;
use super::laws::largest_residual;
use crate::chain::Classes;
use crate::operator::TransitionOperator;
use crate::prob::sum_by;
use crate::solve::{Observer, Progress, Report, Stop};

/// Products after which the laws are divided by their sums again. In between,
/// rounding can move a sum by no more than this many times the rounding of one product.
const RENORMALIZE_EVERY: usize = 64;

/// Products that a certificate may take beyond those of the iteration itself.
const CERTIFICATE_STEPS: usize = 1000;

/// When power iteration stops.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PowerSettings {
    pub(super) tolerance: f64,
    pub(super) error_tolerance: Option<f64>,
    pub(super) max_iterations: usize,
}

/// Pushes the laws of all recurrent classes forward together until they stand still.
///
/// With `lazy`, steps are halved, `(I + P) / 2`: periodic classes converge too,
/// to the same law.
pub(super) struct PowerIteration<'a, O> {
    operator: &'a O,
    classes: &'a Classes,
    settings: &'a PowerSettings,
    lazy: bool,
    law: Vec<f64>,
    next: Vec<f64>,
    iterations: usize,
}

impl<'a, O: TransitionOperator> PowerIteration<'a, O> {
    pub(super) fn new(
        operator: &'a O,
        classes: &'a Classes,
        settings: &'a PowerSettings,
        lazy: bool,
    ) -> Self {
        let mut law = vec![0.0; operator.states()];
        for class in classes.recurrent() {
            let states = classes.members(class);
            for &state in states {
                law[state as usize] = 1.0 / states.len() as f64;
            }
        }
        let next = vec![0.0; operator.states()];
        Self { operator, classes, settings, lazy, law, next, iterations: 0 }
    }

    pub(super) fn solve(mut self, observer: &mut dyn Observer) -> (Vec<f64>, Report) {
        let mut tolerance = self.settings.tolerance;
        let mut certificate: Option<Certificate<'a, O>> = None;
        loop {
            let mut residual = self.residual();
            if residual <= tolerance {
                self.normalize();
                residual = self.residual();
            }
            if self.cancelled("power iteration", residual, observer) {
                return self.finish(residual, None, Stop::Cancelled);
            }
            if residual <= tolerance {
                let Some(goal) = self.settings.error_tolerance else {
                    return self.finish(residual, None, Stop::Converged);
                };
                let (operator, classes) = (self.operator, self.classes);
                let proof = certificate.get_or_insert_with(|| Certificate::new(operator, classes, &self.law));
                if self.prove(proof, residual, goal, observer).is_err() {
                    return self.finish(residual, None, Stop::Cancelled);
                }
                let bound = proof.error_bound(residual);
                if bound <= goal {
                    return self.finish(residual, Some(bound), Stop::Converged);
                }
                // A smaller residual may do, if rounding leaves room for one.
                let rounding = proof.error_bound(0.0);
                if rounding > 0.5 * goal {
                    return self.finish(residual, bound.is_finite().then_some(bound), Stop::Unproven);
                }
                tolerance = tolerance.min(residual * (goal - rounding) / (2.0 * (bound - rounding)));
            }
            if self.iterations >= self.settings.max_iterations {
                let bound = certificate.map(|proof| proof.error_bound(residual)).filter(|b| b.is_finite());
                return self.finish(residual, bound, Stop::MaxIterations);
            }
            self.advance();
        }
    }

    /// `||law P - law||_1`, the largest over the classes; leaves `law P` in `next`.
    fn residual(&mut self) -> f64 {
        self.operator.push_forward(&self.law, &mut self.next);
        largest_residual(self.classes, &self.law, &self.next)
    }

    /// Moves on to `next`, which the residual has computed already.
    fn advance(&mut self) {
        if self.lazy {
            for (next, law) in self.next.iter_mut().zip(&self.law) {
                *next = 0.5 * (*next + law);
            }
        }
        std::mem::swap(&mut self.law, &mut self.next);
        self.iterations += 1;
        if self.iterations.is_multiple_of(RENORMALIZE_EVERY) {
            self.normalize();
        }
    }

    fn normalize(&mut self) {
        for class in self.classes.recurrent() {
            let states = self.classes.members(class);
            let law = &self.law;
            let sum = sum_by(states.len(), |i| law[states[i] as usize]);
            for &state in states {
                self.law[state as usize] /= sum;
            }
        }
    }

    /// Extends a certificate until it proves the goal, or has had its share of products.
    fn prove(
        &self,
        certificate: &mut Certificate<'a, O>,
        residual: f64,
        goal: f64,
        observer: &mut dyn Observer,
    ) -> Result<(), ()> {
        while certificate.error_bound(residual) > goal && !certificate.is_settled() {
            // Where a smaller residual would do, the proof may cost as much as
            // the iteration did; where it would not, it is all there is left to try.
            let residual_would_do = certificate.error_bound(0.0) <= 0.5 * goal;
            let affordable =
                if residual_would_do { self.iterations } else { self.iterations + CERTIFICATE_STEPS };
            if certificate.steps() >= affordable {
                break;
            }
            certificate.step();
            if self.cancelled("bounding the error", residual, observer) {
                return Err(());
            }
        }
        Ok(())
    }

    fn cancelled(&self, stage: &'static str, residual: f64, observer: &mut dyn Observer) -> bool {
        let done = self.iterations as u64;
        observer.observe(&Progress { stage, done, total: None, residual: Some(residual) }).is_break()
    }

    fn finish(self, residual: f64, error_bound: Option<f64>, stop: Stop) -> (Vec<f64>, Report) {
        (self.law, Report { iterations: self.iterations, residual, error_bound, stop })
    }
}
