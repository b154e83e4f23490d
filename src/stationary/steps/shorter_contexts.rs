//! Corrections by shorter contexts.

use rayon::prelude::*;

use super::coarse::{Aggregation, added_up, divide, factors, potential, weighted};
use crate::chain::{MarkovChain, States};
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::stationary::gth::eliminated;

/// Contexts that a task adds up.
const CONTEXTS: usize = 1 << 10;

/// Aggregation and disaggregation over shorter and shorter contexts.
///
/// In a stationary law over windows of `k` tokens, the first `k - 1` tokens
/// have the same law as the last `k - 1`. What is not yet stationary breaks
/// that, and is mended on the shorter contexts, of which there are fewer: read
/// as flows from the first `k - 1` tokens to the last, the law is itself the
/// chain of the contexts of `k - 1` tokens, weighted by the law (Takahashi 1975;
/// Koury, McAllister, Stewart 1984; multilevel: Horton, Leutenegger 1994). Its
/// stationary law, to which the law's first tokens are then scaled, is found in
/// the same way, down to contexts few enough for elimination.
///
/// `O(N)`, and no look at the transitions.
pub(in crate::stationary) struct ShorterContexts {
    levels: Vec<Level>,
    /// Levels at which contexts are few enough for elimination: the last only.
    eliminate: bool,
}

/// Which shorter contexts the windows of one length start and end with.
enum Level {
    /// Of all windows over a vocabulary.
    All { vocabulary_size: usize, shorter: usize },
    /// Of some windows, by their numbers.
    Some { first: Vec<u32>, last: Vec<u32>, shorter: usize },
}

impl ShorterContexts {
    /// The shorter contexts of a chain over windows, or `None` if its states
    /// show no shorter context, or a step from a state with weight is no shift.
    pub(super) fn of<O: TransitionOperator>(chain: &MarkovChain<O>, law: &[f64]) -> Option<Self> {
        let states = chain.states();
        if !states.are_windows() || states.context_length() < 2 {
            return None;
        }
        if !chain.operator().is_evidently_shift() {
            chain.check_shifts(&Law::from_computed(law.to_vec())).ok()?;
        }
        let mut levels = match states.space() {
            Some(space) => all(space.vocabulary_size(), space.context_length()),
            None => some(states),
        };
        // A correction may cost as much as a product does.
        let affordable = |level: &Level| level.shorter().pow(3) <= 8 * chain.operator().stored_entries();
        let few = levels.iter().position(affordable);
        levels.truncate(few.map_or(levels.len(), |few| few + 1));
        Some(Self { levels, eliminate: few.is_some() })
    }

    /// Scales a law so that its first tokens have the law that they would have
    /// in the long run, if what follows each context were as in the law now.
    pub(super) fn correct(&self, law: &mut [f64]) {
        self.correct_from(0, law);
    }

    fn correct_from(&self, depth: usize, law: &mut [f64]) {
        let level = &self.levels[depth];
        let now = level.first_tokens(law);
        let is_last = depth + 1 == self.levels.len();
        let long_run = if is_last && self.eliminate {
            // Contexts that do not reach each other are left as they are.
            eliminated(&level.flows(law), level.shorter()).unwrap_or_else(|| now.clone())
        } else {
            let mut next = level.last_tokens(law);
            if !is_last {
                self.correct_from(depth + 1, &mut next);
            }
            next
        };
        level.scale(law, &factors(now, long_run));
    }
}

impl ShorterContexts {
    /// The means of an observable given the shorter contexts of a level, and the
    /// solution for these.
    fn solve_from(&self, depth: usize, law: &[f64], observable: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let level = &self.levels[depth];
        let last = level.last_tokens(law);
        let mut means = level.last_tokens(&weighted(law, observable));
        divide(&mut means, &last);
        let is_last = depth + 1 == self.levels.len();
        let solution = if is_last && self.eliminate {
            potential(&level.flows(law), &means).unwrap_or_else(|| means.clone())
        } else if is_last {
            means.clone()
        } else {
            // What even shorter contexts say, and one step of the chain of these.
            let (_, coarse) = self.solve_from(depth + 1, &last, &means);
            let coarse = self.levels[depth + 1].by_last_tokens(last.len(), &coarse);
            level.stepped(law, &coarse, &means)
        };
        (means, solution)
    }
}

/// To all tokens but the oldest.
impl Aggregation for ShorterContexts {
    fn solve(&self, law: &[f64], observable: &[f64]) -> (Vec<f64>, Vec<f64>) {
        self.solve_from(0, law, observable)
    }

    fn refine(&self, states: usize, values: &[f64]) -> Vec<f64> {
        self.levels[0].by_last_tokens(states, values)
    }
}

impl Level {
    /// `f + Q g` on the shorter contexts, `Q` their chain with the law's weights.
    fn stepped(&self, law: &[f64], g: &[f64], f: &[f64]) -> Vec<f64> {
        let now = self.first_tokens(law);
        let ahead = self.by_last_tokens(law.len(), g);
        let mut next = self.first_tokens(&weighted(law, &ahead));
        divide(&mut next, &now);
        next.iter_mut().zip(f).for_each(|(next, f)| *next += f);
        next
    }

    /// A function of the shorter contexts as one of the windows that end with them.
    fn by_last_tokens(&self, windows: usize, values: &[f64]) -> Vec<f64> {
        match self {
            Self::All { shorter, .. } => (0..windows).into_par_iter().map(|w| values[w % shorter]).collect(),
            Self::Some { last, .. } => last.par_iter().map(|&context| values[context as usize]).collect(),
        }
    }

