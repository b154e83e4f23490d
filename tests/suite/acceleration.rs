//! Stationary laws along likely paths and by shorter contexts, against elimination
//! and against power iteration.

use std::ops::ControlFlow;

use lmchain::chain::{MarkovChain, SmoothedChain, States};
use lmchain::model::{NgramSettings, Smoothing};
use lmchain::operator::{LikelyStep, Restart, ShiftOperator, SparseOperator, TransitionOperator, successors};
use lmchain::prob::{Law, total_variation};
use lmchain::solve::{Outcome, Progress, Stop};
use lmchain::stationary::{StationaryLaws, StationaryMethod, StationarySolver};
use lmchain::text::{ContextSpace, CorpusSettings, DocumentEnd, EndRule, Tokenizer};
use proptest::prelude::*;

use crate::common::tables;
use crate::support;
use crate::support::chains::ChainSpec;

/// The laws of all classes along likely paths are as near to those of
/// elimination as is proven; elimination is right to a few units a component.
fn agree_with_elimination<O: TransitionOperator>(
    chain: &MarkovChain<O>,
) -> std::result::Result<(), TestCaseError> {
    let solve = |method| StationarySolver::new().method(method).tolerance(1e-12).solve(chain).unwrap();
    let exact = solve(StationaryMethod::Gth).converged().unwrap();
    let found = solve(StationaryMethod::LikelyPaths);
    prop_assert!(found.is_converged(), "{}", found.report());
    let bound = found.report().error_bound.unwrap() + 4.0 * chain.len() as f64 * f64::EPSILON;
    for class in exact.classes() {
        let off = total_variation(&found.value().law(class), &exact.law(class));
        prop_assert!(off <= bound, "{off} off, proven {bound}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn likely_paths_and_elimination_agree((space, table) in tables::tables((2usize..4, 1usize..5), 0, 1e-3)) {
        agree_with_elimination(&tables::shift(space, table))?;
    }

    /// With zeros there are several classes, periodic ones, and states that are left for good.
    #[test]
    fn also_where_steps_are_impossible((space, table) in tables::tables((2usize..4, 1usize..4), 1, 0.05)) {
        agree_with_elimination(&tables::shift(space, table))?;
    }

    /// Powers of the entries: steps that are nearly certain.
    #[test]
    fn also_at_low_temperatures((space, table) in tables::tables((2usize..4, 1usize..5), 0, 0.3)) {
        agree_with_elimination(&cooled(space, &table))?;
    }
}

/// A table at a twelfth of its temperature.
fn cooled(space: ContextSpace, table: &[f64]) -> MarkovChain<ShiftOperator> {
    let cooled = |row: &[f64]| -> Vec<f64> {
        let powers: Vec<f64> = row.iter().map(|p| p.powi(12)).collect();
        powers.iter().map(|p| p / powers.iter().sum::<f64>()).collect()
    };
    tables::shift(space, table.chunks_exact(space.vocabulary_size()).flat_map(cooled).collect())
}

/// Chains that likely paths alone solve, where corrections and extrapolations go wrong and
/// plain steps take millions. On the first two tokens go round in four steps, and one stays where
/// it is, each left about once in a million steps; on the second two stay, and likely paths take a
/// hundred steps and more until the residual shows that they lead anywhere.
pub(crate) fn stubborn_chains() -> [MarkovChain<ShiftOperator>; 2] {
    let mut first = [0.5; 16];
    for (context, second) in [(0, 0.62), (1, 0.23), (2, 0.24), (4, 0.26), (8, 0.55), (15, 0.77)] {
        first[context] = second;
    }
    let second = [0.2776, 0.3572, 0.3868, 0.5361, 0.5499, 0.6304, 0.6365, 0.6152];
    let chain = |context_length, seconds: &[f64]| {
        let table: Vec<f64> = seconds.iter().flat_map(|second| [1.0 - second, *second]).collect();
        cooled(ContextSpace::new(2, context_length).unwrap(), &table)
    };
    [chain(4, &first), chain(3, &second)]
}

#[test]
fn what_only_likely_paths_solve_is_left_to_them() {
    for chain in stubborn_chains() {
        agree_with_elimination(&chain).unwrap();
        let found = StationarySolver::new().method(StationaryMethod::LikelyPaths).solve(&chain).unwrap();
        assert!(found.report().iterations < 700, "{}", found.report());
        assert!(StationarySolver::new().solve(&chain).unwrap().is_converged());
    }
}

/// A state that stays for ever, and two that all but stay: what leaves them is lost in the
/// rounding of products, and of what never leaves there is nothing beside likely steps.
#[test]
fn what_never_leaves_keeps_its_law_beside_what_hardly_does() {
    let leave = 1e-9;
    let steps = vec![(0, 0, 1.0), (1, 1, 1.0 - leave), (1, 2, leave), (2, 2, 1.0 - leave), (2, 1, leave)];
    let chain = MarkovChain::new(SparseOperator::from_triplets(3, steps).unwrap(), States::numbered(3));
    let found = StationarySolver::new().method(StationaryMethod::LikelyPaths).solve(&chain).unwrap();
    let laws = found.value();
    let law = |class| laws.law(class).to_vec();
    let found: Vec<Vec<f64>> = laws.classes().map(law).collect();
    assert_eq!(found, [vec![1.0, 0.0, 0.0], vec![0.0, 0.5, 0.5]]);
}

/// The time that is left until a renewal: for as many steps as the longest, plain steps prove nothing,
/// and must not be begun anew for that.
#[test]
fn a_proof_may_take_as_many_steps_as_the_chain_is_long() {
    let n = 100;
    let ages = (0..n).map(|left| (0, left, 1.0 / f64::from(n)));
    let steps = ages.chain((1..n).map(|left| (left, left - 1, 1.0))).collect();
    let operator = SparseOperator::from_triplets(n as usize, steps).unwrap();
    let chain = MarkovChain::new(operator, States::numbered(n as usize));
    for method in [StationaryMethod::Power, StationaryMethod::LikelyPaths] {
        let found = StationarySolver::new().method(method).solve(&chain).unwrap();
        assert!(found.is_converged(), "{method:?}: {}", found.report());
    }
}

/// Two states that stay, and two between them, from which the rest of the steps leads to and
/// fro: a proof by contexts, sets and paths in turns goes round in circles, on the second chain
/// so that it comes nearer, but slowly; by paths alone it ends.
pub(crate) fn chains_whose_proof_goes_round() -> [MarkovChain<ShiftOperator>; 2] {
    let space = ContextSpace::new(2, 2).unwrap();
    [
        cooled(space, &[0.743, 0.257, 0.495, 0.505, 0.514, 0.486, 0.285, 0.715]),
        cooled(space, &[0.67292, 0.32708, 0.47661, 0.52339, 0.50177, 0.49823, 0.34893, 0.65107]),
    ]
}

#[test]
fn a_proof_that_goes_round_is_begun_anew() {
    for chain in chains_whose_proof_goes_round() {
        agree_with_elimination(&chain).unwrap();
    }
}

/// The strongest case against power iteration, and where it would be wrong to
/// leave it: products counted, laws held against elimination.
#[test]
fn hard_chains_take_tens_of_products() {
    let most = [
        (ChainSpec::soft(27, 2), 24),
        (ChainSpec::peaky4(27, 2), 24),
        (ChainSpec::peaky8(27, 2), 24),
        (ChainSpec::meta2(27, 2), 24),
        (ChainSpec::meta3(27, 2), 30),
        (ChainSpec::meta2old(27, 2), 36),
    ];
    for (spec, most) in most {
        let chain = support::shift(&spec);
        let exact = StationarySolver::new().method(StationaryMethod::Gth).solve(&chain).unwrap();
        let exact = exact.converged().unwrap().unique().unwrap();
        let found = StationarySolver::new().method(StationaryMethod::LikelyPaths).solve(&chain).unwrap();
        let report = *found.report();
        assert_eq!(report.stop, Stop::Converged, "{}: {report}", spec.id());
        assert!(report.iterations <= most, "{}: {report}", spec.id());
        let off = total_variation(&found.into_value().unique().unwrap(), &exact);
        assert!(off <= report.error_bound.unwrap(), "{}: {off} off, {report}", spec.id());
    }
}

#[test]
fn a_law_that_is_not_done_is_a_law_with_its_own_residual() {
    // Slow enough to be extrapolated from about the twentieth product on.
    let chain = support::shift(&ChainSpec::meta2old(27, 2));
    let solver = StationarySolver::new().method(StationaryMethod::LikelyPaths);
    let solve = |solver: StationarySolver, last: usize| {
        let mut stop = |progress: &Progress| match progress.done as usize {
            done if done >= last => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        solver.solve_watched(&chain, &mut stop).unwrap()
    };
    for last in 1..45 {
        for (outcome, stop) in [
            (solve(solver.clone().max_iterations(last), usize::MAX), Stop::MaxIterations),
            (solve(solver.clone(), last), Stop::Cancelled),
        ] {
            let report = *outcome.report();
            if report.is_converged() {
                continue;
            }
            assert_eq!(report.stop, stop, "{last}");
            let law = outcome.into_value().unique().unwrap();
            // Each sum of 729 terms is off by less than as many units.
            let rounding = 729.0 * f64::EPSILON;
            assert!((law.iter().sum::<f64>() - 1.0).abs() <= rounding, "{last}");
            let mut next = vec![0.0; law.len()];
            chain.operator().push_forward(&law, &mut next);
            let residual: f64 = law.iter().zip(&next).map(|(p, q)| (p - q).abs()).sum();
            assert!((residual - report.residual).abs() <= 2.0 * rounding, "{last}: {residual}, {report}");
        }
    }
}

#[test]
fn products_do_not_grow_with_the_size_of_a_chain() {
    for spec in [ChainSpec::peaky8, ChainSpec::meta2, ChainSpec::meta3] {
        let products = |context| {
            let chain = support::shift(&spec(27, context));
            let solver = StationarySolver::new().method(StationaryMethod::LikelyPaths).error_tolerance(None);
            let outcome = solver.solve(&chain).unwrap();
            assert!(outcome.is_converged());
            outcome.report().iterations
        };
        // 27 times the states.
        let (small, large) = (products(2), products(3));
        assert!(large <= small + 4, "{small} and {large}");
    }
}

/// Sweeps can go round where products do not: down a ladder of states each group takes
/// up nothing new, up the ladder all of it. Either way the law is found and proven.
#[test]
fn sweeps_that_go_round_give_way() {
    let n = 30_000;
    // A step of the ladder, now and then to its foot, and back from the end.
    let ladder = |rung: fn(usize, usize) -> usize| {
        let step = |at: usize| {
            let up = if at + 1 < n { 0.999 } else { 0.0 };
            let from = rung(at, n) as u32;
            [(from, rung(0, n) as u32, 1.0 - up), (from, rung((at + 1) % n, n) as u32, up)]
        };
        let steps = (0..n).flat_map(step).filter(|step| step.2 > 0.0).collect();
        MarkovChain::new(SparseOperator::from_triplets(n, steps).unwrap(), States::numbered(n))
    };
    for (chain, rung) in [
        (ladder(|at, _| at), (|at, _| at) as fn(usize, usize) -> usize),
        (ladder(|at, n| n - 1 - at), |at, n| n - 1 - at),
    ] {
        let outcome = StationarySolver::new().solve(&chain).unwrap();
        assert!(outcome.is_converged(), "{}", outcome.report());
        let bound = outcome.report().error_bound.unwrap();
        let law = outcome.into_value().unique().unwrap();
        // Geometric, from the foot on.
        let foot = 0.001 / (1.0 - 0.999f64.powi(n as i32));
        let exact: Vec<f64> = (0..n).map(|at| foot * 0.999f64.powi(at as i32)).collect();
        let found: Vec<f64> = (0..n).map(|at| law[rung(at, n)]).collect();
        // The powers round by a unit a squaring, and each of n terms by a few.
        let rounding = 2.0 * n as f64 * f64::EPSILON;
        assert!(total_variation(&found, &exact) <= bound + rounding);
    }
}

/// All is deterministic: the products are counted, and more of them are a
/// change of method, not of the machine.
#[test]
fn automatic_choice_takes_as_many_products_as_recorded() {
    let recorded = [
        (ChainSpec::soft(27, 3), 17),
        (ChainSpec::peaky4(27, 3), 15),
        (ChainSpec::peaky8(27, 3), 9),
        (ChainSpec::meta2(27, 3), 16),
        (ChainSpec::meta3(27, 3), 19),
        (ChainSpec::meta2old(27, 3), 22),
    ];
    for (spec, recorded) in recorded {
        let chain = support::shift(&spec);
        let products = |method| {
            let solver = StationarySolver::new().method(method).error_tolerance(None);
            solver.solve(&chain).unwrap().report().iterations
        };
        let auto = products(StationaryMethod::Auto);
        assert!(auto <= recorded, "{}: {auto} products, {recorded} recorded", spec.id());
        // Two plain products tell that a chain is slow, and a step along paths
        // costs two of them: the choice may take as long as plain steps do in
        // all that it saves, and is never much behind paths from the start.
        let paths = products(StationaryMethod::LikelyPaths);
        assert!(auto <= 3 + 2 * paths, "{}: {auto} products, {paths} along paths", spec.id());
    }
}

/// A text that goes over from three letters to three others now and then, and back, as a chain
/// of the windows of six that it shows.
pub(crate) fn text_of_two_topics() -> MarkovChain<SparseOperator> {
    let mut random = 1u64;
    let letter = |place: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let topic = place / 3000 % 2;
        char::from(b"abcdef"[3 * topic + (random >> 33) as usize % 3])
    };
    let text: String = (0..60_000).map(letter).collect();
    let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Circular);
    MarkovChain::observed(&settings.read_strings([text]).unwrap(), 6).unwrap()
}

