//! An n-gram model of a text: estimated, scored on text held out, written as ARPA and read back.
//!
//! ```text
//! cargo run --release --example ngram                                     # three voices that come along
//! cargo run --release --example ngram -- TEXT --order 5 --arpa model.arpa.gz
//! ```

#[path = "../support/mod.rs"]
mod support;

mod options;
mod report;
mod text;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use lmchain::model::{NgramModel, score_sentences};
use lmchain::ngram::{ArpaSettings, BackoffTrie};

use options::Options;
use support::{Watch, heading, say};
use text::Text;

fn main() -> ExitCode {
    support::exit_code("ngram", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut watch = Watch::new();
    let text = Text::read(options, &mut watch)?;
    let started = Instant::now();
    let model = options.settings()?.fit_watched(&text.training, &mut watch)?;
    watch.clear();
    let seconds = started.elapsed().as_secs_f64();

    report::text(&text);
    report::estimate(&model, options, seconds);
    report::prediction(&model, &text)?;
    report::backward(&model, &text, options)?;
    heading(
        "ARPA",
        "The format that n-gram tools share. The model of the lines that are not held out, written and read back.",
    );
    match &options.arpa {
        Some(path) => round_trip(&model, &text, options, path, &mut watch),
        None => {
            let folder = tempfile::tempdir()?;
            round_trip(&model, &text, options, &folder.path().join("model.arpa"), &mut watch)
        }
    }
}

/// Writes the model, reads it back, and compares the two.
fn round_trip(
    model: &NgramModel,
    text: &Text,
    options: &Options,
    path: &Path,
    watch: &mut Watch,
) -> Result<(), Box<dyn Error>> {
    let settings = ArpaSettings::new().precision(options.precision());
    watch.during("writing ARPA", || settings.write(path, model.vocab(), model.backoff()))?;
    let bytes = std::fs::metadata(path)?.len();
    let back = NgramModel::read_arpa_watched(path, watch)?;
    watch.clear();
    let place = if options.arpa.is_some() { path.display().to_string() } else { "a temporary file".into() };
    say!("   {place}: {} bytes", support::grouped(bytes));
    say!(
        "   read back: probabilities differ by at most {:.1e}, relatively",
        largest_difference(model.backoff(), back.backoff())
    );
    if let Some(held_out) = &text.held_out {
        let sentences: Vec<_> = held_out.documents().collect();
        let again = score_sentences(back.backoff(), back.vocab(), &sentences)?;
        say!("   perplexity of the text held out, from the file: {:.4}", again.perplexity());
    }
    Ok(())
}

/// The largest relative difference between the probabilities of two models with the same n-grams.
fn largest_difference(a: &BackoffTrie, b: &BackoffTrie) -> f64 {
    let differences = (1..=a.order()).flat_map(|length| {
        let pairs = a.probabilities(length).iter().zip(b.probabilities(length));
        pairs.filter(|(a, _)| **a > 0.0).map(|(a, b)| (a - b).abs() / a)
    });
    differences.fold(0.0, f64::max)
}
