//! What chain of events leads a model to a bad word?
//!
//! ```text
//! cargo run --release --example bad_state                       # "storm", in the log of a ship
//! cargo run --release --example bad_state -- TEXT --bad murder  # any text in UTF-8
//! ```
//!
//! Exact answers for the chain of everything that an n-gram model may say under
//! top-k decoding; nothing but the text that is followed at the end is sampled.

#[path = "../support/mod.rs"]
mod support;

mod options;
mod report;
mod subject;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use lmchain::passage::PassageSolver;
use lmchain::reverse::{End, HistorySettings};

use options::Options;
use subject::Subject;
use support::Watch;

/// Words of the text that is followed to the bad one.
const FOLLOWED: usize = 60;

fn main() -> ExitCode {
    let options = Options::parse();
    let mut watch = Watch::new();
    let told = tell(&options, &mut watch);
    watch.clear();
    support::exit_code("bad_state", told)
}

fn tell(options: &Options, watch: &mut Watch) -> Result<(), Box<dyn Error>> {
    let subject = Subject::read(options, watch)?;
    let Subject { chain, stationary, bad, safe, .. } = &subject;
    let start = lmchain::chain::Start::Law(stationary);
    report::size(&subject, options);

    // How likely is it at all?
    let law = watch.during("how likely it is", || chain.hitting_time_law(start, bad, options.horizon))?;
    let times = PassageSolver::new().tolerance(1e-6).times_watched(chain, bad, watch)?.converged()?;
    watch.clear();
    report::likely(&law, times.mean().mean(stationary), options);

    // By which roads does it come about?
    let histories =
        HistorySettings::new().solve_watched(chain, start, End::FirstIn(bad), options.road, watch)?;
    let roads = histories.most_probable_watched(5, watch)?;
    watch.clear();
    report::roads(&subject, &roads, options);

    // From one end of a sentence to the bad word, without another end between.
    let paths =
        watch.during("from safety to the bad word", || chain.transition_paths(safe, bad, stationary))?;
    report::passages(&subject, &paths.converged()?, options);

    // When was it sealed? A text that ends badly, drawn from the exact posterior.
    let committor = PassageSolver::new().reach_watched(chain, bad, safe, watch)?.converged()?;
    let longer = HistorySettings::new().solve_watched(chain, start, End::FirstIn(bad), FOLLOWED, watch)?;
    let sampled = longer.sample_watched(1, options.seed, watch)?;
    watch.clear();
    let tokens = subject.since_safe(&sampled[0]);
    report::sealing(&subject, &chain.sealing(&tokens, &committor)?, options)?;
    Ok(())
}