    fn shorter(&self) -> usize {
        match self {
            Self::All { shorter, .. } | Self::Some { shorter, .. } => *shorter,
        }
    }

    /// The law of all tokens but the newest.
    fn first_tokens(&self, law: &[f64]) -> Vec<f64> {
        match self {
            Self::All { vocabulary_size, .. } => law
                .par_chunks_exact(*vocabulary_size)
                .with_min_len(CONTEXTS)
                .map(|windows| windows.iter().sum())
                .collect(),
            Self::Some { first, shorter, .. } => added_up(law, first, *shorter),
        }
    }

    /// The law of all tokens but the oldest.
    fn last_tokens(&self, law: &[f64]) -> Vec<f64> {
        match self {
            Self::All { shorter, .. } => {
                let mut sums = vec![0.0; *shorter];
                sums.par_chunks_mut(CONTEXTS).enumerate().for_each(|(chunk, sums)| {
                    for windows in law.chunks_exact(*shorter) {
                        let windows = &windows[chunk * CONTEXTS..][..sums.len()];
                        sums.iter_mut().zip(windows).for_each(|(sum, p)| *sum += p);
                    }
                });
                sums
            }
            Self::Some { last, shorter, .. } => added_up(law, last, *shorter),
        }
    }

    /// The windows as flows between shorter contexts, row by row.
    fn flows(&self, law: &[f64]) -> Vec<f64> {
        let n = self.shorter();
        let mut flows = vec![0.0; n * n];
        for (window, &p) in law.iter().enumerate() {
            let (first, last) = match self {
                Self::All { vocabulary_size, shorter } => (window / vocabulary_size, window % shorter),
                Self::Some { first, last, .. } => (first[window] as usize, last[window] as usize),
            };
            flows[first * n + last] += p;
        }
        flows
    }

    /// Multiplies every window by a factor of its first tokens.
    fn scale(&self, law: &mut [f64], factors: &[f64]) {
        match self {
            Self::All { vocabulary_size, .. } => {
                let windows = law.par_chunks_exact_mut(*vocabulary_size).with_min_len(CONTEXTS);
                windows.zip(factors).for_each(|(windows, factor)| {
                    windows.iter_mut().for_each(|p| *p *= factor);
                });
            }
            Self::Some { first, .. } => {
                law.iter_mut().zip(first).for_each(|(p, &first)| *p *= factors[first as usize]);
            }
        }
    }
}

/// The levels of all windows, the longest first.
fn all(vocabulary_size: usize, context_length: usize) -> Vec<Level> {
    (1..context_length)
        .rev()
        .map(|length| Level::All { vocabulary_size, shorter: vocabulary_size.pow(length as u32) })
        .collect()
}

/// The levels of the windows that are the states, the longest first.
fn some(states: &States) -> Vec<Level> {
    let v = states.vocabulary_size() as u128;
    let mut keys: Vec<u128> = (0..states.len()).map(|state| states.key(state)).collect();
    (1..states.context_length())
        .rev()
        .map(|length| {
            let modulus = v.pow(length as u32);
            let mut shorter: Vec<u128> = keys.iter().flat_map(|key| [key / v, key % modulus]).collect();
            shorter.par_sort_unstable();
            shorter.dedup();
            let number = |key: u128| shorter.partition_point(|&other| other < key) as u32;
            let first = keys.par_iter().map(|key| number(key / v)).collect();
            let last = keys.par_iter().map(|key| number(key % modulus)).collect();
            let level = Level::Some { first, last, shorter: shorter.len() };
            keys = shorter;
            level
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{CorpusSettings, DocumentEnd, Tokenizer};

    /// What the correction is, spelled out: the chain of the shorter contexts
    /// with the law's weights, its stationary law, and the law scaled to it.
    #[test]
    fn two_tokens_are_corrected_by_the_chain_of_one() {
        let law = [0.1, 0.2, 0.3, 0.05, 0.05, 0.1, 0.0, 0.05, 0.15];
        let contexts = ShorterContexts { levels: all(3, 2), eliminate: true };
        let mut corrected = law;
        contexts.correct(&mut corrected);
        let conditional = |a: usize, b: usize| law[3 * a + b] / law[3 * a..3 * a + 3].iter().sum::<f64>();
        // Corrected, it is stationary for the chain of one token ...
        for token in 0..3 {
            let first: f64 = corrected[3 * token..3 * token + 3].iter().sum();
            let last: f64 = (0..3).map(|a| corrected[3 * a + token]).sum();
            assert!((first - last).abs() < 1e-15);
            // ... and what follows a context is as it was.
            for next in 0..3 {
                assert!((corrected[3 * token + next] / first - conditional(token, next)).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn windows_of_a_text_are_corrected_as_all_windows_are() {
        let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Circular);
        let corpus = settings.read_strings(["abcabdacbbacdabcacbdbadc"]).unwrap();
        let chain = MarkovChain::observed(&corpus, 3).unwrap();
        let weights: Vec<f64> = (0..chain.len()).map(|state| 1.0 + (state * 7 % 5) as f64).collect();
        let mut of_some = weights.clone();
        ShorterContexts { levels: some(chain.states()), eliminate: false }.correct(&mut of_some);
        let mut of_all = vec![0.0; 64];
        let key = |state: usize| chain.states().key(state) as usize;
        for (state, weight) in weights.iter().enumerate() {
            of_all[key(state)] = *weight;
        }
        ShorterContexts { levels: all(4, 3), eliminate: false }.correct(&mut of_all);
        for (state, found) in of_some.iter().enumerate() {
            assert!((found - of_all[key(state)]).abs() < 1e-14);
        }
    }
}