/// How often a window stands in a text that ends where it begins is what the law must be: as many
/// visits as departures. Contexts, of which not all are states, show the topics.
#[test]
fn topics_of_a_text_are_corrected_by_its_contexts() {
    let chain = text_of_two_topics();
    assert!(chain.len() > 2 * 512 && chain.states().space().is_none());
    let solve = |method| StationarySolver::new().method(method).error_tolerance(None).solve(&chain).unwrap();
    let (swift, plain) = (solve(StationaryMethod::Auto), solve(StationaryMethod::Power));
    assert!(swift.is_converged() && 10 * swift.report().iterations < plain.report().iterations);
    let found = StationarySolver::new().solve(&chain).unwrap();
    let bound = found.report().error_bound.unwrap();
    let law = found.converged().unwrap().unique().unwrap();
    let mut next = vec![0.0; chain.len()];
    chain.operator().push_forward(&law, &mut next);
    let steps: f64 = law.iter().zip(&next).map(|(p, q)| (p - q).abs()).sum();
    assert!(steps <= 1e-10);
    // From topic to topic as often as back: each has half of the letters, to one window.
    let in_first = |state: usize| chain.states().label(state).ends_with(['a', 'b', 'c']);
    let first: f64 = (0..chain.len()).filter(|&state| in_first(state)).map(|state| law[state]).sum();
    assert!((first - 0.5).abs() <= bound + chain.len() as f64 * f64::EPSILON, "{first}");
}

