//! The text and its model.

use std::error::Error;

use lmchain::chain::{Enumeration, MarkovChain};
use lmchain::model::{Decoded, Decoding, NgramModel, NgramSettings};
use lmchain::operator::ShiftOperator;
use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Token, Tokenizer};

use crate::options::Options;
use crate::support::Watch;

const VOICES: [(&str, &str); 3] = [
    ("kitchen", include_str!("../data/kitchen.txt")),
    ("harbor", include_str!("../data/harbor.txt")),
    ("observatory", include_str!("../data/observatory.txt")),
];

/// Multiplications of one step from every start that a quick sweep can take.
const QUICK: f64 = 2e9;

pub(crate) struct Subject {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) corpus: Corpus,
    pub(crate) model: NgramModel,
    /// The parts of the text, which serve as topics.
    parts: Vec<(&'static str, Vec<Token>)>,
}

impl Subject {
    pub(crate) fn read(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        let tokenizer =
            if options.characters { Tokenizer::characters() } else { Tokenizer::words() }.lower_case(true);
        let settings = CorpusSettings::new(tokenizer).document_end(DocumentEnd::Circular);
        let settings = settings.minimum_count(options.min_count);
        let (title, corpus) = match &options.path {
            Some(path) => (path.display().to_string(), settings.read_files_watched(&[path], watch)?),
            None => (
                "Three voices: a kitchen, a harbor, an observatory".to_owned(),
                settings.read_strings(VOICES.map(|(_, text)| text))?,
            ),
        };
        watch.clear();
        let parts = match options.path {
            Some(_) => thirds(corpus.tokens()),
            None => VOICES
                .iter()
                .zip(corpus.documents())
                .map(|((name, _), text)| (*name, text.to_vec()))
                .collect(),
        };
        let (size, context) = (corpus.vocab().len() as f64, i32::from(options.order) - 1);
        if size.powi(2 * context + 1) > QUICK {
            let remedy = "raise --min-count, lower --order, or take --characters";
            return Err(
                format!("{size} tokens to the power {context} are too many contexts; {remedy}").into()
            );
        }
        let settings =
            NgramSettings::new(usize::from(options.order)).smoothing(options.smoothing.smoothing());
        let model = settings.fallback_discounts([0.5, 1.0, 1.5]).fit(&corpus)?;
        let unit = if options.characters { "character" } else { "word" };
        Ok(Self { title, unit, corpus, model, parts })
    }

    /// The chain of all contexts at a temperature.
    pub(crate) fn chain(&self, temperature: f64) -> lmchain::Result<MarkovChain<ShiftOperator>> {
        Enumeration::new().build(&Decoded::new(&self.model, Decoding::new().temperature(temperature))?)
    }

    /// The parts of the text with their names.
    pub(crate) fn parts(&self) -> Vec<(&str, &[Token])> {
        self.parts.iter().map(|(name, text)| (*name, text.as_slice())).collect()
    }
}

fn thirds(tokens: &[Token]) -> Vec<(&'static str, Vec<Token>)> {
    let third = |i: usize| i * tokens.len() / 3;
    let names = ["beginning", "middle", "end"].into_iter().enumerate();
    names.map(|(i, name)| (name, tokens[third(i)..third(i + 1)].to_vec())).collect()
}
