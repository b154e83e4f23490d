//! N-gram models: estimation in bytes of text a second, queries, and the chain
//! of a whole model in n-grams a second. Set `LMCHAIN_CORPORA` to a folder of
//! texts; without it the text is synthetic.
//!
//! One thread (`RAYON_NUM_THREADS=1`) gives figures a CPU second.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lmchain::chain::MarkovChain;
use lmchain::model::{NgramModel, NgramSettings, Smoothing, score_sentences};
use lmchain::ngram::{ArpaPrecision, ArpaSettings};
use lmchain::operator::TransitionOperator;
use lmchain::prob::Law;
use lmchain::stationary::StationarySolver;
use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer};
use support::sum_of_chunk;
use support::text::Text;

fn read(text: &str) -> Corpus {
    let settings = CorpusSettings::new(Tokenizer::whitespace()).document_end(DocumentEnd::Reset);
    settings.unknown_token(true).read_strings(text.lines()).expect("a text")
}

fn fit(corpus: &Corpus, order: usize) -> NgramModel {
    let settings = NgramSettings::new(order).smoothing(Smoothing::ModifiedKneserNey);
    settings.fallback_discounts([0.5, 1.0, 1.5]).fit(corpus).expect("a model")
}

fn ngrams(model: &NgramModel) -> u64 {
    (1..=model.order()).map(|length| model.backoff().ngram_count(length) as u64).sum()
}

/// From text to ARPA file, as `lmplz` goes; and the parts of that way.
fn estimation(criterion: &mut Criterion) {
    let Text { name, text } = Text::load();
    let corpus = read(&text);
    let mut group = criterion.benchmark_group("estimation");
    group.sample_size(10).throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function(BenchmarkId::new("read", name), |b| b.iter(|| read(&text)));
    let writer = ArpaSettings::new().precision(ArpaPrecision::Single);
    for order in [3, 5] {
        let place = format!("{name}/order{order}");
        group.bench_function(BenchmarkId::new("fit", &place), |b| b.iter(|| fit(&corpus, order)));
        group.bench_function(BenchmarkId::new("text_to_arpa", &place), |b| {
            b.iter(|| {
                let model = fit(&read(&text), order);
                writer.write_to(std::io::sink(), model.vocab(), model.backoff()).expect("a sink takes all");
            });
        });
    }
    group.finish();
}

/// Every token of the text the model was made from, given all before it in its sentence.
fn queries(criterion: &mut Criterion) {
    let Text { name, text } = Text::load();
    let corpus = read(&text);
    let sentences: Vec<_> = corpus.documents().collect();
    let mut group = criterion.benchmark_group("queries");
    group.sample_size(10).throughput(Throughput::Elements((corpus.tokens().len() + sentences.len()) as u64));
    for order in [3, 5] {
        let model = fit(&corpus, order);
        group.bench_function(BenchmarkId::new(name, format!("order{order}")), |b| {
            b.iter(|| score_sentences(model.backoff(), model.vocab(), &sentences).expect("scores"));
        });
    }
    group.finish();
}

/// The chain of the whole model: products and the stationary law, in n-grams a
/// second; and what it takes to read 12 bytes for each n-gram.
fn chain(criterion: &mut Criterion) {
    let Text { name, text } = Text::load();
    let corpus = read(&text);
    let mut group = criterion.benchmark_group("chain");
    group.sample_size(10);
    for order in [2, 3, 5] {
        let model = fit(&corpus, order);
        let chain = MarkovChain::smoothed(&model).expect("laws that sum to one");
        let place = format!("{name}/order{order}");
        group.throughput(Throughput::Elements(ngrams(&model)));
        let numbers = vec![1.0; ngrams(&model) as usize * 12 / 8];
        group.bench_function(BenchmarkId::new("read_memory", &place), |b| b.iter(|| sum_of_chunk(&numbers)));
        let law = Law::uniform(chain.len());
        let mut next = vec![0.0; chain.len()];
        group.bench_function(BenchmarkId::new("push_forward", &place), |b| {
            b.iter(|| chain.operator().push_forward(&law, &mut next));
        });
        group.bench_function(BenchmarkId::new("pull_back", &place), |b| {
            b.iter(|| chain.operator().pull_back(&law, &mut next));
        });
        let solver = StationarySolver::new();
        for (what, solver) in [("residual_only", solver.clone().error_tolerance(None)), ("proven", solver)] {
            group.bench_function(BenchmarkId::new(what, &place), |b| {
                b.iter(|| solver.solve(&chain).and_then(|o| o.converged().map(drop)).expect("converges"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, estimation, queries, chain);
criterion_main!(benches);
