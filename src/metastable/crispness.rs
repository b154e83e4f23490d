//! The transformation that makes memberships as crisp as can be.

use nalgebra::DMatrix;
use rand::RngExt;

use super::nelder_mead::minimize;
use super::simplex::{corners, least, to_corners};
use crate::prob::stream;

/// A membership that is this far below 0 is more than rounding.
const NEGATIVE: f64 = 1e-11;

/// Directions in which the states farthest out are kept at hand from the start.
const DIRECTIONS: u64 = 32;

/// Rounds in which states that turned out to be outside are added, at most.
const ROUNDS: usize = 50;

/// Memberships `X A` as they were found.
pub(super) struct Fitted {
    /// `A`.
    pub(super) transformation: DMatrix<f64>,
    pub(super) crispness: f64,
    /// The least entry that the inner simplex gives.
    pub(super) min_chi: f64,
}

/// The crispest memberships of as many sets as there are Schur vectors, a local
/// optimum reached from the inner simplex; `None` if the states lie in a plane.
///
/// Only the states on the rim of the cloud bound the transformation. So it is
/// optimised for a few of them, and those that come out negative are added,
/// until none does.
pub(super) fn crispest_memberships(vectors: &[Vec<f64>], evaluations: usize, seed: u64) -> Option<Fitted> {
    let k = vectors.len();
    let corners = corners(vectors);
    let first = to_corners(vectors, &corners)?;
    let min_chi = (0..k).map(|column| least(vectors, &first, column).1).fold(f64::INFINITY, f64::min);
    let mut rim = corners;
    rim.extend(far_out(vectors, seed));
    let mut free: Vec<f64> = first.view((1, 1), (k - 1, k - 1)).iter().copied().collect();
    for _ in 0..ROUNDS {
        rim.sort_unstable();
        rim.dedup();
        let transformation = crispest_of(vectors, &rim, &mut free, evaluations)?;
        let lows = (0..k).map(|column| least(vectors, &transformation, column));
        let missed: Vec<(usize, f64)> = lows.filter(|(_, value)| *value < -NEGATIVE).collect();
        if missed.is_empty() {
            break;
        }
        rim.extend(missed.iter().map(|(state, _)| state));
    }
    let transformation = feasible(&free, k, &|a, column| least(vectors, a, column).1)?;
    Some(Fitted { crispness: crispness(&transformation), min_chi, transformation })
}

/// The crispest transformation if there were only some of the states, from where
/// its free entries are.
fn crispest_of(
    vectors: &[Vec<f64>],
    states: &[usize],
    free: &mut Vec<f64>,
    evaluations: usize,
) -> Option<DMatrix<f64>> {
    let k = vectors.len();
    let point = |&state: &usize| vectors.iter().map(|vector| vector[state]).collect();
    let points: Vec<Vec<f64>> = states.iter().map(point).collect();
    let lows = least_of(&points);
    // Two sets have one transformation only.
    if k > 2 {
        let value = |free: &[f64]| -feasible(free, k, &lows).map_or(f64::NEG_INFINITY, |a| crispness(&a));
        *free = minimize(&value, std::mem::take(free), evaluations);
    }
    feasible(free, k, &lows)
}

/// The states farthest out along random directions and all axes.
fn far_out(vectors: &[Vec<f64>], seed: u64) -> Vec<usize> {
    let k = vectors.len();
    let axis = |number: usize| DMatrix::from_fn(k, 1, |row, _| f64::from(u8::from(row == number)));
    let random = |number: u64| {
        let mut rng = stream(seed, number);
        DMatrix::from_fn(k, 1, |row, _| if row == 0 { 0.0 } else { rng.random_range(-1.0..1.0) })
    };
    let directions = (1..k).map(axis).chain((0..DIRECTIONS).map(random));
    directions
        .flat_map(|direction| [least(vectors, &direction, 0).0, least(vectors, &-direction, 0).0])
        .collect()
}

