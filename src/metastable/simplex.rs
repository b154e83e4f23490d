//! The simplex that the states lie in.

use nalgebra::DMatrix;

/// The states that span the largest simplex, found one after the other: the
/// farthest from the origin, then always the farthest from the plane through
/// those before (Weber and Galliat 2002, "inner simplex"). Of equals the first.
pub(super) fn corners(vectors: &[Vec<f64>]) -> Vec<usize> {
    let mut rest = vectors.to_vec();
    let mut corners = vec![farthest(&rest)];
    for column in &mut rest {
        let at = column[corners[0]];
        column.iter_mut().for_each(|value| *value -= at);
    }
    while corners.len() < vectors.len() {
        let corner = farthest(&rest);
        corners.push(corner);
        let length = rest.iter().map(|column| column[corner] * column[corner]).sum::<f64>().sqrt();
        let direction: Vec<f64> =
            rest.iter().map(|column| column[corner] / length.max(f64::MIN_POSITIVE)).collect();
        for state in 0..rest[0].len() {
            let along: f64 = rest.iter().zip(&direction).map(|(column, d)| column[state] * d).sum();
            rest.iter_mut().zip(&direction).for_each(|(column, d)| column[state] -= along * d);
        }
    }
    corners
}

/// The first of the points that are farthest from the origin.
fn farthest(columns: &[Vec<f64>]) -> usize {
    let length = |state: usize| columns.iter().map(|column| column[state] * column[state]).sum::<f64>();
    let lengths = (0..columns[0].len()).map(length);
    let longer = |best: (usize, f64), other: (usize, f64)| if other.1 > best.1 { other } else { best };
    lengths.enumerate().fold((0, -1.0), longer).0
}

/// The transformation that puts these states at the corners, unless they lie in a plane.
pub(super) fn to_corners(vectors: &[Vec<f64>], corners: &[usize]) -> Option<DMatrix<f64>> {
    let k = vectors.len();
    DMatrix::from_fn(k, k, |row, column| vectors[column][corners[row]]).try_inverse()
}

/// The least of one column of `X A` and the state that has it.
pub(super) fn least(vectors: &[Vec<f64>], transformation: &DMatrix<f64>, column: usize) -> (usize, f64) {
    let states = vectors[0].len();
    let value = |state| membership(vectors, transformation, state, column);
    let less = |best: (usize, f64), other: (usize, f64)| if other.1 < best.1 { other } else { best };
    (0..states).map(value).enumerate().fold((0, f64::INFINITY), less)
}

/// One entry of `X A`.
pub(super) fn membership(
    vectors: &[Vec<f64>],
    transformation: &DMatrix<f64>,
    state: usize,
    column: usize,
) -> f64 {
    vectors.iter().enumerate().map(|(row, vector)| vector[state] * transformation[(row, column)]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_a_triangle_are_found_among_points_inside() {
        let xs = vec![0.1, 1.0, 0.2, -1.0, 0.0, 0.0];
        let ys = vec![0.1, 0.0, 0.3, 0.0, 0.1, 2.0];
        let vectors = vec![vec![1.0; 6], xs, ys];
        let found = corners(&vectors);
        assert_eq!(found, [5, 1, 3]);
        let transformation = to_corners(&vectors, &found).unwrap();
        for (column, &corner) in found.iter().enumerate() {
            assert!((membership(&vectors, &transformation, corner, column) - 1.0).abs() < 1e-15);
            assert!(least(&vectors, &transformation, column).1 > -1e-15);
        }
        let sum = (0..3).map(|column| membership(&vectors, &transformation, 2, column)).sum::<f64>();
        assert!((sum - 1.0).abs() < 1e-15);
    }
}
