//! How information falls: like a power of the lag, or exponentially.

use crate::error::Result;
use crate::solve::check_positive;

/// How information falls from one lag to the next that was looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// The lag it starts from.
    pub from: usize,
    /// The lag it goes to.
    pub to: usize,
    /// Local log-log slope `Delta ln I / Delta ln d`: constant, and negative, where the
    /// information falls like a power of the lag. `None` from lag 0.
    pub power: Option<f64>,
    /// Local semi-log slope `Delta ln I / Delta d`, in nats a step: constant, and
    /// negative, where it falls exponentially.
    pub rate: f64,
}

/// The local slopes of information `(lag, bits)` over ascending lags. Between two lags they are
/// those of the straight line on paper with logarithmic axes, or axis, so a power law
/// or an exponential comes out exactly. Where either end is not positive there is no logarithm, and
/// no slope.
///
/// # Panics
///
/// If the lags are not strictly ascending.
///
/// # Example
///
/// ```
/// let square: Vec<(usize, f64)> = [1, 2, 4, 8].map(|d| (d, 1.0 / (d * d) as f64)).into();
/// for slope in lmchain::information::slopes(&square) {
///     assert!((slope.power.unwrap() + 2.0).abs() < 1e-15);
/// }
/// ```
#[track_caller]
pub fn slopes(information: &[(usize, f64)]) -> Vec<Slope> {
    assert!(information.is_sorted_by(|a, b| a.0 < b.0), "lags must be strictly ascending");
    let slope = |pair: &[(usize, f64)]| {
        let [(from, before), (to, after)] = *pair else { return None };
        if !(before > 0.0 && after > 0.0) {
            return None;
        }
        let fall = after.ln() - before.ln();
        let ratio = to as f64 / from as f64;
        let power = (from > 0).then(|| fall / ratio.ln());
        Some(Slope { from, to, power, rate: fall / (to - from) as f64 })
    };
    information.windows(2).filter_map(slope).collect()
}

/// The lag `d*` from which on information falls as fast as it will in the end: the first
/// from which **all** later [`slopes`] have a `rate` that differs from the asymptotic one
/// by at most `share` of it. `None` if the last slope is still further off.
///
/// A chain has `I(d) ~ C |lambda|^(2d)` in the end, for its second eigenvalue `lambda` (or
/// a smaller one, if the tokens do not show the slowest mode), so a rate of `2 ln |lambda|`: give
/// the modulus. A finite context can follow a power law only before that. Of
///
/// ```text
/// I(d) = C d^-a exp(-d / xi),   1 / xi = -2 ln |lambda|,
/// ```
///
/// the rate is `-a / d - 1 / xi`: the power and the exponential have equal parts in it
/// at the crossover `d = a xi`, which is where its difference from the asymptotic
/// one has fallen to the share 1; and to a share `s` at `a xi / s`. That is what
/// `d*` means, without a fit.
///
/// Where the second eigenvalue is complex or several have nearly its modulus, the
/// rate swings, and over steps of one lag may never settle. Between lags that
/// double a swing evens out; there the power's part is `ln 2` times as large.
///
/// # Errors
///
/// [`InvalidSetting`](crate::Error::InvalidSetting) unless the modulus is between 0 and 1, and the share is positive.
pub fn crossover(slopes: &[Slope], second_eigenvalue: f64, share: f64) -> Result<Option<usize>> {
    check_positive("share", share)?;
    if !(second_eigenvalue > 0.0 && second_eigenvalue < 1.0) {
        return Err(crate::Error::InvalidSetting {
            name: "the modulus of the second eigenvalue",
            value: second_eigenvalue,
            requirement: "between 0 and 1, for information to fall exponentially",
        });
    }
    let rate = 2.0 * second_eigenvalue.ln();
    let is_settled = |slope: &&Slope| (slope.rate - rate).abs() <= share * rate.abs();
    Ok(slopes.iter().rev().take_while(is_settled).last().map(|slope| slope.from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crossover_of_power_and_exponential_is_where_their_parts_are_equal() {
        let (a, xi) = (1.5, 40.0);
        let curve: Vec<(usize, f64)> =
            (1..400).map(|d| (d, (d as f64).powf(-a) * (-(d as f64) / xi).exp())).collect();
        let slopes = slopes(&curve);
        let modulus = (-0.5 / xi).exp();
        // Secants over one step are off the tangents by about 1 / (12 d^2) of the power's part.
        for (share, expected) in [(1.0, a * xi), (0.5, 2.0 * a * xi)] {
            let found = crossover(&slopes, modulus, share).unwrap().unwrap() as f64;
            assert!((found - expected).abs() <= 1.0, "{share}: {found}, not {expected}");
        }
        assert_eq!(crossover(&slopes, modulus, 0.1).unwrap(), None);
    }

    #[test]
    fn an_exponential_is_settled_from_the_start() {
        let curve: Vec<(usize, f64)> = (0..30).map(|d| (d, 0.6f64.powi(2 * d as i32))).collect();
        let slopes = slopes(&curve);
        assert_eq!(slopes[0].power, None);
        assert_eq!(crossover(&slopes, 0.6, 1e-9).unwrap(), Some(0));
        assert!(crossover(&slopes, 1.0, 0.5).is_err());
        assert!(crossover(&slopes, 0.6, 0.0).is_err());
    }

    #[test]
    fn what_is_not_positive_has_no_slope() {
        let found = slopes(&[(1, 0.5), (2, 0.0), (3, 0.1), (4, 0.05)]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].from, found[0].to), (3, 4));
    }
}
