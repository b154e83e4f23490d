//! The transformation that makes memberships as crisp as can be.

use nalgebra::{DMatrix, DVector};
use rand::RngExt;

use super::polytope::{Climbed, Polytope};
use super::simplex::{corners, least, to_corners};
use crate::prob::stream;

/// A membership that is this far below 0 is more than rounding.
const NEGATIVE: f64 = 1e-11;

/// Directions in which the states farthest out are kept at hand from the start.
const DIRECTIONS: u64 = 32;

/// Rounds in which states that turned out to be outside are added, at most.
const ROUNDS: usize = 50;

/// Steps from corner to corner for each entry of a transformation, at most: some two are taken.
const STEPS: usize = 100;

/// Memberships `X A` as they were found.
pub(super) struct Fitted {
    /// `A`.
    pub(super) transformation: DMatrix<f64>,
    pub(super) crispness: f64,
    /// The least entry that the inner simplex gives.
    pub(super) min_chi: f64,
    /// Whether nothing near it is crisper.
    pub(super) is_settled: bool,
}

/// The crispest memberships of as many sets as there are Schur vectors, a local
/// optimum reached from the inner simplex; `None` if the states lie in a plane.
///
/// Crispness is a convex function of the transformation, a sum of squares over linear
/// forms, and the transformations without negative memberships are a polytope. So its
/// local maxima are corners, where they are found exactly. Where memberships get ever
/// crisper until a set has died out, that is not gone along with: of the corners where all sets
/// have mass, none beside the one found is crisper.
///
/// Only the states on the rim of the cloud bound the transformation. So it is
/// optimised for a few of them, and those that come out negative are added,
/// until none does.
pub(super) fn crispest_memberships(vectors: &[Vec<f64>], seed: u64) -> Option<Fitted> {
    let k = vectors.len();
    let corners = corners(vectors);
    let mut transformation = to_corners(vectors, &corners)?;
    let lows = |a: &DMatrix<f64>| (0..k).map(|column| least(vectors, a, column)).collect::<Vec<_>>();
    let min_chi = lows(&transformation).iter().map(|low| low.1).fold(f64::INFINITY, f64::min);
    let mut rim = corners;
    rim.extend(far_out(vectors, seed));
    let mut is_settled = false;
    for _ in 0..ROUNDS {
        rim.sort_unstable();
        rim.dedup();
        let (found, is_best) = crispest_of(vectors, &rim, &transformation)?;
        transformation = found;
        let outside = lows(&transformation).into_iter().filter(|(_, value)| *value < -NEGATIVE);
        let known = rim.len();
        rim.extend(outside.map(|(state, _)| state));
        is_settled = is_best && rim.len() == known;
        if rim.len() == known {
            break;
        }
    }
    let transformation = feasible(&transformation, &|a, column| least(vectors, a, column).1)?;
    Some(Fitted { crispness: crispness(&transformation), min_chi, transformation, is_settled })
}

/// The crispest transformation if there were only some of the states, from another one, and
/// whether nothing near it is crisper.
fn crispest_of(vectors: &[Vec<f64>], states: &[usize], from: &DMatrix<f64>) -> Option<(DMatrix<f64>, bool)> {
    let k = vectors.len();
    let point = |&state: &usize| vectors.iter().map(|vector| vector[state]).collect();
    let points: Vec<Vec<f64>> = states.iter().map(point).collect();
    let start = feasible(from, &least_of(&points))?;
    // Two sets have one transformation only.
    if k == 2 {
        return Some((start, true));
    }
    let start = DVector::from_column_slice(start.as_slice());
    let Climbed { point, is_settled } = allowed(&points).climb(gradient, start, STEPS * k * k)?;
    Some((DMatrix::from_column_slice(k, k, point.as_slice()), is_settled))
}

