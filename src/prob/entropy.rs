//! Shannon entropy of laws and of counts, in bits.

/// Shannon entropy `-sum p log2 p` of a law, in bits, with `0 log 0 = 0`.
pub fn entropy(law: &[f64]) -> f64 {
    super::sum_by(law.len(), |i| if law[i] > 0.0 { -law[i] * law[i].log2() } else { 0.0 }).max(0.0)
}

/// Plug-in entropy of counts, in bits: the entropy of the relative frequencies.
///
/// Biased downwards by about `(m - 1) / (2 N ln 2)` bits for `m` occupied cells
/// and `N` observations; see [`miller_madow_entropy`]. Zero for no counts.
pub fn plug_in_entropy(counts: &[u64]) -> f64 {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return 0.0;
    }
    let n = total as f64;
    let weighted = super::sum_by(counts.len(), |i| {
        let count = counts[i] as f64;
        if count > 0.0 { count * count.log2() } else { 0.0 }
    });
    (n.log2() - weighted / n).max(0.0)
}

/// Plug-in entropy with the Miller–Madow correction (Miller 1955), in bits:
/// adds `(m - 1) / (2 N ln 2)` for `m` occupied cells.
pub fn miller_madow_entropy(counts: &[u64]) -> f64 {
    let total: u64 = counts.iter().sum();
    let occupied = counts.iter().filter(|&&count| count > 0).count();
    if total == 0 {
        return 0.0;
    }
    plug_in_entropy(counts) + (occupied as f64 - 1.0) / (2.0 * total as f64 * std::f64::consts::LN_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact expectations over all samples of `n` fair bits, by enumeration.
    fn expectation(n: u32, estimator: impl Fn(&[u64]) -> f64) -> f64 {
        let samples = 1u64 << n;
        (0..samples)
            .map(|bits| {
                let ones = u64::from(bits.count_ones());
                estimator(&[u64::from(n) - ones, ones])
            })
            .sum::<f64>()
            / samples as f64
    }

    #[test]
    fn estimators_have_their_known_bias_on_ten_fair_bits() {
        // Case C39 of the reference cases.
        assert!((expectation(10, plug_in_entropy) - 0.9234985409159915).abs() < 1e-12);
        assert_eq!(entropy(&[0.5, 0.5]), 1.0);
    }

    #[test]
    fn no_counts_have_no_entropy() {
        assert_eq!(plug_in_entropy(&[]), 0.0);
        assert_eq!(miller_madow_entropy(&[0, 0]), 0.0);
    }
}
