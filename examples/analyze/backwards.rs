//! Working backwards from the states that the options call bad.

use lmchain::chain::{Start, StateSet};
use lmchain::operator::TransitionOperator;
use lmchain::passage::{
    Enclosure, EscapeSolver, Interval, Overlap, PassageSolver, Patterns, SealingStep, TransitionPaths,
};
use lmchain::prob::Law;
use lmchain::reverse::{End, History};
use lmchain::text::Token;
use serde_json::{Value, json};

use crate::findings::{Findings, Reason, converged, number};
use crate::limits::Limits;
use crate::options::{Backwards, Options};
use crate::subject::{Chain, Source, Subject};

/// Looks the strings up that the options name, before anything is computed.
pub(crate) fn read(subject: &Subject, options: &Options) -> Result<Option<Case>, Reason> {
    let asked = &options.backwards;
    let strings = encode_all(subject, &asked.bad)?;
    let bad = set(&subject.chain, &strings, &asked.bad_state)?;
    if asked.follow.is_some() && asked.safe.is_empty() && asked.safe_state.is_empty() {
        return Err(Reason::new(
            "--follow needs --safe or --safe-state: it follows the probability of bad before safe",
        ));
    }
    let Some(bad) = bad else {
        return match asked.needs_bad() {
            Some(option) => Err(Reason::new(format!("{option} says nothing without --bad or --bad-state"))),
            None => Ok(None),
        };
    };
    let safe = set(&subject.chain, &encode_all(subject, &asked.safe)?, &asked.safe_state)?;
    let follow = asked.follow.as_deref().map(|text| encode(subject, text)).transpose()?;
    Ok(Some(Case { strings, bad, safe, follow }))
}

/// What is bad, what is safe, and a text to follow.
pub(crate) struct Case {
    strings: Vec<Vec<Token>>,
    bad: StateSet,
    safe: Option<StateSet>,
    follow: Option<Vec<Token>>,
}

/// Everything about how the bad states are reached.
pub(crate) fn describe(
    subject: &Subject,
    case: &Case,
    law: &Result<&Law, Reason>,
    options: &Options,
    findings: &mut Findings,
) {
    let (chain, asked, limits) = (&subject.chain, &options.backwards, &options.limits);
    findings.set("bad_states", case.bad.len());
    let known = law.clone();
    let price = |steps: usize| (chain.operator().stored_entries() + chain.len()) as f64 * steps as f64;
    findings.attempt("bad_share", known.clone().map(|law| case.bad.mass(law)));
    findings.attempt(
        "bad_within_horizon",
        limits
            .operations(price(asked.horizon))
            .and(known.clone())
            .and_then(|law| within(chain, case, law, asked)),
    );
    if !case.strings.is_empty() {
        findings.attempt(
            "bad_string_within_horizon",
            known.clone().and_then(|law| string(chain, case, law, asked)),
        );
    }
    let times = chain.passage_times(&case.bad).map_err(Reason::from).and_then(|times| Ok(times.converged()?));
    let mean = |law: &Law| Ok(interval(times.as_ref().map_err(Clone::clone)?.mean().mean(law)));
    findings.attempt("bad_mean_time", known.clone().and_then(mean));
    let list = |bounds: &Enclosure| limits.states(bounds.len()).map(|()| enclosure(bounds));
    let ever = converged(chain.hitting_probability(&case.bad));
    findings.attempt("bad_ever_from", ever.and_then(|bounds| list(&bounds)));
    findings.attempt(
        "bad_mean_time_from",
        times.as_ref().map_err(Clone::clone).and_then(|times| list(times.mean())),
    );
    findings.attempt(
        "bad_time_variance_from",
        times.as_ref().map_err(Clone::clone).and_then(|times| list(times.variance())),
    );
    findings.attempt("bad_escape_rate", escape(chain, case));
    findings.attempt(
        "bad_histories",
        limits
            .operations(price(asked.history))
            .and(known.clone())
            .and_then(|law| histories(chain, case, law, asked)),
    );
    if let Some(safe) = &case.safe {
        committors(chain, case, safe, law, options, findings);
    }
}

fn committors(
    chain: &Chain,
    case: &Case,
    safe: &StateSet,
    law: &Result<&Law, Reason>,
    options: &Options,
    findings: &mut Findings,
) {
    let list = |bounds: &Enclosure| options.limits.states(bounds.len()).map(|()| enclosure(bounds));
    let solver = PassageSolver::new();
    let forward = converged(chain.committor(safe, &case.bad));
    findings.attempt("committor_forward", forward.as_ref().map_err(Clone::clone).and_then(list));
    let backward = law.clone().and_then(|law| converged(solver.backward(chain, safe, &case.bad, law)));
    findings.attempt("committor_backward", backward.and_then(|bounds| list(&bounds)));
    let paths = law.clone().and_then(|law| converged(chain.transition_paths(safe, &case.bad, law)));
    findings.attempt(
        "transition_paths",
        paths.map(|paths| transition_paths(chain, &paths, options.backwards.best)),
    );
    if let Some(text) = &case.follow {
        findings
            .attempt("sealing", forward.and_then(|forward| sealing(chain, text, &forward, &options.limits)));
    }
}

