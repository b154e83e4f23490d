//! Topics, named or found by the chain itself, and how long it stays with them.

use lmchain::chain::Start;
use lmchain::drift::OnTrack;
use lmchain::metastable::MetastableSolver;
use lmchain::operator::TransitionOperator;
use lmchain::passage::Interval;
use lmchain::prob::Law;
use lmchain::text::Token;
use lmchain::topics::{Memberships, Topics};
use serde_json::{Value, json};

use crate::backwards::encode;
use crate::findings::{Findings, Reason, converged, number};
use crate::information::keyed;
use crate::options::{Drift, Options};
use crate::subject::{Chain, Subject};

/// Steps of the curves of a topic.
const STEPS: usize = 1000;

/// Tokens that describe a topic.
const DESCRIBED: usize = 8;

/// Refuses topics of tokens, and a prompt, that the chain does not know.
pub(crate) fn check(subject: &Subject, options: &Options) -> Result<(), Reason> {
    let Drift { topic, prompt, sets } = &options.drift;
    let states = subject.chain.states();
    if let Some(sets) = sets.filter(|&sets| usize::from(sets) > subject.chain.len()) {
        return Err(Reason::new(format!("--sets {sets} is more than the {} states", subject.chain.len())));
    }
    for token in topic.iter().flat_map(|topic| &topic.tokens) {
        let vocab = states.vocab().ok_or_else(|| Reason::new("--topic: its tokens have no names"))?;
        if vocab.token(token).is_none() {
            return Err(Reason::new(format!("--topic: there is no token {token:?}")));
        }
    }
    if let Some(prompt) = prompt {
        let tokens = encode(subject, prompt).map_err(|reason| reason.within("--prompt"))?;
        states.after_prompt(&tokens).map_err(|error| Reason::from(error).within("--prompt"))?;
    }
    Ok(())
}

/// The topics that the options name, or that are to be found.
pub(crate) fn describe(
    subject: &Subject,
    law: &Result<&Law, Reason>,
    options: &Options,
    findings: &mut Findings,
) {
    let asked = &options.drift;
    if asked.topic.is_empty() && asked.sets.is_none() {
        return;
    }
    let chain = &subject.chain;
    let memberships = law.clone().and_then(|law| memberships(chain, law, options, findings));
    let topics = memberships.as_ref().map(Memberships::largest).map_err(Clone::clone);
    let both = || law.clone().and_then(|law| Ok((topics.as_ref().map_err(Clone::clone)?, law)));
    findings.attempt("topics", topics.as_ref().map(|topics| json!(topics.names())).map_err(Clone::clone));
    findings.attempt("topic_shares", both().map(|(topics, law)| topics.law(law)));
    findings.attempt("topic_flow", both().map(|(topics, law)| json!(chain.topic_flow(topics, law))));
    let described = memberships.clone().and_then(|found| tokens(chain, law.clone()?, &found));
    findings.attempt("topic_tokens", described);
    let lumped = both().and_then(|(topics, law)| Ok(chain.lumped(topics, law)?));
    findings.attempt(
        "lumpability_error",
        lumped.map(|lumped| json!({"mean": lumped.mean_error(), "largest": lumped.max_error()})),
    );
    let price =
        (STEPS * chain.operator().stored_entries()) as f64 * topics.as_ref().map_or(1, Topics::count) as f64;
    let affordable = || options.limits.operations(price).and_then(|()| both());
    findings.attempt("topic_visits", affordable().and_then(|(topics, law)| visits(chain, topics, law)));
    let deviation = affordable().and_then(|(topics, law)| {
        let (step, apart) = chain.chapman_kolmogorov(topics, law, STEPS)?.max_deviation();
        Ok(json!({"step": step, "distance": apart}))
    });
    findings.attempt("chapman_kolmogorov_deviation", deviation);
    findings.attempt(
        "topic_mi_bits_lag",
        affordable().and_then(|(topics, law)| by_lag(chain, topics, law, options)),
    );
    if let Some(prompt) = &asked.prompt {
        let track = affordable().and_then(|(topics, law)| {
            let tokens: Vec<Token> = encode(subject, prompt)?;
            let state = chain.states().after_prompt(&tokens)?;
            Ok(track(&chain.on_track(state, topics, law)?))
        });
        findings.attempt("on_track", track);
    }
}

