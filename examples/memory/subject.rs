//! The text and its models, and all that is measured of them.

use std::error::Error;

use lmchain::chain::MarkovChain;
use lmchain::information::{
    CausalStateSolver, EffectiveSample, EffectiveSampleSolver, LagEstimate, LagInformation, TextInformation,
};
use lmchain::mixing::SecondEigenvalueSolver;
use lmchain::model::{NgramSettings, Smoothing};
use lmchain::solve::Outcome;
use lmchain::stationary::StationarySolver;
use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer};

use crate::options::{ESTIMATOR, Options};
use crate::support::Watch;

const VOICES: [&str; 3] = [
    include_str!("../data/kitchen.txt"),
    include_str!("../data/harbor.txt"),
    include_str!("../data/observatory.txt"),
];

pub(crate) struct Subject {
    pub(crate) title: String,
    pub(crate) corpus: Corpus,
    pub(crate) estimates: Vec<LagEstimate>,
    pub(crate) effective: Outcome<EffectiveSample>,
}

impl Subject {
    pub(crate) fn read(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Open);
        let (title, corpus) = match &options.path {
            Some(path) => (path.display().to_string(), settings.read_files(&[path])?),
            None => {
                let title = "Three voices: a kitchen, a harbor, an observatory";
                (title.to_owned(), settings.read_strings([VOICES.concat()])?)
            }
        };
        let longest = options.longest.min(corpus.tokens().len() / 4);
        let settings =
            TextInformation::new().estimator(ESTIMATOR).shuffles(options.shuffles).seed(options.seed);
        let estimates = settings.measure_watched(&corpus, &lags(longest), watch)?;
        let effective = EffectiveSampleSolver::new().measure_labels(corpus.tokens())?;
        Ok(Self { title, corpus, estimates, effective })
    }
}

/// All lags up to ten, then about twelve to a factor of ten.
pub(crate) fn lags(longest: usize) -> Vec<usize> {
    let ratio = 10f64.powf(1.0 / 12.0);
    let mut lags: Vec<usize> = (1..=longest.min(10)).collect();
    let mut lag = 10.0;
    while lag * ratio <= longest as f64 + 0.5 {
        lag *= ratio;
        lags.push(lag.round() as usize);
    }
    lags.dedup();
    lags
}

/// A model that sees so many characters, and what it remembers.
pub(crate) struct Model {
    pub(crate) context: usize,
    pub(crate) states: usize,
    pub(crate) by_lag: Vec<LagInformation>,
    /// `h_m` for `m = 0..=K`.
    pub(crate) entropies: Vec<f64>,
    pub(crate) excess: f64,
    pub(crate) order: usize,
    pub(crate) order_within: usize,
    pub(crate) causal_states: usize,
    pub(crate) complexity: f64,
    /// The modulus of the second eigenvalue, if found.
    pub(crate) second: Option<f64>,
}

/// Bits that may be left unknown by an approximate order.
pub(crate) const LEFT: f64 = 0.1;

impl Model {
    pub(crate) fn fit(
        subject: &Subject,
        context: u8,
        options: &Options,
        watch: &mut Watch,
    ) -> Result<Self, Box<dyn Error>> {
        let context = usize::from(context);
        let settings = NgramSettings::new(context + 1).smoothing(Smoothing::WittenBell);
        let model = watch.during("counting", || settings.fit(&subject.corpus))?;
        let chain = MarkovChain::smoothed(&model)?;
        let law = StationarySolver::new().tolerance(1e-13).solve_watched(&chain, watch)?;
        let law = law.converged()?.unique()?;
        let lags: Vec<usize> = (1..=options.followed).collect();
        let by_lag = chain.mutual_information_watched(&law, &lags, watch)?;
        let causal = CausalStateSolver::new().solve_watched(&chain, &law, watch)?;
        let second = watch.during("second eigenvalue", || {
            SecondEigenvalueSolver::new().tolerance(1e-8).solve(&chain, &law)
        })?;
        Ok(Self {
            context,
            states: chain.len(),
            by_lag,
            entropies: chain.conditional_entropies(&law)?,
            excess: chain.excess_entropy(&law)?,
            order: watch.during("effective order", || chain.effective_order(&law))?,
            order_within: chain.effective_order_within(&law, LEFT)?,
            causal_states: causal.count(),
            complexity: causal.statistical_complexity(),
            second: second.converged().ok().map(|second| second.modulus()),
        })
    }

    /// Its entropy rate, in bits a character.
    pub(crate) fn rate(&self) -> f64 {
        self.entropies[self.context]
    }

    /// Lags and bits.
    pub(crate) fn curve(&self) -> Vec<(usize, f64)> {
        self.by_lag.iter().map(|at| (at.lag, at.mutual_information)).collect()
    }
}
