//! How long until a chain has mixed: the whole question, from the table to the
//! answer, and its parts; in transitions of the chain a second.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lmchain::chain::Start;
use lmchain::metastable::MetastableSolver;
use lmchain::mixing::{MixingTimeSolver, SecondEigenvalueSolver};
use lmchain::operator::TransitionOperator;
use lmchain::solve::Outcome;
use support::chains::ChainSpec;
use support::shift;

/// Steps that curves are followed for.
const STEPS: usize = 50;

fn mixing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mixing");
    group.sample_size(10);
    for spec in
        [ChainSpec::soft(4, 3), ChainSpec::soft(27, 2), ChainSpec::meta3(27, 2), ChainSpec::peaky4(4, 3)]
    {
        let chain = shift(&spec);
        group.throughput(Throughput::Elements(chain.operator().stored_entries() as u64));
        group.bench_function(BenchmarkId::new("solve_and_mixing_time", spec.id()), |b| {
            b.iter(|| {
                let law = chain.stationary().and_then(Outcome::converged).expect("one law");
                MixingTimeSolver::new().solve(&chain, &law).expect("a mixing time")
            });
        });
    }
    for spec in [ChainSpec::soft(27, 3), ChainSpec::soft(27, 4), ChainSpec::meta3(27, 3)] {
        let chain = shift(&spec);
        let law = chain.stationary().and_then(Outcome::converged).expect("one law");
        group.throughput(Throughput::Elements((STEPS * chain.operator().stored_entries()) as u64));
        group.bench_function(BenchmarkId::new("distance_curve", spec.id()), |b| {
            b.iter(|| chain.distance_curve(Start::State(0), &law, STEPS).expect("a curve"));
        });
        if chain.len() > 100_000 {
            continue; // minutes for one eigenvalue: its neighbours are as large
        }
        group.bench_function(BenchmarkId::new("second_eigenvalue", spec.id()), |b| {
            b.iter(|| SecondEigenvalueSolver::new().solve(&chain, &law).expect("an eigenvalue").into_value());
        });
    }
    group.finish();
}

/// Metastable topics of chains of a hundred thousand states.
fn metastable(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metastable");
    group.sample_size(10);
    for spec in [ChainSpec::meta3(47, 3), ChainSpec::meta2(18, 4)] {
        let chain = shift(&spec);
        let law = chain.stationary().and_then(Outcome::converged).expect("one law");
        for (name, solver) in [
            ("gpcca", MetastableSolver::new()),
            ("reversibilized", MetastableSolver::new().reversibilized(true)),
        ] {
            group.bench_function(BenchmarkId::new(name, spec.id()), |b| {
                b.iter(|| solver.solve(&chain, &law).expect("sets").into_value());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, mixing, metastable);
criterion_main!(benches);
