//! The law of what came before, by Bayes' rule.

use super::Prior;
use super::conditionals::ContextLaws;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::text::Token;

/// A chain reversed by Bayes' rule, made by [`BayesSettings`](super::BayesSettings).
///
/// ```text
/// q(u | s_1 .. s_L) ~ prior(u) p(s_1 | u) p(s_2 | u s_1) .. p(s_K | u s_1 .. s_(K-1))
/// ```
///
/// Later tokens of the suffix do not see `u`. A token that the conditionals have
/// never seen has a likelihood of zero: it cannot have come before.
#[derive(Debug)]
pub struct BayesReversal<'a, O> {
    laws: ContextLaws<'a, O>,
    stationary: Law,
    prior: TokenPrior<'a>,
    dilution: f64,
    temperature: f64,
}

/// The prior, diluted where it does not depend on the suffix.
#[derive(Debug)]
enum TokenPrior<'a> {
    Fixed(Vec<f64>),
    Learned(LearnedPrior<'a>),
}

struct LearnedPrior<'a>(&'a dyn LanguageModel);

impl std::fmt::Debug for LearnedPrior<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LanguageModel")
    }
}

impl<'a, O: TransitionOperator> BayesReversal<'a, O> {
    pub(super) fn new(
        laws: ContextLaws<'a, O>,
        stationary: &Law,
        prior: Prior<'a>,
        dilution: f64,
        temperature: f64,
    ) -> Self {
        let v = laws.chain.states().vocabulary_size();
        let fixed = |law: &[f64]| TokenPrior::Fixed(diluted(law.to_vec(), dilution));
        let prior = match prior {
            Prior::Marginal => fixed(&laws.chain.token_law(stationary)),
            Prior::Uniform => fixed(&Law::uniform(v)),
            Prior::Tokens(law) => fixed(law),
            Prior::ReverseModel(model) => TokenPrior::Learned(LearnedPrior(model)),
        };
        Self { laws, stationary: stationary.clone(), prior, dilution, temperature }
    }

    /// The law of the token before some others: `O(V K)` probabilities.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyText`] for a suffix without tokens,
    /// [`Error::TokenOutOfRange`]; [`Error::PromptTooShort`] if the suffix has
    /// fewer tokens than a reverse model as the prior looks at, and what that
    /// model returns; [`Error::Impossible`] if no token can have come before.
    pub fn law_before(&self, suffix: &[Token]) -> Result<Law> {
        self.check_tokens(suffix)?;
        let posterior = self.posterior(suffix)?;
        posterior.map(Law::from_computed).ok_or(Error::Impossible { what: "the suffix" })
    }

    /// What a prefix costs given the suffix after it: `-log2 q(prefix | suffix)`,
    /// in bits, token by token to the left. Infinite for what is excluded.
    ///
    /// # Errors
    ///
    /// As [`law_before`](Self::law_before).
    pub fn prefix_bits(&self, prefix: &[Token], suffix: &[Token]) -> Result<f64> {
        self.check_tokens(suffix)?;
        let text = [prefix, suffix].concat();
        self.check_tokens(&text)?;
        let mut bits = 0.0;
        for place in (0..prefix.len()).rev() {
            let law = self.law_before(&text[place + 1..])?;
            let p = law[prefix[place] as usize];
            if p == 0.0 {
                return Ok(f64::INFINITY);
            }
            bits -= p.log2();
        }
        Ok(bits)
    }

    /// The invariance residual of a suffix,
    ///
    /// ```text
    /// r(s) = sum over u of prior(u) P(s | u) / P(s),   P(s) = prior(s_1) p(s_2 | s_1) ..
    /// ```
    ///
    /// which is 1 for all suffixes if and only if prior and conditionals are of
    /// one stationary process. It is what the posterior sums to before it is
    /// normalised. Only the first K tokens count: the others cancel. Infinite for
    /// a suffix that can be preceded, but not stand alone.
    ///
    /// `None` if the prior is a reverse model, which depends on the suffix.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyText`], [`Error::TokenOutOfRange`], and
    /// [`Error::Impossible`] if the suffix can neither be said nor preceded.
    pub fn residual(&self, suffix: &[Token]) -> Result<Option<f64>> {
        self.check_tokens(suffix)?;
        let TokenPrior::Fixed(prior) = &self.prior else { return Ok(None) };
        let seen = &suffix[..suffix.len().min(self.context_length())];
        let first = prior[seen[0] as usize].log2();
        let alone = first + self.log_likelihood(seen[0], &seen[1..]);
        let mut preceded = self.log_joint(prior, suffix);
        preceded.retain(|&bits| bits > f64::NEG_INFINITY);
        if alone == f64::NEG_INFINITY && preceded.is_empty() {
            return Err(Error::Impossible { what: "the suffix" });
        }
        Ok(Some(preceded.iter().map(|bits| (bits - alone).exp2()).sum()))
    }

