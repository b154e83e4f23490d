//! How often every n-gram occurs in the documents of every topic.

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::text::{Token, sequence_count, sequence_key};

/// Counts of tokens after contexts of every length up to the longest, by topic.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    vocabulary_size: usize,
    /// By the length of the context: how often a context was followed by a token.
    followed: Vec<Counts>,
    /// By the length of the context: how often it was followed by anything.
    contexts: Vec<Counts>,
}

/// One count a topic for every sequence met, of one length.
#[derive(Debug, Clone, Default)]
struct Counts {
    topics: usize,
    rows: FxHashMap<u128, u32>,
    counts: Vec<u64>,
}

impl Counts {
    fn new(topics: usize) -> Self {
        Self { topics, ..Self::default() }
    }

    fn add(&mut self, key: u128, topic: usize) {
        let fresh = self.rows.len() as u32;
        let row = *self.rows.entry(key).or_insert(fresh) as usize;
        self.counts.resize(self.rows.len() * self.topics, 0);
        self.counts[row * self.topics + topic] += 1;
    }

    /// One count a topic, or none if the sequence was never met.
    fn get(&self, key: u128) -> Option<&[u64]> {
        let row = *self.rows.get(&key)? as usize;
        self.counts.get(row * self.topics..(row + 1) * self.topics)
    }
}

impl Evidence {
    /// Nothing met yet.
    ///
    /// # Errors
    ///
    /// [`Error::ContextSpaceTooLarge`] if n-grams cannot be numbered in 128 bits.
    pub(super) fn new(topics: usize, vocabulary_size: usize, context_length: usize) -> Result<Self> {
        if sequence_count(vocabulary_size, context_length + 1).is_none() {
            return Err(Error::ContextSpaceTooLarge { vocabulary_size, context_length, bits: u128::BITS });
        }
        let each = || (0..=context_length).map(|_| Counts::new(topics)).collect();
        Ok(Self { vocabulary_size, followed: each(), contexts: each() })
    }

    /// Tokens of the longest context.
    pub(super) fn context_length(&self) -> usize {
        self.followed.len() - 1
    }

    /// Vocabulary size V.
    pub(super) fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// Counts the last token after each of its contexts in the text before it.
    pub(super) fn add(&mut self, text: &[Token], topic: usize) {
        for length in 0..text.len().min(self.followed.len()) {
            let (ngram, context) = self.keys(text, length);
            self.followed[length].add(ngram, topic);
            self.contexts[length].add(context, topic);
        }
    }

    /// The counts of the last token after the longest context of it that the text
    /// before shows, and those of that context.
    pub(super) fn last(&self, text: &[Token]) -> (Option<&[u64]>, Option<&[u64]>) {
        let length = text.len().saturating_sub(1).min(self.context_length());
        let (ngram, context) = self.keys(text, length);
        (self.followed[length].get(ngram), self.contexts[length].get(context))
    }

    /// The numbers of the last `length + 1` tokens, and of these without the last.
    fn keys(&self, text: &[Token], length: usize) -> (u128, u128) {
        let ngram = &text[text.len().saturating_sub(length + 1)..];
        let context = &ngram[..ngram.len().saturating_sub(1)];
        (sequence_key(ngram, self.vocabulary_size), sequence_key(context, self.vocabulary_size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_after_every_context_that_is_there() {
        let mut evidence = Evidence::new(2, 3, 2).unwrap();
        let text = [0, 1, 0, 1];
        (1..=4).for_each(|end| evidence.add(&text[..end], 0));
        evidence.add(&[2, 1], 1);
        assert_eq!(evidence.last(&[1]), (Some(&[2, 1][..]), Some(&[4, 1][..])));
        assert_eq!(evidence.last(&[0, 1]), (Some(&[2, 0][..]), Some(&[2, 0][..])));
        assert_eq!(evidence.last(&[2, 0, 1, 0]), (Some(&[1, 0][..]), Some(&[1, 0][..])));
        assert_eq!(evidence.last(&[2, 2]), (None, Some(&[0, 1][..])));
        assert_eq!(evidence.last(&[1, 1]), (None, Some(&[1, 0][..])));
    }

    #[test]
    fn n_grams_that_cannot_be_numbered_are_refused() {
        let refused = Evidence::new(2, 1 << 20, 6).unwrap_err();
        assert!(matches!(refused, Error::ContextSpaceTooLarge { bits: 128, context_length: 6, .. }));
    }
}
