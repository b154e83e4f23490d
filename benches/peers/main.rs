//! Times of one chain for whoever asks: `peers.py` interleaves them with those
//! of other libraries, so that both sides of a ratio come from one run.
//!
//! ```text
//! peers CHAIN V K        then a question a line on the standard input:
//! push R | pull R | read R | sprs R     seconds of each of R products
//! push32 R | read32 R                   the same with a table of f32
//! residual METHOD MOST                  METHOD: power, paths, auto; 32 behind starts in f32. One solve to a residual of 1e-10, of MOST products at most
//! proven METHOD MOST                    the same with its error proven below 1e-6
//! open R FILE                           seconds of making a chain of a file, .mtx or .npz, R times
//! classes R FILE                        seconds of finding the classes of the chain of a file, R times
//! observe K R FILE                      seconds of making the chain of K words that a text shows, R times
//! ```
//!
//! Every answer is one line of JSON.

#[path = "../support/mod.rs"]
mod support;

use std::io::BufRead;
use std::time::Instant;

use lmchain::chain::MarkovChain;
use lmchain::operator::{ShiftOperator, SparseOperator, TransitionOperator, round_to_f32, successors};
use lmchain::prob::Law;
use lmchain::stationary::{StationaryMethod, StationarySolver};
use lmchain::text::{CorpusSettings, Tokenizer};
use ndarray::{Array1, ArrayView1};
use rayon::prelude::*;
use serde_json::{Value, json};
use sprs::prod::mul_acc_mat_vec_csr;
use sprs::{CsMatI, TriMatI};
use support::chains::{ChainSpec, checksum};
use support::{shift, sum_of_chunk};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let [name, v, k] = arguments.as_slice() else {
        eprintln!("peers CHAIN V K, driven by benches/peers/peers.py: nothing asked, nothing measured");
        return Ok(());
    };
    let spec = ChainSpec::named(name, v.parse()?, k.parse()?).ok_or("no chain of this name")?;
    let chain = shift(&spec);
    let mut subject = Subject { table_sum: 0.0, spec, chain, sparse: None, single: None };
    println!("{}", subject.description());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        println!("{}", subject.answer(&line.split_whitespace().collect::<Vec<_>>())?);
    }
    Ok(())
}

/// The chain that is measured.
struct Subject {
    spec: ChainSpec,
    chain: MarkovChain<ShiftOperator>,
    /// The transposed transition matrix for sprs, once it is asked for.
    sparse: Option<CsMatI<f64, u32, usize>>,
    /// The chain in single precision, once it is asked for.
    single: Option<ShiftOperator<f32>>,
    /// What the reads added up, so that they are not left out.
    table_sum: f64,
}

impl Subject {
    fn description(&self) -> Value {
        let checksum = checksum(&self.spec.table());
        json!({
            "chain": self.spec.id(),
            "states": self.chain.len(),
            "entries": self.chain.operator().stored_entries(),
            "threads": rayon::current_num_threads(),
            "checksum": format!("{checksum:016x}"),
        })
    }

    fn answer(&mut self, words: &[&str]) -> Result<Value, Failure> {
        match *words {
            ["push", rounds] => {
                Ok(products(self.chain.operator(), rounds.parse()?, TransitionOperator::push_forward))
            }
            ["pull", rounds] => {
                Ok(products(self.chain.operator(), rounds.parse()?, TransitionOperator::pull_back))
            }
            ["push32", rounds] => {
                let single = self.single.get_or_insert_with(|| self.chain.operator().to_f32());
                Ok(products(single, rounds.parse()?, TransitionOperator::push_forward))
            }
            ["read", rounds] => self.reads(rounds.parse()?),
            ["read32", rounds] => self.single_reads(rounds.parse()?),
            ["sprs", rounds] => self.sprs(rounds.parse()?),
            ["residual", method, most] => self.solve(method, most.parse()?, None),
            ["proven", method, most] => self.solve(method, most.parse()?, Some(1e-6)),
            ["open", rounds, file] => open(rounds.parse()?, file),
            ["classes", rounds, file] => classes(rounds.parse()?, file),
            ["observe", k, rounds, file] => observe(k.parse()?, rounds.parse()?, file),
            _ => Err(format!("{words:?} is no question").into()),
        }
    }

    /// The limit of a product: the table read once.
    fn reads(&mut self, rounds: usize) -> Result<Value, Failure> {
        let table = self.spec.table();
        let times = seconds(rounds, || {
            self.table_sum += table.par_chunks(1 << 14).map(sum_of_chunk).sum::<f64>();
        });
        if self.table_sum.is_finite() { Ok(times) } else { Err("a table that does not add up".into()) }
    }

