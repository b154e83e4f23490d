//! A model of the characters of a text, one of the text read backwards, and what is to be said.

use std::error::Error;
use std::fs;

use lmchain::chain::{Enumeration, MarkovChain};
use lmchain::model::{NgramModel, NgramSettings};
use lmchain::operator::{ShiftOperator, TransitionOperator};
use lmchain::prob::Law;
use lmchain::text::{Corpus, CorpusSettings, Token, Tokenizer};

use crate::options::Options;
use crate::support::Watch;

/// The text that comes along.
const LOG: &str = include_str!("../data/harbor.txt");

/// The most bytes that a table of all contexts may take: what is asked here is
/// asked many times.
pub(crate) const MEMORY: u128 = 1 << 30;

pub(crate) struct Subject {
    pub(crate) title: String,
    pub(crate) corpus: Corpus,
    pub(crate) model: NgramModel,
    /// Fitted to the text read backwards. It looks at no more than the suffix has.
    pub(crate) reverse: NgramModel,
    /// Of all contexts of the model.
    pub(crate) chain: MarkovChain<ShiftOperator>,
    pub(crate) stationary: Law,
    pub(crate) suffix: Vec<Token>,
}

impl Subject {
    pub(crate) fn read(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        check(options)?;
        let (title, text) = text(options)?;
        let settings = CorpusSettings::new(Tokenizer::characters().lower_case(true));
        let corpus = settings.read_strings([text])?;
        let suffix = encode(&corpus, &options.suffix)?;
        let model = NgramSettings::new(options.context + 1).fit(&corpus)?;
        let known = options.context.min(suffix.len());
        let reverse = NgramSettings::new(known + 1).fit(&corpus.reversed())?;
        let chain = Enumeration::new().memory_limit(MEMORY).build_watched(&model, watch)?;
        let stationary = watch.during("where it goes", || chain.stationary())?.converged()?;
        Ok(Self { title, corpus, model, reverse, chain, stationary, suffix })
    }

    /// The probability of the suffix after every context: pulled back from its last token.
    pub(crate) fn after_contexts(&self) -> Vec<f64> {
        let (operator, space) = (self.chain.operator(), self.chain.operator().space());
        let mut after = vec![1.0; self.chain.len()];
        for &token in self.suffix.iter().rev() {
            let said = |context: usize| {
                let next = space.shift(context, token);
                operator.probability(context, next) * after[next]
            };
            after = (0..self.chain.len()).map(said).collect();
        }
        after
    }

    /// Bits a character of the suffix.
    pub(crate) fn loss(&self, probability: f64) -> f64 {
        -probability.log2() / self.suffix.len() as f64
    }
}

fn check(options: &Options) -> Result<(), Box<dyn Error>> {
    let Options { suffix, length, context, naturalness, .. } = options;
    if suffix.is_empty() {
        return Err("the suffix is empty".into());
    }
    if *context == 0 {
        return Err("a model that sees no character has no contexts; raise --context".into());
    }
    if length < context {
        return Err(format!(
            "a prefix of {length} is less than the {context} characters that the model sees; raise --length"
        )
        .into());
    }
    if naturalness.is_empty() {
        return Err("there is no weight; give --naturalness at least one".into());
    }
    Ok(())
}

/// What the text is called, and the text with all white space made single spaces.
fn text(options: &Options) -> Result<(String, String), Box<dyn Error>> {
    let (title, text) = match &options.path {
        Some(path) => {
            let title = path.display().to_string();
            let text = fs::read_to_string(path).map_err(|error| format!("{title}: {error}"))?;
            (title, text)
        }
        None => ("The log of the ketch Merganser".to_owned(), LOG.to_owned()),
    };
    Ok((title, text.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn encode(corpus: &Corpus, text: &str) -> Result<Vec<Token>, Box<dyn Error>> {
    let token = |piece: String| {
        let missing = || format!("the text has no character {piece:?}").into();
        corpus.vocab().token(&piece).ok_or_else(missing)
    };
    corpus.tokenizer().tokenize(text).into_iter().map(token).collect()
}
