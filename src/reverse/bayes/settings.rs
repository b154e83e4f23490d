//! How Bayes' rule is applied.

use super::conditionals::ContextLaws;
use super::{BayesReversal, Conditionals, Prior};
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::solve::check_positive;

/// Settings of a reversal by Bayes' rule (Pfau, Infanger, Sheshadri, Panda,
/// Michael & Huebner 2023, with their public code).
///
/// The defaults make it the exact reversal: prior and conditionals are those of
/// the stationary process, nothing is diluted. They sampled with a dilution of 0.3.
///
/// # Example
///
/// ```
/// use lmchain::prelude::*;
/// use lmchain::reverse::{BayesSettings, Prior};
///
/// let model = TableModel::from_rows(1, &[[0.7, 0.3], [0.2, 0.8]])?;
/// let chain = MarkovChain::enumerated(&model)?;
/// let law = chain.stationary()?.converged()?;
///
/// let exact = BayesSettings::new().reverse(&chain, &law)?;
/// let bits = exact.cross_entropy(1)?;
/// assert!((bits - chain.entropy_rate(&law)).abs() < 1e-12);
///
/// let guessed = BayesSettings::new().prior(Prior::Uniform).reverse(&chain, &law)?;
/// assert!(guessed.cross_entropy(1)? > bits);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct BayesSettings<'a> {
    prior: Prior<'a>,
    conditionals: Conditionals,
    dilution: f64,
    temperature: f64,
}

impl Default for BayesSettings<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> BayesSettings<'a> {
    /// The stationary law of one token as the prior, the stationary conditionals,
    /// no dilution, temperature 1.
    pub fn new() -> Self {
        let (prior, conditionals) = (Prior::Marginal, Conditionals::Stationary);
        Self { prior, conditionals, dilution: 0.0, temperature: 1.0 }
    }

    /// What is believed of a token beforehand.
    pub fn prior(mut self, prior: Prior<'a>) -> Self {
        self.prior = prior;
        self
    }

    /// What is said after fewer than K tokens.
    pub fn conditionals(mut self, conditionals: Conditionals) -> Self {
        self.conditionals = conditionals;
        self
    }

    /// The share `d` of the uniform law in the prior: `(1 - d) prior + d / V`.
    pub fn dilution(mut self, share: f64) -> Self {
        self.dilution = share;
        self
    }

    /// The temperature of the posterior law: its probabilities to the power `1 / T`, normalised.
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// The reversal of a chain with these settings, under its stationary law.
    ///
    /// One product; `O(V^K)` memory for the laws after short contexts.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] unless the dilution is between 0 and 1 and the
    /// temperature positive and finite. [`Error::LengthMismatch`] for a law over
    /// other states, or a prior over another vocabulary;
    /// [`Error::VocabularyMismatch`] for a reverse model with another one.
    /// [`Error::NotWindows`] for the chain of a whole back-off model,
    /// [`Error::NotShiftRegister`] if some step is not a shift, such as a
    /// restart; [`Error::TooLarge`] beyond 8 GiB.
    pub fn reverse<'c, O: TransitionOperator>(
        &self,
        chain: &'c MarkovChain<O>,
        stationary: &Law,
    ) -> Result<BayesReversal<'c, O>>
    where
        'a: 'c,
    {
        self.check(chain.states().vocabulary_size())?;
        let laws = ContextLaws::new(chain, stationary, self.conditionals)?;
        Ok(BayesReversal::new(laws, stationary, self.prior, self.dilution, self.temperature))
    }

    fn check(&self, v: usize) -> Result<()> {
        let Self { prior, dilution, temperature, .. } = *self;
        if !(0.0..=1.0).contains(&dilution) {
            let requirement = "between 0 and 1";
            return Err(Error::InvalidSetting { name: "dilution", value: dilution, requirement });
        }
        check_positive("temperature", temperature)?;
        match prior {
            Prior::Tokens(law) if law.len() != v => {
                Err(Error::LengthMismatch { expected: v, found: law.len() })
            }
            Prior::ReverseModel(model) if model.vocabulary_size() != v => {
                Err(Error::VocabularyMismatch { model: model.vocabulary_size(), text: v })
            }
            _ => Ok(()),
        }
    }
}
