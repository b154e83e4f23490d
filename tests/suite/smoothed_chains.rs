//! The chain of a whole model against the chain of all contexts, for every smoothing.

use lmchain::chain::{MarkovChain, SmoothedChain, StateSet, States};
use lmchain::model::{Discount, EndOfText, EndRule, LanguageModel, NgramModel, NgramSettings, Smoothing};
use lmchain::operator::{ShiftOperator, TransitionOperator};
use lmchain::passage::{PassageMethod, PassageSolver};
use lmchain::text::{Corpus, DocumentEnd, Token, Vocab};
use proptest::prelude::*;

/// Ordinary tokens, beside `<s>` and `</s>`.
const WORDS: Token = 3;

fn corpus(documents: &[Vec<Token>], end: DocumentEnd) -> Corpus {
    let names = ["a", "b", "c", "<s>", "</s>"].map(String::from).to_vec();
    Corpus::from_tokens(Vocab::new(names).unwrap(), documents, end).unwrap()
}

fn smoothings() -> impl Strategy<Value = Smoothing> {
    prop_oneof![
        Just(Smoothing::Additive(0.1)),
        Just(Smoothing::WittenBell),
        Just(Smoothing::AbsoluteDiscounting(Discount::Given(0.5))),
        Just(Smoothing::AbsoluteDiscounting(Discount::Estimated)),
        Just(Smoothing::KneserNey),
        Just(Smoothing::ModifiedKneserNey),
        (1..4u32).prop_map(|largest| Smoothing::Katz { largest }),
    ]
}

/// The chain of all contexts under a rule for the end of a text.
fn enumerated(model: &NgramModel, rule: &EndRule) -> MarkovChain<ShiftOperator> {
    let end = model.vocab().end().unwrap();
    let context = model.context_length();
    let rule = match rule {
        // As many `<s>` as the context has tokens.
        EndRule::Reset { start } => EndRule::Reset { start: vec![start[0]; context] },
        other => other.clone(),
    };
    MarkovChain::enumerated(&EndOfText::new(model, end, rule).unwrap()).unwrap()
}

/// The state of the whole model's chain that each context belongs to.
fn lumps(all: &MarkovChain<ShiftOperator>, lumped: &MarkovChain<impl TransitionOperator>) -> Vec<usize> {
    (0..all.len())
        .map(|context| lumped.states().after_prompt(&all.states().tokens(context)).unwrap())
        .collect()
}

fn lump(law: &[f64], lumps: &[usize], states: usize) -> Vec<f64> {
    let mut lumped = vec![0.0; states];
    law.iter().zip(lumps).for_each(|(p, &state)| lumped[state] += p);
    lumped
}

#[track_caller]
fn assert_relatively_close(found: &[f64], expected: &[f64], tolerance: f64) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} but {expected}");
    }
}

fn check(model: &NgramModel, rule: &EndRule, law: &[f64]) {
    let lumped = SmoothedChain::new().end_rule(rule.clone()).build(model).unwrap();
    let all = enumerated(model, rule);
    let lumps = lumps(&all, &lumped);
    // A law, pushed and lumped in either order.
    let law: Vec<f64> = (0..all.len()).map(|context| law[context % law.len()]).collect();
    let (mut pushed, mut next) = (vec![0.0; all.len()], vec![0.0; lumped.len()]);
    let mut law = law;
    for _ in 0..3 {
        all.operator().push_forward(&law, &mut pushed);
        lumped.operator().push_forward(&lump(&law, &lumps, lumped.len()), &mut next);
        // Both are right to their longest sums; the laws of the table add up K of them.
        let eps = (lumped.operator().longest_sum() + all.operator().longest_sum() + all.len()) as f64;
        assert_relatively_close(&next, &lump(&pushed, &lumps, lumped.len()), eps * f64::EPSILON);
        std::mem::swap(&mut law, &mut pushed);
    }
    // The largest terms instead of the sums, as the transitions one by one say.
    let weights = lump(&law, &lumps, lumped.len());
    lumped.operator().push_largest(&weights, &mut next);
    let largest: Vec<f64> = (0..lumped.len())
        .map(|to| {
            (0..lumped.len())
                .map(|from| weights[from] * lumped.operator().probability(from, to))
                .fold(0.0, f64::max)
        })
        .collect();
    // A term is a product of a weight, a probability and up to three back-off weights.
    assert_relatively_close(&next, &largest, 10.0 * f64::EPSILON);
    // The classes of the one are the lumped classes of the other.
    assert_eq!(lumped.classes().recurrent_count(), all.classes().recurrent_count());
    if lumped.classes().recurrent_count() == 1 {
        let [mine, theirs] = [
            lumped.stationary().unwrap().converged().unwrap().to_vec(),
            lump(&all.stationary().unwrap().converged().unwrap(), &lumps, lumped.len()),
        ];
        // Small chains are eliminated, which is right in every component.
        assert_relatively_close(&mine, &theirs, 1e-11);
    }
}

