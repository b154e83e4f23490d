//! One product with the transition matrix, in transitions a second.
//!
//! `read_f64` and `read_f32` are the limits: they only add up the table that a
//! product has to read, as fast as the memory gives it. A product moves three more
//! numbers a context beside its V entries: the law, the result and, in single
//! precision, the scale of the row. All rows of a chain are measured in one run,
//! on as many threads as `RAYON_NUM_THREADS` says.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lmchain::operator::{Restart, SparseOperator, TransitionOperator, round_to_f32, successors};
use lmchain::prob::Law;
use rayon::prelude::*;
use support::chains::ChainSpec;
use support::{shift, sum_of_chunk};

fn products(criterion: &mut Criterion) {
    for spec in
        [ChainSpec::soft(27, 3), ChainSpec::soft(27, 4), ChainSpec::soft(64, 3), ChainSpec::soft(16, 5)]
    {
        let chain = shift(&spec);
        let single = chain.operator().to_f32();
        let table = spec.table();
        let rounded: Vec<f32> = table.iter().map(|&p| round_to_f32(p)).collect();
        let n = chain.len();
        let input = Law::uniform(n).into_vec();
        let mut output = vec![0.0; n];
        let mut group = criterion.benchmark_group("products");
        group.throughput(Throughput::Elements(chain.operator().stored_entries() as u64));
        group.sample_size(20);
        group.bench_function(BenchmarkId::new("read_f64", spec.id()), |b| {
            b.iter(|| table.par_chunks(1 << 14).map(sum_of_chunk).sum::<f64>());
        });
        group.bench_function(BenchmarkId::new("read_f32", spec.id()), |b| {
            b.iter(|| rounded.par_chunks(1 << 15).map(sum_of_chunk).sum::<f32>());
        });
        let mut all = |name: &str, operator: &dyn TransitionOperator| {
            group.bench_function(BenchmarkId::new(format!("push_forward/{name}"), spec.id()), |b| {
                b.iter(|| operator.push_forward(&input, &mut output));
            });
            group.bench_function(BenchmarkId::new(format!("push_measuring/{name}"), spec.id()), |b| {
                b.iter(|| operator.push_measuring(&input, &mut output));
            });
            group.bench_function(BenchmarkId::new(format!("pull_back/{name}"), spec.id()), |b| {
                b.iter(|| operator.pull_back(&input, &mut output));
            });
        };
        all("shift_f64", chain.operator());
        all("shift_f32", &single);
        all("restart", &Restart::new(chain.operator(), 0.01, Law::uniform(n)).expect("a valid restart"));
        let row = |s: usize| {
            successors(chain.operator(), s).map(move |t| (s as u32, t.state as u32, t.probability))
        };
        let sparse = SparseOperator::from_triplets(n, (0..n).flat_map(row).collect());
        all("sparse", &sparse.expect("the same chain"));
        group.finish();
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