/// The least entry of a column over some points.
fn least_of(points: &[Vec<f64>]) -> impl Fn(&DMatrix<f64>, usize) -> f64 {
    |transformation, column| {
        let value = |point: &Vec<f64>| {
            point.iter().enumerate().map(|(row, x)| x * transformation[(row, column)]).sum::<f64>()
        };
        points.iter().map(value).fold(f64::INFINITY, f64::min)
    }
}

/// The transformation with these entries but for its first row and column, up to
/// a factor: the column makes the memberships sum to one, the row makes the
/// least of each set 0 (Deuflhard and Weber 2005). `None` if all would be constant.
fn feasible(free: &[f64], k: usize, least: &impl Fn(&DMatrix<f64>, usize) -> f64) -> Option<DMatrix<f64>> {
    let mut a = DMatrix::zeros(k, k);
    a.view_mut((1, 1), (k - 1, k - 1)).copy_from_slice(free);
    for row in 1..k {
        a[(row, 0)] = -(1..k).map(|column| a[(row, column)]).sum::<f64>();
    }
    for column in 0..k {
        a[(0, column)] = -least(&a, column);
    }
    let total = a.row(0).sum();
    (total.is_finite() && total > 0.0).then(|| a / total)
}

/// `trace(diag(pi chi)^-1 chi' D chi) / k`; with orthonormal vectors, of which
/// the first is 1, `chi' D chi = A' A` and `pi chi` is the first row of `A`.
fn crispness(a: &DMatrix<f64>) -> f64 {
    let parts = a.column_iter().map(|column| column.norm_squared() / column[0]);
    let sum: f64 = parts.sum();
    if sum.is_finite() { sum / a.ncols() as f64 } else { f64::NEG_INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clusters, of 2, 3 and 4 states of equal weight, smeared a little:
    /// orthonormal coordinates by Gram–Schmidt on smeared indicators.
    fn smeared(smear: f64) -> Vec<Vec<f64>> {
        let sizes = [2, 3, 4];
        let mut rng = stream(5, 0);
        let mut raw = vec![vec![1.0; 9]];
        for set in 0..2 {
            let of = |state: usize| {
                let inside = (0..sizes[set]).contains(&(state.wrapping_sub(sizes[..set].iter().sum())));
                f64::from(u8::from(inside)) + smear * rng.random_range(-1.0..1.0)
            };
            raw.push((0..9).map(of).collect());
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / 9.0;
        for column in 1..3 {
            for other in 0..column {
                let along = dot(&raw[column], &raw[other]);
                let other = raw[other].clone();
                raw[column].iter_mut().zip(&other).for_each(|(x, y)| *x -= along * y);
            }
            let length = dot(&raw[column], &raw[column]).sqrt();
            raw[column].iter_mut().for_each(|x| *x /= length);
        }
        raw
    }

    #[test]
    fn sets_that_are_exact_are_found_exactly() {
        let fitted = crispest_memberships(&smeared(0.0), 500, 1).unwrap();
        assert!((fitted.crispness - 1.0).abs() < 1e-13);
        assert!(fitted.min_chi.abs() < 1e-13);
    }

    #[test]
    fn no_state_is_outside_and_no_turn_nearby_is_crisper() {
        let vectors = smeared(0.15);
        let fitted = crispest_memberships(&vectors, 2000, 1).unwrap();
        let lows = |a: &DMatrix<f64>, column: usize| least(&vectors, a, column).1;
        assert!((0..3).all(|column| lows(&fitted.transformation, column) > -1e-13));
        let free: Vec<f64> = fitted.transformation.view((1, 1), (2, 2)).iter().copied().collect();
        let mut rng = stream(9, 0);
        for _ in 0..1000 {
            let near: Vec<f64> = free.iter().map(|x| x + rng.random_range(-0.02..0.02)).collect();
            let other = feasible(&near, 3, &lows).map_or(0.0, |a| crispness(&a));
            assert!(other <= fitted.crispness + 1e-7, "{other} > {}", fitted.crispness);
        }
    }
}
