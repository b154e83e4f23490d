//! Following likely steps to their end.

use rayon::prelude::*;

use crate::operator::{LikelyStep, TransitionOperator, map_in_place, predecessors};
use crate::parallel::{ROWS_A_PART, fill_by};

/// The relative error of `law W` from which on it is not found by subtraction.
const CANCELLED: f64 = 1e-8;

/// The share of a step along likely paths that is taken where nothing corrects it: what the
/// rest of the steps would go round in for ever fades.
pub(in crate::stationary) const DAMPED: f64 = 0.75;

/// The part `S` of a transition matrix that holds one likely step out of every
/// state. The rest, `W = P - S`, is all that an iteration has to wait for:
///
/// ```text
/// pi = pi S + pi W   <=>   pi = pi W (I - S)^-1
/// ```
///
/// `S` leads every state along a path that ends in a cycle, so `(I - S)^-1` is
/// applied exactly: each path is followed once, and each cycle closed by the
/// probability of leaving it, `O(N)`. A regular splitting of `I - P` (Varga
/// 1962, section 3.6; Stewart 1994, section 3.4): but for rounding nothing negative
/// arises, and where steps are nearly certain, what takes power iteration thousands of
/// products happens within one.
///
/// What a step changes is what a product changes, carried along the paths,
///
/// ```text
/// x W (I - S)^-1 = x + (x P - x)(I - S)^-1,
/// ```
///
/// but where likely steps are all but certain, `x P - x` has lost its digits: there `x W`
/// is added up without them.
pub(in crate::stationary) struct LikelyPaths {
    /// The steps out of states on no cycle, each after all steps into its state.
    tree: Vec<Hop>,
    cycles: Vec<Cycle>,
    /// Where subtraction would lose too much: the state that each likely step leads to,
    /// [`NOWHERE`] from cycles that are never left.
    likely: Option<Vec<u32>>,
}

/// No state.
const NOWHERE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Hop {
    from: u32,
    to: u32,
    probability: f64,
}

struct Cycle {
    hops: Vec<Hop>,
    /// The probability of leaving it before it is closed.
    escape: f64,
}

impl LikelyPaths {
    /// The likely steps of an operator, each taken with the share `held` of its
    /// probability. A share below one keeps a periodic chain from going round
    /// in step, and makes every cycle one that is left.
    pub(super) fn new<O: TransitionOperator>(operator: &O, held: f64) -> Self {
        let mut steps = vec![LikelyStep::default(); operator.states()];
        operator.likely_steps(&mut steps);
        let tree = tree_order(&steps);
        let mut on_tree = vec![false; steps.len()];
        for &state in &tree {
            on_tree[state as usize] = true;
        }
        let hop = |state: u32| {
            let step = &steps[state as usize];
            Hop { from: state, to: step.to, probability: held * step.probability }
        };
        let (cycles, never_left): (Vec<Cycle>, Vec<Cycle>) = cycles(&steps, on_tree)
            .into_iter()
            .map(|states| {
                let stays: f64 = states.iter().map(|&state| staying(&steps[state as usize], held)).sum();
                Cycle { hops: states.into_iter().map(hop).collect(), escape: -stays.exp_m1() }
            })
            .partition(|cycle| cycle.escape > 0.0);
        let tree = tree.into_par_iter().with_min_len(1 << 12).map(hop).collect();
        let rounding = operator.longest_sum() as f64 * f64::EPSILON;
        let cancels = |step: &LikelyStep| step.rest > 0.0 && rounding > CANCELLED * step.rest;
        // Behind a hub every state is a predecessor: too many to look at.
        let likely = (operator.hubs() == 0 && held == 1.0 && steps.iter().any(cancels)).then(|| {
            let mut likely: Vec<u32> = steps.iter().map(|step| step.to).collect();
            let staying = never_left.iter().flat_map(|cycle| &cycle.hops);
            staying.for_each(|hop| likely[hop.from as usize] = NOWHERE);
            likely
        });
        Self { tree, cycles, likely }
    }

    /// Whether `law W` is lost in the rounding of `law P`, and with it what the residual tells.
    pub(super) fn outweigh_the_rest(&self) -> bool {
        self.likely.is_some()
    }

