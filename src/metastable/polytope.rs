//! The largest value of a convex function on a polytope.

use nalgebra::{DMatrix, DVector};

/// A number this small beside those that it is made of is rounding.
const ROUNDING: f64 = 1e-9;

/// A direction that is this near to a bound runs along it.
const ALONG: f64 = 1e-12;

/// The points `x` with `sums x = values` and `bounds x >= 0`; all `bounds` have length 1.
pub(super) struct Polytope {
    pub(super) sums: DMatrix<f64>,
    pub(super) values: DVector<f64>,
    pub(super) bounds: DMatrix<f64>,
}

/// Where a climb ended.
pub(super) struct Climbed {
    pub(super) point: DVector<f64>,
    /// Whether it is a corner from which no edge leads up.
    pub(super) is_settled: bool,
}

/// A direction to step in, and the place of the bound that it leaves.
struct Way {
    direction: DVector<f64>,
    leaves: Option<usize>,
}

impl Polytope {
    /// Climbs from a point of a bounded polytope to a corner from which no edge leads up. A convex
    /// function has no other local maxima, but for level ground.
    ///
    /// On the way to the first corner every step goes straight up as far as it can,
    /// and then keeps to the bound that it met; from corner to corner, along the steepest edge, as
    /// the simplex method does for a linear function (Dantzig 1963). A convex
    /// function that rises at the start of a step rises to its end.
    ///
    /// Where the function has no gradient no step ends; `None` if there is no other.
    pub(super) fn climb(
        &self,
        gradient: impl Fn(&DVector<f64>) -> Option<DVector<f64>>,
        start: DVector<f64>,
        steps: usize,
    ) -> Option<Climbed> {
        let (mut point, mut met, mut stands) = (start, Vec::new(), false);
        for _ in 0..steps {
            let tight = self.tight(&met);
            let is_corner = tight.is_square();
            if is_corner {
                // Computed afresh, so that roundings do not add up.
                let values = self.values.clone().resize_vertically(tight.nrows(), 0.0);
                point = tight.clone().lu().solve(&values)?;
            }
            let slope = gradient(&point)?;
            let ways = if is_corner {
                self.edges(&tight, &slope, &met, stands)?
            } else {
                up_and_back(&tight, &slope)?
            };
            let step = |way: Way| {
                let (bound, length) = self.next_bound(&point, &way.direction, &met)?;
                let end = &point + way.direction * length;
                gradient(&end).map(|_| (end, bound, length, way.leaves))
            };
            match ways.into_iter().find_map(step) {
                Some((end, bound, length, leaves)) => {
                    (point, stands) = (end, length == 0.0);
                    if let Some(place) = leaves {
                        met.remove(place);
                    }
                    met.push(bound);
                }
                None if is_corner => return Some(Climbed { point, is_settled: true }),
                None => return None,
            }
        }
        Some(Climbed { point, is_settled: false })
    }

    /// The sums, and the bounds that were met.
    fn tight(&self, met: &[usize]) -> DMatrix<f64> {
        let sums = self.sums.nrows();
        DMatrix::from_fn(sums + met.len(), self.sums.ncols(), |row, column| {
            if row < sums { self.sums[(row, column)] } else { self.bounds[(met[row - sums], column)] }
        })
    }

    /// The edges up from a corner, the steepest first. After a step of no length by number
    /// instead, which cannot go round in circles (Bland 1977).
    fn edges(
        &self,
        tight: &DMatrix<f64>,
        slope: &DVector<f64>,
        met: &[usize],
        stands: bool,
    ) -> Option<Vec<Way>> {
        let sums = self.sums.nrows();
        let rise = tight.transpose().lu().solve(slope)?;
        let mut places: Vec<usize> =
            (0..met.len()).filter(|place| rise[sums + place] > ROUNDING * slope.amax()).collect();
        match stands {
            true => places.sort_by_key(|&place| met[place]),
            false => places.sort_by(|a, b| rise[sums + b].total_cmp(&rise[sums + a])),
        }
        // The columns of the inverse leave one bound each, and keep to all others.
        let inverse = tight.clone().try_inverse()?;
        let way =
            |place: usize| Way { direction: inverse.column(sums + place).normalize(), leaves: Some(place) };
        Some(places.into_iter().map(way).collect())
    }

    /// The first bound that a direction meets, and how far it is; of equals the first.
    fn next_bound(
        &self,
        point: &DVector<f64>,
        direction: &DVector<f64>,
        met: &[usize],
    ) -> Option<(usize, f64)> {
        let (room, approach) = (&self.bounds * point, &self.bounds * direction);
        let ahead = (0..room.len()).filter(|bound| approach[*bound] < -ALONG && !met.contains(bound));
        let nearer = |best: (usize, f64), other: (usize, f64)| if other.1 < best.1 { other } else { best };
        ahead.map(|bound| (bound, room[bound].max(0.0) / -approach[bound])).reduce(nearer)
    }
}

