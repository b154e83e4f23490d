//! The chain on sets of states.

use nalgebra::DMatrix;
use ndarray::Array2;

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, pull_all};
use crate::prob::{Law, sum_by};
use crate::spectrum::{Eigenvalue, SpectralOrder, eigenvalues};
use crate::topics::{Memberships, TopicLaw};

/// A chain coarse-grained onto topics, looked at every so many steps.
#[derive(Debug, Clone, PartialEq)]
pub struct CoarseChain {
    matrix: Array2<f64>,
    law: TopicLaw,
    steps: u32,
}

impl CoarseChain {
    /// `(chi' D chi)^-1 chi' D P^steps chi`: rows sum to one. For a partition
    /// these are the probabilities of going from one set to another; of
    /// overlapping memberships entries may be a little below 0.
    pub fn matrix(&self) -> &Array2<f64> {
        &self.matrix
    }

    /// How much of the law is in each topic: the stationary law of the matrix if
    /// the chain's law is stationary.
    pub fn law(&self) -> &TopicLaw {
        &self.law
    }

    /// Steps of the chain that one step here stands for.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// The eigenvalues of the matrix, largest modulus first.
    ///
    /// # Errors
    ///
    /// [`Error::NotConverged`] if the iteration that finds them does not end.
    pub fn eigenvalues(&self) -> Result<Vec<Eigenvalue>> {
        let k = self.law.len();
        eigenvalues(&DMatrix::from_fn(k, k, |row, column| self.matrix[[row, column]]), SpectralOrder::Modulus)
    }

    /// Implied timescales in steps of the chain, longest first:
    /// `-steps / ln |lambda|` of all eigenvalues but the 1.
    ///
    /// For a reversible chain, those of a partition are too short, and grow with
    /// the number of steps towards those of the chain itself (Djurdjevac, Sarich
    /// and Schütte 2012). Of other chains this does not hold: fair bits, of which
    /// the window holds two, are forgotten after two steps (all eigenvalues but the
    /// 1 are 0), yet whether both are 1 has the eigenvalue 1/3 at one step.
    ///
    /// # Errors
    ///
    /// As [`eigenvalues`](Self::eigenvalues).
    pub fn implied_timescales(&self) -> Result<Vec<f64>> {
        let steps = f64::from(self.steps);
        Ok(self.eigenvalues()?[1..].iter().map(|value| steps * value.implied_timescale()).collect())
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The chain on topics, its states weighted by a law, usually the stationary
    /// one (Reuter et al. 2018). Takes `steps` products for each topic.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::MarkovChain;
    /// use lmchain::topics::{Memberships, Topics};
    /// use ndarray::array;
    ///
    /// let chain = array![[0.8, 0.2, 0.0], [0.2, 0.6, 0.2], [0.0, 0.2, 0.8]];
    /// let chain = MarkovChain::from_dense(chain.view())?;
    /// let law = chain.stationary()?.converged()?;
    /// let topics = Topics::by_state(chain.states(), ["ends", "middle"], |state| usize::from(state == 1))?;
    /// let coarse = chain.coarse_grained(&law, &Memberships::of_topics(&topics), 1)?;
    /// assert!((coarse.matrix()[[0, 1]] - 0.2).abs() < 1e-15);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for memberships or a law over other states,
    /// [`Error::EmptyTopic`] for a topic that the law never visits,
    /// [`Error::DependentMemberships`]; [`Error::MustBePositive`] for no step.
    pub fn coarse_grained(&self, law: &Law, memberships: &Memberships, steps: u32) -> Result<CoarseChain> {
        for found in [law.len(), memberships.states()] {
            if found != self.len() {
                return Err(Error::LengthMismatch { expected: self.len(), found });
            }
        }
        if steps == 0 {
            return Err(Error::MustBePositive { what: "number of steps" });
        }
        let masses = memberships.law(law);
        if let Some(topic) = masses.iter().position(|&mass| mass <= 0.0) {
            return Err(Error::EmptyTopic { name: memberships.names()[topic].clone() });
        }
        let k = memberships.count();
        let now: Vec<Vec<f64>> = (0..k).map(|topic| memberships.observable(topic)).collect();
        let mut later = now.clone();
        for _ in 0..steps {
            pull_all(self.operator(), &mut later);
        }
        let overlaps = |other: &[Vec<f64>]| {
            // Rows divided by the masses, so that a light topic is no near singularity.
            DMatrix::from_fn(k, k, |row, column| {
                sum_by(law.len(), |state| law[state] * now[row][state] * other[column][state]) / masses[row]
            })
        };
        let lu = overlaps(&now).full_piv_lu();
        let pivots = lu.u().diagonal();
        if pivots.iter().any(|pivot| pivot.abs() <= f64::EPSILON * k as f64 * pivots.amax()) {
            return Err(Error::DependentMemberships);
        }
        let matrix = lu.solve(&overlaps(&later)).ok_or(Error::DependentMemberships)?;
        let matrix = Array2::from_shape_fn((k, k), |place| matrix[place]);
        Ok(CoarseChain { matrix, law: masses, steps })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::topics::Topics;

    #[test]
    fn what_cannot_be_coarse_grained_is_refused() {
        let chain = MarkovChain::from_dense(array![[0.5, 0.5], [0.5, 0.5]].view()).unwrap();
        let law = Law::uniform(2);
        let of = |by_state: Vec<f64>| Memberships::new(["a", "b"], by_state).unwrap();
        let refused =
            |memberships: &Memberships, steps| chain.coarse_grained(&law, memberships, steps).unwrap_err();
        assert!(
            matches!(refused(&of(vec![1.0, 0.0, 1.0, 0.0]), 1), Error::EmptyTopic { name } if name == "b")
        );
        assert!(matches!(refused(&of(vec![0.5, 0.5, 0.5, 0.5]), 1), Error::DependentMemberships));
        assert!(matches!(refused(&of(vec![1.0, 0.0]), 1), Error::LengthMismatch { expected: 2, found: 1 }));
        let topics = Topics::by_state(chain.states(), ["a", "b"], |state| state).unwrap();
        assert!(matches!(refused(&Memberships::of_topics(&topics), 0), Error::MustBePositive { .. }));
    }
}
