//! Random back-off models, closed and normalised, for tests.

use std::collections::BTreeSet;

use rand::RngExt;

use super::BackoffTrie;
use super::trie::TrieBuilder;
use crate::prob::{StreamRng, stream};
use crate::text::Token;

/// What random models are like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) vocabulary_size: usize,
    pub(crate) order: usize,
    /// How many of the n-grams that could be stored are.
    pub(crate) density: f64,
    /// Probabilities and what is left for backing off spread over this many decades.
    pub(crate) decades: f64,
    /// Whether all contexts interpolate; otherwise they do it or not by chance,
    /// and some probabilities and weights are zero.
    pub(crate) interpolated: bool,
    /// Whether token 0 is never predicted, as the mark of the start of a text is not.
    pub(crate) silent_start: bool,
}

impl Shape {
    /// Some shape, and the model that goes with it.
    pub(crate) fn any(seed: u64) -> (Self, BackoffTrie) {
        let mut rng = stream(seed, 1);
        let shape = Self {
            vocabulary_size: rng.random_range(2..7),
            order: rng.random_range(1..6),
            density: rng.random_range(0.1..0.9),
            decades: [0.5, 3.0, 12.0][rng.random_range(0..3)],
            interpolated: rng.random_bool(0.4),
            silent_start: rng.random_bool(0.5),
        };
        (shape, shape.model(seed))
    }

    /// A random model.
    pub(crate) fn model(&self, seed: u64) -> BackoffTrie {
        let mut rng = stream(seed, 0);
        let levels = self.ngrams(&mut rng);
        let mut builder = TrieBuilder::new(self.vocabulary_size, self.order);
        for (length, ngrams) in (2..).zip(&levels[1..]) {
            let contexts: Vec<&Vec<Token>> = levels[length - 2].iter().collect();
            for ngram in ngrams {
                let (token, context) = ngram.split_last().unwrap();
                let context = contexts.binary_search_by(|other| other.as_slice().cmp(context)).unwrap();
                builder.push(length, context, *token).unwrap();
            }
        }
        let trie = builder.finish().unwrap();
        let count = |length: usize| trie.len(length);
        let probabilities = (1..=self.order).map(|length| vec![0.0; count(length)]).collect();
        let backoffs = (1..self.order).map(|length| vec![1.0; count(length)]).collect();
        let implied = vec![Vec::new(); self.order];
        let mut model = BackoffTrie::from_parts(trie, probabilities, backoffs, implied);
        let mut unigrams = vec![0.0; usize::from(self.silent_start)];
        unigrams.extend(self.weights(self.vocabulary_size - unigrams.len(), &mut rng));
        model.probabilities_mut(1).copy_from_slice(&unigrams);
        for length in 1..self.order {
            for context in 0..model.trie().len(length) {
                self.set_law(&mut model, length, context, &mut rng);
            }
        }
        model
    }

    /// The n-grams of each length, closed under taking contexts and suffixes.
    fn ngrams(&self, rng: &mut StreamRng) -> Vec<BTreeSet<Vec<Token>>> {
        let v = self.vocabulary_size as Token;
        let mut levels: Vec<BTreeSet<Vec<Token>>> = vec![(0..v).map(|token| vec![token]).collect()];
        for length in 2..=self.order {
            let shorter = &levels[length - 2];
            let mut ngrams = BTreeSet::new();
            for context in shorter {
                for token in Token::from(self.silent_start)..v {
                    let ngram = [&context[..], &[token]].concat();
                    if shorter.contains(&ngram[1..]) && rng.random_bool(self.density) {
                        ngrams.insert(ngram);
                    }
                }
            }
            levels.push(ngrams);
        }
        levels
    }

    /// Random weights that sum to one.
    fn weights(&self, count: usize, rng: &mut StreamRng) -> Vec<f64> {
        let mut weights: Vec<f64> = (0..count)
            .map(|_| match rng.random_range(0..8) {
                0 if !self.interpolated => 0.0,
                _ => 10f64.powf(rng.random_range(-self.decades..0.0)),
            })
            .collect();
        if weights.iter().all(|&w| w == 0.0) {
            weights[0] = 1.0;
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        weights
    }

    /// Gives a context a law, given those of shorter ones.
    fn set_law(&self, model: &mut BackoffTrie, length: usize, context: usize, rng: &mut StreamRng) {
        let children = model.trie().children(length, context);
        if children.is_empty() {
            return;
        }
        let shorter = law(model, length - 1, model.trie().suffix(length, context));
        let tokens = model.trie().tokens(length + 1)[children.clone()].to_vec();
        let own = self.weights(tokens.len(), rng);
        let left: f64 = (0..self.vocabulary_size)
            .filter(|&token| !tokens.contains(&(token as Token)))
            .map(|token| shorter[token])
            .sum();
        let given_up = 10f64.powf(rng.random_range(-self.decades..-0.05));
        let (own_share, backoff, interpolates) = match rng.random_range(0..6) {
            _ if self.interpolated => (1.0 - given_up, given_up, true),
            _ if left == 0.0 => (1.0, 1.0, false),
            0 => (1.0, 0.0, false),
            1 | 2 => (1.0 - given_up, given_up, true),
            _ => (1.0 - given_up, given_up / left, false),
        };
        for ((child, token), own) in children.zip(tokens).zip(own) {
            let lower = if interpolates { backoff * shorter[token as usize] } else { 0.0 };
            model.probabilities_mut(length + 1)[child] = own_share * own + lower;
        }
        model.backoffs_mut(length)[context] = backoff;
    }
}

/// The law of the next token after a stored n-gram.
pub(crate) fn law(model: &BackoffTrie, length: usize, number: usize) -> Vec<f64> {
    if length == 0 {
        return model.probabilities(1).to_vec();
    }
    let mut law = law(model, length - 1, model.trie().suffix(length, number));
    law.iter_mut().for_each(|p| *p *= model.backoff(length, number));
    for child in model.trie().children(length, number) {
        law[model.trie().tokens(length + 1)[child] as usize] = model.probabilities(length + 1)[child];
    }
    law
}

/// The law of the next token after any tokens: that of their longest stored suffix.
pub(crate) fn law_after(model: &BackoffTrie, tokens: &[Token]) -> Vec<f64> {
    let recent = &tokens[tokens.len().saturating_sub(model.order() - 1)..];
    (0..=recent.len())
        .find_map(|start| Some((recent.len() - start, model.trie().find(&recent[start..])?)))
        .map(|(length, number)| law(model, length, number))
        .unwrap()
}