/// The same slow chain, known to operators in four ways: all are accelerated,
/// and none by what is not true of it.
#[test]
fn every_kind_of_operator_is_accelerated() {
    let solver = StationarySolver::new().method(StationaryMethod::LikelyPaths);
    let iterations = |outcome: Outcome<StationaryLaws<'_>>| outcome.report().iterations;
    for spec in [ChainSpec::peaky8(9, 3), ChainSpec::meta2(9, 3), ChainSpec::meta2old(9, 3)] {
        let chain = support::shift(&spec);
        let n = chain.len();
        assert!(chain.operator().is_evidently_shift());
        agree_with_elimination(&chain).unwrap();

        let row = |s: usize| {
            successors(chain.operator(), s).map(move |t| (s as u32, t.state as u32, t.probability))
        };
        let sparse = SparseOperator::from_triplets(n, (0..n).flat_map(row).collect()).unwrap();
        let sparse = chain.with_operator(sparse);
        // Not evident, but looked up: as many products as the table takes.
        assert!(!sparse.operator().is_evidently_shift());
        agree_with_elimination(&sparse).unwrap();
        let (of_shift, of_sparse) =
            (iterations(solver.solve(&chain).unwrap()), iterations(solver.solve(&sparse).unwrap()));
        assert!(of_sparse.abs_diff(of_shift) <= 2, "{}: {of_shift} and {of_sparse}", spec.id());

        // A restart is no shift: shorter contexts would be wrong of it.
        let restart = Restart::new(chain.operator(), 1e-5, Law::point(n, 3)).unwrap();
        let restarted = chain.with_operator(restart);
        assert!(!restarted.operator().is_evidently_shift());
        agree_with_elimination(&restarted).unwrap();
        let of_restart = iterations(solver.solve(&restarted).unwrap());
        let power = StationarySolver::new().method(StationaryMethod::Power).error_tolerance(None);
        let of_power = iterations(power.solve(&restarted).unwrap());
        assert!(4 * of_restart < of_power, "{}: {of_restart}, plainly {of_power}", spec.id());
    }
}

