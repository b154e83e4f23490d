//! Bad input gets a typed error that says where and what to do; it never panics.

use lmchain::Error;
use lmchain::chain::Enumeration;
use lmchain::mixing::MixingTimeSolver;
use lmchain::prelude::*;
use ndarray::array;

fn characters(text: &str) -> lmchain::Result<Corpus> {
    CorpusSettings::new(Tokenizer::characters()).read_strings([text])
}

#[test]
fn an_empty_text_is_no_corpus() {
    assert!(matches!(characters(""), Err(Error::EmptyText)));
    let words = CorpusSettings::new(Tokenizer::words()).read_strings([" \n\t "]);
    assert!(matches!(words, Err(Error::EmptyText)));
}

#[test]
fn a_text_of_one_token_is_a_chain_of_one_state() {
    let corpus = characters("a").unwrap();
    let chain = MarkovChain::observed(&corpus, 3).unwrap();
    assert_eq!(chain.len(), 1);
    let law = chain.stationary().unwrap().converged().unwrap();
    assert_eq!(*law, [1.0]);
    assert_eq!((chain.entropy_rate(&law), chain.excess_entropy(&law).unwrap()), (0.0, 0.0));
    assert_eq!(MixingTimeSolver::new().solve(&chain, &law).unwrap(), Some(0));
    let slem = SecondEigenvalueSolver::new().solve(&chain, &law).unwrap().converged().unwrap();
    assert_eq!(slem.modulus(), 0.0);
    let open = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Open);
    let corpus = open.read_strings(["a"]).unwrap();
    assert!(matches!(MarkovChain::observed(&corpus, 1), Err(Error::TextTooShort { needed: 2 })));
}

#[test]
fn invalid_utf8_is_refused_with_its_place() {
    let bytes: &[u8] = b"good \xff bad";
    let read = CorpusSettings::new(Tokenizer::characters()).read(bytes);
    assert!(matches!(read, Err(Error::InvalidUtf8 { offset: 5, .. })));
}

#[test]
fn a_missing_file_is_named() {
    let error = MarkovChain::from_matrix_market("/no/such/matrix.mtx").unwrap_err();
    assert!(error.to_string().contains("matrix.mtx"), "{error}");
}

#[test]
fn rows_that_are_no_laws_are_named() {
    let dense = |matrix: ndarray::Array2<f64>| MarkovChain::from_dense(matrix.view()).unwrap_err();
    assert!(matches!(dense(array![[1.0, 0.0], [0.5, 0.4]]), Error::RowSum { row: 1, .. }));
    assert!(matches!(
        dense(array![[1.0, 0.0], [f64::NAN, 1.0]]),
        Error::InvalidEntry { row: 1, column: 0, .. }
    ));
    assert!(matches!(dense(array![[1.5, -0.5], [0.0, 1.0]]), Error::InvalidEntry { row: 0, column: 1, .. }));
    assert!(matches!(dense(array![[f64::INFINITY, 0.0], [0.0, 1.0]]), Error::InvalidEntry { row: 0, .. }));
    assert!(matches!(dense(array![[1.0], [1.0]]), Error::NotSquare { rows: 2, columns: 1 }));
    assert!(matches!(dense(ndarray::Array2::zeros((0, 0))), Error::NoStates));
    // A row that is off by rounding alone is welcome; one off by 1e-9 is not.
    let third = 1.0 / 3.0;
    assert!(
        MarkovChain::from_dense(array![[third, third, third], [0.1, 0.2, 0.7], [1.0, 0.0, 0.0]].view())
            .is_ok()
    );
    assert!(matches!(dense(array![[1.0 - 1e-9, 0.0], [0.0, 1.0]]), Error::RowSum { row: 0, .. }));
}

