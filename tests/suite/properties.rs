//! Identities that hold for every chain.

use lmchain::chain::{MarkovChain, Start, States};
use lmchain::operator::{
    Restart, ShiftOperator, SparseOperator, TransitionOperator, predecessors, successors,
};
use lmchain::prob::{Law, l1, total_variation};
use lmchain::reverse::Reversed;
use lmchain::stationary::{StationaryMethod, StationarySolver};
use lmchain::text::ContextSpace;
use lmchain::topics::Topics;
use proptest::prelude::*;

use crate::common::tables::{shift, tables};

/// Tables over small context spaces; a third of the entries are zero.
fn table() -> impl Strategy<Value = (ContextSpace, Vec<f64>)> {
    tables((2usize..5, 1usize..4), 1, 0.01)
}

fn sparse<O: TransitionOperator>(chain: &MarkovChain<O>) -> SparseOperator {
    let row = |from: usize| {
        successors(chain.operator(), from).map(move |t| (from as u32, t.state as u32, t.probability))
    };
    SparseOperator::from_triplets(chain.len(), (0..chain.len()).flat_map(row).collect()).unwrap()
}

/// Both products and both walks over transitions against the slow and obvious.
fn check_operator<O: TransitionOperator>(
    operator: &O,
    dense: &dyn Fn(usize, usize) -> f64,
) -> Result<(), TestCaseError> {
    let n = operator.states();
    let law: Vec<f64> = (0..n).map(|i| ((i * 7 + 3) % 11) as f64 / 11.0).collect();
    // n terms of at most one, each rounded a few times.
    let tolerance = 8.0 * n as f64 * f64::EPSILON;
    let mut next = vec![0.0; n];
    operator.push_forward(&law, &mut next);
    let mut expected = vec![0.0; n];
    operator.pull_back(&law, &mut expected);
    let mut largest = vec![0.0; n];
    operator.push_largest(&law, &mut largest);
    // The same law among others, in a block whose last columns stand alone.
    let block: Vec<f64> =
        law.iter().flat_map(|p| [0.5, 1.0, 0.0, 2.0, 1.0].map(|factor| p * factor)).collect();
    let (mut next_block, mut expected_block) = (vec![0.0; 5 * n], vec![0.0; 5 * n]);
    operator.push_block(&block, &mut next_block, 5);
    operator.pull_block(&block, &mut expected_block, 5);
    for i in 0..n {
        for column in [1, 4] {
            prop_assert!((next_block[5 * i + column] - next[i]).abs() <= tolerance, "push in a block");
            prop_assert!(
                (expected_block[5 * i + column] - expected[i]).abs() <= tolerance,
                "pull in a block"
            );
        }
        let pushed: f64 = (0..n).map(|j| law[j] * dense(j, i)).sum();
        let pulled: f64 = (0..n).map(|j| dense(i, j) * law[j]).sum();
        prop_assert!((next[i] - pushed).abs() <= tolerance, "push {i}: {} {pushed}", next[i]);
        prop_assert!((expected[i] - pulled).abs() <= tolerance, "pull {i}: {} {pulled}", expected[i]);
        let best = (0..n).map(|j| law[j] * dense(j, i)).fold(0.0, f64::max);
        prop_assert!((largest[i] - best).abs() <= tolerance, "largest {i}: {} {best}", largest[i]);
        let mut row = vec![0.0; n];
        for to in successors(operator, i) {
            prop_assert!(to.probability > 0.0 && row[to.state] == 0.0, "every transition once");
            row[to.state] = to.probability;
        }
        let mut column = vec![0.0; n];
        for from in predecessors(operator, i) {
            prop_assert!(from.probability > 0.0 && column[from.state] == 0.0, "every transition once");
            column[from.state] = from.probability;
        }
        for j in 0..n {
            prop_assert!((row[j] - dense(i, j)).abs() <= tolerance);
            prop_assert!((column[j] - dense(j, i)).abs() <= tolerance);
            prop_assert!((operator.probability(i, j) - dense(i, j)).abs() <= tolerance);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn operators_do_what_their_matrix_does((space, table) in table(), eps in 0.05..1.0f64) {
        let v = space.vocabulary_size();
        let entry = |from: usize, to: usize| {
            if space.successors(from).contains(&to) { table[from * v + to % v] } else { 0.0 }
        };
        let chain = shift(space, table.clone());
        check_operator(chain.operator(), &entry)?;
        check_operator(&sparse(&chain), &entry)?;
        let mut weights: Vec<f64> = (0..space.len()).map(|i| (i % 3) as f64).collect();
        weights[0] = 1.0;
        let mu = Law::normalized(weights).unwrap();
        let restart = Restart::new(chain.operator(), eps, mu.clone()).unwrap();
        check_operator(&restart, &|i, j| (1.0 - eps) * entry(i, j) + eps * mu[j])?;
        let nu = Law::point(space.len(), space.len() - 1);
        let twice = Restart::new(&restart, 0.25, nu.clone()).unwrap();
        check_operator(&twice, &|i, j| 0.75 * ((1.0 - eps) * entry(i, j) + eps * mu[j]) + 0.25 * nu[j])?;
        let law = Law::uniform(space.len());
        let reversed = Reversed::new(chain.operator(), law.clone()).unwrap();
        let entered: Vec<f64> = (0..space.len()).map(|j| (0..space.len()).map(|i| law[i] * entry(i, j)).sum()).collect();
        check_operator(&reversed, &|i, j| match entered[i] {
            e if e > 0.0 => law[j] * entry(j, i) / e,
            _ => f64::from(u8::from(i == j)),
        })?;
    }

    #[test]
    fn classes_are_those_of_reachability((space, table) in table()) {
        let chain = shift(space, table);
        let n = chain.len();
        // Warshall's transitive closure, and powers for periods.
        let mut reach: Vec<Vec<bool>> = (0..n).map(|i| (0..n).map(|j| i == j || chain.operator().probability(i, j) > 0.0).collect()).collect();
        for through in 0..n {
            let onward = reach[through].clone();
            for row in reach.iter_mut().filter(|row| row[through]) {
                row.iter_mut().zip(&onward).for_each(|(reached, next)| *reached |= next);
            }
        }
        let classes = chain.classes();
        for (i, from) in reach.iter().enumerate() {
            let back = |j: usize| reach[j][i];
            for (j, &there) in from.iter().enumerate() {
                prop_assert_eq!(classes.class_of(i) == classes.class_of(j), there && back(j));
            }
            let closed = from.iter().enumerate().all(|(j, &there)| !there || back(j));
            prop_assert_eq!(classes.is_recurrent(classes.class_of(i)), closed);
        }
        for class in classes.recurrent() {
            let period = classes.period(class);
            let cycle = classes.cyclic_classes(class, chain.operator());
            prop_assert_eq!(cycle.len(), period);
            for (phase, set) in cycle.iter().enumerate() {
                for &state in set {
                    for to in successors(chain.operator(), state as usize) {
                        prop_assert!(cycle[(phase + 1) % period].contains(&(to.state as u32)));
                    }
                }
            }
            // No finer division: returns to a state happen at every large multiple of the period.
            let start = classes.members(class)[0] as usize;
            let mut law = Law::point(n, start).into_vec();
            let mut next = vec![0.0; n];
            let far = period * (n * n / period + 1);
            for _ in 0..far {
                chain.operator().push_forward(&law, &mut next);
                // Only the support matters; keep it away from underflow.
                next.iter_mut().for_each(|p| if *p > 0.0 { *p = 1.0 });
                std::mem::swap(&mut law, &mut next);
            }
            prop_assert!(law[start] > 0.0);
        }
    }

    #[test]
    fn stationary_laws_stand_still_by_every_method((space, table) in table()) {
        let chain = shift(space, table);
        let solve = |method| StationarySolver::new().method(method).tolerance(1e-13).solve(&chain).unwrap();
        let exact = solve(StationaryMethod::Gth).converged().unwrap();
        for class in exact.classes() {
            let law = exact.law(class);
            let mut next = vec![0.0; law.len()];
            chain.operator().push_forward(&law, &mut next);
            prop_assert!(l1(&law, &next) <= 64.0 * law.len() as f64 * f64::EPSILON);
            prop_assert!((law.iter().sum::<f64>() - 1.0).abs() <= law.len() as f64 * f64::EPSILON);
        }
        let lazy = solve(StationaryMethod::LazyPower);
        let bound = lazy.report().error_bound.unwrap_or(f64::INFINITY);
        for class in exact.classes() {
            let off = total_variation(&lazy.value().law(class), &exact.law(class));
            prop_assert!(off <= bound + 1e-14, "{} off, bound {}", off, bound);
        }
    }

    #[test]
    fn reversing_twice_is_the_identity((space, table) in table()) {
        let chain = shift(space, table);
        for class in chain.classes().recurrent().collect::<Vec<_>>() {
            let law = chain.stationary_laws().unwrap().converged().unwrap().law(class);
            let once = chain.reversed(&law).unwrap();
            let twice = once.reversed(&law).unwrap();
            for from in (0..chain.len()).filter(|&state| law[state] > 0.0) {
                for to in 0..chain.len() {
                    let original = chain.operator().probability(from, to);
                    let back = twice.operator().probability(from, to);
                    prop_assert!((original - back).abs() <= 1e-12, "{from} {to}: {original} {back}");
                }
            }
            if chain.classes().recurrent_count() == 1 {
                // Entropy is the same both ways, and the shift register that
                // reads backwards is the same chain under the reversed numbering.
                let (forward, backward) = (chain.entropy_rate(&law), once.entropy_rate(&law));
                prop_assert!((forward - backward).abs() <= 1e-10, "{forward} {backward}");
                let register = chain.reversed_register(&law).unwrap();
                let space = chain.operator().space();
                for from in (0..chain.len()).filter(|&state| law[state] > 0.0) {
                    for to in successors(once.operator(), from) {
                        let same = register.operator().probability(space.reversed(from), space.reversed(to.state));
                        prop_assert!((same - to.probability).abs() <= 1e-12);
                    }
                }
            }
        }
    }

    #[test]
    fn the_distance_to_the_stationary_law_never_grows((space, table) in table(), start in 0usize..64) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().recurrent_count() == 1);
        let law = chain.stationary().unwrap().converged().unwrap();
        let curve = chain.distance_curve(Start::State(start % chain.len()), &law, 30).unwrap();
        let worst = chain.worst_distance_curve(&law, 30).unwrap();
        let rounding = 64.0 * chain.len() as f64 * f64::EPSILON;
        prop_assert!(curve.windows(2).all(|pair| pair[1] <= pair[0] + rounding));
        prop_assert!(worst.windows(2).all(|pair| pair[1] <= pair[0] + rounding));
        prop_assert!(curve.iter().zip(&worst).all(|(one, most)| one <= most));
    }

    #[test]
    fn relabelling_permutes_the_answers((space, table) in table(), seed in 0u64..1000) {
        let chain = shift(space, table);
        let n = chain.len();
        // A permutation of the tokens is one of the contexts.
        let permute = |state: usize| (state as u64 * (2 * seed + 1) % n.next_power_of_two() as u64) as usize;
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&state| (permute(state), state));
        let mut place = vec![0; n];
        for (new, &old) in order.iter().enumerate() {
            place[old] = new;
        }
        let moved = (0..n).flat_map(|from| {
            let place = &place;
            successors(chain.operator(), from).map(move |t| (place[from] as u32, place[t.state] as u32, t.probability))
        });
        let other = MarkovChain::new(SparseOperator::from_triplets(n, moved.collect()).unwrap(), States::numbered(n));
        prop_assert_eq!(chain.classes().count(), other.classes().count());
        let (a, b) = (chain.stationary_laws().unwrap().into_value(), other.stationary_laws().unwrap().into_value());
        for class in a.classes() {
            let member = chain.classes().members(class)[0] as usize;
            let image = b.law(other.classes().class_of(place[member]));
            for (state, p) in a.law(class).iter().enumerate() {
                prop_assert!((p - image[place[state]]).abs() <= 1e-12);
            }
        }
    }

    #[test]
    fn a_lumpable_chain_lumps_before_or_after_a_step((space, table) in table(), steps in 0usize..10) {
        // The token chain K = 1 embedded in longer contexts is exactly lumpable.
        let v = space.vocabulary_size();
        let small = shift(ContextSpace::new(v, 1).unwrap(), table[..v * v.min(space.len())].to_vec());
        let rows: Vec<f64> = (0..space.len()).flat_map(|c| table[(c % v) * v..(c % v + 1) * v].to_vec()).collect();
        let large = shift(space, rows);
        let topics = Topics::by_token(large.states(), (0..v).map(|t| t.to_string()), |t| t as usize).unwrap();
        let lumped = large.topic_curve(&topics, Start::State(0), steps).unwrap();
        let mut law = Law::point(v, 0).into_vec();
        let mut next = vec![0.0; v];
        for lumped in lumped {
            prop_assert!(l1(&law, &lumped) <= 1e-13);
            small.operator().push_forward(&law, &mut next);
            std::mem::swap(&mut law, &mut next);
        }
    }

    #[test]
    fn block_entropies_and_information_are_consistent((space, table) in table()) {
        let chain = shift(space, table);
        prop_assume!(chain.classes().recurrent_count() == 1);
        let law = chain.stationary().unwrap().converged().unwrap();
        let k = space.context_length();
        let blocks = chain.block_entropies(&law, k + 2).unwrap();
        let rounding = 1e-12;
        prop_assert!(blocks[0] == 0.0);
        // Increasing and concave, with slope h from K on.
        prop_assert!(blocks.windows(2).all(|pair| pair[1] >= pair[0] - rounding));
        prop_assert!(blocks.windows(3).all(|three| three[2] - three[1] <= three[1] - three[0] + rounding));
        prop_assert!((blocks[k + 1] - blocks[k] - chain.entropy_rate(&law)).abs() <= rounding);
        // I(X_0; X_1) = 2 H(1) - H(2).
        let pairs = chain.mutual_information(&law, &[1]).unwrap()[0].mutual_information;
        prop_assert!((pairs - (2.0 * blocks[1] - blocks[2])).abs() <= 1e-11, "{} {:?}", pairs, blocks);
    }

    #[test]
    fn absorption_agrees_with_pushing_forward((space, table) in table()) {
        let chain = shift(space, table);
        let start = Law::uniform(chain.len());
        let weights = chain.absorption_weights(&start).unwrap().converged().unwrap();
        prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() <= 1e-12);
        // Start laws that are pushed one step end up in the same places.
        let mut next = vec![0.0; start.len()];
        chain.operator().push_forward(&start, &mut next);
        let later = chain.absorption_weights(&Law::normalized(next).unwrap()).unwrap().converged().unwrap();
        prop_assert!(l1(&weights, &later) <= 1e-12);
    }
}

