//! How answers move with the probabilities, against references, exact identities
//! of perturbation, and slow computations of the same.

use std::ops::ControlFlow;

use crate::common::tables::{shift, tables};
use crate::common::{assert_close, language_model, matrices, matrix};

mod posteriors;

use lmchain::Error;
use lmchain::chain::{MarkovChain, Start, StateSet, States};
use lmchain::mixing::SecondEigenvalue;
use lmchain::operator::{Restart, ShiftOperator, SparseOperator, TransitionOperator, successors};
use lmchain::passage::PassageSolver;
use lmchain::prob::Law;
use lmchain::sensitivity::{Change, PoissonSolver};
use lmchain::solve::{Progress, Stop};
use lmchain::stationary::{StationaryMethod, StationarySolver};
use lmchain::text::ContextSpace;
use proptest::prelude::*;

fn law_of<O: TransitionOperator>(chain: &MarkovChain<O>) -> Law {
    chain.stationary().unwrap().converged().unwrap()
}

/// A reversible way to write `P` as a dense matrix.
fn dense<O: TransitionOperator>(chain: &MarkovChain<O>) -> Vec<Vec<f64>> {
    let row = |state| {
        let mut row = vec![0.0; chain.len()];
        successors(chain.operator(), state).for_each(|next| row[next.state] = next.probability);
        row
    };
    (0..chain.len()).map(row).collect()
}

fn mean(law: &[f64], f: &[f64]) -> f64 {
    law.iter().zip(f).map(|(p, x)| p * x).sum()
}

#[test]
fn the_group_inverse_is_that_of_the_references() {
    let mut checked = 0;
    for case in matrices() {
        let Some(expected) = case.expected.get("stationary_sensitivity") else { continue };
        for expected in expected.as_array().unwrap() {
            let state = expected["state"].as_u64().unwrap() as usize;
            let value = matrix(&expected["value"]);
            for (name, _, chain) in case.chains() {
                let law = law_of(&chain);
                let indicator = Law::point(chain.len(), state);
                let poisson = PoissonSolver::new().solve(&chain, &law, &indicator).unwrap();
                let poisson = poisson.converged().unwrap();
                for (from, to) in (0..case.v).flat_map(|i| (0..case.v).map(move |j| (i, j))) {
                    // PyDTMC: the effect of an entry, the row not mended.
                    let found = law[from] * poisson.values()[to];
                    let what = format!("{} ({name}) {state}: {from}, {to}", case.name);
                    assert_close(found, value[from][to], case.tolerance, &what);
                }
                checked += 1;
            }
        }
    }
    assert!(checked >= 8 * 4, "{checked}");
}

#[test]
fn eigenvalues_and_timescales_move_as_in_the_reference() {
    let case = matrices().into_iter().find(|case| case.name == "dt_sens_2state").unwrap();
    for (name, _, chain) in case.chains() {
        for expected in case.expected["eigenvalue_sensitivity"].as_array().unwrap() {
            let first = expected["k"] == 0;
            let given = SecondEigenvalue { re: if first { 1.0 } else { 0.75 }, im: 0.0 };
            let found = chain.eigenvalue_sensitivity(&given).unwrap().converged().unwrap();
            let expected = matrix(&expected["value"]);
            let timescales = matrix(&case.expected["timescale_sensitivity"][0]["value"]);
            for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let what = format!("{name} {i}, {j}");
                assert_close(found.of(i, j).0, expected[i][j], 1e-12, &what);
                assert!(found.of(i, j).1.abs() < 1e-12, "{what}");
                if !first {
                    assert_close(found.timescale(i, j), timescales[i][j], case.tolerance, &what);
                }
            }
        }
    }
}