/// The contexts that a back-off model stores are no windows of one length, and
/// mix well: paths must do no harm.
#[test]
fn back_off_models_are_solved_along_paths() {
    let corpus = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Reset);
    let corpus = corpus.read_strings(include_str!("../../examples/data/harbor.txt").lines()).unwrap();
    let model = NgramSettings::new(3).smoothing(Smoothing::WittenBell).fit(&corpus).unwrap();
    let chain = MarkovChain::smoothed(&model).unwrap();
    agree_with_elimination(&chain).unwrap();
}

/// A text that goes round, its windows, and the same text restarted at times.
#[test]
fn windows_of_a_text_and_restarts_are_solved_too() {
    let text = include_str!("../../examples/data/kitchen.txt");
    let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Circular);
    let corpus = settings.read_strings([text]).unwrap();
    let chain = MarkovChain::observed(&corpus, 5).unwrap();
    let solver = StationarySolver::new().method(StationaryMethod::LikelyPaths);
    let law = solver.solve(&chain).unwrap().converged().unwrap().unique().unwrap();
    // The law of a text that goes round is that of its windows, exactly.
    let mut counts = vec![0.0; chain.len()];
    let tokens = corpus.tokens();
    for at in 0..tokens.len() {
        let window: Vec<_> = (0..5).map(|i| tokens[(at + i) % tokens.len()]).collect();
        counts[chain.states().after_prompt(&window).unwrap()] += 1.0 / tokens.len() as f64;
    }
    assert!(total_variation(&law, &counts) < 1e-6);

    let restarted =
        chain.with_operator(Restart::new(chain.operator(), 1e-4, Law::point(chain.len(), 3)).unwrap());
    let by_paths = solver.solve(&restarted).unwrap();
    let bound = by_paths.report().error_bound.unwrap();
    let gth = StationarySolver::new().method(StationaryMethod::Power).tolerance(1e-13);
    let by_power = gth.solve(&restarted).unwrap();
    let other = by_power.report().error_bound.unwrap();
    let law = |laws: lmchain::stationary::StationaryLaws<'_>| laws.unique().unwrap();
    assert!(total_variation(&law(by_paths.into_value()), &law(by_power.into_value())) <= bound + other);
}

