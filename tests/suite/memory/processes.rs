//! Processes with known memory: renewal, and the even process seen through finite contexts.

use lmchain::chain::{MarkovChain, States};
use lmchain::information::{crossover, slopes};
use lmchain::mixing::SecondEigenvalueSolver;
use lmchain::model::{NgramSettings, Smoothing};
use lmchain::operator::ShiftOperator;
use lmchain::text::{ContextSpace, CorpusSettings, Tokenizer};

use crate::common::{assert_all_close, assert_close};

/// The chain of contexts of `k` bits, given the probability of a 1 after each.
fn bits(k: usize, one: impl Fn(usize) -> f64) -> MarkovChain<ShiftOperator> {
    let space = ContextSpace::new(2, k).unwrap();
    let table = (0..space.len()).flat_map(|context| [1.0 - one(context), one(context)]).collect();
    MarkovChain::new(ShiftOperator::new(space, table).unwrap(), States::contexts(space, None))
}

#[test]
fn a_renewal_process_is_forgotten_as_stated() {
    // Case C19: gaps between ones with P(gap > n) = 1 / (n + 1), told apart up to six zeros.
    let one = |context: usize| 1.0 / (context.trailing_zeros().min(6) as f64 + 2.0);
    let chain = bits(6, one);
    let law = chain.stationary().unwrap().converged().unwrap();
    let lags = [1, 2, 3, 5, 8, 12, 20];
    let found = chain.mutual_information(&law, &lags).unwrap();
    let stated = [0.0643, 0.0254, 0.0125, 0.0036, 4.6e-4, 2.9e-5, 1.2e-7];
    let unit = [1e-4, 1e-4, 1e-4, 1e-4, 1e-5, 1e-6, 1e-8];
    for ((at, stated), unit) in found.iter().zip(stated).zip(unit) {
        assert!((at.mutual_information - stated).abs() <= 0.5 * unit, "{at:?}, not {stated}");
    }
    // The number of zeros is all there is to know: one causal state a number.
    let causal = chain.causal_states(&law).unwrap();
    assert_eq!(causal.count(), 7);
    assert_eq!(chain.effective_order(&law).unwrap(), 6);
    // In the end information falls as the second eigenvalue has it.
    let all: Vec<usize> = (1..=400).collect();
    let found = chain.mutual_information(&law, &all).unwrap();
    let slopes = slopes(&found.iter().map(|at| (at.lag, at.mutual_information)).collect::<Vec<_>>());
    let second = SecondEigenvalueSolver::new().tolerance(1e-12).solve(&chain, &law).unwrap();
    let modulus = second.converged().unwrap().modulus();
    let tail = slopes[380..].iter().map(|slope| slope.rate).sum::<f64>() / (slopes.len() - 380) as f64;
    // A swing of a complex eigenvalue averages out over the lags to the inverse of their number.
    assert!((tail / (2.0 * modulus.ln()) - 1.0).abs() < 0.05, "{tail} {modulus}");
    if let Some(lag) = crossover(&slopes, modulus, 1.0).unwrap() {
        assert!(lag < 400);
    }
}

/// Probability that the even process says a word: ones come in even runs.
fn even(word: &[usize]) -> f64 {
    // In state 0 a zero or the first one of a pair comes, in state 1 the second.
    let step = |law: [f64; 2], &bit: &usize| match bit {
        0 => [0.5 * law[0], 0.0],
        _ => [law[1], 0.5 * law[0]],
    };
    word.iter().fold([2.0 / 3.0, 1.0 / 3.0], step).iter().sum()
}

#[test]
fn contexts_of_an_even_process_never_know_enough() {
    let rates = [0.8742, 0.7925, 0.7704, 0.7296, 0.7185];
    let mut excess_before = 0.0;
    for (k, expected) in (1..).zip(rates) {
        let word = |context: usize| (0..k).rev().map(|place| context >> place & 1).collect::<Vec<_>>();
        let one = |context: usize| match even(&word(context)) {
            p if p > 0.0 => even(&[word(context), vec![1]].concat()) / p,
            // Contexts that never occur.
            _ => 0.5,
        };
        let chain = bits(k, one);
        let law = chain.stationary().unwrap().converged().unwrap();
        assert!((chain.entropy_rate(&law) - expected).abs() < 5e-5, "{k}");
        // The projection keeps the blocks, and the orders below it what they miss.
        let memory = chain.conditional_memory(&law).unwrap();
        let shorter: Vec<f64> = (1..k).map(|m| memory[m] + chain.entropy_rate(&law)).collect();
        for (found, expected) in shorter.iter().zip(rates) {
            assert!((found - expected).abs() < 5e-5);
        }
        // E grows towards that of the process, H(1/3) = 0.9183, and stays below.
        let excess = chain.excess_entropy(&law).unwrap();
        assert!(excess > excess_before && excess < 0.918_295_834, "{k}: {excess}");
        assert!(chain.causal_states(&law).unwrap().statistical_complexity() >= excess);
        excess_before = excess;
    }
}

#[test]
fn a_whole_model_remembers_as_its_table_does() {
    let text = "the cat sat on the mat and the rat sat on the cat ";
    let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text]).unwrap();
    let model = NgramSettings::new(3).smoothing(Smoothing::WittenBell).fit(&corpus).unwrap();
    let whole = MarkovChain::smoothed(&model).unwrap();
    let full = MarkovChain::enumerated(&model).unwrap();
    let laws =
        (whole.stationary().unwrap().converged().unwrap(), full.stationary().unwrap().converged().unwrap());
    let memories = (whole.conditional_memory(&laws.0).unwrap(), full.conditional_memory(&laws.1).unwrap());
    assert_all_close(&memories.0, &memories.1, 1e-10, "conditional memory");
    assert_eq!(whole.effective_order(&laws.0).unwrap(), 2);
    // The suffixes that are stored are told apart, and nothing else is.
    let causal = whole.causal_states(&laws.0).unwrap();
    assert!(causal.count() <= whole.len());
    let excess = whole.excess_entropy(&laws.0).unwrap();
    assert!(causal.statistical_complexity() >= excess - 1e-10);
    // Two steps later the whole context has been renewed: the information of the
    // suffixes about suffixes is no more than the excess entropy, and by brute force:
    let found = whole.window_information(&laws.0, 6).unwrap();
    let expected = super::brute_force::information(&whole, &laws.0, 6);
    assert_all_close(&found, &expected, 1e-9, "suffixes");
    assert!(found[2] <= excess + 1e-9);
    // From two steps on the suffixes tell as much about each other as the contexts do,
    // up to what a suffix leaves out of the context that no law depends on.
    assert_close(found[0], laws.0.entropy(), 1e-12, "entropy");
}
