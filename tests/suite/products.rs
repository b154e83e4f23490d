//! Products of shift operators against a slow, obvious product, in every shape.

use lmchain::operator::{
    Restart, ShiftOperator, SparseOperator, TransitionOperator, predecessors, successors,
};
use lmchain::prob::Law;
use lmchain::text::ContextSpace;

/// Uneven positive rows, with a zero here and there.
fn table(space: &ContextSpace) -> Vec<f64> {
    let v = space.vocabulary_size();
    let row = |context: usize| {
        let weight = move |token: usize| {
            let mixed = context * 7919 + token * 104_729;
            if v > 1 && mixed % 11 == 3 && token != context % v { 0.0 } else { (mixed % 1009 + 1) as f64 }
        };
        let sum: f64 = (0..v).map(weight).sum();
        (0..v).map(move |token| weight(token) / sum)
    };
    (0..space.len()).flat_map(row).collect()
}

/// The outputs of a product, term by term, with the sums of the terms' sizes.
struct Slow {
    sums: Vec<f64>,
    sizes: Vec<f64>,
}

impl Slow {
    /// Gives every transition's term to one of its two states.
    fn of<O: TransitionOperator>(
        operator: &O,
        term: impl Fn(usize, usize, f64) -> f64,
        to: impl Fn(usize, usize) -> usize,
    ) -> Self {
        let mut slow = Self { sums: vec![0.0; operator.states()], sizes: vec![0.0; operator.states()] };
        for from in 0..operator.states() {
            for transition in successors(operator, from) {
                let (at, term) =
                    (to(from, transition.state), term(from, transition.state, transition.probability));
                slow.sums[at] += term;
                slow.sizes[at] += term.abs();
            }
        }
        slow
    }

    /// Two sums of V terms in different orders, each term of three factors (a
    /// table in single precision is scaled): V + 2 roundings at most on either side.
    fn check(&self, found: &[f64], v: usize, what: &str) {
        let unit = 2.0 * (v + 2) as f64 * f64::EPSILON;
        for (state, ((found, sum), size)) in found.iter().zip(&self.sums).zip(&self.sizes).enumerate() {
            assert!((found - sum).abs() <= unit * size, "{what}, state {state}: {found} {sum}");
        }
    }
}

fn check<O: TransitionOperator>(operator: &O, v: usize, what: &str) {
    let n = operator.states();
    let law: Vec<f64> = (0..n).map(|state| ((state * 31 % 101) as f64 + 0.5) / n as f64).collect();
    let observable: Vec<f64> = (0..n).map(|state| (state * 17 % 103) as f64 - 51.0).collect();
    // What a product writes over is of no account.
    let (mut next, mut expected) = (vec![f64::NAN; n], vec![f64::NAN; n]);

    operator.push_forward(&law, &mut next);
    let pushed = Slow::of(operator, |from, _, p| law[from] * p, |_, to| to);
    pushed.check(&next, v, &format!("{what}, pushed forward"));

    operator.pull_back(&observable, &mut expected);
    let pulled = Slow::of(operator, |_, to, p| observable[to] * p, |from, _| from);
    pulled.check(&expected, v, &format!("{what}, pulled back"));

    let mut measured = vec![f64::NAN; n];
    let step = operator.push_measuring(&law, &mut measured);
    assert!(measured.iter().zip(&next).all(|(a, b)| a.to_bits() == b.to_bits()), "{what}: other bits");
    // The bits being the same, only the n additions on either side round.
    let unit = 2.0 * n as f64 * f64::EPSILON;
    let sum: f64 = next.iter().sum();
    let change: f64 = next.iter().zip(&law).map(|(next, law)| (next - law).abs()).sum();
    assert!((step.sum - sum).abs() <= unit * sum, "{what}: {} {sum}", step.sum);
    assert!((step.change - change).abs() <= unit * change, "{what}: {} {change}", step.change);
}

/// A sweep computes every output with what the entries before one place are by then,
/// and those behind it were: a place that is the same for a group of outputs, not behind
/// the first of them, and moves on. Whether there is a sweep.
fn check_sweep<O: TransitionOperator>(operator: &O, what: &str) -> bool {
    let n = operator.states();
    let before: Vec<f64> = (0..n).map(|state| ((state * 31 % 101) as f64 + 0.5) / n as f64).collect();
    let mut after = vec![f64::NAN; n];
    let Some(swept) = operator.sweep_forward(&before, &mut after) else {
        assert!(after.iter().all(|after| after.is_nan()), "{what}: nothing is said to be done");
        return false;
    };

    let mut place = 0;
    for state in 0..n {
        let mut from: Vec<(usize, f64)> = predecessors(operator, state)
            .map(|transition| (transition.state, transition.probability))
            .collect();
        from.sort_by_key(|&(from, _)| from);
        // As long a sum as any, on either side, as in a product.
        let unit = 2.0 * (operator.longest_sum() + 2) as f64 * f64::EPSILON;
        let is_sum_by = |place: usize| {
            let term = |&(from, p): &(usize, f64)| p * if from < place { after[from] } else { before[from] };
            let (sum, size) =
                from.iter().map(term).fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term));
            (sum - after[state]).abs() <= unit * size
        };
        place = (place..=state)
            .find(|&place| is_sum_by(place))
            .unwrap_or_else(|| panic!("{what}: {state} is no sum of what there is from place {place} on"));
    }
    // The last group takes up predecessors from the first half of the states and more.
    assert!(place > n / 4, "{what}: {place}");

    let unit = 2.0 * n as f64 * f64::EPSILON;
    let sum: f64 = after.iter().sum();
    let change: f64 = after.iter().zip(&before).map(|(after, before)| (after - before).abs()).sum();
    assert!((swept.sum - sum).abs() <= unit * sum, "{what}: {} {sum}", swept.sum);
    assert!((swept.change - change).abs() <= unit * change, "{what}: {} {change}", swept.change);

    // The change bounds the residual of what is left, up to the rounding of both.
    let mut pushed = vec![0.0; n];
    operator.push_forward(&after, &mut pushed);
    let residual: f64 = after.iter().zip(&pushed).map(|(after, next)| (after - next).abs()).sum();
    let rounding = 2.0 * (operator.longest_sum() + 2) as f64 * f64::EPSILON * sum;
    assert!(residual <= swept.change * (1.0 + unit) + rounding, "{what}: {residual}, {}", swept.change);
    true
}

