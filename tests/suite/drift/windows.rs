//! Windows along a text.

use lmchain::Error;
use lmchain::chain::Start;
use lmchain::drift::{DriftNull, DriftReference, TextDistance, TextDrift, TextDriftSettings, window_drift};
use lmchain::prob::Law;
use lmchain::solve::Progress;
use lmchain::text::{CorpusSettings, DocumentEnd, Token, Tokenizer};
use rayon::prelude::*;
use serde_json::Value;

use crate::common::{assert_close, corpora, language_model, numbers};

fn facts(name: &str) -> Value {
    let facts: Value = serde_json::from_str(include_str!("../../data/facts_topics.json")).unwrap();
    facts[name].clone()
}

/// Words of a corpus sorted by topic, and how many each document has.
fn sorted_words(name: &str, facts: &Value) -> Option<(Vec<Token>, Vec<usize>)> {
    let raw = corpora::read(facts["file"].as_str().unwrap(), name)?;
    let mut documents = corpora::labelled(&raw, facts["text_column"].as_u64().unwrap() as usize);
    documents.sort_by(|a, b| a.0.cmp(&b.0));
    let words = CorpusSettings::new(Tokenizer::whitespace().lower_case(true)).document_end(DocumentEnd::Open);
    let corpus = words.read_strings(documents.iter().map(|(_, text)| text)).unwrap();
    Some((corpus.tokens().to_vec(), corpus.documents().map(<[Token]>::len).collect()))
}

/// The facts of adjacent windows, and the changes that a band of shuffled documents leaves.
fn check_corpus(name: &str, divergences: &Value) {
    let facts = facts(name);
    let Some((words, documents)) = sorted_words(name, &facts) else { return };
    let drift_facts = &facts["drift"];
    assert_eq!(words.len() as u64, drift_facts["words"].as_u64().unwrap());
    let window = drift_facts["window_words"].as_u64().unwrap() as usize;
    let settings = TextDriftSettings::new(window).null(DriftNull::Pieces(&documents));
    let drift = settings.permutations(99).measure(&words).unwrap();
    for (found, expected) in drift.distances.iter().zip(numbers(divergences)) {
        assert_close(*found, expected, 1e-9, name);
    }
    let plain = window_drift(&words, window).unwrap();
    assert_eq!(plain.adjacent, drift.distances);
    let strongest = drift_facts["strongest"].as_array().unwrap();
    for (found, expected) in plain.strongest(strongest.len()).iter().zip(strongest) {
        assert_eq!(found.0 as u64, expected[1].as_u64().unwrap(), "{name}");
    }
    // Every boundary is marked, within a window of where it is, and nothing else.
    let boundaries = numbers(&drift_facts["boundaries_word_offset"]);
    assert_eq!(drift.changes.len(), boundaries.len(), "{name}: {:?}", drift.changes);
    for (change, boundary) in drift.changes.iter().zip(boundaries) {
        assert!((change.position as f64 - boundary).abs() < window as f64, "{name}: {change:?}");
        assert!(change.p_value <= 0.05);
    }
    // The band of 99 shuffled orders has the one shuffled order of the facts in it.
    assert!((drift.band.mean - drift_facts["null_mean"].as_f64().unwrap()).abs() < 0.005);
    assert!(drift.band.p_value(drift_facts["null_max"].as_f64().unwrap()) > 0.01);
}

#[test]
fn the_topics_of_the_news_change_where_they_do() {
    let divergences: Value = serde_json::from_str(include_str!("../../data/facts_drift.json")).unwrap();
    check_corpus("agnews", &divergences["jsd_adjacent_windows"]);
}

#[test]
fn the_languages_of_genesis_change_where_they_do() {
    let divergences = facts("genesis")["drift"]["jsd_adjacent_windows"].clone();
    check_corpus("genesis", &divergences);
}

#[test]
fn a_shorter_stride_finds_the_boundary_itself() {
    let facts = facts("genesis");
    let Some((words, documents)) = sorted_words("genesis", &facts) else { return };
    let settings = TextDriftSettings::new(2000).stride(250).null(DriftNull::Pieces(&documents));
    let drift = settings.permutations(39).measure(&words).unwrap();
    let boundaries = numbers(&facts["drift"]["boundaries_word_offset"]);
    assert_eq!(drift.changes.len(), boundaries.len());
    for (change, boundary) in drift.changes.iter().zip(boundaries) {
        assert!((change.position as f64 - boundary).abs() <= 250.0, "{change:?}");
    }
}

