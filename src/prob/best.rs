//! The best of more than can be kept.

use std::cmp::Ordering;

/// Keeps the first `count` of many in some order, in the memory of `2 count`.
///
/// Each one costs constant time on average: those kept are halved by selection
/// whenever they have become twice too many. The order must tell any two apart;
/// then what is kept does not depend on the order in which they are met.
#[derive(Debug, Clone)]
pub(crate) struct Best<T, F> {
    count: usize,
    order: F,
    kept: Vec<T>,
    /// Whether the one at place `count - 1` is the last that was kept when there
    /// were too many, so that none after it is needed.
    has_bar: bool,
}

impl<T, F: Fn(&T, &T) -> Ordering> Best<T, F> {
    pub(crate) fn new(count: usize, order: F) -> Self {
        Self { count, order, kept: Vec::new(), has_bar: false }
    }

    pub(crate) fn push(&mut self, item: T) {
        let is_late = |item| (self.order)(item, &self.kept[self.count - 1]).is_ge();
        if self.count == 0 || (self.has_bar && is_late(&item)) {
            return;
        }
        let room = self.count.saturating_mul(2);
        if self.kept.len() == room {
            self.select();
        } else if self.kept.len() == self.kept.capacity() {
            let more = self.kept.len().max(4).min(room - self.kept.len());
            self.kept.reserve_exact(more);
        }
        self.kept.push(item);
    }

    pub(crate) fn extend(&mut self, items: impl IntoIterator<Item = T>) {
        items.into_iter().for_each(|item| self.push(item));
    }

    /// Those that were kept, in order.
    pub(crate) fn into_sorted(mut self) -> Vec<T> {
        self.select();
        self.kept.sort_unstable_by(&self.order);
        self.kept
    }

    fn select(&mut self) {
        if self.count > 0 && self.count < self.kept.len() {
            self.kept.select_nth_unstable_by(self.count - 1, &self.order);
            self.kept.truncate(self.count);
            self.has_bar = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers below 101, each many times, told apart by their place.
    fn shuffled() -> Vec<(u32, u32)> {
        (0..10_000u32).map(|place| (place * 7919 % 10_007 % 101, place)).collect()
    }

    #[test]
    fn the_best_are_the_first_after_sorting_whatever_the_order_in_which_they_come() {
        let mut sorted = shuffled();
        sorted.sort_unstable();
        for count in [0, 1, 2, 3, 100, 4999, 5000, 9999, 10_000, 10_001, usize::MAX] {
            for items in [shuffled(), shuffled().into_iter().rev().collect(), sorted.clone()] {
                let mut best = Best::new(count, Ord::cmp);
                best.extend(items);
                assert_eq!(best.into_sorted(), sorted[..count.min(sorted.len())]);
            }
        }
    }

    #[test]
    fn no_more_than_twice_as_many_are_kept() {
        let mut best = Best::new(17, |one: &(u32, u32), other| other.cmp(one));
        for item in shuffled() {
            best.push(item);
            assert!(best.kept.len() <= 34 && best.kept.capacity() <= 34);
        }
    }
}
