//! Data and model: two chains over the same contexts.

use std::error::Error;
use std::fs;

use lmchain::chain::{Enumeration, MarkovChain, Start};
use lmchain::exposure::Lengthened;
use lmchain::model::{LanguageModel, NgramModel, NgramSettings, Smoothing, TableModel};
use lmchain::operator::ShiftOperator;
use lmchain::prob::Law;
use lmchain::stationary::StationarySolver;
use lmchain::text::{CorpusSettings, DocumentEnd, Token, Tokenizer};

use crate::options::Options;
use crate::support::Watch;

const VOICES: [&str; 3] = [
    include_str!("../data/kitchen.txt"),
    include_str!("../data/harbor.txt"),
    include_str!("../data/observatory.txt"),
];

/// Next-token laws after 000, 001, ..., 111: a coin in the data where the model loops.
const DATA: [[f64; 2]; 8] =
    [[0.6, 0.4], [0.5, 0.5], [0.7, 0.3], [0.6, 0.4], [0.5, 0.5], [0.6, 0.4], [0.5, 0.5], [0.5, 0.5]];
const STICKY: [[f64; 2]; 8] =
    [[0.6, 0.4], [0.5, 0.5], [0.7, 0.3], [0.55, 0.45], [0.5, 0.5], [0.6, 0.4], [0.45, 0.55], [0.02, 0.98]];

pub(crate) struct Subject {
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) data: MarkovChain<ShiftOperator>,
    pub(crate) data_law: Law,
    pub(crate) model: MarkovChain<ShiftOperator>,
    pub(crate) model_law: Law,
    /// The model as it is asked, with its own contexts.
    pub(crate) own: Box<dyn LanguageModel + Send>,
    /// A text that the model did not write, nor see.
    pub(crate) real: Vec<Token>,
}

impl Subject {
    pub(crate) fn of(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        if options.toy { Self::toy(options, watch) } else { Self::letters(options, watch) }
    }

    fn toy(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        let (data, own) = (TableModel::from_rows(3, &DATA)?, TableModel::from_rows(3, &STICKY)?);
        let (title, about) = ("A sticky loop", "two tokens, contexts of three; the model stays in 1 1 1");
        let subject = Self::new(title, about.to_owned(), &data, &own, Box::new(own.clone()), watch)?;
        let real = written(&subject.data, &subject.data_law, options.tokens, options.seed)?;
        Ok(Self { real, ..subject })
    }

    /// Models of the first nine tenths of the letters of a text; the rest is held out.
    fn letters(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        let (long, short) = (usize::from(options.data_order), usize::from(options.model_order));
        if short > long {
            return Err("the order of the model must not exceed that of the data".into());
        }
        let (title, text) = match &options.path {
            Some(path) => (
                path.display().to_string(),
                fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?,
            ),
            None => ("Three voices: a kitchen, a harbor, an observatory".to_owned(), VOICES.concat()),
        };
        let letters = only_letters(&text);
        let cut = letters.char_indices().nth(letters.chars().count() * 9 / 10).map_or(0, |(at, _)| at);
        let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Circular);
        let corpus = settings.read_strings([&letters[..cut]])?;
        let real = corpus.encode_skipping(&letters[cut..]).tokens;
        let fit = |order: usize| -> lmchain::Result<NgramModel> {
            NgramSettings::new(order).smoothing(Smoothing::WittenBell).fit(&corpus)
        };
        let (data, own) = (fit(long)?, fit(short)?);
        let about = format!(
            "{} letters, {} different ones; n-grams of {long} letters are the data, of {short} the model",
            corpus.tokens().len(),
            corpus.vocab().len()
        );
        let lengthened = Lengthened::new(&own, long - 1)?;
        let subject = Self::new(&title, about, &data, &lengthened, Box::new(own.clone()), watch)?;
        Ok(Self { real, ..subject })
    }

    fn new(
        title: &str,
        about: String,
        data: &impl LanguageModel,
        model: &impl LanguageModel,
        own: Box<dyn LanguageModel + Send>,
        watch: &mut Watch,
    ) -> Result<Self, Box<dyn Error>> {
        let data = Enumeration::new().build_watched(data, watch)?;
        let model = Enumeration::new().build_watched(model, watch)?;
        let data_law = StationarySolver::new().solve_watched(&data, watch)?.converged()?.unique()?;
        let model_law = StationarySolver::new().solve_watched(&model, watch)?.converged()?.unique()?;
        let title = title.to_owned();
        Ok(Self { title, about, data, data_law, model, model_law, own, real: Vec::new() })
    }

    /// A text that the model writes.
    pub(crate) fn sampled(&self, tokens: usize, seed: u64) -> Result<Vec<Token>, Box<dyn Error>> {
        written(&self.model, &self.model_law, tokens, seed)
    }
}

fn written(
    chain: &MarkovChain<ShiftOperator>,
    law: &Law,
    tokens: usize,
    seed: u64,
) -> Result<Vec<Token>, Box<dyn Error>> {
    let walker = chain.walker()?;
    let walk = walker.walk(Start::Law(law), seed)?.take(tokens);
    Ok(walk.map(|state| chain.states().newest_token(state)).collect())
}

/// Lower case letters, and one space for whatever is between them.
fn only_letters(text: &str) -> String {
    let mut letters = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphabetic() {
            letters.push(character);
        } else if !letters.ends_with(' ') {
            letters.push(' ');
        }
    }
    letters
}
