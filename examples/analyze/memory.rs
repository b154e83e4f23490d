//! What contexts are remembered of, and which of them need not be told apart.

use lmchain::information::CausalStates;
use lmchain::operator::TransitionOperator;
use lmchain::prob::Law;

use crate::findings::{Findings, Reason};
use crate::options::Options;
use crate::subject::Subject;

/// The last time of the information of whole windows.
const WINDOW_STEPS: usize = 8;

/// Everything about memory, in bits.
pub(crate) fn describe(
    subject: &Subject,
    law: &Result<&Law, Reason>,
    options: &Options,
    findings: &mut Findings,
) {
    let (chain, limits) = (&subject.chain, &options.limits);
    let windows = law.clone().and_then(|law| {
        let steps = WINDOW_STEPS as f64;
        limits.operations(steps * chain.len() as f64 * chain.operator().stored_entries() as f64)?;
        Ok(chain.window_information(law, WINDOW_STEPS)?)
    });
    findings.attempt("window_mi_bits_t0_to_8", windows);
    let memory = law.clone().and_then(|law| Ok(chain.conditional_memory(law)?));
    findings.attempt("conditional_memory_bits_m0_to_K", memory);
    let order = law.clone().and_then(|law| Ok(chain.effective_order(law)?));
    findings.attempt("effective_markov_order", order);
    let causal = law.clone().and_then(|law| Ok(chain.causal_states(law)?));
    findings.attempt("causal_states", causal.as_ref().map(CausalStates::count).map_err(Clone::clone));
    findings.attempt("statistical_complexity_bits", causal.map(|causal| causal.statistical_complexity()));
}
