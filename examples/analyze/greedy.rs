//! Where the most probable steps lead.

use serde_json::{Map, Value, json};

use crate::findings::Findings;
use crate::limits::Limits;
use crate::subject::{Chain, Subject};

/// Everything about greedy steps; needs no stationary law.
pub(crate) fn describe(subject: &Subject, limits: &Limits, findings: &mut Findings) {
    let chain = &subject.chain;
    let listed = limits.states(chain.len());
    let next = || (0..chain.len()).map(|state| chain.greedy_successor(state)).collect::<Vec<_>>();
    let tokens = || next().into_iter().map(|state| chain.states().newest_token(state)).collect::<Vec<_>>();
    findings.attempt("greedy_argmax_token", listed.clone().map(|()| tokens()));
    findings.attempt("greedy_next_context", listed.clone().map(|()| next()));
    findings.attempt("greedy_cycles_to_basin", listed.map(|()| basins(chain)));
}

/// The basin of every loop, keyed by the states of the loop.
fn basins(chain: &Chain) -> Value {
    let found = chain.greedy_loops();
    let mut basins = vec![Vec::new(); found.loops().len()];
    for state in 0..chain.len() {
        basins[found.loop_of(state)].push(state);
    }
    let keyed = found.loops().iter().zip(basins).map(|(l, basin)| (format!("{:?}", l.cycle), json!(basin)));
    keyed.collect::<Map<_, _>>().into()
}
