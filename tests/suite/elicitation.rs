//! Prefixes that make a model say something, against trying all of them.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use lmchain::chain::MarkovChain;
use lmchain::elicit::{BeamSearch, CoordinateSearch, Elicitation, ExactSearch, ScoredPrefix};
use lmchain::error::{Error, Result};
use lmchain::model::{LanguageModel, NgramSettings, Smoothing, TableModel};
use lmchain::prob::Law;
use lmchain::solve::{Progress, Stop};
use lmchain::text::{ContextSpace, CorpusSettings, Token, Tokenizer};
use proptest::prelude::*;

use crate::common::{assert_close, language_model};

/// Objectives are sums of at most 16 logarithms of numbers from 2^-16 on, each
/// off by an eps of itself and once more by every sum, with weights up to 4.
const ROUNDING: f64 = 16.0 * 16.0 * 16.0 * 4.0 * f64::EPSILON;

/// A model that counts the laws it gives.
struct Counting<'a> {
    model: &'a TableModel,
    laws: AtomicU64,
}

impl<'a> Counting<'a> {
    fn new(model: &'a TableModel) -> Self {
        Self { model, laws: AtomicU64::new(0) }
    }

    /// The laws given since the last time.
    fn taken(&self) -> u64 {
        self.laws.swap(0, Ordering::Relaxed)
    }
}

impl LanguageModel for Counting<'_> {
    fn vocabulary_size(&self) -> usize {
        self.model.vocabulary_size()
    }

    fn context_length(&self) -> usize {
        self.model.context_length()
    }

    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> Result<()> {
        self.laws.fetch_add(1, Ordering::Relaxed);
        self.model.next_token_law(context, law)
    }
}

/// What stands before a prefix.
#[derive(Debug, Clone)]
enum Before {
    Nothing,
    Prompt(Vec<Token>),
    Law(Law),
}

/// An elicitation on a random model.
#[derive(Debug, Clone)]
struct Problem {
    model: TableModel,
    reverse: TableModel,
    suffix: Vec<Token>,
    length: usize,
    before: Before,
    weight: f64,
}

impl Problem {
    fn task<'a, M: LanguageModel>(&'a self, model: &'a M) -> Elicitation<'a, M> {
        let task = Elicitation::new(model, &self.suffix, self.length).naturalness(self.weight);
        match &self.before {
            Before::Nothing => task,
            Before::Prompt(prompt) => task.prompt(prompt),
            Before::Law(law) => task.start_law(law),
        }
    }

    /// `log2` of the probability of each token of a text from a place on.
    fn bits(&self, text: &[Token], from: usize) -> f64 {
        let k = self.model.context_length();
        (from..text.len())
            .map(|end| self.model.probability(&text[end - k..end], text[end]).unwrap().log2())
            .sum()
    }

    /// Suffix bits and, where they are defined, prefix bits, from the definition.
    fn scored(&self, prefix: &[Token]) -> (f64, Option<f64>) {
        let k = self.model.context_length();
        let known: &[Token] = if let Before::Prompt(prompt) = &self.before { prompt } else { &[] };
        let text = [known, prefix, &self.suffix].concat();
        let suffix = self.bits(&text, known.len() + prefix.len());
        let up_to = &text[..known.len() + prefix.len()];
        let natural = match &self.before {
            Before::Nothing => None,
            Before::Prompt(_) => Some(self.bits(up_to, known.len())),
            Before::Law(law) => {
                Some(law[self.model.space().index(&prefix[..k])].log2() + self.bits(up_to, k))
            }
        };
        (suffix, natural)
    }

    fn objective(&self, prefix: &[Token]) -> f64 {
        let (suffix, natural) = self.scored(prefix);
        if self.weight > 0.0 { suffix + self.weight * natural.unwrap() } else { suffix }
    }

    /// Every prefix.
    fn prefixes(&self) -> Vec<Vec<Token>> {
        let space = ContextSpace::new(self.model.vocabulary_size(), self.length).unwrap();
        (0..space.len()).map(|number| space.tokens(number)).collect()
    }

