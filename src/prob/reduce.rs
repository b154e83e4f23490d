//! Sums that come out the same on any number of threads.

use rayon::prelude::*;

/// Terms added by one task. Fixed, so that the order of additions is too.
const CHUNK: usize = 1 << 13;

/// Below this many terms a single task is faster than handing work out.
const PARALLEL_FROM: usize = 1 << 16;

/// `sum of term(i) for i in 0..n`, in fixed chunks added up in order: the same
/// bits on any number of threads. The relative error is at most about
/// [`sum_depth`] times `eps` for terms of one sign.
pub(crate) fn sum_by(n: usize, term: impl Fn(usize) -> f64 + Sync) -> f64 {
    let chunk_sum = |chunk: usize| {
        let end = n.min((chunk + 1) * CHUNK);
        // Eight running sums let the compiler vectorise, in a fixed order.
        let mut lanes = [0.0; 8];
        let mut i = chunk * CHUNK;
        while i + 8 <= end {
            for (lane, sum) in lanes.iter_mut().enumerate() {
                *sum += term(i + lane);
            }
            i += 8;
        }
        let mut sum = lanes.iter().sum::<f64>();
        while i < end {
            sum += term(i);
            i += 1;
        }
        sum
    };
    let chunks = n.div_ceil(CHUNK);
    if n < PARALLEL_FROM {
        (0..chunks).map(chunk_sum).sum()
    } else {
        (0..chunks).into_par_iter().map(chunk_sum).collect::<Vec<_>>().into_iter().sum()
    }
}

/// The dot product of two vectors, added up as by [`sum_by`].
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_by(a.len(), |i| a[i] * b[i])
}

/// The most additions that any term of [`sum_by`] over `n` terms goes through.
pub(crate) fn sum_depth(n: usize) -> usize {
    n.min(CHUNK).div_ceil(8) + 16 + n.div_ceil(CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_every_term_once_around_chunk_edges() {
        for n in [0, 1, 7, 8, 9, CHUNK - 1, CHUNK, CHUNK + 1, PARALLEL_FROM + 3] {
            assert_eq!(sum_by(n, |i| i as f64), (n * n.saturating_sub(1) / 2) as f64);
        }
    }
}
