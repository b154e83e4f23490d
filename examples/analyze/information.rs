//! How much the chain says, and how much it remembers.

use lmchain::information::LagInformation;
use lmchain::prob::Law;
use serde_json::{Map, Value, json};

use crate::findings::{Findings, Reason};
use crate::limits::Limits;
use crate::options::Options;
use crate::subject::{Chain, Subject};

/// Entries of all joint laws of two tokens together.
const JOINT_ENTRIES: f64 = 1e8;

/// Everything about information, in bits unless the name says otherwise.
pub(crate) fn describe(
    subject: &Subject,
    law: &Result<&Law, Reason>,
    options: &Options,
    findings: &mut Findings,
) {
    let (chain, limits) = (&subject.chain, &options.limits);
    let rate = law.clone().map(|law| chain.entropy_rate(law));
    findings.attempt("entropy_rate_bits", rate.clone());
    findings.attempt("entropy_rate_nats", rate.clone().map(|bits| bits * std::f64::consts::LN_2));
    findings.attempt("perplexity", rate.map(f64::exp2));

    let tokens = limits.states(chain.states().vocabulary_size()).and(law.clone());
    findings.attempt("token_marginal", tokens.map(|law| json!(*chain.token_law(law))));

    let context_length = chain.states().context_length();
    let blocks = law.clone().and_then(|law| Ok(chain.block_entropies(law, context_length + 2)?));
    let differences = blocks.clone().map(|blocks| {
        blocks[..=context_length + 1].windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>()
    });
    findings.attempt("block_entropy_bits_L0_to_Kplus2", blocks);
    findings.attempt("h_mu_L_bits_L1_to_Kplus1", differences);
    findings.attempt("excess_entropy_bits", law.clone().and_then(|law| Ok(chain.excess_entropy(law)?)));

    let by_lag = law.clone().and_then(|law| by_lag(chain, law, &options.lags(), limits));
    let bits = |found: &LagInformation| found.mutual_information;
    findings.attempt("mi_bits_lag", by_lag.clone().map(|by_lag| keyed(&by_lag, bits)));
    findings.attempt("rational_mi_lag", by_lag.map(|by_lag| keyed(&by_lag, |found| found.rational)));
}

fn by_lag(chain: &Chain, law: &Law, lags: &[usize], limits: &Limits) -> Result<Vec<LagInformation>, Reason> {
    let v = chain.states().vocabulary_size() as f64;
    let longest = lags.last().copied().unwrap_or(0) as f64;
    limits.operations(v * longest * chain.operator().stored_entries() as f64)?;
    let entries = v * v * lags.len() as f64;
    if entries > JOINT_ENTRIES {
        return Err(Reason::new(format!("the joint laws of two tokens have {entries} entries")));
    }
    Ok(chain.mutual_information(law, lags)?)
}

/// An object with a value for every lag.
pub(crate) fn keyed(by_lag: &[LagInformation], value: impl Fn(&LagInformation) -> f64) -> Value {
    by_lag.iter().map(|found| (found.lag.to_string(), json!(value(found)))).collect::<Map<_, _>>().into()
}
