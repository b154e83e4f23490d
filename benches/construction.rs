//! Building chains: from a text, from a model, and finding their classes.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lmchain::chain::MarkovChain;
use lmchain::model::{Decoded, Decoding, NgramSettings, TableModel};
use lmchain::operator::TransitionOperator;
use lmchain::text::{CorpusSettings, Tokenizer};
use support::chains::ChainSpec;
use support::shift;

/// The embedded texts of the examples, many times over.
fn text() -> String {
    let voices = [
        include_str!("../examples/data/harbor.txt"),
        include_str!("../examples/data/kitchen.txt"),
        include_str!("../examples/data/observatory.txt"),
    ];
    voices.concat().repeat(64)
}

fn from_text(criterion: &mut Criterion) {
    let text = text();
    let mut group = criterion.benchmark_group("construction");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(text.len() as u64));
    let settings = CorpusSettings::new(Tokenizer::characters());
    group.bench_function("read_characters", |b| b.iter(|| settings.read_strings([&text]).expect("a corpus")));
    let corpus = settings.read_strings([&text]).expect("a corpus");
    for k in [1, 3, 5] {
        group.bench_function(BenchmarkId::new("observed", k), |b| {
            b.iter(|| MarkovChain::observed(&corpus, k).expect("a chain"));
        });
    }
    group.bench_function("fit_trigrams", |b| b.iter(|| NgramSettings::new(3).fit(&corpus).expect("a model")));
    let model = NgramSettings::new(3).fit(&corpus).expect("a model");
    group.bench_function("enumerated_trigrams", |b| {
        b.iter(|| MarkovChain::enumerated(&model).expect("a chain"));
    });
    group.finish();
}

fn from_tables(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("construction");
    group.sample_size(10);
    for spec in [ChainSpec::soft(27, 3), ChainSpec::soft(27, 4)] {
        let chain = shift(&spec);
        group.throughput(Throughput::Elements(chain.operator().stored_entries() as u64));
        let (v, k) = (spec.vocabulary_size(), spec.context_length());
        let model = TableModel::new(v, k, spec.table()).expect("a table");
        group.bench_function(BenchmarkId::new("enumerated", spec.id()), |b| {
            b.iter(|| MarkovChain::enumerated(&model).expect("a chain"));
        });
        // Truncated decoding leaves zeros, so the classes have to be searched for.
        let decoded = Decoded::new(&model, Decoding::new().top_k(3)).expect("settings");
        let pruned = MarkovChain::enumerated(&decoded).expect("a chain");
        group.bench_function(BenchmarkId::new("classes", spec.id()), |b| {
            b.iter(|| MarkovChain::new(pruned.operator(), pruned.states().clone()).classes().count());
        });
    }
    group.finish();
}

criterion_group!(benches, from_text, from_tables);
criterion_main!(benches);
