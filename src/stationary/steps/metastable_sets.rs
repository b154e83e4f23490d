//! Corrections by sets of states that are seldom left.

use std::io;

use rand::RngExt;
use rayon::prelude::*;

use super::coarse::{Aggregation, Weighted, added_up, divide, factors, potential};
use super::partition_tree::{OBSERVABLES, PartitionTree, Values};
use crate::operator::{Block, TransitionOperator, add_up_groups, map_in_place};
use crate::prob::{stream, sum_by};
use crate::solve::MEMORY_LIMIT;
use crate::stationary::gth::eliminated;
use crate::stationary::tape::{Tape, impossible};

/// The most sets: the chances to be in each are kept for every state, about as
/// many numbers as extrapolation and its proof keep.
const MOST: usize = 32;

/// Sets whose chances are pulled back together.
const COLUMNS: usize = 8;

/// Products that smooth an observable: what a chain forgets in fewer is no matter for sets.
const PRODUCTS: usize = 16;

/// The share of its spread that an observable is to keep over the last half of
/// these, if there are to be sets: a mode that fades faster takes few steps.
const KEPT: f64 = 0.5;

/// States that sets are looked for among, drawn by their probability.
const SAMPLE: usize = 1 << 14;

/// The seed of the observables, and values that one stream of it draws.
const SEED: u64 = 0x5e75;
const DRAWN: usize = 1 << 14;

/// Aggregation and disaggregation over metastable sets of states, which the
/// chain itself shows.
///
/// An observable that is pulled back often enough is nearly the same all over a
/// set that is seldom left, and differs between sets: so a few of them, drawn at
/// random, tell the sets apart. The chain of the sets, weighted by the law, has a
/// stationary law of its own, to which the sets of the law are scaled
/// (Takahashi 1975; Koury, McAllister, Stewart 1984). What moves between the sets is so
/// right at once, however slow; the products have only to do with what mixes within.
///
/// `N` numbers a set are kept, and looked at in every correction.
pub(in crate::stationary) struct MetastableSets {
    set_of: Vec<u32>,
    sets: usize,
    /// The chance to be in a set after a step from a state, interleaved, [`COLUMNS`] sets a block.
    chances: Vec<Vec<f64>>,
}

impl MetastableSets {
    /// The sets that a chain shows, `lazy` if it is periodic, or `None` if it shows none.
    /// Takes 16 products with four observables, and one for every set: too many where
    /// products do not share a reading of the matrix.
    pub(super) fn find<O: TransitionOperator>(operator: &O, law: &[f64], lazy: bool) -> Option<Self> {
        let most = most_sets(operator);
        if most < 2 || operator.looks_cost_rows() {
            return None;
        }
        let observables = smooth_observables(operator, law, lazy)?;
        let tree = PartitionTree::grow(sampled(law, &observables), most);
        let states = observables.values().par_chunks_exact(OBSERVABLES);
        let set_of = states.map(|values| tree.set_of(values)).collect();
        (tree.sets() > 1).then(|| Self::new(operator, set_of, tree.sets()))
    }

    fn new<O: TransitionOperator>(operator: &O, set_of: Vec<u32>, sets: usize) -> Self {
        let chances = (0..sets)
            .step_by(COLUMNS)
            .map(|first| {
                let is_in = |state: usize, column: usize| set_of[state] as usize == first + column;
                let columns = COLUMNS.min(sets - first);
                let mut block =
                    Block::new(set_of.len(), columns, |state, column| f64::from(is_in(state, column)));
                block.pull(operator);
                block.into_values()
            })
            .collect();
        Self { set_of, sets, chances }
    }

    /// Passes the sets of a chain; their chances are found again.
    pub(super) fn persist<O: TransitionOperator>(
        sets: &mut Option<Self>,
        operator: &O,
        tape: &mut Tape<'_>,
    ) -> io::Result<()> {
        let mut count = sets.as_ref().map_or(0, |sets| sets.sets);
        tape.count(&mut count)?;
        if count == 0 {
            return Ok(());
        }
        let states = operator.states();
        let of = |state: usize| sets.as_ref().map_or(0.0, |sets| f64::from(sets.set_of[state]));
        let mut numbers: Vec<f64> = (0..states).map(of).collect();
        tape.vector(&mut numbers, states)?;
        let is_number = |number: &f64| *number >= 0.0 && number.fract() == 0.0 && *number < count as f64;
        if count > MOST || !numbers.iter().all(is_number) {
            return Err(impossible());
        }
        if sets.is_none() {
            let set_of = numbers.into_iter().map(|number| number as u32).collect();
            *sets = Some(Self::new(operator, set_of, count));
        }
        Ok(())
    }

