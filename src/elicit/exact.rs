//! The best prefixes of all, by dynamic programming over the contexts.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::objective::{Before, Elicitation};
use super::scorer::Scorer;
use super::{Elicited, ScoredPrefix};
use crate::chain::{Enumeration, MarkovChain};
use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::operator::{ShiftOperator, TransitionOperator};
use crate::prob::Best;
use crate::solve::{MEMORY_LIMIT, Observer, Silent, Stop, check_memory, check_operations, report};
use crate::text::{ContextSpace, Token};

/// What the steps of the search are called for an observer.
const STAGE: &str = "best prefixes";

/// Finds the best prefixes of all, exactly.
///
/// All V^K contexts are tabulated. The suffix is pulled back through them, which
/// gives `log2 P(s | context)` for every context. The prefix is then grown from
/// right to left: the best that can be said from context `c` in `t` steps is
///
/// ```text
/// W_0(c) = log2 P(s | c)
/// W_t(c) = max over v of  lambda log2 p(v | c) + W_(t-1)(shift(c, v)),
/// ```
///
/// the recursion of Viterbi (1967), with lists of the `count` best at every
/// context (Seshadri & Sundberg 1994).
///
/// Without a weight on naturalness, only the last K tokens of a long prefix
/// count: then the best contexts are returned, each with the token 0 repeated
/// before it, one prefix for all that end alike. Ties go to the prefix that
/// comes first in the order of its tokens.
#[derive(Debug, Clone)]
pub struct ExactSearch {
    count: usize,
    memory_limit: u128,
}

impl Default for ExactSearch {
    fn default() -> Self {
        Self::new()
    }
}

impl ExactSearch {
    /// The one best prefix, in up to 8 GiB.
    pub fn new() -> Self {
        Self { count: 1, memory_limit: MEMORY_LIMIT }
    }

    /// How many of the best prefixes to find.
    pub fn count(mut self, prefixes: usize) -> Self {
        self.count = prefixes;
        self
    }

    /// The most bytes that the table and the lists of the best may take together.
    pub fn memory_limit(mut self, bytes: u128) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// The best prefixes, or as many as the suffix can follow at all.
    ///
    /// V^K evaluations of the model and those of the report; time
    /// `O(V^K (L + m V count))`, `8 (m + 2) V^K count` bytes beside the table, and
    /// some `150 + 8 m` for each of the prefixes.
    ///
    /// # Errors
    ///
    /// As [`Elicitation::score`]; [`Error::MustBePositive`] for a count of zero;
    /// [`Error::ContextSpaceTooLarge`], [`Error::TooLarge`] and
    /// [`Error::TooExpensive`] before anything is computed if the contexts are too
    /// many; [`Error::Impossible`] if the suffix can follow no prefix, or none
    /// that is possible where naturalness has a weight.
    pub fn search<M: LanguageModel + ?Sized>(&self, task: &Elicitation<'_, M>) -> Result<Elicited> {
        self.search_watched(task, &mut Silent)
    }

    /// As [`search`](Self::search), watched: contexts tabulated, then steps from
    /// right to left.
    ///
    /// # Errors
    ///
    /// As `search`, and [`Error::Cancelled`].
    pub fn search_watched<M: LanguageModel + ?Sized>(
        &self,
        task: &Elicitation<'_, M>,
        observer: &mut dyn Observer,
    ) -> Result<Elicited> {
        if self.count == 0 {
            return Err(Error::MustBePositive { what: "count of prefixes" });
        }
        task.check()?;
        let steps = steps(task);
        self.check_size(task, steps)?;
        let chain =
            Enumeration::new().memory_limit(self.memory_limit).build_watched(&task.model, observer)?;
        let mut search = Lists::new(&chain, task, self.count);
        for step in 0..steps {
            search.extend(task.naturalness);
            report(observer, STAGE, step as u64 + 1, Some(steps as u64))?;
        }
        let mut scorer = Scorer::new(task)?;
        scorer.count(chain.len() as u64);
        let best = search.best(task);
        let mut prefixes = Vec::with_capacity(best.len());
        for prefix in best {
            let bits = scorer.bits(&prefix)?[0];
            prefixes.push(scorer.report(&prefix, bits)?);
        }
        if prefixes.is_empty() {
            return Err(Error::Impossible { what: "the suffix" });
        }
        let evaluations = scorer.evaluations();
        Ok(Elicited { prefixes, evaluations, reverse_evaluations: 0, stop: Stop::Direct })
    }

