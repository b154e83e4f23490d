//! Data and model: two chains over the same contexts.

use std::error::Error;
use std::fs;

use lmchain::chain::{MarkovChain, Start};
use lmchain::exposure::{ModelLift, Outside};
use lmchain::model::{Decoded, Decoding, LanguageModel, NgramSettings, Smoothing, TableModel};
use lmchain::operator::SparseOperator;
use lmchain::prob::Law;
use lmchain::stationary::StationarySolver;
use lmchain::text::{CorpusSettings, DocumentEnd, Token, Tokenizer};

use crate::options::Options;
use crate::support::{Watch, grouped};

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
    pub(crate) data: MarkovChain<SparseOperator>,
    pub(crate) data_law: Law,
    pub(crate) model: MarkovChain<SparseOperator>,
    pub(crate) model_law: Law,
    /// The probability a token with which the model would say what the data never do.
    pub(crate) leak: f64,
    /// Texts that the model wrote, and one that it did not write, nor see.
    pub(crate) own: Vec<Token>,
    pub(crate) real: Vec<Token>,
    /// The model as it is asked, with its own contexts.
    pub(crate) asked: Box<dyn LanguageModel + Send>,
}

impl Subject {
    pub(crate) fn of(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        if options.toy { Self::toy(options, watch) } else { Self::letters(options, watch) }
    }

    fn toy(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        let (data, asked) = (TableModel::from_rows(3, &DATA)?, TableModel::from_rows(3, &STICKY)?);
        let (title, about) = ("A sticky loop", "two tokens, contexts of three; the model stays in 1 1 1");
        let chain = MarkovChain::reachable(&data, &[&[0, 0, 0]])?;
        let real = written(&data, options.tokens, options.seed + 1)?;
        Self::new(title, about.to_owned(), chain, asked, real, options, watch)
    }

    /// The windows of the first nine tenths of the letters of a text, and a model
    /// of a lower order; the rest is held out.
    fn letters(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        let (long, short) = (usize::from(options.data_order), usize::from(options.model_order));
        if short > long {
            return Err("the order of the model must not exceed that of the data".into());
        }
        let (title, text) = match &options.path {
            Some(path) => {
                let text =
                    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                (path.display().to_string(), text)
            }
            None => ("Three voices: a kitchen, a harbor, an observatory".to_owned(), VOICES.concat()),
        };
        let letters = only_letters(&text);
        let cut = letters.char_indices().nth(letters.chars().count() * 9 / 10).map_or(0, |(at, _)| at);
        let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Circular);
        let corpus = settings.read_strings([&letters[..cut]])?;
        let model = NgramSettings::new(short).smoothing(Smoothing::WittenBell).fit_watched(&corpus, watch)?;
        let asked = Decoded::new(model, Decoding::new().temperature(options.temperature))?;
        let about = format!(
            "{} letters, {} different ones; the data are its n-grams of {long}, the model one of {short}",
            grouped(corpus.tokens().len()),
            corpus.vocab().len()
        );
        let data = watch.during("counting windows", || MarkovChain::observed(&corpus, long - 1))?;
        let real = corpus.encode_skipping(&letters[cut..]).tokens;
        Self::new(&title, about, data, asked, real, options, watch)
    }

    fn new(
        title: &str,
        about: String,
        data: MarkovChain<SparseOperator>,
        asked: impl LanguageModel + Send + 'static,
        real: Vec<Token>,
        options: &Options,
        watch: &mut Watch,
    ) -> Result<Self, Box<dyn Error>> {
        let lift = ModelLift::new().outside(Outside::Renormalize);
        let lifted = watch.during("asking the model", || lift.build(&data, &asked))?;
        let data_law = StationarySolver::new().solve_watched(&data, watch)?.converged()?.unique()?;
        let model_law = StationarySolver::new().solve_watched(&lifted.chain, watch)?.converged()?.unique()?;
        let own = written(&asked, options.tokens, options.seed)?;
        let leak = lifted.mean_leak(&data_law);
        let (title, asked) = (title.to_owned(), Box::new(asked));
        Ok(Self { title, about, data, data_law, model: lifted.chain, model_law, leak, own, real, asked })
    }
}

/// A text that a model writes from its own long run.
fn written(model: &impl LanguageModel, tokens: usize, seed: u64) -> Result<Vec<Token>, Box<dyn Error>> {
    let chain = MarkovChain::enumerated(model)?;
    let law = chain.stationary()?.converged()?;
    let walker = chain.walker()?;
    let walk = walker.walk(Start::Law(&law), seed)?.take(tokens);
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
