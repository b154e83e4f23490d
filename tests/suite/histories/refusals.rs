//! What cannot be answered is refused.

use lmchain::Error;
use lmchain::chain::{MarkovChain, Start, StateSet, States};
use lmchain::model::{NgramSettings, Smoothing};
use lmchain::operator::{Restart, SparseOperator};
use lmchain::prob::Law;
use lmchain::reverse::{End, Histories, HistorySettings, ResetHistorySettings};
use lmchain::text::{CorpusSettings, Token, Tokenizer};

use crate::common::language_model;

#[test]
fn what_cannot_be_answered_is_refused() {
    let chain = language_model("C12").shift();
    let bad = StateSet::of(9, [8]).unwrap();
    let refused = |start: Start<'_>, set: &StateSet, steps| {
        chain.histories(start, End::In(set), steps).map(|_: Histories<'_, _>| ()).unwrap_err()
    };
    let other = StateSet::of(8, [7]).unwrap();
    let none = StateSet::of(9, []).unwrap();
    let law = Law::uniform(8);
    assert!(matches!(refused(Start::State(0), &other, 3), Error::LengthMismatch { expected: 9, found: 8 }));
    assert!(matches!(refused(Start::State(0), &none, 3), Error::EmptySet { .. }));
    assert!(matches!(refused(Start::State(9), &bad, 3), Error::StateOutOfRange { state: 9, states: 9 }));
    assert!(matches!(refused(Start::Law(&law), &bad, 3), Error::LengthMismatch { expected: 9, found: 8 }));
    let long: &[Token] = &[0, 3];
    assert!(matches!(refused(Start::Prompt(long), &bad, 3), Error::TokenOutOfRange { token: 3, .. }));
    assert!(matches!(refused(Start::State(0), &bad, 1), Error::Impossible { .. }));
    let first = chain.histories(Start::State(8), End::FirstIn(&bad), 2);
    assert!(matches!(first, Err(Error::Impossible { .. })));
    let tight = HistorySettings::new().memory_limit(100).solve(&chain, Start::State(0), End::In(&bad), 5);
    assert!(matches!(tight, Err(Error::TooLarge { .. })));

    let found = chain.histories(Start::State(0), End::In(&bad), 40).unwrap();
    assert!(matches!(found.law_at(41), Err(Error::InvalidSetting { name: "time", .. })));
    assert!(matches!(found.most_probable(usize::MAX), Err(Error::TooLarge { .. })));
    assert!(matches!(found.sample(usize::MAX, 1), Err(Error::TooLarge { .. })));
    let mut at_once = |_: &lmchain::solve::Progress| std::ops::ControlFlow::Break(());
    assert!(matches!(found.most_probable_watched(1, &mut at_once), Err(Error::Cancelled { .. })));
    assert!(matches!(found.sample_watched(1, 1, &mut at_once), Err(Error::Cancelled { .. })));
    assert!(matches!(found.for_each_law_watched(|_, _| Ok(()), &mut at_once), Err(Error::Cancelled { .. })));

    let absorbing = SparseOperator::from_triplets(2, vec![(0, 0, 1.0), (1, 0, 1.0)]).unwrap();
    let absorbing = MarkovChain::new(absorbing, States::numbered(2));
    let law = absorbing.stationary().unwrap().converged().unwrap();
    let past = |law: &Law, set: &StateSet| absorbing.past_laws(law, set, 2).unwrap_err();
    let one = StateSet::of(2, [1]).unwrap();
    assert!(matches!(past(&law, &one), Error::Impossible { .. }));
    assert!(matches!(past(&law, &bad), Error::LengthMismatch { expected: 2, found: 9 }));
    assert!(matches!(past(&law, &StateSet::of(2, []).unwrap()), Error::EmptySet { .. }));
    assert!(matches!(past(&Law::uniform(3), &one), Error::LengthMismatch { expected: 2, found: 3 }));
    let odd = Law::point(2, 1);
    assert!(matches!(past(&odd, &one), Error::NoPast { state: 1, .. }));
}