    /// Turns `next = law P` into `law W (I - S)^-1`.
    pub(super) fn follow<O: TransitionOperator>(&self, operator: &O, law: &[f64], next: &mut [f64]) {
        match &self.likely {
            None => {
                map_in_place(next, |state, p| p - law[state]);
                self.carry_on(next);
                // Less than this of a state is lost in rounding; no state is to be.
                map_in_place(next, |state, change| (law[state] + change).max(f64::EPSILON * law[state]));
            }
            Some(likely) => {
                push_unlikely(operator, likely, law, next);
                self.carry_on(next);
            }
        }
    }

    /// Turns values `x` into `x (I - S)^-1`: each carried along its path.
    fn carry_on(&self, values: &mut [f64]) {
        for hop in &self.tree {
            values[hop.to as usize] += hop.probability * values[hop.from as usize];
        }
        for Cycle { hops, escape } in &self.cycles {
            // What comes back to the first state from the others, before it goes round again.
            let (first, others) = (hops[0].from as usize, &hops[1..]);
            let back = others
                .iter()
                .fold(0.0, |carried, hop| hop.probability * (carried + values[hop.from as usize]));
            values[first] = (values[first] + back) / escape;
            for hop in &hops[..hops.len() - 1] {
                values[hop.to as usize] += hop.probability * values[hop.from as usize];
            }
        }
    }

    /// Turns an observable `f` into `(I - S)^-1 f`, its sum along the paths.
    pub(in crate::stationary) fn sum_along(&self, observable: &mut [f64]) {
        for Cycle { hops, escape } in &self.cycles {
            let first = hops[0].from as usize;
            let others = || hops[1..].iter().rev();
            let collected =
                others().fold(0.0, |after, hop| observable[hop.from as usize] + hop.probability * after);
            observable[first] = (observable[first] + hops[0].probability * collected) / escape;
            for hop in others() {
                observable[hop.from as usize] += hop.probability * observable[hop.to as usize];
            }
        }
        for hop in self.tree.iter().rev() {
            observable[hop.from as usize] += hop.probability * observable[hop.to as usize];
        }
    }
}

/// `law W`, added up without the likely steps.
fn push_unlikely<O: TransitionOperator>(operator: &O, likely: &[u32], law: &[f64], next: &mut [f64]) {
    fill_by(next, ROWS_A_PART, |state| {
        let unlikely = predecessors(operator, state).filter(|from| likely[from.state] as usize != state);
        unlikely.map(|from| law[from.state] * from.probability).sum()
    });
}

/// The logarithm of the probability that a step held back to a share is taken.
/// Of a step that is nearly certain it is told by what is left.
fn staying(step: &LikelyStep, held: f64) -> f64 {
    let taken = if step.probability > 0.5 { (-step.rest.min(1.0)).ln_1p() } else { step.probability.ln() };
    taken + held.ln()
}

/// The states on no cycle, each after all those that step to it.
fn tree_order(steps: &[LikelyStep]) -> Vec<u32> {
    let mut waiting = vec![0u32; steps.len()];
    for step in steps {
        waiting[step.to as usize] += 1;
    }
    let mut order: Vec<u32> = (0..steps.len() as u32).filter(|&state| waiting[state as usize] == 0).collect();
    let mut done = 0;
    while let Some(&state) = order.get(done) {
        let to = steps[state as usize].to;
        waiting[to as usize] -= 1;
        if waiting[to as usize] == 0 {
            order.push(to);
        }
        done += 1;
    }
    order
}

