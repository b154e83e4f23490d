//! Sums and extremes that come out the same on any number of threads.

use crate::parallel::of_each_part;

/// Terms added by one task. Fixed, so that the order of additions is too.
const CHUNK: usize = 1 << 13;

/// Indices that one task compares the values of, which may take more than an addition to find.
const COMPARED: usize = 1 << 12;

/// Running sums of a task: they let the compiler vectorise, in a fixed order.
const LANES: usize = 8;

/// Below this many terms a single task is faster than handing work out.
const PARALLEL_FROM: usize = 1 << 16;

/// `sum of term(i) for i in 0..n`, in fixed chunks added up in order: the same
/// bits on any number of threads. The relative error is at most about
/// [`sum_depth`] times `eps` for terms of one sign.
pub(crate) fn sum_by(n: usize, term: impl Fn(usize) -> f64 + Sync) -> f64 {
    let [sum] = sums_by(n, |i| [term(i)]);
    sum
}

/// Several sums in one go, each as by [`sum_by`].
pub(crate) fn sums_by<const M: usize>(n: usize, terms: impl Fn(usize) -> [f64; M] + Sync) -> [f64; M] {
    let chunk_sums = |chunk: usize| {
        let end = n.min((chunk + 1) * CHUNK);
        let mut lanes = [[0.0; M]; LANES];
        let mut i = chunk * CHUNK;
        while i + LANES <= end {
            for (lane, sums) in lanes.iter_mut().enumerate() {
                *sums = add(*sums, terms(i + lane));
            }
            i += LANES;
        }
        let mut sums = lanes.into_iter().fold([0.0; M], add);
        while i < end {
            sums = add(sums, terms(i));
            i += 1;
        }
        sums
    };
    let chunks = n.div_ceil(CHUNK);
    if n < PARALLEL_FROM {
        (0..chunks).map(chunk_sums).fold([0.0; M], add)
    } else {
        of_each_part(chunks, &chunk_sums).into_iter().fold([0.0; M], add)
    }
}

fn add<const M: usize>(sums: [f64; M], terms: [f64; M]) -> [f64; M] {
    std::array::from_fn(|i| sums[i] + terms[i])
}

/// `sum of term(i, column) for i in 0..n`, for every column: each has the bits that
/// [`sum_by`] gives to its terms.
pub(crate) fn sum_columns(n: usize, columns: usize, term: impl Fn(usize, usize) -> f64 + Sync) -> Vec<f64> {
    let chunk_sums = |chunk: usize| {
        let (start, end) = (chunk * CHUNK, n.min((chunk + 1) * CHUNK));
        let whole = end - (end - start) % LANES;
        let mut lanes = vec![0.0; LANES * columns];
        for i in start..whole {
            let lane = i % LANES * columns;
            lanes[lane..lane + columns]
                .iter_mut()
                .enumerate()
                .for_each(|(column, sum)| *sum += term(i, column));
        }
        let of_lanes =
            |column: usize| lanes[column..].iter().step_by(columns).fold(0.0, |sum, lane| sum + lane);
        let mut sums: Vec<f64> = (0..columns).map(of_lanes).collect();
        for i in whole..end {
            sums.iter_mut().enumerate().for_each(|(column, sum)| *sum += term(i, column));
        }
        sums
    };
    let chunks = n.div_ceil(CHUNK);
    let sums: Vec<Vec<f64>> = if n * columns < PARALLEL_FROM {
        (0..chunks).map(chunk_sums).collect()
    } else {
        of_each_part(chunks, &chunk_sums)
    };
    (0..columns).map(|column| sums.iter().fold(0.0, |sum, sums| sum + sums[column])).collect()
}

/// The least and the greatest of several values of every `i` in `0..n`; infinite and minus
/// infinite of none. What is not a number is passed over.
pub(crate) fn extremes_by<const M: usize>(
    n: usize,
    values: impl Fn(usize) -> [f64; M] + Sync,
) -> [(f64, f64); M] {
    let none = [(f64::INFINITY, f64::NEG_INFINITY); M];
    let chunk_extremes = |chunk: usize| {
        let places = chunk * COMPARED..n.min((chunk + 1) * COMPARED);
        places.map(|i| values(i).map(|value| (value, value))).fold(none, wider)
    };
    if n < 2 * COMPARED {
        (0..n.div_ceil(COMPARED)).map(chunk_extremes).fold(none, wider)
    } else {
        of_each_part(n.div_ceil(COMPARED), &chunk_extremes).into_iter().fold(none, wider)
    }
}

fn wider<const M: usize>(one: [(f64, f64); M], two: [(f64, f64); M]) -> [(f64, f64); M] {
    std::array::from_fn(|i| (one[i].0.min(two[i].0), one[i].1.max(two[i].1)))
}

/// The dot product of two vectors, added up as by [`sum_by`].
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_by(a.len(), |i| a[i] * b[i])
}

/// The most additions that any term of [`sum_by`] over `n` terms goes through.
pub(crate) fn sum_depth(n: usize) -> usize {
    n.min(CHUNK).div_ceil(LANES) + 16 + n.div_ceil(CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_every_term_once_around_chunk_edges() {
        for n in [0, 1, 7, 8, 9, CHUNK - 1, CHUNK, CHUNK + 1, PARALLEL_FROM + 3] {
            let triangle = (n * n.saturating_sub(1) / 2) as f64;
            assert_eq!(sum_by(n, |i| i as f64), triangle);
            assert_eq!(sums_by(n, |i| [i as f64, 1.0]), [triangle, n as f64]);
        }
    }

    #[test]
    fn extremes_are_found_wherever_they_are() {
        assert_eq!(extremes_by(0, |_| [1.0]), [(f64::INFINITY, f64::NEG_INFINITY)]);
        for n in [1, COMPARED + 1, 2 * COMPARED, 3 * COMPARED + 5] {
            for at in [0, n / 2, n - 1] {
                let found = extremes_by(n, |i| [f64::from(i == at), -(i as f64)]);
                assert_eq!(found, [(f64::from(n == 1), 1.0), (-((n - 1) as f64), 0.0)]);
            }
        }
    }

    #[test]
    fn columns_have_the_bits_of_single_sums() {
        let term = |i: usize, column: usize| 1.0 / (i * 7 + column * 3 + 1) as f64 - 0.3 * column as f64;
        for n in [0, 1, 9, CHUNK - 1, CHUNK + 11, PARALLEL_FROM + 3] {
            for columns in [0, 1, 3] {
                let single = |column| sum_by(n, |i| term(i, column)).to_bits();
                let together = sum_columns(n, columns, term).into_iter().map(f64::to_bits);
                assert!((0..columns).map(single).eq(together), "{n} terms, {columns} columns");
            }
        }
    }
}
