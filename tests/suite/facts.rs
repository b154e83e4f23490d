//! Real texts against facts counted independently in Python.
//!
//! The corpora are not part of this repository. The tests look for them in the
//! folder named by `LMCHAIN_CORPORA`, or beside the checkout, and say loudly
//! that they were skipped when they are not there.

use std::path::PathBuf;

use lmchain::chain::MarkovChain;
use lmchain::mixing::{MixingTimeSolver, SecondEigenvalueSolver};
use lmchain::operator::{SparseOperator, TransitionOperator, successors};
use lmchain::prob::Law;
use lmchain::stationary::StationarySolver;
use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer};
use serde_json::Value;

fn corpus_folder() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/corpora");
    std::env::var_os("LMCHAIN_CORPORA").map_or_else(|| PathBuf::from(beside), PathBuf::from)
}

/// The facts of one corpus and its text, or `None` if the text is not here.
fn facts_and_text(name: &str) -> Option<(Value, String)> {
    let facts: Value = serde_json::from_str(include_str!("../data/facts.json")).unwrap();
    let facts = facts[name].clone();
    let path = corpus_folder().join(facts["text"]["file"].as_str().unwrap());
    let Ok(raw) = std::fs::read_to_string(&path) else {
        // Straight to the terminal: what a test prints is hidden when it passes.
        use std::io::Write;
        let message = format!("SKIPPED the facts of {name}: no {}\n", path.display());
        std::io::stderr().write_all(message.as_bytes()).unwrap();
        return None;
    };
    let text = match facts["text"]["column"].as_u64() {
        None => raw,
        Some(column) => {
            let documents = raw.split('\n').filter(|line| !line.is_empty());
            documents.map(|line| line.split('\t').nth(column as usize).unwrap().to_owned() + "\n").collect()
        }
    };
    Some((facts, text))
}

fn read(text: &str, level: &str, ends: DocumentEnd) -> Corpus {
    let tokenizer = match level {
        "chars" => Tokenizer::characters(),
        _ => Tokenizer::whitespace().lower_case(true),
    };
    CorpusSettings::new(tokenizer).document_end(ends).read_strings([text]).unwrap()
}

#[track_caller]
fn assert_close(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{what}: {found}, not {expected}");
}

/// Everything the facts say of one chain, except its stationary law and what hangs on it.
fn check_structure(chain: &MarkovChain<SparseOperator>, facts: &Value, what: &str) {
    let classes = chain.classes();
    let largest = (0..classes.count()).map(|class| classes.members(class).len()).max().unwrap();
    let recurrent: usize = classes.recurrent().map(|class| classes.members(class).len()).sum();
    let forced = |state: &usize| successors(chain.operator(), *state).count() == 1;
    // The facts give the last window no successor; here it has itself.
    let dead_end = usize::from(facts["last_window_is_dead_end"] == true);
    for (key, found) in [
        ("states", chain.len()),
        ("transitions", chain.operator().stored_entries() - dead_end),
        ("sccs", classes.count()),
        ("largest_scc", largest),
        ("closed_classes", classes.recurrent_count()),
        ("recurrent_states", recurrent),
        ("deterministic_states", (0..chain.len()).filter(forced).count() - dead_end),
    ] {
        assert_eq!(found as u64, facts[key].as_u64().unwrap(), "{what}: {key}");
    }
    assert_eq!(classes.absorbing_states().count(), dead_end, "{what}: the last window");
    if let Some(period) = facts["period"].as_u64() {
        let class = classes.recurrent().next().unwrap();
        assert_eq!(classes.period(class) as u64, period, "{what}: period");
    }
}

fn check_top(chain: &MarkovChain<SparseOperator>, law: &Law, facts: &Value, level: &str, what: &str) {
    let separator = if level == "chars" { "" } else { " " };
    for (found, expected) in law.top(5).iter().zip(facts["stationary_top5"].as_array().unwrap()) {
        let tokens = expected[0].as_array().unwrap().iter().map(|token| token.as_str().unwrap());
        let p = expected.as_array().unwrap().last().unwrap().as_f64().unwrap();
        assert_close(found.1, p, what);
        let label = tokens.collect::<Vec<_>>().join(separator);
        // Equally probable contexts may come in another order.
        let equal = (law[chain.states().find(&label).unwrap()] - found.1).abs() < 1e-12;
        assert!(chain.states().label(found.0) == label || equal, "{what}: {label}");
    }
}

