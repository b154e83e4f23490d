//! The chain of the contexts that a corpus shows.

use std::path::PathBuf;

use rayon::prelude::*;

use super::{MarkovChain, States};
use crate::error::{Error, Result};
use crate::ngram::{Key, Sorter};
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
    memory: usize,
    folder: Option<PathBuf>,
}

impl Observation {
    /// Contexts of K tokens, sorted in 1 GiB of memory, with temporary files in
    /// the system's folder for them.
    pub fn new(context_length: usize) -> Self {
        Self { context_length, memory: 1 << 30, folder: None }
    }

    /// Bytes that sorting the windows may take, beside the corpus and the chain;
    /// what does not fit goes to disk. As for [`CountSettings`](crate::ngram::CountSettings).
    #[must_use]
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// The folder for temporary files. They have no names: the system removes
    /// them when they are closed, whatever happens.
    #[must_use]
    pub fn temporary_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The chain of a corpus.
    ///
    /// `O(T log T)` time for T tokens, in parallel but for the reading; the chain
    /// does not depend on the number of threads, nor on the memory. Beside what
    /// sorting takes, 32 bytes a distinct window, if `V^(K+1)` fits in 64 bits, or
    /// 40; the chain itself takes 24 a transition and 32 a state.
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
        let system = std::env::temp_dir();
        let folder = self.folder.as_deref().unwrap_or(&system);
        let mut watch = Watch::new(observer, "reading windows", Some(total)).of_small_steps();
        let mut sorter = Sorter::new(self.memory, total, folder);
        corpus.try_for_each_window(self.context_length, |context, next| {
            watch.step()?;
            sorter.push(narrow(sequence_key(context.iter().chain([&next]), numbering.vocabulary_size)))
        })?;
        let mut watch = Watch::new(observer, "sorting windows", Some(total)).of_small_steps();
        let mut windows = Vec::new();
        sorter.finish(|window, count| {
            windows.push((window, count));
            watch.advance(count)
        })?;
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
    let from = |&(window, _): &(K, u64)| numbering.ends(window.into())[0];
    let mut keys: Vec<u128> = windows.iter().map(from).collect();
    keys.dedup();
    let mut ends: Vec<u128> =
        numbering.places_after(windows, &keys).filter_map(std::result::Result::err).collect();
    keys.append(&mut ends);
    keys.par_sort_unstable();
    keys.dedup();

    let after = numbering.places_after(windows, &keys).filter_map(std::result::Result::ok);
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
    let (mut columns, mut weights) = (Vec::new(), Vec::new());
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

/// The place of a key among sorted ones, or the place where it would be, sought from
/// a guess on by steps that double: `O(log d)` for a key that stands `d` behind it.
fn find_near(keys: &[u128], guess: usize, key: u128) -> std::result::Result<usize, usize> {
    let is_before = keys.get(guess).is_some_and(|&near| near <= key);
    let mut low = if is_before { guess } else { 0 };
    let mut step = 1;
    while keys.get(low + step).is_some_and(|&next| next <= key) {
        low += step;
        step *= 2;
    }
    let found = keys[low..keys.len().min(low + step)].binary_search(&key);
    found.map(|place| low + place).map_err(|place| low + place)
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

    /// The contexts before and after the last token of a window.
    fn ends(&self, window: u128) -> [u128; 2] {
        let v = self.vocabulary_size as u128;
        let next = (window % v) as Token;
        let after = match self.end {
            Some((end, context)) if end == next => context,
            _ => window % self.contexts,
        };
        [window / v, after]
    }

    /// The place of the context after every window among sorted ones, or the
    /// number of a context that is not among them.
    ///
    /// Windows that begin with the same token lead to ascending contexts, each
    /// of which is sought from the one before.
    fn places_after<'a, K: Key + Into<u128>>(
        &'a self,
        windows: &'a [(K, u64)],
        keys: &'a [u128],
    ) -> impl ParallelIterator<Item = std::result::Result<usize, u128>> + 'a {
        windows.par_chunks(BATCH).flat_map_iter(move |windows| {
            let mut guess = 0;
            windows.iter().map(move |&(window, _)| {
                let after = self.ends(window.into())[1];
                let found = find_near(keys, guess, after);
                guess = found.unwrap_or_else(|place| place);
                found.map_err(|_| after)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_found_from_any_guess(
            keys in prop::collection::btree_set(0..60u128, 0..40),
            guess in 0..50usize,
            key in 0..60u128,
        ) {
            let keys: Vec<u128> = keys.into_iter().collect();
            prop_assert_eq!(find_near(&keys, guess, key), keys.binary_search(&key));
        }
    }
}