    fn single_reads(&mut self, rounds: usize) -> Result<Value, Failure> {
        let table: Vec<f32> = self.spec.table().into_iter().map(round_to_f32).collect();
        let mut total = 0.0;
        let times = seconds(rounds, || total += table.par_chunks(1 << 14).map(sum_of_chunk).sum::<f32>());
        if total.is_finite() { Ok(times) } else { Err("a table that does not add up".into()) }
    }

    fn sprs(&mut self, rounds: usize) -> Result<Value, Failure> {
        let chain = &self.chain;
        let matrix = self.sparse.get_or_insert_with(|| transposed(chain.operator()));
        let law = Law::uniform(chain.len());
        let mut next = vec![0.0; chain.len()];
        let times = seconds(rounds, || {
            next.fill(0.0);
            mul_acc_mat_vec_csr(matrix.view(), &law[..], &mut next[..]);
        });
        let mut expected = vec![0.0; chain.len()];
        chain.operator().push_forward(&law, &mut expected);
        let off = Array1::from(next) - ArrayView1::from(&expected);
        // Both add up V non-negative terms.
        let allowed = 4.0 * self.spec.vocabulary_size() as f64 * f64::EPSILON;
        if off.iter().map(|x| x.abs()).sum::<f64>() <= allowed {
            Ok(times)
        } else {
            Err("another product".into())
        }
    }

    fn solve(&self, name: &str, most: usize, error_tolerance: Option<f64>) -> Result<Value, Failure> {
        let method = match name.trim_end_matches("32") {
            "power" => StationaryMethod::Power,
            "paths" => StationaryMethod::LikelyPaths,
            "auto" => StationaryMethod::Auto,
            _ => return Err(format!("no method {name}").into()),
        };
        let solver = StationarySolver::new()
            .method(method)
            .max_iterations(most)
            .error_tolerance(error_tolerance)
            .single_precision_start(name.ends_with("32"));
        let (outcome, taken) = timed(|| solver.solve(&self.chain));
        let report = *outcome?.report();
        Ok(json!({
            "method": name,
            "products": report.iterations,
            "seconds": taken,
            "residual": report.residual,
            "error_bound": report.error_bound,
            "stop": report.stop.to_string(),
            "converged": report.is_converged(),
        }))
    }
}

fn products<O: TransitionOperator>(
    operator: &O,
    rounds: usize,
    product: impl Fn(&O, &[f64], &mut [f64]),
) -> Value {
    let law = Law::uniform(operator.states());
    let mut next = vec![0.0; law.len()];
    seconds(rounds, || product(operator, &law, &mut next))
}

/// Chains of a file, made again and again.
fn open(rounds: usize, file: &str) -> Result<Value, Failure> {
    let transitions = chain_of(file)?.operator().stored_entries();
    Ok(described(transitions, seconds(rounds, || drop(chain_of(file)))))
}

fn chain_of(file: &str) -> lmchain::error::Result<MarkovChain<SparseOperator>> {
    if file.ends_with(".npz") { MarkovChain::from_npz(file) } else { MarkovChain::from_matrix_market(file) }
}

/// The classes of a chain, found again and again.
fn classes(rounds: usize, file: &str) -> Result<Value, Failure> {
    let chain = chain_of(file)?;
    let found = || MarkovChain::new(chain.operator(), chain.states().clone()).classes().count();
    let mut times = described(
        chain.operator().stored_entries(),
        seconds(rounds, || {
            found();
        }),
    );
    times["classes"] = found().into();
    Ok(times)
}

/// Chains of a text's words, which are read once.
fn observe(context_length: usize, rounds: usize, file: &str) -> Result<Value, Failure> {
    let corpus = CorpusSettings::new(Tokenizer::words()).read_files(&[file])?;
    let transitions = MarkovChain::observed(&corpus, context_length)?.operator().stored_entries();
    let times = seconds(rounds, || drop(MarkovChain::observed(&corpus, context_length)));
    let mut described = described(transitions, times);
    described["tokens"] = corpus.tokens().len().into();
    Ok(described)
}

fn described(transitions: usize, mut times: Value) -> Value {
    times["transitions"] = transitions.into();
    times
}

/// The matrix whose product with a column is that of the chain with a row.
fn transposed(operator: &ShiftOperator) -> CsMatI<f64, u32, usize> {
    let n = operator.states();
    let mut triplets = TriMatI::<f64, u32>::with_capacity((n, n), operator.stored_entries());
    for state in 0..n {
        for to in successors(operator, state) {
            triplets.add_triplet(to.state, state, to.probability);
        }
    }
    triplets.to_csr()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}

/// The seconds that each round takes.
fn seconds(rounds: usize, mut work: impl FnMut()) -> Value {
    let times: Vec<f64> = (0..rounds).map(|_| timed(&mut work).1).collect();
    json!({ "seconds": times })
}
