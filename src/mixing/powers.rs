//! Powers of a transition matrix, with bounds on what rounding did to them.

use ndarray::{Array2, ArrayView1};

use crate::operator::{TransitionOperator, successors};
use crate::prob::Law;

/// A partition of the states, within whose blocks a chain moves fast.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    block_of: Vec<usize>,
    /// The first state of each block.
    first: Vec<usize>,
}

impl Blocks {
    /// Every state by itself.
    pub(super) fn singletons(n: usize) -> Self {
        Self { block_of: (0..n).collect(), first: (0..n).collect() }
    }

    /// States whose laws after a power are within a distance of that of the first of
    /// their block.
    pub(super) fn alike(power: &Power, distance: f64) -> Self {
        let mut blocks = Self { block_of: Vec::new(), first: Vec::new() };
        for (state, row) in power.matrix.rows().into_iter().enumerate() {
            let near = |&first: &usize| apart(&row, &power.matrix.row(first)) <= distance;
            let block = blocks.first.iter().position(near).unwrap_or_else(|| {
                blocks.first.push(state);
                blocks.first.len() - 1
            });
            blocks.block_of.push(block);
        }
        blocks
    }

    /// The mass of a row in each block.
    fn masses(&self, row: &ArrayView1<'_, f64>) -> Vec<f64> {
        let mut masses = vec![0.0; self.first.len()];
        row.iter().zip(&self.block_of).for_each(|(p, &block)| masses[block] += p);
        masses
    }
}

/// A power of the transition matrix, with bounds on its error.
///
/// A row stands for the law of its entries divided by their sum, whatever rounding
/// left of that sum. It is off by `total`, in total variation, at most; the masses that it
/// gives to blocks of states are off by `between`.
///
/// Let `A` be off by `E` and `B` by `F`. Then `A B` is off by `E B` and `F`, carried on by an exact
/// power, which takes means of its rows. A row of `E` is moved to the first states of
/// the blocks, where it is as large as `between`, and what is left adds up to zero in every block
/// and is at most `total + between`. That `B` shrinks as far as the rows of a block are alike in
/// it: by `2 spread`, if all are within `spread` of the first, and its masses
/// by `2 spread_between`. What rounding within blocks did is thus forgotten, and only what it
/// did between them adds up.
///
/// The product itself: entries are sums of non-negative terms, off by at most `u = 2 (N + 2) eps`
/// relatively, row sums of `B` that are not quite one included. Divided by their sums they
/// are off by at most `2 u`, and so the law by at most `2 u` times the mass outside the
/// largest entry, which makes up for what the others are off by; and masses by that outside the
/// largest block.
#[derive(Debug, Clone)]
pub(super) struct Power {
    matrix: Array2<f64>,
    total: f64,
    between: f64,
    spread: f64,
    spread_between: f64,
}

impl Power {
    /// The matrix of a chain.
    pub(super) fn first<O: TransitionOperator>(operator: &O, blocks: &Blocks) -> Self {
        let n = operator.states();
        let mut matrix = Array2::zeros((n, n));
        for state in 0..n {
            for transition in successors(operator, state) {
                matrix[[state, transition.state]] = transition.probability;
            }
        }
        Self::rounded(matrix, [0.0; 2], blocks)
    }

    /// The product of two powers.
    pub(super) fn times(&self, then: &Self, blocks: &Blocks) -> Self {
        let within = self.total + self.between;
        let total = self.total.min(self.between + within * 2.0 * then.spread);
        let between = total.min(self.between + within * 2.0 * then.spread_between);
        let carried = [total + then.total, between + then.between];
        Self::rounded(self.matrix.dot(&then.matrix), carried, blocks)
    }

