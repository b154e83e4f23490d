//! Stationary laws, absorption, the long run.

use lmchain::prob::Law;
use lmchain::solve::Report;
use lmchain::stationary::{StationaryLaws, StationarySolver};
use serde_json::{Value, json};

use crate::findings::{Findings, Reason, converged, number};
use crate::limits::Limits;
use crate::options::Options;
use crate::subject::{Chain, Subject};

/// Everything about the long run. Returns the stationary law, or why there is not one.
pub(crate) fn describe(subject: &Subject, options: &Options, findings: &mut Findings) -> Result<Law, Reason> {
    let (chain, limits) = (&subject.chain, &options.limits);
    let most = limits.repetitions(chain.operator().stored_entries()).min(100_000);
    let outcome = StationarySolver::new().max_iterations(most).solve(chain).map_err(Reason::from);
    findings
        .attempt("report", outcome.as_ref().map(|outcome| report(outcome.report())).map_err(Clone::clone));
    let laws = outcome.and_then(|outcome| Ok(outcome.converged()?));
    let laws = laws.as_ref().map_err(Clone::clone);
    stationary(subject, &laws, limits, findings);
    absorption(chain, &laws, options, findings);
    laws.and_then(|laws| Ok(laws.clone().unique()?))
}

/// The laws: one for a model or a text if it is the only one, else a list.
fn stationary(
    subject: &Subject,
    laws: &Result<&StationaryLaws<'_>, Reason>,
    limits: &Limits,
    findings: &mut Findings,
) {
    let chain = &subject.chain;
    let unique = chain.classes().recurrent_count() == 1;
    if unique && !subject.is_matrix() {
        let law = laws.clone().and_then(|laws| Ok(laws.clone().unique()?));
        let listed = limits.states(chain.len()).and(law);
        findings.attempt("stationary", listed.map(|law| json!(*law)));
    } else {
        let name = if subject.is_matrix() { "stationary" } else { "stationary_per_class" };
        let all = |laws: &StationaryLaws<'_>| -> Value {
            laws.classes().map(|class| json!(*laws.law(class))).collect()
        };
        let listed = limits.states(chain.len());
        let listed = listed.and(limits.entries(chain.classes().recurrent_count(), chain.len()));
        findings.attempt(name, listed.and(laws.clone()).map(all));
    }
}

/// Where starts end up, and the law of the long run from there.
fn absorption(
    chain: &Chain,
    laws: &Result<&StationaryLaws<'_>, Reason>,
    options: &Options,
    findings: &mut Findings,
) {
    let limits = &options.limits;
    let weights = |start: Law| converged(chain.absorption_weights(&start));
    let from_uniform = weights(Law::uniform(chain.len()));
    let listed = limits.states(chain.classes().recurrent_count());
    findings.attempt("absorption_weights_from_uniform", listed.and(from_uniform.clone()));
    let mixture = |weights: Vec<f64>| laws.clone().map(|laws| laws.mixture(&weights));
    let listed = limits.states(chain.len());
    let long_run = || from_uniform.and_then(mixture).map(|law| json!(*law));
    findings.attempt("long_run_from_uniform", listed.clone().and_then(|()| long_run()));
    findings.attempt("absorption_probabilities", absorption_probabilities(chain, limits));
    if !options.start.is_empty() {
        let from = |&start: &usize| -> Result<Value, Reason> {
            let law = mixture(weights(Law::point(chain.len(), start))?)?;
            Ok(json!({"init": start, "value": *law}))
        };
        let all = || options.start.iter().map(from).collect::<Result<Vec<_>, _>>();
        let listed = listed.and(limits.entries(options.start.len(), chain.len()));
        findings.attempt("steady_state_from", listed.and_then(|()| all()));
    }
}

/// The weights from every transient state. Each is an elimination of its own.
fn absorption_probabilities(chain: &Chain, limits: &Limits) -> Result<Vec<Vec<f64>>, Reason> {
    let transient: Vec<usize> = chain.classes().transient_states().collect();
    limits.entries(transient.len(), chain.classes().recurrent_count())?;
    limits.operations((transient.len() as f64).powi(4) / 3.0)?;
    let weights = |&state| converged(chain.absorption_weights(&Law::point(chain.len(), state)));
    transient.iter().map(weights).collect()
}

fn report(report: &Report) -> Value {
    json!({
        "iterations": report.iterations,
        "residual": number(report.residual),
        "error_bound": report.error_bound.map(number),
        "stop": report.stop.to_string(),
    })
}
