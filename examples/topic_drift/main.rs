//! Does a model keep to its topic, and for how long to its prompt?
//!
//! ```text
//! cargo run --release --example topic_drift                             # three texts that come along
//! cargo run --release --example topic_drift -- --labelled FILE.tsv --column 1
//! ```
//!
//! Topics are learned from labelled documents. Everything about the chain is exact; what is
//! sampled is a text of the model, and pairs of texts from one prompt.

#[path = "../support/mod.rs"]
mod support;

mod contexts;
mod figures;
mod options;
mod report;
mod subject;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use lmchain::chain::Start;
use lmchain::drift::{DriftNull, TextDriftSettings, TrackSettings};
use lmchain::text::Token;

use figures::Figures;
use options::Options;
use subject::Subject;
use support::Watch;

/// The texts that come along.
const NAMES: [&str; 3] = ["kitchen", "harbor", "observatory"];
const VOICES: [&str; 3] = [
    include_str!("../data/kitchen.txt"),
    include_str!("../data/harbor.txt"),
    include_str!("../data/observatory.txt"),
];

fn main() -> ExitCode {
    let options = Options::parse();
    let mut watch = Watch::new();
    let told = tell(&options, &mut watch);
    watch.clear();
    support::exit_code("topic_drift", told)
}

fn tell(options: &Options, watch: &mut Watch) -> Result<(), Box<dyn Error>> {
    let subject = Subject::read(options, watch)?;
    let prompt = subject.prompt(options)?;
    if options.labelled.is_none() {
        contexts::tell()?;
    }
    let figures = Figures::new(&options.plots)?;
    report::size(&subject, options);
    report::told_apart(&subject);

    let drift = report::Drift::of(&subject, options, watch)?;
    watch.clear();
    report::topics(&subject, &drift, options)?;
    report::lumped(&subject, &drift, options);
    figures.drift(&subject, &drift)?;

    along_texts(&subject, options, &figures, watch)?;

    let settings = TrackSettings::new().steps(4 * options.steps()).seed(options.seed);
    let Subject { chain, topics, stationary, .. } = &subject;
    let track = settings.measure_watched(chain, prompt, topics, stationary, watch)?;
    watch.clear();
    report::track(&track);
    figures.track(&track)
}

/// The documents sorted by topic, and a text of the model as long as they are.
fn along_texts(
    subject: &Subject,
    options: &Options,
    figures: &Figures,
    watch: &mut Watch,
) -> Result<(), Box<dyn Error>> {
    let corpus = subject.documents.corpus();
    let given = corpus.tokens();
    let window = options.window.unwrap_or((given.len() / 8).clamp(1, 5000));
    let settings = TextDriftSettings::new(window).stride(window.div_ceil(4)).seed(options.seed);

    let lengths: Vec<usize> = corpus.documents().map(<[Token]>::len).collect();
    let drift = settings.null(DriftNull::Pieces(&lengths)).measure_watched(given, watch)?;
    watch.clear();
    report::along_the_documents(subject, &drift);
    figures.windows("topic_drift_given", "The documents, sorted by topic", &drift)?;

    let walker = subject.chain.walker()?;
    let states = walker.walk(Start::Law(&subject.stationary), options.seed)?.take(given.len());
    let sampled: Vec<Token> = states.map(|state| subject.chain.states().newest_token(state)).collect();
    let drift = settings.measure_watched(&sampled, watch)?;
    watch.clear();
    report::along_a_sample(subject, &sampled, &drift);
    figures.windows("topic_drift_sampled", "A text of the model", &drift)
}
