//! The smallest value of a function without derivatives.

/// Largest difference of the values at the corners at which a search ends.
const FLAT: f64 = 1e-13;

/// How often a search is begun again where the last one ended, at most.
const RESTARTS: usize = 20;

/// A corner of the moving simplex and the value there.
type Corner = (Vec<f64>, f64);

/// Minimises by the simplex of Nelder and Mead (1965) with the factors of Gao and
/// Han (2012) for many dimensions, beginning again where it ended for as long as
/// that helps. Returns a point that is no worse than the start.
pub(super) fn minimize(f: &impl Fn(&[f64]) -> f64, start: Vec<f64>, evaluations: usize) -> Vec<f64> {
    let value = f(&start);
    let mut best = (start, value);
    for _ in 0..RESTARTS {
        let found = search(f, &best, evaluations);
        let gained = best.1 - found.1;
        if gained > 0.0 {
            best = found;
        }
        if gained.is_nan() || gained <= 1e-9 {
            break;
        }
    }
    best.0
}

fn search(f: &impl Fn(&[f64]) -> f64, start: &Corner, evaluations: usize) -> Corner {
    let mut corners = around(f, start);
    let mut left = evaluations;
    while left > 0 {
        corners.sort_by(|a, b| a.1.total_cmp(&b.1));
        let last = corners.len() - 1;
        if corners[last].1 - corners[0].1 <= FLAT {
            break;
        }
        left = left.saturating_sub(2);
        match moved(f, &corners) {
            Some(corner) => corners[last] = corner,
            None => {
                shrink(f, &mut corners);
                left = left.saturating_sub(last);
            }
        }
    }
    corners.into_iter().reduce(|a, b| if b.1 < a.1 { b } else { a }).unwrap_or_else(|| start.clone())
}

/// The start and a step along every axis.
fn around(f: &impl Fn(&[f64]) -> f64, start: &Corner) -> Vec<Corner> {
    let size = start.0.iter().map(|x| x.abs()).fold(f64::MIN_POSITIVE, f64::max);
    let step = |axis: usize| {
        let mut point = start.0.clone();
        point[axis] += (0.1 * point[axis].abs()).max(0.02 * size);
        let value = f(&point);
        (point, value)
    };
    [start.clone()].into_iter().chain((0..start.0.len()).map(step)).collect()
}

/// What replaces the worst of the sorted corners, unless all must draw together.
fn moved(f: &impl Fn(&[f64]) -> f64, corners: &[Corner]) -> Option<Corner> {
    let last = corners.len() - 1;
    let n = last as f64;
    let centre: Vec<f64> =
        (0..last).map(|axis| corners[..last].iter().map(|c| c.0[axis]).sum::<f64>() / n).collect();
    let worst = &corners[last];
    let beyond = |factor: f64| -> Corner {
        let point: Vec<f64> = centre.iter().zip(&worst.0).map(|(c, w)| c + factor * (c - w)).collect();
        let value = f(&point);
        (point, value)
    };
    let reflected = beyond(1.0);
    if reflected.1 < corners[0].1 {
        let expanded = beyond(1.0 + 2.0 / n);
        return Some(if expanded.1 < reflected.1 { expanded } else { reflected });
    }
    if reflected.1 < corners[last - 1].1 {
        return Some(reflected);
    }
    let contraction = 0.75 - 0.5 / n;
    let outside = reflected.1 < worst.1;
    let contracted = beyond(if outside { contraction } else { -contraction });
    (contracted.1 < reflected.1.min(worst.1)).then_some(contracted)
}

/// Draws all corners towards the first.
fn shrink(f: &impl Fn(&[f64]) -> f64, corners: &mut [Corner]) {
    let factor = (1.0 - 1.0 / (corners.len() - 1) as f64).max(0.5);
    let first = corners[0].0.clone();
    for (point, value) in &mut corners[1..] {
        point.iter_mut().zip(&first).for_each(|(x, to)| *x = to + factor * (*x - to));
        *value = f(point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_bottom_of_a_curved_valley_and_of_a_corner() {
        // Rosenbrock 1960.
        let valley = |x: &[f64]| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2);
        let found = minimize(&valley, vec![-1.2, 1.0], 2000);
        assert!((found[0] - 1.0).abs() < 1e-5 && (found[1] - 1.0).abs() < 1e-5, "{found:?}");
        let corner = |x: &[f64]| x.iter().enumerate().map(|(i, x)| (x - i as f64).abs()).sum::<f64>();
        let found = minimize(&corner, vec![3.0; 5], 5000);
        assert!(corner(&found) < 1e-6, "{found:?}");
    }
}