#[test]
fn sweeps_take_up_what_is_there_group_by_group() {
    // Groups by the least size and, of 3^12, by the eighth, with a short last one; and one group.
    for (v, k) in [(2, 17), (3, 12), (7, 6), (40, 3), (4200, 1), (27, 2)] {
        let space = ContextSpace::new(v, k).unwrap();
        let shift = ShiftOperator::new(space, table(&space)).unwrap();
        let is_swept = space.suffixes() * v > 1 << 15;
        assert_eq!(check_sweep(&shift, &format!("{v}^{k}")), is_swept, "{v}^{k}");
        assert_eq!(check_sweep(&shift.to_f32(), &format!("{v}^{k}, f32")), is_swept, "{v}^{k}, f32");
    }
}

#[test]
fn sweeps_of_sparse_operators_do_too() {
    // By the least size, of 3^13 by the eighth, and one group.
    for (v, k, is_swept) in [(3, 13, true), (7, 6, true), (9, 4, false)] {
        let space = ContextSpace::new(v, k).unwrap();
        let shift = ShiftOperator::new(space, table(&space)).unwrap();
        let row = |s: usize| successors(&shift, s).map(move |to| (s as u32, to.state as u32, to.probability));
        let sparse = SparseOperator::from_triplets(space.len(), (0..space.len()).flat_map(row).collect());
        assert_eq!(check_sweep(&sparse.unwrap(), &format!("{v}^{k}, sparse")), is_swept, "{v}^{k}");
    }
}

#[test]
fn operators_without_an_order_sweep_nothing() {
    let space = ContextSpace::new(3, 2).unwrap();
    let shift = ShiftOperator::new(space, table(&space)).unwrap();
    let restart = Restart::new(&shift, 0.25, Law::point(9, 3)).unwrap();
    let mut next = vec![0.0; 9];
    assert_eq!(restart.sweep_forward(&[1.0 / 9.0; 9], &mut next), None);
    assert_eq!(next, [0.0; 9]);
}

fn check_shape(v: usize, k: usize) {
    let space = ContextSpace::new(v, k).unwrap();
    let operator = ShiftOperator::new(space, table(&space)).unwrap();
    check(&operator, v, &format!("V = {v}, K = {k}"));
    check(&operator.to_f32(), v, &format!("V = {v}, K = {k}, single precision"));
}

#[test]
fn products_are_right_for_every_small_shape() {
    for v in 1..=40 {
        for k in 1..=3 {
            check_shape(v, k);
        }
    }
}

#[test]
fn products_are_right_around_the_edges_of_tiles() {
    // A tile has about 2048 outputs, of large chains up to 8192: one run longer, as long
    // and shorter than that, several parts of a run, and more tiles of suffixes than are
    // taken together.
    for (v, k) in [(2047, 1), (2048, 1), (2049, 1), (2055, 1), (4100, 1), (2, 14), (3, 9), (5, 7), (27, 4)] {
        check_shape(v, k);
    }
}

#[test]
fn steps_of_all_operators_are_measured() {
    let space = ContextSpace::new(5, 3).unwrap();
    let shift = ShiftOperator::new(space, table(&space)).unwrap();
    let row = |s: usize| successors(&shift, s).map(move |t| (s as u32, t.state as u32, t.probability));
    let sparse = SparseOperator::from_triplets(125, (0..125).flat_map(row).collect()).unwrap();
    check(&sparse, 5, "sparse");
    check(&&sparse, 5, "borrowed");
    check(&(Box::new(&shift) as Box<dyn TransitionOperator>), 5, "boxed");
    // Every state leads to every other.
    check(&Restart::new(&shift, 0.25, Law::uniform(125)).unwrap(), 125 + 125, "restarted");
}

#[test]
fn a_copy_in_single_precision_is_the_rounded_chain() {
    let space = ContextSpace::new(7, 2).unwrap();
    let exact = ShiftOperator::new(space, table(&space)).unwrap();
    let rounded = exact.to_f32();
    let same = |a: &dyn TransitionOperator, b: &dyn TransitionOperator| {
        (0..49).all(|from| (0..49).all(|to| a.probability(from, to) == b.probability(from, to)))
    };
    assert!(same(&exact.single_precision().unwrap(), &rounded));
    assert_eq!(exact.single_precision_bytes(), Some(49 * 7 * 4 + 49 * 8));
    assert!(rounded.single_precision().is_none() && rounded.single_precision_bytes().is_none());
    let restarted = Restart::new(&exact, 0.25, Law::point(49, 3)).unwrap();
    let restarted_rounded = Restart::new(&rounded, 0.25, Law::point(49, 3)).unwrap();
    assert!(same(&restarted.single_precision().unwrap(), &restarted_rounded));
    assert!(restarted_rounded.single_precision().is_none());
}
