//! The published reversals by Bayes' rule, held against the exact one.

use lmchain::prob::Law;
use lmchain::reverse::{BayesSettings, Conditionals, Prior};

use crate::subject::Subject;

/// Temperatures at which the posterior law is taken.
pub(crate) const TEMPERATURES: [f64; 2] = [1.0, 0.7];

/// Shares of the uniform law in the prior.
const DILUTIONS: [f64; 2] = [0.0, 0.3];

/// Characters of the longest suffix whose invariance residual is shown.
const LONGEST: usize = 3;

pub(crate) struct Reversals {
    /// What the exact reversal costs, in bits a character.
    pub(crate) exact: f64,
    /// What the reverse model costs by itself.
    pub(crate) learned: f64,
    pub(crate) rows: Vec<Row>,
}

/// One way to apply Bayes' rule.
pub(crate) struct Row {
    pub(crate) prior: &'static str,
    pub(crate) conditionals: &'static str,
    pub(crate) dilution: f64,
    /// Cross-entropy at each temperature, in bits a character.
    pub(crate) bits: [f64; 2],
    /// Invariance residuals of the first one, two, .. characters of the suffix;
    /// there is none where the prior depends on the suffix.
    pub(crate) residuals: Vec<Option<f64>>,
}

impl Reversals {
    pub(crate) fn of(subject: &Subject) -> lmchain::Result<Self> {
        let Subject { chain, stationary, reverse, .. } = subject;
        let short = chain.short_kernel(stationary, Conditionals::Averaged)?.stationary()?.converged()?;
        let mut rows = Vec::new();
        for (conditionals, named) in
            [(Conditionals::Stationary, "stationary"), (Conditionals::Averaged, "averaged")]
        {
            for (prior, name) in priors(subject, &short) {
                for dilution in DILUTIONS {
                    // The uniform law does not change when it is mixed with itself.
                    if dilution == 0.0 || !matches!(prior, Prior::Uniform) {
                        let settings =
                            BayesSettings::new().prior(prior).conditionals(conditionals).dilution(dilution);
                        let (bits, residuals) = costs(subject, settings)?;
                        rows.push(Row { prior: name, conditionals: named, dilution, bits, residuals });
                    }
                }
            }
        }
        let learned = chain.compare_reverse(stationary, reverse)?.cross_entropy();
        Ok(Self { exact: chain.entropy_rate(stationary), learned, rows })
    }
}

fn priors<'a>(subject: &'a Subject, short: &'a Law) -> [(Prior<'a>, &'static str); 4] {
    [
        (Prior::Marginal, "marginal"),
        (Prior::Uniform, "uniform"),
        (Prior::Tokens(short), "short kernel"),
        (Prior::ReverseModel(&subject.reverse), "reverse model"),
    ]
}

/// Cross-entropies at each temperature, and residuals.
fn costs(subject: &Subject, settings: BayesSettings<'_>) -> lmchain::Result<([f64; 2], Vec<Option<f64>>)> {
    let Subject { chain, stationary, suffix, .. } = subject;
    let mut bits = [0.0; 2];
    for (bits, temperature) in bits.iter_mut().zip(TEMPERATURES) {
        let reversal = settings.temperature(temperature).reverse(chain, stationary)?;
        *bits = reversal.cross_entropy(chain.states().context_length())?;
    }
    let reversal = settings.reverse(chain, stationary)?;
    let residuals = (1..=suffix.len().min(LONGEST)).map(|length| reversal.residual(&suffix[..length]));
    Ok((bits, residuals.collect::<lmchain::Result<_>>()?))
}
