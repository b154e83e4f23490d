//! The text and its models, and all that is measured of them.

use std::error::Error;

use lmchain::chain::MarkovChain;
use lmchain::information::{
    CausalStateSolver, EffectiveSample, EffectiveSampleSolver, LagEstimate, LagInformation, ShuffleFloor,
    TextInformation, slopes,
};
use lmchain::mixing::SecondEigenvalueSolver;
use lmchain::model::{NgramSettings, Smoothing};
use lmchain::operator::BackoffOperator;
use lmchain::prob::Law;
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

/// Whether an estimate is above every shuffle, and so far that none of many lags is so by chance.
pub(crate) fn stands_out(at: &LagEstimate) -> bool {
    let far = |floor: ShuffleFloor| at.above_floor() > 4.0 * floor.deviation;
    at.is_significant() && at.floor.is_some_and(far)
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
    /// The modulus of the second eigenvalue, and whether it was only judged by the end of the curve.
    pub(crate) second: (f64, bool),
}

/// Chains of more states have their second eigenvalue judged by how information falls.
const SOLVED: usize = 5_000;

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
        let law = StationarySolver::new().solve_watched(&chain, watch)?;
        let law = law.converged()?.unique()?;
        let followed: Vec<usize> = (1..=options.followed).collect();
        let by_lag = chain.mutual_information_watched(&law, &followed, watch)?;
        let causal = CausalStateSolver::new().solve_watched(&chain, &law, watch)?;
        Ok(Self {
            context,
            states: chain.len(),
            entropies: chain.conditional_entropies(&law)?,
            excess: chain.excess_entropy(&law)?,
            order: watch.during("effective order", || chain.effective_order(&law))?,
            order_within: chain.effective_order_within(&law, LEFT)?,
            causal_states: causal.count(),
            complexity: causal.statistical_complexity(),
            second: second_eigenvalue(&chain, &law, &by_lag, watch)?,
            by_lag,
        })
    }

    /// Its entropy rate, in bits a character.
    pub(crate) fn rate(&self) -> f64 {
        self.entropies[self.context]
    }

    /// Lags that double and bits: a complex eigenvalue makes information swing, which
    /// evens out from one of these to the next.
    pub(crate) fn doubling(&self) -> Vec<(usize, f64)> {
        doubling(&self.by_lag)
    }

    /// Lags and bits.
    pub(crate) fn curve(&self) -> Vec<(usize, f64)> {
        self.by_lag.iter().map(|at| (at.lag, at.mutual_information)).collect()
    }
}

fn doubling(by_lag: &[LagInformation]) -> Vec<(usize, f64)> {
    let doubling = by_lag.iter().filter(|at| at.lag.is_power_of_two());
    doubling.map(|at| (at.lag, at.mutual_information)).collect()
}

/// The modulus of the second eigenvalue: of a large chain the one that would make
/// information fall as it does in the end of what was followed.
fn second_eigenvalue(
    chain: &MarkovChain<BackoffOperator>,
    law: &Law,
    by_lag: &[LagInformation],
    watch: &mut Watch,
) -> lmchain::Result<(f64, bool)> {
    if chain.len() <= SOLVED {
        let solver = SecondEigenvalueSolver::new().tolerance(1e-4);
        let second = watch.during("second eigenvalue", || solver.solve(chain, law))?;
        if second.is_converged() {
            return Ok((second.value().modulus(), false));
        }
    }
    let last = slopes(&doubling(by_lag)).last().map_or(f64::NAN, |slope| slope.rate);
    Ok(((last / 2.0).exp(), true))
}
