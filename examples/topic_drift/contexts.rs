//! The longer the context, the more of its topic it knows.

use lmchain::chain::MarkovChain;
use lmchain::text::{CorpusSettings, Tokenizer};
use lmchain::topics::Topics;

use crate::support::{count, heading, say};
use crate::{NAMES, VOICES};

/// Prints how long chains of characters stay with a voice, for contexts of several lengths.
pub(crate) fn tell() -> lmchain::Result<()> {
    heading(
        "Contexts of characters",
        "A context belongs to the voice that uses it most. How long does a chain keep to one?",
    );
    let mut visits = Vec::new();
    for context in [1, 3, 6] {
        visits.push(mean_visit(context)?);
    }
    assert!(visits.is_sorted_by(|shorter, longer| shorter < longer));
    Ok(())
}

/// Prints how a chain of this context length drifts; the mean visit to the kitchen, in steps.
fn mean_visit(context: usize) -> lmchain::Result<f64> {
    let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings(VOICES)?;
    let chain = MarkovChain::observed(&corpus, context)?;
    let law = chain.stationary()?.converged()?;
    let texts: Vec<_> = NAMES.into_iter().zip(corpus.documents()).collect();
    let topics = Topics::by_texts(chain.states(), &texts)?;
    let shares = topics.law(&law);
    let flow = chain.topic_flow(&topics, &law);
    say!("   {} of context, {}", count(context, "character"), count(chain.len(), "context"));
    for (topic, name) in topics.names().iter().enumerate() {
        let next = flow[topic].as_ref().expect("every voice is visited");
        let after = chain.retention(&topics, topic, &law, 200)?;
        let visit = chain.sojourn(&topics, topic, &law, 1000)?;
        let half_life = visit.half_life().expect("half of the visits are short");
        say!(
            "     {name:<12} visits of {:6.2} characters, half of them at most {half_life:>3}; \
             there again after 10 with {:.3}",
            visit.mean,
            after[10]
        );
        // A row of the flow is a law; a visit is left at the rate at which the topic is not kept.
        assert!((next.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((visit.mean * (1.0 - next[topic]) - 1.0).abs() < 1e-6);
        // In the long run the start is forgotten: what remains is the share.
        assert!((after[200] - shares[topic]).abs() < 0.02);
    }
    Ok(chain.sojourn(&topics, 0, &law, 1)?.mean)
}
