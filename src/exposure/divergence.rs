//! How far apart two chains are in every state.

use rayon::prelude::*;

use crate::operator::{TransitionOperator, successors};
use crate::prob::{Best, relative_entropy_term};

/// The divergences of two transition matrices, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextDivergences {
    /// Relative entropy `KL(p || q)` of every row, in bits; infinite where the
    /// model holds a step impossible that the data make.
    pub relative_entropy: Vec<f64>,
    /// Relative entropy `KL(q || p)`, in bits.
    pub reverse: Vec<f64>,
    /// Total variation distance.
    pub total_variation: Vec<f64>,
}

/// A step of the data that the model holds impossible, which makes its error infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImpossibleStep {
    /// The state left.
    pub from: usize,
    /// The state entered.
    pub to: usize,
    /// The probability of the step in the data, given the state left.
    pub probability: f64,
    /// How often the data make it: steps per step.
    pub rate: f64,
}

impl ContextDivergences {
    /// Walks the rows of both operators, in parallel: `O(transitions)`.
    pub(super) fn between<P: TransitionOperator, Q: TransitionOperator>(data: &P, model: &Q) -> Self {
        let rows: Vec<[f64; 3]> =
            (0..data.states()).into_par_iter().map(|state| divergences(data, model, state)).collect();
        let column = |place: usize| rows.iter().map(|row| row[place]).collect();
        Self { relative_entropy: column(0), reverse: column(1), total_variation: column(2) }
    }
}

fn divergences<P: TransitionOperator, Q: TransitionOperator>(data: &P, model: &Q, state: usize) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for (_, p, q) in merged(data, model, state) {
        // What the terms add, q - p, adds up to nothing over two laws.
        sums[0] += relative_entropy_term(p, q);
        sums[1] += relative_entropy_term(q, p);
        sums[2] += 0.5 * (p - q).abs();
    }
    let bits = std::f64::consts::LOG2_E;
    [sums[0] * bits, sums[1] * bits, sums[2].min(1.0)]
}

/// The states that either chain leads to from a state, ascending, with both probabilities.
pub(super) fn merged<P: TransitionOperator, Q: TransitionOperator>(
    data: &P,
    model: &Q,
    state: usize,
) -> impl Iterator<Item = (usize, f64, f64)> {
    let data = successors(data, state).map(|next| (next.state, next.probability, 0.0));
    let model = successors(model, state).map(|next| (next.state, 0.0, next.probability));
    let mut both: Vec<(usize, f64, f64)> = data.chain(model).collect();
    // Few operators walk their rows in order.
    both.sort_unstable_by_key(|&(state, ..)| state);
    let mut place = 0;
    std::iter::from_fn(move || {
        let &(state, mut p, mut q) = both.get(place)?;
        place += 1;
        while let Some(&(_, more_p, more_q)) = both.get(place).filter(|next| next.0 == state) {
            (p, q) = (p + more_p, q + more_q);
            place += 1;
        }
        Some((state, p, q))
    })
}

/// The impossible steps that a law makes most often, most first.
pub(super) fn impossible_steps<P: TransitionOperator, Q: TransitionOperator>(
    data: &P,
    model: &Q,
    law: &[f64],
    infinite: impl Iterator<Item = usize>,
    count: usize,
) -> Vec<ImpossibleStep> {
    let order = |a: &ImpossibleStep, b: &ImpossibleStep| {
        b.rate.total_cmp(&a.rate).then((a.from, a.to).cmp(&(b.from, b.to)))
    };
    let mut best = Best::new(count, order);
    for from in infinite {
        let impossible = merged(data, model, from).filter(|&(_, p, q)| p > 0.0 && q == 0.0);
        best.extend(impossible.map(|(to, probability, _)| ImpossibleStep {
            from,
            to,
            probability,
            rate: law[from] * probability,
        }));
    }
    best.into_sorted()
}