#[test]
fn a_complex_eigenvalue_moves_with_its_trace() {
    // The eigenvalues of a matrix near [[a, b, c]] circulating are a + b w + c w^2,
    // so moving from P(i, i) to P(i, i + 1) in all rows moves one by h (w - 1).
    let chain =
        MarkovChain::from_dense(ndarray::array![[0.1, 0.7, 0.2], [0.2, 0.1, 0.7], [0.7, 0.2, 0.1]].view())
            .unwrap();
    let (re, im) = (0.1 - 0.5 * 0.9, 0.75f64.sqrt() * 0.5);
    let found = chain.eigenvalue_sensitivity(&SecondEigenvalue { re, im }).unwrap().converged().unwrap();
    assert_close(found.value().0, re, 1e-13, "real part");
    assert_close(found.value().1, im, 1e-13, "imaginary part");
    let moved = |part: fn((f64, f64)) -> f64| {
        (0..3).map(|i| part(found.of(i, (i + 1) % 3)) - part(found.of(i, i))).sum::<f64>()
    };
    assert_close(moved(|x| x.0), -1.5, 1e-12, "real part of w - 1");
    assert_close(moved(|x| x.1), 0.75f64.sqrt(), 1e-12, "imaginary part of w - 1");
    assert_close(found.condition(), 1.0, 1e-12, "a circulant matrix is normal");
}

#[test]
fn a_defective_eigenvalue_is_not_trusted() {
    // Windows over independent tokens: the eigenvalue 0 in Jordan blocks.
    let chain = language_model("C02").shift();
    let found = chain.eigenvalue_sensitivity(&SecondEigenvalue { re: 0.0, im: 0.0 }).unwrap();
    assert_eq!(found.report().stop, Stop::Unproven);
}

#[test]
fn a_repeated_eigenvalue_has_no_derivative() {
    // 0.7 I + 0.1 J: the eigenvalue 0.7 twice, semisimple, so perfectly conditioned.
    for given in [0.7, 0.7 + 1e-9, 0.7001] {
        let rows = ndarray::array![[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]];
        let chain = MarkovChain::from_dense(rows.view()).unwrap();
        let twice = SecondEigenvalue { re: given, im: 0.0 };
        assert_eq!(chain.eigenvalue_sensitivity(&twice).unwrap().report().stop, Stop::Unproven, "{given}");
        // The eigenvalue 1 is simple: l = 1, r = pi.
        let once = SecondEigenvalue { re: 1.0, im: 0.0 };
        let once = chain.eigenvalue_sensitivity(&once).unwrap().converged().unwrap();
        assert_close(once.of(0, 1).0, 1.0 / 3.0, 1e-14, "derivative");
    }
    // Parted by 1e-6 they have one each: 0.1 + t less 0.1 moves one by 3 t.
    for part in [1e-6, 1e-3] {
        let rows =
            ndarray::array![[0.8 - part, 0.1 + part, 0.1], [0.1 + part, 0.8 - part, 0.1], [0.1, 0.1, 0.8]];
        let chain = MarkovChain::from_dense(rows.view()).unwrap();
        // The first two against each other: r = (1, -1, 0), 0.7 - 2 part.
        let given = SecondEigenvalue { re: 0.7 - 2.0 * part, im: 0.0 };
        let found = chain.eigenvalue_sensitivity(&given).unwrap().converged().unwrap();
        // Eigenvectors are off by some units of rounding over the distance of the next eigenvalue.
        let allowed = 100.0 * f64::EPSILON / part;
        for (from, to, exact) in [(0, 0, 0.5), (0, 1, -0.5), (2, 0, 0.0)] {
            assert_close(found.of(from, to).0, exact, allowed, "parted");
        }
    }
}

#[test]
fn an_eigenvalue_zero_has_a_modulus_that_grows() {
    // A coin: l = (1/2, 1/2) for 1, and for 0 l = (1, -1) r / 2 with r = (1, -1).
    let coin = MarkovChain::from_dense(ndarray::array![[0.5, 0.5], [0.5, 0.5]].view()).unwrap();
    let zero = SecondEigenvalue { re: 0.0, im: 0.0 };
    let found = coin.eigenvalue_sensitivity(&zero).unwrap().converged().unwrap();
    assert_close(found.of(0, 1).0, -0.5, 1e-14, "derivative");
    assert_close(found.modulus(0, 1), 0.5, 1e-14, "modulus");
    assert_eq!(found.timescale(0, 1), f64::INFINITY);
    // Three states, of which the last is never entered: it can move nothing.
    let rows = ndarray::array![[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.25, 0.25, 0.5]];
    let chain = MarkovChain::from_dense(rows.view()).unwrap();
    let found = chain.eigenvalue_sensitivity(&zero).unwrap().converged().unwrap();
    assert!(found.modulus(2, 0) <= 1e-15 && !found.timescale(2, 0).is_nan());
}

