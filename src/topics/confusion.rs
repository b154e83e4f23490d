//! How well topics are told apart.

use std::fmt;

use super::classifier::normalized;

/// What a classifier says of documents whose topics are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    names: Vec<String>,
    /// Documents of a topic (row) that were given a topic (column).
    counts: Vec<u64>,
    /// The sum of `-log2` of the posterior of the true topic over all documents.
    surprise: f64,
}

impl Confusion {
    /// From the true topic of each document and the logarithms of the weights of all topics.
    pub(super) fn new<'a>(names: Vec<String>, judged: impl Iterator<Item = (usize, &'a [f64])>) -> Self {
        let mut counts = vec![0; names.len() * names.len()];
        let mut surprise = 0.0;
        for (label, weights) in judged {
            let better =
                |best: usize, topic: usize| if weights[topic] > weights[best] { topic } else { best };
            let given = (1..weights.len()).fold(0, better);
            counts[label * names.len() + given] += 1;
            // What the largest weight is ahead, and by how much the others raise the sum:
            // a posterior that underflows still has a logarithm.
            surprise += (weights[given] - weights[label] - normalized(weights)[given].ln()).max(0.0);
        }
        Self { names, counts, surprise: surprise * std::f64::consts::LOG2_E }
    }

    /// The names of the topics.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many documents of one topic were given another, or the same.
    ///
    /// # Panics
    ///
    /// If there is no such topic.
    #[track_caller]
    pub fn count(&self, topic: usize, given: usize) -> u64 {
        assert!(given < self.names.len(), "one of the topics");
        self.counts[topic * self.names.len() + given]
    }

    /// Number of documents.
    pub fn documents(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The share of documents that were given their own topic.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.names.len()).map(|topic| self.count(topic, topic)).sum();
        right as f64 / self.documents() as f64
    }

    /// The share of a topic's documents that were given it, or `None` without documents.
    ///
    /// # Panics
    ///
    /// If there is no such topic.
    #[track_caller]
    pub fn recall(&self, topic: usize) -> Option<f64> {
        let of_topic: u64 = (0..self.names.len()).map(|given| self.count(topic, given)).sum();
        (of_topic > 0).then(|| self.count(topic, topic) as f64 / of_topic as f64)
    }

    /// The mean of `-log2` of the posterior of the true topic, in bits a
    /// document: zero if that is certain and right. `log2` of the number of topics is what
    /// saying nothing costs; a classifier may be right more often than not and
    /// still pay more, for being certain where it is wrong.
    pub fn log_loss(&self) -> f64 {
        self.surprise / self.documents() as f64
    }
}

/// A table: topics in rows, what they were given in columns.
impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(8);
        write!(f, "{:widest$}", "")?;
        self.names.iter().try_for_each(|name| write!(f, "  {name:>widest$}"))?;
        for (topic, name) in self.names.iter().enumerate() {
            write!(f, "\n{name:widest$}")?;
            (0..self.names.len())
                .try_for_each(|given| write!(f, "  {:>widest$}", self.count(topic, given)))?;
        }
        write!(f, "\n{:.2} % right of {}", 100.0 * self.accuracy(), self.documents())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_counted_and_surprises_survive_underflow() {
        let names = || vec!["a".to_owned(), "b".to_owned()];
        let ln = |p: f64| p.ln();
        let judged: [(usize, &[f64]); 3] =
            [(0, &[ln(0.75), ln(0.25)]), (1, &[ln(0.5), ln(0.5)]), (1, &[-1.0, -3000.0])];
        let confusion = Confusion::new(names(), judged.into_iter());
        assert_eq!((confusion.count(0, 0), confusion.count(1, 0), confusion.documents()), (1, 2, 3));
        assert_eq!(
            (confusion.accuracy(), confusion.recall(0), confusion.recall(1)),
            (1.0 / 3.0, Some(1.0), Some(0.0))
        );
        let bits = (4.0 / 3.0f64).log2() + 1.0 + 2999.0 * std::f64::consts::LOG2_E;
        assert!((confusion.log_loss() - bits / 3.0).abs() < 1e-12 * bits);
        let empty = Confusion::new(names(), std::iter::empty());
        assert!(empty.accuracy().is_nan() && empty.recall(0).is_none());
        let table = confusion.to_string();
        assert_eq!(table.lines().nth(1), Some("a                1         0"));
    }
}
