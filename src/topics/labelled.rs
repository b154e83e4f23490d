//! Documents with the topics they are known to be about.

use crate::error::{Error, Result};
use crate::text::{Corpus, CorpusSettings, Token};

/// A corpus whose documents are labelled with topics.
///
/// # Example
///
/// ```
/// use lmchain::text::{CorpusSettings, DocumentEnd, Tokenizer};
/// use lmchain::topics::LabelledCorpus;
///
/// let settings = CorpusSettings::new(Tokenizer::whitespace()).document_end(DocumentEnd::Open);
/// let news = LabelledCorpus::read(&settings, [("sea", "a ship sails"), ("air", "a plane flies")])?;
/// assert_eq!(news.names(), ["air", "sea"]);
/// assert_eq!(news.labels(), [1, 0]);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledCorpus {
    corpus: Corpus,
    names: Vec<String>,
    labels: Vec<usize>,
}

impl LabelledCorpus {
    /// A corpus with the topic of each of its documents, an index into the names.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] if there is not one label a document (a corpus
    /// leaves out documents without tokens), [`Error::UnknownTopic`] for a label
    /// outside the names.
    pub fn new<N: Into<String>>(
        corpus: Corpus,
        names: impl IntoIterator<Item = N>,
        labels: Vec<usize>,
    ) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let documents = corpus.documents().len();
        if labels.len() != documents {
            return Err(Error::LengthMismatch { expected: documents, found: labels.len() });
        }
        match labels.iter().find(|&&label| label >= names.len()) {
            Some(&topic) => Err(Error::UnknownTopic { topic, topics: names.len() }),
            None => Ok(Self { corpus, names, labels }),
        }
    }

    /// Reads pairs of a topic's name and a text, each a document. The topics are
    /// numbered by name; documents without tokens are left out.
    ///
    /// # Errors
    ///
    /// As [`CorpusSettings::read_strings`]; [`Error::LengthMismatch`] if a text
    /// has no token that a given vocabulary knows, where those are skipped.
    pub fn read<L: AsRef<str>, T: AsRef<str>>(
        settings: &CorpusSettings,
        documents: impl IntoIterator<Item = (L, T)>,
    ) -> Result<Self> {
        let mut documents: Vec<(L, T)> = documents.into_iter().collect();
        documents.retain(|(_, text)| settings.has_tokens(text.as_ref()));
        let mut names: Vec<String> = documents.iter().map(|(label, _)| label.as_ref().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        let index = |label: &L| names.partition_point(|name| name.as_str() < label.as_ref());
        let labels = documents.iter().map(|(label, _)| index(label)).collect();
        let corpus = settings.read_strings(documents.iter().map(|(_, text)| text.as_ref()))?;
        Self::new(corpus, names, labels)
    }

    /// The documents.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// The names of the topics.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The topic of each document.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// The documents with their topics.
    pub fn documents(&self) -> impl Iterator<Item = (usize, &[Token])> {
        self.labels.iter().copied().zip(self.corpus.documents())
    }

    /// The tokens of all documents of a topic, one after another.
    pub fn tokens_of(&self, topic: usize) -> Vec<Token> {
        let of_topic = self.documents().filter(|&(label, _)| label == topic);
        of_topic.flat_map(|(_, document)| document.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{DocumentEnd, Tokenizer};

    fn settings() -> CorpusSettings {
        CorpusSettings::new(Tokenizer::whitespace()).document_end(DocumentEnd::Open)
    }

    #[test]
    fn documents_without_tokens_take_their_labels_with_them() {
        let pairs = [("b", "x y"), ("a", "  "), ("a", "y"), ("b", "x")];
        let labelled = LabelledCorpus::read(&settings(), pairs).unwrap();
        assert_eq!((labelled.names(), labelled.labels()), (&["a".into(), "b".into()][..], &[1, 0, 1][..]));
        assert_eq!(labelled.tokens_of(1), [0, 1, 0]);
    }

    #[test]
    fn labels_that_do_not_fit_are_refused() {
        let corpus = || settings().read_strings(["x y", "y"]).unwrap();
        let short = LabelledCorpus::new(corpus(), ["a"], vec![0]);
        assert!(matches!(short, Err(Error::LengthMismatch { expected: 2, found: 1 })));
        let outside = LabelledCorpus::new(corpus(), ["a"], vec![0, 1]);
        assert!(matches!(outside, Err(Error::UnknownTopic { topic: 1, topics: 1 })));
    }
}
