//! Steps a second of many walks: side by side, one at a time on the same
//! tables, and with one `rand_distr::weighted::WeightedAliasIndex` a state; the
//! tables themselves; and walks that are watched and not kept.
//!
//! Every round takes another seed, so that no round finds what it reads in the
//! cache because the one before has read it.

mod support;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lmchain::chain::{MarkovChain, Start, States, VisitCounts};
use lmchain::model::{NgramSettings, Smoothing};
use lmchain::operator::{SparseOperator, TransitionOperator, successors};
use lmchain::prob::{StreamRng, stream};
use lmchain::text::{CorpusSettings, DocumentEnd, Tokenizer};
use rand_distr::Distribution;
use rand_distr::weighted::WeightedAliasIndex;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use support::chains::ChainSpec;
use support::shift;
use support::text::Text;

const WALKS: usize = 256;
const STEPS: usize = 2000;

/// Pools of one and of two threads.
fn pools() -> [(usize, ThreadPool); 2] {
    let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    [1, 2].map(|threads| (threads, pool(threads)))
}

/// Walks one by one: the states at the end, added up.
fn one_at_a_time(seed: u64, step: impl Fn(usize, &mut StreamRng) -> usize + Sync) -> usize {
    let walk = |number| {
        let mut rng = stream(seed, number as u64);
        (0..STEPS).fold(0, |state, _| step(state, &mut rng))
    };
    (0..WALKS).into_par_iter().map(walk).sum()
}

/// A law of its own for every state, as `rand_distr` draws from it, and the states it is over.
struct Peer {
    laws: Vec<WeightedAliasIndex<f64>>,
    targets: Vec<Vec<u32>>,
}

impl Peer {
    fn new<O: TransitionOperator>(operator: &O) -> Self {
        let law = |state: usize| {
            let weights = successors(operator, state).map(|to| to.probability).collect();
            WeightedAliasIndex::new(weights).expect("a law")
        };
        let targets = |state: usize| successors(operator, state).map(|to| to.state as u32).collect();
        let states = 0..operator.states();
        Self {
            laws: states.clone().into_par_iter().map(law).collect(),
            targets: states.into_par_iter().map(targets).collect(),
        }
    }

    fn step(&self, state: usize, rng: &mut StreamRng) -> usize {
        self.targets[state][self.laws[state].sample(rng)] as usize
    }
}

/// The ways to walk along a chain; the peer only where its tables fit.
fn bench_chain<O: TransitionOperator>(
    criterion: &mut Criterion,
    id: &str,
    chain: &MarkovChain<O>,
    peer: bool,
) {
    let mut group: BenchmarkGroup<'_, WallTime> = criterion.benchmark_group(format!("walks/{id}"));
    group.throughput(Throughput::Elements((WALKS * STEPS) as u64)).sample_size(10);
    let walker = chain.walker().expect("tables that fit");
    let sampler = chain.operator().sampler();
    let seeds = AtomicU64::new(0);
    let seed = || seeds.fetch_add(1, Relaxed);
    let peer = peer.then(|| Peer::new(chain.operator()));
    for (threads, pool) in pools() {
        group.bench_function(BenchmarkId::new("ensemble", threads), |b| {
            b.iter(|| {
                pool.install(|| walker.ensemble(Start::State(0), WALKS, STEPS, seed()).expect("a start"))
            });
        });
        group.bench_function(BenchmarkId::new("stream", threads), |b| {
            let counts = || VisitCounts::by_group(16, |state| state % 16);
            b.iter(|| {
                pool.install(|| {
                    walker.stream(Start::State(0), WALKS, STEPS, seed(), counts).expect("a start")
                })
            });
        });
        group.bench_function(BenchmarkId::new("one_at_a_time", threads), |b| {
            b.iter(|| pool.install(|| one_at_a_time(seed(), |state, rng| sampler.step(state, rng))));
        });
        if let Some(peer) = &peer {
            group.bench_function(BenchmarkId::new("rand_distr", threads), |b| {
                b.iter(|| pool.install(|| one_at_a_time(seed(), |state, rng| peer.step(state, rng))));
            });
        }
    }
    drop((walker, sampler, peer));
    for (threads, pool) in pools() {
        group.throughput(Throughput::Elements(chain.operator().stored_entries() as u64));
        group.bench_function(BenchmarkId::new("tables", threads), |b| {
            b.iter(|| pool.install(|| chain.walker().expect("tables that fit")));
        });
    }
    group.finish();
}

fn contexts(criterion: &mut Criterion) {
    for spec in [ChainSpec::soft(27, 2), ChainSpec::soft(27, 4), ChainSpec::soft(256, 2)] {
        bench_chain(criterion, &spec.id(), &shift(&spec), true);
    }
}

/// Two million states with eight successors each, anywhere.
fn sparse(criterion: &mut Criterion) {
    let (states, successors) = (2_000_000u64, 8u64);
    let hash =
        |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let weights = |from: u64| {
        let at = move |n: u64| (hash(from) % states + n * (states / successors)) % states;
        (0..successors)
            .map(move |n| (from as u32, at(n) as u32, (hash(from * successors + n) % 1000 + 1) as f64))
    };
    let weights: Vec<_> = (0..states).into_par_iter().flat_map_iter(weights).collect();
    let operator = SparseOperator::from_weights(states as usize, weights).expect("weights");
    let chain = MarkovChain::new(operator, States::numbered(states as usize));
    bench_chain(criterion, "sparse/2000000x8", &chain, true);
}

/// Models of a text: the trigrams seen, and a smoothed model of all.
fn models(criterion: &mut Criterion) {
    let Text { name, text } = Text::load();
    let settings = CorpusSettings::new(Tokenizer::whitespace()).document_end(DocumentEnd::Reset);
    let corpus = settings.unknown_token(true).read_strings(text.lines()).expect("a text");
    let seen = MarkovChain::observed(&corpus, 2).expect("a chain");
    bench_chain(criterion, &format!("trigrams/{name}"), &seen, true);
    let settings = NgramSettings::new(3).smoothing(Smoothing::ModifiedKneserNey);
    let model = settings.fallback_discounts([0.5, 1.0, 1.5]).fit(&corpus).expect("a model");
    let smoothed = MarkovChain::smoothed(&model).expect("a chain");
    bench_chain(criterion, &format!("backoff/{name}"), &smoothed, false);
}

criterion_group!(benches, contexts, sparse, models);
criterion_main!(benches);
