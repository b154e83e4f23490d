//! The chain that is questioned: what a model says under top-k decoding.

use std::error::Error;

use lmchain::chain::{Exploration, MarkovChain, StateSet};
use lmchain::model::{Decoded, Decoding, NgramSettings, Smoothing};
use lmchain::operator::SparseOperator;
use lmchain::prob::Law;
use lmchain::reverse::History;
use lmchain::text::{Corpus, CorpusSettings, Token, Tokenizer};

use crate::options::Options;
use crate::support::Watch;

/// The text that comes along.
const LOG: &str = include_str!("../data/harbor.txt");

pub(crate) struct Subject {
    pub(crate) title: String,
    pub(crate) corpus: Corpus,
    pub(crate) chain: MarkovChain<SparseOperator>,
    pub(crate) stationary: Law,
    pub(crate) bad: StateSet,
    pub(crate) safe: StateSet,
}

impl Subject {
    pub(crate) fn read(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        let settings = CorpusSettings::new(Tokenizer::words().lower_case(true));
        let (title, corpus) = match &options.path {
            Some(path) => (path.display().to_string(), settings.read_files(&[path])?),
            None => ("The log of the ketch Merganser".to_owned(), settings.read_strings([LOG])?),
        };
        let word = |name: &str| corpus.vocab().token(name).ok_or(format!("the text has no word {name:?}"));
        let (bad, safe) = (word(&options.bad)?, word(&options.safe)?);
        if bad == safe {
            return Err(format!("{:?} cannot be both bad and safe", options.bad).into());
        }
        let order = usize::from(options.order);
        let model = NgramSettings::new(order).smoothing(Smoothing::WittenBell).fit(&corpus)?;
        let decoded = Decoded::new(&model, Decoding::new().top_k(options.top_k))?;
        let prompt = corpus.tokens().get(..order - 1).ok_or("the text is shorter than a context")?;
        let too_many = |error| format!("{error} (lower --top-k or --order)");
        let chain = Exploration::new().build_watched(&decoded, &[prompt], watch).map_err(too_many)?;
        let stationary = watch.during("where it goes", || chain.stationary())?.converged()?;
        let said = |token: Token| {
            StateSet::ending_with(chain.states(), &[&[token]])
                .map_err(|_| format!("the model never says {:?}; raise --top-k", corpus.vocab().name(token)))
        };
        let (bad, safe) = (said(bad)?, said(safe)?);
        Ok(Self { title, chain, stationary, bad, safe, corpus })
    }

    /// The tokens of a history after it was last safe, with the context that the
    /// first of them needs.
    pub(crate) fn since_safe(&self, history: &History) -> Vec<Token> {
        let tokens = history.tokens(self.chain.states());
        let last_safe = history.states.iter().rposition(|&state| self.safe.contains(state));
        tokens[last_safe.map_or(0, |last| last + 1)..].to_vec()
    }
}