    fn check_size<M: LanguageModel + ?Sized>(&self, task: &Elicitation<'_, M>, steps: usize) -> Result<()> {
        let (v, k) = (task.model.vocabulary_size(), task.model.context_length());
        let space = ContextSpace::new(v, k)?;
        let contexts = space.len() as f64;
        let entries = contexts * self.count as f64;
        let operations = contexts * task.suffix.len() as f64 + steps as f64 * v as f64 * entries;
        let remedy = "use a shorter context, a shorter prefix, or a beam search";
        check_operations("the exact search for a prefix", operations, remedy)?;
        // A value and a move for each entry of a list; the last two layers of values are kept.
        let lists = entries * (size_of::<Move>() as f64 * steps as f64 + 2.0 * size_of::<f64>() as f64);
        // No more than there are; each is selected as a start, spelled out, and reported.
        let prefixes = (v as f64).powf(task.length as f64).min(self.count as f64);
        let tokens = size_of::<Vec<Token>>() + task.length * size_of::<Token>();
        let each = 2 * size_of::<Start>() + 2 * tokens + size_of::<ScoredPrefix>();
        let bytes = (lists + prefixes * each as f64) as u128 + ShiftOperator::<f64>::table_bytes(&space);
        check_memory("the table and the lists of the best prefixes", bytes, self.memory_limit)
    }
}

/// Steps from right to left that the search takes.
fn steps<M: LanguageModel + ?Sized>(task: &Elicitation<'_, M>) -> usize {
    let k = task.model.context_length();
    match task.before {
        _ if is_free(task) => 0,
        Before::Prompt(_) => task.length,
        Before::Nothing | Before::Law(_) => task.length - k,
    }
}

/// Whether nothing counts but the last K tokens of the prefix.
fn is_free<M: LanguageModel + ?Sized>(task: &Elicitation<'_, M>) -> bool {
    task.naturalness == 0.0 && task.length >= task.model.context_length()
}

/// One step of a good prefix: the token said, and the place in the list of the
/// context that follows.
#[derive(Debug, Clone, Copy, Default)]
struct Move {
    token: Token,
    rank: u32,
}

/// A context to start in, a place in its list, and what it is worth.
#[derive(Debug, Clone, Copy)]
struct Start {
    bits: f64,
    context: usize,
    rank: usize,
}

impl Start {
    /// Best first; ties in the order of the contexts.
    fn order(&self, other: &Self) -> Ordering {
        other.bits.total_cmp(&self.bits).then((self.context, self.rank).cmp(&(other.context, other.rank)))
    }
}

/// The best values from every context, lists of `count` in descending order,
/// minus infinity where there are fewer; and the moves that lead there.
struct Lists<'a> {
    chain: &'a MarkovChain<ShiftOperator>,
    count: usize,
    values: Vec<f64>,
    moves: Vec<Vec<Move>>,
}

impl<'a> Lists<'a> {
    /// The lists before any step: one value a context.
    fn new<M: ?Sized>(
        chain: &'a MarkovChain<ShiftOperator>,
        task: &Elicitation<'_, M>,
        count: usize,
    ) -> Self {
        let suffix = suffix_bits(chain, task.suffix);
        let mut values = vec![f64::NEG_INFINITY; chain.len() * count];
        for (context, bits) in suffix.into_iter().enumerate() {
            values[context * count] = bits;
        }
        Self { chain, count, values, moves: Vec::new() }
    }

    /// One token more.
    fn extend(&mut self, weight: f64) {
        let count = self.count;
        let mut values = vec![f64::NEG_INFINITY; self.values.len()];
        let mut moves = vec![Move::default(); self.values.len()];
        let lists = values.par_chunks_mut(count).zip(moves.par_chunks_mut(count));
        lists.enumerate().for_each(|(context, (values, moves))| self.merge(context, weight, values, moves));
        self.values = values;
        self.moves.push(moves);
    }

    /// Writes what can be said from a context, best first: merges the lists of
    /// the contexts that follow. Ties stay in the order of the tokens.
    fn merge(&self, context: usize, weight: f64, values: &mut [f64], moves: &mut [Move]) {
        let space = self.chain.operator().space();
        // Without a weight, what the model never says is as good as anything.
        let natural = |p: f64| if weight > 0.0 { weight * p.log2() } else { 0.0 };
        let naturals: Vec<f64> = self.chain.operator().next_token_law(context).map(natural).collect();
        let worth = |Move { token, rank }: Move| {
            let next = space.shift(context, token);
            naturals[token as usize] + self.value(next, rank as usize)
        };
        // Of each token, the best that was not yet taken.
        let mut heads: Vec<(f64, Move)> = (0..naturals.len() as Token)
            .map(|token| Move { token, rank: 0 })
            .map(|step| (worth(step), step))
            .collect();
        for (value, step) in values.iter_mut().zip(moves) {
            let first = (f64::NEG_INFINITY, Move::default());
            let best = heads.iter().fold(first, |best, head| if head.0 > best.0 { *head } else { best });
            if best.0 == f64::NEG_INFINITY {
                return;
            }
            (*value, *step) = best;
            let after = Move { rank: step.rank + 1, ..*step };
            heads[step.token as usize] = (worth(after), after);
        }
    }

