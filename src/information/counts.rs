//! Pairs and blocks of tokens, counted in a text.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::prob::EntropyEstimator;
use crate::solve::{MEMORY_LIMIT, check_memory};
use crate::text::{Corpus, DocumentEnd, Token};

/// Up to so many cells the table of pairs is kept whole, and counted without sorting.
const DENSE_CELLS: usize = 1 << 22;

/// How often two tokens occur some steps apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairCounts {
    first: Vec<u64>,
    second: Vec<u64>,
    both: Vec<u64>,
}

impl PairCounts {
    /// Counts the pairs of tokens `lag` steps apart.
    ///
    /// A text that is circular ([`DocumentEnd::Circular`], [`DocumentEnd::Token`]) has a pair
    /// from every token on, round the end; so the pairs at lag 1 are the transitions
    /// of the chain observed with contexts of one token. In all others pairs lie inside
    /// documents, without marks at their ends. `O(tokens)`, or that times its logarithm
    /// for a vocabulary of more than 2,048.
    ///
    /// # Errors
    ///
    /// [`Error::TextTooShort`] if there are no pairs.
    pub fn new(corpus: &Corpus, lag: usize) -> Result<Self> {
        Sequence::of(corpus).pairs(lag)
    }

    /// Number of pairs.
    pub fn total(&self) -> u64 {
        self.first.iter().sum()
    }

    /// How often each token is the first of a pair.
    pub fn first(&self) -> &[u64] {
        &self.first
    }

    /// How often each token is the second of a pair.
    pub fn second(&self) -> &[u64] {
        &self.second
    }

    /// How often each pair occurs that does, in no order to rely on.
    pub fn both(&self) -> &[u64] {
        &self.both
    }

    /// Mutual information of the two tokens by an estimator, in bits. It may be below zero.
    pub fn mutual_information(&self, estimator: EntropyEstimator) -> f64 {
        estimator.mutual_information(&self.first, &self.second, &self.both)
    }
}

/// How often each block of so many tokens occurs that does, in no order to rely on:
/// what an [`EntropyEstimator`] needs for a block entropy `H(length)` of the text.
///
/// Blocks are the windows of [`Corpus::for_each_window`] with the token after them. 16 bytes and
/// `O(log tokens)` a block.
///
/// # Errors
///
/// [`Error::MustBePositive`] for blocks of no tokens, [`Error::TextTooShort`] if there are none,
/// [`Error::ContextSpaceTooLarge`] for blocks that cannot be numbered in 128 bits,
/// [`Error::TooLarge`] beyond 8 GiB.
pub fn block_counts(corpus: &Corpus, length: usize) -> Result<Vec<u64>> {
    if length == 0 {
        return Err(Error::MustBePositive { what: "length of a block" });
    }
    let v = corpus.vocab().len();
    let too_large =
        || Error::ContextSpaceTooLarge { vocabulary_size: v, context_length: length, bits: u128::BITS };
    u32::try_from(length).ok().and_then(|l| (v as u128).checked_pow(l)).ok_or_else(too_large)?;
    let windows = corpus.window_count(length - 1);
    check_memory("the blocks of a text", windows as u128 * size_of::<u128>() as u128, MEMORY_LIMIT)?;
    let mut keys = Vec::with_capacity(windows);
    let append = |key: u128, &token: &Token| key * v as u128 + u128::from(token);
    corpus.for_each_window(length - 1, |context, next| {
        keys.push(append(context.iter().fold(0, append), &next));
    });
    if keys.is_empty() {
        return Err(Error::TextTooShort { needed: length });
    }
    Ok(run_lengths(keys))
}

/// How often each of some numbers occurs.
fn run_lengths<T: Ord>(mut keys: Vec<T>) -> Vec<u64> {
    keys.sort_unstable();
    keys.chunk_by(|a, b| a == b).map(|run| run.len() as u64).collect()
}

/// The tokens of a text, and how they hang together.
pub(super) struct Sequence<'a> {
    pub(super) tokens: Cow<'a, [Token]>,
    /// Where documents start, and the end of the last; empty if the text is a ring.
    bounds: Vec<usize>,
    vocabulary_size: usize,
}

impl<'a> Sequence<'a> {
    pub(super) fn of(corpus: &'a Corpus) -> Self {
        let vocabulary_size = corpus.vocab().len();
        let whole = |tokens| Self { tokens, bounds: Vec::new(), vocabulary_size };
        match (corpus.document_end(), corpus.vocab().end()) {
            (DocumentEnd::Circular, _) => whole(Cow::Borrowed(corpus.tokens())),
            (DocumentEnd::Token, Some(end)) => {
                whole(corpus.documents().flat_map(|document| document.iter().copied().chain([end])).collect())
            }
            _ => {
                let end = |end: &mut usize, document: &[Token]| {
                    *end += document.len();
                    Some(*end)
                };
                let bounds = [0].into_iter().chain(corpus.documents().scan(0, end)).collect();
                Self { tokens: Cow::Borrowed(corpus.tokens()), bounds, vocabulary_size }
            }
        }
    }

    /// Other tokens that hang together in the same way.
    pub(super) fn with_tokens(&self, tokens: Vec<Token>) -> Sequence<'static> {
        debug_assert_eq!(tokens.len(), self.tokens.len());
        let (bounds, vocabulary_size) = (self.bounds.clone(), self.vocabulary_size);
        Sequence { tokens: Cow::Owned(tokens), bounds, vocabulary_size }
    }

    /// Counts the pairs of tokens `lag` steps apart.
    pub(super) fn pairs(&self, lag: usize) -> Result<PairCounts> {
        let v = self.vocabulary_size;
        let (mut first, mut second) = (vec![0; v], vec![0; v]);
        let is_dense = v.checked_mul(v).is_some_and(|cells| cells <= DENSE_CELLS);
        let mut table = vec![0u64; if is_dense { v * v } else { 0 }];
        let mut keys = Vec::new();
        self.for_each_pair(lag, |a, b| {
            first[a as usize] += 1;
            second[b as usize] += 1;
            if is_dense {
                table[a as usize * v + b as usize] += 1;
            } else {
                keys.push(u64::from(a) << 32 | u64::from(b));
            }
        });
        let both =
            if is_dense { table.into_iter().filter(|&count| count > 0).collect() } else { run_lengths(keys) };
        if both.is_empty() {
            return Err(Error::TextTooShort { needed: lag.saturating_add(1) });
        }
        Ok(PairCounts { first, second, both })
    }

    fn for_each_pair(&self, lag: usize, mut visit: impl FnMut(Token, Token)) {
        let tokens = &self.tokens;
        let mut line = |line: &[Token]| {
            line.iter().zip(line.get(lag..).unwrap_or(&[])).for_each(|(&a, &b)| visit(a, b));
        };
        if !self.bounds.is_empty() {
            self.bounds.windows(2).for_each(|bounds| line(&tokens[bounds[0]..bounds[1]]));
            return;
        }
        let shift = lag % tokens.len();
        let (head, tail) = tokens.split_at(tokens.len() - shift);
        let (start, rest) = tokens.split_at(shift);
        head.iter().zip(rest).for_each(|(&a, &b)| visit(a, b));
        tail.iter().zip(start).for_each(|(&a, &b)| visit(a, b));
    }
}