    /// Objectives above minus infinity, greatest first; one for all prefixes
    /// that end alike where only the end counts.
    fn best_objectives(&self) -> Vec<f64> {
        let k = self.model.context_length();
        let free = self.length.saturating_sub(k);
        let alike = |prefix: &Vec<Token>| self.weight > 0.0 || prefix[..free].iter().all(|&token| token == 0);
        let mut found: Vec<f64> =
            self.prefixes().iter().filter(|u| alike(u)).map(|u| self.objective(u)).collect();
        found.retain(|bits| *bits > f64::NEG_INFINITY);
        found.sort_by(|a, b| b.total_cmp(a));
        found
    }

    /// Checks the losses of a prefix.
    fn check(&self, found: &ScoredPrefix) -> Result<(), TestCaseError> {
        let (suffix, natural) = self.scored(&found.prefix);
        let close = |a: f64, b: f64| a == b || (a - b).abs() <= ROUNDING;
        prop_assert!(close(found.suffix_loss, -suffix / self.suffix.len() as f64));
        prop_assert!(close(found.objective, self.objective(&found.prefix)));
        match (found.prefix_loss, natural) {
            (Some(loss), Some(bits)) => prop_assert!(close(loss, -bits / self.length as f64)),
            (loss, bits) => prop_assert!(loss.is_none() && bits.is_none()),
        }
        Ok(())
    }
}

fn rows(v: usize, k: usize, zeros: bool) -> impl Strategy<Value = TableModel> {
    let entries = v.pow(k as u32) * v;
    prop::collection::vec((0.05..1.0f64, 0u32..5), entries).prop_map(move |entries| {
        let mut weights: Vec<f64> =
            entries.into_iter().map(|(p, zero)| if zeros && zero == 0 { 0.0 } else { p }).collect();
        for row in weights.chunks_exact_mut(v).filter(|row| row.iter().all(|p| *p == 0.0)) {
            row[0] = 1.0;
        }
        TableModel::normalized(v, k, weights).unwrap()
    })
}

/// Problems; `zeros` says whether models exclude tokens.
fn problem(zeros: bool) -> impl Strategy<Value = Problem> {
    (2usize..4, 1usize..4, 1usize..5, 1usize..5, 0u32..3, prop_oneof![Just(0.0), 0.1..4.0f64]).prop_flat_map(
        move |(v, k, length, suffix, kind, weight)| {
            let token = 0..v as Token;
            let law = prop::collection::vec(0.05..1.0f64, v.pow(k as u32));
            let prompt = prop::collection::vec(token.clone(), k + 1);
            let suffix = prop::collection::vec(token, suffix);
            (rows(v, k, zeros), rows(v, 1, false), suffix, prompt, law).prop_map(
                move |(model, reverse, suffix, prompt, law)| {
                    let before = match kind {
                        0 if weight == 0.0 && length >= k => Before::Nothing,
                        1 if length >= k => Before::Law(Law::normalized(law).unwrap()),
                        _ => Before::Prompt(prompt),
                    };
                    Problem { model, reverse, suffix, length, before, weight }
                },
            )
        },
    )
}

