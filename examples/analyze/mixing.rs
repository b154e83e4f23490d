//! How fast the start is forgotten.

use lmchain::mixing::{MixingTimeSolver, SecondEigenvalue, SecondEigenvalueSolver};
use lmchain::prob::Law;
use serde_json::{Value, json};

use crate::findings::{Findings, Reason, converged, number};
use crate::limits::Limits;
use crate::options::Options;
use crate::subject::{Chain, Subject};

/// States up to which the mixing time takes about `N^3` multiplications a doubling.
const SQUARED: usize = 512;

/// Everything about mixing.
pub(crate) fn describe(
    subject: &Subject,
    law: &Result<&Law, Reason>,
    options: &Options,
    findings: &mut Findings,
) {
    let (chain, limits) = (&subject.chain, &options.limits);
    eigenvalue(chain, law, limits, findings);

    let price = chain.len() as f64 * chain.operator().stored_entries() as f64;
    let affordable = limits.operations(price * options.steps as f64);
    let affordable = affordable.and(limits.entries(options.steps, 1));
    let curve = |law| Ok(chain.worst_distance_curve(law, options.steps)?);
    let curve = affordable.and(law.clone()).and_then(curve);
    findings.attempt("tv_worst_start_t0", curve.map(numbers));

    let time = |threshold| law.clone().and_then(|law| mixing_time(chain, law, threshold, limits));
    let quarter = time(0.25);
    findings.attempt("tmix_quarter", quarter.clone());
    let both = quarter.and_then(|quarter| Ok(json!({"0.25": quarter, "0.01": time(0.01)?})));
    findings.attempt("mixing_time_tv", both);
}

/// The second eigenvalue and the times it stands for.
fn eigenvalue(chain: &Chain, law: &Result<&Law, Reason>, limits: &Limits, findings: &mut Findings) {
    let second = second_eigenvalue(chain, law, limits);
    findings.attempt("second_eigenvalue", second.clone().map(|second| vec![second.re, second.im]));
    // Periods and several recurrent classes are known exactly: so is the modulus 1.
    let modulus = if never_mixes(chain) { Ok(1.0) } else { second.map(|second| second.modulus()) };
    let with_modulus = modulus.clone().map(|re| SecondEigenvalue { re, im: 0.0 });
    findings.attempt("slem", modulus.clone());
    findings.attempt("spectral_gap", modulus.map(|modulus| 1.0 - modulus));
    findings.attempt("relaxation_time", with_modulus.clone().map(|second| number(second.relaxation_time())));
    findings.attempt("implied_timescale", with_modulus.map(|second| number(second.implied_timescale())));
}

fn second_eigenvalue(
    chain: &Chain,
    law: &Result<&Law, Reason>,
    limits: &Limits,
) -> Result<SecondEigenvalue, Reason> {
    if chain.classes().recurrent_count() > 1 {
        return Ok(SecondEigenvalue { re: 1.0, im: 0.0 });
    }
    let most = limits.repetitions(chain.operator().stored_entries()).min(20_000);
    converged(SecondEigenvalueSolver::new().max_iterations(most).solve(chain, law.clone()?))
}

/// Whether the distance from the worst start stays above 1/4 for ever.
fn never_mixes(chain: &Chain) -> bool {
    chain.classes().recurrent_count() > 1 || !chain.classes().is_aperiodic()
}

/// The mixing time, infinite for a periodic chain.
fn mixing_time(chain: &Chain, law: &Law, threshold: f64, limits: &Limits) -> Result<Value, Reason> {
    if never_mixes(chain) {
        return Ok(number(f64::INFINITY));
    }
    let mut solver = MixingTimeSolver::new().threshold(threshold);
    let mut option = "the solver";
    if chain.len() > SQUARED {
        let price = chain.len().saturating_mul(chain.operator().stored_entries());
        solver = solver.max_steps(limits.repetitions(price) as u64);
        option = "--max-operations";
    }
    let time = solver.solve(chain, law)?;
    let too_long = || Reason::new(format!("longer than the limit of {option} allows to look ahead"));
    time.map(Value::from).ok_or_else(too_long)
}

fn numbers(values: Vec<f64>) -> Vec<Value> {
    values.into_iter().map(number).collect()
}
