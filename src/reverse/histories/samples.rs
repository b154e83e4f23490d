//! Histories drawn from their exact law given the end.

use rand::RngExt;
use rayon::prelude::*;

use super::History;
use super::logarithms::{LogSum, largest};
use super::paths::{Message, Paths};
use super::sweep::{Sweep, Weights};
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::StreamRng;
use crate::solve::{MEMORY_LIMIT, Watch, check_memory};

/// A history that is being drawn, from its end backwards.
pub(super) struct Draft {
    pub(super) rng: StreamRng,
    /// Steps it is to have.
    pub(super) steps: usize,
    /// States drawn so far, newest first.
    states: Vec<usize>,
}

impl Draft {
    pub(super) fn new(rng: StreamRng, steps: usize) -> Self {
        Self { rng, steps, states: Vec::new() }
    }
}

/// Refuses more histories than fit in memory.
pub(super) fn check_drafts(count: usize, steps: usize) -> Result<()> {
    let each = (size_of::<Draft>() + size_of::<History>()) as u128;
    let states = (steps as u128 + 1) * size_of::<usize>() as u128;
    check_memory("the histories drawn", (count as u128).saturating_mul(each + states), MEMORY_LIMIT)
}

/// Completes drafts by backward sampling: a last state in proportion to the
/// weight of the paths to it, then one state before after another, in proportion
/// to the weight of the paths to that times the probability of the step
/// (Frühwirth-Schnatter 1994). All drafts advance together in one sweep.
pub(super) fn complete<O: TransitionOperator>(
    paths: &Paths<'_, O>,
    mut drafts: Vec<Draft>,
    ln_total: f64,
    memory_limit: u128,
    watch: &mut Watch<'_>,
) -> Result<Vec<History>> {
    let Some(last) = drafts.iter().map(|draft| draft.steps).max() else { return Ok(Vec::new()) };
    let sweep = Sweep::new(paths.start.len(), last, memory_limit)?;
    sweep.backwards(paths, Weights::Total, watch, |time, message| {
        extend(paths, &mut drafts, time, message);
        Ok(())
    })?;
    let finish = |mut draft: Draft| {
        draft.states.reverse();
        let ln_weight = paths.ln_weight(&draft.states);
        History { states: draft.states, ln_weight, posterior: (ln_weight - ln_total).exp() }
    };
    Ok(drafts.into_par_iter().map(finish).collect())
}

/// Draws the states at one time.
fn extend<O: TransitionOperator>(paths: &Paths<'_, O>, drafts: &mut [Draft], time: usize, message: &Message) {
    let starting = drafts.iter().any(|draft| draft.steps == time);
    let ends = starting.then(|| Choice::of(paths.ends.iter().map(|state| (state, message.logs[state]))));
    drafts.par_iter_mut().filter(|draft| draft.steps >= time).for_each(|draft| {
        let state = match (draft.states.last(), &ends) {
            (Some(&after), _) => step_back(paths, message, after, &mut draft.rng),
            (None, Some(ends)) => ends.draw(&mut draft.rng),
            (None, None) => return,
        };
        draft.states.push(state);
    });
}

/// Draws the state before another. Where the draw is used up by rounding, it is
/// the last one that has a weight.
fn step_back<O: TransitionOperator>(
    paths: &Paths<'_, O>,
    message: &Message,
    after: usize,
    rng: &mut StreamRng,
) -> usize {
    let total = LogSum::of(paths.arrivals(&message.logs, after).map(|(_, log)| log)).ln();
    let mut left: f64 = rng.random();
    let mut drawn = after;
    for (from, log) in paths.arrivals(&message.logs, after) {
        let share = (log - total).exp();
        if share > 0.0 {
            drawn = from.state;
            left -= share;
            if left < 0.0 {
                break;
            }
        }
    }
    drawn
}

/// Things to draw with given weights, as cumulative sums: exact to rounding.
pub(super) struct Choice {
    things: Vec<usize>,
    sums: Vec<f64>,
}

impl Choice {
    /// From natural logarithms of weights, at least one of them above `-inf`.
    pub(super) fn of(weighted: impl Iterator<Item = (usize, f64)>) -> Self {
        let (things, logs): (Vec<usize>, Vec<f64>) = weighted.unzip();
        let top = largest(&logs);
        let mut sum = 0.0;
        let cumulate = |log: &f64| {
            sum += (log - top).exp();
            sum
        };
        let sums = logs.iter().map(cumulate).collect();
        Self { things, sums }
    }

    pub(super) fn draw(&self, rng: &mut StreamRng) -> usize {
        // A uniform number below 1 times the total is below the total.
        let target = rng.random::<f64>() * self.sums[self.sums.len() - 1];
        self.things[self.sums.partition_point(|&sum| sum <= target)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prob::stream;

    #[test]
    fn weights_of_zero_are_never_drawn() {
        let none = f64::NEG_INFINITY;
        let choice = Choice::of([(4, none), (5, -900.0), (6, none), (7, -901.0), (8, none)].into_iter());
        let mut rng = stream(1, 0);
        let draws: Vec<usize> = (0..1000).map(|_| choice.draw(&mut rng)).collect();
        assert!(draws.iter().all(|thing| [5, 7].contains(thing)));
        assert!(draws.contains(&5) && draws.contains(&7));
    }
}
