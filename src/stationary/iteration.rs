//! The iteration: step by step, until it stands still and that is proven to be near.

use std::io;

use super::certificate::Certificate;
use super::checkpoint::Checkpoint;
use super::laws::{largest_residual, normalize};
use super::steps::{Start, Step};
use super::tape::{Tape, impossible};
use crate::chain::{Classes, MarkovChain};
use crate::error;
use crate::operator::{TransitionOperator, map_in_place};
use crate::solve::{Observer, Progress, Report, Stop};

/// Products after which the laws are divided by their sums again. In between,
/// rounding can move a sum by no more than this many times the rounding of one product.
const RENORMALIZE_EVERY: usize = 64;

/// Products that a certificate may take beyond those of the iteration itself.
const CERTIFICATE_STEPS: usize = 200;

/// The residual from which on products are those of the exact entries: rounding
/// moves an entry by up to this share of it, so a smaller residual of the rounded
/// chain says no more about the exact one.
const SINGLE_PRECISION: f64 = 0.5 * f32::EPSILON as f64;

/// How an iteration goes, and when it stops.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IterationSettings {
    pub(super) tolerance: f64,
    pub(super) error_tolerance: Option<f64>,
    pub(super) max_iterations: usize,
    /// Whether to begin with products in single precision, where there are any.
    pub(super) single_precision_start: bool,
}

/// Moves the laws of all recurrent classes on together until they stand still.
pub(super) struct Iteration<'a, O, S> {
    operator: &'a O,
    /// The operator rounded to single precision, as long as it is good enough.
    rounded: Option<Box<dyn TransitionOperator + 'a>>,
    classes: &'a Classes,
    settings: &'a IterationSettings,
    step: S,
    checkpoint: Option<Checkpoint<'a>>,
    law: Vec<f64>,
    next: Vec<f64>,
    /// The sum of `next`, if it is one law over all states.
    sum: Option<f64>,
    /// A bound on the residual of `law` divided by its sum, if it is not measured; `next` is
    /// not its product then.
    bound: Option<f64>,
    /// The residual that is likely, by how bounds fall, if it is not measured.
    likely: Option<f64>,
    /// The share of a bound that the residual was when last measured; zero before.
    share: f64,
    iterations: usize,
}

impl<'a, O: TransitionOperator, S: Step> Iteration<'a, O, S> {
    /// Starts from the uniform law of every recurrent class, or from a checkpoint
    /// if there is one.
    pub(super) fn new(
        chain: &'a MarkovChain<O>,
        settings: &'a IterationSettings,
        step: S,
        checkpoint: Option<Checkpoint<'a>>,
    ) -> Self {
        let (operator, classes) = (chain.operator(), chain.classes());
        let mut law = vec![0.0; operator.states()];
        for class in classes.recurrent() {
            let states = classes.members(class);
            for &state in states {
                law[state as usize] = 1.0 / states.len() as f64;
            }
        }
        let next = vec![0.0; operator.states()];
        let rounded = settings.single_precision_start.then(|| operator.single_precision()).flatten();
        Self {
            operator,
            rounded,
            classes,
            settings,
            step,
            checkpoint,
            law,
            next,
            sum: None,
            bound: None,
            likely: None,
            share: 0.0,
            iterations: 0,
        }
    }

    /// # Errors
    ///
    /// [`Product`](error::Error::Product), and those of checkpoints.
    pub(super) fn solve(mut self, observer: &mut dyn Observer) -> error::Result<(Vec<f64>, Report)> {
        let mut tolerance = self.settings.tolerance;
        let mut certificate: Option<Certificate<'a, O>> = None;
        let mut checkpoint = self.checkpoint.take();
        if let Some(checkpoint) = &mut checkpoint {
            checkpoint.resume(|tape| self.persist(&mut tolerance, &mut certificate, tape))?;
        }
        loop {
            let mut residual = self.residual();
            self.operator.check_products()?;
            if let Some(due) = checkpoint.as_mut().filter(|checkpoint| checkpoint.is_due(self.iterations)) {
                if self.cancelled("writing a checkpoint", residual, observer) {
                    return Ok(self.cancel());
                }
                due.save(|tape| self.persist(&mut tolerance, &mut certificate, tape))?;
            }
            if residual <= tolerance.max(SINGLE_PRECISION) && self.rounded.take().is_some() {
                self.step.start_afresh();
                if self.bound.is_some() {
                    normalize(self.classes, &mut self.law);
                }
                residual = self.measure();
            }
            let is_last = self.iterations >= self.settings.max_iterations;
            let may_be_enough = residual.min(self.likely.unwrap_or(residual)) <= tolerance;
            if is_last || may_be_enough && self.step.has_settled(tolerance) {
                residual = self.settle();
            }
            if self.cancelled("stationary law", residual, observer) {
                return Ok(self.cancel());
            }
            if residual <= tolerance && self.step.has_settled(tolerance) {
                let Some(goal) = self.settings.error_tolerance else {
                    return Ok(self.finish(residual, None, Stop::Converged));
                };
                let (operator, classes) = (self.operator, self.classes);
                let proof = certificate.get_or_insert_with(|| Certificate::new(operator, classes, &self.law));
                if self.prove(proof, residual, goal, observer).is_err() {
                    return Ok(self.finish(residual, None, Stop::Cancelled));
                }
                self.operator.check_products()?;
                let bound = proof.error_bound(residual);
                if bound <= goal {
                    return Ok(self.finish(residual, Some(bound), Stop::Converged));
                }
                // A smaller residual may do, if rounding leaves room for one.
                let rounding = proof.error_bound(0.0);
                if rounding > 0.5 * goal && !self.step.look_closer() {
                    return Ok(self.finish(residual, bound.is_finite().then_some(bound), Stop::Unproven));
                }
                if rounding <= 0.5 * goal {
                    tolerance = tolerance.min(residual * (goal - rounding) / (2.0 * (bound - rounding)));
                }
            }
            if is_last {
                let bound = certificate.map(|proof| proof.error_bound(residual)).filter(|b| b.is_finite());
                return Ok(self.finish(residual, bound, Stop::MaxIterations));
            }
            self.advance(residual, tolerance);
        }
    }

