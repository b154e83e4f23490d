//! Work handed out to all threads in parts.
//!
//! Parts are worked on behind a pointer to a function, called once a part. What hands them out is then
//! compiled once for every type of value, not for every closure of every analysis of every operator.
//! A part should be work enough to pay for the call: many values, or a row of the matrix.

use rayon::prelude::*;

/// Rows or columns of a matrix that are looked through in one part.
pub(crate) const ROWS_A_PART: usize = 64;

/// Calls a function with runs of so many values, the last maybe shorter, and the place of the first of each.
pub(crate) fn for_each_part<T: Send>(
    values: &mut [T],
    length: usize,
    work: &(dyn Fn(usize, &mut [T]) + Sync),
) {
    values.par_chunks_mut(length).enumerate().for_each(|(number, part)| work(number * length, part));
}

/// Replaces every value by a function of its place, so many at a time.
pub(crate) fn fill_by<T: Send>(values: &mut [T], length: usize, value_at: impl Fn(usize) -> T + Sync) {
    for_each_part(values, length, &|first, part| {
        part.iter_mut().zip(first..).for_each(|(value, place)| *value = value_at(place));
    });
}

/// What a function makes of every number below `parts`, in their order.
pub(crate) fn of_each_part<T: Send>(parts: usize, work: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
    (0..parts).into_par_iter().map(work).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_one_part_and_parts_come_back_in_order() {
        for count in [0, 1, 9, 10, 11, 1000] {
            let mut values = vec![usize::MAX; count];
            fill_by(&mut values, 10, |place| place);
            assert!(values.into_iter().eq(0..count));
            assert!(of_each_part(count, &|part| 2 * part).into_iter().eq((0..count).map(|part| 2 * part)));
        }
    }
}
