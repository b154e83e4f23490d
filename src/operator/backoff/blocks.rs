//! Entropies of blocks of tokens.

use super::entries::Entries;
use super::operator::BackoffOperator;
use super::pull::Pull;
use super::push::{Flows, Push};
use crate::operator::TransitionOperator;
use crate::prob::sum_by;
use crate::text::Token;

/// Bits that an outcome of this probability adds to an entropy.
fn bits(p: f64) -> f64 {
    if p > 0.0 { (-p * p.log2()).max(0.0) } else { 0.0 }
}

/// The n-grams of all lengths but the highest, as blocks of tokens.
struct StoredBlock {
    /// Tokens of the block.
    length: usize,
    /// How often it occurs.
    probability: f64,
    /// Whether longer blocks that begin with it are counted by themselves.
    goes_on: bool,
    /// Where the chain is after it, otherwise.
    target: usize,
}

impl BackoffOperator {
    /// A token of the start context that may occur elsewhere too. If there is
    /// one, the state entered does not tell which token was appended.
    pub(crate) fn generated_start(&self) -> Option<Token> {
        let starting = self.tree.tokens(self.ends.start?);
        let occurring = |entry: usize| {
            let token = self.entries.token(entry);
            (self.entries.probabilities[entry] > 0.0 && starting.contains(&token)).then_some(token)
        };
        (0..self.entries.len()).find_map(occurring)
    }

    /// `H(0), ..., H(longest)` under a stationary law, in bits, for `longest` up
    /// to that of the contexts; `None` if steps do not tell their tokens.
    ///
    /// A block of tokens that is no context leaves the chain in one state,
    /// whatever came before; what follows it then adds the expected entropies
    /// of the rows ahead, and is never listed. Blocks that are contexts, and
    /// those one token longer that are stored, are listed with their
    /// probabilities; the tokens that a context has no n-gram for share a weight,
    /// and are summed as the rows are. `O(longest)` products.
    pub(super) fn stored_block_entropies(&self, law: &[f64], longest: usize) -> Option<Vec<f64>> {
        if self.generated_start().is_some() {
            return None;
        }
        let push =
            Push { tree: &self.tree, entries: &self.entries, incoming: &self.incoming, ends: self.ends };
        let flows = push.flows(law);
        let (blocks, occurs) = self.stored_blocks(law, &push, &flows);
        let ahead = self.bits_ahead(longest);
        let rests: Vec<Vec<f64>> = ahead.iter().map(|bits| self.rest_of(bits)).collect();
        let rest_bits = self.rest_entropies();
        let mut entropies = vec![0.0];
        for length in 1..=longest {
            let listed = |i: usize| {
                let block = &blocks[i];
                match length.checked_sub(block.length) {
                    Some(0) => bits(block.probability),
                    Some(left) if !block.goes_on => {
                        bits(block.probability) + block.probability * ahead[left][block.target]
                    }
                    _ => 0.0,
                }
            };
            let shorter = if length > 1 { self.tree.of_length(length - 1).end } else { 0 };
            let unlisted = |state: usize| {
                let weight = flows.flow(state) * self.entries.backoffs[state];
                if !occurs[state] || weight == 0.0 {
                    return 0.0;
                }
                let left = length - 1 - self.tree.length(state);
                weight * (rest_bits[state] - weight.log2() * self.rest[state] + rests[left][state])
            };
            entropies.push(sum_by(blocks.len(), listed) + sum_by(shorter, unlisted));
        }
        Some(entropies)
    }

    /// The n-grams that can occur, and which states can.
    fn stored_blocks(
        &self,
        law: &[f64],
        push: &Push<'_>,
        flows: &Flows<'_>,
    ) -> (Vec<StoredBlock>, Vec<bool>) {
        let probabilities = push.occurrences(flows);
        // The tokens of the start context stand for an end of text, which no
        // context holds: blocks with them are met as those with the end.
        let starting = self.ends.start.map(|start| self.tree.tokens(start)).unwrap_or_default();
        let mut occurs = vec![false; self.tree.len()];
        let mut blocks: Vec<StoredBlock> = Vec::with_capacity(probabilities.len());
        let mut real: Vec<bool> = Vec::with_capacity(probabilities.len());
        for token in self.entries.singles() {
            let target = self.ends.after_single(&self.tree, token as u32);
            let absorbed = self.ends.absorbing == Some(target);
            let goes_on = self.incoming.is_state[token] && !absorbed;
            let probability = probabilities[token] + if absorbed { law[target] } else { 0.0 };
            real.push(!starting.contains(&(token as u32)));
            occurs[target] |= goes_on && real[token];
            blocks.push(StoredBlock { length: 1, probability, goes_on, target });
        }
        let mut next_state = self.tree.of_length(1).end;
        for place in 0..probabilities.len() {
            for longer in self.incoming.longer(place).take_while(|&longer| longer < probabilities.len()) {
                let oldest = self.tree.oldest(self.incoming.contexts[longer] as usize);
                real.push(real[place] && !starting.contains(&oldest));
                let goes_on = self.incoming.is_state[longer];
                let mut target = blocks[place].target;
                if goes_on {
                    target = next_state;
                    next_state += 1;
                    occurs[target] = real[longer];
                }
                let (length, probability) = (blocks[place].length + 1, probabilities[longer]);
                blocks.push(StoredBlock { length, probability, goes_on, target });
            }
        }
        let mut real = real.iter();
        blocks.retain(|_| real.next() == Some(&true));
        (blocks, occurs)
    }

    /// The entropy of the next `0, ..., longest - 1` tokens after each state.
    fn bits_ahead(&self, longest: usize) -> Vec<Vec<f64>> {
        let mut rows = vec![0.0; self.states()];
        self.row_entropies(&mut rows);
        let mut ahead = vec![vec![0.0; self.states()]];
        while ahead.len() < longest {
            let mut next = vec![0.0; self.states()];
            self.pull_back(&ahead[ahead.len() - 1], &mut next);
            next.iter_mut().zip(&rows).for_each(|(bits, row)| *bits += row);
            ahead.push(next);
        }
        ahead
    }

    /// The part of an observable one step later that tokens without an n-gram
    /// after a state bring about, after its suffix.
    fn rest_of(&self, observable: &[f64]) -> Vec<f64> {
        let Entries { probabilities, targets, backoffs, .. } = &self.entries;
        let pull = Pull {
            tree: &self.tree,
            entries: &self.entries,
            value: |entry: usize| probabilities[entry] * observable[targets[entry] as usize],
            carry: |state: usize, rest: f64| backoffs[state] * rest,
        };
        let mut rests = vec![0.0; self.states()];
        pull.write(&mut rests, |_, _, rest| rest);
        rests
    }
}
