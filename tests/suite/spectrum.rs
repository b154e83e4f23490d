//! Dominant eigenvalues against reference cases and dense matrices.

use lmchain::chain::{MarkovChain, States};
use lmchain::model::NgramSettings;
use lmchain::operator::{Restart, SparseOperator, TransitionOperator};
use lmchain::prob::{Law, stream};
use lmchain::solve::Stop;
use lmchain::spectrum::{DominantSolver, DominantSpectrum, Eigenvalue, SpectralOrder};
use lmchain::text::{CorpusSettings, DocumentEnd, Tokenizer};
use nalgebra::{Complex, DMatrix};
use rand::RngExt;

use crate::common;
use crate::common::{AnyChain, assert_close, language_models, matrices};

fn dense<O: TransitionOperator>(chain: &MarkovChain<O>) -> DMatrix<f64> {
    DMatrix::from_fn(chain.len(), chain.len(), |from, to| chain.operator().probability(from, to))
}

/// The largest distance from a number expected to the number found that is paired with it.
fn farthest(found: &[Eigenvalue], expected: &[Complex<f64>]) -> f64 {
    let mut left: Vec<Complex<f64>> = found.iter().map(|value| Complex::new(value.re, value.im)).collect();
    let mut farthest: f64 = 0.0;
    for value in expected {
        let distance = |other: &Complex<f64>| (other - value).norm();
        let nearest =
            (0..left.len()).min_by(|&a, &b| distance(&left[a]).total_cmp(&distance(&left[b]))).unwrap();
        farthest = farthest.max(distance(&left.swap_remove(nearest)));
    }
    farthest
}

/// Orthonormal vectors, the first of them 1, with `P X = X T` in every state.
#[track_caller]
fn check_subspace<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    spectrum: &DominantSpectrum,
    tolerance: f64,
) {
    let (x, t, weights) = (spectrum.vectors(), spectrum.form(), spectrum.weights());
    assert!(x[0].iter().all(|&one| (one - 1.0).abs() < 1e-13));
    for (column, vector) in x.iter().enumerate() {
        let mut image = vec![0.0; chain.len()];
        chain.operator().pull_back(vector, &mut image);
        for (row, other) in x.iter().enumerate() {
            let product: f64 = (0..chain.len()).map(|i| weights[i] * vector[i] * other[i]).sum();
            // Every exchange of two eigenvalues turns the basis with a rounding of eps;
            // a restart takes some thousands, and there are tens of them.
            assert!(
                (product - f64::from(u8::from(row == column))).abs() < 1e-11,
                "{row} {column}: {product}"
            );
            image.iter_mut().zip(other).for_each(|(value, o)| *value -= t[[row, column]] * o);
        }
        let largest = image.iter().fold(0.0f64, |most, left| most.max(left.abs()));
        assert!(largest < tolerance, "vector {column} is {largest:e} off");
    }
}

