//! A solve that was stopped, or killed, and is taken up again gives the same bits.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use lmchain::chain::MarkovChain;
use lmchain::error::{CheckpointProblem, Error};
use lmchain::operator::{ShiftOperator, SparseOperator, StreamedOperator, TransitionOperator};
use lmchain::prob::{Law, total_variation};
use lmchain::solve::{Progress, Report, Stop};
use lmchain::stationary::{StationaryMethod, StationarySolver};

use crate::acceleration::{chains_whose_proof_goes_round, stubborn_chains, text_of_two_topics};
use crate::decomposable::six_sets;
use crate::support;
use crate::support::chains::ChainSpec;

/// The bits of all laws, and the report.
fn solve<O: TransitionOperator>(solver: &StationarySolver, chain: &MarkovChain<O>) -> (Vec<u64>, Report) {
    stopped(solver, chain, usize::MAX)
}

/// The same, stopped by the observer when so many iterations are done.
fn stopped<O: TransitionOperator>(
    solver: &StationarySolver,
    chain: &MarkovChain<O>,
    after: usize,
) -> (Vec<u64>, Report) {
    let mut watch = |progress: &Progress| {
        if progress.done >= after as u64 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let outcome = solver.solve_watched(chain, &mut watch).unwrap();
    let report = *outcome.report();
    let laws = outcome.into_value();
    let weights = vec![1.0; laws.classes().count()];
    (laws.mixture(&weights).iter().map(|p| p.to_bits()).collect(), report)
}

/// Solves without a checkpoint, with one, and stopped again and again, so that it is
/// taken up in every state that it passes through.
fn check<O: TransitionOperator>(what: &str, solver: &StationarySolver, chain: &MarkovChain<O>) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let plain = solve(solver, chain);
    for every in [1, 3] {
        let path = folder.path().join(format!("every-{every}"));
        let kept = solver.clone().checkpoint(&path, every);
        assert!(solve(&kept, chain) == plain, "{what}: writing checkpoints changes the answer");
        if path.exists() {
            fs::remove_file(&path).unwrap();
        }
        // Stopping after `n` iterations leaves the checkpoint of the last multiple
        // of `every` before; what is taken up there is stopped one later.
        for after in 1..=plain.1.iterations {
            let report = stopped(&kept, chain, after).1;
            assert_eq!((report.stop, report.iterations), (Stop::Cancelled, after), "{what}");
        }
        assert!(path.exists() || plain.1.iterations <= every);
        assert!(solve(&kept, chain) == plain, "{what}, every {every}: taken up again it differs");
    }
    plain.1
}

fn solver(method: StationaryMethod) -> StationarySolver {
    StationarySolver::new().method(method)
}

#[test]
fn every_method_is_taken_up_in_every_state() {
    let spec = |name: &str| match name {
        "soft" => ChainSpec::soft(9, 3),
        "peaky" => ChainSpec::peaky8(9, 3),
        "meta" => ChainSpec::meta2(9, 3),
        _ => ChainSpec::meta2old(9, 3),
    };
    for name in ["soft", "peaky", "meta", "meta2old"] {
        let chain = support::shift(&spec(name));
        for method in [StationaryMethod::Auto, StationaryMethod::LikelyPaths] {
            let report = check(&format!("{name}, {method:?}"), &solver(method), &chain);
            assert!(report.is_converged(), "{name}, {method:?}: {report}");
        }
    }
    // With metastable sets, and with steps that are extrapolated too.
    for (leave, tolerance) in [(1e-3, 1e-10), (1e-5, 1e-13)] {
        let solver = solver(StationaryMethod::Auto).tolerance(tolerance);
        check(&format!("sets left with {leave}"), &solver, &six_sets(leave));
    }
    // Over some contexts, and where to eliminate the tokens is not cheap.
    let report = check("text", &solver(StationaryMethod::Auto), &text_of_two_topics());
    assert!(report.is_converged(), "{report}");
    check("pairs", &solver(StationaryMethod::Auto), &support::shift(&ChainSpec::soft(27, 2)));
    let soft = support::shift(&spec("soft"));
    for method in [StationaryMethod::Power, StationaryMethod::LazyPower] {
        check(&format!("{method:?}"), &solver(method), &soft);
    }
}

#[test]
fn a_proof_that_takes_several_attempts_is_taken_up_too() {
    // So small an error takes a smaller residual than the one asked for first: the
    // proof is begun, the iteration goes on, and the proof is taken up.
    let chain = support::shift(&ChainSpec::meta2(9, 3));
    for method in [StationaryMethod::Auto, StationaryMethod::LikelyPaths] {
        let solver = solver(method).tolerance(1e-4).error_tolerance(1e-9);
        let mut proving_since = None;
        let mut watch = |progress: &Progress| {
            if progress.stage == "bounding the error" {
                proving_since.get_or_insert(progress.done);
            }
            ControlFlow::Continue(())
        };
        let outcome = solver.solve_watched(&chain, &mut watch).unwrap();
        let iterations = outcome.report().iterations as u64;
        assert!(proving_since.is_some_and(|first| first < iterations), "{method:?}");
        check(&format!("a proof, {method:?}"), &solver, &chain);
    }
}

