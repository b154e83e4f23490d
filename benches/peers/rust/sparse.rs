//! One product with a sparse matrix, against the sparse matrices of other crates.
//!
//! `read` is the limit: it only adds up as many bytes as a product has to move,
//! 12 for each transition and the two vectors. The other crates multiply in one
//! thread; `nalgebra` has columns of 64 bits, so it moves 16 bytes a transition.

#[path = "../../support/mod.rs"]
mod support;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use faer::Accum;
use faer::sparse::linalg::matmul::sparse_dense_matmul;
use faer::sparse::{SparseRowMatRef, SymbolicSparseRowMatRef};
use lmchain::operator::{SparseMatrix, SparseOperator, TransitionOperator};
use lmchain::prob::Law;
use nalgebra_sparse::ops::Op;
use nalgebra_sparse::ops::serial::spmm_csr_dense;
use rayon::prelude::*;
use support::chains::ChainSpec;
use support::{sparse, sum_of_chunk};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn products(criterion: &mut Criterion) {
    let chains: [(&str, fn() -> SparseOperator); 3] = [
        ("soft_27^4", || sparse::listed(&ChainSpec::soft(27, 4))),
        ("random_2M_8", || sparse::random(2_000_000, 8)),
        ("trigrams", || sparse::trigrams().operator().clone()),
    ];
    for (name, build) in chains {
        let operator = build();
        let (n, entries) = (operator.states(), operator.stored_entries());
        println!("{name}: {n} states, {entries} transitions");
        let mut group = criterion.benchmark_group("sparse");
        let bytes = 12 * entries + 16 * n;
        group.throughput(Throughput::Bytes(bytes as u64)).sample_size(10);
        let table = vec![1.0; bytes / 8];
        group.bench_function(BenchmarkId::new("read", name), |b| {
            b.iter(|| table.par_chunks(1 << 14).map(sum_of_chunk).sum::<f64>());
        });
        let input = Law::uniform(n).into_vec();
        let mut output = vec![0.0; n];
        group.bench_function(BenchmarkId::new("push_forward", name), |b| {
            b.iter(|| operator.push_forward(&input, &mut output));
        });
        group.bench_function(BenchmarkId::new("pull_back", name), |b| {
            b.iter(|| operator.pull_back(&input, &mut output));
        });
        peers(&mut group, name, operator.matrix(), &input, &mut output);
        group.finish();
    }
}

/// What `pull_back` computes, by other crates.
fn peers(group: &mut Group<'_>, name: &str, matrix: &SparseMatrix, input: &[f64], output: &mut [f64]) {
    let n = input.len();
    group.bench_function(BenchmarkId::new("sprs", name), |b| {
        b.iter(|| sprs::prod::mul_acc_mat_vec_csr(matrix.view(), input, &mut *output));
    });
    let starts = matrix.indptr().raw_storage().to_vec();
    let indices = matrix.indices().iter().map(|&column| column as usize).collect();
    let wide = nalgebra_sparse::CsrMatrix::try_from_csr_data(n, n, starts, indices, matrix.data().to_vec());
    let wide = wide.expect("the same matrix");
    let vector = nalgebra::DMatrix::from_column_slice(n, 1, input);
    let mut product = nalgebra::DMatrix::zeros(n, 1);
    group.bench_function(BenchmarkId::new("nalgebra", name), |b| {
        b.iter(|| spmm_csr_dense(0.0, &mut product, 1.0, Op::NoOp(&wide), Op::NoOp(&vector)));
    });
    let starts: Vec<u32> = matrix.indptr().raw_storage().iter().map(|&start| start as u32).collect();
    let symbolic = SymbolicSparseRowMatRef::new_checked(n, n, &starts, None, matrix.indices());
    let narrow = SparseRowMatRef::new(symbolic, matrix.data());
    let vector = faer::Mat::from_fn(n, 1, |state, _| input[state]);
    let mut product = faer::Mat::zeros(n, 1);
    group.bench_function(BenchmarkId::new("faer", name), |b| {
        let par = faer::Par::rayon(0);
        b.iter(|| sparse_dense_matmul(product.as_mut(), Accum::Replace, narrow, vector.as_ref(), 1.0, par));
    });
}

criterion_group!(benches, products);
criterion_main!(benches);