/// A table, another of the same shape, an observable, and a small state count.
type Pair = (ContextSpace, Vec<f64>, Vec<f64>, Vec<f64>);

fn pairs() -> impl Strategy<Value = Pair> {
    let sizes = || prop_oneof![Just((2, 1)), Just((2, 3)), Just((3, 2)), Just((4, 1))];
    sizes().prop_flat_map(|size| {
        let table = || tables(Just(size), 0, 0.05);
        let (v, k): (usize, usize) = size;
        let states = v.pow(k as u32);
        (table(), table(), prop::collection::vec(-1.0..1.0f64, states))
            .prop_map(|((space, p), (_, q), f)| (space, p, q, f))
    })
}

/// Transitions from one table to another: `(from, to, q - p)`.
fn direction(space: &ContextSpace, p: &[f64], q: &[f64]) -> Vec<(usize, usize, f64)> {
    let v = space.vocabulary_size();
    let entry = |place: usize| {
        let (from, token) = (place / v, place % v);
        (from, space.shift(from, token as u32), q[place] - p[place])
    };
    (0..p.len()).map(entry).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// `pi~ f - pi f = pi~ (P~ - P) g`, exactly, for any two chains (Schweitzer 1968).
    #[test]
    fn poisson_solutions_turn_one_chain_into_another((space, p, q, f) in pairs()) {
        let (one, other) = (shift(space, p.clone()), shift(space, q.clone()));
        let (law, after) = (law_of(&one), law_of(&other));
        let poisson = PoissonSolver::new().solve(&one, &law, &f).unwrap().converged().unwrap();
        let g = poisson.values();
        let moved: f64 = direction(&space, &p, &q).iter().map(|&(i, j, d)| after[i] * d * g[j]).sum();
        let change = mean(&after, &f) - mean(&law, &f);
        // Entries are at least 0.05 / (0.05 + 3): g is below 100, and so is its rounding in units of eps.
        prop_assert!((moved - change).abs() <= 1e-11, "{} {}", moved, change);
        prop_assert!(poisson.mean_bounds().contains(mean(&law, &f)));
        prop_assert!(mean(&law, g).abs() <= 1e-12);
    }

    /// The derivative against the difference quotient of a mixture of two chains,
    /// extrapolated to step zero.
    #[test]
    fn derivatives_are_limits_of_difference_quotients((space, p, q, f) in pairs()) {
        let chain = shift(space, p.clone());
        let law = law_of(&chain);
        let toward = direction(&space, &p, &q);
        let at = |h: f64| {
            shift(space, p.iter().zip(&q).map(|(a, b)| a + h * (b - a)).collect())
        };
        // Richardson: the step halved takes three quarters of the error away, so what
        // is left of it after extrapolation is less than the two are apart. Rounding is
        // of order 1e-15 by elimination, divided by the step.
        let limit = |number: &dyn Fn(&MarkovChain<ShiftOperator>) -> f64| {
            let central = |h: f64| (number(&at(h)) - number(&at(-h))) / (2.0 * h);
            let (coarse, fine) = (central(1e-3), central(5e-4));
            ((4.0 * fine - coarse) / 3.0, (fine - coarse).abs() + 1e-10)
        };
        let slope = chain.mean_sensitivity(&law, &f).unwrap().converged().unwrap().along(&toward);
        let (expected, tolerance) = limit(&|chain| mean(&law_of(chain), &f));
        prop_assert!((slope - expected).abs() <= tolerance, "mean: {} {}", slope, expected);
        let rate = chain.entropy_rate_sensitivity(&law).unwrap().converged().unwrap();
        let slope = rate.along(&toward);
        let (expected, tolerance) = limit(&|chain| chain.entropy_rate(&law_of(chain)));
        prop_assert!((slope - expected).abs() <= tolerance, "rate: {} {}", slope, expected);
        prop_assert!((rate.value() - chain.entropy_rate(&law)).abs() < 1e-12);
    }

    /// `mu h~ - mu h = nu (P~ - P) h~`, exactly, for any two chains.
    #[test]
    fn visits_turn_one_committor_into_another((space, p, q, _) in pairs()) {
        let (one, other) = (shift(space, p.clone()), shift(space, q.clone()));
        let last = one.len() - 1;
        let (avoid, target) = (StateSet::of(one.len(), [0]).unwrap(), StateSet::of(one.len(), [last]).unwrap());
        let start = Law::uniform(one.len());
        let found = one.passage_sensitivity(Start::Law(&start), &target, &avoid).unwrap().converged().unwrap();
        let after = PassageSolver::new().tolerance(1e-11).reach(&other, &target, &avoid).unwrap().value().midpoints();
        let moved: f64 =
            direction(&space, &p, &q).iter().map(|&(i, j, d)| found.weights()[i] * d * after[j]).sum();
        let change = mean(&start, &after) - found.value();
        // Two committors and the visits are right to 1e-10 each; at most 1/0.016^3 visits.
        prop_assert!((moved - change).abs() <= 1e-8, "{} {}", moved, change);
        // And the derivative is linear in the direction, by the chain's own committor.
        let before = PassageSolver::new().tolerance(1e-11).reach(&one, &target, &avoid).unwrap().value().midpoints();
        let slope: f64 =
            direction(&space, &p, &q).iter().map(|&(i, j, d)| found.weights()[i] * d * before[j]).sum();
        prop_assert!((found.along(&direction(&space, &p, &q)) - slope).abs() <= 1e-8);
    }

    #[test]
    fn logits_and_probabilities_tell_the_same((space, p, _, f) in pairs()) {
        let chain = shift(space, p);
        let law = law_of(&chain);
        let found = chain.mean_sensitivity(&law, &f).unwrap().converged().unwrap();
        let all = found.strongest(Change::Logit, usize::MAX);
        prop_assert_eq!(all.len(), chain.operator().stored_entries());
        prop_assert!(all.is_sorted_by(|a, b| a.derivative.abs() >= b.derivative.abs()));
        for entry in &all {
            let by_probability = found.of_probability(entry.from, entry.to);
            prop_assert!((entry.derivative - entry.probability * by_probability).abs() <= 1e-15);
            prop_assert_eq!(entry.derivative, found.of_logit(entry.from, entry.to));
        }
        // All logits of a row together change nothing.
        for from in 0..chain.len() {
            let row: f64 = all.iter().filter(|entry| entry.from == from).map(|entry| entry.derivative).sum();
            prop_assert!(row.abs() <= 1e-13);
        }
    }
}