#[test]
fn likely_paths_alone_and_proofs_begun_anew_are_taken_up() {
    for chain in stubborn_chains().into_iter().chain(chains_whose_proof_goes_round()) {
        let report = check("a stubborn chain", &solver(StationaryMethod::LikelyPaths), &chain);
        assert!(report.is_converged(), "{report}");
        // A residual that tells little: what is proven of it, if anything, is the same.
        let early = solver(StationaryMethod::LikelyPaths).tolerance(1e-4);
        let report = check("a stubborn chain, proven early", &early, &chain);
        assert!(report.is_converged() || report.stop == Stop::Unproven, "{report}");
    }
}

#[test]
fn several_classes_and_periods_are_taken_up() {
    // Two classes, one of them of period 2, and states that lead to both.
    let block = |first: u32, n: u32, even: bool| {
        (0..n).flat_map(move |i| {
            let targets: Vec<u32> = (0..n).filter(|j| !even || (i + j) % 2 == 1).collect();
            let weight = move |j: u32| f64::from((i * 7 + j * 13) % 11 + 1);
            let sum: f64 = targets.iter().map(|&j| weight(j)).sum();
            targets.into_iter().map(move |j| (first + i, first + j, weight(j) / sum))
        })
    };
    let mut entries: Vec<(u32, u32, f64)> = block(0, 40, false).chain(block(40, 30, true)).collect();
    entries.extend([(70, 0, 0.5), (70, 40, 0.25), (70, 70, 0.25)]);
    let operator = SparseOperator::from_triplets(71, entries).unwrap();
    let chain = MarkovChain::new(operator, lmchain::chain::States::numbered(71));
    // Along likely paths the bound is proven, by plain steps it is not for a period.
    let lazy = solver(StationaryMethod::LazyPower).error_tolerance(None);
    for (method, solver) in [("lazy", lazy), ("likely paths", solver(StationaryMethod::LikelyPaths))] {
        let report = check(method, &solver, &chain);
        assert!(report.is_converged(), "{method}: {report}");
    }
}

#[test]
fn sweeps_are_taken_up_in_either_precision() {
    let chain = support::shift(&ChainSpec::soft(9, 5));
    for start in [false, true] {
        let solver = solver(StationaryMethod::Auto).single_precision_start(start);
        let report = check(&format!("sweeps, in single precision first: {start}"), &solver, &chain);
        assert!(report.is_converged(), "{report}");
    }
}

#[test]
fn a_table_in_memory_takes_up_what_one_outside_began() {
    // Plain steps, and sweeps.
    for spec in [ChainSpec::soft(9, 3), ChainSpec::soft(9, 5)] {
        take_up_in_memory(&support::shift(&spec));
    }
}

fn take_up_in_memory(chain: &MarkovChain<ShiftOperator>) {
    let outside = StreamedOperator::new(chain.operator()).unwrap();
    let outside = chain.with_operator(outside);
    let folder = tempfile::tempdir().unwrap();
    let solver = StationarySolver::new().checkpoint(folder.path().join("kept"), 2);
    assert_eq!(stopped(&solver, &outside, 5).1.stop, Stop::Cancelled);
    let mut first = None;
    let mut watch = |progress: &Progress| {
        first.get_or_insert(progress.done);
        ControlFlow::Continue(())
    };
    let law = solver.solve_watched(chain, &mut watch).unwrap().converged().unwrap().unique().unwrap();
    assert_eq!(first, Some(4));
    // Sums of steps are added up in another order, each off by N units at most; there are two in a solve so short.
    let rounding = 4.0 * chain.len() as f64 * f64::EPSILON;
    let alone = StationarySolver::new().solve(chain).unwrap().converged().unwrap().unique().unwrap();
    assert!(total_variation(&law, &alone) <= rounding);
}

fn problem<O: TransitionOperator>(solver: &StationarySolver, chain: &MarkovChain<O>) -> CheckpointProblem {
    match solver.solve(chain) {
        Err(Error::Checkpoint { problem, .. }) => problem,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken up"),
    }
}

