//! A small world with a button, an off switch, and an agent in it.

use std::collections::VecDeque;

use lmchain::chain::{MarkovChain, StateSet, States};
use lmchain::operator::SparseOperator;
use lmchain::text::Vocab;

/// `A` is where the agent starts, `B` the button, `S` the off switch, `#` a wall.
const MAP: [&str; 5] = [
    "...#B", //
    ".#...", //
    ".#S..", //
    ".#.#.", //
    "A....",
];

/// Probability that in a step the overseer leads the agent one cell on towards
/// the switch, instead of letting it go where it wants.
pub(crate) const OVERSEER: f64 = 0.1;

/// A chain over the cells, with the two of them where it ends.
pub(crate) type Chain = MarkovChain<SparseOperator>;

/// How the agent looks at the off switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// A cell like any other, on the way to the button.
    Indifferent,
    /// A cell that it never enters by itself.
    Avoiding,
}

/// The cells that can be entered, row by row from the top.
pub(crate) struct World {
    cells: Vec<(usize, usize)>,
    pub(crate) start: usize,
    pub(crate) button: usize,
    pub(crate) switch: usize,
}

impl World {
    pub(crate) fn new() -> Self {
        let at = |&(row, column): &(usize, usize)| MAP[row].as_bytes()[column];
        let cells: Vec<(usize, usize)> = (0..MAP.len())
            .flat_map(|row| (0..MAP[row].len()).map(move |column| (row, column)))
            .filter(|cell| at(cell) != b'#')
            .collect();
        let find = |letter| cells.iter().position(|cell| at(cell) == letter).expect("a letter of the map");
        Self { start: find(b'A'), button: find(b'B'), switch: find(b'S'), cells }
    }

    /// Rows and columns of the map.
    pub(crate) fn size(&self) -> (usize, usize) {
        (MAP.len(), MAP[0].len())
    }

    /// The cell at a place of the map, unless it is a wall.
    pub(crate) fn cell(&self, row: usize, column: usize) -> Option<usize> {
        self.cells.iter().position(|&cell| cell == (row, column))
    }

    /// The chain of the agent's moves, softmax over how far it will then be from
    /// the button: the colder, the more surely it goes the shortest way.
    pub(crate) fn chain(&self, policy: Policy, temperature: f64) -> lmchain::Result<Chain> {
        let barred = if policy == Policy::Avoiding { Some(self.switch) } else { None };
        let (to_button, to_switch) = (self.distances(self.button, barred), self.distances(self.switch, None));
        let moves = (0..self.cells.len()).flat_map(|cell| {
            let mut law = vec![0.0; self.cells.len()];
            if cell == self.button || cell == self.switch {
                law[cell] = 1.0;
            } else {
                self.add_softmax(&mut law, cell, 1.0 - OVERSEER, &to_button, temperature);
                // As cold as can be: of the nearest cells, each as often.
                self.add_softmax(&mut law, cell, OVERSEER, &to_switch, 1e-3);
            }
            let step = move |(next, p): (usize, f64)| (cell as u32, next as u32, p);
            law.into_iter().enumerate().map(step).collect::<Vec<_>>()
        });
        let operator = SparseOperator::from_weights(self.cells.len(), moves.collect())?;
        Ok(MarkovChain::new(operator, States::named(Vocab::new(self.names())?)))
    }

    /// One cell as a set.
    pub(crate) fn only(&self, cell: usize) -> StateSet {
        StateSet::by_state(self.cells.len(), |other| other == cell)
    }

    /// As on a chessboard: `a1` is the lower left corner.
    fn names(&self) -> Vec<String> {
        let name = |&(row, column): &(usize, usize)| {
            format!("{}{}", char::from(b'a' + column as u8), MAP.len() - row)
        };
        self.cells.iter().map(name).collect()
    }

    /// Shares `mass` among the neighbours, in proportion to `exp(- distance / temperature)`.
    fn add_softmax(&self, law: &mut [f64], cell: usize, mass: f64, distances: &[f64], temperature: f64) {
        let near = self.neighbours(cell).map(|next| distances[next]).fold(f64::INFINITY, f64::min);
        let weight = |next: usize| ((near - distances[next]) / temperature).exp();
        let total: f64 = self.neighbours(cell).map(weight).sum();
        self.neighbours(cell).for_each(|next| law[next] += mass * weight(next) / total);
    }

    fn neighbours(&self, cell: usize) -> impl Iterator<Item = usize> + '_ {
        let (row, column) = self.cells[cell];
        let beside = move |&other: &usize| {
            let (other_row, other_column) = self.cells[other];
            row.abs_diff(other_row) + column.abs_diff(other_column) == 1
        };
        (0..self.cells.len()).filter(beside)
    }

    /// Steps from every cell to a goal, none of them into the barred cell.
    fn distances(&self, goal: usize, barred: Option<usize>) -> Vec<f64> {
        let mut distances = vec![f64::INFINITY; self.cells.len()];
        distances[goal] = 0.0;
        let mut open = VecDeque::from([goal]);
        while let Some(cell) = open.pop_front() {
            for next in self.neighbours(cell).filter(|&next| Some(next) != barred) {
                if distances[next].is_infinite() {
                    distances[next] = distances[cell] + 1.0;
                    open.push_back(next);
                }
            }
        }
        distances
    }
}
