//! What cannot be read or waited for is refused.

use std::ops::ControlFlow;

use lmchain::Error;
use lmchain::chain::Start;
use lmchain::passage::{Overlap, PassageSolver, Patterns};
use lmchain::prob::Law;
use lmchain::solve::Progress;
use lmchain::text::{ContextSpace, Token};

use super::{patterns, shift};
use crate::common::language_model;

#[test]
fn what_cannot_be_waited_for_is_refused() {
    let chain = language_model("C12").shift();
    let good = patterns(3, &["01"]);
    let law = |patterns: &Patterns, start: Start<'_>| chain.pattern_law(patterns, start, Overlap::Prompt, 5);
    let other = patterns(4, &["01"]);
    assert!(matches!(law(&other, Start::State(0)), Err(Error::VocabularyMismatch { model: 3, text: 4 })));
    assert!(matches!(law(&good, Start::State(9)), Err(Error::StateOutOfRange { state: 9, states: 9 })));
    assert!(matches!(law(&good, Start::Prompt(&[1])), Err(Error::PromptTooShort { tokens: 1, needed: 2 })));
    // An early token that only the automaton reads.
    let early = law(&good, Start::Prompt(&[7, 0, 1]));
    assert!(matches!(early, Err(Error::TokenOutOfRange { token: 7, vocabulary_size: 3 })));
    let wrong = Law::uniform(8);
    assert!(matches!(law(&good, Start::Law(&wrong)), Err(Error::LengthMismatch { expected: 9, found: 8 })));
    let rates = chain.pattern_rates(&good, &wrong);
    assert!(matches!(rates, Err(Error::LengthMismatch { expected: 9, found: 8 })));
    let rates = chain.pattern_rates(&other, &Law::uniform(9));
    assert!(matches!(rates, Err(Error::VocabularyMismatch { .. })));
    let endless = chain.pattern_law(&good, Start::State(0), Overlap::Fresh, usize::MAX);
    assert!(matches!(endless, Err(Error::TooLarge { .. })));
    let often = chain.pattern_occurrences(&good, Start::State(0), Overlap::Fresh, 1 << 40);
    assert!(matches!(often, Err(Error::TooLarge { .. })));
    let time =
        PassageSolver::new().tolerance(0.0).waiting_time(&chain, &good, Start::State(0), Overlap::Fresh);
    assert!(matches!(time, Err(Error::InvalidSetting { name: "tolerance", .. })));
    // 10,001 nodes for each of 59,049 states: 5 GB a vector.
    let space = ContextSpace::new(3, 10).unwrap();
    let chain = shift(space, [0.25, 0.25, 0.5].repeat(space.len()));
    let long: Vec<Token> = (0..10_000).map(|i| (i % 3) as Token).collect();
    let long = Patterns::new(3, [long]).unwrap();
    assert!(matches!(chain.with_patterns(&long), Err(Error::TooLarge { .. })));
}

#[test]
fn the_observer_can_stop_the_reading() {
    let chain = language_model("C12").shift();
    let mut seen = 0;
    let mut stop = |progress: &Progress| {
        seen = progress.done;
        if progress.done < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let law = chain.pattern_law_watched(&patterns(3, &["01"]), Start::State(0), Overlap::Fresh, 9, &mut stop);
    assert!(matches!(law, Err(Error::Cancelled { .. })));
    assert_eq!(seen, 3);
}