fn check_corpus(name: &str) {
    let Some((facts, text)) = facts_and_text(name) else { return };
    for level in ["chars", "words"] {
        let corpus = read(&text, level, DocumentEnd::Circular);
        assert_eq!(corpus.tokens().len() as u64, facts[level]["N"].as_u64().unwrap());
        assert_eq!(corpus.vocab().len() as u64, facts[level]["distinct"].as_u64().unwrap());
        for facts_k in facts[level]["chain_circular"].as_array().unwrap() {
            let k = facts_k["K"].as_u64().unwrap() as usize;
            let what = format!("{name}, {level}, circular, K = {k}");
            let chain = MarkovChain::observed(&corpus, k).unwrap();
            check_structure(&chain, facts_k, &what);
            let law = window_frequencies(&chain, &corpus, k);
            let mut next = vec![0.0; law.len()];
            chain.operator().push_forward(&law, &mut next);
            assert!(lmchain::prob::l1(&law, &next) < 1e-14, "{what}: counts over N are stationary");
            check_top(&chain, &law, facts_k, level, &what);
            let rate = facts_k["entropy_rate_bits"].as_f64().unwrap();
            assert_close(chain.entropy_rate(&law), rate, &what);
            check_blocks(&chain, &law, &facts[level]["block_entropy_bits_circular"], k, &what);
            check_long_run(&chain, &law, facts_k, &what);
        }
        let open = read(&text, level, DocumentEnd::Open);
        for facts_k in facts[level]["chain_noncircular"].as_array().unwrap() {
            let k = facts_k["K"].as_u64().unwrap() as usize;
            let what = format!("{name}, {level}, open, K = {k}");
            let chain = MarkovChain::observed(&open, k).unwrap();
            check_structure(&chain, facts_k, &what);
            if chain.len() <= 60_000 {
                // Entropies to 1e-9 take more than the default residual.
                let solver = StationarySolver::new().tolerance(1e-13);
                let law = solver.solve(&chain).unwrap().converged().unwrap().unique().unwrap();
                check_top(&chain, &law, facts_k, level, &what);
                assert_close(chain.entropy_rate(&law), facts_k["entropy_rate_bits"].as_f64().unwrap(), &what);
            }
        }
    }
}

/// How often each context occurs in the text, over its length: exactly the
/// stationary law of the circular text.
fn window_frequencies(chain: &MarkovChain<SparseOperator>, corpus: &Corpus, k: usize) -> Law {
    let mut counts = vec![0.0; chain.len()];
    corpus.for_each_window(k, |context, _| counts[chain.states().after_prompt(context).unwrap()] += 1.0);
    Law::normalized(counts).unwrap()
}

fn check_blocks(chain: &MarkovChain<SparseOperator>, law: &Law, facts: &Value, k: usize, what: &str) {
    for (length, bits) in chain.block_entropies(law, k + 1).unwrap().iter().enumerate().skip(1) {
        let expected = facts[length.to_string()].as_f64().unwrap();
        assert_close(*bits, expected, &format!("{what}: H({length})"));
    }
}

/// What takes iterating: the solver, the second eigenvalue, mixing.
fn check_long_run(chain: &MarkovChain<SparseOperator>, law: &Law, facts: &Value, what: &str) {
    if chain.len() > 12_000 {
        return;
    }
    let solved = chain.stationary().unwrap();
    let bound = solved.report().error_bound.unwrap_or(1e-12);
    let off = lmchain::prob::total_variation(&solved.converged().unwrap(), law);
    assert!(off <= bound, "{what}: {off} off, bound {bound}");
    if let Some(slem) = facts["second_largest_eigenvalue_modulus"].as_f64() {
        let found = SecondEigenvalueSolver::new().solve(chain, law).unwrap().converged().unwrap();
        assert_close(found.modulus(), slem, &format!("{what}: second eigenvalue"));
    }
    if let Some(curve) = facts["worst_tv_distance_t1_to_20"].as_array().filter(|_| chain.len() <= 2000) {
        let found = chain.worst_distance_curve(law, curve.len()).unwrap();
        for (found, expected) in found[1..].iter().zip(curve) {
            assert_close(*found, expected.as_f64().unwrap(), &format!("{what}: distance"));
        }
        let time = MixingTimeSolver::new().max_steps(40).solve(chain, law).unwrap();
        assert_eq!(time, facts["mixing_time_quarter"].as_u64(), "{what}: mixing time");
    }
}

#[test]
fn tiny_shakespeare_has_its_facts() {
    check_corpus("tinyshakespeare");
}

#[test]
fn sherlock_has_its_facts() {
    check_corpus("sherlock");
}

#[test]
fn inaugural_speeches_have_their_facts() {
    check_corpus("inaugural");
}

#[test]
fn mutual_information_of_the_chain_of_order_one_is_that_of_adjacent_letters() {
    let Some((facts, text)) = facts_and_text("tinyshakespeare") else { return };
    let corpus = read(&text, "chars", DocumentEnd::Circular);
    let chain = MarkovChain::observed(&corpus, 1).unwrap();
    let law = window_frequencies(&chain, &corpus, 1);
    let found = chain.mutual_information(&law, &[1]).unwrap()[0].mutual_information;
    // The fact is of the open text, which has one pair of letters less among
    // 1.1 million: the difference is at most a few times log2(N) / N.
    let expected = facts["chars"]["mutual_information_bits"]["rows"][0][1].as_f64().unwrap();
    let pairs = corpus.tokens().len() as f64;
    assert!((found - expected).abs() < 4.0 * pairs.log2() / pairs, "{found} {expected}");
}