/// Ranks from 0, equal numbers sharing their mean rank.
fn ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut start = 0;
    for equal in order.chunk_by(|&a, &b| numbers[a] == numbers[b]) {
        let rank = start as f64 + (equal.len() - 1) as f64 / 2.0;
        equal.iter().for_each(|&place| ranks[place] = rank);
        start += equal.len();
    }
    ranks
}

#[test]
fn speeches_drift_apart_with_the_years_between_them() {
    let facts = facts("inaugural");
    let Some(raw) = corpora::read(facts["file"].as_str().unwrap(), "inaugural") else { return };
    let speeches = corpora::labelled(&raw, facts["text_column"].as_u64().unwrap() as usize);
    let words = CorpusSettings::new(Tokenizer::whitespace().lower_case(true)).document_end(DocumentEnd::Open);
    let corpus = words.read_strings(speeches.iter().map(|(_, text)| text)).unwrap();
    let used = facts["words_used_per_doc"].as_u64().unwrap() as usize;
    let years = speeches.iter().map(|(year, _)| year.parse::<f64>().unwrap());
    let dated: Vec<(f64, &[Token])> = years
        .zip(corpus.documents())
        .filter(|(_, words)| words.len() >= used)
        .map(|(year, words)| (year, &words[..used]))
        .collect();
    assert_eq!(dated.len() as u64, facts["docs"].as_u64().unwrap());
    let (mut gaps, mut apart) = (Vec::new(), Vec::new());
    for (later, one) in dated.iter().enumerate() {
        for other in &dated[..later] {
            gaps.push((one.0 - other.0).abs());
            apart.push(TextDistance::JensenShannon.between(one.1, other.1).unwrap());
        }
    }
    let (x, y) = (ranks(&gaps), ranks(&apart));
    let middle = (x.len() - 1) as f64 / 2.0;
    let product =
        |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - middle) * (y - middle)).sum::<f64>();
    let spearman = product(&x, &y) / (product(&x, &x) * product(&y, &y)).sqrt();
    assert_close(spearman, facts["spearman_year_gap_vs_jsd"].as_f64().unwrap(), 1e-9, "Spearman");
}

// ---- the null band ----------------------------------------------------------------------------

/// A text of the chain of case C21, by its tokens.
fn sampled(tokens: usize, seed: u64) -> Vec<Token> {
    let chain = language_model("C21").shift();
    let law = chain.stationary().unwrap().converged().unwrap();
    let walker = chain.walker().unwrap();
    let walk = walker.walk(Start::Law(&law), seed).unwrap();
    walk.take(tokens).map(|state| state as Token).collect()
}

/// A text of independent tokens.
fn independent(tokens: usize, seed: u64) -> Vec<Token> {
    let chain = language_model("C02").shift();
    let walk = chain.walker().unwrap().ensemble(Start::State(0), 1, tokens, seed).unwrap();
    walk.walks().flatten().skip(1).map(|&state| chain.states().newest_token(state as usize)).collect()
}

#[test]
fn a_text_that_does_not_drift_is_left_alone_but_for_the_level() {
    let (texts, level) = (800u64, 0.05);
    for distance in [TextDistance::JensenShannon, TextDistance::TotalVariation, TextDistance::Hellinger] {
        let alarm = |seed: u64| {
            let settings = TextDriftSettings::new(20).stride(5).null(DriftNull::Tokens).distance(distance);
            let drift = settings.permutations(39).seed(seed).measure(&independent(200, seed)).unwrap();
            !drift.changes.is_empty()
        };
        let alarms = (0..texts).into_par_iter().filter(|&seed| alarm(seed)).count() as f64;
        // Exchangeable tokens: at most the level, and not much less, as ties are rare. Six
        // standard deviations of a binomial number.
        let slack = 6.0 * (level * (1.0 - level) * texts as f64).sqrt();
        assert!(alarms <= level * texts as f64 + slack, "{distance:?}: {alarms}");
        assert!(alarms > 0.0, "{distance:?} never raises an alarm");
    }
}

#[test]
fn tokens_that_come_in_clusters_need_blocks() {
    // The topics of C21 last 20 and 10 tokens: windows of 100 differ by more than shuffled tokens do.
    let text = sampled(6000, 4);
    let measure = |null| TextDriftSettings::new(100).null(null).measure(&text).unwrap();
    let (tokens, blocks) = (measure(DriftNull::Tokens), measure(DriftNull::Blocks(50)));
    assert_eq!(tokens.distances, blocks.distances);
    let mean = tokens.distances.iter().sum::<f64>() / tokens.distances.len() as f64;
    assert!(tokens.band.upper < mean, "{} {mean}", tokens.band.upper);
    assert!(blocks.band.lower < mean && mean < blocks.band.upper);
    assert!(tokens.changes.len() > 3 && blocks.changes.is_empty(), "{:?}", blocks.changes);
}