    /// Passes what the iteration goes on from; gives the iterations so far.
    fn persist(
        &mut self,
        tolerance: &mut f64,
        certificate: &mut Option<Certificate<'a, O>>,
        tape: &mut Tape<'_>,
    ) -> io::Result<usize> {
        tape.count(&mut self.iterations)?;
        tape.float(tolerance)?;
        tape.vector(&mut self.law, self.operator.states())?;
        if self.law.iter().any(|p| !(p.is_finite() && *p >= 0.0)) {
            return Err(impossible());
        }
        let mut is_rounded = self.rounded.is_some();
        tape.flag(&mut is_rounded)?;
        if !is_rounded {
            self.rounded = None;
        }
        let mut is_proving = certificate.is_some();
        tape.flag(&mut is_proving)?;
        if is_proving {
            let (operator, classes) = (self.operator, self.classes);
            certificate
                .get_or_insert_with(|| Certificate::new(operator, classes, &self.law))
                .persist(tape)?;
        }
        let mut bound = self.bound.unwrap_or(f64::NAN);
        tape.float(&mut bound)?;
        self.bound = Some(bound).filter(|bound| !bound.is_nan());
        let mut likely = self.likely.unwrap_or(f64::NAN);
        tape.float(&mut likely)?;
        self.likely = Some(likely).filter(|likely| !likely.is_nan());
        tape.float(&mut self.share)?;
        self.step.persist(&self.law, tape)?;
        Ok(self.iterations)
    }

    /// The residual, or a bound on it that the last step left.
    fn residual(&mut self) -> f64 {
        match self.bound {
            Some(bound) => bound,
            None => self.measure(),
        }
    }

    /// `||law P - law||_1`, the largest over the classes; leaves `law P` in `next`.
    fn measure(&mut self) -> f64 {
        (self.bound, self.likely) = (None, None);
        let operator = in_use(&self.rounded, self.operator);
        if self.classes.is_irreducible() {
            let pushed = operator.push_measuring(&self.law, &mut self.next);
            self.sum = Some(pushed.sum);
            return pushed.change;
        }
        operator.push_forward(&self.law, &mut self.next);
        largest_residual(self.classes, &self.law, &self.next)
    }

    /// Gives each class a law, whatever sum its steps left, as residuals and bounds take for
    /// granted; the residual is that of the law in the exact chain.
    fn settle(&mut self) -> f64 {
        if self.rounded.take().is_some() {
            self.step.start_afresh();
        }
        let bound = self.bound;
        self.normalize();
        let residual = self.measure();
        self.share = bound.map_or(self.share, |bound| residual / bound);
        residual
    }

    /// Divides the laws by their sums. One law over all states moves on by its
    /// product instead, whose sum is known: that can only make the residual less.
    fn normalize(&mut self) {
        match self.sum.filter(|_| self.bound.is_none()) {
            Some(sum) => {
                map_in_place(&mut self.next, |_, p| p / sum);
                std::mem::swap(&mut self.law, &mut self.next);
            }
            None => normalize(self.classes, &mut self.law),
        }
    }

    /// Moves on from the law, and from its product if the residual was measured.
    fn advance(&mut self, residual: f64, tolerance: f64) {
        let operator = in_use(&self.rounded, self.operator);
        let start = Start { operator, is_pushed: self.bound.is_none(), residual, tolerance };
        let before = self.bound;
        self.bound = self.step.advance(&mut self.law, &mut self.next, &start);
        self.likely = before.zip(self.bound).map(|(before, bound)| bound * self.share.max(bound / before));
        self.iterations += 1;
        if self.step.keeps_sums() && self.iterations.is_multiple_of(RENORMALIZE_EVERY) {
            normalize(self.classes, &mut self.law);
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
            certificate.step(&self.law, self.step.means());
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

    /// Gives what there is, as laws.
    fn cancel(mut self) -> (Vec<f64>, Report) {
        let residual = self.settle();
        self.finish(residual, None, Stop::Cancelled)
    }

    fn finish(self, residual: f64, error_bound: Option<f64>, stop: Stop) -> (Vec<f64>, Report) {
        (self.law, Report { iterations: self.iterations, residual, error_bound, stop })
    }
}

/// The operator whose products are taken.
fn in_use<'b>(
    rounded: &'b Option<Box<dyn TransitionOperator + '_>>,
    exact: &'b impl TransitionOperator,
) -> &'b dyn TransitionOperator {
    match rounded {
        Some(rounded) => &**rounded,
        None => exact,
    }
}
