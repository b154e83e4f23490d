//! Topics learned from labelled documents, against counts made by hand and in Python.

use lmchain::Error;
use lmchain::chain::MarkovChain;
use lmchain::text::{CorpusSettings, DocumentEnd, Tokenizer};
use lmchain::topics::{
    Confusion, LabelledCorpus, Memberships, TopicClassifier, TopicClassifierSettings, TopicPrior,
};
use serde_json::Value;

use crate::common::corpora;

const DOCUMENTS: [(&str, &str); 4] = [("tide", "abab"), ("rock", "aab"), ("tide", "ba"), ("tide", "b")];

fn characters(document_end: DocumentEnd) -> CorpusSettings {
    CorpusSettings::new(Tokenizer::characters()).document_end(document_end)
}

fn known(document_end: DocumentEnd) -> LabelledCorpus {
    LabelledCorpus::read(&characters(document_end), DOCUMENTS).unwrap()
}

fn fit(settings: TopicClassifierSettings, documents: &LabelledCorpus) -> TopicClassifier {
    settings.fit(documents).unwrap()
}

/// The posterior from the likelihoods of both topics.
#[track_caller]
fn assert_posterior(found: &[f64], rock: f64, tide: f64) {
    // A dozen roundings of logarithms that are below ten.
    assert!((found[0] - rock / (rock + tide)).abs() < 1e-14, "{found:?}");
    assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-15);
}

#[test]
fn single_tokens_are_judged_by_their_counts() {
    let documents = known(DocumentEnd::Open);
    let classifier = fit(TopicClassifierSettings::new(1).pseudocount(0.5), &documents);
    assert_eq!(classifier.names(), ["rock", "tide"]);
    // Rock: 2 a, 1 b; tide: 3 a, 4 b. Two tokens can follow.
    let (rock, tide) = ([2.5 / 4.0, 1.5 / 4.0], [3.5 / 8.0, 4.5 / 8.0]);
    assert_posterior(
        &classifier.posterior(&[0, 1, 1]),
        rock[0] * rock[1] * rock[1],
        tide[0] * tide[1] * tide[1],
    );
    assert_posterior(&classifier.posterior(&[]), 1.0, 1.0);
    let frequent = fit(TopicClassifierSettings::new(1).prior(TopicPrior::Documents), &documents);
    assert_posterior(&frequent.posterior(&[]), 1.0, 3.0);
}

#[test]
fn order_two_knows_where_documents_start_and_end() {
    let documents = known(DocumentEnd::Reset);
    let classifier = fit(TopicClassifierSettings::new(2).pseudocount(0.5), &documents);
    // Three tokens can follow: a, b and the end. Rock: <s>a aa ab b</s>.
    // Tide: <s>a ab ba ab b</s>, <s>b ba a</s>, <s>b b</s>.
    let rock = (1.5 / 2.5) * (1.5 / 3.5) * (1.5 / 2.5);
    let tide = (1.5 / 4.5) * (2.5 / 4.5) * (2.5 / 5.5);
    let token = |name: &str| documents.corpus().vocab().token(name).unwrap();
    let (a, b, start) = (token("a"), token("b"), token("<s>"));
    assert_posterior(&classifier.document_posterior(&[a, b]), rock, tide);
    // A piece of text starts anywhere: its first token is judged alone, of 3 + 1 and 7 + 3 tokens.
    let rock = (2.5 / 5.5) * (1.5 / 3.5);
    let tide = (3.5 / 11.5) * (2.5 / 4.5);
    assert_posterior(&classifier.posterior(&[a, b]), rock, tide);
    // What shows the start is judged after it, and the start itself is no evidence.
    assert_posterior(&classifier.posterior(&[start, a]), 1.5 / 2.5, 1.5 / 4.5);
    assert_posterior(&classifier.posterior(&[start]), 1.0, 1.0);
}

#[test]
fn memberships_are_posteriors_of_contexts() {
    let documents = known(DocumentEnd::Reset);
    let chain = MarkovChain::observed(documents.corpus(), 2).unwrap();
    for order in 1..=4 {
        let classifier = fit(TopicClassifierSettings::new(order), &documents);
        let memberships: Memberships = classifier.memberships(chain.states()).unwrap();
        for state in 0..chain.len() {
            let tokens = chain.states().tokens(state);
            assert_eq!(memberships.of_state(state), classifier.posterior(&tokens), "order {order}");
        }
    }
    let other = characters(DocumentEnd::Reset).read_strings(["abc"]).unwrap();
    let other = MarkovChain::observed(&other, 1).unwrap();
    let classifier = fit(TopicClassifierSettings::new(1), &documents);
    let refused = classifier.memberships(other.states());
    assert!(matches!(refused, Err(Error::VocabularyMismatch { model: 4, text: 5 })));
}

