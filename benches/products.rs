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
use support::{shift, sparse, sum_of_chunk};

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

/// The chain of a text with its states in other orders: what a product gathers lies
/// together, or anywhere.
fn state_orders(criterion: &mut Criterion) {
    let chain = sparse::trigrams();
    let n = chain.len();
    let tokens = |state: u32| chain.states().tokens(state as usize);
    let mut newest_first: Vec<u32> = (0..n as u32).collect();
    newest_first.sort_by_cached_key(|&state| tokens(state).into_iter().rev().collect::<Vec<_>>());
    let mut at_random: Vec<u32> = (0..n as u32).collect();
    at_random.sort_by_key(|&state| u64::from(state + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let orders = [
        ("oldest_first", (0..n as u32).collect()),
        ("newest_first", newest_first),
        ("breadth_first", breadth_first(chain.operator())),
        ("at_random", at_random),
    ];
    let input = Law::uniform(n).into_vec();
    let mut output = vec![0.0; n];
    let mut group = criterion.benchmark_group("state_orders");
    group.throughput(Throughput::Elements(chain.operator().stored_entries() as u64));
    for (name, order) in orders {
        let operator = reordered(chain.operator(), &order);
        group.bench_function(BenchmarkId::new("push_forward", name), |b| {
            b.iter(|| operator.push_forward(&input, &mut output));
        });
        group.bench_function(BenchmarkId::new("pull_back", name), |b| {
            b.iter(|| operator.pull_back(&input, &mut output));
        });
    }
    group.finish();
}

/// The states as a search along transitions meets them.
fn breadth_first(operator: &SparseOperator) -> Vec<u32> {
    let mut met = vec![false; operator.states()];
    let mut order: Vec<u32> = Vec::new();
    let mut searched = 0;
    for root in 0..operator.states() {
        if !std::mem::replace(&mut met[root], true) {
            order.push(root as u32);
        }
        while let Some(&state) = order.get(searched) {
            searched += 1;
            let new = successors(operator, state as usize)
                .map(|to| to.state)
                .filter(|&to| !std::mem::replace(&mut met[to], true));
            order.extend(new.map(|to| to as u32));
        }
    }
    order
}

/// The same chain with its states in another order.
fn reordered(operator: &SparseOperator, order: &[u32]) -> SparseOperator {
    let mut place = vec![0; order.len()];
    order.iter().zip(0..).for_each(|(&state, at)| place[state as usize] = at);
    let place = &place;
    let row = |state: usize| {
        successors(operator, state).map(move |to| (place[state], place[to.state], to.probability))
    };
    let transitions = (0..order.len()).flat_map(row).collect();
    SparseOperator::from_triplets(order.len(), transitions).expect("the same chain")
}

criterion_group!(benches, products, state_orders);
criterion_main!(benches);
