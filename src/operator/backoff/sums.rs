//! Sums of many terms in a fixed order.

use std::ops::Range;

/// Terms of a run, and runs of a block.
const RUN: usize = 64;

/// Two sums over the same range, in runs, and blocks of runs: the same bits
/// every time, and an error that grows with [`sum_depth`], not with the length.
#[inline]
pub(super) fn sum_pairs(range: Range<usize>, term: impl Fn(usize) -> [f64; 2]) -> [f64; 2] {
    if range.len() <= RUN {
        return sum_run(range, &term);
    }
    let mut total = [0.0; 2];
    let mut start = range.start;
    while start < range.end {
        let block_end = range.end.min(start + RUN * RUN);
        let mut block = [0.0; 2];
        while start < block_end {
            let run_end = block_end.min(start + RUN);
            let run = sum_run(start..run_end, &term);
            block[0] += run[0];
            block[1] += run[1];
            start = run_end;
        }
        total[0] += block[0];
        total[1] += block[1];
    }
    total
}

#[inline]
fn sum_run(range: Range<usize>, term: &impl Fn(usize) -> [f64; 2]) -> [f64; 2] {
    let mut run = [0.0; 2];
    for i in range {
        let [a, b] = term(i);
        run[0] += a;
        run[1] += b;
    }
    run
}

/// One such sum.
#[inline]
pub(super) fn sum_terms(range: Range<usize>, term: impl Fn(usize) -> f64) -> f64 {
    sum_pairs(range, |i| [term(i), 0.0])[0]
}

/// The most additions that any term of a sum of `n` terms goes through.
pub(super) fn sum_depth(n: usize) -> usize {
    n.min(RUN) + n.div_ceil(RUN).min(RUN) + n.div_ceil(RUN * RUN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_is_added_once() {
        for n in [0, 1, RUN - 1, RUN, RUN + 1, RUN * RUN, RUN * RUN + 1, 3 * RUN * RUN + 77] {
            let [plain, doubled] = sum_pairs(5..5 + n, |i| [i as f64, 2.0 * i as f64]);
            let sum = (5..5 + n).sum::<usize>() as f64;
            assert_eq!((plain, doubled, sum_terms(5..5 + n, |i| i as f64)), (sum, 2.0 * sum, sum));
        }
    }
}
