//! Topics learned from labelled documents.

use rayon::prelude::*;

use super::evidence::Evidence;
use super::{Confusion, LabelledCorpus, Memberships, TopicLaw};
use crate::chain::States;
use crate::error::{Error, Result};
use crate::solve::{MEMORY_LIMIT, check_memory, check_positive};
use crate::text::{Corpus, Token, Vocab};

/// What is held of the topics before anything is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TopicPrior {
    /// All topics are equally probable.
    #[default]
    Equal,
    /// A topic is as probable as it was frequent among the documents learned from.
    Documents,
}

/// How to learn topics from labelled documents: naive Bayes over n-grams.
///
/// Each topic is a chain of its own, `P(v | context, topic) = (n + a) / (N + a V)`,
/// where `n` of the `N` tokens that followed the last `order - 1` tokens in
/// documents of the topic were `v`, and `V` is the number of tokens that can
/// follow (the vocabulary, `<unk>` included, without `<s>`). The posterior over
/// topics is the prior times the product of these (Lidstone 1920 smoothing;
/// Maron 1961; Peng & Schuurmans 2003 for chains instead of single words). With
/// `order` 1 tokens are independent given the topic: *the* naive Bayes classifier.
///
/// # Example
///
/// ```
/// use lmchain::text::{CorpusSettings, DocumentEnd, Tokenizer};
/// use lmchain::topics::{LabelledCorpus, TopicClassifierSettings};
///
/// let read = CorpusSettings::new(Tokenizer::whitespace()).document_end(DocumentEnd::Open);
/// let known = LabelledCorpus::read(&read, [("sea", "ship sail ship"), ("air", "plane wing plane sail")])?;
/// let classifier = TopicClassifierSettings::new(1).pseudocount(1.0).fit(&known)?;
/// let ship = known.corpus().vocab().token("ship").expect("a word of the text");
/// // (2 + 1) / (3 + 4) of the sea against (0 + 1) / (4 + 4) of the air.
/// let posterior = classifier.posterior(&[ship]);
/// assert!((posterior[1] - (3.0 / 7.0) / (3.0 / 7.0 + 1.0 / 8.0)).abs() < 1e-15);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TopicClassifierSettings {
    order: usize,
    pseudocount: f64,
    prior: TopicPrior,
}

impl TopicClassifierSettings {
    /// N-grams of this order, a pseudocount of 0.1, all topics equally probable beforehand.
    pub fn new(order: usize) -> Self {
        Self { order, pseudocount: 0.1, prior: TopicPrior::default() }
    }

    /// What is added to every count.
    #[must_use]
    pub fn pseudocount(mut self, pseudocount: f64) -> Self {
        self.pseudocount = pseudocount;
        self
    }

    /// What is held of the topics before anything is read.
    #[must_use]
    pub fn prior(mut self, prior: TopicPrior) -> Self {
        self.prior = prior;
        self
    }

    /// Learns the topics of labelled documents.
    ///
    /// Documents are taken one by one; their starts and ends count as the corpus
    /// lays down ([`DocumentEnd`](crate::text::DocumentEnd)): `<s>` fills the context before a document and
    /// `</s>` is one more token, where there are such. Where there is no start,
    /// the first tokens are counted after the shorter contexts that there are.
    ///
    /// `O(tokens · order)` time and memory.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for order 0, [`Error::InvalidSetting`] for a
    /// pseudocount that is not positive, [`Error::UnlabelledTopic`] for a topic
    /// without documents, [`Error::ContextSpaceTooLarge`] if `V^order` does not
    /// fit in 128 bits.
    pub fn fit(&self, documents: &LabelledCorpus) -> Result<TopicClassifier> {
        check_positive("pseudocount", self.pseudocount)?;
        let context_length = self.order.checked_sub(1).ok_or(Error::MustBePositive { what: "order" })?;
        let (corpus, names) = (documents.corpus(), documents.names());
        let mut of_topic = vec![0u64; names.len()];
        documents.labels().iter().for_each(|&label| of_topic[label] += 1);
        if let Some(topic) = of_topic.iter().position(|&count| count == 0) {
            return Err(Error::UnlabelledTopic { name: names[topic].clone() });
        }
        let mut evidence = Evidence::new(names.len(), corpus.vocab().len(), context_length)?;
        let frame = Frame::of(corpus, context_length);
        for (topic, document) in documents.documents() {
            let text = frame.around(document);
            let ends = frame.scored(&text);
            ends.for_each(|end| evidence.add(&text[..end], topic));
        }
        let prior = |&count: &u64| match self.prior {
            TopicPrior::Equal => 0.0,
            TopicPrior::Documents => (count as f64).ln(),
        };
        Ok(TopicClassifier {
            names: names.to_vec(),
            log_prior: of_topic.iter().map(prior).collect(),
            pseudocount: self.pseudocount,
            evidence,
            frame,
            vocab: corpus.vocab().clone(),
        })
    }
}

/// Naive Bayes: what the tokens of a text say about its topic.
///
/// Posteriors are computed in logarithms. Tokens of real text are not
/// independent given the topic and what little came before, so a posterior of a
/// long text is nearer to certainty than it ought to be; [`measure`](Self::measure)
/// tells by how much.
#[derive(Debug, Clone)]
pub struct TopicClassifier {
    names: Vec<String>,
    /// Logarithms of weights that need not sum to one.
    log_prior: Vec<f64>,
    pseudocount: f64,
    evidence: Evidence,
    frame: Frame,
    vocab: Vocab,
}

impl TopicClassifier {
    /// The names of the topics.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// N-grams of this order are looked at.
    pub fn order(&self) -> usize {
        self.evidence.context_length() + 1
    }

