//! Drawing from laws in constant time.

use rand::Rng;

use super::StreamRng;

/// One column of an alias table: below the threshold the column itself, else its alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Column {
    threshold: u32,
    alias: u32,
}

/// Alias tables of many laws, one after another in one flat array: a draw reads
/// one place of memory (Walker 1977; construction of Vose 1991).
///
/// Thresholds are held in 32 bits, which moves each law by at most 2^-33 in
/// total variation: of `n` outcomes, one with a probability below about
/// `2^-33 / n` may never be drawn. An outcome of probability zero never is.
#[derive(Debug, Clone)]
pub struct AliasRows {
    columns: Vec<Column>,
    starts: Vec<usize>,
}

impl AliasRows {
    /// Bytes that tables of `rows` laws with `outcomes` outcomes in all take.
    pub fn bytes(rows: usize, outcomes: usize) -> u128 {
        let column = size_of::<Column>() as u128;
        column * outcomes as u128 + size_of::<usize>() as u128 * (rows as u128 + 1)
    }

    /// Room for `rows` laws with `outcomes` outcomes in all.
    pub fn with_capacity(rows: usize, outcomes: usize) -> Self {
        let mut starts = Vec::with_capacity(rows + 1);
        starts.push(0);
        Self { columns: Vec::with_capacity(outcomes), starts }
    }

    /// Appends the table of a law: non-negative weights, at least one of them
    /// positive. They need not sum to one.
    ///
    /// # Panics
    ///
    /// If no weight is positive, or one is negative or not finite, or there are
    /// 2^32 or more.
    #[track_caller]
    pub fn push(&mut self, weights: &[f64]) {
        let sum: f64 = weights.iter().sum();
        assert!(
            sum > 0.0 && sum.is_finite() && weights.iter().all(|&w| w >= 0.0),
            "an alias table needs non-negative weights with a positive sum"
        );
        assert!(u32::try_from(weights.len()).is_ok(), "fewer than 2^32 outcomes");
        self.columns.extend(columns(weights, sum));
        self.starts.push(self.columns.len());
    }

    /// Number of laws.
    pub fn rows(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Draws an outcome of a law.
    ///
    /// # Panics
    ///
    /// If there is no such law.
    #[track_caller]
    pub fn draw(&self, row: usize, rng: &mut StreamRng) -> usize {
        let columns = &self.columns[self.starts[row]..self.starts[row + 1]];
        // The high half of the product picks the column, the low half is the
        // uniform fraction within it: one draw of 64 bits serves both.
        let scaled = u128::from(rng.next_u64()) * columns.len() as u128;
        let index = (scaled >> 64) as usize;
        let fraction = (scaled as u64 >> 32) as u32;
        let column = columns[index];
        if fraction < column.threshold { index } else { column.alias as usize }
    }
}

/// The alias table of one law.
#[derive(Debug, Clone)]
pub struct AliasTable(AliasRows);

impl AliasTable {
    /// The table of a law, or of weights that need not sum to one.
    ///
    /// # Panics
    ///
    /// As [`AliasRows::push`].
    #[track_caller]
    pub fn new(weights: &[f64]) -> Self {
        let mut rows = AliasRows::with_capacity(1, weights.len());
        rows.push(weights);
        Self(rows)
    }

    /// Draws an outcome.
    pub fn draw(&self, rng: &mut StreamRng) -> usize {
        self.0.draw(0, rng)
    }
}

/// Vose's construction. Columns are filled from the poor (less than average)
/// and the rich; the rounding of leftovers can only leave columns that are full.
fn columns(weights: &[f64], sum: f64) -> Vec<Column> {
    let n = weights.len();
    let mut share: Vec<f64> = weights.iter().map(|w| w / sum * n as f64).collect();
    let (mut poor, mut rich): (Vec<u32>, Vec<u32>) = (0..n as u32).partition(|&i| share[i as usize] < 1.0);
    let mut columns: Vec<Column> = (0..n as u32).map(|i| Column { threshold: u32::MAX, alias: i }).collect();
    while let (Some(small), Some(&large)) = (poor.pop(), rich.last()) {
        // A share that rounds to the whole leaves the column full.
        if let Some(threshold) = threshold(share[small as usize]) {
            columns[small as usize] = Column { threshold, alias: large };
        }
        share[large as usize] -= 1.0 - share[small as usize];
        if share[large as usize] < 1.0 {
            rich.pop();
            poor.push(large);
        }
    }
    // Rounding may leave poor columns without a rich partner. Their share is
    // one up to rounding, unless the outcome is impossible: that one must not
    // be drawn, so it lends its column to the most probable outcome.
    let most_probable = (0..n).max_by(|&a, &b| weights[a].total_cmp(&weights[b])).unwrap_or(0) as u32;
    for small in poor {
        if weights[small as usize] == 0.0 {
            columns[small as usize] = Column { threshold: 0, alias: most_probable };
        }
    }
    columns
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
    use crate::prob::stream;

    /// The law that a table draws from, exactly, from its columns.
    fn law_of(rows: &AliasRows) -> Vec<f64> {
        let n = rows.columns.len();
        let mut law = vec![0.0; n];
        for (index, column) in rows.columns.iter().enumerate() {
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
            let mut rows = AliasRows::with_capacity(1, weights.len());
            rows.push(&weights);
            let sum: f64 = weights.iter().sum();
            let law: Vec<f64> = weights.iter().map(|w| w / sum).collect();
            // Each of n columns of mass 1/n is rounded by at most half of 2^-32.
            let rounding = 2f64.powi(-33) + 1e-13;
            proptest::prop_assert!(crate::prob::total_variation(&law_of(&rows), &law) <= rounding);
            proptest::prop_assert_eq!(law_of(&rows)[zero], 0.0);
        }
    }

    #[test]
    fn shares_just_below_one_leave_their_columns_full() {
        let share = 1.0 - 2f64.powi(-35);
        let weights: Vec<f64> = (0..10).map(|i| if i < 9 { share } else { 10.0 - 9.0 * share }).collect();
        let mut rows = AliasRows::with_capacity(1, 10);
        rows.push(&weights);
        let law: Vec<f64> = weights.iter().map(|w| w / 10.0).collect();
        assert!(crate::prob::total_variation(&law_of(&rows), &law) <= 2f64.powi(-33));
    }

    #[test]
    fn the_only_possible_outcome_is_always_drawn() {
        let table = AliasTable::new(&[0.0, 0.0, 1e-300, 0.0]);
        let mut rng = stream(7, 0);
        assert!((0..1000).all(|_| table.draw(&mut rng) == 2));
    }

    #[test]
    #[should_panic(expected = "positive sum")]
    fn all_zero_weights_are_a_broken_contract() {
        AliasTable::new(&[0.0, 0.0]);
    }
}
