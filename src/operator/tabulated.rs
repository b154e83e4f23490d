//! Steps drawn from tables of all transitions.

use rand::Rng;
use rayon::prelude::*;

use super::transition::{StepSampler, TransitionOperator, successors};
use crate::prob::{AliasRows, Column, ColumnFiller, LANES, StreamRng, for_each_row, place_in, row_starts};

/// Bits that a word has beside the threshold.
const WORD_BITS: u32 = 32;

/// Bits that tell `n` things apart.
fn bits(n: usize) -> u32 {
    n.saturating_sub(1).checked_ilog2().map_or(0, |log| log + 1)
}

/// Whether a word of 64 bits holds a threshold, an alias and a target.
fn are_packed(states: usize, longest_row: usize) -> bool {
    bits(states) + bits(longest_row) <= WORD_BITS
}

/// Bytes that tables of so many transitions take: 8 a transition and 8 a state;
/// 12 a transition if the numbers of a state and of a transition out of a state
/// take more than 32 bits together.
pub(crate) fn tabulated_bytes(states: usize, transitions: usize, longest_row: usize) -> u128 {
    let beside = if are_packed(states, longest_row) { 0 } else { size_of::<u32>() };
    AliasRows::bytes(states, transitions) + beside as u128 * transitions as u128
}

/// As [`tabulated_bytes`], for an operator whose stored entries may stand for
/// many transitions: they are counted.
pub(crate) fn counted_bytes<O: TransitionOperator>(operator: &O) -> u128 {
    let lengths = (0..operator.states()).into_par_iter().map(|state| successors(operator, state).count());
    let (transitions, longest) = lengths
        .map(|length| (length, length))
        .reduce(|| (0, 0), |one, two| (one.0 + two.0, one.1.max(two.1)));
    tabulated_bytes(operator.states(), transitions, longest)
}

/// Tables of all transitions of an operator. They are counted, then written, both in parallel.
pub(super) fn tabulate<O: TransitionOperator + ?Sized>(operator: &O) -> Box<dyn StepSampler> {
    let starts = row_starts(operator.states(), |state| successors(operator, state).count());
    let longest = starts.windows(2).map(|row| row[1] - row[0]).max().unwrap_or(0);
    if are_packed(operator.states(), longest) {
        Box::new(Tabulated(PackedSteps::new(operator, starts)))
    } else {
        Box::new(Tabulated(ListedSteps::new(operator, &starts)))
    }
}

/// Where a draw falls in the table of a state: its start, the column, and the fraction.
type Place = (usize, usize, u32);

/// Alias tables of states, and where their outcomes lead.
trait Table: Send + Sync {
    /// Where a draw of 64 bits falls in the table of a state.
    fn place(&self, state: usize, bits: u64) -> Place;

    /// The column, by its number in all tables, whose target is drawn: the one found, or its alias.
    fn chosen(&self, place: Place) -> usize;

    /// The state that a column leads to.
    fn target(&self, column: usize) -> u32;
}

/// Alias tables with the target of every column in the same word: below the
/// threshold of 32 bits as many bits of the target as states take, and between
/// them the alias.
struct PackedSteps {
    words: Vec<u64>,
    starts: Vec<usize>,
    target_bits: u32,
}

impl PackedSteps {
    fn new<O: TransitionOperator + ?Sized>(operator: &O, starts: Vec<usize>) -> Self {
        let target_bits = bits(operator.states());
        let mut words = vec![0; starts[operator.states()]];
        let room = <(ColumnFiller, Vec<f64>, Vec<u64>)>::default;
        for_each_row(&mut words, &starts, room, |(filler, weights, targets), state, words| {
            weights.clear();
            targets.clear();
            for to in successors(operator, state) {
                weights.push(to.probability);
                targets.push(to.state as u64);
            }
            filler.fill(weights, words);
            for (word, target) in words.iter_mut().zip(targets) {
                let Column { threshold, alias } = Column::of_word(*word);
                let low = u64::from(alias) << target_bits | *target;
                *word = u64::from(threshold) << WORD_BITS | low;
            }
        });
        Self { words, starts, target_bits }
    }
}

impl Table for PackedSteps {
    #[inline]
    fn place(&self, state: usize, bits: u64) -> Place {
        let (start, end) = (self.starts[state], self.starts[state + 1]);
        let (index, fraction) = place_in(end - start, bits);
        (start, index, fraction)
    }

    #[inline]
    fn chosen(&self, (start, index, fraction): Place) -> usize {
        let Column { threshold, alias } = Column::of_word(self.words[start + index]);
        let alias = (u64::from(alias) >> self.target_bits) as u32;
        let column = Column { threshold, alias };
        start + column.outcome(index, fraction)
    }

