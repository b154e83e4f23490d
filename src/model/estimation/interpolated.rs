//! Smoothing that mixes the law of the shorter context in.

use super::discounts::{self, Discounts};
use super::{Discount, LengthStatistics, Method, Smoothing, Values, families};
use crate::error::Result;
use crate::ngram::NgramCounts;

/// How a family of counts is divided among its tokens and the rest.
#[derive(Debug, Clone, Copy)]
enum Shares {
    /// Every count loses its discount to the rest.
    Discounted(Discounts),
    /// The rest counts as often as there are different tokens.
    WittenBell,
}

/// What a family of counts gives away.
#[derive(Debug, Clone, Copy, Default)]
struct Family {
    /// What the shares are of.
    total: f64,
    /// What goes to the shorter context.
    rest: f64,
}

impl Shares {
    fn discount(self, count: u32) -> f64 {
        match self {
            Self::Discounted(discounts) if count > 0 => discounts[count.min(3) as usize - 1],
            _ => 0.0,
        }
    }

    /// Adds up a family; of n-grams that are left out, the whole count is given away.
    fn add_up(self, counts: impl Iterator<Item = (u32, bool)>) -> Family {
        let mut family = Family::default();
        let extra = f64::from(u8::from(matches!(self, Self::WittenBell)));
        for (count, kept) in counts.filter(|&(count, _)| count > 0) {
            let count_given = if kept { self.discount(count) } else { f64::from(count) };
            family.total += f64::from(count) + extra;
            family.rest += count_given + extra;
        }
        family
    }
}

/// # Errors
///
/// [`Error::NoDiscount`](crate::Error::NoDiscount), unless there are discounts to fall back on.
pub(super) fn estimate(counts: &NgramCounts, method: Method<'_>) -> Result<Values> {
    let order = counts.order();
    let mut values = Values { probabilities: Vec::new(), backoffs: Vec::new(), statistics: Vec::new() };
    for length in 1..=order {
        let taken = match method.smoothing {
            Smoothing::KneserNey | Smoothing::ModifiedKneserNey => counts.continuation_counts(length),
            _ => counts.counts(length).to_vec(),
        };
        let (shares, statistics) = shares(length, &taken, method)?;
        values.statistics.push(statistics);
        let (probabilities, backoffs) = match values.probabilities.last() {
            None => (single_tokens(counts, &taken, method, shares), None),
            Some(shorter) => {
                let (probabilities, backoffs) = longer(counts, length, &taken, method, shares, shorter);
                (probabilities, Some(backoffs))
            }
        };
        values.probabilities.push(probabilities);
        values.backoffs.extend(backoffs);
    }
    Ok(values)
}

/// How the counts of a length are shared.
fn shares(length: usize, counts: &[u32], method: Method<'_>) -> Result<(Shares, LengthStatistics)> {
    let mut statistics = LengthStatistics::new(counts);
    let counts_of_counts = statistics.counts_of_counts;
    let one = |discounts: Discounts| [discounts[0]; 3];
    let (estimated, adapt): (_, fn(Discounts) -> Discounts) = match method.smoothing {
        Smoothing::AbsoluteDiscounting(Discount::Given(discount)) => (Ok([discount; 3]), one),
        Smoothing::AbsoluteDiscounting(Discount::Estimated) | Smoothing::KneserNey => {
            (discounts::single(length, counts_of_counts), one)
        }
        Smoothing::ModifiedKneserNey => (discounts::modified(length, counts_of_counts), |all| all),
        _ => return Ok((Shares::WittenBell, statistics)),
    };
    let discounts = match (method.given.get(length - 1), estimated, method.fallback) {
        (Some(&given), ..) => adapt(given),
        (None, Ok(estimated), _) => estimated,
        (None, Err(_), Some(fallback)) => {
            statistics.fallback = true;
            adapt(fallback)
        }
        (None, Err(error), None) => return Err(error),
    };
    statistics.discounts = Some(discounts);
    Ok((Shares::Discounted(discounts), statistics))
}

/// The law after the empty context.
fn single_tokens(counts: &NgramCounts, taken: &[u32], method: Method<'_>, shares: Shares) -> Vec<f64> {
    let family = shares.add_up(taken.iter().map(|&count| (count, true)));
    let rest = family.rest / family.total;
    let uniform = if method.interpolate_unigrams { rest / method.generated(counts) } else { 0.0 };
    let share = |&count: &u32| (f64::from(count) - shares.discount(count)) / family.total + uniform;
    let mut law: Vec<f64> = taken.iter().map(share).collect();
    if let (false, Some(unknown)) = (method.interpolate_unigrams, method.unknown) {
        law[unknown as usize] += rest;
    }
    if let Some(start) = method.start {
        law[start as usize] = 0.0;
    }
    law
}

/// The probabilities of the n-grams of a length, and the back-off weights of their contexts.
fn longer(
    counts: &NgramCounts,
    length: usize,
    taken: &[u32],
    method: Method<'_>,
    shares: Shares,
    shorter: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let trie = counts.trie();
    let (occurrences, threshold) = (counts.counts(length), method.threshold(length));
    let mut probabilities = Vec::with_capacity(taken.len());
    let mut backoffs = Vec::with_capacity(trie.len(length - 1));
    for family in families(trie, length) {
        if family.is_empty() {
            backoffs.push(1.0);
            continue;
        }
        let kept = |number: usize| occurrences[number] > threshold;
        let Family { total, rest } =
            shares.add_up(family.clone().map(|number| (taken[number], kept(number))));
        let backoff = rest / total;
        backoffs.push(backoff);
        probabilities.extend(family.map(|number| {
            let own = (f64::from(taken[number]) - shares.discount(taken[number])) / total;
            own + backoff * shorter[trie.suffix(length, number)]
        }));
    }
    (probabilities, backoffs)
}
