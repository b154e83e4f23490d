//! What later states tell about the prompt.

use std::ops::Range;

use super::batches::in_runs;
use super::deviations::Deviations;
use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::{Law, sum_by};
use crate::solve::{MEMORY_LIMIT, Observer, Silent, check_memory, check_operations};

const STAGE: &str = "information about the prompt";

/// How long each of some prompts is remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptInformation {
    mutual: Vec<f64>,
    pointwise: Vec<PromptMemory>,
}

/// How long one prompt is remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptMemory {
    /// The state after the prompt.
    pub state: usize,
    /// Its probability among the prompts.
    pub probability: f64,
    /// Pointwise information after `0, 1, ...` steps, in bits: the relative entropy of
    /// the law after this prompt to the law after a prompt not known.
    pub bits: Vec<f64>,
}

impl PromptInformation {
    /// `I(prompt; S_t)` for `t = 0, 1, ...`, in bits. It starts at the entropy of the
    /// law of prompts and never increases.
    pub fn mutual_information(&self) -> &[f64] {
        &self.mutual
    }

    /// The prompts, in the order of their states.
    pub fn prompts(&self) -> &[PromptMemory] {
        &self.pointwise
    }

    /// The first number of steps after which at most so many bits about the prompt
    /// are left, unless that is beyond the steps asked for.
    pub fn forgotten(&self, bits: f64) -> Option<usize> {
        self.mutual.iter().position(|&left| left <= bits)
    }
}

impl PromptMemory {
    /// The first number of steps after which at most so many bits tell this prompt from one not
    /// known, unless that is beyond the steps asked for. Like every relative entropy of
    /// laws pushed by one chain, they never increase.
    pub fn forgotten(&self, bits: f64) -> Option<usize> {
        self.bits.iter().position(|&left| left <= bits)
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// What the state after `t = 0..=steps` steps tells about a prompt drawn from a law
    /// over states, and about each prompt of that law.
    ///
    /// `steps` products and `steps` more for every prompt of positive probability; the laws
    /// after a prompt not known are kept, 8 bytes a state and step. Accuracy as of
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
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::MarkovChain;
    /// use lmchain::prob::Law;
    /// use ndarray::array;
    ///
    /// let weather = MarkovChain::from_dense(array![[0.9, 0.1], [0.5, 0.5]].view())?;
    /// let told = weather.prompt_information(&Law::uniform(2), 10)?;
    /// assert_eq!(told.mutual_information()[0], 1.0); // one bit: which of the two
    /// assert_eq!(told.forgotten(0.01), Some(3));
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    #[track_caller]
    pub fn prompt_information(&self, prompts: &Law, steps: usize) -> Result<PromptInformation> {
        self.prompt_information_watched(prompts, steps, &mut Silent)
    }

    /// As [`prompt_information`](Self::prompt_information), watched.
    ///
    /// # Errors
    ///
    /// As there, and [`Cancelled`](crate::Error::Cancelled) when the observer breaks.
    #[track_caller]
    pub fn prompt_information_watched(
        &self,
        prompts: &Law,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> Result<PromptInformation> {
        self.check_law(prompts);
        let starts: Vec<usize> = (0..self.len()).filter(|&state| prompts[state] > 0.0).collect();
        let needed = (starts.len() + 1) as f64 * steps as f64 * self.operator().stored_entries() as f64;
        check_operations(STAGE, needed, "ask for fewer steps, or take a law over fewer prompts")?;
        let numbers = (steps as u128 + 1) * (self.len() + starts.len()) as u128;
        check_memory(STAGE, numbers * size_of::<f64>() as u128, MEMORY_LIMIT)?;
        let unknown = self.laws_after(prompts, steps);
        let run = |numbers: Range<usize>| self.prompt_memories(&starts[numbers], &unknown);
        let pointwise: Vec<PromptMemory> = in_runs((self.len(), starts.len()), STAGE, observer, run)?;
        let share = |t: usize| sum_by(pointwise.len(), |i| pointwise[i].probability * pointwise[i].bits[t]);
        Ok(PromptInformation { mutual: (0..=steps).map(share).collect(), pointwise })
    }

    /// The laws after `0..=steps` steps.
    fn laws_after(&self, start: &Law, steps: usize) -> Vec<Vec<f64>> {
        let mut laws = vec![start.to_vec()];
        for step in 0..steps {
            let mut next = vec![0.0; self.len()];
            self.operator().push_forward(&laws[step], &mut next);
            laws.push(next);
        }
        laws
    }

    /// How the laws after some prompts approach that after a prompt not known.
    fn prompt_memories(&self, prompts: &[usize], unknown: &[Vec<f64>]) -> Vec<PromptMemory> {
        let start = &unknown[0];
        let mut deviations = Deviations::new(self.len(), prompts.len(), |state, column| {
            if state == prompts[column] { 1.0 - start[state] } else { -start[state] }
        });
        let mut bits = vec![deviations.relative_entropies(start)];
        for reference in &unknown[1..] {
            deviations.step(self.operator(), reference);
            bits.push(deviations.relative_entropies(reference));
        }
        let memory = |(column, &state): (usize, &usize)| {
            let bits = bits.iter().map(|bits| bits[column]).collect();
            PromptMemory { state, probability: start[state], bits }
        };
        prompts.iter().enumerate().map(memory).collect()
    }
}
