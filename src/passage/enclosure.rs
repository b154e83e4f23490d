//! Numbers known from below and from above.

use crate::prob::sum_by;

/// A number between two proven bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The number is at least this.
    pub lower: f64,
    /// The number is at most this; maybe infinite.
    pub upper: f64,
}

impl Interval {
    /// The middle; infinite if the upper bound is.
    pub fn midpoint(&self) -> f64 {
        if self.lower == self.upper { self.lower } else { self.lower + 0.5 * (self.upper - self.lower) }
    }

    /// How far the bounds are apart; zero for two equal ones, infinite ones included.
    pub fn width(&self) -> f64 {
        if self.lower == self.upper { 0.0 } else { self.upper - self.lower }
    }

    /// Whether a number is between the bounds.
    pub fn contains(&self, number: f64) -> bool {
        self.lower <= number && number <= self.upper
    }
}

/// One number a state, each between two proven bounds.
///
/// The bounds hold in exact arithmetic for the chain whose rows are the stored
/// ones divided by their sums: the rounding of the computation is in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Enclosure {
    lower: Vec<f64>,
    upper: Vec<f64>,
}

impl Enclosure {
    /// Bounds state by state.
    pub(super) fn new(lower: Vec<f64>, upper: Vec<f64>) -> Self {
        debug_assert!(lower.iter().zip(&upper).all(|(low, high)| low <= high), "proven bounds do not cross");
        Self { lower, upper }
    }

    /// The lower bounds, one a state.
    pub fn lower(&self) -> &[f64] {
        &self.lower
    }

    /// The upper bounds, one a state.
    pub fn upper(&self) -> &[f64] {
        &self.upper
    }

    /// Number of states.
    #[allow(clippy::len_without_is_empty, reason = "a chain has at least one state")]
    pub fn len(&self) -> usize {
        self.lower.len()
    }

    /// The bounds of one state.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    #[track_caller]
    pub fn interval(&self, state: usize) -> Interval {
        Interval { lower: self.lower[state], upper: self.upper[state] }
    }

    /// The middle between the bounds of one state.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    #[track_caller]
    pub fn midpoint(&self, state: usize) -> f64 {
        self.interval(state).midpoint()
    }

    /// The middles between the bounds, one a state.
    pub fn midpoints(&self) -> Vec<f64> {
        (0..self.len()).map(|state| self.midpoint(state)).collect()
    }

    /// The largest distance between the bounds of a state.
    pub fn width(&self) -> f64 {
        (0..self.len()).map(|state| self.interval(state).width()).fold(0.0, f64::max)
    }

    /// The largest distance between the bounds of a state, in units of its upper bound.
    pub fn relative_width(&self) -> f64 {
        let relative = |state: usize| {
            let interval = self.interval(state);
            if interval.width() == 0.0 { 0.0 } else { interval.width() / interval.upper }
        };
        // An infinite upper bound over a finite lower one says nothing at all.
        let found = |state| if relative(state).is_nan() { f64::INFINITY } else { relative(state) };
        (0..self.len()).map(found).fold(0.0, f64::max)
    }

    /// The bounds of the mean under a law, such as that of a start.
    ///
    /// # Panics
    ///
    /// If the law is over another number of states.
    #[track_caller]
    pub fn mean(&self, law: &[f64]) -> Interval {
        assert_eq!(law.len(), self.len(), "a law over the states that have bounds");
        let mean =
            |values: &[f64]| sum_by(law.len(), |i| if law[i] > 0.0 { law[i] * values[i] } else { 0.0 });
        // Adding up N terms of one sign is right to N units.
        let rounding = law.len() as f64 * f64::EPSILON;
        Interval { lower: mean(&self.lower) * (1.0 - rounding), upper: mean(&self.upper) * (1.0 + rounding) }
    }

    /// The tighter bounds of two enclosures of the same numbers.
    pub(super) fn intersection(mut self, other: &Self) -> Self {
        for (mine, theirs) in self.lower.iter_mut().zip(&other.lower) {
            *mine = mine.max(*theirs);
        }
        for (mine, theirs) in self.upper.iter_mut().zip(&other.upper) {
            *mine = mine.min(*theirs);
        }
        Self::new(self.lower, self.upper)
    }

    /// The bounds that a function, not falling, makes of these.
    pub(super) fn map(&self, lower: impl Fn(usize, f64) -> f64, upper: impl Fn(usize, f64) -> f64) -> Self {
        let lower = self.lower.iter().enumerate().map(|(state, &bound)| lower(state, bound)).collect();
        let upper = self.upper.iter().enumerate().map(|(state, &bound)| upper(state, bound)).collect();
        Self::new(lower, upper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_and_middles_stand_infinities() {
        let never = Interval { lower: f64::INFINITY, upper: f64::INFINITY };
        assert_eq!((never.width(), never.midpoint()), (0.0, f64::INFINITY));
        let open = Interval { lower: 1.0, upper: f64::INFINITY };
        assert_eq!((open.width(), open.midpoint()), (f64::INFINITY, f64::INFINITY));
        let enclosure = Enclosure::new(vec![1.0, 0.5, f64::INFINITY], vec![1.0, 1.0, f64::INFINITY]);
        assert_eq!((enclosure.width(), enclosure.relative_width()), (0.5, 0.5));
        assert_eq!(Enclosure::new(vec![1.0], vec![f64::INFINITY]).relative_width(), f64::INFINITY);
    }

    #[test]
    fn the_mean_leaves_out_states_of_probability_zero() {
        let enclosure = Enclosure::new(vec![1.0, 3.0, f64::INFINITY], vec![2.0, 3.0, f64::INFINITY]);
        let mean = enclosure.mean(&[0.5, 0.5, 0.0]);
        assert!(mean.lower <= 2.0 && mean.lower > 1.999 && mean.upper >= 2.5 && mean.upper < 2.501);
        assert!(mean.contains(2.25));
    }
}
