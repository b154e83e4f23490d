//! The slow and obvious.

use lmchain::chain::MarkovChain;
use lmchain::operator::{TransitionOperator, successors};
use lmchain::prob::{Law, relative_entropy};
use ndarray::Array2;

/// The transition matrix in full.
pub(crate) fn dense<O: TransitionOperator>(chain: &MarkovChain<O>) -> Array2<f64> {
    let mut matrix = Array2::zeros((chain.len(), chain.len()));
    for from in 0..chain.len() {
        for to in successors(chain.operator(), from) {
            matrix[[from, to.state]] += to.probability;
        }
    }
    matrix
}

/// For `t = 0..=steps` the laws from every start, and the law from the law of starts.
pub(crate) fn laws<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    start: &Law,
    steps: usize,
) -> Vec<(Array2<f64>, Vec<f64>)> {
    let matrix = dense(chain);
    let mut power = Array2::eye(chain.len());
    let weights = ndarray::Array1::from(start.to_vec());
    (0..=steps)
        .map(|_| {
            let at = (power.clone(), weights.dot(&power).to_vec());
            power = power.dot(&matrix);
            at
        })
        .collect()
}

/// `I(S_0; S_t)` for a law of the start.
pub(crate) fn information<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    start: &Law,
    steps: usize,
) -> Vec<f64> {
    let at = |(rows, mixture): (Array2<f64>, Vec<f64>)| {
        let from = |state: usize| start[state] * relative_entropy(&rows.row(state).to_vec(), &mixture);
        (0..start.len()).filter(|&state| start[state] > 0.0).map(from).sum()
    };
    laws(chain, start, steps).into_iter().map(at).collect()
}

/// Whether two states of a chain of contexts have the same future, for all pairs:
/// the greatest relation that steps respect.
pub(crate) fn same_future<O: TransitionOperator>(chain: &MarkovChain<O>) -> Vec<Vec<bool>> {
    let row = |state: usize| -> Vec<(u32, u64, usize)> {
        let step = |to: lmchain::operator::Transition| {
            (chain.states().newest_token(to.state), to.probability.to_bits(), to.state)
        };
        successors(chain.operator(), state).map(step).collect()
    };
    let rows: Vec<_> = (0..chain.len()).map(row).collect();
    let labels = |state: usize| rows[state].iter().map(|&(token, p, _)| (token, p));
    let mut same: Vec<Vec<bool>> =
        (0..chain.len()).map(|i| (0..chain.len()).map(|j| labels(i).eq(labels(j))).collect()).collect();
    loop {
        let before = same.clone();
        for i in 0..chain.len() {
            for j in 0..chain.len() {
                let together = |(a, b): (&(u32, u64, usize), &(u32, u64, usize))| before[a.2][b.2];
                same[i][j] = before[i][j] && rows[i].iter().zip(&rows[j]).all(together);
            }
        }
        if same == before {
            return same;
        }
    }
}
