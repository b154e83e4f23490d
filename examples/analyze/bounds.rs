//! Bounds on mixing, and what else tells how the start is forgotten.

use lmchain::mixing::{BoundKind, Divergence, MixingBound};
use lmchain::operator::TransitionOperator;
use lmchain::prob::Law;
use serde_json::{Value, json};

use crate::findings::{Findings, Reason, number};
use crate::options::Options;
use crate::subject::{Chain, Subject};

/// Everything that bounds the distance from the worst start, or sums it up.
pub(crate) fn describe(
    subject: &Subject,
    law: &Result<&Law, Reason>,
    options: &Options,
    findings: &mut Findings,
) {
    let (chain, limits) = (&subject.chain, &options.limits);
    let context = chain.states().context_length() as f64;
    let pairs = (chain.len() as f64).powi(2) * (context * chain.states().vocabulary_size() as f64 + 1.0);
    let affordable = limits.operations(pairs);
    let pair_curve = || Ok(chain.pair_distance_curve(options.steps)?);
    let price = pairs + (options.steps * chain.len()) as f64 * chain.operator().stored_entries() as f64;
    findings.attempt("dbar_t0", limits.operations(price).and_then(|()| pair_curve()));
    certificates(chain, &affordable, options, findings);
    from_worst_start(chain, law, options, findings);
    let profile = affordable.clone().and_then(|()| Ok(chain.memory_profile()?.influence()));
    findings.attempt("influence_n0_to_K", profile);

    let kemeny = law.clone().and_then(|law| {
        limits.operations((chain.len() as f64).powi(3))?;
        Ok(chain.kemeny_constant(law)?)
    });
    findings.attempt("kemeny_zero_diag", kemeny.clone().map(|kemeny| kemeny.zero_diagonal()));
    findings.attempt("kemeny_return_diag", kemeny.map(|kemeny| kemeny.return_diagonal()));
    let timescales = limits
        .operations(25.0 * (chain.len() as f64).powi(3))
        .and_then(|()| Ok(chain.implied_timescales(chain.states().context_length())?));
    let all = |times: Vec<f64>| times.into_iter().map(number).collect::<Value>();
    findings.attempt("implied_timescales", timescales.map(all));
}

/// Other measures than total variation, and what is left once the prompt is gone.
fn from_worst_start(chain: &Chain, law: &Result<&Law, Reason>, options: &Options, findings: &mut Findings) {
    let products = (options.steps * chain.len()) as f64;
    let price = products * chain.operator().stored_entries() as f64;
    let affordable = || options.limits.operations(price).and(law.clone());
    let curve = |divergence| {
        let curve = chain.worst_divergence_curve(divergence, affordable()?, options.steps)?;
        Ok(curve.into_iter().map(number).collect::<Value>())
    };
    findings.attempt("separation_worst_start_t0", curve(Divergence::Separation));
    findings.attempt("relative_entropy_worst_start_bits_t0", curve(Divergence::RelativeEntropy));
    let forgetting = affordable().and_then(|law| Ok(chain.worst_forgetting(law, options.steps)?));
    let forgetting = forgetting.as_ref().map_err(Clone::clone);
    findings.attempt("generated_worst_start_t0", forgetting.clone().map(|found| found.generated().to_vec()));
    let rate = forgetting.and_then(|found| {
        found.tail_rate().ok_or_else(|| Reason::new("the distance does not fall at a steady rate by --steps"))
    });
    findings.attempt("tail_rate", rate);
}

/// Every bound there is, by the name of its first time below 1/4.
const KINDS: [(&str, BoundKind); 6] = [
    ("dobrushin", BoundKind::Dobrushin),
    ("doeblin", BoundKind::Doeblin),
    ("house_of_cards", BoundKind::HouseOfCards),
    ("common_tokens", BoundKind::CommonTokens),
    ("token_floor", BoundKind::TokenFloor),
    ("zekri", BoundKind::Zekri),
];

/// One of the bounds.
fn bound(chain: &Chain, kind: BoundKind) -> Result<MixingBound, Reason> {
    let context = chain.states().context_length();
    Ok(match kind {
        BoundKind::Doeblin => chain.doeblin_bound(context)?,
        BoundKind::Dobrushin => chain.dobrushin_bound(context)?,
        BoundKind::Zekri => chain.zekri_bound()?,
        BoundKind::TokenFloor => chain.token_floor_bound()?,
        BoundKind::HouseOfCards => chain.house_of_cards_bound()?,
        _ => chain.common_tokens_bound()?,
    })
}

/// Certificates made of less than the whole chain.
fn certificates(chain: &Chain, affordable: &Result<(), Reason>, options: &Options, findings: &mut Findings) {
    let bounds = KINDS.map(|(_, kind)| (kind, affordable.clone().and_then(|()| bound(chain, kind))));
    let found = |kind: BoundKind| {
        let (_, bound) = bounds.iter().find(|(other, _)| *other == kind).expect("every kind is there");
        bound.as_ref().map_err(Clone::clone)
    };
    let loss = |kind| found(kind).map(|bound| bound.loss().unwrap_or(0.0));
    findings.attempt("doeblin_K_step_alpha", loss(BoundKind::Doeblin));
    let root = 1.0 / chain.states().context_length() as f64;
    findings.attempt("doeblin_token_alpha", loss(BoundKind::TokenFloor).map(|loss| loss.powf(root)));
    findings.attempt("dobrushin_K_step", loss(BoundKind::Dobrushin).map(|loss| 1.0 - loss));
    findings.attempt("zekri_epsilon_K_step_min", loss(BoundKind::Zekri).map(|loss| 0.5 * loss));
    let successes = |kind| found(kind).map(|bound| bound.successes().map(<[f64]>::to_vec));
    findings.attempt("pair_r_n", successes(BoundKind::HouseOfCards));
    findings.attempt("cff_a_n", successes(BoundKind::CommonTokens));
    let curves = [
        ("doeblin_bound_t0", BoundKind::Doeblin),
        ("zekri_bound_t0", BoundKind::Zekri),
        ("hoc_bound_pair_t0", BoundKind::HouseOfCards),
        ("hoc_bound_cff_t0", BoundKind::CommonTokens),
    ];
    for (name, kind) in curves {
        findings.attempt(name, found(kind).map(|bound| bound.curve(options.steps)));
    }
    let first = |(name, kind): (&str, BoundKind)| -> Result<(String, Value), Reason> {
        Ok((name.to_owned(), json!(found(kind)?.first_below(0.25))))
    };
    let all = KINDS.into_iter().map(first).collect::<Result<serde_json::Map<_, _>, _>>();
    findings.attempt("bound_steps_to_quarter", all);
}