proptest! {
    #[test]
    fn the_exact_search_finds_the_best_of_all_prefixes(problem in problem(true), count in 1usize..6) {
        let counting = Counting::new(&problem.model);
        let task = problem.task(&counting);
        let expected = problem.best_objectives();
        let found = ExactSearch::new().count(count).search(&task);
        if expected.is_empty() {
            let impossible = matches!(found, Err(Error::Impossible { .. }));
            prop_assert!(impossible);
            return Ok(());
        }
        let found = found.unwrap();
        prop_assert_eq!(found.evaluations, counting.taken());
        prop_assert_eq!(found.prefixes.len(), count.min(expected.len()));
        for (place, (found, expected)) in found.prefixes.iter().zip(&expected).enumerate() {
            problem.check(found)?;
            prop_assert!((found.objective - expected).abs() <= ROUNDING, "{}: {} {}", place, found.objective, expected);
        }
        for (place, one) in found.prefixes.iter().enumerate() {
            prop_assert!(found.prefixes[..place].iter().all(|other| other.prefix != one.prefix));
        }
        prop_assert_eq!(&task.score(&found.best().prefix).unwrap(), found.best());
    }

    #[test]
    fn a_beam_as_wide_as_all_prefixes_finds_the_best_of_them(problem in problem(false)) {
        let (counting, reverse) = (Counting::new(&problem.model), Counting::new(&problem.reverse));
        let task = problem.task(&counting);
        let exact = ExactSearch::new().search(&task).unwrap();
        counting.taken();
        let all = problem.prefixes().len();
        let found = BeamSearch::new(all).search(&task, &reverse).unwrap();
        prop_assert_eq!((found.evaluations, found.reverse_evaluations), (counting.taken(), reverse.taken()));
        prop_assert!(found.gap(&exact) <= ROUNDING, "{:?} {:?}", found.best(), exact.best());
        prop_assert_eq!(found.prefixes.len(), all);
        prop_assert!(found.prefixes.is_sorted_by(|a, b| a.objective >= b.objective));
        for found in &found.prefixes {
            problem.check(found)?;
        }
    }

    #[test]
    fn a_beam_keeps_what_the_reverse_model_finds_likeliest(problem in problem(true), width in 1usize..6, proposals in 1usize..4) {
        let beam = BeamSearch::new(width).proposals(proposals);
        let found = beam.search(&problem.task(&problem.model), &problem.reverse).unwrap();
        // The reverse model looks at one token: all extensions of a beam, one by one.
        let mut beam: Vec<(f64, Vec<Token>)> = vec![(1.0, vec![])];
        for _ in 0..problem.length {
            let mut longer = Vec::new();
            for (p, prefix) in &beam {
                let row = problem.reverse.row(*prefix.first().unwrap_or(&problem.suffix[0]) as usize);
                let rank = |token: usize| row.iter().filter(|other| **other > row[token]).count();
                for token in (0..row.len()).filter(|&token| rank(token) < proposals) {
                    longer.push((p * row[token], [&[token as Token], &prefix[..]].concat()));
                }
            }
            longer.sort_by(|a, b| b.0.total_cmp(&a.0));
            // The same steps in another order are as likely: at a tie either may be kept.
            let tie = longer.len() > width && longer[width].0 > longer[width - 1].0 * (1.0 - ROUNDING);
            prop_assume!(!tie);
            longer.truncate(width);
            beam = longer;
        }
        let mut expected: Vec<Vec<Token>> = beam.into_iter().map(|(_, prefix)| prefix).collect();
        let mut kept: Vec<Vec<Token>> = found.prefixes.iter().map(|found| found.prefix.clone()).collect();
        expected.sort();
        kept.sort();
        prop_assert_eq!(kept, expected);
    }

    #[test]
    fn a_coordinate_search_climbs_to_where_no_single_change_helps(problem in problem(true), seed: u64) {
        let counting = Counting::new(&problem.model);
        let task = problem.task(&counting);
        let search = CoordinateSearch::new().restarts(3).seed(seed);
        let found = search.search(&task).unwrap();
        prop_assert_eq!(found.elicited.evaluations, counting.taken());
        prop_assert_eq!(found.elicited.stop, Stop::Converged);
        for climb in &found.climbs {
            prop_assert!(climb.end >= climb.start);
            prop_assert_eq!(climb.changes == 0, climb.end == climb.start);
        }
        let most = problem.best_objectives().first().copied().unwrap_or(f64::NEG_INFINITY);
        let end = found.climbs.iter().map(|climb| climb.end).fold(f64::NEG_INFINITY, f64::max);
        prop_assert_eq!(found.elicited.best().objective, end);
        prop_assert!(end <= most + ROUNDING);
        for one in &found.elicited.prefixes {
            problem.check(one)?;
            for place in 0..problem.length {
                for token in 0..problem.model.vocabulary_size() as Token {
                    let mut changed = one.prefix.clone();
                    changed[place] = token;
                    prop_assert!(problem.objective(&changed) <= one.objective + ROUNDING);
                }
            }
        }
        prop_assert_eq!(search.search(&task).unwrap(), found);
    }

    #[test]
    fn a_coordinate_search_keeps_within_its_evaluations(problem in problem(true), budget in 40u64..400, candidates in 1usize..3) {
        let counting = Counting::new(&problem.model);
        let task = problem.task(&counting);
        let found = CoordinateSearch::new().restarts(2).candidates(candidates).max_evaluations(budget).search(&task).unwrap();
        let taken = counting.taken();
        prop_assert_eq!(found.elicited.evaluations, taken);
        prop_assert!(taken <= budget, "{} of {}", taken, budget);
        let all = candidates >= problem.model.vocabulary_size() - 1;
        if !all {
            prop_assert_eq!(found.elicited.stop, Stop::MaxIterations);
        }
        prop_assert!(found.climbs.iter().all(|climb| climb.end >= climb.start));
    }
}

