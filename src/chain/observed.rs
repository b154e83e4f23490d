//! The chain of the contexts that a corpus shows.

use std::path::PathBuf;

use rayon::prelude::*;

use super::sorted_contexts::SortedContexts;
use super::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::ngram::{Key, Sorting};
use crate::operator::SparseOperator;
use crate::solve::{Observer, Silent, Watch};
use crate::text::{Corpus, DocumentEnd, Token, sequence_count, sequence_key};

/// Windows that one task looks up.
const BATCH: usize = 1 << 12;

/// How to make the chain over the contexts that a corpus shows, each followed
/// by what followed it there, as often as it did: the maximum-likelihood chain
/// of order K.
///
/// The document ends of the corpus ([`DocumentEnd`]) say what follows the
/// last context of a document:
///
/// - `Circular`, `Token`: the text goes round, so the chain is irreducible
///   and its stationary law is exactly the frequency of each context.
/// - `Open`: the last context has no successor in its document. If it has
///   none anywhere it is **absorbing**, which the classes show.
/// - `Reset`: after the end the next document starts, in the context of K
///   start tokens.
/// - `Absorbing`: the end leads to the context of K end tokens, for ever.
///
/// # Example
///
/// ```
/// use lmchain::chain::Observation;
/// use lmchain::text::{CorpusSettings, Tokenizer};
///
/// let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings(["abracadabra"])?;
/// let chain = Observation::new(2).memory(1 << 20).build(&corpus)?;
/// assert_eq!(chain.states().label(0), "aa");
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    context_length: usize,
    sorting: Sorting,
}

impl Observation {
    /// Contexts of K tokens, sorted in 1 GiB of memory, with temporary files in
    /// the system's folder for them.
    pub fn new(context_length: usize) -> Self {
        Self { context_length, sorting: Sorting::default() }
    }

    /// Bytes that sorting the windows may take, beside the corpus and the chain;
    /// what does not fit goes to disk. As for [`CountSettings`](crate::ngram::CountSettings).
    #[must_use]
    pub fn memory(mut self, bytes: usize) -> Self {
        self.sorting.memory = bytes;
        self
    }

    /// The folder for temporary files. They have no names: the system removes
    /// them when they are closed, whatever happens.
    #[must_use]
    pub fn temporary_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.sorting.folder = Some(folder.into());
        self
    }

    /// The chain of a corpus.
    ///
    /// `O(T log T)` time for T tokens, in parallel but for the reading; the chain
    /// does not depend on the number of threads, nor on the memory. Beside what
    /// sorting takes, at most 48 bytes a distinct window, or 96 if `V^(K+1)` does not
    /// fit in 64 bits; the chain itself takes 24 a transition and 32 a state.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for no context,
    /// [`Error::ContextSpaceTooLarge`] if `V^(K+1)` does not fit in 128 bits,
    /// [`Error::TextTooShort`] if an open corpus has no document longer than K,
    /// [`Error::TooLarge`] beyond 2^32 - 1 contexts, [`Error::Io`] with the folder
    /// if the temporary file fails.
    pub fn build(&self, corpus: &Corpus) -> Result<MarkovChain<SparseOperator>> {
        self.build_watched(corpus, &mut Silent)
    }

    /// As [`build`](Self::build), watched: progress is counted in windows.
    ///
    /// # Errors
    ///
    /// As `build`, and [`Error::Cancelled`].
    pub fn build_watched(
        &self,
        corpus: &Corpus,
        observer: &mut dyn Observer,
    ) -> Result<MarkovChain<SparseOperator>> {
        let numbering = Numbering::new(corpus, self.context_length)?;
        if corpus.window_count(self.context_length) == 0 {
            return Err(Error::TextTooShort { needed: self.context_length + 1 });
        }
        if numbering.windows <= u128::from(u64::MAX) {
            let windows = self.windows(corpus, &numbering, |key| key as u64, observer)?;
            chain(corpus, &numbering, &windows)
        } else {
            let windows = self.windows(corpus, &numbering, |key| key, observer)?;
            chain(corpus, &numbering, &windows)
        }
    }

    /// Every context of the corpus with a token that followed it, and how often it did, sorted.
    fn windows<K: Key>(
        &self,
        corpus: &Corpus,
        numbering: &Numbering,
        narrow: impl Fn(u128) -> K,
        observer: &mut dyn Observer,
    ) -> Result<Vec<(K, u64)>> {
        let total = corpus.window_count(self.context_length);
        let mut watch = Watch::new(observer, "reading windows", Some(total as u64)).of_small_steps();
        let mut sorter = self.sorting.sorter(total);
        corpus.try_for_each_window(self.context_length, |context, next| {
            watch.step()?;
            sorter.push(narrow(sequence_key(context.iter().chain([&next]), numbering.vocabulary_size)))
        })?;
        let mut watch = Watch::new(observer, "sorting windows", Some(total as u64)).of_small_steps();
        let mut windows = Vec::new();
        sorter.finish(|window, count| {
            windows.push((window, count));
            watch.advance(count)
        })?;
        windows.shrink_to_fit();
        Ok(windows)
    }
}