    /// The value at a place of a context's list; minus infinity beyond its end.
    fn value(&self, context: usize, rank: usize) -> f64 {
        if rank < self.count { self.values[context * self.count + rank] } else { f64::NEG_INFINITY }
    }

    /// The values of a context's list that are not minus infinity.
    fn list(&self, context: usize) -> impl Iterator<Item = f64> + '_ {
        let list = &self.values[context * self.count..(context + 1) * self.count];
        list.iter().copied().take_while(|bits| *bits > f64::NEG_INFINITY)
    }

    /// The best prefixes, best first.
    fn best<M: LanguageModel + ?Sized>(&self, task: &Elicitation<'_, M>) -> Vec<Vec<Token>> {
        let space = self.chain.operator().space();
        let shown = |context: usize| {
            let fill = task.length - self.moves.len() - space.context_length();
            [vec![0; fill], space.tokens(context)].concat()
        };
        let starts = match task.before {
            Before::Prompt(prompt) if !is_free(task) => {
                let context = space.index(&prompt[prompt.len() - space.context_length()..]);
                let ranks = 0..self.list(context).count();
                return ranks.map(|rank| self.path(context, rank)).collect();
            }
            Before::Law(law) if !is_free(task) => {
                self.ranked(|context| task.naturalness * law[context].log2())
            }
            _ => self.ranked(|_| 0.0),
        };
        let whole = |start: Start| [shown(start.context), self.path(start.context, start.rank)].concat();
        starts.into_iter().map(whole).collect()
    }

    /// Where to start, best first.
    fn ranked(&self, bonus: impl Fn(usize) -> f64) -> Vec<Start> {
        let mut starts = Best::new(self.count, Start::order);
        for context in 0..self.chain.len() {
            let bonus = bonus(context);
            let here = self.list(context).enumerate();
            let here = here.map(|(rank, bits)| Start { bits: bits + bonus, context, rank });
            starts.extend(here.filter(|start| start.bits > f64::NEG_INFINITY));
        }
        starts.into_sorted()
    }

    /// The tokens said from a context on the way at some place of its list.
    fn path(&self, mut context: usize, mut rank: usize) -> Vec<Token> {
        let mut tokens = Vec::with_capacity(self.moves.len());
        for moves in self.moves.iter().rev() {
            let step = moves[context * self.count + rank];
            tokens.push(step.token);
            context = self.chain.operator().space().shift(context, step.token);
            rank = step.rank as usize;
        }
        tokens
    }
}

/// `log2 P(suffix | context)` for every context: pulled back from its last token.
fn suffix_bits(chain: &MarkovChain<ShiftOperator>, suffix: &[Token]) -> Vec<f64> {
    let (operator, space) = (chain.operator(), chain.operator().space());
    let mut bits = vec![0.0; chain.len()];
    for &token in suffix.iter().rev() {
        let earlier = |context: usize| {
            let next = space.shift(context, token);
            operator.probability(context, next).log2() + bits[next]
        };
        bits = (0..chain.len()).into_par_iter().map(earlier).collect();
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One bit after another, from so many bits of context.
    struct Bits(usize);

    impl LanguageModel for Bits {
        fn vocabulary_size(&self) -> usize {
            2
        }

        fn context_length(&self) -> usize {
            self.0
        }

        fn next_token_law(&self, _: &[Token], law: &mut [f64]) -> Result<()> {
            law.fill(0.5);
            Ok(())
        }
    }

    #[test]
    fn contexts_that_cannot_be_numbered_are_refused() {
        let refused = ExactSearch::new().search(&Elicitation::new(&Bits(64), &[1], 64));
        assert!(
            matches!(
                refused,
                Err(Error::ContextSpaceTooLarge { vocabulary_size: 2, context_length: 64, .. })
            ),
            "{refused:?}"
        );
    }

    #[test]
    fn the_table_the_lists_and_what_is_selected_are_counted_together() {
        let model = Bits(8);
        let task = Elicitation::new(&model, &[1], 8);
        let needed = |count: usize, limit: u128| match ExactSearch::new()
            .count(count)
            .memory_limit(limit)
            .search(&task)
        {
            Err(Error::TooLarge { needed, .. }) => needed,
            found => panic!("{found:?}"),
        };
        // 512 probabilities, and two values of each of 256 contexts.
        let [table, lists] = [8 * 512, 8 * 512];
        // A selection of two starts of 24 bytes, two copies of 8 tokens, a report.
        let each = 2 * 24 + 2 * (24 + 8 * 4) + size_of::<ScoredPrefix>() as u128;
        assert_eq!(needed(1, table + lists), table + lists + each);
        assert!(ExactSearch::new().memory_limit(table + lists + each).search(&task).is_ok());
        // There are no more than 256 prefixes.
        assert_eq!(needed(1000, 1_000_000), table + 1000 * lists + 256 * each);
    }
}
