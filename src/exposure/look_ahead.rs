//! A model that looks at how much is left to say after a token.

use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::prob::entropy;
use crate::text::{Token, Vocab};

/// A model whose tokens are made less likely the more entropy follows them:
/// `q_a(w | c) ∝ q(w | c) 2^(-a H(q(· | c w)))` with the entropy `H` of the token after
/// the next, in bits (Braverman, Chen, Kakade, Narasimhan, Zhang & Zhang 2020, look-ahead
/// calibration). With `a = 0` it is the model itself; below zero it prefers
/// what opens more.
///
/// A law takes `V + 1` laws of the model: one for each token that may come next.
///
/// # Example
///
/// ```
/// use lmchain::exposure::LookAhead;
/// use lmchain::model::{LanguageModel, TableModel};
///
/// // After 0 all is open (one bit), after 1 nothing is.
/// let model = TableModel::from_rows(1, &[[0.5, 0.5], [1.0, 0.0]])?;
/// let mut law = [0.0; 2];
/// LookAhead::new(model, 1.0)?.next_token_law(&[0], &mut law)?;
/// assert!((law[0] - 1.0 / 3.0).abs() < 1e-15); // 0.5 / 2 to 0.5
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LookAhead<M> {
    model: M,
    alpha: f64,
}

impl<M: LanguageModel> LookAhead<M> {
    /// The model with this `a`, as [`LookAheadCalibration`](super::LookAheadCalibration) finds it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] for a number that is not finite, or not with the
    /// largest entropy for a factor.
    pub fn new(model: M, alpha: f64) -> Result<Self> {
        let most = (model.vocabulary_size() as f64).log2().max(1.0);
        if !(alpha * most).is_finite() {
            let requirement = "finite, and so its product with log2 of the vocabulary size";
            return Err(Error::InvalidSetting { name: "alpha", value: alpha, requirement });
        }
        Ok(Self { model, alpha })
    }

    /// The model without the calibration.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The exponent `a`.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }
}

impl<M: LanguageModel> LanguageModel for LookAhead<M> {
    fn vocabulary_size(&self) -> usize {
        self.model.vocabulary_size()
    }

    fn context_length(&self) -> usize {
        self.model.context_length()
    }

    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> Result<()> {
        self.model.next_token_law(context, law)?;
        let entropies = next_entropies(&self.model, context, law)?;
        let possible = || law.iter().zip(&entropies).filter(|(p, _)| **p > 0.0);
        // The largest factor is one: nothing overflows, and not all can underflow. What is
        // impossible has no factor, and stays so.
        let top = possible().map(|(_, bits)| -self.alpha * bits).fold(f64::NEG_INFINITY, f64::max);
        for (p, bits) in law.iter_mut().zip(&entropies).filter(|(p, _)| **p > 0.0) {
            *p *= (-self.alpha * bits - top).exp2();
        }
        let sum: f64 = law.iter().sum();
        law.iter_mut().for_each(|p| *p /= sum);
        Ok(())
    }

    fn vocab(&self) -> Option<&Vocab> {
        self.model.vocab()
    }
}

/// For every token that a law makes possible, the entropy of the one after it, in
/// bits; 0 for others.
pub(super) fn next_entropies<M: LanguageModel + ?Sized>(
    model: &M,
    context: &[Token],
    law: &[f64],
) -> Result<Vec<f64>> {
    let possible: Vec<usize> = (0..law.len()).filter(|&token| law[token] > 0.0).collect();
    let after = |&token: &usize| context[1..].iter().copied().chain([token as Token]);
    let contexts: Vec<Token> = possible.iter().flat_map(after).collect();
    let mut laws = vec![0.0; possible.len() * law.len()];
    model.next_token_laws(&contexts, &mut laws)?;
    let mut entropies = vec![0.0; law.len()];
    for (&token, next) in possible.iter().zip(laws.chunks_exact(law.len())) {
        entropies[token] = entropy(next);
    }
    Ok(entropies)
}