impl MarkovChain<SparseOperator> {
    /// The chain over the contexts of `context_length` tokens that a corpus
    /// shows: [`Observation`] with its defaults.
    ///
    /// # Errors
    ///
    /// As [`Observation::build`].
    pub fn observed(corpus: &Corpus, context_length: usize) -> Result<Self> {
        Observation::new(context_length).build(corpus)
    }
}

/// The chain of windows that are sorted, each with how often it occurs.
fn chain<K: Key + Into<u128>>(
    corpus: &Corpus,
    numbering: &Numbering,
    windows: &[(K, u64)],
) -> Result<MarkovChain<SparseOperator>> {
    let from = |&(window, _): &(K, u64)| numbering.before(window.into());
    let mut keys: Vec<u128> = windows.chunk_by(|a, b| from(a) == from(b)).map(|run| from(&run[0])).collect();
    let mut ends: Vec<u128> = numbering
        .places_after(windows, &numbering.sorted(&keys))
        .filter_map(std::result::Result::err)
        .collect();
    keys.append(&mut ends);
    keys.par_sort_unstable();
    keys.dedup();

    let contexts = numbering.sorted(&keys);
    let after = numbering.places_after(windows, &contexts).filter_map(std::result::Result::ok);
    let after: Vec<u32> = after.map(|place| place as u32).collect();
    let transitions = windows.iter().map(|window| (from(window), window.1 as f64)).zip(after);
    let operator = from_rows(&keys, transitions)?;
    let vocab = corpus.vocab().clone();
    let states = States::some_contexts(keys, vocab.len(), numbering.context_length, Some(vocab));
    Ok(MarkovChain::new(operator, states))
}

/// The transitions out of each context in turn, given as `((context, weight), state)`;
/// a context that nothing follows stays where it is.
fn from_rows(keys: &[u128], transitions: impl Iterator<Item = ((u128, f64), u32)>) -> Result<SparseOperator> {
    let mut transitions = transitions.peekable();
    let mut starts = Vec::with_capacity(keys.len() + 1);
    let room = transitions.size_hint().0;
    let (mut columns, mut weights) = (Vec::with_capacity(room), Vec::with_capacity(room));
    for (state, &key) in keys.iter().enumerate() {
        starts.push(columns.len());
        while let Some(((_, weight), column)) = transitions.next_if(|((from, _), _)| *from == key) {
            columns.push(column);
            weights.push(weight);
        }
        if starts.last() == Some(&columns.len()) {
            columns.push(state as u32);
            weights.push(1.0);
        }
    }
    starts.push(columns.len());
    SparseOperator::from_weight_rows(starts, columns, weights)
}

/// Windows of K + 1 tokens as base-V numbers.
struct Numbering {
    vocabulary_size: usize,
    /// `V^K` and `V^(K + 1)`: how many contexts and windows there could be.
    contexts: u128,
    windows: u128,
    context_length: usize,
    /// The end token and the context that it leads to, where it is not shifted in.
    end: Option<(Token, u128)>,
}

impl Numbering {
    fn new(corpus: &Corpus, context_length: usize) -> Result<Self> {
        if context_length == 0 {
            return Err(Error::MustBePositive { what: "context length" });
        }
        let vocabulary_size = corpus.vocab().len();
        let count = |length| sequence_count(vocabulary_size, length);
        let (Some(contexts), Some(windows)) = (count(context_length), count(context_length + 1)) else {
            return Err(Error::ContextSpaceTooLarge { vocabulary_size, context_length, bits: u128::BITS });
        };
        let repeated = |token: Token| sequence_key(&vec![token; context_length], vocabulary_size);
        let (start, end) = (corpus.vocab().start(), corpus.vocab().end());
        let end = match corpus.document_end() {
            DocumentEnd::Reset => end.zip(start.map(repeated)),
            DocumentEnd::Absorbing => end.map(|end| (end, repeated(end))),
            _ => None,
        };
        Ok(Self { vocabulary_size, contexts, windows, context_length, end })
    }

    /// The context before the last token of a window.
    fn before(&self, window: u128) -> u128 {
        window / self.vocabulary_size as u128
    }

    /// The context after the last token of a window.
    fn after(&self, window: u128) -> u128 {
        match self.end {
            Some((end, context)) if window % self.vocabulary_size as u128 == u128::from(end) => context,
            _ => window % self.contexts,
        }
    }

