//! Distances between laws.

/// Total variation distance, half the L1 distance: between 0 and 1.
///
/// # Panics
///
/// If the laws have different lengths; so do the other distances.
#[track_caller]
pub fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    (0.5 * l1(p, q)).min(1.0)
}

/// L1 distance `sum |p - q|`: between 0 and 2 for laws.
#[track_caller]
pub fn l1(p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "laws over the same states");
    super::sum_by(p.len(), |i| (p[i] - q[i]).abs())
}

/// Relative entropy (Kullback–Leibler divergence) `sum p log2(p / q)`, in bits;
/// infinite where `p` puts mass and `q` does not.
#[track_caller]
pub fn relative_entropy(p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "laws over the same states");
    super::sum_by(p.len(), |i| if p[i] > 0.0 { p[i] * (p[i].log2() - q[i].log2()) } else { 0.0 }).max(0.0)
}

/// Jensen–Shannon divergence with equal weights (Lin 1991), in bits: between 0 and 1.
#[track_caller]
pub fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "laws over the same states");
    let half = |a: f64, b: f64| if a > 0.0 { 0.5 * a * (2.0 * a / (a + b)).log2() } else { 0.0 };
    super::sum_by(p.len(), |i| half(p[i], q[i]) + half(q[i], p[i])).clamp(0.0, 1.0)
}

/// Hellinger distance `sqrt(1 - sum sqrt(p q))`: between 0 and 1.
#[track_caller]
pub fn hellinger(p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "laws over the same states");
    // Half the squared distance of the roots: no cancellation when p is near q.
    (0.5 * super::sum_by(p.len(), |i| (p[i].sqrt() - q[i].sqrt()).powi(2))).sqrt().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opposite_laws_are_at_the_greatest_distance() {
        let (p, q) = ([1.0, 0.0], [0.0, 1.0]);
        assert_eq!(total_variation(&p, &q), 1.0);
        assert_eq!(jensen_shannon(&p, &q), 1.0);
        assert_eq!(hellinger(&p, &q), 1.0);
        assert_eq!(relative_entropy(&p, &q), f64::INFINITY);
    }

    #[test]
    fn a_law_is_at_no_distance_from_itself() {
        let p = [0.2, 0.3, 0.5];
        assert_eq!(total_variation(&p, &p), 0.0);
        assert_eq!(jensen_shannon(&p, &p), 0.0);
        assert_eq!(hellinger(&p, &p), 0.0);
        assert_eq!(relative_entropy(&p, &p), 0.0);
    }
}
