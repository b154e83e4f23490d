//! Estimates from real texts against facts counted independently in Python.

use std::io::Write;
use std::path::PathBuf;

use lmchain::information::{PairCounts, TextInformation, block_counts};
use lmchain::prob::EntropyEstimator;
use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer};
use serde_json::Value;

/// The text of one corpus and its facts, or `None` if the text is not here: then that is said
/// past the capture of the test's output, which hides what passes.
fn facts_and_text(name: &str) -> Option<(Value, String)> {
    let facts: Value = serde_json::from_str(include_str!("../../data/facts.json")).unwrap();
    let facts = facts[name].clone();
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/corpora");
    let folder = std::env::var_os("LMCHAIN_CORPORA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let path = folder.join(facts["text"]["file"].as_str().unwrap());
    let Ok(text) = std::fs::read_to_string(&path) else {
        let message = format!("SKIPPED the estimates from {name}: no {}\n", path.display());
        std::io::stderr().write_all(message.as_bytes()).unwrap();
        return None;
    };
    Some((facts, text))
}

fn characters(text: &str, ends: DocumentEnd) -> Corpus {
    CorpusSettings::new(Tokenizer::characters()).document_end(ends).read_strings([text]).unwrap()
}

fn check(name: &str) {
    let Some((facts, text)) = facts_and_text(name) else { return };
    let open = characters(&text, DocumentEnd::Open);
    // The facts have the published form of Grassberger's estimator, with ln N.
    let estimators =
        [EntropyEstimator::PlugIn, EntropyEstimator::MillerMadow, EntropyEstimator::GrassbergerLogarithm];
    let rows = facts["chars"]["mutual_information_bits"]["rows"].as_array().unwrap();
    for row in rows {
        let lag = row[0].as_u64().unwrap() as usize;
        let pairs = PairCounts::new(&open, lag).unwrap();
        assert_eq!(pairs.total() as usize, open.tokens().len() - lag);
        for (estimator, expected) in estimators.iter().zip(&row.as_array().unwrap()[1..]) {
            let (found, expected) = (pairs.mutual_information(*estimator), expected.as_f64().unwrap());
            // Three sums of up to 2,000 terms that make ten bits.
            assert!((found - expected).abs() < 1e-10, "{name}, lag {lag}: {found}, not {expected}");
        }
    }
    let ring = characters(&text, DocumentEnd::Circular);
    for (length, expected) in facts["chars"]["block_entropy_bits_circular"].as_object().unwrap() {
        let counts = block_counts(&ring, length.parse().unwrap()).unwrap();
        let found = EntropyEstimator::PlugIn.entropy(&counts);
        assert!((found - expected.as_f64().unwrap()).abs() < 1e-9, "{name}, H({length}): {found}");
    }
}

#[test]
fn sherlock_is_estimated_as_counted() {
    check("sherlock");
}

#[test]
fn tiny_shakespeare_is_estimated_as_counted() {
    check("tinyshakespeare");
}

#[test]
fn a_novel_remembers_a_hundred_letters_and_its_shuffles_nothing() {
    let Some((_, text)) = facts_and_text("sherlock") else { return };
    let corpus = characters(&text, DocumentEnd::Open);
    let lags = [10, 30, 100];
    let measure = |estimator| {
        let settings = TextInformation::new().estimator(estimator).shuffles(9).seed(1);
        settings.measure(&corpus, &lags).unwrap()
    };
    let (plug_in, corrected) = (measure(EntropyEstimator::PlugIn), measure(EntropyEstimator::Grassberger));
    for (plug_in, corrected) in plug_in.iter().zip(&corrected) {
        assert!(plug_in.is_significant() && corrected.is_significant(), "{plug_in:?} {corrected:?}");
        // Where pairs are nearly independent, as in shuffles, they agree above their floors, whatever
        // these are; and most of the bias is corrected.
        let (one, two) = (plug_in.floor.unwrap(), corrected.floor.unwrap());
        let apart = (plug_in.above_floor() - corrected.above_floor()).abs();
        assert!(apart < 3.0 * (one.deviation + two.deviation), "{plug_in:?} {corrected:?}");
        assert!(two.mean.abs() < 0.25 * one.mean, "{one:?} {two:?}");
    }
}
