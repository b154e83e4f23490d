//! Good–Turing discounts, and backing off.

use super::discounts::good_turing;
use super::{LengthStatistics, Method, Values, families};
use crate::error::Result;
use crate::ngram::{NgramCounts, NgramTrie};
use crate::prob::sum_by;
use crate::text::Token;

/// # Errors
///
/// [`Error::NoDiscount`](crate::Error::NoDiscount).
pub(super) fn estimate(counts: &NgramCounts, method: Method<'_>, largest: u32) -> Result<Values> {
    let mut values = Values { probabilities: Vec::new(), backoffs: Vec::new(), statistics: Vec::new() };
    let mut rests = Vec::new();
    for length in 1..=counts.order() {
        let occurrences = counts.counts(length);
        let mut times = vec![0; largest as usize + 2];
        for &count in occurrences.iter().filter(|count| **count <= largest + 1) {
            times[count as usize] += 1;
        }
        let (ratios, fallback) = match (good_turing(length, &times), method.fallback) {
            // Nobody is there to take what is discounted.
            _ if length == 1 && unseen(counts, method).next().is_none() => (Vec::new(), false),
            (Ok(ratios), _) => (ratios, false),
            (Err(_), Some(discounts)) => (subtracted(discounts, largest), true),
            (Err(error), None) => return Err(error),
        };
        let family = Discounted { occurrences, ratios: &ratios };
        match values.probabilities.last() {
            None => values.probabilities.push(single_tokens(counts, method, &family)),
            Some(probabilities) => {
                let backoffs = values.backoffs.last().map_or(&[][..], Vec::as_slice);
                let shorter = Shorter { probabilities, backoffs, rests: &rests };
                let longer = longer(counts, length, method, &family, &shorter);
                values.probabilities.push(longer.probabilities);
                values.backoffs.push(longer.backoffs);
                rests = longer.rests;
            }
        }
        values.statistics.push(LengthStatistics { fallback, ..LengthStatistics::new(occurrences) });
    }
    Ok(values)
}

/// The ratios that taking discounts from counts of 1, 2, and 3 or more comes to.
fn subtracted(discounts: [f64; 3], largest: u32) -> Vec<f64> {
    let ratio = |count: u32| 1.0 - discounts[count.min(3) as usize - 1] / f64::from(count);
    (1..=largest).map(ratio).collect()
}

/// Counts with their discounts.
struct Discounted<'a> {
    occurrences: &'a [u32],
    ratios: &'a [f64],
}

impl Discounted<'_> {
    /// What is left of a count.
    fn kept(&self, number: usize) -> f64 {
        let count = self.occurrences[number];
        f64::from(count) * self.ratio(count)
    }

    /// What is taken from a count.
    fn taken(&self, number: usize) -> f64 {
        let count = self.occurrences[number];
        f64::from(count) * (1.0 - self.ratio(count))
    }

    fn ratio(&self, count: u32) -> f64 {
        let at = (count as usize).checked_sub(1);
        at.and_then(|at| self.ratios.get(at)).copied().unwrap_or(1.0)
    }
}

/// The tokens that may be generated, but did not occur.
fn unseen<'a>(counts: &'a NgramCounts, method: Method<'_>) -> impl Iterator<Item = Token> + 'a {
    let start = method.start;
    let tokens = counts.trie().tokens(1).iter().copied();
    tokens.filter(move |&token| counts.counts(1)[token as usize] == 0 && Some(token) != start)
}

fn single_tokens(counts: &NgramCounts, method: Method<'_>, family: &Discounted<'_>) -> Vec<f64> {
    let tokens = family.occurrences.len();
    let total: f64 = family.occurrences.iter().map(|&count| f64::from(count)).sum();
    let taken: f64 = (0..tokens).map(|token| family.taken(token)).sum();
    let mut law: Vec<f64> = (0..tokens).map(|token| family.kept(token) / total).collect();
    let share = taken / total / unseen(counts, method).count() as f64;
    for token in unseen(counts, method) {
        law[token as usize] = share;
    }
    law
}

/// The n-grams of a length, and what the contexts before them back off with.
struct Longer {
    probabilities: Vec<f64>,
    backoffs: Vec<f64>,
    /// The mass under its suffix of the tokens that each context has no n-gram for.
    rests: Vec<f64>,
}

fn longer(
    counts: &NgramCounts,
    length: usize,
    method: Method<'_>,
    discounted: &Discounted<'_>,
    shorter: &Shorter<'_>,
) -> Longer {
    let (trie, threshold) = (counts.trie(), method.threshold(length));
    let contexts = trie.len(length - 1);
    let mut all = Longer {
        probabilities: vec![0.0; trie.len(length)],
        backoffs: Vec::with_capacity(contexts),
        rests: Vec::with_capacity(contexts),
    };
    for (context, family) in families(trie, length).enumerate() {
        let occurrences = &discounted.occurrences[family.clone()];
        let total = sum_by(occurrences.len(), |i| f64::from(occurrences[i]));
        let kept: Vec<usize> =
            family.clone().filter(|&number| discounted.occurrences[number] > threshold).collect();
        for &number in &kept {
            all.probabilities[number] = discounted.kept(number) / total;
        }
        let pruned = |number: usize| discounted.occurrences[number] <= threshold;
        let given = |number: usize| match pruned(number) {
            true => f64::from(discounted.occurrences[number]),
            false => discounted.taken(number),
        };
        let left = sum_by(family.len(), |i| given(family.start + i)) / total;
        let rest = shorter.rest(trie, length - 1, context, &kept);
        all.backoffs.push(match rest {
            _ if family.is_empty() => 1.0,
            0.0 => {
                // All that may follow is here: it shares what was taken from it.
                kept.iter().for_each(|&number| all.probabilities[number] /= 1.0 - left);
                0.0
            }
            rest => left / rest,
        });
        all.rests.push(rest);
    }
    all
}

/// The n-grams one shorter, as what contexts back off to.
struct Shorter<'a> {
    probabilities: &'a [f64],
    /// Those of the contexts one shorter still; none for the empty one.
    backoffs: &'a [f64],
    rests: &'a [f64],
}

impl Shorter<'_> {
    /// The mass, under the suffix of a context, of the tokens that it has no
    /// n-gram for, given those that it has: what is added up is what is left.
    fn rest(&self, trie: &NgramTrie, length: usize, context: usize, kept: &[usize]) -> f64 {
        let suffix_of = |number: &usize| trie.suffix(length + 1, *number);
        let covered = sum_by(kept.len(), |i| self.probabilities[suffix_of(&kept[i])]);
        if covered <= 0.5 {
            return 1.0 - covered;
        }
        let suffix = trie.suffix(length, context);
        let (siblings, carried) = match length {
            1 => (0..trie.len(1), 0.0),
            _ => (trie.children(length - 1, suffix), self.backoffs[suffix] * self.rests[suffix]),
        };
        let mut members = kept.iter().map(suffix_of).peekable();
        let others: Vec<usize> = siblings.filter(|sibling| members.next_if_eq(sibling).is_none()).collect();
        sum_by(others.len(), |i| self.probabilities[others[i]]) + carried
    }
}
