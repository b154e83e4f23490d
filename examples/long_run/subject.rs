//! The model, its chain, and the text it was made from.

use std::error::Error;
use std::path::Path;

use lmchain::chain::MarkovChain;
use lmchain::model::{NgramModel, NgramSettings, Smoothing};
use lmchain::operator::BackoffOperator;
use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer};

use crate::support::Watch;

const VOICES: [&str; 3] = [
    include_str!("../data/kitchen.txt"),
    include_str!("../data/harbor.txt"),
    include_str!("../data/observatory.txt"),
];

pub(crate) struct Subject {
    pub(crate) title: String,
    pub(crate) model: NgramModel,
    /// Whether the laws had to be scaled to sum to one.
    pub(crate) was_rounded: bool,
    pub(crate) chain: MarkovChain<BackoffOperator>,
    pub(crate) text: Option<Corpus>,
}

impl Subject {
    /// A model that comes along: of three voices, a line a sentence.
    pub(crate) fn voices() -> Result<Self, Box<dyn Error>> {
        let settings = CorpusSettings::new(Tokenizer::whitespace().lower_case(true));
        let settings = settings.document_end(DocumentEnd::Reset).unknown_token(true);
        let text = settings.read_strings(VOICES.iter().flat_map(|voice| voice.lines()))?;
        let model = NgramSettings::new(3).smoothing(Smoothing::ModifiedKneserNey);
        // The voices are too short to estimate every discount.
        let model = model.fallback_discounts([0.5, 1.0, 1.5]).fit(&text)?;
        Self::new("Three voices: a kitchen, a harbor, an observatory".into(), model, Some(text))
    }

    /// The model of an ARPA file.
    pub(crate) fn read(
        path: &Path,
        text: Option<&Path>,
        lower_case: bool,
        watch: &mut Watch,
    ) -> Result<Self, Box<dyn Error>> {
        let model = NgramModel::read_arpa_watched(path, watch)?;
        let settings = CorpusSettings::new(Tokenizer::whitespace().lower_case(lower_case));
        let settings = settings.document_end(DocumentEnd::Reset).vocab(model.vocab().clone());
        let text = text.map(|text| settings.read_lines_watched(text, watch)).transpose()?;
        Self::new(path.display().to_string(), model, text)
    }

    fn new(title: String, mut model: NgramModel, text: Option<Corpus>) -> Result<Self, Box<dyn Error>> {
        let mut chain = MarkovChain::smoothed(&model);
        let was_rounded = matches!(chain, Err(lmchain::Error::ContextSum { .. }));
        if was_rounded {
            model = model.normalized()?;
            chain = MarkovChain::smoothed(&model);
        }
        Ok(Self { title, chain: chain?, model, was_rounded, text })
    }
}
