//! Token by token, what KenLM's `query` says about held-out sentences.

#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use lmchain::model::score_sentences;
use lmchain::ngram::{ArpaModel, read_arpa};
use lmchain::text::Token;

/// What single-precision sums of logarithms allow.
const TOLERANCE: f64 = 2e-6;

/// The folder of the language models, if it is there.
fn models() -> Option<PathBuf> {
    let folder = match std::env::var_os("LMCHAIN_LM") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/lm")),
    };
    folder.is_dir().then_some(folder)
}

/// Says so past the capture of the test's output, which hides what passes.
#[allow(clippy::explicit_write, reason = "the macros are captured, the stream is not")]
fn skip(what: &str) {
    writeln!(std::io::stderr(), "SKIPPED {what}").unwrap();
}

/// A token as `query` reports it.
struct Reported<'a> {
    word: &'a str,
    unknown: bool,
    matched: usize,
    log10: f64,
}

/// `word=id matched log10`
fn parse(field: &str) -> Reported<'_> {
    let mut parts = field.rsplitn(3, ' ');
    let log10 = parts.next().unwrap().parse().unwrap();
    let matched = parts.next().unwrap().parse().unwrap();
    let (word, id) = parts.next().unwrap().rsplit_once('=').unwrap();
    Reported { word, unknown: id == "0", matched, log10 }
}

/// The number after a label at the end of a report.
fn summary(report: &str, label: &str) -> f64 {
    let line = report.lines().rev().find_map(|line| line.strip_prefix(label)).unwrap();
    line.trim().parse().unwrap()
}

fn read_text(path: &Path) -> String {
    let file = std::fs::File::open(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    } else {
        std::io::BufReader::new(file).read_to_string(&mut text).unwrap();
    }
    text
}

/// Compares a sentence token by token, and returns its tokens without `</s>`.
fn check_sentence(read: &ArpaModel, line: &str, place: &str) -> Vec<Token> {
    let (fields, total) = line.rsplit_once("Total: ").unwrap();
    let (total, unknown) = total.split_once(" OOV: ").unwrap();
    let reported: Vec<Reported<'_>> = fields.split('\t').filter(|f| !f.is_empty()).map(parse).collect();
    let (vocab, model) = (&read.vocab, &read.model);
    let tokens: Vec<Token> =
        reported.iter().map(|report| vocab.token(report.word).unwrap_or(vocab.unknown().unwrap())).collect();
    let steps = model.steps(model.state_after(&[vocab.start().unwrap()]), tokens.iter().copied());
    let mut sum = 0.0;
    for ((report, step), &token) in reported.iter().zip(steps).zip(&tokens) {
        let log10 = step.probability.log10();
        sum += log10;
        let place = format!("{place}: {} in {line}", report.word);
        assert_eq!(Some(token) == vocab.unknown(), report.unknown, "{place}");
        assert_eq!(step.matched, report.matched, "{place}");
        assert!((log10 - report.log10).abs() < TOLERANCE, "{place}: {log10} but {}", report.log10);
    }
    let total: f64 = total.parse().unwrap();
    // KenLM adds up in single precision.
    assert!((sum - total).abs() < 1e-6 * total.abs().max(1.0), "{place}: {sum} but {total} for {line}");
    let unknowns = reported.iter().filter(|report| report.unknown).count();
    assert_eq!(unknowns, unknown.trim().parse::<usize>().unwrap(), "{place}");
    let (&end, sentence) = tokens.split_last().unwrap();
    assert_eq!(Some(end), vocab.end(), "{place}");
    sentence.to_vec()
}

fn check(model: &Path, queries: &Path) {
    let read = read_arpa(model).unwrap();
    let report = read_text(queries);
    let place = queries.display().to_string();
    let sentences: Vec<Vec<Token>> = report
        .lines()
        .filter(|line| line.contains("Total: "))
        .map(|line| check_sentence(&read, line, &place))
        .collect();
    let score = score_sentences(&read.model, &read.vocab, &sentences).unwrap();
    assert_eq!(score.tokens, summary(&report, "Tokens:") as usize, "{place}");
    assert_eq!(score.unknown, summary(&report, "OOVs:") as usize, "{place}");
    for (found, label) in [
        (score.perplexity(), "Perplexity including OOVs:"),
        (score.perplexity_of_known(), "Perplexity excluding OOVs:"),
    ] {
        let expected = summary(&report, label);
        assert!((found / expected - 1.0).abs() < 2e-6, "{place}: {found} but {label} {expected}");
    }
}

/// Every model of a folder that there are queries for.
fn check_folder(name: &str, at_least: usize) {
    let Some(folder) = models() else {
        skip(&format!("KenLM's queries in {name}: set LMCHAIN_LM to the folder of the language models"));
        return;
    };
    let mut checked = 0;
    for entry in std::fs::read_dir(folder.join(name)).unwrap() {
        let model = entry.unwrap().path();
        let file = model.file_name().unwrap().to_str().unwrap();
        let Some(stem) = file.strip_suffix(".arpa").or_else(|| file.strip_suffix(".arpa.gz")) else {
            continue;
        };
        let queries = ["txt", "txt.gz"].map(|kind| model.with_file_name(format!("{stem}.query.{kind}")));
        if let Some(queries) = queries.iter().find(|queries| queries.is_file()) {
            check(&model, queries);
            checked += 1;
        }
    }
    assert!(checked >= at_least, "only {checked} models were checked in {name}");
}

#[test]
fn small_models_agree_with_kenlm() {
    check_folder("tinyshakespeare_first3000", 6);
}

#[test]
fn models_of_a_whole_text_agree_with_kenlm() {
    check_folder("tinyshakespeare", 4);
}