#[test]
fn along_a_text_the_last_window_decides() {
    let classifier = fit(TopicClassifierSettings::new(2), &known(DocumentEnd::Open));
    let text = [0, 0, 1, 0, 1, 1];
    let along = classifier.along(&text, 3).unwrap();
    assert_eq!(along.len(), 6);
    assert_eq!(along[1], classifier.posterior(&text[..2]));
    assert_eq!(along[4], classifier.posterior(&text[2..5]));
    assert!(matches!(classifier.along(&text, 0), Err(Error::MustBePositive { what: "window" })));
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let documents = known(DocumentEnd::Open);
    let refused = |settings: TopicClassifierSettings| settings.fit(&documents).unwrap_err();
    assert!(matches!(refused(TopicClassifierSettings::new(0)), Error::MustBePositive { what: "order" }));
    let pseudocount = TopicClassifierSettings::new(1).pseudocount(0.0);
    assert!(matches!(refused(pseudocount), Error::InvalidSetting { name: "pseudocount", .. }));
    let labels = documents.labels().to_vec();
    let more = LabelledCorpus::new(documents.corpus().clone(), ["rock", "tide", "moon"], labels).unwrap();
    let refused = TopicClassifierSettings::new(1).fit(&more);
    assert!(matches!(refused, Err(Error::UnlabelledTopic { name }) if name == "moon"));
}

#[test]
fn held_out_documents_are_matched_by_the_names_of_their_topics() {
    let documents = known(DocumentEnd::Open);
    let classifier = fit(TopicClassifierSettings::new(1), &documents);
    let read = |pairs: [(&str, &str); 2]| {
        LabelledCorpus::read(&documents.corpus().held_out_settings(), pairs).unwrap()
    };
    let confusion = classifier.measure(&read([("tide", "bb"), ("tide", "aa")])).unwrap();
    assert_eq!((confusion.count(1, 1), confusion.count(1, 0)), (1, 1));
    assert_eq!((confusion.recall(1), confusion.recall(0)), (Some(0.5), None));
    let refused = classifier.measure(&read([("tide", "bb"), ("moon", "aa")]));
    assert!(matches!(refused, Err(Error::UnlabelledTopic { name }) if name == "moon"));
    let bits = |text: &[u32], topic: usize| -classifier.posterior(text)[topic].log2();
    let expected = (bits(&[1, 1], 1) + bits(&[0, 0], 1)) / 2.0;
    assert!((confusion.log_loss() - expected).abs() < 1e-14);
}

// ---- against counts in Python --------------------------------------------------------------

/// Documents 0, 2, 4... of each topic, and the others.
fn halves(documents: Vec<(String, String)>) -> [Vec<(String, String)>; 2] {
    let mut seen = std::collections::HashMap::<String, usize>::new();
    let mut halves = [Vec::new(), Vec::new()];
    for (topic, text) in documents {
        let place = seen.entry(topic.clone()).or_default();
        halves[*place % 2].push((topic, text));
        *place += 1;
    }
    halves
}

fn judged(settings: &CorpusSettings, order: usize, halves: &[Vec<(String, String)>; 2]) -> Confusion {
    let pairs = |half: usize| halves[half].iter().map(|(topic, text)| (topic.as_str(), text.as_str()));
    let known = LabelledCorpus::read(&settings.clone().unknown_token(true), pairs(0)).unwrap();
    let held_out = LabelledCorpus::read(&known.corpus().held_out_settings(), pairs(1)).unwrap();
    TopicClassifierSettings::new(order).fit(&known).unwrap().measure(&held_out).unwrap()
}

fn check_classification(name: &str) {
    let facts: Value = serde_json::from_str(include_str!("../data/facts_topics.json")).unwrap();
    let facts = &facts[name];
    let column = facts["text_column"].as_u64().unwrap() as usize;
    let Some(raw) = corpora::read(facts["file"].as_str().unwrap(), name) else { return };
    let halves = halves(corpora::labelled(&raw, column));
    let words = CorpusSettings::new(Tokenizer::whitespace().lower_case(true)).document_end(DocumentEnd::Open);
    let confusion = judged(&words, 1, &halves);
    assert_eq!(confusion.documents(), facts["test_docs"].as_u64().unwrap());
    assert_eq!(confusion.accuracy(), facts["word_unigram_add_0_1_accuracy"].as_f64().unwrap());
    for (topic, from) in confusion.names().iter().enumerate() {
        for (given, to) in confusion.names().iter().enumerate() {
            let expected = facts["confusion_word_unigram"][format!("{from} -> {to}")].as_u64().unwrap_or(0);
            assert_eq!(confusion.count(topic, given), expected, "{from} -> {to}");
        }
    }
    let confusion = judged(&characters(DocumentEnd::Reset), 4, &halves);
    assert_eq!(confusion.accuracy(), facts["char_order3_add_0_1_accuracy"].as_f64().unwrap());
}

#[test]
fn the_news_are_told_apart_as_in_python() {
    check_classification("agnews");
}

#[test]
fn the_languages_of_genesis_are_told_apart_as_in_python() {
    check_classification("genesis");
}
