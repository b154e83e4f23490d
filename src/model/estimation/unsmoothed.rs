//! Relative frequencies, and those with a summand.

use super::{LengthStatistics, Method, Values, families};
use crate::ngram::NgramCounts;

/// Relative frequencies at every length, and nothing for the rest.
pub(super) fn maximum_likelihood(counts: &NgramCounts) -> Values {
    let mut values = empty(counts);
    for length in 1..=counts.order() {
        let occurrences = counts.counts(length);
        let mut probabilities = vec![0.0; occurrences.len()];
        for (context, family) in families(counts.trie(), length).enumerate() {
            let total: f64 = occurrences[family.clone()].iter().map(|&count| f64::from(count)).sum();
            for number in family.clone() {
                probabilities[number] = f64::from(occurrences[number]) / total;
            }
            if length > 1 && !family.is_empty() {
                values.backoffs[length - 2][context] = 0.0;
            }
        }
        values.probabilities.push(probabilities);
    }
    values
}

/// `(n(c v) + a) / (n(c) + a V')` after contexts as long as they get: those of
/// full length, and those that start with `<s>`. Uniform after the others.
pub(super) fn additive(counts: &NgramCounts, method: Method<'_>, summand: f64) -> Values {
    let mut values = empty(counts);
    let generated = method.generated(counts);
    for length in 1..=counts.order() {
        let occurrences = counts.counts(length);
        let mut probabilities = vec![1.0 / generated; occurrences.len()];
        let started = match method.start {
            Some(start) if length > 1 => counts.trie().starting_with(start, length),
            _ => 0..0,
        };
        for (context, family) in families(counts.trie(), length).enumerate() {
            let is_full = length == counts.order() || started.contains(&family.start);
            if family.is_empty() || !is_full {
                continue;
            }
            let total: f64 = occurrences[family.clone()].iter().map(|&count| f64::from(count)).sum();
            let total = total + summand * generated;
            for number in family {
                probabilities[number] = (f64::from(occurrences[number]) + summand) / total;
            }
            if length > 1 {
                values.backoffs[length - 2][context] = summand * generated / total;
            }
        }
        if let (1, Some(start)) = (length, method.start) {
            probabilities[start as usize] = 0.0;
        }
        values.probabilities.push(probabilities);
    }
    values
}

/// No probabilities yet, and back-off weights of 1.
fn empty(counts: &NgramCounts) -> Values {
    let statistics = |length: usize| LengthStatistics::new(counts.counts(length));
    Values {
        probabilities: Vec::new(),
        backoffs: (1..counts.order()).map(|length| vec![1.0; counts.trie().len(length)]).collect(),
        statistics: (1..=counts.order()).map(statistics).collect(),
    }
}
