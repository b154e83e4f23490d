//! Communicating classes, recurrence, periods.

use lmchain::chain::Classes;
use serde_json::{Value, json};

use crate::findings::Findings;
use crate::limits::Limits;
use crate::subject::Subject;

/// Everything about classes; needs no stationary law.
pub(crate) fn describe(subject: &Subject, limits: &Limits, findings: &mut Findings) {
    let chain = &subject.chain;
    let classes = chain.classes();
    let recurrent: Vec<usize> = classes.recurrent().collect();
    let transient: Vec<usize> = classes.transient_states().collect();
    let periods: Vec<usize> = recurrent.iter().map(|&class| classes.period(class)).collect();
    let members = |some: &[usize]| listing(some.iter().map(|&class| classes.members(class)));
    let all: Vec<usize> = (0..classes.count()).collect();
    let listed = limits.states(chain.len());

    findings.set("is_irreducible", classes.is_irreducible());
    findings.set("is_aperiodic", classes.is_aperiodic());
    findings.set("is_regular", classes.is_regular());
    findings.set("unique_stationary", recurrent.len() == 1);
    findings.set("period", periods.iter().copied().fold(1, least_common_multiple));
    findings.set("communicating_class_count", classes.count());
    findings.set("recurrent_class_count", recurrent.len());
    findings.set("transient_state_count", transient.len());
    findings.set("recurrent_contexts", chain.len() - transient.len());

    let [recurrent_name, periods_name] = if subject.is_matrix() {
        ["recurrent_classes", "periods_of_recurrent_classes"]
    } else {
        ["closed_classes", "periods"]
    };
    findings.attempt("communicating_classes", listed.clone().map(|()| members(&all)));
    findings.attempt(recurrent_name, listed.clone().map(|()| members(&recurrent)));
    findings.attempt(periods_name, limits.states(recurrent.len()).map(|()| periods));
    findings.attempt("class_periods", listed.clone().map(|()| class_periods(classes)));
    findings.attempt("transient_states", limits.states(transient.len()).map(|()| transient));
    let absorbing: Vec<usize> = classes.absorbing_states().collect();
    findings.attempt("absorbing_states", limits.states(absorbing.len()).map(|()| absorbing));

    let cyclic = |class: usize| listing(classes.cyclic_classes(class, chain.operator()));
    if let [class] = recurrent[..] {
        findings.attempt("cyclic_classes", listed.map(|()| cyclic(class)));
    } else {
        // Each class is explored with a vector over all states.
        let affordable = listed.and_then(|()| limits.operations(recurrent.len() as f64 * chain.len() as f64));
        let each = || recurrent.iter().map(|&class| cyclic(class)).collect::<Vec<_>>();
        findings.attempt("cyclic_classes_per_class", affordable.map(|()| each()));
    }
}

/// Every communicating class with its period.
fn class_periods(classes: &Classes) -> Value {
    (0..classes.count()).map(|class| json!([classes.members(class), classes.period(class)])).collect()
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).saturating_mul(b)
}

/// Lists of states.
fn listing<S: AsRef<[u32]>>(sets: impl IntoIterator<Item = S>) -> Value {
    sets.into_iter().map(|states| json!(states.as_ref())).collect()
}