#[test]
fn the_eigenvalues_of_the_reference_cases_are_found_by_every_operator() {
    let mut checked = 0;
    for case in language_models() {
        let Some(values) = case.expected["eigenvalues_nonzero"].as_array() else { continue };
        let part = |value: &serde_json::Value, place: usize| value[place].as_f64().unwrap();
        let expected: Vec<Complex<f64>> =
            values.iter().map(|v| Complex::new(part(v, 0), part(v, 1))).collect();
        for (name, _, chain) in case.chains() {
            let what = format!("{} ({name})", case.name);
            let law = chain.stationary().unwrap().converged().unwrap();
            let found = DominantSolver::new(chain.len()).solve(&chain, &law).unwrap().converged().unwrap();
            // The nilpotent part is left out, however much is asked for.
            assert_eq!(found.eigenvalues().len(), expected.len(), "{what}: {:?}", found.eigenvalues());
            // A double eigenvalue with one eigenvector is known to the root of the rounding.
            let distance = farthest(found.eigenvalues(), &expected);
            assert!(distance < 3e-7, "{what}: {distance:e}");
            check_subspace(&chain, &found, 1e-10);
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked} chains");
}

#[test]
fn the_published_eigenvalues_of_a_matrix_without_symmetry_are_found() {
    let case = matrices().into_iter().find(|case| case.name == "gpcca_nonreversible_12").unwrap();
    let part = |value: &serde_json::Value, place: usize| value[place].as_f64().unwrap();
    let expected = case.expected["eigenvalues_subset"].as_array().unwrap();
    let expected: Vec<Complex<f64>> = expected.iter().map(|v| Complex::new(part(v, 0), part(v, 1))).collect();
    let chain = case.shift();
    let law = chain.stationary().unwrap().converged().unwrap();
    let found = DominantSolver::new(12).solve(&chain, &law).unwrap().converged().unwrap();
    let distance = farthest(found.eigenvalues(), &expected);
    assert!(distance < case.tolerance, "{distance:e}");
    // Three are wanted, and three are given; of four the fourth would split a pair.
    for (wanted, given) in [(3, 3), (4, 5)] {
        let found = DominantSolver::new(wanted).order(SpectralOrder::Modulus);
        let found = found.solve(&chain, &law).unwrap().converged().unwrap();
        assert_eq!(found.eigenvalues().len(), given, "{wanted} wanted");
    }
    assert!(found.is_separate(3) && !found.is_separate(4) && found.is_separate(12));
}

#[test]
fn parts_of_a_defective_eigenvalue_are_not_separate() {
    for m in 2..=4 {
        // m states in a row that are kept to or left for the next, each with 1/2: one Jordan
        // block of 1/2 of size m, which rounding splits by the m-th root of eps.
        let step = |state: u32| [(state, state, 0.5), (state, state + 1, 0.5)];
        let entries = (0..m).flat_map(step).chain([(m, m, 1.0)]).collect();
        let states = m as usize + 1;
        let chain = MarkovChain::new(
            SparseOperator::from_triplets(states, entries).unwrap(),
            States::numbered(states),
        );
        let law = Law::uniform(states);
        for seed in 0..20 {
            let found =
                DominantSolver::new(states).seed(seed).solve(&chain, &law).unwrap().converged().unwrap();
            assert_eq!(found.eigenvalues().len(), states);
            assert!(found.is_separate(1) && found.is_separate(states));
            for count in 2..states {
                let gap = found.gap_after(count).unwrap();
                assert!(!found.is_separate(count), "{count} of {states}, seed {seed}: {gap:e}");
            }
        }
    }
}

#[test]
fn the_last_of_those_wanted_is_no_part_of_a_defective_one_either() {
    let step = |state: u32| [(state, state, 0.5), (state, state + 1, 0.5)];
    let entries = (0..3).flat_map(step).chain([(3, 3, 1.0)]).collect();
    let chain = MarkovChain::new(SparseOperator::from_triplets(4, entries).unwrap(), States::numbered(4));
    let of = |count: usize| DominantSolver::new(count).solve(&chain, &Law::uniform(4)).unwrap().into_value();
    assert!(of(1).is_separate(1) && !of(2).is_separate(2) && of(4).is_separate(4));
}

/// A random sparse chain: a few successors each, some much likelier than others.
fn random_chain(states: usize, seed: u64) -> MarkovChain<SparseOperator> {
    let mut rng = stream(seed, 0);
    let mut entries = std::collections::BTreeMap::new();
    for from in 0..states as u32 {
        for _ in 0..4 {
            let to = rng.random_range(0..states as u32);
            *entries.entry((from, to)).or_insert(0.0) += rng.random_range(0.0f64..1.0).powi(3);
        }
        // Near neighbours keep it slow.
        *entries.entry((from, (from + 1) % states as u32)).or_insert(0.0) += 3.0;
    }
    let entries = entries.into_iter().map(|((from, to), weight)| (from, to, weight)).collect();
    MarkovChain::new(SparseOperator::from_weights(states, entries).unwrap(), States::numbered(states))
}

#[test]
fn large_chains_agree_with_a_dense_decomposition() {
    for (states, seed) in [(150, 1), (400, 2)] {
        let chain = random_chain(states, seed);
        let law = chain.stationary().unwrap().converged().unwrap();
        let mut all: Vec<Complex<f64>> = dense(&chain).complex_eigenvalues().iter().copied().collect();
        for order in [SpectralOrder::Modulus, SpectralOrder::RealPart] {
            let key = |value: &Complex<f64>| order.key(Eigenvalue { re: value.re, im: value.im });
            all.sort_by(|a, b| key(b).total_cmp(&key(a)));
            let outcome = DominantSolver::new(8).order(order).solve(&chain, &law).unwrap();
            assert!(outcome.report().iterations < 2000, "{}", outcome.report());
            let found = outcome.converged().unwrap();
            let count = found.eigenvalues().len();
            // Two products differ by the rounding times the condition of the eigenvalues.
            let distance = farthest(found.eigenvalues(), &all[..count]);
            assert!(distance < 1e-8, "{states} states, {order:?}: {distance:e}");
            check_subspace(&chain, &found, 1e-8);
        }
    }
}

#[test]
fn eigenvalues_are_found_as_often_as_they_occur() {
    // Three copies of one chain, in which nothing tells the copies apart: every
    // eigenvalue is there three times.
    let (block, copies) = (60, 3);
    let one = random_chain(block, 7);
    let matrix = dense(&one);
    let entries = (0..copies * block).flat_map(|from| {
        let copy = from / block * block;
        let row: Vec<_> =
            (0..block).map(|to| (from as u32, (copy + to) as u32, matrix[(from - copy, to)])).collect();
        row.into_iter().filter(|entry| entry.2 > 0.0)
    });
    let operator = SparseOperator::from_weights(copies * block, entries.collect()).unwrap();
    let chain = MarkovChain::new(operator, States::numbered(copies * block));
    let mut single: Vec<Complex<f64>> = matrix.complex_eigenvalues().iter().copied().collect();
    single.sort_by(|a, b| b.norm().total_cmp(&a.norm()));
    let law = Law::uniform(chain.len());
    for wanted in [3, 9] {
        let found = DominantSolver::new(wanted).solve(&chain, &law).unwrap().converged().unwrap();
        let distinct = found.eigenvalues().len() / copies;
        let expected: Vec<_> = single[..distinct].iter().flat_map(|&value| [value; 3]).collect();
        let distance = farthest(found.eigenvalues(), &expected);
        assert!(distance < 1e-8, "{wanted} wanted: {distance:e} in {:?}", found.eigenvalues());
        check_subspace(&chain, &found, 1e-8);
    }
}

#[test]
fn a_periodic_chain_has_its_roots_of_unity() {
    let states = 240;
    let entries = (0..states).map(|from| (from as u32, ((from + 1) % states) as u32, 1.0)).collect();
    let chain =
        MarkovChain::new(SparseOperator::from_triplets(states, entries).unwrap(), States::numbered(states));
    let law = Law::uniform(states);
    let found = DominantSolver::new(5).order(SpectralOrder::RealPart).solve(&chain, &law).unwrap();
    let found = found.converged().unwrap();
    for (place, value) in found.eigenvalues().iter().enumerate() {
        let angle = std::f64::consts::TAU * place.div_ceil(2) as f64 / states as f64;
        assert_close(value.re, angle.cos(), 1e-9, "real part");
        assert_close(value.im.abs(), angle.sin(), 1e-7, "imaginary part");
    }
}

#[test]
fn the_reversibilization_has_the_eigenvalues_of_the_symmetric_matrix() {
    for case in matrices().into_iter().filter(|case| case.name.starts_with("gpcca")) {
        let chain = case.shift();
        let law = chain.stationary().unwrap().converged().unwrap();
        let p = dense(&chain);
        let symmetric = DMatrix::from_fn(chain.len(), chain.len(), |i, j| {
            let flow = law[i] * p[(i, j)] + law[j] * p[(j, i)];
            0.5 * flow / (law[i] * law[j]).sqrt()
        });
        let expected: Vec<Complex<f64>> =
            symmetric.symmetric_eigenvalues().iter().map(|&value| Complex::new(value, 0.0)).collect();
        let found = DominantSolver::new(chain.len()).reversibilized(true).solve(&chain, &law).unwrap();
        let found = found.converged().unwrap();
        let distance = farthest(found.eigenvalues(), &expected);
        assert!(distance < 1e-12, "{}: {distance:e}", case.name);
    }
}

#[test]
fn whole_back_off_models_agree_with_a_dense_decomposition() {
    let text = include_str!("../../examples/data/kitchen.txt");
    for order in [2, 3] {
        let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Reset);
        let corpus = settings.read_strings(text.split("\n\n")).unwrap();
        let chain = MarkovChain::smoothed(&NgramSettings::new(order).fit(&corpus).unwrap()).unwrap();
        let law = chain.stationary().unwrap().converged().unwrap();
        let mut all: Vec<Complex<f64>> = dense(&chain).complex_eigenvalues().iter().copied().collect();
        all.sort_by(|a, b| b.norm().total_cmp(&a.norm()));
        let found = DominantSolver::new(6).solve(&chain, &law).unwrap().converged().unwrap();
        let distance = farthest(found.eigenvalues(), &all[..found.eigenvalues().len()]);
        assert!(distance < 1e-8, "order {order}, {} states: {distance:e}", chain.len());
        check_subspace(&chain, &found, 1e-8);
    }
}

