//! How much does a text remember, and how much do models of it that see a few characters?
//!
//! ```text
//! cargo run --release --example memory          # three voices that come along
//! cargo run --release --example memory -- TEXT  # any text in UTF-8
//! ```
//!
//! What is said of the text is estimated, and stands over the floor that shuffles of it give. What is said of
//! the models is exact: each is a whole smoothed n-gram model, all contexts and all characters.

#[path = "../support/mod.rs"]
mod support;

mod figures;
mod options;
mod report;
mod subject;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use options::Options;
use subject::{Model, Subject};
use support::Watch;

fn main() -> ExitCode {
    let options = Options::parse();
    let mut watch = Watch::new();
    let told = tell(&options, &mut watch);
    watch.clear();
    support::exit_code("memory", told)
}

fn tell(options: &Options, watch: &mut Watch) -> Result<(), Box<dyn Error>> {
    let subject = Subject::read(options, watch)?;
    watch.clear();
    report::text(&subject, options)?;

    let mut models = Vec::new();
    for context in 1..=options.context {
        models.push(Model::fit(&subject, context, options, watch)?);
    }
    watch.clear();
    report::models(&models);
    report::conditional(&models, &subject);
    report::decay(&subject, &models)?;
    figures::draw(&subject, &models, options)
}
