//! Steps a second of many walks at once.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lmchain::chain::Start;
use support::chains::ChainSpec;
use support::shift;

fn walks(criterion: &mut Criterion) {
    let (walks, steps) = (256, 2000);
    let mut group = criterion.benchmark_group("walks");
    group.throughput(Throughput::Elements((walks * steps) as u64));
    group.sample_size(10);
    for spec in [ChainSpec::soft(27, 2), ChainSpec::soft(27, 4), ChainSpec::soft(256, 2)] {
        let chain = shift(&spec);
        let walker = chain.walker().expect("tables that fit");
        group.bench_function(BenchmarkId::new("ensemble", spec.id()), |b| {
            b.iter(|| walker.ensemble(Start::State(0), walks, steps, 1).expect("a start"));
        });
        group.bench_function(BenchmarkId::new("one_walk", spec.id()), |b| {
            b.iter(|| walker.walk(Start::State(0), 1).map(|walk| walk.take(walks * steps).sum::<usize>()));
        });
    }
    group.finish();
}

criterion_group!(benches, walks);
criterion_main!(benches);
