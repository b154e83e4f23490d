//! The chain that is questioned, and the topics of its contexts.

use std::error::Error;
use std::path::Path;

use lmchain::chain::{Exploration, MarkovChain};
use lmchain::model::{Decoded, Decoding, NgramSettings, Smoothing};
use lmchain::operator::SparseOperator;
use lmchain::prob::Law;
use lmchain::text::{CorpusSettings, Tokenizer};
use lmchain::topics::{Confusion, LabelledCorpus, TopicClassifierSettings, Topics};

use crate::options::Options;
use crate::support::Watch;
use crate::{NAMES, VOICES};

pub(crate) struct Subject {
    pub(crate) title: String,
    pub(crate) documents: LabelledCorpus,
    pub(crate) confusion: Confusion,
    pub(crate) chain: MarkovChain<SparseOperator>,
    pub(crate) stationary: Law,
    pub(crate) topics: Topics,
}

impl Subject {
    pub(crate) fn read(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        let (title, pairs) = match &options.labelled {
            Some(path) => (path.display().to_string(), labelled(&read(path)?, options.column)?),
            None => ("A kitchen, a harbor and an observatory".to_owned(), paragraphs()),
        };
        let words =
            CorpusSettings::new(Tokenizer::words().lower_case(true)).most_frequent(options.vocabulary);
        let documents = LabelledCorpus::read(&words, pairs.iter().map(|(topic, text)| (topic, text)))?;
        let confusion = watch.during("how well topics are told apart", || told_apart(&words, &pairs))?;

        let corpus = documents.corpus();
        let order = usize::from(options.order);
        let model = NgramSettings::new(order).smoothing(Smoothing::WittenBell).fit(corpus)?;
        let decoded = Decoded::new(&model, Decoding::new().top_k(options.top_k))?;
        let prompt = corpus.tokens().get(..order - 1).ok_or("the text is shorter than a context")?;
        let too_many = |error| format!("{error} (lower --top-k, --order or --vocabulary)");
        let chain = Exploration::new().build_watched(&decoded, &[prompt], watch).map_err(too_many)?;
        let stationary = watch.during("where it goes", || chain.stationary())?.converged()?;
        let classifier = TopicClassifierSettings::new(order.min(2)).fit(&documents)?;
        let topics = watch.during("topics", || classifier.memberships(chain.states()))?.largest();
        let visited = topics.law(&stationary);
        match visited.iter().position(|&share| share == 0.0) {
            Some(never) => {
                Err(format!("the model never comes to {:?}; raise --top-k", topics.names()[never]).into())
            }
            None => Ok(Self { title, documents, confusion, chain, stationary, topics }),
        }
    }

    /// The state that the prompt leads to; without one, that in the first topic which is visited
    /// most in proportion to the others of it.
    pub(crate) fn prompt(&self, options: &Options) -> Result<usize, Box<dyn Error>> {
        let Some(text) = &options.prompt else {
            let inside = self.topics.states_of(0).condition(&self.stationary).ok_or("no such topic")?;
            // A mark or a word that is met everywhere is no prompt.
            let is_word = |state: usize| {
                let tokens = self.chain.states().tokens(state);
                let name = |token: &u32| self.documents.corpus().vocab().name(*token);
                tokens.iter().map(name).all(|name| name.chars().count() > 3 && name != "<unk>")
            };
            let best = inside
                .top(self.chain.len())
                .into_iter()
                .map(|(state, _)| state)
                .find(|&state| is_word(state));
            return Ok(best.unwrap_or_else(|| inside.top(1)[0].0));
        };
        let tokens = self.documents.corpus().encode(text)?.tokens;
        Ok(self.chain.states().after_prompt(&tokens)?)
    }
}

/// The paragraphs of the three texts.
fn paragraphs() -> Vec<(String, String)> {
    let of_voice = |(name, text): (&str, &str)| {
        text.split("\n\n").map(|part| (name.to_owned(), part.to_owned())).collect::<Vec<_>>()
    };
    NAMES.into_iter().zip(VOICES).flat_map(of_voice).collect()
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The lines of a table, sorted by topic.
fn labelled(raw: &str, column: usize) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut pairs = Vec::new();
    for (line, row) in raw.lines().enumerate().filter(|(_, row)| !row.is_empty()) {
        let fields: Vec<&str> = row.split('\t').collect();
        let text = fields.get(column).ok_or(format!("line {} has no column {column}", line + 1))?;
        pairs.push((fields[0].to_owned(), (*text).to_owned()));
    }
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(pairs)
}

/// Every other document of each topic, judged by single words learned from the rest.
fn told_apart(words: &CorpusSettings, pairs: &[(String, String)]) -> Result<Confusion, lmchain::Error> {
    let of_topics = pairs.chunk_by(|one, other| one.0 == other.0);
    let (mut known, mut held_out) = (Vec::new(), Vec::new());
    for (place, (topic, text)) in of_topics.flat_map(|topic| topic.iter().enumerate()) {
        let half = if place % 2 == 0 { &mut known } else { &mut held_out };
        half.push((topic, text));
    }
    let known = LabelledCorpus::read(&words.clone().unknown_token(true), known)?;
    let held_out = LabelledCorpus::read(&known.corpus().held_out_settings(), held_out)?;
    TopicClassifierSettings::new(1).fit(&known)?.measure(&held_out)
}