/// Four tokens, five of context: 1024 states, more than elimination takes, with a
/// memory that mixes slowly in one token.
fn large() -> MarkovChain<ShiftOperator> {
    let space = ContextSpace::new(4, 5).unwrap();
    let weight = |context: usize, token: usize| {
        let sticky = if context % 4 == token { 30.0 } else { 1.0 };
        sticky + ((context * 31 + token * 17) % 23) as f64 / 23.0
    };
    let mut table = Vec::new();
    for context in 0..space.len() {
        let row: Vec<f64> = (0..4).map(|token| weight(context, token)).collect();
        let sum: f64 = row.iter().sum();
        table.extend(row.iter().map(|w| w / sum));
    }
    shift(space, table)
}

#[test]
fn iteration_agrees_with_the_sum_over_time_within_its_bound() {
    let chain = large();
    // Elimination: right in every component.
    let exact = StationarySolver::new().method(StationaryMethod::Gth).solve(&chain).unwrap();
    let law = exact.converged().unwrap().unique().unwrap();
    let f: Vec<f64> = (0..chain.len()).map(|state| f64::from(u8::from(state % 4 == 0))).collect();
    // The slow way: add up the expectations less their limit until they are at it.
    let level = mean(&law, &f);
    let mut term: Vec<f64> = f.iter().map(|x| x - level).collect();
    let (mut sum, mut next) = (vec![0.0; f.len()], vec![0.0; f.len()]);
    for _ in 0..2000 {
        sum.iter_mut().zip(&term).for_each(|(sum, x)| *sum += x);
        chain.operator().pull_back(&term, &mut next);
        std::mem::swap(&mut term, &mut next);
    }
    assert!(term.iter().all(|x| x.abs() < 1e-12), "the sum over time has not converged");
    let outcome = PoissonSolver::new().solve(&chain, &law, &f).unwrap();
    let bound = outcome.report().error_bound.unwrap();
    assert_eq!(outcome.report().stop, Stop::Converged);
    assert!(outcome.report().iterations > 0 && bound < 1e-6, "{bound}");
    let poisson = outcome.value();
    for state in 1..chain.len() {
        let found = poisson.values()[state] - poisson.values()[0];
        // 2000 terms of at most 1, each with a rounding of about 1024 units.
        assert!((found - (sum[state] - sum[0])).abs() <= bound + 2e-9, "{state}");
    }
    assert!(poisson.mean_bounds().contains(level) && poisson.mean_bounds().width() < 1e-8);
}