/// The memberships of the states: by lists of tokens, or by what the chain seldom leaves.
fn memberships(
    chain: &Chain,
    law: &Law,
    options: &Options,
    findings: &mut Findings,
) -> Result<Memberships, Reason> {
    let asked = &options.drift;
    if let Some(sets) = asked.sets {
        let found = converged(MetastableSolver::new().sets(sets.into()).solve(chain, law))?;
        findings.set("metastable_crispness", found.crispness());
        return Ok(found.memberships().clone());
    }
    let words: Vec<Vec<&str>> =
        asked.topic.iter().map(|topic| topic.tokens.iter().map(String::as_str).collect()).collect();
    let names = asked.topic.iter().map(|topic| topic.name.as_str());
    let lists: Vec<(&str, &[&str])> = names.zip(words.iter().map(Vec::as_slice)).collect();
    let topics = Topics::by_words(chain.states(), &lists, "otherwise")?;
    Ok(Memberships::of_topics(&without_last_if_empty(chain, topics)?))
}

/// Leaves out the topic of what is on no list, if there is none such.
fn without_last_if_empty(chain: &Chain, topics: Topics) -> Result<Topics, Reason> {
    let last = topics.count() - 1;
    if !topics.states_of(last).is_empty() {
        return Ok(topics);
    }
    Ok(Topics::by_state(chain.states(), topics.names()[..last].to_vec(), |state| topics.of_state(state))?)
}

/// The tokens that each topic says more than the others.
fn tokens(chain: &Chain, law: &Law, memberships: &Memberships) -> Result<Value, Reason> {
    let described = chain.describe_topics(law, memberships, DESCRIBED)?;
    let labels = |tokens: &[lmchain::topics::TopicToken]| -> Vec<String> {
        tokens.iter().map(|found| chain.states().token_label(found.token)).collect()
    };
    Ok(described.iter().map(|topic| json!(labels(&topic.tokens))).collect())
}

/// How long each topic is stayed with, and returned to.
fn visits(chain: &Chain, topics: &Topics, law: &Law) -> Result<Value, Reason> {
    let visit = |topic: usize| -> Result<Value, Reason> {
        let sojourn = chain.sojourn(topics, topic, law, STEPS)?;
        let start = chain.law_in_topic(topics, topic, law)?;
        let later = chain.topic_curve(topics, Start::Law(&start), 100)?;
        Ok(json!({
            "mean_sojourn": number(sojourn.mean),
            "half_life": sojourn.half_life(),
            "half_life_between_steps": sojourn.half_life_between_steps(),
            "same_topic_after_1_10_100": [later[1][topic], later[10][topic], later[100][topic]],
        }))
    };
    (0..topics.count()).map(visit).collect()
}

fn by_lag(chain: &Chain, topics: &Topics, law: &Law, options: &Options) -> Result<Value, Reason> {
    let found = chain.topic_information(topics, law, &options.lags())?;
    Ok(keyed(&found, |found| found.mutual_information))
}

fn between(bounds: Interval) -> Value {
    json!({"lower": number(bounds.lower), "upper": number(bounds.upper)})
}

/// The four answers to how long a prompt is kept to.
fn track(track: &OnTrack) -> Value {
    json!({
        "prompt": track.prompt,
        "topic": track.topic,
        "coupled_with_stationary_by_half": track.with_stationary.half_life(),
        "information_at_most_1_bit": track.information_at_most(1.0),
        "information_at_most_5_percent": track.information_share_at_most(0.05),
        "topic_half_life": track.topic_half_life(),
        "mean_time_to_leave": track.time_to_leave.bounds().map(between),
        "tv_at_most_quarter": track.distance_at_most(0.25),
    })
}
