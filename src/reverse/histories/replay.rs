//! The values of a recursion in reverse order, without keeping all of them.

use crate::error::Result;
use crate::solve::check_memory;

/// Values that are in use besides those kept.
const WORKING: usize = 2;

/// How many values may be kept at a time: as many as there are, or as fit.
///
/// # Errors
///
/// [`Error::TooLarge`](crate::Error::TooLarge) if fewer than `log2(values)` fit
/// beside `beside` more: the recursion would be repeated too often.
pub(super) fn capacity(last: usize, bytes: u128, beside: usize, allowed: u128) -> Result<usize> {
    let values = last as u128 + 1;
    let least = u128::from(values.ilog2()) + 1;
    let others = (WORKING + beside) as u128;
    check_memory("the checkpoints of a history", (least + others) * bytes, allowed)?;
    Ok(values.min(allowed / bytes - others) as usize)
}

/// Visits the values at times `last, ..., 1, 0` of a recursion that only runs
/// forward, keeping at most `capacity` of them (and two that are being made).
///
/// Kept are those that make the number of steps the smallest possible, with
/// `capacity` known: a value is computed at most `r` times if there are no more
/// than `(s + r + 1)! / ((s + 1)! r!)` of them, for `s = capacity - 1`
/// (Griewank 1992; Griewank and Walther 2000, algorithm 799). That is once if
/// all fit, and twice for up to about `capacity^2 / 2`.
pub(super) fn replay_backwards<T: Clone>(
    first: T,
    last: usize,
    capacity: usize,
    mut advance: impl FnMut(&T, &mut T) -> Result<()>,
    mut visit: impl FnMut(usize, &T) -> Result<()>,
) -> Result<()> {
    debug_assert!(capacity > 0);
    let mut spare: Vec<T> = Vec::new();
    let mut kept = vec![(0, first)];
    let mut at = last;
    while let Some((time, value)) = kept.last() {
        if *time == at {
            visit(at, value)?;
            spare.extend(kept.pop().map(|(_, value)| value));
            at = at.saturating_sub(1);
            continue;
        }
        let free = capacity - kept.len();
        let ahead = if free > 0 { steps_to_next_kept(at - time + 1, free) } else { at - time };
        let mut reached = spare.pop().unwrap_or_else(|| value.clone());
        advance(value, &mut reached)?;
        if ahead > 1 {
            let mut next = spare.pop().unwrap_or_else(|| value.clone());
            for _ in 1..ahead {
                advance(&reached, &mut next)?;
                std::mem::swap(&mut reached, &mut next);
            }
            spare.push(next);
        }
        if free > 0 {
            kept.push((time + ahead, reached));
        } else {
            visit(at, &reached)?;
            spare.push(reached);
            at -= 1;
        }
    }
    Ok(())
}

/// How far from a value kept the next one is to be kept, with `points` values to
/// visit from there on, its own included, and room for `free` more.
fn steps_to_next_kept(points: usize, free: usize) -> usize {
    let points = points as u128;
    let mut repeats = 1;
    while most_points(free, repeats) < points {
        repeats += 1;
    }
    let after = most_points(free - 1, repeats);
    let before = if repeats > 1 { most_points(free, repeats - 2) } else { 1 };
    points.saturating_sub(after).max(before) as usize
}

/// How many values can be visited from one kept on, with room for `free` more,
/// if none is computed more than `repeats` times: `free + repeats + 1` over
/// `repeats`, or very many.
fn most_points(free: usize, repeats: usize) -> u128 {
    let mut points = 1_u128;
    for i in 1..=repeats as u128 {
        // A product of i successive numbers: divisible at every stage.
        points = points * (free as u128 + 1 + i) / i;
        if points > u128::from(u64::MAX) {
            break;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    /// Steps taken to visit all values of the recursion `t -> t + 1` backwards.
    fn steps(last: usize, capacity: usize) -> usize {
        let (mut steps, mut visited) = (0, Vec::new());
        let advance = |from: &usize, to: &mut usize| {
            *to = from + 1;
            steps += 1;
            Ok(())
        };
        let visit = |time: usize, value: &usize| {
            assert_eq!(time, *value);
            visited.push(time);
            Ok(())
        };
        replay_backwards(0, last, capacity, advance, visit).unwrap();
        assert!(visited.into_iter().eq((0..=last).rev()));
        steps
    }

    /// The fewest steps, by trying all places for the next value kept.
    fn fewest(points: usize, free: usize, known: &mut Vec<Vec<Option<usize>>>) -> usize {
        if let Some(found) = known[points][free] {
            return found;
        }
        let found = match (points, free) {
            (1, _) => 0,
            (_, 0) => points * (points - 1) / 2,
            _ => (1..points)
                .map(|ahead| ahead + fewest(points - ahead, free - 1, known) + fewest(ahead, free, known))
                .min()
                .unwrap(),
        };
        known[points][free] = Some(found);
        found
    }

    #[test]
    fn every_value_is_visited_once_in_reverse_with_the_fewest_steps() {
        let mut known = vec![vec![None; 8]; 61];
        for last in 0..60 {
            for capacity in 1..=8 {
                assert_eq!(
                    steps(last, capacity),
                    fewest(last + 1, capacity - 1, &mut known),
                    "{last} {capacity}"
                );
            }
        }
    }

    #[test]
    fn few_values_kept_serve_for_very_many() {
        assert_eq!(steps(100_000, 100_001), 100_000);
        // With 21 kept, none is computed more than 6 times.
        assert!(most_points(20, 5) < 100_001 && 100_001 <= most_points(20, 6));
        assert!(steps(100_000, 21) <= 600_000);
    }

    #[test]
    fn too_little_memory_is_refused() {
        assert_eq!(capacity(99, 1000, 3, 1 << 20).unwrap(), 100);
        assert_eq!(capacity(99, 1000, 3, 12_000).unwrap(), 7);
        let refused = capacity(99, 1000, 3, 11_999);
        assert!(matches!(refused, Err(Error::TooLarge { needed: 12_000, allowed: 11_999, .. })));
    }
}
