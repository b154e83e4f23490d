//! The parity toy of Zekri et al., *Large language models as Markov chains* (2024).

use std::error::Error;

use lmchain::chain::MarkovChain;
use lmchain::mixing::{BoundKind, MixingTimeSolver, SecondEigenvalueSolver};
use lmchain::model::{Decoded, Decoding, TableModel};

/// By how much the logit of the right bit is above that of the wrong one.
const GAP: f64 = 5.5;

/// Distance that counts as mixed.
pub(crate) const LEVEL: f64 = 0.25;

/// The toy at one temperature.
pub(crate) struct Toy {
    pub(crate) temperature: f64,
    /// The probability that the next bit is not the parity of the last three.
    pub(crate) wrong: f64,
    /// How far the stationary law is from uniform.
    pub(crate) from_uniform: f64,
    pub(crate) modulus: f64,
    /// What is left of the distance once the prompt has left the window.
    pub(crate) after_purge: f64,
    pub(crate) mixing_time: Option<u64>,
    pub(crate) dobrushin: Option<u64>,
    pub(crate) zekri: Option<u64>,
}

/// The next bit is the parity of the last three, but for noise.
fn model() -> lmchain::Result<TableModel> {
    let wrong = 1.0 / (1.0 + GAP.exp());
    let row = |context: u32| {
        let right = context.count_ones() as usize % 2;
        let mut law = [wrong; 2];
        law[right] = 1.0 - wrong;
        law
    };
    TableModel::from_rows(3, &(0..8).map(row).collect::<Vec<_>>())
}

pub(crate) fn sweep() -> Result<Vec<Toy>, Box<dyn Error>> {
    let model = model()?;
    let measure = |temperature: f64| -> Result<Toy, Box<dyn Error>> {
        let decoded = Decoded::new(&model, Decoding::new().temperature(temperature))?;
        let chain = MarkovChain::enumerated(&decoded)?;
        let law = chain.stationary()?.converged()?;
        let second = SecondEigenvalueSolver::new().solve(&chain, &law)?;
        let bounds = chain.mixing_bounds(&law, 3);
        let first = |kind| bounds.get(kind).and_then(|bound| bound.first_below(LEVEL));
        Ok(Toy {
            temperature,
            wrong: 1.0 / (1.0 + (GAP / temperature).exp()),
            from_uniform: law.iter().map(|p| (p - 0.125).abs()).sum::<f64>() / 2.0,
            modulus: second.converged()?.modulus(),
            after_purge: chain.worst_forgetting(&law, 3)?.after_purge(),
            mixing_time: MixingTimeSolver::new().solve(&chain, &law)?,
            dobrushin: first(BoundKind::Dobrushin),
            zekri: first(BoundKind::Zekri),
        })
    };
    [0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0].into_iter().map(measure).collect()
}
