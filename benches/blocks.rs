//! Several vectors moved together: the time for each, by how many there are.
//!
//! `single` is the product with one vector; the rate counts transitions times vectors.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lmchain::operator::TransitionOperator;
use support::chains::ChainSpec;
use support::{shift, sparse};

fn blocks(criterion: &mut Criterion) {
    let soft = ChainSpec::soft(27, 4);
    let operators: [(&str, Box<dyn TransitionOperator>); 3] = [
        ("soft_27^4", Box::new(shift(&soft).operator().clone())),
        ("soft_27^4_sparse", Box::new(sparse::listed(&soft))),
        ("random_2M_8", Box::new(sparse::random(2_000_000, 8))),
    ];
    for (name, operator) in &operators {
        let mut group = criterion.benchmark_group("blocks");
        group.sample_size(10);
        let (n, entries) = (operator.states(), operator.stored_entries() as u64);
        let input: Vec<f64> = vec![1.0 / n as f64; n];
        let mut output = vec![0.0; n];
        group.throughput(Throughput::Elements(entries));
        group.bench_function(format!("push_forward/{name}/single"), |b| {
            b.iter(|| operator.push_forward(&input, &mut output));
        });
        group.bench_function(format!("pull_back/{name}/single"), |b| {
            b.iter(|| operator.pull_back(&input, &mut output));
        });
        for columns in [1, 4, 16, 64] {
            let input = vec![1.0 / n as f64; n * columns];
            let mut output = vec![0.0; n * columns];
            group.throughput(Throughput::Elements(entries * columns as u64));
            group.bench_function(BenchmarkId::new(format!("push_forward/{name}"), columns), |b| {
                b.iter(|| operator.push_block(&input, &mut output, columns));
            });
            group.bench_function(BenchmarkId::new(format!("pull_back/{name}"), columns), |b| {
                b.iter(|| operator.pull_block(&input, &mut output, columns));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, blocks);
criterion_main!(benches);
