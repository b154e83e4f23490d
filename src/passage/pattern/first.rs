//! When the first pattern is complete, and which.

use super::{Overlap, PatternOperator, Patterns};
use crate::chain::{MarkovChain, Start};
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::sum_by;
use crate::solve::{MEMORY_LIMIT, Observer, Silent, check_memory, report};

/// The law of the waiting time for the first of some patterns, over the tokens
/// `0..=n`, and of which it is.
///
/// Every probability is a sum of non-negative terms, so small ones are as
/// right, relatively, as large ones.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternLaw {
    patterns: usize,
    /// For each token, what each pattern has.
    first: Vec<f64>,
    not_within: Vec<f64>,
}

impl PatternLaw {
    /// Number of tokens n that it goes to.
    pub fn tokens(&self) -> usize {
        self.not_within.len() - 1
    }

    /// The probability that a pattern is the first, and complete at a token.
    ///
    /// # Panics
    ///
    /// If there is no such pattern, or the law does not go so far; so do the
    /// methods below.
    #[track_caller]
    pub fn at(&self, pattern: usize, token: usize) -> f64 {
        assert!(pattern < self.patterns, "there are {} patterns", self.patterns);
        self.row(token)[pattern]
    }

    /// The probability that the first occurrence of any pattern is complete at a token.
    #[track_caller]
    pub fn any_at(&self, token: usize) -> f64 {
        self.row(token).iter().sum()
    }

    /// The probability that a pattern occurs within so many tokens, and before
    /// every other.
    #[track_caller]
    pub fn first_within(&self, pattern: usize, tokens: usize) -> f64 {
        (0..=tokens).map(|token| self.at(pattern, token)).sum()
    }

    /// The probability that any pattern occurs within so many tokens.
    #[track_caller]
    pub fn within(&self, tokens: usize) -> f64 {
        (0..=tokens).map(|token| self.any_at(token)).sum()
    }

    /// The probability that no pattern occurs within so many tokens.
    #[track_caller]
    pub fn not_within(&self, tokens: usize) -> f64 {
        self.not_within[tokens]
    }

    #[track_caller]
    fn row(&self, token: usize) -> &[f64] {
        &self.first[token * self.patterns..(token + 1) * self.patterns]
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// When the first of some patterns is complete, and which, over `steps`
    /// tokens: the probability that one of them occurs within so many tokens.
    ///
    /// With several patterns this is about the *first* of them. For the
    /// probability that one of them occurs at all, ask for it alone.
    ///
    /// `steps` products of the [product](PatternOperator): at most M products of
    /// the chain each, for M different prefixes.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::{MarkovChain, Start};
    /// use lmchain::passage::{Overlap, Patterns};
    ///
    /// let coin = MarkovChain::from_dense(ndarray::array![[0.5, 0.5], [0.5, 0.5]].view())?;
    /// let patterns = Patterns::new(2, [[0, 1, 1], [1, 1, 1]])?;
    /// let law = coin.pattern_law(&patterns, Start::State(0), Overlap::Fresh, 200)?;
    /// // 111 wins only as the first three tokens.
    /// assert_eq!(law.first_within(1, 200), 0.125);
    /// assert!((law.first_within(0, 200) - 0.875).abs() < 1e-12);
    /// // The state 0 is a prompt that 011 may begin in; then 111 never comes first.
    /// let law = coin.pattern_law(&patterns, Start::State(0), Overlap::Prompt, 200)?;
    /// assert_eq!((law.at(0, 2), law.first_within(1, 200)), (0.25, 0.0));
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`pattern_start`](Self::pattern_start); [`TooLarge`](crate::Error::TooLarge) for a
    /// result beyond 8 GiB.
    pub fn pattern_law(
        &self,
        patterns: &Patterns,
        start: Start<'_>,
        overlap: Overlap,
        steps: usize,
    ) -> Result<PatternLaw> {
        self.pattern_law_watched(patterns, start, overlap, steps, &mut Silent)
    }

    /// As [`pattern_law`](Self::pattern_law), watched.
    ///
    /// # Errors
    ///
    /// As [`pattern_law`](Self::pattern_law), and [`Cancelled`](crate::Error::Cancelled).
    pub fn pattern_law_watched(
        &self,
        patterns: &Patterns,
        start: Start<'_>,
        overlap: Overlap,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> Result<PatternLaw> {
        check_table(patterns, steps)?;
        let product = self.with_patterns(patterns)?;
        let law = self.product_start(product.operator(), start, overlap)?;
        let winners: Vec<Option<usize>> =
            (0..patterns.nodes()).map(|node| patterns.winner_at(node)).collect();
        let mut found = PatternLaw { patterns: patterns.len(), first: Vec::new(), not_within: Vec::new() };
        follow(product.operator(), law, steps, observer, |law| {
            let mut row = vec![0.0; patterns.len()];
            for (law, winner) in law.chunks_mut(self.len()).zip(&winners) {
                if let Some(winner) = *winner {
                    row[winner] += total(law);
                    law.fill(0.0);
                }
            }
            found.first.extend(row);
            found.not_within.push(total(law));
        })?;
        Ok(found)
    }

    /// How near one comes to a pattern: for each length from 1, the probability
    /// that within `steps` tokens so many tokens have been matched, of any
    /// pattern that is as long.
    ///
    /// The probability of reaching each level is what splitting a rare event
    /// needs; that of the whole pattern is last. [`pattern_law`](Self::pattern_law)
    /// for the prefixes of each length.
    ///
    /// # Errors
    ///
    /// As [`pattern_law`](Self::pattern_law).
    pub fn pattern_levels(
        &self,
        patterns: &Patterns,
        start: Start<'_>,
        overlap: Overlap,
        steps: usize,
    ) -> Result<Vec<f64>> {
        let level = |length| {
            let law = self.pattern_law(&patterns.prefixes(length)?, start, overlap, steps)?;
            Ok(law.within(steps))
        };
        (1..=patterns.longest()).map(level).collect()
    }
}

/// Shows the law at tokens `0..=steps` to `visit`, which may take from it.
pub(super) fn follow<O: TransitionOperator>(
    product: &PatternOperator<O>,
    mut law: Vec<f64>,
    steps: usize,
    observer: &mut dyn Observer,
    mut visit: impl FnMut(&mut [f64]),
) -> Result<()> {
    const STAGE: &str = "reading tokens";
    let mut next = vec![0.0; law.len()];
    visit(&mut law);
    for step in 1..=steps {
        product.push_forward(&law, &mut next);
        std::mem::swap(&mut law, &mut next);
        visit(&mut law);
        report(observer, STAGE, step as u64, Some(steps as u64))?;
    }
    Ok(())
}

/// Refuses a table of tokens and patterns that does not fit in memory.
pub(super) fn check_table(patterns: &Patterns, steps: usize) -> Result<()> {
    let entries = (steps as u128 + 1) * (patterns.len() as u128 + 1);
    check_memory("a number for each token and pattern", entries * size_of::<f64>() as u128, MEMORY_LIMIT)
}

/// The mass of a part of a law.
pub(super) fn total(law: &[f64]) -> f64 {
    sum_by(law.len(), |state| law[state])
}