    /// The posterior law, or `None` where nothing can have come before.
    pub(super) fn posterior(&self, suffix: &[Token]) -> Result<Option<Vec<f64>>> {
        let joint = match &self.prior {
            TokenPrior::Fixed(prior) => self.log_joint(prior, suffix),
            TokenPrior::Learned(model) => {
                let learned = law_from_the_right(model.0, suffix)?;
                self.log_joint(&diluted(learned, self.dilution), suffix)
            }
        };
        Ok(softmax(&joint, self.temperature))
    }

    /// `log2 prior(u) P(s | u)` for every token `u`.
    fn log_joint(&self, prior: &[f64], suffix: &[Token]) -> Vec<f64> {
        let seen = &suffix[..suffix.len().min(self.context_length())];
        let joint = |(token, p): (usize, &f64)| match *p {
            p if p > 0.0 => p.log2() + self.log_likelihood(token as Token, seen),
            _ => f64::NEG_INFINITY,
        };
        prior.iter().enumerate().map(joint).collect()
    }

    /// `log2 P(s | u)` for up to K tokens `s`.
    fn log_likelihood(&self, before: Token, suffix: &[Token]) -> f64 {
        let v = self.chain().states().vocabulary_size() as u128;
        let mut context = u128::from(before);
        let mut bits = 0.0;
        for (place, &token) in suffix.iter().enumerate() {
            bits += self.laws.probability(place + 1, context, token).log2();
            // Of the last token no context is made: it might not be numbered.
            if place + 1 < suffix.len() {
                context = context * v + u128::from(token);
            }
        }
        bits
    }

    pub(super) fn chain(&self) -> &'a MarkovChain<O> {
        self.laws.chain
    }

    pub(super) fn stationary(&self) -> &Law {
        &self.stationary
    }

    pub(super) fn context_length(&self) -> usize {
        self.chain().states().context_length()
    }

    fn check_tokens(&self, suffix: &[Token]) -> Result<()> {
        let vocabulary_size = self.chain().states().vocabulary_size();
        match suffix.iter().find(|&&token| token as usize >= vocabulary_size) {
            Some(&token) => Err(Error::TokenOutOfRange { token, vocabulary_size }),
            None if suffix.is_empty() => Err(Error::EmptyText),
            None => Ok(()),
        }
    }
}

/// What a model of reversed text says of the token before a suffix.
fn law_from_the_right(model: &dyn LanguageModel, suffix: &[Token]) -> Result<Vec<f64>> {
    let needed = model.context_length();
    if suffix.len() < needed {
        return Err(Error::PromptTooShort { tokens: suffix.len(), needed });
    }
    let context: Vec<Token> = suffix[..needed].iter().rev().copied().collect();
    let mut law = vec![0.0; model.vocabulary_size()];
    model.next_token_law(&context, &mut law)?;
    Ok(law)
}

/// The law mixed with the uniform one.
fn diluted(mut law: Vec<f64>, share: f64) -> Vec<f64> {
    let uniform = share / law.len() as f64;
    law.iter_mut().for_each(|p| *p = (1.0 - share) * *p + uniform);
    law
}

/// The law with these binary logarithms, up to a constant, at a temperature.
fn softmax(bits: &[f64], temperature: f64) -> Option<Vec<f64>> {
    let most = bits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return None;
    }
    let weights: Vec<f64> = bits.iter().map(|bits| ((bits - most) / temperature).exp2()).collect();
    let sum: f64 = weights.iter().sum();
    Some(weights.into_iter().map(|weight| weight / sum).collect())
}
