//! What came before: a small text as a chain, run backwards.

use lmchain::chain::MarkovChain;
use lmchain::model::{NgramSettings, Smoothing, score};
use lmchain::operator::{TransitionOperator, successors};
use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer};

const VOICES: [&str; 3] =
    [include_str!("data/kitchen.txt"), include_str!("data/harbor.txt"), include_str!("data/observatory.txt")];

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
    learned()
}

/// A model learned from reversed text, beside the exact reversal of a forward model's chain.
fn learned() -> lmchain::Result<()> {
    let settings =
        CorpusSettings::new(Tokenizer::characters().lower_case(true)).document_end(DocumentEnd::Open);
    let text = settings.read_strings(VOICES)?;
    let fit = |corpus: &Corpus| {
        let settings = NgramSettings::new(3).smoothing(Smoothing::ModifiedKneserNey);
        settings.fallback_discounts([0.5, 1.0, 1.5]).fit(corpus)
    };
    let (forward, backward) = (fit(&text)?, fit(&text.reversed())?);

    println!("\ncross-entropy of the text, in bits a character, under models of order 3:");
    println!("  read forward   {:.4}", score(&forward, &text)?.bits_per_token());
    println!("  read backward  {:.4}", score(&backward, &text.reversed())?.bits_per_token());

    let chain = MarkovChain::enumerated(&forward)?;
    let law = chain.stationary()?.converged()?;
    let comparison = chain.compare_reverse(&law, &backward)?;
    println!("the forward model's own text, read backward:");
    println!("  entropy rate of the exact reversal     {:.4}", comparison.entropy_rate());
    println!("  cross-entropy of the learned reversal  {:.4}", comparison.cross_entropy());
    println!("  the difference, a relative entropy     {:.4}", comparison.divergence_rate());
    // Both directions of one process are as hard to predict.
    assert!((comparison.entropy_rate() - chain.entropy_rate(&law)).abs() < 1e-6);
    assert!(comparison.divergence_rate() > 0.0);

    let weighted = |state: usize| law[state] * comparison.divergences()[state].unwrap_or(0.0);
    let mut contexts: Vec<usize> = (0..chain.len()).collect();
    contexts.sort_by(|&a, &b| weighted(b).total_cmp(&weighted(a)));
    println!("contexts that add most to it:");
    for state in contexts.into_iter().take(5) {
        println!("  {:?} {:.5}", chain.states().label(state), weighted(state));
    }
    Ok(())
}
