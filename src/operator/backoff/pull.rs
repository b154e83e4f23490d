//! Observables pulled back through a back-off model.

use rayon::prelude::*;

use super::entries::Entries;
use super::pyramid::{Pyramid, range_depth};
use super::sums::{sum_depth, sum_pairs};
use crate::ngram::ContextTree;

/// States that one task looks at.
const STATES: usize = 1 << 8;

/// N-grams that one task looks at.
const NGRAMS: usize = 1 << 12;

/// Sums over the n-grams after each state, and over those after its suffix that
/// it backs off to.
///
/// Let `L(y)` be the tokens stored after a state `y`, and `x` its suffix, so
/// that `L(y)` is in `L(x)`. Every quantity here has the form
///
/// ```text
/// own(y)  = sum over v in L(y) of value(y v)
/// rest(y) = sum over v in L(x), not in L(y), of value(x v)  +  carry(x, rest(x)),
/// ```
///
/// where `rest` is what stands for the tokens that `y` has no n-gram for. The
/// sum over `L(x)` without `L(y)` is `own(x)` less the part over `L(y)` if that
/// part is at most half of it; otherwise subtracting would cancel, and the runs
/// of `L(x)` between the members of `L(y)` are added up, each from a few
/// partial sums ([`Pyramid`]). For non-negative values either way is right to
/// at most three times the relative error of the sums.
pub(super) struct Pull<'a, V, C> {
    pub(super) tree: &'a ContextTree,
    pub(super) entries: &'a Entries,
    /// The value of an n-gram.
    pub(super) value: V,
    /// What the rest of a state contributes to that of the longer ones.
    pub(super) carry: C,
}

impl<V, C> Pull<'_, V, C>
where
    V: Fn(usize) -> f64 + Sync,
    C: Fn(usize, f64) -> f64 + Sync,
{
    /// Writes `finish(y, own(y), rest(y))` for every state.
    pub(super) fn write(&self, out: &mut [f64], finish: impl Fn(usize, f64, f64) -> f64 + Sync) {
        let shared = self.shared_values();
        let longest = self.tree.of_length(self.tree.longest());
        // What the states but the longest are asked for by longer ones.
        let mut sums = vec![[0.0; 2]; longest.start];
        for length in 1..self.tree.longest() {
            let states = self.tree.of_length(length);
            let (shorter, from_here) = sums.split_at_mut(states.start);
            let here = &mut from_here[..states.len()];
            let value = |entry: usize| shared.array()[entry];
            self.write_sums(&shared, shorter, states.start, here, value, |_, sums| sums);
        }
        let (lower, top) = out.split_at_mut(longest.start);
        lower
            .par_iter_mut()
            .with_min_len(NGRAMS)
            .zip(&sums)
            .enumerate()
            .for_each(|(state, (out, &[own, rest]))| *out = finish(state, own, rest));
        let finish = |state: usize, [own, rest]: [f64; 2]| finish(state, own, rest);
        self.write_sums(&shared, &sums, longest.start, top, &self.value, finish);
    }

    /// The values of the n-grams that some longer context can back off to.
    fn shared_values(&self) -> Pyramid {
        let longest = self.tree.of_length(self.tree.longest());
        let shared = self.entries.start_after(longest.start);
        Pyramid::new((0..shared).into_par_iter().with_min_len(NGRAMS).map(&self.value).collect())
    }

    /// Writes what `finish` makes of the two sums of each state of a length,
    /// from `first` on, given those of shorter ones.
    ///
    /// What a task needs of other n-grams is fetched before it is added up, so
    /// that the machine can wait for many of them at a time.
    fn write_sums<T: Send>(
        &self,
        shared: &Pyramid,
        shorter: &[[f64; 2]],
        first: usize,
        out: &mut [T],
        value: impl Fn(usize) -> f64 + Sync,
        finish: impl Fn(usize, [f64; 2]) -> T + Sync,
    ) {
        let (values, links) = (shared.array(), &self.entries.links);
        let singles = shared.sum(self.entries.singles());
        out.par_chunks_mut(STATES).enumerate().for_each_init(Vec::new, |terms, (chunk, out)| {
            let states = first + chunk * STATES..first + chunk * STATES + out.len();
            let all = self.entries.start_after(states.start)..self.entries.start_after(states.end);
            terms.clear();
            terms.extend(all.clone().map(|entry| [value(entry), values[links[entry] as usize]]));
            for (state, out) in states.zip(out) {
                let after = self.entries.after(state);
                let terms = &terms[after.start - all.start..after.end - all.start];
                let [own, taken] = sum_pairs(0..terms.len(), |i| terms[i]);
                let suffix = self.tree.suffix(state);
                let [whole, rest] = suffix.map_or([singles, 0.0], |suffix| shorter[suffix]);
                let carried = suffix.map_or(0.0, |suffix| (self.carry)(suffix, rest));
                let left = if taken <= 0.5 * whole {
                    whole - taken
                } else {
                    let members = &links[after];
                    gaps(shared, self.entries.after_context(suffix), members.len(), |i| members[i] as usize)
                };
                *out = finish(state, [own, left + carried]);
            }
        });
    }
}

/// The sum over a range without some of its members, given in ascending order.
pub(super) fn gaps(
    sums: &Pyramid,
    range: std::ops::Range<usize>,
    members: usize,
    member: impl Fn(usize) -> usize,
) -> f64 {
    let start = |i: usize| if i == 0 { range.start } else { member(i - 1) + 1 };
    let end = |i: usize| if i == members { range.end } else { member(i) };
    sum_pairs(0..members + 1, |i| [sums.sum(start(i)..end(i)), 0.0])[0]
}

/// The relative error of a product in units of `eps`, at most: see the parts.
pub(super) fn pull_error(tree: &ContextTree, entries: &Entries) -> usize {
    let after = |state: usize| entries.after(state).len();
    let most = (0..tree.len()).into_par_iter().map(after).max().unwrap_or(0);
    // A value is rounded once; then added up among those of its context, or of
    // a gap, a block, and the gaps.
    let sums = 1 + sum_depth(most + 1) + range_depth(entries.len());
    // Subtracting at most half triples that, and rounds once more. Each shorter
    // context costs a multiplication and an addition.
    3 * sums + 1 + 2 * (tree.longest() + 1)
}
