//! Windows of tokens, and the shorter ones that they start and end with.

use rayon::prelude::*;

use std::ops::Range;

use super::coarse::Terms;
use crate::chain::{SortedContexts, States};
use crate::operator::{by_group, map_in_place};

/// Contexts that a task adds up.
const CONTEXTS: usize = 1 << 10;

/// Which contexts of one length the windows of a longer one start and end with. Windows are in the
/// order of their tokens, so that those that start with the same stand side by side.
pub(super) enum ContextLevel {
    /// Of all windows over a vocabulary.
    All { vocabulary_size: usize, shorter: usize },
    /// Of some.
    Some(SomeWindows),
}

/// Windows and shorter contexts by their numbers: 12 bytes a window, 16 a context.
pub(super) struct SomeWindows {
    /// How many tokens less than windows contexts have: the steps from one to the next of a window.
    steps: usize,
    /// What every window starts with, and ends with.
    first: Vec<u32>,
    last: Vec<u32>,
    /// Where the windows that start with each context begin, and the last ones end.
    starts: Vec<usize>,
    /// All windows, by what they end with, and where those that end with each context begin.
    by_last: Vec<u32>,
    by_last_starts: Vec<usize>,
}

impl ContextLevel {
    /// The levels of all windows, the longest first.
    pub(super) fn of_all(vocabulary_size: usize, context_length: usize) -> Vec<Self> {
        (1..context_length)
            .rev()
            .map(|length| Self::All { vocabulary_size, shorter: vocabulary_size.pow(length as u32) })
            .collect()
    }

    /// The levels of the windows that are the states, the longest first. From level to level contexts
    /// are one token shorter; the first takes windows to contexts of which there are a quarter as
    /// many or fewer, if any length has so few. `O(K N)` for text, where almost every window is
    /// found beside the one before.
    pub(super) fn of_some(states: &States) -> Vec<Self> {
        let (v, mut length) = (states.vocabulary_size(), states.context_length());
        let mut keys: Vec<u128> = (0..states.len()).into_par_iter().map(|state| states.key(state)).collect();
        let mut levels = Vec::new();
        let mut shorter = few_contexts(&keys, v, length).unwrap_or(length - 1);
        while shorter > 0 {
            let (level, contexts) = SomeWindows::new(&keys, v, length, shorter);
            levels.push(Self::Some(level));
            (keys, length, shorter) = (contexts, shorter, shorter - 1);
        }
        levels
    }

    /// How many shorter contexts there are.
    pub(super) fn shorter(&self) -> usize {
        match self {
            Self::All { shorter, .. } => *shorter,
            Self::Some(windows) => windows.starts.len() - 1,
        }
    }

    /// Whether a window is one step, from the context that it starts with to the one it ends with.
    pub(super) fn is_of_single_steps(&self) -> bool {
        match self {
            Self::All { .. } => true,
            Self::Some(windows) => windows.steps == 1,
        }
    }

    /// The sums over the windows that start with each context.
    pub(super) fn first_sums<T: Terms + ?Sized>(&self, terms: &T) -> Vec<f64> {
        let windows = |context: usize| match self {
            Self::All { vocabulary_size: v, .. } => context * v..(context + 1) * v,
            Self::Some(windows) => range(&windows.starts, context),
        };
        let sums = (0..self.shorter()).into_par_iter().with_min_len(CONTEXTS);
        sums.map(|context| terms.run(windows(context)).sum()).collect()
    }

    /// The sums over the windows that end with each context.
    pub(super) fn last_sums<T: Terms + ?Sized>(&self, terms: &T) -> Vec<f64> {
        match self {
            Self::All { vocabulary_size, shorter } => {
                let mut sums = vec![0.0; *shorter];
                sums.par_chunks_mut(CONTEXTS).enumerate().for_each(|(chunk, sums)| {
                    for oldest in 0..*vocabulary_size {
                        let first = oldest * shorter + chunk * CONTEXTS;
                        let terms = terms.run(first..first + sums.len());
                        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
                    }
                });
                sums
            }
            Self::Some(windows) => {
                let sum = |context: usize| {
                    let ending = &windows.by_last[range(&windows.by_last_starts, context)];
                    ending.iter().map(|&window| terms.term(window as usize)).sum()
                };
                (0..self.shorter()).into_par_iter().with_min_len(CONTEXTS).map(sum).collect()
            }
        }
    }