/// Worked out by hand from the rows of C12: `P(2 2 | c) = p(2 | c) p(2 | shift(c, 2))`.
#[test]
fn the_context_that_leads_to_the_bad_state_of_c12_is_found() {
    let case = language_model("C12");
    let model = TableModel::from_rows(case.k, &case.p).unwrap();
    let task = Elicitation::new(&model, &[2, 2], 2);
    let found = ExactSearch::new().count(9).search(&task).unwrap();
    assert_eq!(found.best().prefix, [2, 2]);
    assert_close(found.best().suffix_loss, -0.8_f64.log2(), 1e-14, "0.8 twice");
    // After 1 0: 0.6 · 0.4; after 1 2 (row .25 .25 .5): 0.5 · 0.8.
    let loss = |prefix: &[Token]| task.score(prefix).unwrap().suffix_loss;
    assert_close(loss(&[1, 2]), -(0.5_f64 * 0.8).log2() / 2.0, 1e-14, "1 2");
    assert_close(loss(&[1, 0]), -(0.6_f64 * 0.4).log2() / 2.0, 1e-14, "1 0");
    assert_eq!(found.prefixes.len(), 9);
    // Nine contexts tabulated, two laws for each of nine reports.
    assert_eq!(found.evaluations, 9 + 18);
}

#[test]
fn a_stationary_start_law_makes_the_prefix_loss_that_of_the_chains_own_text() {
    let case = language_model("C12");
    let model = TableModel::from_rows(case.k, &case.p).unwrap();
    let chain = MarkovChain::enumerated(&model).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    let prefix = [2, 0, 1, 1];
    let found = Elicitation::new(&model, &[2], 4).start_law(&law).score(&prefix).unwrap();
    let p = law[6] * case.p[6][1] * case.p[1][1];
    assert_close(found.prefix_loss.unwrap(), -p.log2() / 4.0, 1e-13, "P(2 0 1 1)");
}

#[test]
fn a_reverse_model_of_the_text_finds_what_trying_all_words_finds() {
    let text = "the cat sat on the mat and the rat sat on the cat; a cat and a rat ate the oats";
    let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text]).unwrap();
    let fit = |corpus, order| NgramSettings::new(order).smoothing(Smoothing::WittenBell).fit(corpus).unwrap();
    let model = fit(&corpus, 3);
    let reverse = fit(&corpus.reversed(), 3);
    let vocab = corpus.vocab();
    let encode =
        |text: &str| -> Vec<Token> { text.chars().map(|c| vocab.token(&c.to_string()).unwrap()).collect() };
    let suffix = encode("at ");
    let task = Elicitation::new(&model, &suffix, 2);
    let exact = ExactSearch::new().search(&task).unwrap();
    let v = model.vocabulary_size();
    let beam = BeamSearch::new(v * v).search(&task, &reverse).unwrap();
    assert_eq!(beam.best(), exact.best());
    // A narrow beam costs less than the table, and is held against it.
    let narrow = BeamSearch::new(4).search(&task, &reverse).unwrap();
    assert!(narrow.evaluations < exact.evaluations);
    assert!(narrow.gap(&exact) >= 0.0 && narrow.gap(&exact).is_finite());
    // Two tokens of suffix are not enough for this reverse model after one is gone.
    let short = suffix[..1].to_vec();
    let task = Elicitation::new(&model, &short, 2);
    let refused = BeamSearch::new(4).search(&task, &reverse);
    assert!(matches!(refused, Err(Error::PromptTooShort { tokens: 1, needed: 2 })));
    assert!(BeamSearch::new(4).after(&encode("t ")).search(&task, &reverse).is_ok());
}

