//! Relative entropy from deviations, without cancellation.

/// Below this the power series takes over: there the closed form loses up to
/// 40 units of rounding, the twelve terms of the series less than one.
const SERIES_BELOW: f64 = 0.05;

/// One term of a relative entropy: `p ln(p / q) - (p - q)` for `p = q + d`, given
/// `q`, `d` and `d / q`, in nats. Not negative.
///
/// The terms add up to the relative entropy, as the deviations `d` add up to zero,
/// and none of them cancels another: the sum has the relative accuracy of
/// the deviations, however small it is. Of `r = d / q` a term is
/// `q ((1 + r) ln(1 + r) - r) = q (r^2/2 - r^3/6 + r^4/12 - ...)`.
pub(crate) fn divergence_term(expected: f64, deviation: f64, ratio: f64) -> f64 {
    if ratio <= -1.0 {
        return expected;
    }
    if ratio.abs() < SERIES_BELOW {
        let series = (2..=14).rev().fold(0.0, |sum, k| 1.0 / (k * (k - 1)) as f64 - ratio * sum);
        // A product of three factors might underflow where this does not.
        return deviation * ratio * series;
    }
    ((expected + deviation) * ratio.ln_1p() - deviation).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_meets_the_closed_form() {
        for ratio in [SERIES_BELOW, -SERIES_BELOW] {
            let inside = ratio * (1.0 - 1e-12);
            let (series, closed) = (divergence_term(1.0, inside, inside), divergence_term(1.0, ratio, ratio));
            assert!((series / closed - 1.0).abs() < 1e-11, "{ratio}: {series} {closed}");
        }
    }

    #[test]
    fn terms_add_up_to_the_relative_entropy() {
        let (p, q) = ([0.2, 0.0, 0.31, 0.49], [0.25, 0.15, 0.3, 0.3]);
        let term = |i: usize| divergence_term(q[i], p[i] - q[i], (p[i] - q[i]) / q[i]);
        let found: f64 = (0..4).map(term).sum::<f64>() / std::f64::consts::LN_2;
        assert!((found - crate::prob::relative_entropy(&p, &q)).abs() < 1e-15);
    }

    #[test]
    fn tiny_deviations_keep_their_digits() {
        for ratio in [1e-3, -1e-5, 1e-9, -1e-100] {
            let half_square = 0.5 * ratio * ratio * (1.0 - ratio / 3.0 + ratio * ratio / 6.0);
            assert!((divergence_term(1.0, ratio, ratio) / half_square - 1.0).abs() < 1e-9);
        }
    }
}