#[test]
fn contexts_that_cannot_be_numbered_are_refused() {
    // 27^9 contexts of 27 tokens fit in a number, not in memory.
    let model = NgramSettings::new(10).fit(&characters("abcdefghijklmnopqrstuvwxyz ").unwrap()).unwrap();
    let error = Enumeration::new().build(&model).unwrap_err();
    let Error::TooLarge { needed, .. } = error else { panic!("{error}") };
    assert_eq!(needed, 27u128.pow(10) * 8);
    // 27^49 contexts do not even fit in a number.
    let corpus = characters("abcdefghijklmnopqrstuvwxyz ").unwrap();
    let observed = MarkovChain::observed(&corpus, 49);
    assert!(matches!(observed, Err(Error::ContextSpaceTooLarge { bits: 128, .. })));
}

#[test]
fn a_maximum_likelihood_model_has_no_law_for_a_context_it_never_saw() {
    let corpus = characters("abab").unwrap();
    let model = NgramSettings::new(2).smoothing(Smoothing::MaximumLikelihood).fit(&corpus).unwrap();
    assert!(MarkovChain::enumerated(&model).is_ok());
    let model = NgramSettings::new(3).smoothing(Smoothing::MaximumLikelihood).fit(&corpus).unwrap();
    assert!(matches!(MarkovChain::enumerated(&model), Err(Error::UnseenContext { .. })));
}

#[test]
fn a_law_for_every_recurrent_class_or_none() {
    let loops = MarkovChain::from_dense(array![[1.0, 0.0], [0.0, 1.0]].view()).unwrap();
    assert!(matches!(loops.stationary(), Err(Error::SeveralRecurrentClasses { classes: 2 })));
    assert_eq!(loops.stationary_laws().unwrap().converged().unwrap().classes().count(), 2);
    let wrong = Law::uniform(3);
    assert!(matches!(loops.absorption_weights(&wrong), Err(Error::LengthMismatch { expected: 2, found: 3 })));
    assert!(matches!(loops.reversed(&wrong), Err(Error::LengthMismatch { .. })));
}

#[test]
fn plain_power_iteration_does_not_claim_a_periodic_chain() {
    // From a uniform start the cycle of four would stand still at once; three
    // states leading into one another unevenly do not.
    let chain =
        MarkovChain::from_dense(array![[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]].view()).unwrap();
    let solver = StationarySolver::new().max_iterations(1000);
    let plain = solver.clone().method(StationaryMethod::Power).solve(&chain).unwrap();
    assert!(matches!(plain.converged(), Err(Error::NotConverged { .. })));
    let lazy = solver.method(StationaryMethod::LazyPower).solve(&chain).unwrap().converged().unwrap();
    assert!(lmchain::prob::total_variation(&lazy.law(0), &[0.25, 0.5, 0.25]) < 1e-9);
}

#[test]
fn settings_outside_their_range_are_refused() {
    let chain = MarkovChain::from_dense(array![[0.5, 0.5], [0.5, 0.5]].view()).unwrap();
    let law = Law::uniform(2);
    for tolerance in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let solved = StationarySolver::new().tolerance(tolerance).solve(&chain);
        assert!(matches!(solved, Err(Error::InvalidSetting { name: "tolerance", .. })));
    }
    for threshold in [0.0, 1.0, f64::NAN] {
        let solved = MixingTimeSolver::new().threshold(threshold).solve(&chain, &law);
        assert!(matches!(solved, Err(Error::InvalidSetting { name: "threshold", .. })));
    }
    for restart in [0.0, -0.5, 1.5, f64::NAN] {
        let restarted = Restart::new(chain.operator(), restart, law.clone());
        assert!(matches!(restarted, Err(Error::InvalidSetting { name: "restart", .. })));
    }
    let topics = Topics::by_token(chain.states(), ["only"], |token| token as usize);
    assert!(matches!(topics, Err(Error::UnknownTopic { topic: 1, topics: 1 })));
}

#[test]
fn a_chain_that_restarts_has_no_blocks_to_read_off_its_windows() {
    let model = TableModel::from_rows(2, &[[0.5, 0.5]; 4]).unwrap();
    let chain = MarkovChain::enumerated(&model).unwrap();
    let restarted = chain.with_operator(Restart::new(chain.operator(), 0.5, Law::point(4, 0)).unwrap());
    let law = restarted.stationary().unwrap().converged().unwrap();
    assert!(matches!(restarted.block_entropies(&law, 3), Err(Error::NotShiftRegister { .. })));
    assert!(matches!(restarted.excess_entropy(&law), Err(Error::NotShiftRegister { .. })));
    let reset = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Reset);
    let chain = MarkovChain::observed(&reset.read_strings(["ab", "ba"]).unwrap(), 2).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    assert!(matches!(chain.block_entropies(&law, 3), Err(Error::NotShiftRegister { .. })));
}