    #[inline]
    fn target(&self, column: usize) -> u32 {
        (self.words[column] & ((1 << self.target_bits) - 1)) as u32
    }
}

/// Alias tables beside the states that they lead to, where words are too short for both.
struct ListedSteps {
    rows: AliasRows,
    targets: Vec<u32>,
}

impl ListedSteps {
    fn new<O: TransitionOperator + ?Sized>(operator: &O, starts: &[usize]) -> Self {
        let states = operator.states();
        let mut targets = vec![0; starts[states]];
        for_each_row(
            &mut targets,
            starts,
            || (),
            |(), state, targets| {
                for (target, to) in targets.iter_mut().zip(successors(operator, state)) {
                    *target = to.state as u32;
                }
            },
        );
        let length = |state: usize| starts[state + 1] - starts[state];
        let rows = AliasRows::tabulate(states, length, |state, weights| {
            weights.extend(successors(operator, state).map(|to| to.probability));
        });
        Self { rows, targets }
    }
}

impl Table for ListedSteps {
    #[inline]
    fn place(&self, state: usize, bits: u64) -> Place {
        self.rows.place(state, bits)
    }

    #[inline]
    fn chosen(&self, (start, index, fraction): Place) -> usize {
        start + self.rows.outcome(start, index, fraction)
    }

    #[inline]
    fn target(&self, column: usize) -> u32 {
        self.targets[column]
    }
}

/// Steps drawn from tables.
struct Tabulated<T>(T);

impl<T: Table> StepSampler for Tabulated<T> {
    fn step(&self, state: usize, rng: &mut StreamRng) -> usize {
        let Self(table) = self;
        table.target(table.chosen(table.place(state, rng.next_u64()))) as usize
    }

    fn step_many(&self, states: &mut [u32], rngs: &mut [StreamRng]) {
        assert_eq!(states.len(), rngs.len(), "one stream a walk");
        let Self(table) = self;
        for (states, rngs) in states.chunks_mut(LANES).zip(rngs.chunks_mut(LANES)) {
            let mut places = [(0, 0, 0); LANES];
            let places = &mut places[..states.len()];
            for ((place, &state), rng) in places.iter_mut().zip(&*states).zip(rngs) {
                *place = table.place(state as usize, rng.next_u64());
            }
            for place in &mut *places {
                place.1 = table.chosen(*place);
            }
            for (state, place) in states.iter_mut().zip(places) {
                *state = table.target(place.1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::{SparseOperator, assert_steps_side_by_side};
    use crate::prob::stream;

    #[test]
    fn as_many_bits_as_tell_things_apart() {
        let expected = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9)];
        assert!(expected.iter().all(|&(n, expected)| bits(n) == expected));
        assert_eq!(bits(1 << 32), 32);
        assert!(are_packed(1 << 21, 1 << 11) && !are_packed(1 << 21, (1 << 11) + 1));
        assert!(are_packed(1 << 32, 1));
    }

    /// One state leads to all, all others back to it.
    fn star(states: u32) -> SparseOperator {
        let out = (0..states).map(|to| (0, to, f64::from(to % 5 + 1)));
        let back = (1..states).map(|from| (from, 0, 1.0));
        SparseOperator::from_weights(states as usize, out.chain(back).collect()).unwrap()
    }

    #[test]
    fn words_that_are_too_short_draw_the_same_steps() {
        let operator = star(1000);
        let starts = row_starts(1000, |state| successors(&operator, state).count());
        let packed = Tabulated(PackedSteps::new(&operator, starts.clone()));
        let listed = Tabulated(ListedSteps::new(&operator, &starts));
        let (mut one, mut other) = (stream(3, 0), stream(3, 0));
        for state in [0, 0, 7, 0, 999].into_iter().cycle().take(2000) {
            assert_eq!(packed.step(state, &mut one), listed.step(state, &mut other));
        }
    }

    #[test]
    fn numbers_of_more_than_32_bits_together_are_listed() {
        // 17 bits each for the states and for the longest row.
        let states = 70_000;
        let operator = star(states);
        let sampler = operator.sampler();
        let mut rng = stream(5, 0);
        let seen: Vec<usize> = (0..200).map(|_| sampler.step(0, &mut rng)).collect();
        // Were the high bits lost, none would be above 2^16; of 200 draws each is
        // above with a probability of 0.06, so that none is with 2e-6.
        assert!(seen.iter().any(|&to| to > 1 << 16) && seen.iter().all(|&to| to < states as usize));
        assert!(seen.iter().all(|&to| to == 0 || sampler.step(to, &mut rng) == 0));
        assert_steps_side_by_side(&operator);
        let expected = 12 * operator.stored_entries() as u128 + 8 * (u128::from(states) + 1);
        assert_eq!(operator.sampler_bytes(), expected);
    }
}
