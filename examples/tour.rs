//! What a text looks like as a Markov chain: a tour from its size to its topic drift.
//!
//! ```text
//! cargo run --release --example tour                      # three voices that come along
//! cargo run --release --example tour -- TEXT --context 4  # any text in UTF-8
//! ```

mod support;

#[path = "tour/forgetting.rs"]
mod forgetting;
#[path = "tour/samples.rs"]
mod samples;
#[path = "tour/shape.rs"]
mod shape;
#[path = "tour/text.rs"]
mod text;
#[path = "tour/topics.rs"]
mod topics;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use lmchain::chain::MarkovChain;
use lmchain::operator::SparseOperator;
use lmchain::prob::Law;
use lmchain::stationary::StationarySolver;

use support::Watch;
use text::Text;

/// A text as a Markov chain over its contexts: sizes, laws, samples, mixing, information, drift.
#[derive(Parser)]
struct Options {
    /// A text file in UTF-8; without one, three voices that come with the examples
    path: Option<PathBuf>,
    /// How many tokens the chain remembers [default: 3, with --words 1]
    #[arg(short = 'K', long)]
    context: Option<usize>,
    /// Take words as tokens instead of characters
    #[arg(long)]
    words: bool,
    /// How the text sampled backward ends; by default in the most frequent context
    #[arg(long, default_value = "")]
    ending: String,
    /// The seed of what is sampled
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What the tour looks at.
struct Subject {
    text: Text,
    chain: MarkovChain<SparseOperator>,
    stationary: Law,
}

fn main() -> ExitCode {
    support::exit_code("tour", tour(&Options::parse()))
}

fn tour(options: &Options) -> Result<(), Box<dyn Error>> {
    let context = options.context.unwrap_or(if options.words { 1 } else { 3 });
    let mut watch = Watch::new();

    let text = Text::read(options.path.as_deref(), options.words, &mut watch)?;
    let chain = MarkovChain::observed(&text.corpus, context)?;
    let outcome = StationarySolver::new().solve_watched(&chain, &mut watch)?;
    let report = *outcome.report();
    let stationary = outcome.into_value().unique()?;
    watch.clear();

    let subject = Subject { text, chain, stationary };
    let ending = samples::ending(&subject, &options.ending)?;
    shape::sizes(&subject);
    shape::held_out(&subject)?;
    shape::stationary_law(&subject, &report);
    samples::forward(&subject, options.seed)?;
    samples::backward(&subject, &ending, options.seed)?;
    samples::what_came_before(&subject, &ending)?;
    forgetting::mixing(&subject, &mut watch)?;
    forgetting::information(&subject, &mut watch)?;
    topics::drift(&subject, &mut watch)?;
    topics::along_the_text(&subject)?;
    Ok(())
}