    /// Scales a law so that its sets have the probabilities that they would have
    /// in the long run, if the law within each were as it is now.
    pub(super) fn correct(&self, law: &mut [f64]) {
        // Sets that do not reach each other are left as they are.
        let Some(long_run) = eliminated(&self.flows(law), self.sets) else { return };
        let factors = factors(self.probabilities(law), long_run);
        map_in_place(law, |state, p| p * factors[self.set_of[state] as usize]);
    }

    /// The probabilities of the sets under a law.
    fn probabilities(&self, law: &[f64]) -> Vec<f64> {
        added_up(law, &self.set_of, self.sets)
    }

    /// What flows from set to set in a step from a law, row by row.
    fn flows(&self, law: &[f64]) -> Vec<f64> {
        let mut flows = vec![0.0; self.sets * self.sets];
        for (first, chances) in (0..self.sets).step_by(COLUMNS).zip(&self.chances) {
            let columns = COLUMNS.min(self.sets - first);
            let into = add_up_groups(chances, columns, &self.set_of, self.sets, |state| law[state]);
            for (from, into) in into.chunks_exact(columns).enumerate() {
                flows[from * self.sets + first..][..columns].copy_from_slice(into);
            }
        }
        flows
    }
}

/// To the sets.
impl Aggregation for MetastableSets {
    fn solve(&self, law: &[f64], observable: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut means = added_up(&Weighted { law, values: observable }, &self.set_of, self.sets);
        divide(&mut means, &self.probabilities(law));
        let solution = potential(&self.flows(law), &means).unwrap_or_else(|| means.clone());
        (means, solution)
    }

    fn add_refined(&self, coarse: &[f64], values: &mut [f64]) {
        map_in_place(values, |state, value| value + coarse[self.set_of[state] as usize]);
    }
}

/// As many sets as take about what two products do to look at, but not more numbers than
/// there is memory for.
fn most_sets<O: TransitionOperator>(operator: &O) -> usize {
    let states = operator.states();
    let bytes = (size_of::<f64>() * states) as u128;
    let affordable = (MEMORY_LIMIT / bytes).saturating_sub(2 * COLUMNS as u128);
    MOST.min(2 * operator.stored_entries() / states).min(affordable as usize)
}

/// Observables that were drawn at random, and pulled back until only what the
/// chain forgets slowly is left in them; `None` if it forgets all of them.
fn smooth_observables<O: TransitionOperator>(operator: &O, law: &[f64], lazy: bool) -> Option<Block> {
    let states = operator.states();
    let mut drawn = vec![0.0; OBSERVABLES * states];
    drawn.par_chunks_mut(DRAWN).enumerate().for_each(|(chunk, values)| {
        let rng = stream(SEED, chunk as u64);
        values.iter_mut().zip(rng.random_iter()).for_each(|(value, drawn)| *value = drawn);
    });
    let mut observables = Block::from_values(OBSERVABLES, drawn);
    // Else what a periodic chain goes round in would be kept for ever.
    let held = if lazy { 0.5 } else { 0.0 };
    let mut pull = |times: usize| {
        for _ in 0..times {
            observables.pull_with(operator, |_, _, before, after| held * before + (1.0 - held) * after);
        }
        spread(&observables, law)
    };
    let (half, end) = (pull(PRODUCTS / 2), pull(PRODUCTS - PRODUCTS / 2));
    // The values are drawn from 0 to 1: less than this may be rounding.
    let rounding = (PRODUCTS * operator.longest_sum()) as f64 * f64::EPSILON;
    let is_kept = half.iter().zip(&end).any(|(half, end)| *end >= KEPT * half && *end > rounding);
    is_kept.then_some(observables)
}

/// The standard deviations of observables under a law.
fn spread(observables: &Block, law: &[f64]) -> Vec<f64> {
    let means = observables.sums(|state, _, value| law[state] * value);
    let squares = observables.sums(|state, column, value| law[state] * (value - means[column]).powi(2));
    squares.into_iter().map(f64::sqrt).collect()
}