/// Products around the edges of tiles, against the sums that define them.
#[test]
fn large_products_do_what_their_matrix_does() {
    for (v, k) in [(1, 5), (2, 16), (3, 10), (37, 3), (101, 2), (2049, 1)] {
        let space = ContextSpace::new(v, k).unwrap();
        let row = |context: usize| {
            let weight = move |token: usize| ((context * 31 + token * 7919) % 1009 + 1) as f64;
            let sum: f64 = (0..v).map(weight).sum();
            (0..v).map(move |token| weight(token) / sum)
        };
        let table: Vec<f64> = (0..space.len()).flat_map(row).collect();
        let operator = ShiftOperator::new(space, table.clone()).unwrap();
        let input: Vec<f64> = (0..space.len()).map(|i| ((i * 7 + 3) % 11) as f64 / 11.0).collect();
        let (mut pushed, mut pulled) = (vec![0.0; space.len()], vec![0.0; space.len()]);
        operator.push_forward(&input, &mut pushed);
        operator.pull_back(&input, &mut pulled);
        // V terms of at most one each, each product and each sum rounded once.
        let tolerance = 2.0 * v as f64 * f64::EPSILON * 2.0;
        let mut naive = vec![0.0; space.len()];
        for context in 0..space.len() {
            let mut expected = 0.0;
            for (token, next) in space.successors(context).enumerate() {
                naive[next] += input[context] * table[context * v + token];
                expected += table[context * v + token] * input[next];
            }
            assert!((pulled[context] - expected).abs() <= tolerance, "{v}^{k}: pull {context}");
        }
        for (state, (found, expected)) in pushed.iter().zip(&naive).enumerate() {
            assert!((found - expected).abs() <= tolerance * expected.max(1.0), "{v}^{k}: push {state}");
        }
    }
}
