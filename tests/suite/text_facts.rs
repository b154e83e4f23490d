//! Cross-entropies of held-out text, against numbers computed elsewhere from the definitions.

use std::io::Write;
use std::path::PathBuf;

use lmchain::model::{NgramSettings, Smoothing, score};
use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer};
use serde_json::Value;

/// The folder of the texts, if it is there.
fn corpora() -> Option<PathBuf> {
    let folder = match std::env::var_os("LMCHAIN_CORPORA") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/corpora"),
    };
    folder.is_dir().then_some(folder)
}

/// Says so past the capture of the test's output, which hides what passes.
#[allow(clippy::explicit_write, reason = "the macros are captured, the stream is not")]
fn skip(what: &str) {
    writeln!(std::io::stderr(), "SKIPPED {what}").unwrap();
}

fn check(corpus: &Corpus, facts: &Value, name: &str) {
    assert_eq!(corpus.vocab().len() as u64, facts["vocabulary_size"].as_u64().unwrap(), "{name}");
    assert_eq!(corpus.tokens().len() as u64, facts["tokens"].as_u64().unwrap(), "{name}");
    let (training, test) = corpus.tokens().split_at(corpus.tokens().len() * 9 / 10);
    let open = |tokens| Corpus::from_tokens(corpus.vocab().clone(), [tokens], DocumentEnd::Open).unwrap();
    let (training, test) = (open(training), open(test));
    for (context_length, expected) in facts["by_context_length"].as_object().unwrap() {
        let order = context_length.parse::<usize>().unwrap() + 1;
        for (smoothing, key) in
            [(Smoothing::Additive(0.1), "additive_0_1_bits"), (Smoothing::WittenBell, "witten_bell_bits")]
        {
            let model = NgramSettings::new(order).smoothing(smoothing).fit(&training).unwrap();
            let score = score(&model, &test).unwrap();
            let expected_bits = expected[key].as_f64().unwrap();
            let place = format!("{name}, K = {context_length}, {key}");
            assert_eq!(score.tokens as u64, expected["test_symbols"].as_u64().unwrap(), "{place}");
            let found = score.bits_per_token();
            assert!((found - expected_bits).abs() < 1e-9, "{place}: {found} but {expected_bits}");
        }
    }
}

#[test]
fn cross_entropies_of_held_out_text_are_those_of_the_definitions() {
    let Some(folder) = corpora() else {
        eprintln!(
            "SKIPPED cross-entropies of held-out text: set LMCHAIN_CORPORA to the folder of the corpora"
        );
        return;
    };
    let facts: Value = serde_json::from_str(include_str!("../data/facts_cross_entropy.json")).unwrap();
    for (file, facts) in facts["corpora"].as_object().unwrap() {
        let path = folder.join(file);
        if !path.is_file() {
            skip(&format!("cross-entropies of {file}: it is not in {}", folder.display()));
            continue;
        }
        let characters = CorpusSettings::new(Tokenizer::characters()).read_files(&[&path]).unwrap();
        check(&characters, &facts["chars"], &format!("{file}, characters"));
        let fields = Tokenizer::whitespace().lower_case(true);
        let words = CorpusSettings::new(fields).read_files(&[&path]).unwrap();
        check(&words, &facts["words"], &format!("{file}, words"));
    }
}