    /// Contexts that are sorted, to look others up among.
    fn sorted<'a>(&self, keys: &'a [u128]) -> SortedContexts<'a> {
        SortedContexts::new(keys, self.vocabulary_size, self.contexts / self.vocabulary_size as u128)
    }

    /// The place of the context after every window among sorted ones, or the
    /// number of a context that is not among them.
    ///
    /// Windows that begin with the same token lead to ascending contexts, each
    /// of which is sought from the one before.
    fn places_after<'a, K: Key + Into<u128>>(
        &'a self,
        windows: &'a [(K, u64)],
        contexts: &'a SortedContexts<'_>,
    ) -> impl ParallelIterator<Item = std::result::Result<usize, u128>> + 'a {
        windows.par_chunks(BATCH).flat_map_iter(move |windows| {
            let mut guess = 0;
            windows.iter().map(move |&(window, _)| {
                let after = self.after(window.into());
                let found = contexts.find(guess, after);
                guess = found.unwrap_or_else(|place| place);
                found.map_err(|_| after)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::*;
    use crate::operator::successors;
    use crate::solve::Progress;
    use crate::text::{CorpusSettings, Tokenizer};

    proptest! {
        #[test]
        fn windows_are_counted_whatever_fits_in_memory(
            documents in prop::collection::vec("[a-c]{1,40}", 1..5),
            end in prop::sample::select(vec![
                DocumentEnd::Circular, DocumentEnd::Token, DocumentEnd::Reset,
                DocumentEnd::Absorbing, DocumentEnd::Open,
            ]),
            // Windows of 40 tokens take more than 64 bits.
            context_length in prop::sample::select(vec![1, 2, 5, 39]),
            memory in prop::sample::select(vec![1, 1 << 30]),
        ) {
            let corpus = CorpusSettings::new(Tokenizer::characters()).document_end(end);
            let corpus = corpus.read_strings(&documents).unwrap();
            let built = Observation::new(context_length).memory(memory).build(&corpus);
            if corpus.window_count(context_length) == 0 {
                let refused = matches!(built, Err(Error::TextTooShort { .. }));
                prop_assert!(refused);
                return Ok(());
            }
            check(&built.unwrap(), &corpus, context_length)?;
        }
    }

    /// Compares a chain with windows that are counted one by one.
    fn check(
        chain: &MarkovChain<SparseOperator>,
        corpus: &Corpus,
        context_length: usize,
    ) -> std::result::Result<(), TestCaseError> {
        let end = corpus.vocab().end().filter(|_| corpus.document_end() != DocumentEnd::Token);
        let absorbing = corpus.document_end() == DocumentEnd::Absorbing;
        let mut counts: BTreeMap<Vec<Token>, BTreeMap<Vec<Token>, u32>> = BTreeMap::new();
        corpus.for_each_window(context_length, |context, next| {
            let shifted = [&context[1..], &[next]].concat();
            let after = match (end == Some(next), corpus.vocab().start()) {
                (true, _) if absorbing => vec![next; context_length],
                (true, Some(start)) => vec![start; context_length],
                _ => shifted,
            };
            counts.entry(after.clone()).or_default();
            *counts.entry(context.to_vec()).or_default().entry(after).or_default() += 1;
        });
        prop_assert_eq!(chain.len(), counts.len());
        for (state, (context, followers)) in counts.iter().enumerate() {
            prop_assert_eq!(&chain.states().tokens(state), context);
            let total: u32 = followers.values().sum();
            let expected: Vec<(usize, f64)> = match total {
                0 => vec![(state, 1.0)],
                _ => followers
                    .iter()
                    .map(|(after, &count)| (counts.keys().position(|c| c == after).unwrap(), count, total))
                    .map(|(after, count, total)| (after, f64::from(count) / f64::from(total)))
                    .collect(),
            };
            let found: Vec<_> = successors(chain.operator(), state).collect();
            prop_assert_eq!(found.len(), expected.len());
            for (found, (after, p)) in found.iter().zip(expected) {
                prop_assert_eq!(found.state, after);
                // Two divisions, and a sum of so many terms.
                let roundings = followers.len() + 3;
                prop_assert!((found.probability - p).abs() <= roundings as f64 * f64::EPSILON * p);
            }
        }
        Ok(())
    }

    #[test]
    fn an_observer_sees_the_windows_and_may_stop() {
        let text = "ab".repeat(100_000);
        let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([&text]).unwrap();
        let mut stages = Vec::new();
        let mut watch = |progress: &Progress| {
            stages.push((progress.stage, progress.done, progress.total));
            ControlFlow::Continue(())
        };
        Observation::new(2).build_watched(&corpus, &mut watch).unwrap();
        assert!(stages.iter().any(|&(stage, ..)| stage == "reading windows"));
        assert!(stages.iter().any(|&(stage, ..)| stage == "sorting windows"));
        assert!(stages.iter().all(|&(_, done, total)| done <= 200_000 && total == Some(200_000)));
        let stopped = Observation::new(2).build_watched(&corpus, &mut |_: &Progress| ControlFlow::Break(()));
        assert!(matches!(stopped, Err(Error::Cancelled { .. })));
    }
}
