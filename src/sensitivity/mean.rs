//! Sensitivity of long-run means, topic shares and the entropy rate.

use super::{PoissonSolver, Sensitivity};
use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::solve::Outcome;
use crate::topics::Topics;

impl PoissonSolver {
    /// How the long-run mean of an observable moves with the probabilities of a
    /// chain: `w = pi`, `a(i, j) = g(j)`. One solution.
    ///
    /// # Errors
    ///
    /// As [`solve`](Self::solve).
    pub fn sensitivity<'a, O: TransitionOperator>(
        &self,
        chain: &'a MarkovChain<O>,
        stationary: &Law,
        observable: &[f64],
    ) -> Result<Outcome<Sensitivity<'a, O>>> {
        let solved = self.solve(chain, stationary, observable)?;
        Ok(solved.map(|poisson| {
            let (mean, values) = (poisson.mean(), poisson.values().to_vec());
            Sensitivity::new(chain, mean, stationary.to_vec(), values, false)
        }))
    }

    /// How the entropy rate, in bits a step, moves with the probabilities of a
    /// chain: `w = pi`, `a(i, j) = g(j) - log2 P(i, j)`, where `g` solves
    /// Poisson's equation for the entropies of the rows. One solution.
    ///
    /// # Errors
    ///
    /// As [`solve`](Self::solve).
    pub fn entropy_rate_sensitivity<'a, O: TransitionOperator>(
        &self,
        chain: &'a MarkovChain<O>,
        stationary: &Law,
    ) -> Result<Outcome<Sensitivity<'a, O>>> {
        let mut entropies = vec![0.0; chain.len()];
        chain.operator().row_entropies(&mut entropies);
        let solved = self.solve(chain, stationary, &entropies)?;
        Ok(solved.map(|poisson| {
            let (mean, values) = (poisson.mean(), poisson.values().to_vec());
            Sensitivity::new(chain, mean, stationary.to_vec(), values, true)
        }))
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// How the long-run mean of an observable moves with the chain's
    /// probabilities: [`PoissonSolver::sensitivity`] with its defaults.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn mean_sensitivity(
        &self,
        stationary: &Law,
        observable: &[f64],
    ) -> Result<Outcome<Sensitivity<'_, O>>> {
        PoissonSolver::new().sensitivity(self, stationary, observable)
    }

    /// How the long-run share of a topic moves with the chain's probabilities.
    ///
    /// # Errors
    ///
    /// As [`PoissonSolver::solve`].
    ///
    /// # Panics
    ///
    /// If the topics are of another chain, or there is no such topic.
    #[track_caller]
    pub fn topic_share_sensitivity(
        &self,
        stationary: &Law,
        topics: &Topics,
        topic: usize,
    ) -> Result<Outcome<Sensitivity<'_, O>>> {
        assert_eq!(topics.states(), self.len(), "topics of the states of this chain");
        assert!(topic < topics.count(), "a topic of the partition");
        let inside = |state| f64::from(u8::from(topics.of_state(state) == topic));
        let observable: Vec<f64> = (0..self.len()).map(inside).collect();
        self.mean_sensitivity(stationary, &observable)
    }

    /// How the entropy rate moves with the chain's probabilities:
    /// [`PoissonSolver::entropy_rate_sensitivity`] with its defaults.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn entropy_rate_sensitivity(&self, stationary: &Law) -> Result<Outcome<Sensitivity<'_, O>>> {
        PoissonSolver::new().entropy_rate_sensitivity(self, stationary)
    }
}