    /// The law of the topic given a piece of text, such as a context.
    ///
    /// The first tokens are judged after the shorter contexts that the piece
    /// shows. Without tokens it is the prior. `O(tokens · order)` look-ups.
    ///
    /// # Panics
    ///
    /// If a token is outside the vocabulary; so do the other questions.
    #[track_caller]
    pub fn posterior(&self, tokens: &[Token]) -> TopicLaw {
        normalized(&self.log_weights(tokens))
    }

    /// The law of the topic given a whole document, whose start and end count as
    /// they did when the topics were learned.
    #[track_caller]
    pub fn document_posterior(&self, document: &[Token]) -> TopicLaw {
        self.posterior(&self.frame.around(document))
    }

    /// The law of the topic after every token of a text, given the last `window`
    /// tokens up to it: one law a token. `O(tokens · window · order)`.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] for windows of no tokens.
    #[track_caller]
    pub fn along(&self, text: &[Token], window: usize) -> Result<Vec<TopicLaw>> {
        if window == 0 {
            return Err(Error::MustBePositive { what: "window" });
        }
        let up_to = |end: usize| self.posterior(&text[end.saturating_sub(window)..end]);
        Ok((1..=text.len()).into_par_iter().map(up_to).collect())
    }

    /// The law of the topic given each state of a chain: how much of each topic
    /// its context is in.
    ///
    /// # Errors
    ///
    /// [`Error::VocabularyMismatch`] if the chain does not number its tokens as
    /// the documents did, [`Error::TooLarge`] beyond 8 GiB.
    pub fn memberships(&self, states: &States) -> Result<Memberships> {
        let (model, text) = (self.evidence.vocabulary_size(), states.vocabulary_size());
        if model != text || states.vocab().is_some_and(|vocab| *vocab != self.vocab) {
            return Err(Error::VocabularyMismatch { model, text });
        }
        let needed = states.len() as u128 * (self.names.len() * size_of::<f64>()) as u128;
        check_memory("the memberships", needed, MEMORY_LIMIT)?;
        let of_state = |state: usize| self.posterior(&states.tokens(state));
        let by_state: Vec<f64> = (0..states.len()).into_par_iter().flat_map_iter(of_state).collect();
        Memberships::new(self.names.clone(), by_state)
    }

    /// How well held-out documents, read with the same vocabulary, are told
    /// apart: each is given its most probable topic, the first of equals.
    ///
    /// Topics are matched by name.
    ///
    /// # Errors
    ///
    /// [`Error::VocabularyMismatch`], [`Error::UnlabelledTopic`] for a label that was not
    /// learned.
    pub fn measure(&self, held_out: &LabelledCorpus) -> Result<Confusion> {
        let (model, text) = (self.vocab.len(), held_out.corpus().vocab().len());
        if *held_out.corpus().vocab() != self.vocab {
            return Err(Error::VocabularyMismatch { model, text });
        }
        let known = |name: &String| {
            let place = self.names.iter().position(|known| known == name);
            place.ok_or_else(|| Error::UnlabelledTopic { name: name.clone() })
        };
        let topics = held_out.names().iter().map(known).collect::<Result<Vec<usize>>>()?;
        let documents: Vec<(usize, &[Token])> = held_out.documents().collect();
        let judged: Vec<Vec<f64>> = documents
            .par_iter()
            .map(|(_, document)| self.log_weights(&self.frame.around(document)))
            .collect();
        let labels = documents.iter().map(|&(label, _)| topics[label]);
        Ok(Confusion::new(self.names.clone(), labels.zip(judged.iter().map(Vec::as_slice))))
    }

    /// Prior times likelihood of a text, in natural logarithms, by topic.
    #[track_caller]
    fn log_weights(&self, text: &[Token]) -> Vec<f64> {
        let size = self.evidence.vocabulary_size();
        assert!(text.iter().all(|&token| (token as usize) < size), "tokens below the vocabulary size {size}");
        let everything = self.pseudocount * self.frame.possible as f64;
        let mut weights = vec![0.0; self.names.len()];
        for end in self.frame.scored(text) {
            let (followed, contexts) = self.evidence.last(&text[..end]);
            for (topic, weight) in weights.iter_mut().enumerate() {
                let count = |counts: Option<&[u64]>| counts.map_or(0, |counts| counts[topic]) as f64;
                let p = (count(followed) + self.pseudocount) / (count(contexts) + everything);
                *weight += p.ln();
            }
        }
        weights.iter().zip(&self.log_prior).map(|(weight, prior)| weight + prior).collect()
    }
}

/// Weights given by their logarithms, divided by their sum.
pub(super) fn normalized(log_weights: &[f64]) -> TopicLaw {
    let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = log_weights.iter().map(|weight| (weight - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// What stands before and after every document.
#[derive(Debug, Clone)]
struct Frame {
    before: Vec<Token>,
    after: Option<Token>,
    /// The token that no text generates.
    start: Option<Token>,
    /// Number of tokens that can follow a context.
    possible: usize,
}

impl Frame {
    fn of(corpus: &Corpus, context_length: usize) -> Self {
        let vocab = corpus.vocab();
        let start = vocab.start();
        Self {
            before: corpus.start_context(context_length).unwrap_or_default(),
            after: vocab.end().filter(|_| corpus.document_end().has_end_token()),
            start,
            possible: vocab.len() - usize::from(start.is_some()),
        }
    }

    fn around(&self, document: &[Token]) -> Vec<Token> {
        let mut text = self.before.clone();
        text.extend_from_slice(document);
        text.extend(self.after);
        text
    }

    /// Where the tokens of a text end that are judged: all but `<s>`.
    fn scored<'a>(&self, text: &'a [Token]) -> impl Iterator<Item = usize> + use<'a> {
        let start = self.start;
        (1..=text.len()).filter(move |&end| Some(text[end - 1]) != start)
    }
}
