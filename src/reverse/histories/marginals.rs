//! The law of the state at each time given how a history ends.

use super::Histories;
use super::logarithms::{entropy_of, normalized};
use super::paths::{Direction, Message, Paths, Stepper};
use super::sweep::{Sweep, Weights};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, entropy, sum_by};
use crate::solve::{MEMORY_LIMIT, Observer, Silent, Watch, check_memory};

impl<O: TransitionOperator> Histories<'_, O> {
    /// Hands the law of the state at each time, given the end, to a visitor:
    /// times `steps, ..., 1, 0` in this order (forward filter, backward smoother).
    ///
    /// Two or a few more products a step.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`]; what the visitor returns.
    pub fn for_each_law(&self, visit: impl FnMut(usize, &Law) -> Result<()>) -> Result<()> {
        self.for_each_law_watched(visit, &mut Silent)
    }

    /// As [`for_each_law`](Self::for_each_law), watched: progress is counted in
    /// forward steps, of which some may be taken again.
    ///
    /// # Errors
    ///
    /// As `for_each_law`, and [`Error::Cancelled`].
    pub fn for_each_law_watched(
        &self,
        mut visit: impl FnMut(usize, &Law) -> Result<()>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let mut watch = Watch::new(observer, "the laws given the end", None);
        self.smooth(&mut watch, |time, _, law| visit(time, law))
    }

    /// The law of the state at a time, given the end.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] for a time after the end; [`Error::TooLarge`].
    pub fn law_at(&self, time: usize) -> Result<Law> {
        if time > self.steps {
            let value = time as f64;
            return Err(Error::InvalidSetting {
                name: "time",
                value,
                requirement: "at most that of the end",
            });
        }
        let mut forward = self.paths.first();
        let mut next = forward.clone();
        let mut stepper = Stepper::new(&self.paths);
        for _ in 0..time {
            stepper.sum(Direction::Forward, &forward, &mut next);
            std::mem::swap(&mut forward, &mut next);
        }
        let mut backward = Backward::new(&self.paths);
        (time..self.steps).for_each(|_| backward.step());
        joint_law(&forward, &backward.message)
    }

    /// The law of the newest token of the state at each time, given the end:
    /// entry `t` is for time `t`.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`].
    pub fn token_laws(&self) -> Result<Vec<Law>> {
        let states = self.chain.states();
        let v = states.vocabulary_size();
        let needed = (self.steps as u128 + 1) * (v * size_of::<f64>()) as u128;
        check_memory("the laws of tokens", needed, MEMORY_LIMIT)?;
        let mut laws = Vec::with_capacity(self.steps + 1);
        self.for_each_law(|_, law| {
            let mut tokens = vec![0.0; v];
            for (state, p) in law.iter().enumerate() {
                tokens[states.newest_token(state) as usize] += p;
            }
            laws.push(Law::from_computed(tokens));
            Ok(())
        })?;
        laws.reverse();
        Ok(laws)
    }

    /// Hands the *twist* at each time to a visitor, times `steps, ..., 1, 0` in
    /// this order: the natural logarithm of the probability of the end given the
    /// state at that time (and, for a first visit, none before).
    ///
    /// One product a step. The chain with these probabilities as weights, `P(i, j)
    /// twist_{t+1}(j) / twist_t(i)`, is the chain given the end.
    ///
    /// # Errors
    ///
    /// What the visitor returns.
    pub fn for_each_twist(&self, mut visit: impl FnMut(usize, &[f64]) -> Result<()>) -> Result<()> {
        let mut backward = Backward::new(&self.paths);
        for time in (0..=self.steps).rev() {
            let scale = backward.message.scale.value();
            let logs: Vec<f64> = backward.message.logs.iter().map(|log| log + scale).collect();
            visit(time, &logs)?;
            if time > 0 {
                backward.step();
            }
        }
        Ok(())
    }

    /// Entropy of the law of histories given the end, in bits: how much is left
    /// open by it.
    ///
    /// By the chain rule from the end backwards, a sum without cancellation. A
    /// look at every transition a step, besides the products.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`].
    pub fn entropy(&self) -> Result<f64> {
        let mut bits = 0.0;
        let mut later: Option<Law> = None;
        let mut silent = Silent;
        self.smooth(&mut Watch::new(&mut silent, "the entropy of histories", None), |_, forward, law| {
            bits += match &later {
                None => entropy(law),
                Some(later) => self.step_back_entropy(forward, later),
            };
            later = Some(law.clone());
            Ok(())
        })?;
        Ok(bits)
    }

    /// Mean entropy of the state before, given the one after, in bits.
    fn step_back_entropy(&self, forward: &Message, after: &Law) -> f64 {
        let entropy =
            |state: usize| entropy_of(self.paths.arrivals(&forward.logs, state).map(|(_, log)| log));
        sum_by(after.len(), |state| if after[state] > 0.0 { after[state] * entropy(state) } else { 0.0 })
    }

    /// Visits forward message and law of the state at each time, from the end on.
    fn smooth(
        &self,
        watch: &mut Watch<'_>,
        mut visit: impl FnMut(usize, &Message, &Law) -> Result<()>,
    ) -> Result<()> {
        let sweep = Sweep::new(self.paths.start.len(), self.steps, self.memory_limit)?;
        let mut backward = Backward::new(&self.paths);
        sweep.backwards(&self.paths, Weights::Total, watch, |time, forward| {
            if time < self.steps {
                backward.step();
            }
            visit(time, forward, &joint_law(forward, &backward.message)?)
        })
    }
}

/// The weights of the ways to an end, one more step at a time.
pub(super) struct Backward<'p, 'a, O> {
    pub(super) message: Message,
    next: Message,
    stepper: Stepper<'p, 'a, O>,
}

impl<'p, 'a, O: TransitionOperator> Backward<'p, 'a, O> {
    pub(super) fn new(paths: &'p Paths<'a, O>) -> Self {
        let at_end = |state: usize| if paths.ends.contains(state) { 0.0 } else { f64::NEG_INFINITY };
        let message = Message::new((0..paths.start.len()).map(at_end).collect());
        Self { next: message.clone(), message, stepper: Stepper::new(paths) }
    }

    pub(super) fn step(&mut self) {
        self.stepper.sum(Direction::Backward, &self.message, &mut self.next);
        std::mem::swap(&mut self.message, &mut self.next);
    }
}

/// The law in proportion to the product of the weights before and after.
fn joint_law(before: &Message, after: &Message) -> Result<Law> {
    let logs: Vec<f64> = before.logs.iter().zip(&after.logs).map(|(a, b)| a + b).collect();
    let law = normalized(&logs).ok_or(Error::Impossible { what: "the end of the histories" })?;
    Ok(Law::from_computed(law))
}