#[test]
fn restarts_shrink_every_eigenvalue_but_the_first() {
    // Haveliwala and Kamvar 2003: those of (1 - e) P + e 1 m are 1 and (1 - e) lambda.
    let chain = random_chain(300, 5);
    let law = chain.stationary().unwrap().converged().unwrap();
    let plain = DominantSolver::new(5).solve(&chain, &law).unwrap().converged().unwrap();
    let restarted = Restart::new(chain.operator(), 0.25, Law::point(300, 17)).unwrap();
    let restarted = chain.with_operator(restarted);
    let law = restarted.stationary().unwrap().converged().unwrap();
    let found = DominantSolver::new(5).solve(&restarted, &law).unwrap().converged().unwrap();
    assert_eq!(found.eigenvalues().len(), plain.eigenvalues().len());
    for (after, before) in found.eigenvalues()[1..].iter().zip(&plain.eigenvalues()[1..]) {
        assert_close(after.modulus(), 0.75 * before.modulus(), 1e-8, "modulus");
    }
}

#[test]
fn states_that_are_not_visited_can_be_left_out() {
    // Two transient states that are slow to leave, before two recurrent ones.
    let chain = ndarray::array![
        [0.95, 0.0, 0.05, 0.0],
        [0.3, 0.7, 0.0, 0.0],
        [0.0, 0.0, 0.8, 0.2],
        [0.0, 0.0, 0.1, 0.9]
    ];
    let chain = MarkovChain::from_dense(chain.view()).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    let moduli = |solver: DominantSolver| {
        let found = solver.solve(&chain, &law).unwrap().converged().unwrap();
        found.eigenvalues().iter().map(Eigenvalue::modulus).collect::<Vec<_>>()
    };
    common::assert_all_close(&moduli(DominantSolver::new(4)), &[1.0, 0.95, 0.7, 0.7], 1e-7, "all");
    common::assert_all_close(
        &moduli(DominantSolver::new(4).visited_only(true)),
        &[1.0, 0.7],
        1e-12,
        "visited",
    );
    let refused = DominantSolver::new(2).visited_only(true).solve(&chain, &Law::point(4, 0)).unwrap_err();
    assert!(matches!(refused, lmchain::Error::LeavesLaw { state: 0, .. }), "{refused}");
}

#[test]
fn what_has_not_converged_does_not_say_so() {
    let chain = random_chain(400, 2);
    let law = Law::uniform(400);
    let solver = DominantSolver::new(8).tolerance(1e-12).max_iterations(1);
    let outcome = solver.solve(&chain, &law).unwrap();
    assert_eq!(outcome.report().stop, Stop::MaxIterations);
    assert!(outcome.report().residual > 1e-12);
    let mut looks = 0;
    let outcome = DominantSolver::new(8).solve_watched(&chain, &law, &mut |_: &_| {
        looks += 1;
        std::ops::ControlFlow::Break(())
    });
    assert_eq!((outcome.unwrap().report().stop, looks), (Stop::Cancelled, 1));
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let chain: AnyChain = random_chain(70_000, 3).boxed();
    let law = Law::uniform(70_000);
    let solver = DominantSolver::new(3).max_iterations(40);
    let solve = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| solver.solve(&chain, &law).unwrap())
    };
    let one = solve(1);
    assert!(solve(2) == one && solve(8) == one);
}
