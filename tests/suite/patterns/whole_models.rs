//! Strings in the chain of a whole back-off model.

use lmchain::chain::{MarkovChain, Start};
use lmchain::model::{EndOfText, EndRule, LanguageModel};
use lmchain::operator::TransitionOperator;
use lmchain::passage::Patterns;

use super::{OVERLAPS, TEXTS, relatively_close, words};

#[test]
fn strings_in_a_whole_model_are_those_in_all_its_contexts() {
    let model = words(&TEXTS);
    let vocab = model.vocab();
    let token = |name: &str| vocab.token(name).unwrap();
    let (a, b, start, end) = (token("a"), token("b"), token("<s>"), token("</s>"));
    let smoothed = MarkovChain::smoothed(&model).unwrap();
    let rule = EndRule::Reset { start: vec![start; model.context_length()] };
    let all = MarkovChain::enumerated(&EndOfText::new(&model, end, rule).unwrap()).unwrap();
    // Neither string says how the end of a text is read, which the two do differently.
    let patterns = Patterns::new(vocab.len(), [vec![a, b, b, a], vec![b, a, b], vec![a; 7]]).unwrap();
    for prompt in [vec![start, start], vec![a, b], vec![b, a, b, b]] {
        for overlap in OVERLAPS {
            let start = Start::Prompt(&prompt);
            let laws = [
                smoothed.pattern_law(&patterns, start, overlap, 30).unwrap(),
                all.pattern_law(&patterns, start, overlap, 30).unwrap(),
            ];
            let nodes = patterns.nodes();
            let products = smoothed.operator().longest_sum() + all.operator().longest_sum() + 2 * nodes;
            // Both add up at most so many terms for each of 30 tokens, and the states at the end.
            let tolerance = (30 * products + nodes * (all.len() + smoothed.len())) as f64 * f64::EPSILON;
            for token in 0..=30 {
                for pattern in 0..patterns.len() {
                    let [found, expected] = [laws[0].at(pattern, token), laws[1].at(pattern, token)];
                    assert!(relatively_close(found, expected, tolerance), "{found} {expected}");
                }
            }
            let times = [
                smoothed.waiting_time(&patterns, start, overlap).unwrap().converged().unwrap(),
                all.waiting_time(&patterns, start, overlap).unwrap().converged().unwrap(),
            ];
            let (one, other) = (times[0].mean, times[1].mean);
            assert!(one.lower <= other.upper && other.lower <= one.upper, "{times:?}");
        }
    }
}

#[test]
fn the_end_of_a_text_is_a_token_of_a_whole_model() {
    let model = words(&TEXTS);
    let chain = MarkovChain::smoothed(&model).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    let patterns = Patterns::new(model.vocab().len(), [[model.vocab().end().unwrap()]]).unwrap();
    let rates = chain.pattern_rates(&patterns, &law).unwrap();
    let start = chain.states().find("<s>").unwrap();
    // The law is stationary up to its rounding, in each of some twenty states.
    assert!(relatively_close(rates[0], law[start], 1e-13), "{rates:?} {}", law[start]);
}
