//! The n-grams of a model by what they end with.

use std::ops::Range;

use super::entries::Entries;
use crate::ngram::ContextTree;

/// The n-grams in the order of their endings: by length, then newest token,
/// then the token before, ...: those that one token makes longer at the front
/// stand side by side, contexts ascending, and the states among them are in
/// their order.
///
/// 17 bytes an n-gram, of which one of the highest order is read for 12; 4 a state.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    /// Where the n-grams of each length start, from length 1, and where the last end.
    levels: Vec<usize>,
    /// The probability of each n-gram after its context.
    pub(super) probabilities: Vec<f64>,
    /// The state that each n-gram follows; 0 for single tokens, which follow the empty context.
    pub(super) contexts: Vec<u32>,
    /// Where the n-grams one longer at the front start: one more entry than
    /// n-grams of all lengths but the highest.
    longer: Vec<u32>,
    /// Whether each n-gram of all lengths but the highest is a state.
    pub(super) is_state: Vec<bool>,
    /// The place of each state among the n-grams.
    pub(super) places: Vec<u32>,
}

impl Incoming {
    pub(super) fn new(tree: &ContextTree, entries: &Entries) -> Self {
        let levels = levels(tree, entries);
        let total = entries.len();
        let mut incoming = Self {
            probabilities: vec![0.0; total],
            contexts: vec![0; total],
            longer: Vec::with_capacity(levels[levels.len() - 2] + 1),
            is_state: vec![false; levels[levels.len() - 2]],
            places: vec![0; tree.len()],
            levels,
        };
        // Where each n-gram of the length before went.
        let singles = entries.singles();
        incoming.probabilities[singles.clone()].copy_from_slice(&entries.probabilities[singles.clone()]);
        let mut shorter: Vec<u32> = singles.map(|single| single as u32).collect();
        for single in 0..shorter.len() {
            if let Some(state) = tree.single(single as u32) {
                incoming.mark(state, single);
            }
        }
        for length in 1..=tree.longest() {
            shorter = incoming.place_longer(tree, entries, length, &shorter);
        }
        incoming.longer.push(total as u32);
        incoming
    }

    /// Places the n-grams one longer than `length`: a counting sort by where
    /// those without their oldest tokens went.
    fn place_longer(
        &mut self,
        tree: &ContextTree,
        entries: &Entries,
        length: usize,
        shorter: &[u32],
    ) -> Vec<u32> {
        let (from, to) = (self.levels[length - 1], self.levels[length]);
        let level = self.levels[length]..self.levels[length + 1];
        let ending = |entry: usize| shorter[entries.links[entry] as usize - from] as usize - from;
        let mut next = vec![0u32; to - from + 1];
        for entry in level.clone() {
            next[ending(entry) + 1] += 1;
        }
        next[0] = level.start as u32;
        for i in 1..next.len() {
            next[i] += next[i - 1];
        }
        self.longer.extend(&next[..to - from]);
        let mut placed = vec![0; level.len()];
        for state in tree.of_length(length) {
            for entry in entries.after(state) {
                let place = &mut next[ending(entry)];
                placed[entry - level.start] = *place;
                self.probabilities[*place as usize] = entries.probabilities[entry];
                self.contexts[*place as usize] = state as u32;
                // What is no state leads where its suffix does.
                let target = entries.targets[entry];
                if target != entries.targets[entries.links[entry] as usize] {
                    self.mark(target as usize, *place as usize);
                }
                *place += 1;
            }
        }
        placed
    }

    fn mark(&mut self, state: usize, place: usize) {
        self.is_state[place] = true;
        self.places[state] = place as u32;
    }

    /// The n-grams of a length.
    pub(super) fn of_length(&self, length: usize) -> Range<usize> {
        self.levels[length - 1]..self.levels[length]
    }

    /// The n-grams one token longer that end with an n-gram.
    pub(super) fn longer(&self, place: usize) -> Range<usize> {
        self.longer[place] as usize..self.longer[place + 1] as usize
    }

    /// The most n-grams of a length that end with the same one.
    pub(super) fn longest_ending(&self, length: usize) -> usize {
        self.of_length(length).map(|place| self.longer(place).len()).max().unwrap_or(0)
    }
}

/// Where the n-grams of each length start among the entries, and the last end.
fn levels(tree: &ContextTree, entries: &Entries) -> Vec<usize> {
    let mut levels = vec![0];
    levels.extend((1..=tree.longest()).map(|length| entries.start_after(tree.of_length(length).start)));
    levels.push(entries.len());
    levels
}
