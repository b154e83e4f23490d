use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use crate::error::Error;
use crate::ngram::CountSettings;
use crate::ngram::slow::places;
use crate::text::{Corpus, DocumentEnd, Token, Vocab};

fn corpus(v: usize, documents: &[Vec<Token>], end: DocumentEnd) -> Corpus {
    let names = (0..v).map(|i| i.to_string()).chain(["<s>".into(), "</s>".into()]).collect();
    Corpus::from_tokens(Vocab::new(names).unwrap(), documents, end).unwrap()
}

fn ends() -> impl Strategy<Value = DocumentEnd> {
    use DocumentEnd::{Absorbing, Circular, Open, Reset, Token};
    prop::sample::select(vec![Circular, Token, Reset, Absorbing, Open])
}

proptest! {
    #[test]
    fn counts_are_those_of_a_hash_map(
        documents in prop::collection::vec(prop::collection::vec(0..3 as Token, 1..12), 1..5),
        // That many tokens fit in 64 bits, in 128, in 256.
        (v, order) in prop::sample::select(vec![(3, 4), (5_000, 5), (5_000, 10)]),
        end in ends(),
        memory in prop::sample::select(vec![1usize, 200, 1 << 20]),
    ) {
        let corpus = corpus(v, &documents, end);
        prop_assume!(corpus.window_count(order - 1) > 0);
        let counts = CountSettings::new(order).memory(memory).count(&corpus).unwrap();
        let start = corpus.vocab().start().unwrap();
        for length in 1..=order {
            let mut slow: HashMap<Vec<Token>, u32> = HashMap::new();
            let mut before: HashMap<Vec<Token>, HashSet<Token>> = HashMap::new();
            for (previous, ngram) in places(&corpus, length) {
                *slow.entry(ngram.clone()).or_default() += 1;
                before.entry(ngram).or_default().extend(previous);
            }
            slow.remove(&vec![start]);
            for (ngram, &count) in &slow {
                prop_assert_eq!(counts.count(ngram), count);
                let after = counts.continuations(&ngram[..length - 1]).unwrap();
                prop_assert_eq!(after.count(ngram[length - 1]), count);
            }
            let all: u64 = counts.counts(length).iter().map(|&count| u64::from(count)).sum();
            prop_assert_eq!(all, slow.values().map(|&count| u64::from(count)).sum::<u64>());
            let once = slow.values().filter(|count| **count == 1).count();
            prop_assert_eq!(counts.counts_of_counts(length)[0], once as u64);

            let continuations = counts.continuation_counts(length);
            for (number, &found) in continuations.iter().enumerate() {
                let ngram = counts.trie().ngram(length, number);
                let occurrences = slow.get(&ngram).copied().unwrap_or(0);
                let raw = length == order || ngram[0] == start;
                let expected =
                    if raw || occurrences == 0 { occurrences } else { (before[&ngram].len() as u32).max(1) };
                prop_assert_eq!(found, expected, "{:?}", ngram);
            }
        }
    }
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let open = corpus(2, &[vec![0, 1], vec![0]], DocumentEnd::Open);
    let count = |order, corpus: &Corpus| CountSettings::new(order).count(corpus).map(|_| ());
    assert!(matches!(count(0, &open), Err(Error::MustBePositive { .. })));
    assert!(matches!(count(3, &open), Err(Error::TextTooShort { needed: 3 })));
    assert!(count(2, &open).is_ok());
    let circular = corpus(1, &[vec![0]], DocumentEnd::Circular);
    assert!(count(70, &circular).is_ok());
    assert!(matches!(count(200, &circular), Err(Error::ContextSpaceTooLarge { bits: 256, .. })));
    assert!(matches!(count(usize::MAX, &circular), Err(Error::ContextSpaceTooLarge { .. })));
}

#[test]
fn an_observer_can_stop_the_count() {
    let text: Vec<Token> = (0..200_000).map(|i| i % 7).collect();
    let corpus = corpus(7, &[text], DocumentEnd::Circular);
    let mut stop = |_: &crate::solve::Progress| std::ops::ControlFlow::Break(());
    let counted = CountSettings::new(3).count_watched(&corpus, &mut stop);
    assert!(matches!(counted, Err(Error::Cancelled { stage: "counting n-grams" })));
}

#[test]
fn contexts_outside_the_text_have_no_continuations() {
    let counts = CountSettings::new(2).count(&corpus(2, &[vec![0, 0]], DocumentEnd::Circular)).unwrap();
    assert!(counts.continuations(&[1]).is_none());
    assert!(counts.continuations(&[99]).is_none());
    let after = counts.continuations(&[0]).unwrap();
    assert_eq!((after.count(0), after.count(1), after.total()), (2, 0, 2));
    assert_eq!((counts.count(&[]), counts.count(&[0, 0, 0])), (0, 0));
}