    /// Adds a function of the shorter contexts to one of the windows that end with them.
    pub(super) fn add_by_last_tokens(&self, values: &[f64], windows: &mut [f64]) {
        match self {
            Self::All { shorter, .. } => windows.par_chunks_mut(*shorter).for_each(|windows| {
                let chunks = windows.par_chunks_mut(CONTEXTS).zip(values.par_chunks(CONTEXTS));
                chunks.for_each(|(windows, values)| {
                    windows.iter_mut().zip(values).for_each(|(window, value)| *window += value);
                });
            }),
            Self::Some(SomeWindows { last, .. }) => {
                map_in_place(windows, |window, value| value + values[last[window] as usize]);
            }
        }
    }

    /// The windows as flows between shorter contexts, row by row.
    pub(super) fn flows(&self, law: &[f64]) -> Vec<f64> {
        let n = self.shorter();
        let mut flows = vec![0.0; n * n];
        for (window, &p) in law.iter().enumerate() {
            let (first, last) = match self {
                Self::All { vocabulary_size, shorter } => (window / vocabulary_size, window % shorter),
                Self::Some(windows) => (windows.first[window] as usize, windows.last[window] as usize),
            };
            flows[first * n + last] += p;
        }
        flows
    }

    /// Multiplies every window by a factor of its first tokens.
    pub(super) fn scale(&self, law: &mut [f64], factors: &[f64]) {
        match self {
            Self::All { vocabulary_size, .. } => {
                let windows = law.par_chunks_exact_mut(*vocabulary_size).with_min_len(CONTEXTS);
                windows.zip(factors).for_each(|(windows, factor)| {
                    windows.iter_mut().for_each(|p| *p *= factor);
                });
            }
            Self::Some(SomeWindows { first, .. }) => {
                map_in_place(law, |window, p| p * factors[first[window] as usize]);
            }
        }
    }
}

impl SomeWindows {
    /// Windows of `length` tokens, as ascending base-V numbers, and the contexts of `shorter`
    /// tokens that they show.
    fn new(keys: &[u128], v: usize, length: usize, shorter: usize) -> (Self, Vec<u128>) {
        let power = |exponent: usize| (v as u128).pow(exponent as u32);
        let (rest, modulus) = (power(length - shorter), power(shorter));
        let starting: Vec<u128> = keys.par_iter().map(|key| key / rest).collect();
        let ending: Vec<u128> = keys.par_iter().map(|key| key % modulus).collect();
        let find =
            |contexts: &[u128]| places(&ending, &SortedContexts::new(contexts, v, modulus / v as u128));
        let mut contexts = starting.clone();
        contexts.dedup();
        let last = find(&contexts).unwrap_or_else(|| {
            // A window that nothing goes on from ends with what none may start with.
            contexts.extend_from_slice(&ending);
            contexts.par_sort_unstable();
            contexts.dedup();
            find(&contexts).expect("every context is there")
        });
        let mut starts = Vec::with_capacity(contexts.len() + 1);
        let mut first = Vec::with_capacity(keys.len());
        for (number, context) in contexts.iter().enumerate() {
            starts.push(first.len());
            let begun = &starting[first.len()..];
            let windows = begun.iter().take_while(|&first| first == context).count();
            first.extend(std::iter::repeat_n(number as u32, windows));
        }
        starts.push(first.len());
        let (by_last, by_last_starts) = by_group(&last, contexts.len());
        (Self { steps: length - shorter, first, last, starts, by_last, by_last_starts }, contexts)
    }
}