#[test]
fn too_few_iterations_are_said_so_with_a_bound_that_holds() {
    let chain = large();
    let law = law_of(&chain);
    let f: Vec<f64> = (0..chain.len()).map(|state| (state % 7) as f64).collect();
    let solve = |iterations| PoissonSolver::new().max_iterations(iterations).solve(&chain, &law, &f).unwrap();
    let (short, long) = (solve(4), solve(100_000));
    assert_eq!(short.report().stop, Stop::MaxIterations);
    let bound = short.report().error_bound.unwrap() + long.report().error_bound.unwrap();
    for state in 1..chain.len() {
        let difference = |g: &[f64]| g[state] - g[0];
        let apart = (difference(short.value().values()) - difference(long.value().values())).abs();
        assert!(apart <= bound, "{state}: {apart} {bound}");
    }
    assert!(short.value().mean_bounds().contains(mean(&law, &f)));
    assert!(short.converged().is_err());
}

#[test]
fn a_proof_that_is_called_off_is_no_proof() {
    let chain = large();
    let law = law_of(&chain);
    let f: Vec<f64> = (0..chain.len()).map(|state| (state % 7) as f64).collect();
    let mut only_solve = |progress: &Progress| match progress.stage {
        "Poisson's equation" => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let outcome = PoissonSolver::new().solve_watched(&chain, &law, &f, &mut only_solve).unwrap();
    assert_eq!((outcome.report().error_bound, outcome.report().stop), (None, Stop::Cancelled));
    // Where no proof is asked for, there is none to call off.
    let solver = PoissonSolver::new().proven(false);
    let outcome = solver.solve_watched(&chain, &law, &f, &mut only_solve).unwrap();
    assert_eq!((outcome.report().error_bound, outcome.report().stop), (None, Stop::Converged));
}

#[test]
fn every_operator_gives_the_same() {
    let table = large();
    let sparse: Vec<(u32, u32, f64)> = (0..table.len())
        .flat_map(|from| {
            successors(table.operator(), from)
                .map(move |next| (from as u32, next.state as u32, next.probability))
        })
        .collect();
    let sparse = table.with_operator(SparseOperator::from_triplets(table.len(), sparse).unwrap());
    let law = law_of(&table);
    let f: Vec<f64> = (0..table.len()).map(|state| (state % 5) as f64).collect();
    let of = |values: &[f64]| values.to_vec();
    let found = PoissonSolver::new().solve(&table, &law, &f).unwrap().converged().unwrap();
    let other = PoissonSolver::new().solve(&sparse, &law, &f).unwrap().converged().unwrap();
    for (a, b) in of(found.values()).iter().zip(other.values()) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
    // A restart shortens the memory: the solution is the discounted sum.
    let restart = table.with_operator(Restart::new(table.operator(), 0.5, law.clone()).unwrap());
    let short = PoissonSolver::new().solve(&restart, &law, &f).unwrap().converged().unwrap();
    let mut pulled = vec![0.0; f.len()];
    table.operator().pull_back(short.values(), &mut pulled);
    for state in 0..f.len() {
        // g = f - pi f + (1 - eps) P g + eps mu g, and mu g = 0.
        let expected = f[state] - mean(&law, &f) + 0.5 * pulled[state];
        assert!((short.values()[state] - expected).abs() < 1e-9);
    }
}

#[test]
fn a_periodic_chain_has_a_poisson_solution() {
    let cycle: Vec<(u32, u32, f64)> = (0..600).map(|i| (i, (i + 1) % 600, 1.0)).collect();
    let operator = SparseOperator::from_triplets(600, cycle).unwrap();
    let chain = MarkovChain::new(operator, States::numbered(600));
    let law = Law::uniform(600);
    let f: Vec<f64> = (0..600).map(|i| if i == 0 { 600.0 } else { 0.0 }).collect();
    // GMRES must go all the way round before it gets anywhere: elimination helps out.
    let outcome = PoissonSolver::new().solve(&chain, &law, &f).unwrap();
    assert!(outcome.report().iterations > 0 && outcome.report().stop == Stop::Direct);
    // g(i) - g(i + 1) = f(i) - 1: a saw tooth, within the bound that was proven.
    let bound = outcome.report().error_bound.unwrap();
    let g = outcome.value().values().to_vec();
    for i in 1..600 {
        assert!(((g[i] - g[1]) - (i - 1) as f64).abs() <= bound.max(1e-9), "{i}: {}", g[i] - g[1]);
    }
    assert!(bound < 1e-4, "{bound}");
}

#[test]
fn a_constant_observable_is_solved_though_rounding_is_all_it_has() {
    let two = MarkovChain::from_dense(ndarray::array![[0.7, 0.3], [0.2, 0.8]].view()).unwrap();
    let law = law_of(&two);
    for constant in [0.0, 0.1, -1e300, 1e-300] {
        let poisson = PoissonSolver::new().solve(&two, &law, &[constant; 2]).unwrap().converged().unwrap();
        // What the sum of the law misses of one is all that there is.
        let rounding = 4.0 * f64::EPSILON * constant.abs();
        assert!(poisson.values().iter().all(|g| g.abs() <= rounding), "{constant}: {:?}", poisson.values());
        assert!(poisson.mean_bounds().contains(constant), "{constant}: {:?}", poisson.mean_bounds());
    }
    // Rows of the parity chain all have the same entropy, up to the order of a sum.
    for id in ["C14_eps0.01", "C14_eps0.1", "C14_eps0.3"] {
        let chain = language_model(id).shift();
        let law = law_of(&chain);
        let mut entropies = vec![0.0; chain.len()];
        chain.operator().row_entropies(&mut entropies);
        let sensitivity = chain.entropy_rate_sensitivity(&law).unwrap().converged().unwrap();
        assert_close(sensitivity.value(), entropies[0], 1e-15, "entropy rate");
    }
    // Large chains, by iteration: a constant, and what a constant and rounding make.
    let large = large();
    let law = law_of(&large);
    for noise in [0.0, f64::EPSILON] {
        let f: Vec<f64> = (0..large.len()).map(|state| 0.3 + noise * (state % 3) as f64).collect();
        let outcome = PoissonSolver::new().solve(&large, &law, &f).unwrap();
        assert!(outcome.is_converged(), "{:?}", outcome.report());
        assert!(outcome.report().error_bound.unwrap() < 1e-9);
    }
}

#[test]
fn slow_chains_are_solved_as_far_as_rounding_lets() {
    // Two states that change with probability c: g = (1, -1)/(4 c) of the first one's indicator.
    for c in [1e-3, 1e-6, 1e-9, 1e-12] {
        let chain = MarkovChain::from_dense(ndarray::array![[1.0 - c, c], [c, 1.0 - c]].view()).unwrap();
        let outcome = PoissonSolver::new().solve(&chain, &Law::uniform(2), &[1.0, 0.0]).unwrap();
        let bound = outcome.report().error_bound.unwrap();
        let poisson = outcome.converged().unwrap();
        let apart = poisson.values()[0] - poisson.values()[1];
        assert!((apart - 0.5 / c).abs() <= bound, "{c}: {apart} {bound}");
    }
    // A state that is left with probability c is visited 1/c times.
    for c in [1e-3, 1e-8, 1e-12] {
        let rows = ndarray::array![[1.0 - c, 0.75 * c, 0.25 * c], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let chain = MarkovChain::from_dense(rows.view()).unwrap();
        let set = |state| StateSet::of(3, [state]).unwrap();
        let found =
            chain.passage_sensitivity(Start::State(0), &set(1), &set(2)).unwrap().converged().unwrap();
        // The probability of staying is known to half a unit, and so are sums of visits.
        assert_close(found.weights()[0] * c, 1.0, 4.0 * f64::EPSILON / c, "visits");
        assert_close(found.value(), 0.75, 1e-9, "probability");
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let solve = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let chain = large();
            let law = law_of(&chain);
            let f: Vec<f64> = (0..chain.len()).map(|state| (state % 3) as f64).collect();
            let poisson = PoissonSolver::new().solve(&chain, &law, &f).unwrap().into_value();
            let (avoid, target) =
                (StateSet::of(chain.len(), [0]).unwrap(), StateSet::of(chain.len(), [1023]).unwrap());
            let passage = chain.passage_sensitivity(Start::State(5), &target, &avoid).unwrap().into_value();
            (poisson, passage.weights().to_vec())
        })
    };
    assert_eq!(solve(1), solve(3));
}

