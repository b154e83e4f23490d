//! Which prompt makes a model say a bad thing?
//!
//! ```text
//! cargo run --release --example elicit                                # " storm", in the log of a ship
//! cargo run --release --example elicit -- TEXT --suffix " the king"   # any text in UTF-8
//! ```
//!
//! An n-gram model of characters has few enough contexts to find the best
//! prefixes exactly. What is used where that is out of reach, a beam guided by a
//! reverse model and a greedy search, is held against them; and so are the
//! published ways to turn a model around by Bayes' rule.

#[path = "../support/mod.rs"]
mod support;

mod options;
mod report;
mod reversal;
mod search;
mod subject;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use lmchain::elicit::Elicitation;

use options::Options;
use reversal::Reversals;
use search::{Found, frontier};
use subject::Subject;
use support::{Plots, Watch};

fn main() -> ExitCode {
    let options = Options::parse();
    let mut watch = Watch::new();
    let told = tell(&options, &mut watch);
    watch.clear();
    support::exit_code("elicit", told)
}

fn tell(options: &Options, watch: &mut Watch) -> Result<(), Box<dyn Error>> {
    let folder = options.plots.display();
    let plots = Plots::new(&options.plots).map_err(|error| format!("{folder}: {error}"))?;
    let subject = Subject::read(options, watch)?;
    report::size(&subject);
    report::likely(&subject);

    // Which prefixes make it likely, and who finds them?
    let task = Elicitation::new(&subject.model, &subject.suffix, options.length);
    let task = task.start_law(&subject.stationary);
    let mut found = Vec::new();
    for &weight in &options.naturalness {
        found.push(Found::search(&subject, &task.naturalness(weight), weight, options, watch)?);
    }
    watch.clear();
    report::prefixes(&subject, &found, options);

    // What came before, by Bayes' rule with one belief or another?
    let reversals = watch.during("reversals by Bayes' rule", || Reversals::of(&subject))?;
    report::reversals(&subject, &reversals);

    let frontier = frontier(&task, watch)?;
    watch.clear();
    report::trade_off(&frontier, &found, options, &plots)
}