#[test]
fn long_searches_can_be_watched_and_stopped() {
    let case = language_model("C12");
    let model = TableModel::from_rows(case.k, &case.p).unwrap();
    let suffix = [2, 0, 1];
    let task = Elicitation::new(&model, &suffix, 4).prompt(&[0, 0]).naturalness(0.5);
    let mut seen = Vec::new();
    let mut watch = |progress: &Progress| {
        seen.push((progress.stage, progress.done, progress.total));
        ControlFlow::Continue(())
    };
    ExactSearch::new().search_watched(&task, &mut watch).unwrap();
    BeamSearch::new(2).search_watched(&task, &model, &mut watch).unwrap();
    let found = CoordinateSearch::new().search_watched(&task, &mut watch).unwrap();
    assert!(seen.contains(&("best prefixes", 4, Some(4))));
    assert!(seen.contains(&("beam search", 4, Some(4))));
    let last = seen.iter().rev().find(|(stage, ..)| *stage == "coordinate search").unwrap();
    assert!(last.1 <= found.elicited.evaluations);

    let stop = |_: &Progress| ControlFlow::Break(());
    let stopped = ExactSearch::new().search_watched(&task, &mut stop.clone());
    assert!(matches!(stopped, Err(Error::Cancelled { .. })));
    let stopped = BeamSearch::new(2).search_watched(&task, &model, &mut stop.clone());
    assert!(matches!(stopped, Err(Error::Cancelled { stage: "beam search" })));
    let found = CoordinateSearch::new().restarts(3).search_watched(&task, &mut stop.clone()).unwrap();
    assert_eq!((found.elicited.stop, found.climbs.len(), found.climbs[0].changes), (Stop::Cancelled, 1, 0));
}

#[test]
fn searches_give_the_same_on_any_number_of_threads() {
    let case = language_model("C12");
    let model = TableModel::from_rows(case.k, &case.p).unwrap();
    let task = Elicitation::new(&model, &[2, 0, 1], 4).prompt(&[0, 0]).naturalness(0.25);
    let run = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let exact = ExactSearch::new().count(5).search(&task).unwrap();
            let beam = BeamSearch::new(7).search(&task, &model).unwrap();
            (exact, beam, CoordinateSearch::new().restarts(4).seed(7).search(&task).unwrap())
        })
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn bad_elicitations_are_refused() {
    let case = language_model("C12");
    let model = TableModel::from_rows(case.k, &case.p).unwrap();
    let plain = |suffix, length| Elicitation::new(&model, suffix, length);
    let refused = |task: Elicitation<'_, TableModel>| {
        let errors = [
            ExactSearch::new().search(&task).unwrap_err(),
            BeamSearch::new(2).search(&task, &model).unwrap_err(),
            CoordinateSearch::new().search(&task).unwrap_err(),
        ];
        let [first, others @ ..] = errors;
        for other in others {
            assert_eq!(other.to_string(), first.to_string());
        }
        first
    };
    assert!(matches!(refused(plain(&[], 2)), Error::EmptyText));
    assert!(matches!(refused(plain(&[3, 0], 2)), Error::TokenOutOfRange { token: 3, vocabulary_size: 3 }));
    assert!(matches!(refused(plain(&[0, 1], 0)), Error::MustBePositive { .. }));
    assert!(matches!(refused(plain(&[0, 1], 1)), Error::PromptTooShort { tokens: 0, needed: 2 }));
    assert!(matches!(
        refused(plain(&[0, 1], 1).prompt(&[0])),
        Error::PromptTooShort { tokens: 1, needed: 2 }
    ));
    assert!(matches!(refused(plain(&[0, 1], 1).prompt(&[0, 4])), Error::TokenOutOfRange { token: 4, .. }));
    for weight in [-1.0, f64::NAN, f64::INFINITY, 1.0] {
        let error = refused(plain(&[0, 1], 2).naturalness(weight));
        assert!(matches!(error, Error::InvalidSetting { name: "naturalness", .. }), "{weight}");
    }
    let (nine, four) = (Law::uniform(9), Law::uniform(4));
    assert!(matches!(
        refused(plain(&[0, 1], 2).start_law(&four)),
        Error::LengthMismatch { expected: 9, found: 4 }
    ));
    let error = refused(plain(&[0, 1], 1).start_law(&nine));
    assert!(matches!(error, Error::InvalidSetting { name: "the number of tokens of the prefix", .. }));
    assert!(matches!(plain(&[0, 1], 2).score(&[0]), Err(Error::LengthMismatch { expected: 2, found: 1 })));
    assert!(matches!(plain(&[0, 1], 2).score(&[0, 3]), Err(Error::TokenOutOfRange { token: 3, .. })));
}

