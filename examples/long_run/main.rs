//! Where a whole n-gram model goes when it runs for ever: any ARPA file, its full vocabulary, every context.
//!
//! ```text
//! cargo run --release --example long_run                              # three voices that come along
//! cargo run --release --example long_run -- model.arpa.gz --text TEXT
//! ```

#[path = "../support/mod.rs"]
mod support;

mod report;
mod subject;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use lmchain::mixing::SecondEigenvalueSolver;
use lmchain::stationary::StationarySolver;

use subject::Subject;
use support::Watch;

/// What an n-gram model does in the long run.
#[derive(Parser)]
#[command(name = "long_run")]
struct Options {
    /// A model in the ARPA format, compressed or not; without one, a model of three voices that come along
    arpa: Option<PathBuf>,
    /// A text, one sentence a line, to hold the model's long run against
    #[arg(long, requires = "arpa")]
    text: Option<PathBuf>,
    /// Keep the case of the text, for a model that knows upper case
    #[arg(long)]
    keep_case: bool,
    /// How many words to let it say
    #[arg(long, default_value_t = 120)]
    words: usize,
    /// The seed of what it says
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    support::exit_code("long_run", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut watch = Watch::new();
    let subject = match &options.arpa {
        Some(path) => Subject::read(path, options.text.as_deref(), !options.keep_case, &mut watch)?,
        None => Subject::voices()?,
    };
    watch.clear();
    report::model(&subject);

    let started = Instant::now();
    let outcome = StationarySolver::new().solve_watched(&subject.chain, &mut watch)?;
    let seconds = started.elapsed().as_secs_f64();
    watch.clear();
    let solved = *outcome.report();
    let law = outcome.into_value().unique()?;
    report::stationary(&subject, &law, &solved, seconds);
    report::frequencies(&subject, &law);
    report::entropy(&subject, &law)?;
    report::sentences(&subject, &law);

    let second = watch.during("second eigenvalue", || {
        SecondEigenvalueSolver::new().tolerance(1e-8).solve(&subject.chain, &law)
    })?;
    report::forgetting(&subject, &law, &second)?;
    report::words(&subject, options.words, options.seed)?;
    Ok(())
}