/// The longest length of two tokens or more of which windows start with a quarter as many
/// contexts as there are windows, or fewer.
fn few_contexts(windows: &[u128], v: usize, length: usize) -> Option<usize> {
    let mut contexts = windows.to_vec();
    (2..length).rev().find(|_| {
        contexts.par_iter_mut().for_each(|key| *key /= v as u128);
        contexts.dedup();
        contexts.len() <= windows.len() / 4
    })
}

/// The places of contexts among sorted ones, if all are there.
fn places(keys: &[u128], contexts: &SortedContexts<'_>) -> Option<Vec<u32>> {
    let places = |keys: &[u128]| {
        let mut guess = 0;
        let place = |&key: &u128| {
            guess = contexts.find(guess, key).ok()?;
            Some(guess as u32)
        };
        keys.iter().map(place).collect::<Option<Vec<u32>>>()
    };
    let chunks: Option<Vec<Vec<u32>>> = keys.par_chunks(CONTEXTS).map(places).collect();
    chunks.map(|chunks| chunks.concat())
}

fn range(starts: &[usize], context: usize) -> Range<usize> {
    starts[context]..starts[context + 1]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The level of some windows of digits, held against sums over strings.
    fn check(windows: &[&str], shorter: usize) {
        let length = windows[0].len();
        let keys: Vec<u128> = windows.iter().map(|window| window.parse().unwrap()).collect();
        let (level, contexts) = SomeWindows::new(&keys, 10, length, shorter);
        let level = ContextLevel::Some(level);
        assert!(contexts.is_sorted_by(|a, b| a < b));
        assert_eq!(level.shorter(), contexts.len());
        assert_eq!(level.is_of_single_steps(), shorter + 1 == length);

        let law: Vec<f64> = (0..windows.len()).map(|window| (window * 5 % 7) as f64).collect();
        let sums = |part: fn(&str, usize) -> &str| {
            let mut sums: BTreeMap<u128, f64> = contexts.iter().map(|&context| (context, 0.0)).collect();
            for (window, p) in windows.iter().zip(&law) {
                *sums.get_mut(&part(window, shorter).parse().unwrap()).unwrap() += p;
            }
            sums.into_values().collect::<Vec<f64>>()
        };
        // Integers: sums in any order are the same.
        assert_eq!(level.first_sums(&law[..]), sums(|window, shorter| &window[..shorter]));
        assert_eq!(level.last_sums(&law[..]), sums(|window, shorter| &window[window.len() - shorter..]));

        let values: Vec<f64> = (0..contexts.len()).map(|context| (context * context) as f64).collect();
        let value = |part: &str| values[contexts.binary_search(&part.parse().unwrap()).unwrap()];
        let (mut added, mut scaled) = (law.clone(), law.clone());
        level.add_by_last_tokens(&values, &mut added);
        level.scale(&mut scaled, &values);
        let mut flows = vec![0.0; values.len() * values.len()];
        for (at, window) in windows.iter().enumerate() {
            let (first, last) = (&window[..shorter], &window[length - shorter..]);
            assert_eq!((added[at], scaled[at]), (law[at] + value(last), law[at] * value(first)));
            let place = |part: &str| contexts.binary_search(&part.parse().unwrap()).unwrap();
            flows[place(first) * values.len() + place(last)] += law[at];
        }
        assert_eq!(level.flows(&law), flows);
    }

    #[test]
    fn some_windows_are_added_up_by_what_they_start_and_end_with() {
        // "34" and "44" end windows, and start none.
        let windows = ["0120", "0121", "1201", "1211", "1234", "2012", "2112", "9120", "9744"];
        for shorter in 1..4 {
            check(&windows, shorter);
        }
    }

    #[test]
    fn levels_begin_where_there_are_few_contexts() {
        // All windows of ten bits, but as a list of some.
        let keys: Vec<u128> = (0..1 << 10).collect();
        assert_eq!(few_contexts(&keys, 2, 10), Some(8));
        // Windows of which none start alike.
        let apart: Vec<u128> = (0..8).map(|key| key << 7).collect();
        assert_eq!(few_contexts(&apart, 2, 10), None);
    }
}
