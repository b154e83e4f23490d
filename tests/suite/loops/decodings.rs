//! Loops under decodings.

use lmchain::loops::{LoopSurvey, RepetitionSampler};
use lmchain::model::Decoding;

use super::table_model;
use crate::common::language_model;

#[test]
fn cooling_makes_the_run_last_as_the_closed_form_says() {
    let case = language_model("C18");
    let temperatures = [2.0, 1.0, 0.5, 0.25];
    let decodings = temperatures.map(|temperature| Decoding::new().temperature(temperature));
    let survey = LoopSurvey::new().sampler(RepetitionSampler::new().walks(200).steps(64));
    let surveyed = survey.sweep(&table_model(&case), &decodings, &[0, 0, 0, 0]).unwrap();
    for (found, temperature) in surveyed.iter().zip(temperatures) {
        let strongest = found.strongest().unwrap();
        assert_eq!((strongest.text.as_str(), strongest.tokens.as_slice()), ("1", &[1][..]));
        // p^(1/T) : (1 - p)^(1/T) is 99^(1/T) : 1, in logarithms up to 37 that are
        // rounded to 40 eps; each power adds that much.
        let stay = 1.0 + 99f64.powf(1.0 / temperature);
        assert!((strongest.visits.mean_stay / stay - 1.0).abs() < 128.0 * f64::EPSILON);
        assert_eq!((found.states, found.recurrent_classes, found.absorbing_loops()), (16, 1, 0));
    }
    assert!(surveyed.windows(2).all(|pair| pair[0].entropy_rate > pair[1].entropy_rate));
}

#[test]
fn truncation_makes_the_run_absorbing() {
    let case = language_model("C18");
    let survey = LoopSurvey::new().sampler(RepetitionSampler::new().walks(50).steps(64));
    let model = table_model(&case);
    // Alone, the 0.9 of going from 0111 to 1111 and the 0.99 of staying reach 0.85.
    let found = survey.measure(&model, Decoding::new().top_p(0.85), &[0, 1, 1, 1]).unwrap();
    let strongest = found.strongest().unwrap();
    assert_eq!((strongest.text.as_str(), strongest.visits.mean_stay), ("1", f64::INFINITY));
    assert_eq!((strongest.visits.share, found.recurrent_classes, found.entropy_rate), (1.0, 1, 0.0));
    let greedy = survey.measure(&model, Decoding::greedy(), &[0, 0, 1, 1]).unwrap();
    assert_eq!((greedy.states, greedy.absorbing_loops(), greedy.transient_loops), (3, 1, 0));
    assert_eq!(greedy.repetition.ngrams.standard_error, 0.0);
}