#[test]
fn a_topic_s_share_is_a_mean() {
    let case = language_model("C12");
    let chain = case.shift();
    let law = law_of(&chain);
    let topics =
        lmchain::topics::Topics::by_token(chain.states(), ["even", "odd"], |token| token as usize % 2)
            .unwrap();
    let share = chain.topic_share_sensitivity(&law, &topics, 1).unwrap().converged().unwrap();
    assert_close(share.value(), topics.law(&law)[1], 1e-15, "share");
    let rows = dense(&chain);
    let top = share.strongest(Change::Probability, 1)[0];
    assert_eq!(top.probability, rows[top.from][top.to]);
    assert_eq!(top.token, chain.states().newest_token(top.to));
}

#[test]
fn what_has_no_answer_is_refused() {
    let chain = language_model("C12").shift();
    let law = law_of(&chain);
    let solve = |f: &[f64]| PoissonSolver::new().solve(&chain, &law, f).map(|_| ());
    assert!(matches!(solve(&[0.0]), Err(Error::LengthMismatch { expected: 9, found: 1 })));
    let mut infinite = vec![0.0; 9];
    infinite[4] = f64::INFINITY;
    assert!(matches!(solve(&infinite), Err(Error::InvalidObservable { state: 4, .. })));
    let refused = PoissonSolver::new().tolerance(0.0).solve(&chain, &law, &[0.0; 9]);
    assert!(matches!(refused, Err(Error::InvalidSetting { name: "tolerance", .. })));
    let two = MarkovChain::from_dense(ndarray::array![[1.0, 0.0], [0.0, 1.0]].view()).unwrap();
    let refused = PoissonSolver::new().solve(&two, &Law::uniform(2), &[0.0, 1.0]);
    assert!(matches!(refused, Err(Error::SeveralRecurrentClasses { classes: 2 })));
    let large = MarkovChain::new(
        SparseOperator::from_triplets(2000, (0..2000).map(|i| (i, (i + 1) % 2000, 1.0)).collect()).unwrap(),
        States::numbered(2000),
    );
    let refused = large.eigenvalue_sensitivity(&SecondEigenvalue { re: 1.0, im: 0.0 });
    assert!(matches!(refused, Err(Error::TooExpensive { .. })));
}
