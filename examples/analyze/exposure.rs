//! The chain against a model of it: how errors pile up once the model feeds on its own output.

use lmchain::exposure::{ContributionOrder, ErrorCurve, Exposure, LiftedModel, ModelLift, Outside};
use lmchain::model::{LanguageModel, NgramSettings, Smoothing, TableModel};
use lmchain::operator::SparseOperator;
use lmchain::prob::Law;
use serde_json::{Value, json};

use crate::findings::{Findings, Reason, converged, number};
use crate::options::Options;
use crate::subject::{Chain, Source, Subject};

/// Contexts to list.
const CONTEXTS: usize = 10;

/// Why nothing is in units of the error in the contexts of the data.
const NO_EXCESS: &str = "the error is infinite in the contexts of the data, or zero in these only";

/// Everything about the model that the options name, in bits a token.
pub(crate) fn describe(
    subject: &Subject,
    law: &Result<&Law, Reason>,
    options: &Options,
    findings: &mut Findings,
) -> Result<(), Reason> {
    let chain = &subject.chain;
    let Some(lifted) = lifted(subject, options)? else {
        return Ok(());
    };
    let model = &lifted.chain;
    let model_law = converged(model.stationary());
    let exposure = law
        .clone()
        .and_then(|law| Ok(Exposure::measure(chain, law, model, model_law.as_ref().map_err(Clone::clone)?)?));
    let exposure = exposure.as_ref().map_err(Clone::clone);
    rates(&exposure, findings);
    findings.attempt("model_leak", law.clone().map(|law| lifted.mean_leak(law)));
    let curve = exposure.clone().map(|exposure| exposure.curve(options.against.rollout));
    curves(&curve, findings);
    findings.attempt("worst_contexts", exposure.map(worst));
    Ok(())
}

/// The model, over the states of the chain.
fn lifted(subject: &Subject, options: &Options) -> Result<Option<LiftedModel>, Reason> {
    let (asked, chain) = (&options.against, &subject.chain);
    if let Some(path) = &asked.against {
        let model = TableModel::read_json(path);
        let model = model.map_err(|error| Reason::from(error).within("--against, a model table"))?;
        return lift(chain, &model).map(Some);
    }
    let Some(order) = asked.against_order else {
        return Ok(None);
    };
    let Source::Text(corpus) = &subject.source else {
        return Err(Reason::new("--against-order needs a text to fit a model to"));
    };
    if order > options.context + 1 {
        return Err(Reason::new(format!("--against-order {order} needs --context {} at least", order - 1)));
    }
    let model = NgramSettings::new(order.into()).smoothing(Smoothing::WittenBell).fit(corpus)?;
    lift(chain, &model).map(Some)
}

/// Steps to contexts that the chain does not have are given to the others.
fn lift<M: LanguageModel>(chain: &Chain, model: &M) -> Result<LiftedModel, Reason> {
    Ok(ModelLift::new().outside(Outside::Renormalize).build(chain, model)?)
}

type Measured<'a> = Exposure<'a, Box<dyn lmchain::operator::TransitionOperator>, SparseOperator>;

fn rates(exposure: &Result<&Measured<'_>, Reason>, findings: &mut Findings) {
    let rates = exposure.clone().map(Exposure::rates);
    let mut note = |name, value: &dyn Fn(&lmchain::exposure::ErrorRates) -> f64| {
        findings.attempt(name, rates.as_ref().map(|rates| number(value(rates))).map_err(Clone::clone));
    };
    note("kl_rate_p_q_bits", &|rates| rates.error);
    note("kl_rate_q_p_bits", &|rates| rates.reverse_error);
    note("kl_p_q_under_model_contexts_bits", &|rates| rates.error_under_model);
    note("cross_entropy_p_q_bits", &|rates| rates.cross_entropy);
    note("entropy_rate_q_bits", &|rates| rates.entropy_rate_model);
    note("entropy_rate_drift_hq_minus_ce_bits", &|rates| rates.drift());
    note("mean_token_tv_under_data", &|rates| rates.step_distance);
    note("tv_stationary_p_q", &|rates| rates.distance);
    let none = || Reason::new(NO_EXCESS);
    findings.attempt(
        "limit_ExAccErr_percent",
        rates.and_then(|rates| rates.limit_excess().map(number).ok_or_else(none)),
    );
}

fn curves(curve: &Result<ErrorCurve, Reason>, findings: &mut Findings) {
    let numbers = |values: &[f64]| values.iter().copied().map(number).collect::<Value>();
    let curve = curve.as_ref().map_err(Clone::clone);
    findings.attempt("R_t_bits_t0", curve.clone().map(|curve| numbers(curve.error())));
    findings.attempt("tv_drift_t0", curve.clone().map(|curve| numbers(curve.distance())));
    findings
        .attempt("model_entropy_under_drift_t0_bits", curve.clone().map(|curve| numbers(curve.entropy())));
    // Of the tokens 1, 2, ... --rollout; the error after the last is of one more.
    let none = || Reason::new(NO_EXCESS);
    let relative =
        |values: Option<Vec<f64>>| values.map(|values| numbers(&values[..values.len() - 1])).ok_or_else(none);
    findings.attempt("AccErr_l1", curve.clone().and_then(|curve| relative(curve.accumulated())));
    findings.attempt("ExAccErr_percent_l1", curve.clone().and_then(|curve| relative(curve.excess())));
    findings.attempt("time_constant", curve.map(|curve| json!(curve.time_constant())));
}

/// Where the snowball starts.
fn worst(exposure: &Measured<'_>) -> Value {
    let found = exposure.contributions(ContributionOrder::Increase, CONTEXTS);
    let context = |context: &lmchain::exposure::Contribution| {
        json!({
            "context": context.label,
            "error_bits": number(context.error),
            "data_weight": context.data_weight,
            "model_weight": context.model_weight,
        })
    };
    found.contexts.iter().map(context).collect()
}
