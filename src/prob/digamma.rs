//! Digamma at whole numbers, and Grassberger's function of a count.

/// Euler's constant.
const EULER: f64 = 0.577_215_664_901_532_9;

/// From here on four terms of the asymptotic series leave less than 1e-17.
const SERIES_FROM: u64 = 64;

/// The digamma function `psi(n)` at a whole number from 1 on.
///
/// Below 64 by the recurrence `psi(n + 1) = psi(n) + 1 / n` from `psi(1) = -gamma`,
/// above by the asymptotic series (Abramowitz & Stegun 1964, 6.3.18), whose first
/// term left out is below 1e-17 there.
///
/// # Panics
///
/// If `n` is zero, where digamma has a pole.
#[track_caller]
pub(super) fn digamma(n: u64) -> f64 {
    assert!(n > 0, "digamma has a pole at zero");
    if n < SERIES_FROM {
        // Small terms first.
        return (1..n).rev().map(|k| 1.0 / k as f64).sum::<f64>() - EULER;
    }
    let x = n as f64;
    let y = 1.0 / (x * x);
    x.ln() - 0.5 / x - y * (1.0 / 12.0 - y * (1.0 / 120.0 - y * (1.0 / 252.0 - y / 240.0)))
}

/// The function `G(n)` of a count from 1 on that stands for its logarithm
/// (Grassberger 2003):
///
/// ```text
/// G(n) = psi(n) + (-1)^n / 2 (psi((n + 1) / 2) - psi(n / 2)),
/// G(1) = -gamma - ln 2,  G(2) = 2 - gamma - ln 2,
/// G(2m + 1) = G(2m),  G(2m + 2) = G(2m) + 2 / (2m + 1).
/// ```
///
/// At even counts it is `psi(m + 1/2) + ln 2` for `n = 2m`, which has an
/// asymptotic series of its own.
pub(super) fn grassberger(n: u64) -> f64 {
    let half = n / 2;
    if n < SERIES_FROM {
        let odd = (0..half).rev().map(|k| 2.0 / (2 * k + 1) as f64).sum::<f64>();
        return odd - EULER - std::f64::consts::LN_2;
    }
    let m = half as f64;
    let y = 1.0 / (m * m);
    let series =
        1.0 / 24.0 - y * (7.0 / 960.0 - y * (31.0 / 8064.0 - y * (127.0 / 30720.0 - y * 511.0 / 67584.0)));
    (2.0 * m).ln() + y * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_goes_on_where_the_recurrence_ends() {
        for n in SERIES_FROM - 2..SERIES_FROM + 60 {
            let step = digamma(n + 1) - digamma(n);
            assert!((step - 1.0 / n as f64).abs() < 4.0 * f64::EPSILON * digamma(n), "psi at {n}: {step}");
            let odd = if n % 2 == 0 { 0.0 } else { 2.0 / n as f64 };
            let step = grassberger(n + 1) - grassberger(n);
            assert!((step - odd).abs() < 4.0 * f64::EPSILON * grassberger(n), "G at {n}: {step}");
        }
    }

    #[test]
    fn values_are_those_of_the_reference_case() {
        // Case C39, and psi(1) = -gamma, psi(100) of Abramowitz & Stegun, table 6.1.
        for (n, expected) in [
            (1, -1.2703628454614782),
            (2, 0.7296371545385218),
            (3, 0.7296371545385218),
            (5, 1.3963038212051884),
            (10, 2.304240329141696),
            (100, 4.605186851488337),
        ] {
            assert!((grassberger(n) - expected).abs() < 1e-14, "G({n}) = {}", grassberger(n));
        }
        assert_eq!(digamma(1), -EULER);
        assert!((digamma(100) - 4.600161852738087).abs() < 1e-14);
    }
}