    /// Divides the rows by their sums, and adds what rounding did to the errors.
    fn rounded(mut matrix: Array2<f64>, carried: [f64; 2], blocks: &Blocks) -> Self {
        let unit = 4.0 * (matrix.ncols() + 2) as f64 * f64::EPSILON;
        let (mut outside, mut outside_blocks) = (0.0f64, 0.0f64);
        let mut masses = Vec::with_capacity(matrix.nrows());
        for mut row in matrix.rows_mut() {
            let sum = row.sum();
            row /= sum;
            masses.push(blocks.masses(&row.view()));
            outside = outside.max(outside_largest(row.iter()));
            outside_blocks = outside_blocks.max(outside_largest(masses[masses.len() - 1].iter()));
        }
        let (mut spread, mut spread_between) = (0.0f64, 0.0f64);
        for (state, &block) in blocks.block_of.iter().enumerate() {
            let first = blocks.first[block];
            if state != first {
                // Rows sum to one up to rounding.
                spread = spread.max(apart(&matrix.row(state), &matrix.row(first)) + unit);
                let [one, other] = [state, first].map(|state| ArrayView1::from(&masses[state]));
                spread_between = spread_between.max(apart(&one, &other) + unit);
            }
        }
        let total = carried[0] + unit * outside;
        let between = total.min(carried[1] + unit * outside_blocks);
        Self { matrix, total, between, spread, spread_between }
    }

    /// How far off the law of any start is, at most, in total variation.
    pub(super) fn error(&self) -> f64 {
        self.total
    }

    /// The distance of one start from a law.
    pub(super) fn distance_of(&self, start: usize, law: &Law) -> f64 {
        apart(&self.matrix.row(start), &ArrayView1::from(&law[..]))
    }

    /// The distance of the worst start from a law.
    pub(super) fn worst_distance(&self, law: &Law) -> f64 {
        (0..self.matrix.nrows()).map(|start| self.distance_of(start, law)).fold(0.0, f64::max)
    }
}

/// Total variation distance of two rows.
fn apart(one: &ArrayView1<'_, f64>, other: &ArrayView1<'_, f64>) -> f64 {
    0.5 * one.iter().zip(other).map(|(p, q)| (p - q).abs()).sum::<f64>()
}

/// The mass outside the largest entry, added up.
fn outside_largest<'a>(row: impl Iterator<Item = &'a f64> + Clone) -> f64 {
    let largest = row.clone().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(place, _)| place);
    row.enumerate().filter(|(place, _)| Some(*place) != largest).map(|(_, p)| p).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::SparseOperator;

    /// Two pairs of states, a fair coin within each, that change with a probability.
    fn pairs(crossing: f64) -> SparseOperator {
        let entry = |i: u32, j: u32| if i / 2 == j / 2 { 0.5 * (1.0 - crossing) } else { 0.5 * crossing };
        let entries = (0..4).flat_map(|i| (0..4).map(move |j| (i, j, entry(i, j)))).collect();
        SparseOperator::from_triplets(4, entries).unwrap()
    }

    #[test]
    fn bounds_hold_and_blocks_keep_them_small() {
        // A power leads across with probability (1 - (1 - 2 c)^t) / 2.
        let crossing = 1e-9;
        let operator = pairs(crossing);
        let singletons = Blocks::singletons(4);
        let alike = Blocks::alike(&Power::first(&operator, &singletons), 0.1);
        assert_eq!(alike.block_of, [0, 0, 1, 1]);
        let mut last = Vec::new();
        for blocks in [singletons, alike] {
            let mut power = Power::first(&operator, &blocks);
            for exponent in 0..40 {
                let steps = (1u64 << exponent) as f64;
                let crossed = -0.5 * (steps * (-2.0 * crossing).ln_1p()).exp_m1();
                let law = |state: usize| if state < 2 { 0.5 * (1.0 - crossed) } else { 0.5 * crossed };
                let exact = Law::new((0..4).map(law).collect()).unwrap();
                let off = power.distance_of(0, &exact);
                // The closed form is off by a few units itself.
                assert!(off <= power.error() + 8.0 * f64::EPSILON, "{exponent}: {off} {}", power.error());
                power = power.times(&power, &blocks);
            }
            last.push(power.error());
        }
        assert!(last[0] > 1e-3 && last[1] < 1e-9, "{last:?}");
    }
}
