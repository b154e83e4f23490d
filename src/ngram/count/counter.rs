//! From a corpus to counts.

use std::path::PathBuf;

use super::NgramCounts;
use super::key::{Key, Layout, Wide};
use super::sorting::Sorting;
use crate::error::{Error, Result};
use crate::ngram::trie::TrieBuilder;
use crate::solve::{Observer, Silent, Watch};
use crate::text::{Corpus, Stretch, Token};

/// How to count n-grams.
///
/// # Example
///
/// ```
/// use lmchain::ngram::CountSettings;
/// use lmchain::text::{CorpusSettings, Tokenizer};
///
/// let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings(["abracadabra"])?;
/// let counts = CountSettings::new(3).memory(1 << 20).count(&corpus)?;
/// let [a, b, r] = ["a", "b", "r"].map(|name| corpus.vocab().token(name).unwrap());
/// assert_eq!((counts.count(&[a, b]), counts.count(&[b, r, a])), (2, 2));
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountSettings {
    order: usize,
    sorting: Sorting,
}

impl CountSettings {
    /// Counts n-grams of all lengths up to the order, in 1 GiB of memory, with
    /// temporary files in the system's folder for them.
    pub fn new(order: usize) -> Self {
        Self { order, sorting: Sorting::default() }
    }

    /// Bytes that sorting may take, beside the corpus and the counts
    /// themselves. What does not fit goes to disk. A text of T tokens is given
    /// some 64 `sqrt(T)` bytes at least.
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

    /// Counts the n-grams of a corpus.
    ///
    /// For T tokens `O(n T)` space on disk or in memory and `O(n T log T)`
    /// time, sorting in parallel; the result does not depend on the number of threads.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for an order of 0; [`Error::ContextSpaceTooLarge`]
    /// if n tokens do not fit in 256 bits; [`Error::TextTooShort`] if nowhere in
    /// the text n tokens stand in a row; [`Error::TooManyNgrams`];
    /// [`Error::Io`] with the folder, if the temporary file fails.
    pub fn count(&self, corpus: &Corpus) -> Result<NgramCounts> {
        self.count_watched(corpus, &mut Silent)
    }

    /// As [`count`](Self::count), telling an observer how many tokens were counted.
    ///
    /// # Errors
    ///
    /// As [`count`](Self::count); [`Error::Cancelled`] if the observer asks to stop.
    pub fn count_watched(&self, corpus: &Corpus, observer: &mut dyn Observer) -> Result<NgramCounts> {
        if self.order == 0 {
            return Err(Error::MustBePositive { what: "order" });
        }
        if corpus.window_count(self.order - 1) == 0 {
            return Err(Error::TextTooShort { needed: self.order });
        }
        let layout = Layout::new(corpus.vocab().len(), self.order);
        match layout.width() {
            0..=64 => self.count_keys::<u64>(corpus, layout, observer),
            65..=128 => self.count_keys::<u128>(corpus, layout, observer),
            129..=256 => self.count_keys::<Wide>(corpus, layout, observer),
            _ => Err(Error::ContextSpaceTooLarge {
                vocabulary_size: corpus.vocab().len(),
                context_length: self.order - 1,
                bits: Wide::BITS,
            }),
        }
    }

    fn count_keys<K: Key>(
        &self,
        corpus: &Corpus,
        layout: Layout,
        observer: &mut dyn Observer,
    ) -> Result<NgramCounts> {
        let tokens = Some(corpus.stretch_tokens() as u64);
        let mut watch = Watch::new(observer, "counting n-grams", tokens).of_small_steps();
        let mut sorter = self.sorting.sorter::<K>(corpus.stretch_tokens());
        corpus.try_for_each_stretch(|stretch| {
            push_sequences(stretch, layout, |key| {
                watch.step()?;
                sorter.push(key)
            })
        })?;
        let mut reader = Reader::new(corpus.vocab().len(), layout);
        let mut watch = Watch::new(observer, "merging n-grams", tokens).of_small_steps();
        sorter.finish(|key, count| {
            watch.advance(count)?;
            reader.add(key, count)
        })?;
        reader.finish(corpus.vocab().start())
    }
}

/// Hands out the sequence that starts at each token, the last token first.
fn push_sequences<K: Key>(
    stretch: Stretch<'_>,
    layout: Layout,
    mut push: impl FnMut(K) -> Result<()>,
) -> Result<()> {
    let mut key = K::EMPTY;
    if stretch.circular {
        // What follows the last token is the start of the text, maybe several times around.
        let around = stretch.tokens.iter().cycle().take(layout.places as usize - 1);
        for token in around.collect::<Vec<_>>().into_iter().rev() {
            key = key.prepend(token + 1, layout);
        }
    }
    for &token in stretch.tokens.iter().rev() {
        key = key.prepend(token + 1, layout);
        push(key)?;
    }
    Ok(())
}

/// Reads sorted sequences off into a trie.
struct Reader {
    builder: TrieBuilder,
    layout: Layout,
    counts: Vec<Vec<u32>>,
    /// The sequence before, and the numbers of the n-grams that start it.
    sequence: Vec<Token>,
    numbers: Vec<usize>,
}

impl Reader {
    fn new(vocabulary_size: usize, layout: Layout) -> Self {
        let order = layout.places as usize;
        let mut counts = vec![Vec::new(); order];
        counts[0] = vec![0; vocabulary_size];
        Self {
            builder: TrieBuilder::new(vocabulary_size, order),
            layout,
            counts,
            sequence: Vec::with_capacity(order),
            numbers: vec![0; order],
        }
    }

    fn add<K: Key>(&mut self, key: K, count: u64) -> Result<()> {
        let mut shared = true;
        for place in 0..self.layout.places {
            let digit = key.digit(place, self.layout);
            let Some(token) = digit.checked_sub(1) else {
                self.sequence.truncate(place as usize);
                break;
            };
            let at = place as usize;
            shared = shared && self.sequence.get(at) == Some(&token);
            if !shared {
                self.sequence.truncate(at);
                self.sequence.push(token);
                self.start_ngram(at, token)?;
            }
            let counted = &mut self.counts[at][self.numbers[at]];
            let sum = u64::from(*counted) + count;
            *counted = u32::try_from(sum).map_err(|_| Error::CountTooLarge { length: at + 1, count: sum })?;
        }
        Ok(())
    }

    /// Appends an n-gram whose context stands before it.
    fn start_ngram(&mut self, at: usize, token: Token) -> Result<()> {
        if at == 0 {
            self.numbers[0] = token as usize;
            return Ok(());
        }
        self.numbers[at] = self.builder.len(at + 1);
        self.builder.push(at + 1, self.numbers[at - 1], token)?;
        self.counts[at].push(0);
        Ok(())
    }

    fn finish(mut self, start: Option<Token>) -> Result<NgramCounts> {
        // The start token precedes a text, and is never the one that follows.
        if let Some(start) = start {
            self.counts[0][start as usize] = 0;
        }
        self.counts.iter_mut().for_each(Vec::shrink_to_fit);
        let trie = self.builder.finish();
        let trie = trie.unwrap_or_else(|_| unreachable!("the suffix of a sequence starts one place later"));
        Ok(NgramCounts::from_parts(trie, self.counts, start))
    }
}
