//! How temperature moves a model: how fast it forgets, whether it loops, how long it stays on its topic.
//!
//! ```text
//! cargo run --release --example temperature                                  # three voices that come along
//! cargo run --release --example temperature -- TEXT --min-count 20           # any text in UTF-8
//! cargo run --release --example temperature -- --characters --order 3        # windows of two characters
//! ```
//!
//! All numbers are exact for the chain of all contexts of the model; only the sample of its
//! text is drawn. First comes a toy for which such a sweep has been published.

#[path = "../support/mod.rs"]
mod support;

mod options;
mod parity;
mod report;
mod subject;
mod sweep;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use options::Options;
use subject::Subject;
use support::Watch;

fn main() -> ExitCode {
    let options = Options::parse();
    let mut watch = Watch::new();
    let told = tell(&options, &mut watch);
    watch.clear();
    support::exit_code("temperature", told)
}

fn tell(options: &Options, watch: &mut Watch) -> Result<(), Box<dyn Error>> {
    let temperatures = options.temperatures()?;
    let plots = support::Plots::new(&options.plots)?;
    let subject = Subject::read(options, watch)?;
    watch.clear();
    let toy = parity::sweep()?;
    report::parity(&toy, &plots)?;

    report::size(&subject, options);
    let mut measured = Vec::new();
    for (done, &temperature) in temperatures.iter().enumerate() {
        sweep::progress(watch, done, temperatures.len());
        measured.push(sweep::measure(&subject, temperature)?);
    }
    watch.clear();
    report::mixing(&measured, &plots)?;
    report::loops(&subject, &measured, &plots)?;
    report::topics(&subject, &measured, &plots)?;
    report::samples(&subject, &temperatures, options)?;
    Ok(())
}
