//! Does a model of three voices keep to one of them?

use lmchain::chain::MarkovChain;
use lmchain::text::{CorpusSettings, Tokenizer};
use lmchain::topics::Topics;

const VOICES: [&str; 3] =
    [include_str!("data/kitchen.txt"), include_str!("data/harbor.txt"), include_str!("data/observatory.txt")];

fn main() -> lmchain::Result<()> {
    // The longer the context, the more of its topic a context knows.
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

    // A context belongs to the voice that uses it most.
    let texts: Vec<_> = ["kitchen", "harbor", "observatory"].into_iter().zip(corpus.documents()).collect();
    let topics = Topics::by_texts(chain.states(), &texts)?;
    let shares = topics.law(&law);
    println!("context of {context}: {} contexts", chain.len());

    let flow = chain.topic_flow(&topics, &law);
    for (topic, name) in topics.names().iter().enumerate() {
        let next = flow[topic].as_ref().expect("every voice is visited");
        let after = chain.retention(&topics, topic, &law, 200)?;
        let visit = chain.sojourn(&topics, topic, &law, 1000)?;
        let half_life = visit.half_life().expect("half of the visits are short");
        println!("  {name:<12} {:.3} of the time", shares[topic]);
        println!(
            "    kept with {:.3} at the next step, {:.3} after 10, {:.3} after 200",
            next[topic], after[10], after[200]
        );
        println!("    visits last {:.2} steps on average, half of them at most {half_life}", visit.mean);
        // A row of the flow is a law; a visit is left at the rate at which the topic is not kept.
        assert!((next.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((visit.mean * (1.0 - next[topic]) - 1.0).abs() < 1e-6);
        // In the long run the start is forgotten: what remains is the share.
        assert!((after[200] - shares[topic]).abs() < 0.02);
    }
    println!();
    Ok(chain.sojourn(&topics, 0, &law, 1)?.mean)
}
