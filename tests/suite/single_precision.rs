//! Stationary laws that start in single precision: as exact as all others.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use lmchain::Error;
use lmchain::chain::MarkovChain;
use lmchain::operator::{Restart, ShiftOperator, Transition, TransitionOperator};
use lmchain::prob::{Law, l1, total_variation};
use lmchain::solve::{Report, Stop};
use lmchain::stationary::{StationaryMethod, StationarySolver};

use crate::support;
use crate::support::chains::ChainSpec;

fn solver(method: StationaryMethod) -> StationarySolver {
    StationarySolver::new().method(method).single_precision_start(true)
}

/// The report is about the exact chain: its residual, formed by the exact products.
fn check_residual<O: TransitionOperator>(chain: &MarkovChain<O>, law: &[f64], report: &Report) {
    let mut next = vec![0.0; law.len()];
    chain.operator().push_forward(law, &mut next);
    let residual = l1(&next, law);
    // The same differences, added up in another order.
    let rounding = law.len() as f64 * f64::EPSILON * residual;
    assert!((residual - report.residual).abs() <= rounding, "{report}: {residual}");
}

fn check_against_elimination<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    method: StationaryMethod,
    what: &str,
) {
    let exact = StationarySolver::new().method(StationaryMethod::Gth).solve(chain).unwrap();
    let exact = exact.converged().unwrap().unique().unwrap();
    let outcome = solver(method).solve(chain).unwrap();
    let report = *outcome.report();
    assert_eq!(report.stop, Stop::Converged, "{what}: {report}");
    assert!(report.residual <= 1e-10, "{what}: {report}");
    let law = outcome.into_value().unique().unwrap();
    check_residual(chain, &law, &report);
    // Elimination is right to a few units a component.
    let bound = report.error_bound.unwrap() + 4.0 * chain.len() as f64 * f64::EPSILON;
    let off = total_variation(&law, &exact);
    assert!(off <= bound && bound <= 1.1e-6, "{what}: {off} off, {report}");
}

#[test]
fn laws_agree_with_elimination() {
    let methods = [StationaryMethod::Auto, StationaryMethod::LazyPower, StationaryMethod::LikelyPaths];
    for spec in [ChainSpec::soft(27, 2), ChainSpec::peaky4(27, 2), ChainSpec::meta2old(27, 2)] {
        let chain = support::shift(&spec);
        for method in methods {
            // Power iteration takes thousands of products on the others.
            if method != StationaryMethod::LazyPower || spec == ChainSpec::soft(27, 2) {
                check_against_elimination(&chain, method, &format!("{method:?}, {}", spec.id()));
            }
        }
        let operator = Restart::new(chain.operator(), 0.01, Law::point(chain.len(), 5)).unwrap();
        check_against_elimination(&chain.with_operator(operator), StationaryMethod::Auto, "restarted");
    }
}

#[test]
fn a_start_that_is_never_finished_reports_the_exact_residual() {
    let chain = support::shift(&ChainSpec::meta2(27, 2));
    let outcome = solver(StationaryMethod::Power).max_iterations(3).solve(&chain).unwrap();
    let report = *outcome.report();
    assert_eq!((report.stop, report.iterations), (Stop::MaxIterations, 3));
    check_residual(&chain, &outcome.into_value().unique().unwrap(), &report);
}

/// Counts the products of an operator and of its copy in single precision.
struct Counted<'a> {
    inner: ShiftOperator,
    pushes: &'a AtomicUsize,
    rounded_pushes: &'a AtomicUsize,
    rounded_bytes: u128,
}

struct Pushes<'a, O> {
    inner: O,
    pushes: &'a AtomicUsize,
}

macro_rules! delegate {
    () => {
        fn states(&self) -> usize {
            self.inner.states()
        }
        fn stored_entries(&self) -> usize {
            self.inner.stored_entries()
        }
        fn longest_sum(&self) -> usize {
            self.inner.longest_sum()
        }
        fn push_forward(&self, law: &[f64], next: &mut [f64]) {
            self.pushes.fetch_add(1, Relaxed);
            self.inner.push_forward(law, next);
        }
        fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
            self.inner.pull_back(observable, expected);
        }
        fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
            self.inner.next_successor(state, cursor)
        }
        fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
            self.inner.next_predecessor(state, cursor)
        }
        fn probability(&self, from: usize, to: usize) -> f64 {
            self.inner.probability(from, to)
        }
    };
}

impl<O: TransitionOperator> TransitionOperator for Pushes<'_, O> {
    delegate!();
}

impl TransitionOperator for Counted<'_> {
    delegate!();

    fn single_precision_bytes(&self) -> Option<u128> {
        Some(self.rounded_bytes)
    }

    fn single_precision(&self) -> Option<Box<dyn TransitionOperator + '_>> {
        Some(Box::new(Pushes { inner: self.inner.to_f32(), pushes: self.rounded_pushes }))
    }
}

/// Products in double and in single precision, and the report.
fn count(settings: &StationarySolver, rounded_bytes: u128) -> lmchain::Result<(usize, usize, Report)> {
    let chain = support::shift(&ChainSpec::soft(27, 2));
    let (pushes, rounded_pushes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let inner = chain.operator().clone();
    let counted = Counted { inner, pushes: &pushes, rounded_pushes: &rounded_pushes, rounded_bytes };
    let chain = chain.with_operator(counted);
    let report = *settings.solve(&chain)?.report();
    Ok((pushes.load(Relaxed), rounded_pushes.load(Relaxed), report))
}

#[test]
fn most_products_are_in_single_precision() {
    let (double, single, report) = count(&solver(StationaryMethod::Power), 0).unwrap();
    // One product an iteration; one more at the change, one for the last residual,
    // and one each time it was formed afresh before a claim.
    let products = double + single;
    assert!((report.iterations + 2..=report.iterations + 5).contains(&products), "{products} for {report}");
    // From 1 to 6e-8 in single, from there to 1e-10 in double precision: at a
    // steady speed ln(6e-8 / 1e-10) / ln(1 / 1e-10) = 0.28 of the some 20 products,
    // and up to four that only form a residual.
    assert!(double < single, "{double} in double and {single} in single precision");

    let without = solver(StationaryMethod::Power).single_precision_start(false);
    let (double, single, plain) = count(&without, 0).unwrap();
    assert_eq!(single, 0);
    assert!(double >= plain.iterations && report.iterations <= plain.iterations + 2, "{report}, {plain}");
}

#[test]
fn a_copy_that_would_not_fit_is_refused() {
    let refused = count(&solver(StationaryMethod::Auto), 9 << 30);
    assert!(matches!(refused, Err(Error::TooLarge { needed, .. }) if needed == 9 << 30));
    assert!(count(&solver(StationaryMethod::Auto).single_precision_start(false), 9 << 30).is_ok());
}