#[test]
fn the_first_window_and_a_law_are_references_too() {
    let (one, other) = (independent(1000, 1), vec![1; 500]);
    let text = [one.clone(), other, one].concat();
    let law = Law::new(vec![0.5, 0.3, 0.2]).unwrap();
    let settings = TextDriftSettings::new(100).null(DriftNull::Blocks(10));
    let measure = |reference| settings.reference(reference).measure(&text).unwrap();
    let places = |drift: &TextDrift| drift.changes.iter().map(|change| change.position).collect::<Vec<_>>();
    let first = measure(DriftReference::First);
    assert_eq!((places(&first), first.positions[0]), (vec![1000, 1500], 100));
    let from_law = measure(DriftReference::Law(&law));
    assert_eq!((places(&from_law), from_law.positions[0]), (vec![1000, 1500], 0));
    // A window of the token 1 alone: JS of (0, 1, 0) and (.5, .3, .2).
    let expected = 0.5 * 0.7 + 0.5 * (2.0 / 1.3f64).log2() + 0.15 * (0.6 / 1.3f64).log2();
    assert_close(from_law.distances[12], expected, 1e-12, "from the law");
    assert_eq!(places(&measure(DriftReference::Before)), [1000, 1500]);
}

#[test]
fn a_text_that_is_far_from_a_law_all_the_way_is_within_its_band() {
    let (text, law) = (independent(1000, 1), Law::new(vec![0.02, 0.02, 0.96]).unwrap());
    let settings = TextDriftSettings::new(100).null(DriftNull::Tokens).reference(DriftReference::Law(&law));
    let drift = settings.measure(&text).unwrap();
    // Half of the tokens are those that the law has with 0.02.
    assert!(drift.distances.iter().all(|&distance| distance > 0.3), "{:?}", drift.distances);
    assert!(drift.changes.is_empty() && drift.band.mean > 0.3);
}

#[test]
fn a_band_has_distances_beyond_it_on_either_side_or_is_refused() {
    let (text, law) = (independent(100, 0), Law::uniform(3));
    let settings = TextDriftSettings::new(100).reference(DriftReference::Law(&law));
    // One window: half of 0.05 of 39 + 1 is one; a shorter rank would be none at all.
    let refused = settings.permutations(38).measure(&text).unwrap_err();
    assert!(matches!(refused, Error::InvalidSetting { name: "permutations", .. }), "{refused}");
    assert_eq!(settings.permutations(39).measure(&text).unwrap().band.largest.len(), 39);
    // Two windows make twice as many.
    let two = TextDriftSettings::new(50).reference(DriftReference::Law(&law));
    assert!(two.permutations(19).measure(&text).is_err() && two.permutations(20).measure(&text).is_ok());
}

#[test]
fn shuffling_is_the_same_on_any_number_of_threads() {
    let text = sampled(2000, 9);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| TextDriftSettings::new(50).stride(7).seed(3).measure(&text).unwrap())
    };
    assert_eq!(on(1), on(8));
    let other = TextDriftSettings::new(50).stride(7).seed(4).measure(&text).unwrap();
    assert_ne!(on(2).band.largest, other.band.largest);
}

#[test]
fn bad_settings_are_refused() {
    let text = independent(100, 0);
    let refused = |settings: TextDriftSettings<'_>| settings.measure(&text).unwrap_err();
    let settings = TextDriftSettings::new(10);
    assert!(matches!(refused(TextDriftSettings::new(0)), Error::MustBePositive { what: "window" }));
    assert!(matches!(refused(settings.stride(0)), Error::MustBePositive { what: "stride" }));
    assert!(matches!(refused(settings.null(DriftNull::Blocks(0))), Error::MustBePositive { .. }));
    assert!(matches!(refused(TextDriftSettings::new(51)), Error::TextTooShort { needed: 102 }));
    assert!(matches!(refused(settings.level(0.0)), Error::InvalidSetting { name: "level", .. }));
    assert!(matches!(refused(settings.permutations(18)), Error::InvalidSetting { name: "permutations", .. }));
    assert!(matches!(refused(settings.permutations(usize::MAX)), Error::TooLarge { .. }));
    let short = Law::uniform(2);
    let refused_law = refused(settings.reference(DriftReference::Law(&short)));
    assert!(matches!(refused_law, Error::TokenOutOfRange { token: 2, vocabulary_size: 2 }));
    let mut stop = |_: &Progress| std::ops::ControlFlow::Break(());
    assert!(matches!(settings.measure_watched(&text, &mut stop), Err(Error::Cancelled { .. })));
}
