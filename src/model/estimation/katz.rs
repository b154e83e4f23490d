//! Good–Turing discounts, and backing off.

use super::discounts::good_turing;
use super::{LengthStatistics, Method, Values, families};
use crate::error::Result;
use crate::ngram::NgramCounts;
use crate::text::Token;

/// # Errors
///
/// [`Error::NoDiscount`](crate::Error::NoDiscount).
pub(super) fn estimate(counts: &NgramCounts, method: Method<'_>, largest: u32) -> Result<Values> {
    let mut values = Values { probabilities: Vec::new(), backoffs: Vec::new(), statistics: Vec::new() };
    for length in 1..=counts.order() {
        let occurrences = counts.counts(length);
        let mut times = vec![0; largest as usize + 2];
        for &count in occurrences.iter().filter(|count| **count <= largest + 1) {
            times[count as usize] += 1;
        }
        let mut ratios = good_turing(length, &times);
        if length == 1 && unseen(counts, method).next().is_none() {
            // Nobody is there to take what is discounted.
            ratios = Ok(Vec::new());
        }
        let family = Discounted { occurrences, ratios: &ratios? };
        match values.probabilities.last() {
            None => values.probabilities.push(single_tokens(counts, method, &family)),
            Some(shorter) => {
                let (probabilities, backoffs) = longer(counts, length, method, &family, shorter);
                values.probabilities.push(probabilities);
                values.backoffs.push(backoffs);
            }
        }
        let counted = counts.trie().len(length);
        values.statistics.push(LengthStatistics {
            counted,
            kept: counted,
            counts_of_counts: counts.counts_of_counts(length),
            discounts: None,
            fallback: false,
        });
    }
    Ok(values)
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

fn longer(
    counts: &NgramCounts,
    length: usize,
    method: Method<'_>,
    discounted: &Discounted<'_>,
    shorter: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let (trie, threshold) = (counts.trie(), method.threshold(length));
    let mut probabilities = vec![0.0; trie.len(length)];
    let mut backoffs = Vec::with_capacity(trie.len(length - 1));
    for family in families(trie, length) {
        let kept = |number: &usize| discounted.occurrences[*number] > threshold;
        let total: f64 = family.clone().map(|number| f64::from(discounted.occurrences[number])).sum();
        let (mut left, mut covered) = (0.0, 0.0);
        for number in family.clone() {
            if kept(&number) {
                probabilities[number] = discounted.kept(number) / total;
                left += discounted.taken(number) / total;
                covered += shorter[trie.suffix(length, number)];
            } else {
                left += f64::from(discounted.occurrences[number]) / total;
            }
        }
        let served = 1.0 - covered;
        let backoff = if family.is_empty() { 1.0 } else { left / served };
        if backoff.is_finite() && served > f64::EPSILON {
            backoffs.push(backoff);
        } else {
            // All that may follow is here: it shares what was taken from it.
            family.for_each(|number| probabilities[number] /= 1.0 - left);
            backoffs.push(0.0);
        }
    }
    (probabilities, backoffs)
}
