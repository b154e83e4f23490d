//! A chain whose table is not held in memory: read from a file in every product,
//! or not stored at all. With a checkpoint, a run that was killed is taken up again.
//!
//! ```text
//! cargo run --release --example big                                       # 262,144 transitions
//! cargo run --release --example big -- --vocabulary 64 --context 4 \
//!     --directory /data --checkpoint /data/big.checkpoint                 # 1.07 · 10^9
//! ```

#[allow(dead_code, reason = "the benchmarks use the rest")]
#[path = "../benches/support/chains.rs"]
mod chains;
#[path = "support/mod.rs"]
mod support;

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use chains::ChainSpec;
use clap::Parser;
use lmchain::chain::{MarkovChain, States};
use lmchain::operator::{
    FileEntry, FunctionRows, RoundedRows, RowSource, StreamedOperator, TableFile, TransitionOperator,
};
use lmchain::prob::Law;
use lmchain::solve::{Observer, Progress};
use lmchain::stationary::StationarySolver;
use lmchain::text::ContextSpace;
use support::{Watch, grouped, say};

/// The stationary law of a synthetic chain (`soft`) too large for memory.
#[derive(Parser)]
#[command(name = "big")]
struct Options {
    /// Vocabulary size V
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    vocabulary: u32,
    /// Context length K: V^K contexts, V^(K+1) transitions
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    context: u32,
    /// No table at all: compute the rows anew in every product
    #[arg(long)]
    matrix_free: bool,
    /// A table in f64 instead of f32
    #[arg(long, conflicts_with = "matrix_free")]
    double: bool,
    /// Where to put the table, 4 or 8 bytes a transition; one that is there is used
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Leave the table in the directory
    #[arg(long, requires = "directory")]
    keep: bool,
    /// A file to keep the iteration in; if it exists, go on from there
    #[arg(long)]
    checkpoint: Option<PathBuf>,
    /// Iterations between two checkpoints
    #[arg(long, default_value_t = 4)]
    every: usize,
    /// End without a word after so many iterations, as if killed
    #[arg(long)]
    abort_after: Option<u64>,
}

fn main() -> ExitCode {
    support::exit_code("big", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let (v, k) = (options.vocabulary as usize, options.context);
    let space = ContextSpace::new(v, k as usize)?;
    let spec = ChainSpec::soft(v, k);
    let transitions = space.len() as f64 * v as f64;
    say!("{}: {} contexts, {transitions:.3e} transitions", spec.id(), grouped(space.len() as u64));
    let rows = FunctionRows::new(space, move |first, rows: &mut [f64]| {
        spec.write_rows(first, rows);
        Ok(())
    });
    match (options.matrix_free, options.double) {
        (true, _) => solve(options, rows, 0, &mut Watch::new()),
        (false, false) => stored::<f32>(options, &spec, rows),
        (false, true) => stored::<f64>(options, &spec, rows),
    }
}

/// Writes the table unless it is there, solves, and removes it.
fn stored<T: FileEntry>(
    options: &Options,
    spec: &ChainSpec,
    rows: impl RowSource<Entry = f64>,
) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let directory = options.directory.as_deref().unwrap_or(scratch.path());
    let name = format!("{}-f{}.table", spec.id().replace(['/', '^'], "-"), 8 * size_of::<T>());
    let path = directory.join(name);
    let mut watch = Watch::new();
    if !path.exists() {
        let started = Instant::now();
        TableFile::write_watched(&path, &RoundedRows::<_, T>::new(rows), &mut watch)?;
        watch.clear();
        say!("table written to {} in {:.1} s", path.display(), started.elapsed().as_secs_f64());
    }
    let bytes = std::fs::metadata(&path)?.len();
    let table = TableFile::<T>::open_watched(&path, &mut watch)?;
    solve(options, table, bytes, &mut watch)?;
    if !options.keep {
        std::fs::remove_file(&path)?;
    }
    Ok(())
}

/// Looks at every row once, times one product each way, and solves.
fn solve<R: RowSource>(
    options: &Options,
    rows: R,
    bytes: u64,
    watch: &mut Watch,
) -> Result<(), Box<dyn Error>> {
    let operator = StreamedOperator::new_watched(rows, watch)?;
    watch.clear();
    let states = States::contexts(*operator.space(), None);
    let chain = MarkovChain::new(operator, states);
    let law = Law::uniform(chain.len());
    let mut next = vec![0.0; chain.len()];
    time("forward", &chain, bytes, || chain.operator().push_forward(&law, &mut next));
    time("back", &chain, bytes, || chain.operator().pull_back(&law, &mut next));
    chain.operator().check_products()?;
    drop((law, next));

    let mut solver = StationarySolver::new();
    if let Some(path) = &options.checkpoint {
        let begun = if path.exists() { "goes on from" } else { "is kept in" };
        say!("the iteration {begun} {}", path.display());
        solver = solver.checkpoint(path, options.every);
    }
    let mut counted = Counted { watch, abort_after: options.abort_after, first: None, proofs: 0 };
    let started = Instant::now();
    let outcome = solver.solve_watched(&chain, &mut counted)?;
    let seconds = started.elapsed().as_secs_f64();
    let (first, proofs) = (counted.first.unwrap_or(0), counted.proofs);
    watch.clear();
    say!("{}", outcome.report());
    let done = outcome.report().iterations as u64 - first;
    say!("{done} iterations and {proofs} steps of the proof in {seconds:.1} s");
    let law = outcome.converged()?.unique()?;
    say!("checksum of the law: {:016x}", chains::checksum(&law));
    if let Some(peak) = peak_memory() {
        say!(
            "memory at its highest: {:.2} GB; the table has {:.2} GB",
            peak as f64 / 1e9,
            bytes as f64 / 1e9
        );
    }
    if let Some(path) = options.checkpoint.as_ref().filter(|path| path.exists()) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// Says how fast one product is.
fn time<O: TransitionOperator>(what: &str, chain: &MarkovChain<O>, bytes: u64, product: impl FnOnce()) {
    let started = Instant::now();
    product();
    let seconds = started.elapsed().as_secs_f64();
    let transitions = chain.operator().stored_entries() as f64 / seconds / 1e6;
    let read =
        if bytes > 0 { format!(", {:.2} GB/s read", bytes as f64 / seconds / 1e9) } else { String::new() };
    say!("one product {what}: {seconds:.3} s, {transitions:.0} million transitions a second{read}");
}

/// Shows the progress, and counts.
struct Counted<'a> {
    watch: &'a mut Watch,
    abort_after: Option<u64>,
    /// Iterations that were done when this run began.
    first: Option<u64>,
    proofs: u64,
}

impl Observer for Counted<'_> {
    fn observe(&mut self, progress: &Progress) -> ControlFlow<()> {
        // The search for classes that comes first counts states.
        let is_iteration = progress.residual.is_some();
        if is_iteration {
            self.first.get_or_insert(progress.done);
        }
        self.proofs += u64::from(progress.stage == "bounding the error");
        if is_iteration && self.abort_after.is_some_and(|most| progress.done >= most) {
            std::process::abort();
        }
        self.watch.observe(progress)
    }
}

/// The most memory that this process had at any time, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
