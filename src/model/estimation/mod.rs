//! From counts to back-off models.
//!
//! Whatever the smoothing, the outcome is a [`BackoffTrie`]: a probability for
//! every n-gram that occurs, and for every context the weight with which the
//! law of the shorter one serves the rest.

mod discounts;
mod interpolated;
mod katz;
mod unsmoothed;

use std::ops::Range;

use super::{Discount, Smoothing};
use crate::error::Result;
use crate::ngram::{BackoffTrie, NgramCounts, NgramTrie, counts_of_counts};
use crate::text::Token;

pub(super) use discounts::check_discounts;

/// What the estimate of the n-grams of one length rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct LengthStatistics {
    /// Different n-grams that were counted; of single tokens, the vocabulary.
    pub counted: usize,
    /// How many of them the model has, after pruning.
    pub kept: usize,
    /// How many are counted once, twice, three and four times: occurrences, or
    /// under the Kneser–Ney methods continuations.
    pub counts_of_counts: [u64; 4],
    /// What is taken from a count of 1, of 2, and of 3 or more. None for
    /// smoothing that discounts otherwise.
    pub discounts: Option<[f64; 3]>,
    /// Whether the discounts are those to fall back on, because none could be estimated.
    pub fallback: bool,
}

impl LengthStatistics {
    /// What is known before anything is discounted or pruned.
    fn new(counts: &[u32]) -> Self {
        let (counted, counts_of_counts) = (counts.len(), counts_of_counts(counts));
        Self { counted, kept: counted, counts_of_counts, discounts: None, fallback: false }
    }
}

/// What to estimate, beside the counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Method<'a> {
    pub(super) smoothing: Smoothing,
    /// Discounts by length, instead of estimates.
    pub(super) given: &'a [[f64; 3]],
    /// Discounts where none can be estimated.
    pub(super) fallback: Option<[f64; 3]>,
    /// Of each length, the n-grams that occur so often or less are left out.
    pub(super) prune: &'a [u32],
    /// Whether the single tokens are interpolated with the uniform law.
    pub(super) interpolate_unigrams: bool,
    pub(super) start: Option<Token>,
    pub(super) unknown: Option<Token>,
}

/// The values of a back-off model in the making, by length and number.
struct Values {
    probabilities: Vec<Vec<f64>>,
    backoffs: Vec<Vec<f64>>,
    statistics: Vec<LengthStatistics>,
}

/// Makes a model of counts.
///
/// # Errors
///
/// [`Error::NoDiscount`](crate::Error::NoDiscount).
pub(super) fn estimate(
    counts: NgramCounts,
    method: Method<'_>,
) -> Result<(BackoffTrie, Vec<LengthStatistics>)> {
    let mut values = match method.smoothing {
        Smoothing::MaximumLikelihood => unsmoothed::maximum_likelihood(&counts),
        Smoothing::Additive(summand) => unsmoothed::additive(&counts, method, summand),
        Smoothing::Katz { largest } => katz::estimate(&counts, method, largest)?,
        Smoothing::WittenBell
        | Smoothing::AbsoluteDiscounting(Discount::Given(_) | Discount::Estimated)
        | Smoothing::KneserNey
        | Smoothing::ModifiedKneserNey => interpolated::estimate(&counts, method)?,
    };
    let trie = if method.prune.iter().any(|&threshold| threshold > 0) {
        prune(&counts, method, &mut values)
    } else {
        counts.into_trie()
    };
    for length in 1..=trie.order() {
        values.statistics[length - 1].kept = trie.len(length);
    }
    let implied = vec![Vec::new(); trie.order()];
    let model = BackoffTrie::from_parts(trie, values.probabilities, values.backoffs, implied);
    Ok((model, values.statistics))
}

impl Method<'_> {
    /// V': how many tokens may be generated.
    fn generated(&self, counts: &NgramCounts) -> f64 {
        (counts.vocabulary_size() - usize::from(self.start.is_some())) as f64
    }

    /// Up to how many occurrences an n-gram of a length is left out; the last
    /// threshold given holds for all longer n-grams too.
    fn threshold(&self, length: usize) -> u32 {
        self.prune.get(length - 1).or(self.prune.last()).copied().unwrap_or(0)
    }
}

/// Takes the n-grams that occur too rarely out of the trie and the values.
fn prune(counts: &NgramCounts, method: Method<'_>, values: &mut Values) -> NgramTrie {
    let keep = |length: usize, number: usize| {
        length == 1 || counts.counts(length)[number] > method.threshold(length)
    };
    let order = counts.order();
    for length in 2..=order {
        let retain = |values: &mut Vec<f64>| {
            let mut number = 0;
            values.retain(|_| {
                number += 1;
                keep(length, number - 1)
            });
        };
        retain(&mut values.probabilities[length - 1]);
        if length < order {
            retain(&mut values.backoffs[length - 1]);
        }
    }
    counts.trie().retain(keep)
}

/// The numbers of the n-grams that follow each context of `length - 1` tokens.
fn families(trie: &NgramTrie, length: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let contexts = if length == 1 { 1 } else { trie.len(length - 1) };
    (0..contexts)
        .map(move |context| if length == 1 { 0..trie.len(1) } else { trie.children(length - 1, context) })
}