/// The direction of the slope within what is tight, and the opposite one. Where that is level, any
/// direction, as a convex function that is level somewhere falls nowhere from there.
fn up_and_back(tight: &DMatrix<f64>, slope: &DVector<f64>) -> Option<Vec<Way>> {
    let across = tight.transpose().qr().q();
    let within = |vector: &DVector<f64>| {
        let once = vector - &across * across.tr_mul(vector);
        &once - &across * across.tr_mul(&once)
    };
    let mut up = within(slope);
    if up.norm() <= ROUNDING * slope.norm() {
        let n = slope.len();
        let axis = |axis: usize| within(&DVector::from_fn(n, |row, _| f64::from(u8::from(row == axis))));
        up = (0..n).map(axis).max_by(|a, b| a.norm().total_cmp(&b.norm()))?;
    }
    let up = if up.dot(slope) < 0.0 { -up.normalize() } else { up.normalize() };
    Some([-&up, up].into_iter().rev().map(|direction| Way { direction, leaves: None }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cube: every coordinate `x` beside its `1 - x`, both not negative.
    fn cube(dimensions: usize) -> Polytope {
        let of = |row: usize, column: usize| f64::from(u8::from(column / 2 == row));
        Polytope {
            sums: DMatrix::from_fn(dimensions, 2 * dimensions, of),
            values: DVector::from_element(dimensions, 1.0),
            bounds: DMatrix::identity(2 * dimensions, 2 * dimensions),
        }
    }

    /// The gradient of `sum of weight (x - middle)^2`.
    fn bowl(weights: [f64; 3], middle: f64) -> impl Fn(&DVector<f64>) -> Option<DVector<f64>> {
        move |point| {
            let slope = |place: usize, _| match place % 2 {
                0 => 2.0 * weights[place / 2] * (point[place] - middle),
                _ => 0.0,
            };
            Some(DVector::from_fn(point.len(), slope))
        }
    }

    fn pairs(xs: [f64; 3]) -> DVector<f64> {
        DVector::from_iterator(6, xs.into_iter().flat_map(|x| [x, 1.0 - x]))
    }

    #[test]
    fn the_corner_uphill_is_reached_from_inside_and_from_the_bottom() {
        let found = cube(3).climb(bowl([1.0, 2.0, 3.0], 0.4), pairs([0.5, 0.3, 0.6]), 100).unwrap();
        assert!(
            found.is_settled && (&found.point - pairs([1.0, 0.0, 1.0])).amax() < 1e-15,
            "{}",
            found.point
        );
        // The lowest point has no way up at first, and every corner is higher.
        let found = cube(3).climb(bowl([1.0, 2.0, 3.0], 0.4), pairs([0.4; 3]), 100).unwrap();
        assert!(found.is_settled && found.point.iter().all(|x| x.abs() < 1e-15 || (x - 1.0).abs() < 1e-15));
    }

    #[test]
    fn corners_are_left_along_edges_that_lead_up() {
        // From a corner of the cube on, where a plane rises to the opposite one.
        let plane = |_: &DVector<f64>| Some(DVector::from_row_slice(&[3.0, 0.0, 2.0, 0.0, 1.0, 0.0]));
        let found = cube(3).climb(plane, pairs([0.0; 3]), 100).unwrap();
        assert!(found.is_settled && (&found.point - pairs([1.0; 3])).amax() < 1e-15, "{}", found.point);
        let short = cube(3).climb(plane, pairs([0.0; 3]), 2).unwrap();
        assert!(!short.is_settled);
    }

    #[test]
    fn corners_without_a_gradient_are_gone_round() {
        let plane = |point: &DVector<f64>| {
            let is_barred = (point - pairs([1.0; 3])).amax() < 1e-9;
            (!is_barred).then(|| DVector::from_row_slice(&[3.0, 0.0, 2.0, 0.0, 1.0, 0.0]))
        };
        let found = cube(3).climb(plane, pairs([0.0; 3]), 100).unwrap();
        assert!(
            found.is_settled && (&found.point - pairs([1.0, 1.0, 0.0])).amax() < 1e-15,
            "{}",
            found.point
        );
        assert!(cube(3).climb(plane, pairs([1.0; 3]), 100).is_none());
    }

    #[test]
    fn a_corner_of_many_bounds_is_got_over() {
        // Every bound of the square twice, and a diagonal through two of its corners.
        let Polytope { sums, values, bounds } = cube(2);
        let diagonal = DMatrix::from_row_slice(1, 4, &[0.5, -0.5, 0.5, -0.5]);
        let bounds = DMatrix::from_fn(9, 4, |row, column| match row {
            8 => diagonal[column],
            _ => bounds[(row % 4, column)],
        });
        let square = Polytope { sums, values, bounds };
        let plane = |_: &DVector<f64>| Some(DVector::from_row_slice(&[1.0, 0.0, -2.0, 0.0]));
        let found = square.climb(plane, DVector::from_row_slice(&[0.0, 1.0, 1.0, 0.0]), 100).unwrap();
        assert!(
            found.is_settled && (found.point - DVector::from_row_slice(&[1.0, 0.0, 0.0, 1.0])).amax() < 1e-15
        );
    }
}