#[test]
fn committors_and_times_of_a_whole_model_are_those_of_all_contexts() {
    let documents = [vec![0, 1, 2, 0, 1], vec![2, 2, 1], vec![0, 0, 1, 2, 1, 1], vec![1, 0, 2]];
    for (end, rule) in [
        (DocumentEnd::Reset, EndRule::Reset { start: vec![3] }),
        (DocumentEnd::Token, EndRule::Token),
        (DocumentEnd::Absorbing, EndRule::Absorbing),
    ] {
        let corpus = corpus(&documents, end);
        let settings = NgramSettings::new(3).smoothing(Smoothing::ModifiedKneserNey);
        let model = settings.fallback_discounts([0.5, 1.0, 1.5]).fit(&corpus).unwrap();
        let lumped = SmoothedChain::new().end_rule(rule.clone()).build(&model).unwrap();
        let all = enumerated(&model, &rule);
        let lumps = lumps(&all, &lumped);
        // Whether the newest token is "a", or "b", is known in every state.
        let newest =
            |states: &States, token| StateSet::by_state(states.len(), |s| states.newest_token(s) == token);
        for method in [PassageMethod::Iteration, PassageMethod::Elimination] {
            let solver = PassageSolver::new().method(method).tolerance(1e-9);
            let reach = |a, b| {
                let found = solver.reach(&lumped, &newest(lumped.states(), b), &newest(lumped.states(), a));
                let expected = solver.reach(&all, &newest(all.states(), b), &newest(all.states(), a));
                (found.unwrap().converged().unwrap(), expected.unwrap().converged().unwrap())
            };
            let (found, expected) = reach(0, 1);
            for (context, &state) in lumps.iter().enumerate() {
                let (mine, theirs) = (found.interval(state), expected.interval(context));
                assert!(mine.lower <= theirs.upper && theirs.lower <= mine.upper, "{mine:?} {theirs:?}");
            }
            let time = solver.times(&lumped, &newest(lumped.states(), 2)).unwrap().converged().unwrap();
            let expected = solver.times(&all, &newest(all.states(), 2)).unwrap().converged().unwrap();
            for (context, &state) in lumps.iter().enumerate() {
                let (mine, theirs) = (time.mean().interval(state), expected.mean().interval(context));
                assert!(mine.lower <= theirs.upper && theirs.lower <= mine.upper, "{mine:?} {theirs:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_whole_model_lumps_the_chain_of_all_contexts(
        documents in prop::collection::vec(prop::collection::vec(0..WORDS, 1..9), 3..9),
        smoothing in smoothings(),
        order in 1..=4usize,
        prune in prop::sample::select(vec![vec![0], vec![0, 0, 1], vec![0, 1, 1, 2]]),
        end in prop::sample::select(vec![DocumentEnd::Reset, DocumentEnd::Token, DocumentEnd::Absorbing]),
        law in prop::collection::vec(prop::num::f64::POSITIVE | prop::num::f64::ZERO, 1..40),
    ) {
        let prune = if let Smoothing::Additive(_) = smoothing { &[0][..] } else { &prune[..prune.len().min(order)] };
        let corpus = corpus(&documents, end);
        let settings = NgramSettings::new(order).smoothing(smoothing).prune(prune);
        let model = settings.fallback_discounts([0.5, 1.0, 1.5]).fit(&corpus).unwrap();
        let start = corpus.vocab().start().unwrap();
        let rule = match end {
            DocumentEnd::Reset => EndRule::Reset { start: vec![start] },
            DocumentEnd::Absorbing => EndRule::Absorbing,
            _ => EndRule::Token,
        };
        let scale = law.iter().fold(1.0f64, |largest, &p| largest.max(p));
        // Over a hundred decades, but nothing that underflows.
        let law: Vec<f64> = law.iter().map(|p| (p / scale).max(1e-100)).collect();
        check(&model, &rule, &law);
    }
}