/// The cycles of the likely steps, each in the order in which it is walked.
fn cycles(steps: &[LikelyStep], mut seen: Vec<bool>) -> Vec<Vec<u32>> {
    let mut cycles = Vec::new();
    for start in 0..steps.len() as u32 {
        let mut cycle = Vec::new();
        let mut state = start;
        while !seen[state as usize] {
            seen[state as usize] = true;
            cycle.push(state);
            state = steps[state as usize].to;
        }
        if !cycle.is_empty() {
            cycles.push(cycle);
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::SparseOperator;
    use nalgebra::{DMatrix, DVector};

    /// A path into a cycle of two, a state that stays, and one that steps nowhere likely.
    fn chain() -> SparseOperator {
        let transitions = vec![
            (0, 1, 0.75),
            (0, 4, 0.25),
            (1, 2, 0.5),
            (1, 3, 0.25),
            (1, 0, 0.25),
            (2, 1, 0.875),
            (2, 0, 0.125),
            (3, 3, 0.75),
            (3, 0, 0.25),
            (4, 2, 0.625),
            (4, 3, 0.375),
        ];
        SparseOperator::from_triplets(5, transitions).unwrap()
    }

    /// `S` and `W` as dense matrices.
    fn parts(operator: &SparseOperator, held: f64) -> (DMatrix<f64>, DMatrix<f64>) {
        let n = operator.states();
        let mut steps = vec![LikelyStep::default(); n];
        operator.likely_steps(&mut steps);
        let likely =
            DMatrix::from_fn(
                n,
                n,
                |i, j| {
                    if steps[i].to as usize == j { held * steps[i].probability } else { 0.0 }
                },
            );
        let whole = DMatrix::from_fn(n, n, |i, j| operator.probability(i, j));
        (likely.clone(), whole - likely)
    }

    #[test]
    fn following_is_the_inverse_of_dense_matrices() {
        let operator = chain();
        for held in [1.0, 0.75] {
            let (likely, rest) = parts(&operator, held);
            let inverse = (DMatrix::identity(5, 5) - &likely).try_inverse().unwrap();
            let law = DVector::from_vec(vec![0.1, 0.3, 0.2, 0.25, 0.15]);
            let mut next = vec![0.0; 5];
            operator.push_forward(law.as_slice(), &mut next);
            LikelyPaths::new(&operator, held).follow(&operator, law.as_slice(), &mut next);
            let expected = law.transpose() * rest * inverse;
            for (found, expected) in next.iter().zip(expected.iter()) {
                assert!((found - expected).abs() < 1e-14, "{found} {expected}");
            }
        }
    }

    #[test]
    fn sums_along_paths_are_the_inverse_too() {
        let operator = chain();
        for held in [1.0, 0.75] {
            let (likely, _) = parts(&operator, held);
            let observable = DVector::from_vec(vec![1.0, -2.0, 3.0, 4.0, -5.0]);
            let expected = (DMatrix::identity(5, 5) - likely).try_inverse().unwrap() * &observable;
            let mut found = observable.as_slice().to_vec();
            LikelyPaths::new(&operator, held).sum_along(&mut found);
            for (found, expected) in found.iter().zip(expected.iter()) {
                assert!((found - expected).abs() < 1e-13, "{found} {expected}");
            }
        }
    }

    /// A circle of three, left from every state with a probability of about 2^-40.
    #[test]
    fn what_is_all_but_certain_is_not_subtracted() {
        let rest = 2f64.powi(-40);
        let transitions = (0..3u32).flat_map(|state| {
            let (next, other) = ((state + 1) % 3, (state + 2) % 3);
            [(state, next, 1.0 - rest), (state, other, rest)]
        });
        let operator = SparseOperator::from_triplets(3, transitions.collect()).unwrap();
        let paths = LikelyPaths::new(&operator, 1.0);
        assert!(paths.outweigh_the_rest());
        // From one state alone: to the other by chance, from there round and round.
        // Each round is closed with (1 - rest)^3, of all leavings a third is at each state.
        let law = [1.0, 0.0, 0.0];
        let mut next = [0.0; 3];
        operator.push_forward(&law, &mut next);
        paths.follow(&operator, &law, &mut next);
        let escape = -(3.0 * (-rest).ln_1p()).exp_m1();
        let stay = 1.0 - rest;
        let expected = [rest * stay / escape, rest * stay * stay / escape, rest / escape];
        for (found, expected) in next.iter().zip(expected) {
            assert!((found - expected).abs() <= 8.0 * f64::EPSILON * expected, "{found} {expected}");
        }
    }

    #[test]
    fn a_cycle_that_is_never_left_is_left_out_unless_it_is_held() {
        let circle = SparseOperator::from_triplets(2, vec![(0, 1, 1.0), (1, 0, 1.0)]).unwrap();
        assert!(LikelyPaths::new(&circle, 1.0).cycles.is_empty());
        let held = LikelyPaths::new(&circle, 0.5);
        assert_eq!(held.cycles[0].escape, 0.75);
    }
}
