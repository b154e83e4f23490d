//! Whether the chain stays on its topic, and whether the text does.

use std::error::Error;

use lmchain::drift::window_drift;
use lmchain::topics::Topics;

use crate::Subject;
use crate::support::{Watch, count, heading, say, sparkline};

/// Steps that a topic is followed for.
const STEPS: usize = 40;

/// Flow between the parts of the text as topics, retention and sojourn.
pub(crate) fn drift(subject: &Subject, watch: &mut Watch) -> Result<(), Box<dyn Error>> {
    let Subject { text, chain, stationary } = subject;
    heading(
        "Topic drift",
        "A context belongs to the part of the text where it is most frequent. Does the chain stay there?",
    );
    let topics = watch.during("topics", || Topics::by_texts(chain.states(), &text.parts()))?;
    let shares = topics.law(stationary);
    let flow = chain.topic_flow(&topics, stationary);

    let columns: Vec<String> = topics.names().iter().map(|name| format!("{name:>13}")).collect();
    say!("   {:<14}{:>10}   next step in {}", "topic", "share", columns.join(""));
    for (topic, name) in topics.names().iter().enumerate() {
        let Some(next) = &flow[topic] else {
            say!("   {name:<14}   never visited");
            continue;
        };
        let cells = next.iter().map(|p| format!("{:>11.1} %", 100.0 * p));
        say!("   {name:<14}{:>8.1} %   {:13}{}", 100.0 * shares[topic], "", cells.collect::<String>());
    }
    say!("\n   still (or again) in the topic after 0 to {STEPS} steps, and how long a visit lasts");
    for (topic, name) in topics.names().iter().enumerate().filter(|(topic, _)| shares[*topic] > 0.0) {
        let retention = chain.retention(&topics, topic, stationary, STEPS)?;
        let visit = chain.sojourn(&topics, topic, stationary, 20 * STEPS)?;
        let half_life = visit.half_life().map_or_else(|| "long".to_owned(), |steps| steps.to_string());
        say!("   {name:<12} {}  {:.3}", sparkline(&retention, 1.0), retention[STEPS]);
        say!(
            "   {:<12} visits last {:.2} steps on average, half of them at most {half_life}",
            "",
            visit.mean
        );
    }
    Ok(())
}

/// Divergence between one window of the text and the next.
pub(crate) fn along_the_text(subject: &Subject) -> Result<(), Box<dyn Error>> {
    let text = &subject.text;
    let tokens = text.corpus.tokens();
    let drift = window_drift(tokens, (tokens.len() / 64).max(1))?;
    let size = count(drift.window, text.unit);
    heading(
        "Drift along the text",
        &format!("Jensen-Shannon divergence between one window of {size} and the next."),
    );
    let largest = drift.adjacent.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    say!("   {}   up to {largest:.4} bits", sparkline(&drift.adjacent, largest));
    let mean = drift.adjacent.iter().sum::<f64>() / drift.adjacent.len() as f64;
    say!("   mean {mean:.4} bits; most at");
    let reach = if text.unit == "word" { 3 } else { 12 };
    for (position, bits) in drift.strongest(3) {
        let share = 100.0 * position as f64 / tokens.len() as f64;
        let before = text.label(&tokens[position.saturating_sub(reach)..position]);
        let after = text.label(&tokens[position..(position + 2 * reach).min(tokens.len())]);
        say!("   {share:>5.1} % of the text, {bits:.4} bits:  {before} | {after}");
    }
    Ok(())
}
