//! A model read as a chain over the states of another.

use lmchain::Error;
use lmchain::chain::{Exploration, MarkovChain};
use lmchain::exposure::{Exposure, Lengthened, ModelLift, Outside, explored_together};
use lmchain::model::{Decoded, Decoding, LanguageModel, NgramSettings, Smoothing, TableModel};
use lmchain::operator::TransitionOperator;
use lmchain::text::{Corpus, CorpusSettings, Tokenizer};

use super::{law_of, sticky};
use crate::common::assert_close;

const TEXT: &str = "the cat sat on the mat and the rat sat on the cat and the mat sat on the rat ";

fn corpus() -> Corpus {
    CorpusSettings::new(Tokenizer::characters()).read_strings([TEXT]).unwrap()
}

#[test]
fn a_shorter_model_of_the_same_counts_misses_what_its_order_misses() {
    // The relative entropy rate from a chain to its projection is h_m - h.
    let corpus = corpus();
    let data = MarkovChain::observed(&corpus, 4).unwrap();
    let law = law_of(&data);
    for order in 1..=4 {
        let model =
            NgramSettings::new(order + 1).smoothing(Smoothing::MaximumLikelihood).fit(&corpus).unwrap();
        let lifted = ModelLift::new().outside(Outside::Renormalize).build(&data, &model).unwrap();
        let blocks = data.block_entropies(&law, 5).unwrap();
        let (h_m, h) = (blocks[order + 1] - blocks[order], blocks[5] - blocks[4]);
        // Leaving the states is what dividing by the rest takes back.
        let leaked: f64 = (0..data.len()).map(|state| -law[state] * (1.0 - lifted.leak[state]).log2()).sum();
        let exposure = Exposure::measure(&data, &law, &lifted.chain, &law_of(&lifted.chain)).unwrap();
        assert_close(exposure.rates().error, h_m - h - leaked, 1e-12, &format!("order {order}"));
        assert!(lifted.mean_leak(&law) >= 0.0);
        let strict = data.with_model(&model);
        if lifted.leak.iter().all(|&leak| leak == 0.0) {
            assert_eq!(strict.unwrap().operator().matrix(), lifted.chain.operator().matrix());
        } else {
            assert!(matches!(strict, Err(Error::LeadsOutside { .. })), "order {order}");
        }
    }
}

#[test]
fn every_row_is_that_of_the_last_tokens() {
    let (p, _, _) = sticky();
    let short = TableModel::from_rows(1, &[[0.3, 0.7], [0.8, 0.2]]).unwrap();
    let data = MarkovChain::enumerated(&p).unwrap();
    let lifted = data.with_model(&short).unwrap();
    let long = MarkovChain::enumerated(&Lengthened::new(&short, 3).unwrap()).unwrap();
    for state in 0..8 {
        for to in 0..8 {
            let found = lifted.operator().probability(state, to);
            assert_eq!(found, long.operator().probability(state, to));
            let shifted = to / 2 == state % 4;
            let expected = if state % 2 == 0 { [0.3, 0.7] } else { [0.8, 0.2] };
            assert_eq!(found, if shifted { expected[to % 2] } else { 0.0 });
        }
    }
    let lengthened = Lengthened::new(&short, 3).unwrap();
    assert_eq!(lengthened.probability(&[0, 0, 1], 0).unwrap(), 0.8);
}

#[test]
fn two_decoded_models_are_explored_together() {
    let corpus = corpus();
    let model = |order: usize, k: usize| {
        let model = NgramSettings::new(order).fit(&corpus).unwrap();
        Decoded::new(model, Decoding::new().top_k(k)).unwrap()
    };
    let (long, short) = (model(4, 3), model(2, 2));
    let prompt = &corpus.tokens()[..3];
    let (data, other) = explored_together(&Exploration::new(), &long, &short, &[prompt]).unwrap();
    // Each holds what it reaches alone, with the same laws.
    let alone = MarkovChain::reachable(&long, &[prompt]).unwrap();
    assert!(alone.len() <= data.len() && data.len() == other.len());
    for state in 0..alone.len() {
        let there = data.states().after_prompt(&alone.states().tokens(state)).unwrap();
        for to in 0..alone.len() {
            let to_there = data.states().after_prompt(&alone.states().tokens(to)).unwrap();
            let (a, b) =
                (alone.operator().probability(state, to), data.operator().probability(there, to_there));
            assert!((a - b).abs() < 1e-15);
        }
    }
    let few = explored_together(&Exploration::new().state_limit(2), &long, &short, &[prompt]);
    assert!(matches!(few, Err(Error::StateLimit { limit: 2 })));
}

#[test]
fn refusals_are_typed() {
    let (p, q, _) = sticky();
    let short = TableModel::from_rows(1, &[[0.3, 0.7], [0.8, 0.2]]).unwrap();
    let small = MarkovChain::enumerated(&short).unwrap();
    let refused = small.with_model(&q).map(|_| ());
    assert!(matches!(refused, Err(Error::ContextTooLong { model: 3, states: 1 })));
    let three = TableModel::from_rows(1, &[[0.2, 0.3, 0.5]; 3]).unwrap();
    let refused = MarkovChain::enumerated(&p).unwrap().with_model(&three).map(|_| ());
    assert!(matches!(refused, Err(Error::VocabularyMismatch { model: 3, text: 2 })));
    let refused = explored_together(&Exploration::new(), &p, &three, &[&[0, 0, 0]]).map(|_| ());
    assert!(matches!(refused, Err(Error::VocabularyMismatch { .. })));
    // The data go round two contexts; the model only ever leaves them.
    let round = Decoded::new(&p, Decoding::greedy()).unwrap();
    let data = MarkovChain::reachable(&round, &[&[0, 0, 0]]).unwrap();
    let away = TableModel::from_rows(1, &[[0.0, 1.0], [0.0, 1.0]]).unwrap();
    let refused = ModelLift::new().outside(Outside::Renormalize).build(&data, &away).map(|_| ());
    assert!(matches!(refused, Err(Error::ZeroRow { row: 0 })));
    let smoothed = MarkovChain::smoothed(&NgramSettings::new(3).fit(&corpus()).unwrap()).unwrap();
    let model = NgramSettings::new(2).fit(&corpus()).unwrap();
    assert!(matches!(smoothed.with_model(&model), Err(Error::NotWindows { .. })));
}
