//! Columns of alias tables, and how tables are filled with them.

/// One column of an alias table: below the threshold the outcome that the
/// column is named for, else its alias. Tables hold it as one word of 64 bits,
/// the threshold on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) threshold: u32,
    pub(crate) alias: u32,
}

impl Column {
    #[inline]
    pub(crate) fn of_word(word: u64) -> Self {
        Self { threshold: (word >> 32) as u32, alias: word as u32 }
    }

    /// The outcome at a height in the column that is named for `own`.
    #[inline]
    pub(crate) fn outcome(self, own: usize, fraction: u32) -> usize {
        if fraction < self.threshold { own } else { self.alias as usize }
    }

    #[inline]
    pub(crate) fn word(self) -> u64 {
        u64::from(self.threshold) << 32 | u64::from(self.alias)
    }
}

/// Picks one of `columns` columns and a uniform fraction within it: the high
/// half of a product is the one, the low half the other, so that one draw of
/// 64 bits serves both.
#[inline]
pub(crate) fn place_in(columns: usize, bits: u64) -> (usize, u32) {
    let scaled = u128::from(bits) * columns as u128;
    ((scaled >> 64) as usize, (scaled as u64 >> 32) as u32)
}

/// Fills alias tables (construction of Vose 1991), one after another in the same room.
#[derive(Default)]
pub(crate) struct ColumnFiller {
    /// What is left of each outcome, in columns.
    share: Vec<f64>,
    /// Outcomes with less than a column in a stack from the left, those with
    /// more in a stack from the right.
    stacks: Vec<u32>,
}

impl ColumnFiller {
    /// Writes the table of a law, a word for every weight: columns are filled
    /// from the poor (less than average) and the rich; the rounding of leftovers
    /// can only leave columns that are full.
    ///
    /// # Panics
    ///
    /// If no weight is positive, or one is negative or not finite, or there are
    /// 2^32 or more, or not as many words.
    #[track_caller]
    pub(crate) fn fill(&mut self, weights: &[f64], words: &mut [u64]) {
        let n = weights.len();
        let sum: f64 = weights.iter().sum();
        assert!(
            sum > 0.0 && sum.is_finite() && weights.iter().all(|&w| w >= 0.0),
            "an alias table needs non-negative weights with a positive sum"
        );
        assert!(u32::try_from(n).is_ok(), "fewer than 2^32 outcomes");
        assert_eq!(words.len(), n, "a column for every outcome");
        let [mut poor, mut rich] = self.sort(weights, sum);
        for (word, outcome) in words.iter_mut().zip(0..) {
            *word = Column { threshold: u32::MAX, alias: outcome }.word();
        }
        while poor > 0 && rich < n {
            poor -= 1;
            let [small, large] = [self.stacks[poor], self.stacks[rich]];
            // A share that rounds to the whole leaves the column full.
            if let Some(threshold) = threshold(self.share[small as usize]) {
                words[small as usize] = Column { threshold, alias: large }.word();
            }
            self.share[large as usize] -= 1.0 - self.share[small as usize];
            if self.share[large as usize] < 1.0 {
                self.stacks[poor] = large;
                [poor, rich] = [poor + 1, rich + 1];
            }
        }
        // Rounding may leave poor columns without a rich partner. Their share is
        // one up to rounding, unless the outcome is impossible: that one must not
        // be drawn, so it lends its column to the most probable outcome.
        let most_probable = (0..n).max_by(|&a, &b| weights[a].total_cmp(&weights[b])).unwrap_or(0) as u32;
        for &small in &self.stacks[..poor] {
            if weights[small as usize] == 0.0 {
                words[small as usize] = Column { threshold: 0, alias: most_probable }.word();
            }
        }
    }

    /// Sorts the outcomes into both stacks: returns where the left one ends and
    /// the right one starts. The greatest numbers are on top.
    fn sort(&mut self, weights: &[f64], sum: f64) -> [usize; 2] {
        let n = weights.len();
        self.share.clear();
        self.share.extend(weights.iter().map(|w| w / sum * n as f64));
        self.stacks.resize(n, 0);
        let [mut poor, mut rich] = [0, n];
        for (outcome, &share) in self.share.iter().enumerate() {
            if share < 1.0 {
                self.stacks[poor] = outcome as u32;
                poor += 1;
            } else {
                rich -= 1;
                self.stacks[rich] = outcome as u32;
            }
        }
        [poor, rich]
    }
}

/// A share in `[0, 1)` as a 32-bit threshold, rounded: zero stays zero, and
/// there is none for a share that rounds to one.
fn threshold(share: f64) -> Option<u32> {
    let rounded = (share * 2f64.powi(32)).round();
    (rounded < 2f64.powi(32)).then_some(rounded as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(weights: &[f64]) -> Vec<u64> {
        let mut words = vec![0; weights.len()];
        ColumnFiller::default().fill(weights, &mut words);
        words
    }

    /// The law that a table draws from, exactly, from its columns.
    fn law_of(words: &[u64]) -> Vec<f64> {
        let n = words.len();
        let mut law = vec![0.0; n];
        for (index, column) in words.iter().map(|&word| Column::of_word(word)).enumerate() {
            let full = column.alias as usize == index;
            let below = if full { 1.0 } else { f64::from(column.threshold) / 2f64.powi(32) };
            law[index] += below / n as f64;
            law[column.alias as usize] += (1.0 - below) / n as f64;
        }
        law
    }

    proptest::proptest! {
        #[test]
        fn a_table_draws_from_its_law(weights in proptest::collection::vec(0.0..1.0f64, 1..40), zero in 0..40usize) {
            let mut weights = weights;
            weights.push(0.5);
            let zero = zero % (weights.len() - 1);
            weights[zero] = 0.0;
            let words = filled(&weights);
            let sum: f64 = weights.iter().sum();
            let law: Vec<f64> = weights.iter().map(|w| w / sum).collect();
            // Each of n columns of mass 1/n is rounded by at most half of 2^-32.
            let rounding = 2f64.powi(-33) + 1e-13;
            proptest::prop_assert!(crate::prob::total_variation(&law_of(&words), &law) <= rounding);
            proptest::prop_assert_eq!(law_of(&words)[zero], 0.0);
        }
    }

    #[test]
    fn shares_just_below_one_leave_their_columns_full() {
        let share = 1.0 - 2f64.powi(-35);
        let weights: Vec<f64> = (0..10).map(|i| if i < 9 { share } else { 10.0 - 9.0 * share }).collect();
        let law: Vec<f64> = weights.iter().map(|w| w / 10.0).collect();
        assert!(crate::prob::total_variation(&law_of(&filled(&weights)), &law) <= 2f64.powi(-33));
    }

    #[test]
    fn room_used_before_leaves_no_trace() {
        let mut filler = ColumnFiller::default();
        let mut words = [0; 5];
        filler.fill(&[0.1, 0.5, 0.1, 0.1, 0.2], &mut words);
        let mut short = [0; 3];
        filler.fill(&[0.7, 0.0, 0.3], &mut short);
        assert_eq!(short[..], filled(&[0.7, 0.0, 0.3]));
    }

    #[test]
    #[should_panic(expected = "positive sum")]
    fn all_zero_weights_are_a_broken_contract() {
        filled(&[0.0, 0.0]);
    }
}
