//! What came before.

use lmchain::operator::{TransitionOperator, successors};
use lmchain::prob::Law;
use serde_json::{Value, json};

use crate::findings::{Findings, Reason};
use crate::limits::Limits;
use crate::subject::{Chain, Subject};

/// How far two flows that are equal may be apart, relative to the larger.
const BALANCE_TOLERANCE: f64 = 1e-12;

/// The most states that detailed balance is checked for.
const BALANCE_STATES: usize = 5_000;

/// Everything about the chain run backwards.
pub(crate) fn describe(
    subject: &Subject,
    law: &Result<&Law, Reason>,
    limits: &Limits,
    findings: &mut Findings,
) {
    let chain = &subject.chain;
    findings.attempt("is_reversible", law.clone().and_then(|law| is_reversible(chain, law)));
    if subject.is_matrix() {
        let listed = limits.entries(chain.len(), chain.len()).and(law.clone());
        findings.attempt("reversed_P", listed.and_then(|law| reversed_matrix(chain, law)));
    } else {
        let listed = limits.entries(chain.len(), chain.states().vocabulary_size()).and(law.clone());
        findings.attempt("reverse_table", listed.and_then(|law| reverse_table(chain, law)));
    }
}

/// Detailed balance: as much flows from every state to every other as back.
fn is_reversible(chain: &Chain, law: &Law) -> Result<bool, Reason> {
    if chain.len() > BALANCE_STATES {
        let states = chain.len();
        return Err(Reason::new(format!("checked up to {BALANCE_STATES} states, there are {states}")));
    }
    let operator = chain.operator();
    let balanced = |from: usize| {
        successors(operator, from).all(|to| {
            let there = law[from] * to.probability;
            let back = law[to.state] * operator.probability(to.state, from);
            (there - back).abs() <= BALANCE_TOLERANCE * there.max(back)
        })
    };
    Ok((0..chain.len()).all(balanced))
}

/// The reversed matrix, `null` for a state without a past.
fn reversed_matrix(chain: &Chain, law: &Law) -> Result<Value, Reason> {
    let reversed = chain.reversed(law)?;
    let operator = reversed.operator();
    let row = |from| (0..chain.len()).map(|to| operator.probability(from, to)).collect::<Vec<_>>();
    Ok((0..chain.len()).map(|from| json!(operator.has_past(from).then(|| row(from)))).collect())
}

/// The law of the token before every context, `null` for one without a past.
fn reverse_table(chain: &Chain, law: &Law) -> Result<Value, Reason> {
    let table = chain.reverse_table(law)?;
    Ok((0..chain.len()).map(|state| json!(table.law_before(state))).collect())
}
