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

/// The same for `p` and `q` as they are: infinite where only `q` is zero.
pub(crate) fn relative_entropy_term(p: f64, q: f64) -> f64 {
    if p == 0.0 {
        return q;
    }
    let ratio = (p - q) / q;
    if ratio.is_finite() {
        return divergence_term(q, p - q, ratio);
    }
    // q is zero, or so small that the quotient overflows; its logarithm does not.
    p * (p.ln() - q.ln()) - (p - q)
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

    #[test]
    fn terms_of_laws_far_apart_are_those_of_logarithms() {
        // q = 2^-k and p = 1/2: a term is (k - 1) ln 2 / 2 - 1/2 + q, with logarithms known exactly;
        // from k = 1023 on q, or the quotient, is beyond the normal numbers.
        for exponent in 2..=1074 {
            let q = 0.5f64.powi(exponent);
            let exact = 0.5 * f64::from(exponent - 1) * std::f64::consts::LN_2 - (0.5 - q);
            let found = relative_entropy_term(0.5, q);
            // Three rounded operations on each of two parts, of which the larger is
            // below 6 times the difference at k = 2.
            assert!((found / exact - 1.0).abs() <= 32.0 * f64::EPSILON, "2^-{exponent}: {found}, {exact}");
            // Most of what p = 2^-k leaves of q = 1/2 is 1/2.
            let p = q;
            let exact = 0.5 - p * (1.0 + f64::from(exponent - 1) * std::f64::consts::LN_2);
            let found = relative_entropy_term(p, 0.5);
            assert!((found / exact - 1.0).abs() <= 32.0 * f64::EPSILON, "2^-{exponent}: {found}, {exact}");
        }
        let term = relative_entropy_term;
        assert_eq!((term(0.0, 0.3), term(0.3, 0.0), term(0.0, 0.0)), (0.3, f64::INFINITY, 0.0));
        assert_eq!((term(0.3, 0.3), term(1e-310, 1e-310)), (0.0, 0.0));
    }

    #[test]
    fn terms_are_right_where_laws_are_close() {
        // p ln(p/q) - p + q = p (x^2/2 - x^3/3 + ...) of x = (q - p)/p, by the series of the logarithm.
        for exponent in 1..=12 {
            let p = 0.25;
            let x = 0.1f64.powi(exponent);
            let q = p * (1.0 + x);
            let x = (q - p) / p;
            let series: f64 = (2..40).map(|k| f64::powi(-x, k) / f64::from(k)).sum();
            let found = relative_entropy_term(p, q);
            assert!((found / (p * series) - 1.0).abs() < 1e-11, "{exponent}: {found}");
        }
    }
}