/// The transformations, column by column, whose memberships are laws in all of these points:
/// rows of `A` sum to those of the constant 1, and no entry of `X A` is negative.
fn allowed(points: &[Vec<f64>]) -> Polytope {
    let k = points[0].len();
    let lengths: Vec<f64> =
        points.iter().map(|point| point.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
    let bound = |row: usize, entry: usize| {
        let (set, point) = (row / points.len(), row % points.len());
        if entry / k == set { points[point][entry % k] / lengths[point] } else { 0.0 }
    };
    Polytope {
        sums: DMatrix::from_fn(k, k * k, |row, entry| f64::from(u8::from(entry % k == row))),
        values: DVector::from_fn(k, |row, _| f64::from(u8::from(row == 0))),
        bounds: DMatrix::from_fn(k * points.len(), k * k, bound),
    }
}

/// The gradient of k times the crispness; `None` where a set has no mass.
fn gradient(transformation: &DVector<f64>) -> Option<DVector<f64>> {
    let k = transformation.len().isqrt();
    let mut gradient = transformation.clone();
    for set in 0..k {
        let column = transformation.rows(set * k, k);
        let (mass, square) = (column[0], column.norm_squared());
        if mass <= NEGATIVE {
            return None;
        }
        gradient.rows_mut(set * k, k).scale_mut(2.0 / mass);
        gradient[set * k] = 2.0 - square / (mass * mass);
    }
    Some(gradient)
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
fn feasible(from: &DMatrix<f64>, least: &impl Fn(&DMatrix<f64>, usize) -> f64) -> Option<DMatrix<f64>> {
    let k = from.nrows();
    let mut a = from.clone();
    a.row_mut(0).fill(0.0);
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

    /// Clusters of these sizes, all states of equal weight, smeared a little:
    /// orthonormal coordinates by Gram–Schmidt on smeared indicators.
    fn smeared(sizes: &[usize], smear: f64, seed: u64) -> Vec<Vec<f64>> {
        let (k, n) = (sizes.len(), sizes.iter().sum::<usize>());
        let set_of: Vec<usize> = (0..k).flat_map(|set| vec![set; sizes[set]]).collect();
        let mut rng = stream(seed, 0);
        let mut raw = vec![vec![1.0; n]];
        for set in 0..k - 1 {
            let indicator = set_of.iter().map(|&of| f64::from(u8::from(of == set)));
            raw.push(indicator.map(|inside| inside + smear * rng.random_range(-1.0..1.0)).collect());
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / n as f64;
        for column in 1..k {
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
        let fitted = crispest_memberships(&smeared(&[2, 3, 4], 0.0, 5), 1).unwrap();
        assert!(fitted.is_settled && (fitted.crispness - 1.0).abs() < 1e-13);
        assert!(fitted.min_chi.abs() < 1e-13);
    }

    #[test]
    fn no_state_is_outside_and_no_turn_nearby_is_crisper() {
        for (sizes, smear) in
            [(vec![2, 3, 4], 0.15), (vec![12; 6], 0.05), (vec![12; 6], 0.15), (vec![9; 9], 0.1)]
        {
            let (k, vectors) = (sizes.len(), smeared(&sizes, smear, 5));
            let fitted = crispest_memberships(&vectors, 1).unwrap();
            assert!(fitted.is_settled, "{sizes:?}");
            let lows = |a: &DMatrix<f64>, column: usize| least(&vectors, a, column).1;
            assert!((0..k).all(|column| lows(&fitted.transformation, column) > -1e-13), "{sizes:?}");
            let mut rng = stream(9, 0);
            for size in [1e-2, 1e-4, 1e-6] {
                for _ in 0..300 {
                    let near = fitted.transformation.map(|x| x + rng.random_range(-size..size));
                    let other = feasible(&near, &lows).map_or(0.0, |a| crispness(&a));
                    // Both are sums of k^2 terms of order 1.
                    assert!(other <= fitted.crispness + 1e-12, "{sizes:?}: {other} > {}", fitted.crispness);
                }
            }
        }
    }

    #[test]
    fn the_crispest_of_all_corners_is_found() {
        // Every choice of as many bounds as make a point, of three sets of three states.
        let vectors = smeared(&[2, 2, 2], 0.3, 8);
        let points: Vec<Vec<f64>> =
            (0..6).map(|s| vectors.iter().map(|vector| vector[s]).collect()).collect();
        let Polytope { sums, values, bounds } = allowed(&points);
        let mut best: f64 = 0.0;
        let mut corners = 0;
        for choice in (0u32..1 << 18).filter(|choice| choice.count_ones() == 6) {
            let chosen: Vec<usize> = (0..18).filter(|bound| choice >> bound & 1 == 1).collect();
            let tight = DMatrix::from_fn(9, 9, |row, column| match row {
                0..3 => sums[(row, column)],
                _ => bounds[(chosen[row - 3], column)],
            });
            let Some(corner) = tight.lu().solve(&values.clone().resize_vertically(9, 0.0)) else { continue };
            if (&bounds * &corner).min() < -1e-12 || corner.amax() > 1e6 {
                continue;
            }
            corners += 1;
            let value = crispness(&DMatrix::from_column_slice(3, 3, corner.as_slice()));
            best = best.max(value);
        }
        let found = crispest_memberships(&vectors, 1).unwrap().crispness;
        assert!(corners > 10 && (found - best).abs() < 1e-12, "{corners}: {found}, not {best}");
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_crispness() {
        let vectors = smeared(&[2, 3, 4], 0.15, 5);
        let a = feasible(&to_corners(&vectors, &corners(&vectors)).unwrap(), &|a, c| least(&vectors, a, c).1);
        let a = a.unwrap();
        let slopes = gradient(&DVector::from_column_slice(a.as_slice())).unwrap();
        for entry in 0..9 {
            let step = 1e-5;
            let at = |sign: f64| {
                let mut moved = a.clone();
                moved[entry] += sign * step;
                3.0 * crispness(&moved)
            };
            // The middle difference is off by the square of the step and eps over it.
            assert!((slopes[entry] - (at(1.0) - at(-1.0)) / (2.0 * step)).abs() < 1e-7, "{entry}");
        }
        assert!(gradient(&DVector::zeros(9)).is_none());
    }
}