/// The observables in states at evenly spaced quantiles of a law.
fn sampled(law: &[f64], observables: &Block) -> Vec<Values> {
    let total = sum_by(law.len(), |state| law[state]);
    let mut sample = Vec::with_capacity(SAMPLE);
    let mut passed = 0.0;
    for (p, values) in law.iter().zip(observables.values().as_chunks::<OBSERVABLES>().0) {
        passed += p;
        while (sample.len() as f64 + 0.5) * total <= passed * SAMPLE as f64 && sample.len() < SAMPLE {
            sample.push(*values);
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::SparseOperator;

    /// Rings of states that are seldom left, each for the next: within a ring the
    /// steps go forth, back and nowhere.
    fn rings(rings: usize, states: usize, leave: f64) -> SparseOperator {
        let n = rings * states;
        let ring = |state: usize, step: usize| state / states * states + (state + step) % states;
        let row = |state: usize| {
            let within = [(0, 0.3), (1, 0.5), (states - 1, 0.2)].map(|(step, p)| (ring(state, step), p));
            let left = ((state + states) % n, leave * (1.0 + (state % 3) as f64));
            let inside = move |(to, p): (usize, f64)| (state as u32, to as u32, p * (1.0 - left.1));
            within.map(inside).into_iter().chain([(state as u32, left.0 as u32, left.1)])
        };
        SparseOperator::from_triplets(n, (0..n).flat_map(row).collect()).unwrap()
    }

    #[test]
    fn sets_that_are_seldom_left_are_found() {
        let (count, states) = (4, 5);
        let operator = rings(count, states, 1e-4);
        let law = vec![1.0 / (count * states) as f64; count * states];
        let sets = MetastableSets::find(&operator, &law, false).unwrap();
        assert_eq!(sets.sets, count);
        for (state, &set) in sets.set_of.iter().enumerate() {
            assert_eq!(set, sets.set_of[state / states * states], "{state}");
        }
    }

    #[test]
    fn a_chain_that_forgets_fast_has_none() {
        let operator = SparseOperator::from_triplets(
            9,
            (0..81).map(|i| (i / 9, i % 9, if i / 9 == i % 9 { 0.2 } else { 0.1 })).collect(),
        );
        assert!(MetastableSets::find(&operator.unwrap(), &[1.0 / 9.0; 9], false).is_none());
    }

    /// Two halves that take turns are no sets: on the average of two steps there is nothing slow.
    #[test]
    fn a_chain_that_goes_to_and_fro_has_none() {
        let row = |state: u32| (0..4).map(move |i| (state, 2 * i + (state + 1) % 2, 0.25));
        let operator = SparseOperator::from_triplets(8, (0..8).flat_map(row).collect()).unwrap();
        assert!(MetastableSets::find(&operator, &[1.0 / 8.0; 8], true).is_none());
    }

    /// What a correction is, spelled out: the sets as the chain of them would have it, and
    /// the law within each as it was.
    #[test]
    fn a_corrected_law_is_stationary_between_sets_and_the_same_within() {
        let operator = rings(3, 4, 0.01);
        let set_of: Vec<u32> = (0..12).map(|state| state / 4).collect();
        let sets = MetastableSets::new(&operator, set_of, 3);
        let law: Vec<f64> = (0..12).map(|state| (1.0 + (state * 5 % 7) as f64) / 45.0).collect();
        let mut corrected = law.clone();
        sets.correct(&mut corrected);
        let mut next = vec![0.0; 12];
        operator.push_forward(&corrected, &mut next);
        let mass = |law: &[f64], set: usize| law[4 * set..4 * set + 4].iter().sum::<f64>();
        for set in 0..3 {
            assert!((mass(&corrected, set) - mass(&next, set)).abs() < 12.0 * f64::EPSILON);
            for state in 4 * set..4 * set + 4 {
                let (before, after) =
                    (law[state] / mass(&law, set), corrected[state] / mass(&corrected, set));
                assert!((before - after).abs() < 12.0 * f64::EPSILON);
            }
        }
    }

    /// For an observable of the sets, what is beyond it solves Poisson's equation
    /// on the sets: so it does when the law within each is that of the chain of every set.
    #[test]
    fn what_is_beyond_an_observable_of_sets_solves_their_equation() {
        let operator = rings(3, 4, 0.01);
        let set_of: Vec<u32> = (0..12).map(|state| state / 4).collect();
        let sets = MetastableSets::new(&operator, set_of.clone(), 3);
        let mut law = vec![1.0 / 12.0; 12];
        sets.correct(&mut law);
        let mass = |set: usize| law[4 * set..4 * set + 4].iter().sum::<f64>();
        let of_sets = [1.0 / mass(0), -0.25 / mass(1), -0.75 / mass(2)];
        let observable: Vec<f64> = set_of.iter().map(|&set| of_sets[set as usize]).collect();
        let mut solution = observable.clone();
        sets.add_beyond(&law, &observable, &mut solution);
        let mut after = vec![0.0; 12];
        operator.pull_back(&solution, &mut after);
        for set in 0..3 {
            let states = 4 * set..4 * set + 4;
            let left: f64 = states.map(|i| law[i] * (solution[i] - after[i] - observable[i])).sum();
            // The solution is of the size of a sojourn, a hundred steps.
            assert!(left.abs() < 1e4 * f64::EPSILON, "{left}");
        }
    }
}