#[test]
fn foreign_and_damaged_checkpoints_are_refused() {
    let spec = ChainSpec::soft(9, 3);
    let chain = support::shift(&spec);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    let solver = StationarySolver::new().checkpoint(&path, 3);
    stopped(&solver, &chain, 7);
    let whole = fs::read(&path).unwrap();

    // Of another chain: other sizes, or one entry that differs in its last bits.
    assert_eq!(problem(&solver, &support::shift(&ChainSpec::soft(10, 3))), CheckpointProblem::OtherChain);
    let mut table = spec.table();
    table[4000] += 1e-15;
    let other = ShiftOperator::new(*chain.operator().space(), table).unwrap();
    assert_eq!(problem(&solver, &chain.with_operator(other)), CheckpointProblem::OtherChain);

    // Of other settings; more iterations, or another rhythm, are none.
    let of = |setting| CheckpointProblem::OtherSetting { setting };
    assert_eq!(problem(&solver.clone().tolerance(1e-9), &chain), of("tolerance"));
    assert_eq!(problem(&solver.clone().error_tolerance(None), &chain), of("error_tolerance"));
    assert_eq!(problem(&solver.clone().method(StationaryMethod::Power), &chain), of("method"));
    let expected = solve(&StationarySolver::new(), &chain);
    assert!(solve(&solver.clone().max_iterations(99).checkpoint(&path, 4), &chain) == expected);

    // Damaged, cut short, or no checkpoint at all.
    for byte in (0..whole.len()).step_by(97).chain(0..200).chain(whole.len() - 200..whole.len()) {
        let mut damaged = whole.clone();
        damaged[byte] ^= 0x10;
        fs::write(&path, damaged).unwrap();
        let found = problem(&solver, &chain);
        assert_eq!(found == CheckpointProblem::NotACheckpoint, byte < 8, "byte {byte}: {found}");
        assert_eq!(matches!(found, CheckpointProblem::Version { .. }), (8..16).contains(&byte));
    }
    for length in (0..whole.len()).step_by(97).chain(whole.len() - 9..whole.len()) {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(problem(&solver, &chain), CheckpointProblem::Damaged);
    }
    assert!(fs::read(&path).unwrap().len() < whole.len(), "a checkpoint that is refused is left alone");

    fs::remove_file(&path).unwrap();
    let nowhere = StationarySolver::new().checkpoint(folder.path().join("no/folder"), 1);
    assert!(matches!(nowhere.solve(&chain), Err(Error::Io { .. })));
    let never = StationarySolver::new().checkpoint(&path, 0);
    assert!(matches!(never.solve(&chain), Err(Error::InvalidSetting { .. })));
}

#[test]
fn elimination_keeps_nothing() {
    let chain = support::shift(&ChainSpec::soft(3, 2));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    let law = StationarySolver::new().checkpoint(&path, 1).solve(&chain).unwrap();
    assert_eq!(law.report().stop, Stop::Direct);
    assert!(!path.exists());
}

const KILLED: &str = "LMCHAIN_TEST_KILLED_AFTER";

fn killed_solver(folder: &Path) -> StationarySolver {
    StationarySolver::new().checkpoint(folder.join("kept"), 2)
}

/// Solves in a process that ends without a chance to tidy up, and takes it up here.
#[test]
fn a_killed_process_is_taken_up() {
    let chain = support::shift(&ChainSpec::meta2old(9, 3));
    let expected = solve(&StationarySolver::new(), &chain);
    let folder = tempfile::tempdir().unwrap();
    for after in [1, 5, 9, expected.1.iterations - 1] {
        let this = std::env::current_exe().unwrap();
        let status = Command::new(this)
            .args(["--exact", "checkpoints::is_killed", "--ignored"])
            .env(KILLED, after.to_string())
            .current_dir(folder.path())
            .output()
            .unwrap()
            .status;
        assert!(!status.success(), "it was to be killed");
    }
    assert!(folder.path().join("kept").exists());
    // What a kill while writing leaves behind does no harm.
    fs::write(folder.path().join("kept.partial"), "half a checkpoint").unwrap();
    let solver = killed_solver(folder.path());
    let mut first = None;
    let mut watch = |progress: &Progress| {
        first.get_or_insert(progress.done);
        ControlFlow::Continue(())
    };
    let law: Law = solver.solve_watched(&chain, &mut watch).unwrap().converged().unwrap().unique().unwrap();
    assert!(first.is_some_and(|first| first > 9), "it did not begin again");
    assert!(law.iter().map(|p| p.to_bits()).eq(expected.0));
}

#[test]
#[ignore = "ends its process; run by another test"]
fn is_killed() {
    let Ok(after) = std::env::var(KILLED) else { return };
    let after: u64 = after.parse().unwrap();
    let mut watch = |progress: &Progress| {
        if progress.done >= after {
            std::process::abort();
        }
        ControlFlow::Continue(())
    };
    let chain = support::shift(&ChainSpec::meta2old(9, 3));
    let _ = killed_solver(Path::new(".")).solve_watched(&chain, &mut watch);
}
