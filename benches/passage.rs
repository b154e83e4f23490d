//! Committors, passage times and histories on chains of all contexts.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use lmchain::chain::{MarkovChain, Start, StateSet, States};
use lmchain::operator::ShiftOperator;
use lmchain::passage::{Overlap, PassageSolver, Patterns};
use lmchain::prob::Law;
use lmchain::reverse::{End, HistorySettings};
use lmchain::text::ContextSpace;
use support::chains::ChainSpec;

/// A chain of 27^k contexts, and two sets: two and three tokens that were said last.
fn chain(k: usize) -> (MarkovChain<ShiftOperator>, StateSet, StateSet) {
    let space = ContextSpace::new(27, k).expect("few contexts");
    let operator = ShiftOperator::new(space, ChainSpec::soft(27, k as u32).table()).expect("laws");
    let chain = MarkovChain::new(operator, States::contexts(space, None));
    let safe = StateSet::by_state(chain.len(), |state| state % 729 == 28);
    let bad = StateSet::by_state(chain.len(), |state| state % 19_683 == 5_000);
    (chain, safe, bad)
}

fn passage(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("passage, soft 27^4");
    group.sample_size(10);
    let (chain, safe, bad) = chain(4);
    let solver = PassageSolver::new().tolerance(1e-8);
    group.bench_function("committor, bounds 1e-8 apart", |bench| {
        bench.iter(|| solver.reach(&chain, &bad, &safe).expect("sets").converged().expect("bounds"));
    });
    group.bench_function("mean and variance of the time, 1e-8", |bench| {
        bench.iter(|| solver.times(&chain, &bad).expect("sets").converged().expect("bounds"));
    });
    let start = Law::uniform(chain.len());
    group.bench_function("10 best histories of 200 tokens", |bench| {
        bench.iter(|| {
            let settings = HistorySettings::new();
            let found = settings.solve(&chain, Start::Law(&start), End::In(&bad), 200).expect("possible");
            found.most_probable(10).expect("memory")
        });
    });
    let patterns = Patterns::new(27, [[1, 2, 3, 4, 5, 6, 7, 8]]).expect("tokens");
    group.bench_function("a string of 8 within 100 tokens", |bench| {
        bench.iter(|| chain.pattern_law(&patterns, Start::Law(&start), Overlap::Fresh, 100).expect("memory"));
    });
    group.finish();
}

criterion_group!(benches, passage);
criterion_main!(benches);
