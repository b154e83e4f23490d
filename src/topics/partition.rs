//! Topics: a partition of the states.

use crate::chain::{StateSet, States};
use crate::error::{Error, Result};
use crate::text::Token;

/// A law over topics, in the order of their names.
pub type TopicLaw = Vec<f64>;

/// A partition of the states of a chain into named topics.
///
/// # Example
///
/// ```
/// use lmchain::chain::States;
/// use lmchain::topics::Topics;
///
/// let states = States::numbered(4);
/// let topics = Topics::by_token(&states, ["low", "high"], |token| usize::from(token >= 2))?;
/// assert_eq!(topics.of_state(3), 1);
/// assert_eq!(topics.names(), ["low", "high"]);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    names: Vec<String>,
    of_state: Vec<u32>,
}

impl Topics {
    /// Topics by what a function says of each state: an index into the names.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTopic`] for an index outside the names.
    pub fn by_state<N: Into<String>>(
        states: &States,
        names: impl IntoIterator<Item = N>,
        topic: impl Fn(usize) -> usize,
    ) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let checked = |state| match topic(state) {
            topic if topic < names.len() => Ok(topic as u32),
            topic => Err(Error::UnknownTopic { topic, topics: names.len() }),
        };
        let of_state = (0..states.len()).map(checked).collect::<Result<_>>()?;
        Ok(Self { names, of_state })
    }

    /// Topics by the newest token of each state.
    ///
    /// # Errors
    ///
    /// As [`by_state`](Self::by_state).
    pub fn by_token<N: Into<String>>(
        states: &States,
        names: impl IntoIterator<Item = N>,
        topic: impl Fn(Token) -> usize,
    ) -> Result<Self> {
        Self::by_state(states, names, |state| topic(states.newest_token(state)))
    }

    /// Topics by lists of words: a state belongs to the topic of the most recent
    /// token in its window that is on a list, or to the last topic, named
    /// `otherwise`, if none is. Words that the vocabulary does not have are passed over.
    ///
    /// # Errors
    ///
    /// [`Error::NoTokens`] if the chain has no vocabulary of names.
    pub fn by_words(states: &States, lists: &[(&str, &[&str])], otherwise: &str) -> Result<Self> {
        let Some(vocab) = states.vocab() else {
            return Err(Error::NoTokens { what: "a topic by words" });
        };
        let mut topic_of_token = vec![None; vocab.len()];
        for (topic, (_, words)) in lists.iter().enumerate() {
            for token in words.iter().filter_map(|word| vocab.token(word)) {
                topic_of_token[token as usize] = Some(topic);
            }
        }
        let names = lists.iter().map(|(name, _)| *name).chain([otherwise]);
        Self::by_state(states, names, |state| {
            let newest_first = states.tokens(state).into_iter().rev();
            newest_first
                .map(|token| topic_of_token[token as usize])
                .find_map(|topic| topic)
                .unwrap_or(lists.len())
        })
    }

    /// Topics by labelled texts, one token sequence a topic: a state belongs to
    /// the topic in whose text its window is most frequent, relative to the
    /// length of the text. Of a window in none of them, or equally frequent,
    /// shorter and shorter suffixes decide; the last resort is the first topic.
    ///
    /// `O((tokens + N) K log tokens)`.
    ///
    /// # Errors
    ///
    /// [`Error::TokenOutOfRange`] for a token outside the vocabulary of the states.
    pub fn by_texts(states: &States, texts: &[(&str, &[Token])]) -> Result<Self> {
        let v = states.vocabulary_size();
        let outside = texts.iter().flat_map(|(_, text)| text.iter()).find(|&&token| token as usize >= v);
        if let Some(&token) = outside {
            return Err(Error::TokenOutOfRange { token, vocabulary_size: v });
        }
        let windows: Vec<Vec<WindowCounts<'_>>> = (1..=states.context_length())
            .map(|length| texts.iter().map(|(_, text)| WindowCounts::new(text, length)).collect())
            .collect();
        let names = texts.iter().map(|(name, _)| *name);
        Self::by_state(states, names, |state| {
            let tokens = states.tokens(state);
            (1..=tokens.len())
                .rev()
                .filter_map(|length| clear_winner(&windows[length - 1], &tokens[tokens.len() - length..]))
                .next()
                .unwrap_or(0)
        })
    }

    /// Topics by indices that are known to be of these names.
    pub(crate) fn from_indices(names: Vec<String>, of_state: impl Iterator<Item = usize>) -> Self {
        Self { names, of_state: of_state.map(|topic| topic as u32).collect() }
    }

    /// The states of a topic.
    ///
    /// # Panics
    ///
    /// If there is no such topic.
    #[track_caller]
    pub fn states_of(&self, topic: usize) -> StateSet {
        assert!(topic < self.count(), "a topic of the partition");
        StateSet::by_state(self.states(), |state| self.of_state(state) == topic)
    }

    /// The names of the topics.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of topics.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// The topic of a state.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    pub fn of_state(&self, state: usize) -> usize {
        self.of_state[state] as usize
    }

    /// Number of states that are divided into topics.
    pub fn states(&self) -> usize {
        self.of_state.len()
    }

    /// How much of a law is in each topic.
    ///
    /// # Panics
    ///
    /// If the law is over another number of states.
    #[track_caller]
    pub fn law(&self, law: &[f64]) -> TopicLaw {
        assert_eq!(law.len(), self.of_state.len(), "a law over the states that have topics");
        let mut topics = vec![0.0; self.count()];
        for (p, &topic) in law.iter().zip(&self.of_state) {
            topics[topic as usize] += p;
        }
        topics
    }
}

/// The windows of one length in a text, sorted, for counting.
struct WindowCounts<'a> {
    windows: Vec<&'a [Token]>,
}

impl<'a> WindowCounts<'a> {
    fn new(text: &'a [Token], length: usize) -> Self {
        let mut windows: Vec<&[Token]> = text.windows(length).collect();
        windows.sort_unstable();
        Self { windows }
    }

    fn frequency(&self, window: &[Token]) -> f64 {
        let from = self.windows.partition_point(|&other| other < window);
        let to = self.windows.partition_point(|&other| other <= window);
        (to - from) as f64 / self.windows.len().max(1) as f64
    }
}

/// The topic with the highest frequency of a window, unless it is shared.
fn clear_winner(counts: &[WindowCounts<'_>], window: &[Token]) -> Option<usize> {
    let frequencies: Vec<f64> = counts.iter().map(|counts| counts.frequency(window)).collect();
    let best = frequencies.iter().copied().fold(0.0, f64::max);
    let mut winners = (0..frequencies.len()).filter(|&topic| frequencies[topic] == best);
    let winner = winners.next().filter(|_| best > 0.0)?;
    winners.next().is_none().then_some(winner)
}