#[test]
fn bad_searches_are_refused() {
    let case = language_model("C12");
    let model = TableModel::from_rows(case.k, &case.p).unwrap();
    let task = Elicitation::new(&model, &[0, 1], 2);
    assert!(matches!(ExactSearch::new().count(0).search(&task), Err(Error::MustBePositive { .. })));
    assert!(matches!(ExactSearch::new().memory_limit(8).search(&task), Err(Error::TooLarge { .. })));
    let endless = task.prompt(&[0, 0]).naturalness(1.0);
    let many = ExactSearch::new().count(usize::MAX).search(&endless);
    assert!(matches!(many, Err(Error::TooExpensive { .. })));

    let binary = TableModel::from_rows(1, &[[0.5, 0.5], [0.5, 0.5]]).unwrap();
    let beam = |width| BeamSearch::new(width);
    assert!(matches!(beam(0).search(&task, &model), Err(Error::MustBePositive { .. })));
    assert!(matches!(beam(2).proposals(0).search(&task, &model), Err(Error::MustBePositive { .. })));
    assert!(matches!(beam(2).search(&task, &binary), Err(Error::VocabularyMismatch { model: 2, text: 3 })));
    assert!(matches!(
        beam(2).after(&[9]).search(&task, &model),
        Err(Error::TokenOutOfRange { token: 9, .. })
    ));
    assert!(matches!(beam(usize::MAX).search(&task, &model), Err(Error::TooLarge { .. })));

    let climb = CoordinateSearch::new;
    assert!(matches!(climb().restarts(0).search(&task), Err(Error::MustBePositive { .. })));
    assert!(matches!(climb().candidates(0).search(&task), Err(Error::MustBePositive { .. })));
    // Two laws score a prefix.
    assert!(climb().restarts(3).max_evaluations(6).search(&task).is_ok());
    let few = climb().restarts(3).max_evaluations(5).search(&task);
    assert!(matches!(few, Err(Error::InvalidSetting { name: "max_evaluations", .. })));

    // Nothing is ever followed by a 1.
    let mute = TableModel::from_rows(1, &[[1.0, 0.0], [1.0, 0.0]]).unwrap();
    let task = Elicitation::new(&mute, &[1], 1);
    assert!(matches!(ExactSearch::new().search(&task), Err(Error::Impossible { .. })));
    let found = CoordinateSearch::new().search(&task).unwrap();
    assert_eq!(found.elicited.best().suffix_loss, f64::INFINITY);
    let started = Elicitation::new(&binary, &[1], 1);
    assert!(
        BeamSearch::new(2).search(&started, &mute).unwrap().prefixes.iter().all(|found| found.prefix == [0])
    );
}