#[test]
fn likely_steps_are_steps_and_the_likeliest_where_all_are_looked_at() {
    let corpus = CorpusSettings::new(Tokenizer::words()).document_end(DocumentEnd::Reset).unknown_token(true);
    let corpus = corpus.read_strings(include_str!("../../examples/data/harbor.txt").lines()).unwrap();
    let model = NgramSettings::new(3).smoothing(Smoothing::WittenBell).fit(&corpus).unwrap();
    let whole = MarkovChain::smoothed(&model).unwrap();
    let absorbing = SmoothedChain::new().end_rule(EndRule::Absorbing).build(&model).unwrap();
    for operator in [whole.operator(), absorbing.operator()] {
        check_steps(operator, false);
    }
    check_steps(support::shift(&ChainSpec::peaky4(5, 3)).operator(), true);
    check_steps(&support::shift(&ChainSpec::peaky4(5, 3)).operator().to_f32(), true);
    let shift = support::shift(&ChainSpec::soft(4, 3));
    check_steps(&Restart::new(shift.operator(), 0.25, Law::point(64, 7)).unwrap(), false);
    let observed = MarkovChain::observed(&corpus, 2).unwrap();
    check_steps(observed.operator(), true);
}

fn check_steps<O: TransitionOperator>(operator: &O, likeliest: bool) {
    let mut steps = vec![LikelyStep::default(); operator.states()];
    operator.likely_steps(&mut steps);
    let tolerance = Law::sum_tolerance(operator.longest_sum());
    for (state, step) in steps.iter().enumerate().step_by(1 + steps.len() / 300) {
        let probability = operator.probability(state, step.to as usize);
        assert!(
            step.probability <= probability * (1.0 + 4.0 * f64::EPSILON),
            "{state}: {step:?} {probability}"
        );
        assert!((step.probability + step.rest - 1.0).abs() <= tolerance, "{state}: {step:?}");
        if likeliest {
            let best = successors(operator, state).map(|to| to.probability).fold(0.0, f64::max);
            assert_eq!(step.probability, best, "{state}");
        }
    }
}