#[test]
fn decoding_mends_no_law() {
    for row in [[0.0, 0.0], [f64::NAN, 0.0], [0.7, -0.7], [0.3, 0.2]] {
        struct Broken([f64; 2]);
        impl LanguageModel for Broken {
            fn vocabulary_size(&self) -> usize {
                2
            }
            fn context_length(&self) -> usize {
                1
            }
            fn next_token_law(&self, _: &[Token], law: &mut [f64]) -> lmchain::Result<()> {
                law.copy_from_slice(&self.0);
                Ok(())
            }
        }
        for decoding in [Decoding::new().top_k(1), Decoding::greedy(), Decoding::new().top_p(0.5)] {
            let decoded = Decoded::new(Broken(row), decoding).unwrap();
            let refused = MarkovChain::enumerated(&decoded);
            assert!(matches!(refused, Err(Error::InvalidProbability { .. } | Error::NotNormalized { .. })));
        }
    }
}

#[test]
fn numbers_too_small_to_be_told_from_zero_are_an_error_or_right() {
    // Leaving a state with probability 1e-200 twice over underflows.
    let tiny = vec![(0, 1, 1.0), (0, 2, 1e-200), (1, 1, 1.0), (1, 0, 1e-200), (2, 2, 1.0), (3, 3, 1.0)];
    let chain = MarkovChain::new(SparseOperator::from_triplets(4, tiny).unwrap(), States::numbered(4));
    let weights = chain.absorption_weights(&Law::point(4, 1));
    assert!(matches!(weights, Err(Error::Underflow { .. })), "{weights:?}");
    let huge = vec![(0, 0, f64::MAX), (0, 1, f64::MAX), (1, 0, 1.0)];
    let operator = SparseOperator::from_weights(2, huge).unwrap();
    assert_eq!((operator.probability(0, 0), operator.probability(0, 1)), (0.5, 0.5));
    let rare =
        ShiftOperator::new(lmchain::text::ContextSpace::new(2, 1).unwrap(), vec![1.0, 1e-50, 0.5, 0.5]);
    let single = rare.unwrap().to_f32();
    assert!(single.probability(0, 1) > 0.0);
    let chain = MarkovChain::from_dense(array![[1.0, 1e-200], [0.5, 0.5]].view()).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    for at in chain.mutual_information(&law, &[0, 1]).unwrap() {
        assert!(at.mutual_information.is_finite() && at.rational.is_finite(), "{at:?}");
    }
}

#[test]
fn a_long_way_to_an_end_leaves_no_second_eigenvalue() {
    // A line that ends: the only eigenvalue but 1 is 0, in one block of size N - 1.
    for n in [2, 100, 300] {
        let step = |i: u32| (i, (i + 1).min(n - 1), 1.0);
        let operator = SparseOperator::from_triplets(n as usize, (0..n).map(step).collect()).unwrap();
        let chain = MarkovChain::new(operator, States::numbered(n as usize));
        let law = chain.stationary().unwrap().converged().unwrap();
        let found = SecondEigenvalueSolver::new().solve(&chain, &law).unwrap().converged().unwrap();
        assert_eq!(found.modulus(), 0.0, "{n} states");
    }
    // A transient loop that is left with probability 0.1 a step keeps its 0.9.
    let loops = array![[0.9, 0.1, 0.0], [0.0, 0.5, 0.5], [0.0, 0.5, 0.5]];
    let chain = MarkovChain::from_dense(loops.view()).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    let found = SecondEigenvalueSolver::new().solve(&chain, &law).unwrap().converged().unwrap();
    assert!((found.modulus() - 0.9).abs() < 1e-12);
}
