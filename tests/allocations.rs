//! Memory grows as the docs say: bytes are counted, by an allocator that counts
//! for the whole process. So this is one test.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

#[path = "../benches/support/mod.rs"]
mod support;

use lmchain::chain::{Start, VisitCounts};
use lmchain::stationary::{StationaryMethod, StationarySolver};
use support::chains::ChainSpec;
use support::shift;

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

/// Bytes that a piece of work allocated in all, and the most that it held at a time.
fn bytes(work: impl FnOnce()) -> (u64, usize) {
    let profiler = dhat::Profiler::builder().testing().build();
    work();
    let stats = dhat::HeapStats::get();
    drop(profiler);
    (stats.total_bytes, stats.max_bytes)
}

#[test]
fn memory_is_what_the_docs_say() {
    let chain = shift(&ChainSpec::peaky8(20, 3));
    let vector = 8 * chain.len();
    let transitions = chain.len() * 20;
    // Classes, and the threads, are there before anything is counted.
    assert!(chain.classes().is_irreducible());
    let solve = |method, iterations| {
        let solver = StationarySolver::new().method(method).max_iterations(iterations).tolerance(1e-300);
        drop(solver.solve(&chain).unwrap());
    };
    solve(StationaryMethod::Power, 10);

    // A law and its image, whatever the number of products; a product allocates a
    // list of its tiles of 2,048 outputs, less than a tenth of a vector.
    let (few, held) = bytes(|| solve(StationaryMethod::Power, 20));
    assert!(held <= 2 * vector + vector / 2, "{held} bytes, a vector has {vector}");
    let (many, held) = bytes(|| solve(StationaryMethod::Power, 220));
    assert!(held <= 2 * vector + vector / 2, "{held} bytes, a vector has {vector}");
    let a_product = (many - few) as usize / 200;
    assert!(10 * a_product < vector, "{a_product} bytes a product, a vector has {vector}");

    // Alias tables of 8 bytes a transition, and as much at most while they are made.
    let (_, held) = bytes(|| drop(chain.walker().unwrap()));
    assert!(held <= 2 * 8 * transitions, "{held} bytes for {transitions} transitions");

    // Streamed walks are counted without being kept, however long they are.
    let walker = chain.walker().unwrap();
    let stream = |steps| {
        let counts = || VisitCounts::by_group(16, |state| state % 16);
        drop(walker.stream(Start::State(0), 500, steps, 1, counts).unwrap());
    };
    stream(10);
    let (short, _) = bytes(|| stream(10));
    let (long, held) = bytes(|| stream(1000));
    assert!(long <= 2 * short, "{long} bytes for 1,000 steps, {short} for 10");
    assert!(held < 500 * 1000, "{held} bytes for 500,000 steps");
}
