//! Stationary laws from scratch to a residual of 1e-10, in transitions of the
//! chain a second. `residual_only` proves nothing; `proven` bounds the error.
//! `hard` are the chains that power iteration takes thousands of products for.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lmchain::operator::TransitionOperator;
use lmchain::stationary::{StationaryMethod, StationarySolver};
use support::chains::ChainSpec;
use support::shift;

fn stationary(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stationary");
    group.sample_size(10);
    let specs = [
        ChainSpec::soft(27, 3),
        ChainSpec::soft(27, 4),
        ChainSpec::peaky4(27, 4),
        ChainSpec::peaky8(27, 3),
        ChainSpec::meta2(27, 3),
        ChainSpec::meta3(27, 3),
    ];
    for spec in specs {
        let chain = shift(&spec);
        group.throughput(Throughput::Elements(chain.operator().stored_entries() as u64));
        let solver = StationarySolver::new().method(StationaryMethod::Power);
        for (name, solver) in [("residual_only", solver.clone().error_tolerance(None)), ("proven", solver)] {
            group.bench_function(BenchmarkId::new(name, spec.id()), |b| {
                b.iter(|| {
                    solver
                        .solve(&chain)
                        .and_then(|outcome| outcome.converged().map(drop))
                        .expect("converges");
                });
            });
        }
    }
    for size in [5, 9] {
        let chain = shift(&ChainSpec::soft(size, 3));
        let solver = StationarySolver::new().method(StationaryMethod::Gth);
        group.throughput(Throughput::Elements(chain.operator().stored_entries() as u64));
        group.bench_function(BenchmarkId::new("elimination", chain.len()), |b| {
            b.iter(|| solver.solve(&chain).map(|outcome| outcome.report().iterations).expect("solves"));
        });
    }
    group.finish();
}

/// Slow chains, by the method that is chosen and by likely paths from the start.
fn hard(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hard");
    group.sample_size(10);
    for spec in
        [ChainSpec::peaky4, ChainSpec::peaky8, ChainSpec::meta2, ChainSpec::meta3, ChainSpec::meta2old]
    {
        let spec = spec(27, 4);
        let chain = shift(&spec);
        group.throughput(Throughput::Elements(chain.operator().stored_entries() as u64));
        for (name, method) in [("auto", StationaryMethod::Auto), ("paths", StationaryMethod::LikelyPaths)] {
            let solver = StationarySolver::new().method(method).error_tolerance(None);
            group.bench_function(BenchmarkId::new(name, spec.id()), |b| {
                b.iter(|| solver.solve(&chain).map(|outcome| *outcome.report()).expect("solves"));
            });
        }
    }
    group.finish();
}

/// 14 million contexts, 387 million transitions: 3.1 GB of table.
fn large(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("large");
    group.sample_size(10);
    let solver = StationarySolver::new();
    let mut chain = None;
    for (name, solver) in [("residual_only", solver.clone().error_tolerance(None)), ("proven", solver)] {
        group.bench_function(BenchmarkId::new(name, "soft/27^5"), |b| {
            // Made here, so that it is made only where it is asked for.
            let chain = chain.get_or_insert_with(|| shift(&ChainSpec::soft(27, 5)));
            b.iter(|| solver.solve(chain).map(|outcome| *outcome.report()).expect("solves"));
        });
    }
    group.finish();
}

criterion_group!(benches, stationary, hard, large);
criterion_main!(benches);