#[test]
fn histories_without_a_reset_are_refused() {
    let chain = language_model("C12").shift();
    let (zero, bad) = (StateSet::of(9, [0]).unwrap(), StateSet::of(9, [8]).unwrap());
    let none = StateSet::of(9, []).unwrap();
    let settings = ResetHistorySettings::new;
    let refused = |settings: ResetHistorySettings, resets: &StateSet, end: &StateSet| {
        settings.solve(&chain, resets, End::In(end)).map(|_| ()).unwrap_err()
    };
    assert!(matches!(refused(settings(), &none, &bad), Error::EmptySet { what: "resets" }));
    assert!(matches!(refused(settings(), &zero, &none), Error::EmptySet { .. }));
    let other = StateSet::of(8, [0]).unwrap();
    assert!(matches!(refused(settings(), &other, &bad), Error::LengthMismatch { expected: 9, found: 8 }));
    assert!(matches!(refused(settings(), &zero, &other), Error::LengthMismatch { expected: 9, found: 8 }));
    for tolerance in [0.0, 1.0, f64::NAN] {
        let refused = refused(settings().tolerance(tolerance), &zero, &bad);
        assert!(matches!(refused, Error::InvalidSetting { name: "tolerance", .. }));
    }
    assert!(matches!(refused(settings().memory_limit(100), &zero, &bad), Error::TooLarge { .. }));
    assert!(matches!(refused(settings().max_iterations(2), &zero, &bad), Error::NotConverged { .. }));
    let cut = settings().max_iterations(30).solve(&chain, &zero, End::In(&bad)).unwrap();
    assert!(!cut.is_converged() && cut.report().error_bound.unwrap() > 1e-12);
    let mut at_once = |_: &lmchain::solve::Progress| std::ops::ControlFlow::Break(());
    let cancelled = settings().solve_watched(&chain, &zero, End::In(&bad), &mut at_once);
    assert!(matches!(cancelled, Err(Error::Cancelled { .. })));

    // 0 -> 1 -> {1, 2} and back from 2: all but 0 recur, and 1 shields 2 from 2.
    let rows = vec![(0, 1, 1.0), (1, 1, 0.5), (1, 2, 0.5), (2, 1, 1.0)];
    let chain = MarkovChain::new(SparseOperator::from_triplets(3, rows).unwrap(), States::numbered(3));
    let set = |state| StateSet::of(3, [state]).unwrap();
    let refused = |resets: usize, end: usize| {
        chain.histories_since_reset(&set(resets), End::In(&set(end))).map(|_| ()).unwrap_err()
    };
    assert!(matches!(refused(0, 1), Error::NoPast { state: 0, .. }));
    assert!(matches!(refused(1, 0), Error::Impossible { .. }));
    let apart = SparseOperator::from_triplets(2, vec![(0, 0, 1.0), (1, 1, 1.0)]).unwrap();
    let apart = MarkovChain::new(apart, States::numbered(2));
    let both = StateSet::of(2, [0, 1]).unwrap();
    let refused = apart.histories_since_reset(&both, End::In(&both));
    assert!(matches!(refused, Err(Error::SeveralRecurrentClasses { classes: 2 })));
    let cycle = SparseOperator::from_triplets(2, vec![(0, 1, 1.0), (1, 0, 1.0)]).unwrap();
    let cycle = MarkovChain::new(cycle, States::numbered(2));
    let always = cycle.with_operator(Restart::new(cycle.operator(), 1.0, Law::point(2, 0)).unwrap());
    let (zero, one) = (StateSet::of(2, [0]).unwrap(), StateSet::of(2, [1]).unwrap());
    assert!(matches!(always.histories_since_restart(End::In(&one)), Err(Error::Impossible { .. })));
    let found = always.histories_since_restart(End::In(&zero)).unwrap().converged().unwrap();
    assert_eq!((found.ln_weight(), found.age_law()[0]), (0.0, 1.0));

    let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings(["abracadabra"]).unwrap();
    let model = NgramSettings::new(2).smoothing(Smoothing::WittenBell).fit(&corpus).unwrap();
    let endless = MarkovChain::smoothed(&model).unwrap();
    let some = StateSet::of(endless.len(), [0]).unwrap();
    let refused = endless.histories_since_text_start(End::In(&some));
    assert!(matches!(refused, Err(Error::MissingToken { .. })));
}
