//! Token by token, what KenLM's `query` says about held-out sentences.

use lmchain::model::{NgramModel, score_sentences};
use lmchain::text::Token;

use crate::common::texts;

/// What single-precision sums of logarithms allow.
const TOLERANCE: f64 = 2e-6;

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

/// Compares a sentence token by token, and returns its tokens without `</s>`.
fn check_sentence(read: &NgramModel, line: &str, place: &str) -> Vec<Token> {
    let (fields, total) = line.rsplit_once("Total: ").unwrap();
    let (total, unknown) = total.split_once(" OOV: ").unwrap();
    let reported: Vec<Reported<'_>> = fields.split('\t').filter(|f| !f.is_empty()).map(parse).collect();
    let (vocab, model) = (read.vocab(), read.backoff());
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

fn check(model: &NgramModel, report: &str, place: &str) {
    let sentences: Vec<Vec<Token>> = report
        .lines()
        .filter(|line| line.contains("Total: "))
        .map(|line| check_sentence(model, line, place))
        .collect();
    let score = score_sentences(model.backoff(), model.vocab(), &sentences).unwrap();
    assert_eq!(score.tokens, summary(report, "Tokens:") as usize, "{place}");
    assert_eq!(score.unknown, summary(report, "OOVs:") as usize, "{place}");
    for (found, label) in [
        (score.perplexity(), "Perplexity including OOVs:"),
        (score.perplexity_of_known(), "Perplexity excluding OOVs:"),
    ] {
        let expected = summary(report, label);
        assert!((found / expected - 1.0).abs() < 2e-6, "{place}: {found} but {label} {expected}");
    }
}

/// Every model of a folder that there are queries for.
fn check_folder(name: &str, expected: usize) {
    let Some(folder) = texts::folder() else { return texts::skip(&format!("KenLM's queries in {name}")) };
    let mut checked = 0;
    for entry in std::fs::read_dir(folder.join(name)).unwrap() {
        let queries = entry.unwrap().path();
        let file = queries.file_name().unwrap().to_str().unwrap();
        let Some((stem, _)) = file.split_once(".query.txt") else { continue };
        let Some(model) = texts::model(&folder, stem) else {
            texts::skip(&format!("KenLM's queries of {stem}"));
            return;
        };
        let report = texts::read(&queries.with_file_name(format!("{stem}.query.txt"))).unwrap();
        check(&model, &report, stem);
        checked += 1;
    }
    assert_eq!(checked, expected, "models checked in {name}");
}

#[test]
fn small_models_agree_with_kenlm() {
    check_folder("tinyshakespeare_first3000", 6);
}

#[test]
fn models_of_a_whole_text_agree_with_kenlm() {
    check_folder("tinyshakespeare", 6);
}