/// The states that end with one of the strings, or have one of the numbers.
fn set(chain: &Chain, strings: &[Vec<Token>], states: &[usize]) -> Result<Option<StateSet>, Reason> {
    let listed = StateSet::of(chain.len(), states.iter().copied())?;
    let context = chain.states().context_length();
    if let Some(long) = strings.iter().find(|string| string.len() > context) {
        let (tokens, remedy) = (long.len(), "raise --context");
        return Err(Reason::new(format!(
            "a string of {tokens} tokens does not fit into states of {context}; {remedy}"
        )));
    }
    let short: Vec<&[Token]> = strings.iter().map(Vec::as_slice).collect();
    let all = listed.union(&StateSet::ending_with(chain.states(), &short)?);
    Ok((!all.is_empty()).then_some(all))
}

fn encode_all(subject: &Subject, strings: &[String]) -> Result<Vec<Vec<Token>>, Reason> {
    if strings.iter().any(String::is_empty) {
        return Err(Reason::new("a string that is bad or safe has no characters"));
    }
    strings.iter().map(|string| encode(subject, string)).collect()
}

/// A string as the tokens of the text, or as names that the model has for its tokens.
pub(crate) fn encode(subject: &Subject, string: &str) -> Result<Vec<Token>, Reason> {
    if let Source::Text(corpus) = &subject.source {
        return Ok(corpus.encode(string)?.tokens);
    }
    let vocab = subject.chain.states().vocab();
    let vocab = vocab.ok_or_else(|| {
        Reason::new("its tokens have no names; name states by --bad-state and --safe-state")
    })?;
    let single = vocab.names().iter().all(|name| name.chars().count() == 1);
    let pieces: Vec<String> = if single {
        string.chars().map(String::from).collect()
    } else {
        string.split_whitespace().map(String::from).collect()
    };
    let token =
        |name: &String| vocab.token(name).ok_or_else(|| Reason::new(format!("there is no token {name:?}")));
    pieces.iter().map(token).collect()
}

fn within(chain: &Chain, case: &Case, law: &Law, asked: &Backwards) -> Result<f64, Reason> {
    Ok(chain.hitting_time_law(Start::Law(law), &case.bad, asked.horizon)?.probability(0))
}

fn string(chain: &Chain, case: &Case, law: &Law, asked: &Backwards) -> Result<f64, Reason> {
    let patterns = Patterns::new(chain.states().vocabulary_size(), &case.strings)?;
    let found = chain.pattern_law(&patterns, Start::Law(law), Overlap::Fresh, asked.horizon)?;
    Ok(found.within(asked.horizon))
}

fn escape(chain: &Chain, case: &Case) -> Result<Value, Reason> {
    let good = case.bad.complement();
    Ok(interval(converged(EscapeSolver::new().solve(chain, &good))?.escape_rate()))
}

fn histories(chain: &Chain, case: &Case, law: &Law, asked: &Backwards) -> Result<Value, Reason> {
    let found = chain.histories(Start::Law(law), End::In(&case.bad), asked.history)?;
    let describe = |history: &History| {
        let tokens = history.tokens(chain.states());
        let names: Vec<String> = tokens.iter().map(|&token| chain.states().token_label(token)).collect();
        json!({"tokens": names, "states": history.states, "posterior": history.posterior})
    };
    Ok(found.most_probable(asked.best)?.iter().map(describe).collect())
}

fn transition_paths<O: TransitionOperator>(
    chain: &Chain,
    paths: &TransitionPaths<'_, O>,
    best: usize,
) -> Value {
    let label = |state: usize| chain.states().label(state);
    let road = |road: &lmchain::passage::Pathway| {
        let labels: Vec<String> = road.states.iter().map(|&state| label(state)).collect();
        let bottleneck = [label(road.bottleneck.0), label(road.bottleneck.1)];
        json!({"states": road.states, "labels": labels, "current": road.current, "bottleneck": bottleneck})
    };
    json!({
        "flux": interval(paths.flux()),
        "rate": paths.rate(),
        "mean_passage_time": paths.mean_passage_time(),
        "mean_transition_time": paths.mean_transition_time(),
        "pathways": paths.pathways(best).iter().map(road).collect::<Value>(),
    })
}

fn sealing(chain: &Chain, text: &[Token], forward: &Enclosure, limits: &Limits) -> Result<Value, Reason> {
    limits.states(text.len())?;
    let sealing = chain.sealing(text, forward)?;
    let step = |step: &SealingStep| {
        json!({
            "position": step.position,
            "token": chain.states().token_label(step.token),
            "probability": interval(step.probability),
            "log_odds_bits": interval(step.log_odds),
            "change_bits": step.change.map(interval),
        })
    };
    Ok(json!({
        "steps": sealing.steps().iter().map(step).collect::<Value>(),
        "point_of_no_return": sealing.point_of_no_return(0.5).map(|step| step.position),
    }))
}

fn enclosure(bounds: &Enclosure) -> Value {
    let list = |values: &[f64]| values.iter().map(|&value| number(value)).collect::<Value>();
    json!({"lower": list(bounds.lower()), "upper": list(bounds.upper())})
}

fn interval(bounds: Interval) -> Value {
    json!([number(bounds.lower), number(bounds.upper)])
}
