//! What is taken from counts.

use crate::error::{Error, Result};

/// What is taken from a count of 1, of 2, and of 3 or more.
pub(super) type Discounts = [f64; 3];

/// The one discount of Ney, Essen & Kneser 1994, section 4: `n1 / (n1 + 2 n2)`.
pub(super) fn single(length: usize, counts_of_counts: [u64; 4]) -> Result<Discounts> {
    let [once, twice, ..] = counts_of_counts.map(|n| n as f64);
    if once == 0.0 || twice == 0.0 {
        let count = if once == 0.0 { 1 } else { 2 };
        return Err(Error::NoDiscount { length, count, counts_of_counts, discount: None });
    }
    Ok([once / (once + 2.0 * twice); 3])
}

/// The three discounts of Chen & Goodman 1998, section 3:
/// `D_k = k - (k + 1) Y t_(k+1) / t_k`.
///
/// A discount of 0 or of k is in range, as in KenLM.
pub(super) fn modified(length: usize, counts_of_counts: [u64; 4]) -> Result<Discounts> {
    let t = counts_of_counts.map(|n| n as f64);
    let common = t[0] / (t[0] + 2.0 * t[1]);
    let mut discounts = [0.0; 3];
    for (at, discount) in discounts.iter_mut().enumerate() {
        let count = at as u32 + 1;
        if counts_of_counts[at] == 0 {
            return Err(Error::NoDiscount { length, count, counts_of_counts, discount: None });
        }
        let k = f64::from(count);
        *discount = k - (k + 1.0) * common * t[at + 1] / t[at];
        if !(0.0..=k).contains(discount) {
            return Err(Error::NoDiscount { length, count, counts_of_counts, discount: Some(*discount) });
        }
    }
    Ok(discounts)
}

/// Checks discounts that the caller gives.
///
/// # Errors
///
/// [`Error::InvalidSetting`] unless the discount of a count k is from 0 to k.
pub(in crate::model) fn check_discounts(discounts: &Discounts) -> Result<()> {
    let requirements = ["from 0 to 1", "from 0 to 2", "from 0 to 3"];
    for ((&value, requirement), k) in discounts.iter().zip(requirements).zip([1.0, 2.0, 3.0]) {
        if !(0.0..=k).contains(&value) {
            return Err(Error::InvalidSetting { name: "discount", value, requirement });
        }
    }
    Ok(())
}

/// The Good–Turing discount ratios `d_1..d_K` of Katz 1987, section II:
/// `d_r = (r*/r - A) / (1 - A)`, `r* = (r + 1) n_(r+1) / n_r`,
/// `A = (K + 1) n_(K+1) / n_1`. `times[r]` n-grams occur r times.
pub(super) fn good_turing(length: usize, times: &[u64]) -> Result<Vec<f64>> {
    let largest = times.len() - 2;
    let refuse = |count: usize, discount| {
        let counts_of_counts = std::array::from_fn(|at| times.get(at + 1).copied().unwrap_or(0));
        Err(Error::NoDiscount { length, count: count as u32, counts_of_counts, discount })
    };
    if times[1] == 0 {
        return refuse(1, None);
    }
    let common = (largest + 1) as f64 * times[largest + 1] as f64 / times[1] as f64;
    if common >= 1.0 {
        // The formula divides by 1 - A, which must be positive.
        return refuse(1, Some((2.0 * times[2] as f64 / times[1] as f64 - common) / (1.0 - common)));
    }
    let mut ratios = Vec::with_capacity(largest);
    for r in 1..=largest {
        if times[r] == 0 {
            return refuse(r, None);
        }
        let expected = (r + 1) as f64 * times[r + 1] as f64 / times[r] as f64;
        let ratio = (expected / r as f64 - common) / (1.0 - common);
        if !(ratio > 0.0 && ratio <= 1.0) {
            return refuse(r, Some(ratio));
        }
        ratios.push(ratio);
    }
    Ok(ratios)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discounts_of_a_real_text_are_those_of_lmplz() {
        // Tiny Shakespeare, words, order 5, lengths 1 and 5.
        let first = modified(1, [13288, 3348, 1549, 923]).unwrap();
        for (found, expected) in first.iter().zip([0.664932, 1.07708, 1.41515]) {
            assert!((found - expected).abs() < 5e-6, "{found}");
        }
        let last = modified(5, [127776, 506, 30, 9]).unwrap();
        for (found, expected) in last.iter().zip([0.992142, 1.82353, 1.80943]) {
            assert!((found - expected).abs() < 5e-6, "{found}");
        }
    }

    #[test]
    fn degenerate_counts_have_no_discounts() {
        assert!(matches!(
            modified(2, [5, 0, 1, 1]),
            Err(Error::NoDiscount { length: 2, count: 2, discount: None, .. })
        ));
        // Y = 1/3; D1 = 1 - 2/3 * 1; D2 = 2 - 1 * 4.
        assert!(matches!(
            modified(1, [1, 1, 4, 1]),
            Err(Error::NoDiscount { count: 2, discount: Some(d), .. }) if (d + 2.0).abs() < 1e-15
        ));
        assert!(matches!(single(1, [0, 3, 0, 0]), Err(Error::NoDiscount { count: 1, .. })));
        assert_eq!(single(1, [2, 1, 0, 0]).unwrap(), [0.5; 3]);
        assert!(check_discounts(&[0.5, 1.0, 1.5]).is_ok());
        assert!(check_discounts(&[0.5, 2.5, 1.5]).is_err());
        assert!(check_discounts(&[f64::NAN, 1.0, 1.5]).is_err());
    }

    #[test]
    fn good_turing_moves_exactly_the_mass_of_what_occurs_once() {
        // Katz 1987: the discounts are such that sum n_r r (1 - d_r) = n_1.
        let times = [0, 120, 40, 24, 13, 10, 5];
        let ratios = good_turing(1, &times).unwrap();
        let moved: f64 = (1..=5).map(|r| times[r] as f64 * r as f64 * (1.0 - ratios[r - 1])).sum();
        assert!((moved - 120.0).abs() < 1e-12, "{moved}");
        assert!(matches!(
            good_turing(1, &[0, 5, 5, 5]),
            Err(Error::NoDiscount { count: 1, discount: Some(_), .. })
        ));
        assert!(matches!(good_turing(3, &[0, 0, 5]), Err(Error::NoDiscount { length: 3, count: 1, .. })));
    }
}
