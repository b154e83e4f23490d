//! How sure the numbers are: what they hang on, and what so many counts leave open.

use lmchain::operator::TransitionOperator;
use lmchain::prob::Law;
use lmchain::sensitivity::{Change, CountPosteriorSettings, CredibleInterval, PosteriorSampler};
use serde_json::{Map, Value, json};

use crate::findings::{Findings, Reason, converged};
use crate::options::Options;
use crate::subject::{Source, Subject};

/// Transitions to list.
const TRANSITIONS: usize = 10;

/// Products that a solution of Poisson's equation may take.
const PRODUCTS: f64 = 1000.0;

/// Sensitivities, and intervals for a text.
pub(crate) fn describe(
    subject: &Subject,
    law: &Result<&Law, Reason>,
    options: &Options,
    findings: &mut Findings,
) {
    let (chain, limits) = (&subject.chain, &options.limits);
    let price = PRODUCTS * chain.operator().stored_entries() as f64;
    let strongest = limits.operations(price).and(law.clone()).and_then(|law| {
        let sensitivity = converged(chain.entropy_rate_sensitivity(law))?;
        let listed = sensitivity.strongest(Change::Logit, TRANSITIONS);
        let transition = |found: &lmchain::sensitivity::TransitionSensitivity| {
            json!({
                "from": chain.states().label(found.from),
                "token": chain.states().token_label(found.token),
                "probability": found.probability,
                "derivative": found.derivative,
            })
        };
        Ok(listed.iter().map(transition).collect::<Value>())
    });
    findings.attempt("entropy_rate_sensitivity", strongest);
    if let (Source::Text(_), Some(draws)) = (&subject.source, options.draws) {
        let draws = draws as usize;
        let price = (draws * 100) as f64 * chain.operator().stored_entries() as f64;
        findings.attempt(
            "credible_95",
            limits.operations(price).and_then(|()| intervals(subject, draws, options)),
        );
    }
}

/// Intervals from chains drawn from the posterior of the counts, for transitions that occur: hence
/// with the mean of the draws, beside which the estimate from the text itself may lie.
fn intervals(subject: &Subject, draws: usize, options: &Options) -> Result<Value, Reason> {
    let Source::Text(corpus) = &subject.source else {
        return Err(Reason::new("intervals need the counts of a text"));
    };
    let posterior = CountPosteriorSettings::new().concentration(0.5).fit(corpus, options.context.into())?;
    let sampler = PosteriorSampler::new().draws(draws);
    let lags = options.lags();
    // One drawing of chains answers both questions.
    let found = sampler.measure(&posterior, |chain, law| {
        let information = chain.mutual_information(law, &lags)?;
        let bits = information.iter().map(|lag| lag.mutual_information);
        Ok(std::iter::once(chain.entropy_rate(law)).chain(bits).collect())
    })?;
    let by_lag: Map<String, Value> =
        lags.iter().zip(&found[1..]).map(|(lag, found)| (lag.to_string(), ends(found))).collect();
    Ok(json!({"entropy_rate_bits": ends(&found[0]), "mi_bits_lag": by_lag}))
}

fn ends(found: &CredibleInterval) -> Value {
    json!({"lower": found.lower, "mean": found.mean, "upper": found.upper})
}
