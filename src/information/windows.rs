//! What a whole context tells about later ones.

use std::ops::Range;

use super::batches::in_runs;
use super::deviations::Deviations;
use super::rows::Rows;
use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::{Law, sum_by};
use crate::solve::{MEMORY_LIMIT, Observer, Silent, check_memory, check_operations};

const STAGE: &str = "mutual information of contexts by lag";

impl<O: TransitionOperator> MarkovChain<O> {
    /// Mutual information `I(S_0; S_t)` of two states, for `t = 0..=steps`, in bits: what a
    /// whole context tells about the one `t` steps later.
    ///
    /// It starts at the entropy of the stationary law and never increases. Contexts of `K`
    /// tokens that overlap make one longer block, so it is `H(K) - t h` as far as `t = K`, where
    /// it is the excess entropy. Beyond, one law is pushed forward for every causal
    /// state ([`causal_states`](Self::causal_states)), since contexts with the same future
    /// need not be told apart: `steps` products each. Where states are no windows, one for
    /// every different row.
    ///
    /// Right to rounding of the entropies up to `t = K`; beyond as
    /// [`mutual_information`](Self::mutual_information).
    ///
    /// # Errors
    ///
    /// [`TooExpensive`](crate::Error::TooExpensive) beyond 10^12 multiplications,
    /// [`TooLarge`](crate::Error::TooLarge) beyond 8 GiB.
    ///
    /// # Panics
    ///
    /// If the law is over other states.
    #[track_caller]
    pub fn window_information(&self, stationary: &Law, steps: usize) -> Result<Vec<f64>> {
        self.window_information_watched(stationary, steps, &mut Silent)
    }

    /// As [`window_information`](Self::window_information), watched.
    ///
    /// # Errors
    ///
    /// As there, and [`Cancelled`](crate::Error::Cancelled) when the observer breaks.
    #[track_caller]
    pub fn window_information_watched(
        &self,
        stationary: &Law,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> Result<Vec<f64>> {
        self.check_law(stationary);
        let shifts = self.states().are_windows() && self.check_shifts(stationary).is_ok();
        let within = if shifts { self.states().context_length().min(steps) } else { 0 };
        let (whole, rate) = (stationary.entropy(), self.entropy_rate(stationary));
        let mut curve: Vec<f64> = (0..=within).map(|t| (whole - t as f64 * rate).max(0.0)).collect();
        if within < steps {
            let starts = self.futures(stationary, shifts)?;
            let beyond = self.pushed_information(stationary, &starts, within..steps, observer)?;
            curve.extend(beyond);
        }
        Ok(curve)
    }

    /// One state for every different future, and the weight of all that have it.
    fn futures(&self, stationary: &Law, shifts: bool) -> Result<Vec<(usize, f64)>> {
        let (states, blocks, count) = if shifts {
            let rows = Rows::new(self, stationary, |state| self.states().newest_token(state))?;
            let (blocks, count) = super::refine::coarsest(&rows, rows.equal(), &mut Silent)?;
            (rows.states, blocks, count)
        } else {
            let rows = Rows::new(self, stationary, |state| state as u32)?;
            let (blocks, count) = rows.equal();
            (rows.states, blocks, count)
        };
        let mut starts = vec![(usize::MAX, 0.0); count];
        for (&state, &block) in states.iter().zip(&blocks) {
            let (first, weight) = &mut starts[block as usize];
            *first = (*first).min(state as usize);
            *weight += stationary[state as usize];
        }
        starts.retain(|&(_, weight)| weight > 0.0);
        Ok(starts)
    }

    /// The information of starts about the states after `after.start + 1..=after.end` steps.
    fn pushed_information(
        &self,
        stationary: &Law,
        starts: &[(usize, f64)],
        after: Range<usize>,
        observer: &mut dyn Observer,
    ) -> Result<Vec<f64>> {
        let needed = starts.len() as f64 * after.end as f64 * self.operator().stored_entries() as f64;
        let remedy =
            "ask for fewer steps, or for topic_information, which takes one product a topic and step";
        check_operations(STAGE, needed, remedy)?;
        let memory = starts.len() as u128 * after.len() as u128 * size_of::<f64>() as u128;
        check_memory(STAGE, memory, MEMORY_LIMIT)?;
        let run = |numbers: Range<usize>| {
            let starts = &starts[numbers];
            let mut deviations = Deviations::new(self.len(), starts.len(), |state, column| {
                let here = if state == starts[column].0 { 1.0 } else { 0.0 };
                here - stationary[state]
            });
            let mut told = vec![Vec::with_capacity(after.len()); starts.len()];
            for step in 0..after.end {
                deviations.step(self.operator(), stationary);
                if step >= after.start {
                    let bits = deviations.relative_entropies(stationary);
                    told.iter_mut().zip(bits).for_each(|(told, bits)| told.push(bits));
                }
            }
            told
        };
        let size = (self.len(), starts.len());
        let told: Vec<Vec<f64>> = in_runs(size, STAGE, observer, run)?;
        let at = |place: usize| sum_by(starts.len(), |number| starts[number].1 * told[number][place]);
        Ok((0..after.len()).map(at).collect())
    }
}
