//! What came before: a small text as a chain, run backwards.

use lmchain::chain::MarkovChain;
use lmchain::operator::{TransitionOperator, successors};
use lmchain::text::{CorpusSettings, Tokenizer};

const TEXT: &str = "the cat sat on the mat and the dog sat on the cat and the cat ran";

fn main() -> lmchain::Result<()> {
    let corpus = CorpusSettings::new(Tokenizer::words()).read_strings([TEXT])?;
    let chain = MarkovChain::observed(&corpus, 1)?;
    let states = chain.states();
    let law = chain.stationary()?.converged()?;

    // The chain's question is what follows "the"; the reverse table's is what precedes it.
    let the = states.find("the")?;
    let table = chain.reverse_table(&law)?;
    let before = table.law_before(the).expect("every word of a circular text has a past");
    println!("before \"the\":");
    for (token, &p) in (0..).zip(before).filter(|(_, p)| **p > 0.0) {
        println!("  {:<4} {p:.3}", states.token_label(token));
    }
    // "on the" and "and the" stand there twice each, "ran" comes before the start.
    let share = |word| before[corpus.vocab().token(word).expect("a word of the text") as usize];
    assert!((share("on") - 2.0 / 5.0).abs() < 1e-12);
    assert!((share("and") - 2.0 / 5.0).abs() < 1e-12);
    assert!((share("ran") - 1.0 / 5.0).abs() < 1e-12);

    // The reversed chain is a chain like any other, with the same stationary law.
    let reversed = chain.reversed(&law)?;
    let backwards = reversed.stationary()?.converged()?;
    let apart = lmchain::prob::total_variation(&law, &backwards);
    println!("\nthe stationary laws of both directions are {apart:.1e} apart");
    assert!(apart < 1e-12);

    // Reversed twice, it is the chain that it was.
    let twice = reversed.reversed(&law)?;
    let mut largest: f64 = 0.0;
    for state in 0..chain.len() {
        for step in successors(chain.operator(), state) {
            let again = twice.operator().probability(state, step.state);
            largest = largest.max((step.probability - again).abs());
        }
    }
    println!("no transition is changed by more than {largest:.1e} when time is turned twice");
    assert!(largest < 1e-12);

    // A text that is known to end in "ran", written from its end.
    let ran = states.find("ran")?;
    let mut path: Vec<usize> = reversed.walk_back(ran, 7)?.take(12).collect();
    path.reverse();
    assert!(path.windows(2).all(|step| chain.operator().probability(step[0], step[1]) > 0.0));
    let words: Vec<_> = path.iter().map(|&state| states.newest_token(state)).collect();
    println!("\n... {}.", corpus.decode(&words));
    assert_eq!(path.last(), Some(&ran));
    Ok(())
}
