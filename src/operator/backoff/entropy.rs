//! The entropies of all rows, from the stored n-grams alone.

use rayon::prelude::*;

use super::entries::Entries;
use super::operator::BackoffOperator;
use super::pull::Pull;
use crate::text::Token;

/// States that one task looks at.
const STATES: usize = 1 << 8;

impl BackoffOperator {
    /// Writes the entropy of each row, in bits.
    ///
    /// Of the tokens that a state `y` backs off to, with the weight `b`, to
    /// probabilities `q` after its suffix,
    ///
    /// ```text
    /// sum of - b q log b q  =  b (sum of - q log q)  -  b log b (sum of q),
    /// ```
    ///
    /// which needs only two sums. Where `b` is above 1 the second term is
    /// subtracted, and the entropy is right to `log2 b` times the relative error
    /// of the sums, in bits; elsewhere nothing is subtracted.
    pub(super) fn write_row_entropies(&self, out: &mut [f64]) {
        self.write_entropies(out, |state, own, rest| own + self.backed_off(state, rest));
        if let Some(absorbing) = self.ends.absorbing {
            out[absorbing] = 0.0;
        }
        if let (Some(start), Some(end)) = (self.ends.start, self.ends.end) {
            let newest = self.tree.newest(start);
            out.par_iter_mut().with_min_len(STATES).enumerate().for_each(|(state, entropy)| {
                *entropy = (*entropy - self.told_apart(state, start, [end, newest])).max(0.0);
            });
        }
    }

    /// The sum of `- q log2 q` over the tokens that each state has no n-gram for.
    pub(super) fn rest_entropies(&self) -> Vec<f64> {
        let mut rests = vec![0.0; self.tree.len()];
        self.write_entropies(&mut rests, |_, _, rest| rest);
        rests
    }

    fn write_entropies(&self, out: &mut [f64], finish: impl Fn(usize, f64, f64) -> f64 + Sync) {
        let Entries { probabilities, .. } = &self.entries;
        let value = |entry: usize| match probabilities[entry] {
            p if p > 0.0 => (-p * p.log2()).max(0.0),
            _ => 0.0,
        };
        let carry = |state: usize, rest: f64| self.backed_off(state, rest);
        Pull { tree: &self.tree, entries: &self.entries, value, carry }.write(out, finish);
    }

    /// What the tokens that a state backs off to add to its entropy, given
    /// what they add to that of its suffix.
    fn backed_off(&self, state: usize, rest: f64) -> f64 {
        let b = self.entries.backoffs[state];
        if b > 0.0 { (b * rest - b * b.log2() * self.rest[state]).max(0.0) } else { 0.0 }
    }

    /// Bits that tell by which of two tokens the start of a text is entered,
    /// which the states do not tell apart; mostly only one of them is possible.
    fn told_apart(&self, state: usize, start: usize, tokens: [Token; 2]) -> f64 {
        let [end, newest] = tokens.map(|token| match self.after(state, token) == start {
            true => self.token_probability(state, token),
            false => 0.0,
        });
        let both = end + newest;
        if end > 0.0 && newest > 0.0 {
            -end * (end / both).log2() - newest * (newest / both).log2()
        } else {
            0.0
        }
    }
}
