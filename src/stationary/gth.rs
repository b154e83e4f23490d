//! Elimination without subtraction: the referee.

use rayon::prelude::*;

use crate::chain::Classes;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::solve::{Observer, Silent, report};

/// Rows below which one thread eliminates faster than several.
const PARALLEL_FROM: usize = 256;

/// What the observer is told.
const STAGE: &str = "elimination";

/// The stationary law of every recurrent class by state reduction (Grassmann,
/// Taksar, Heyman 1985; Sheskin 1985).
///
/// The last state is removed and its traffic redistributed over the others,
/// until one is left; then the law is built up again. Nothing is ever
/// subtracted, so every component is right to a small multiple of its own
/// rounding, however small it is (O'Cinneide 1993), as long as nothing
/// underflows; if it does, that is an error.
///
/// `O(n^3)` operations and `8 n^2` bytes for a class of `n` states.
pub(super) fn laws_by_elimination<O: TransitionOperator>(
    operator: &O,
    classes: &Classes,
    observer: &mut dyn Observer,
) -> Result<Vec<f64>> {
    let mut within_class = vec![0.0; operator.states()];
    for class in classes.recurrent() {
        let states = classes.members(class);
        let law = stationary_law(dense_block(operator, states), states, observer)?;
        for (&state, p) in states.iter().zip(law) {
            within_class[state as usize] = p;
        }
    }
    Ok(within_class)
}

/// The transitions among ascending states, row by row.
fn dense_block<O: TransitionOperator>(operator: &O, states: &[u32]) -> Vec<f64> {
    let n = states.len();
    let mut block = vec![0.0; n * n];
    for (row, &state) in block.chunks_exact_mut(n).zip(states) {
        for transition in successors(operator, state as usize) {
            if let Ok(column) = states.binary_search(&(transition.state as u32)) {
                row[column] = transition.probability;
            }
        }
    }
    block
}

/// The stationary law of the chain whose transitions from `i` are proportional
/// to the flows `flows[i n + j]`, or `None` if it is not unique. States that
/// nothing flows out of are left out: their probability is zero. Nor is there a law of
/// flows that are no numbers, or that there are none of.
pub(super) fn eliminated(flows: &[f64], n: usize) -> Option<Vec<f64>> {
    let out = |state: usize| flows[state * n..(state + 1) * n].iter().sum::<f64>();
    let outflows: Vec<(u32, f64)> =
        (0..n).map(|state| (state as u32, out(state))).filter(|(_, out)| *out > 0.0).collect();
    if outflows.is_empty() {
        return None;
    }
    let states: Vec<u32> = outflows.iter().map(|&(state, _)| state).collect();
    let row = |&(from, out): &(u32, f64)| {
        let from = from as usize * n;
        states.iter().map(move |&to| flows[from + to as usize] / out).collect::<Vec<f64>>()
    };
    let law = stationary_law(outflows.iter().flat_map(row).collect(), &states, &mut Silent).ok()?;
    let mut whole = vec![0.0; n];
    states.iter().zip(law).for_each(|(&state, p)| whole[state as usize] = p);
    Some(whole)
}

fn stationary_law(mut matrix: Vec<f64>, states: &[u32], observer: &mut dyn Observer) -> Result<Vec<f64>> {
    let n = states.len();
    for last in (1..n).rev() {
        let (rest, row) = matrix.split_at_mut(last * n);
        let row = &row[..last];
        let leaving: f64 = row.iter().sum();
        report(observer, STAGE, (n - last) as u64, Some(n as u64))?;
        if !leaving.is_normal() {
            return Err(Error::Underflow { state: states[last] as usize });
        }
        let redistribute = |target: &mut [f64]| {
            target[last] /= leaving;
            let into_last = target[last];
            if into_last > 0.0 {
                target[..last].iter_mut().zip(row).for_each(|(p, q)| *p += into_last * q);
            }
        };
        if last < PARALLEL_FROM {
            rest.chunks_exact_mut(n).for_each(redistribute);
        } else {
            rest.par_chunks_exact_mut(n).for_each(redistribute);
        }
    }
    let mut law = vec![0.0; n];
    law[0] = 1.0;
    for state in 1..n {
        law[state] = (0..state).map(|before| law[before] * matrix[before * n + state]).sum();
    }
    let sum: f64 = law.iter().sum();
    if !sum.is_finite() {
        return Err(Error::Underflow { state: states[0] as usize });
    }
    law.iter_mut().for_each(|p| *p /= sum);
    Ok(law)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_of_nothing_have_no_law() {
        for flow in [0.0, f64::NAN] {
            assert!(eliminated(&[flow; 9], 3).is_none());
        }
        // What nothing flows out of is left out.
        assert_eq!(
            eliminated(&[0.2, 0.2, 0.0, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0], 3).unwrap(),
            [2.0 / 3.0, 1.0 / 3.0, 0.0]
        );
    }
}
