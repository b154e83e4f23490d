//! The probable transitions of a chain, and the cycles along them.

use std::ops::Range;

use rayon::prelude::*;

use crate::error::Result;
use crate::operator::{TransitionOperator, successors};
use crate::solve::{MEMORY_LIMIT, Observer, check_memory, report};

/// States handled between two looks at the observer.
const BLOCK: usize = 1 << 14;

/// The transitions of at least some probability, row by row, the most probable first.
pub(super) struct StrongGraph {
    threshold: f64,
    starts: Vec<usize>,
    steps: Vec<(u32, f64)>,
}

/// The cycles through one state, and the steps looked at to find them.
#[derive(Default)]
struct Found {
    cycles: Vec<Vec<usize>>,
    looks: u64,
}

/// A state on the path followed.
struct Reached {
    state: u32,
    /// The step to look at next.
    next: usize,
    /// The probability of the path up to here.
    probability: f64,
}

impl StrongGraph {
    /// Looks at every transition once.
    pub(super) fn new<O: TransitionOperator>(
        operator: &O,
        threshold: f64,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let mut graph = Self { threshold, starts: vec![0], steps: Vec::new() };
        for block in blocks(operator.states()) {
            let seen = block.end as u64;
            let row = |state| strong_row(operator, state, threshold);
            for row in block.into_par_iter().map(row).collect::<Vec<_>>() {
                graph.steps.extend(row);
                graph.starts.push(graph.steps.len());
            }
            let bytes = (graph.steps.len() * size_of::<(u32, f64)>()) as u128;
            check_memory("the probable transitions", bytes, MEMORY_LIMIT)?;
            report(observer, "finding probable steps", seen, Some(operator.states() as u64))?;
        }
        Ok(graph)
    }

    fn states(&self) -> usize {
        self.starts.len() - 1
    }

    /// The simple cycles of up to `max_length` states whose steps multiply to
    /// the threshold or more, each beginning with its smallest state.
    pub(super) fn cycles(&self, max_length: usize, observer: &mut dyn Observer) -> Result<Vec<Vec<usize>>> {
        let (mut cycles, mut looks, mut states) = (Vec::new(), 0, 0);
        for block in blocks(self.states()) {
            let from = |start| self.cycles_from(start as u32, max_length);
            for found in block.into_par_iter().map(from).collect::<Vec<_>>() {
                looks += found.looks;
                states += found.cycles.iter().map(Vec::len).sum::<usize>();
                cycles.extend(found.cycles);
            }
            // Three numbers a state, in the loops that they will be.
            check_memory("the loops found", 24 * states as u128, MEMORY_LIMIT)?;
            report(observer, "following probable steps", looks, None)?;
        }
        Ok(cycles)
    }

    /// The cycles whose smallest state this is, depth first.
    fn cycles_from(&self, start: u32, max_length: usize) -> Found {
        let mut found = Found::default();
        let mut path = vec![self.reached(start, 1.0)];
        while let Some(last) = path.last_mut() {
            found.looks += 1;
            let row_end = self.starts[last.state as usize + 1];
            let step = self.steps[last.next..row_end].first();
            let onward = step.map(|&(to, p)| (to, last.probability * p));
            // Rows are in order: behind a step that is too improbable all others are.
            let Some((to, probability)) = onward.filter(|(_, p)| *p >= self.threshold) else {
                path.pop();
                continue;
            };
            last.next += 1;
            if to == start {
                found.cycles.push(path.iter().map(|reached| reached.state as usize).collect());
            } else if to > start && path.len() < max_length && path.iter().all(|reached| reached.state != to)
            {
                path.push(self.reached(to, probability));
            }
        }
        found
    }

    fn reached(&self, state: u32, probability: f64) -> Reached {
        Reached { state, next: self.starts[state as usize], probability }
    }
}

fn blocks(states: usize) -> impl Iterator<Item = Range<usize>> {
    (0..states).step_by(BLOCK).map(move |first| first..states.min(first + BLOCK))
}

fn strong_row<O: TransitionOperator>(operator: &O, state: usize, threshold: f64) -> Vec<(u32, f64)> {
    let strong = successors(operator, state).filter(|step| step.probability >= threshold);
    let mut row: Vec<(u32, f64)> = strong.map(|step| (step.state as u32, step.probability)).collect();
    row.sort_by(|(a, p), (b, q)| q.total_cmp(p).then(a.cmp(b)));
    row
}
