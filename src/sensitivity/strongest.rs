//! What moves when one probability of the model does.

use crate::chain::MarkovChain;
use crate::operator::{TransitionOperator, successors};
use crate::prob::{Best, sum_by};
use crate::text::Token;

/// Which change of one transition is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Of its probability, at the cost of the whole row in proportion.
    Probability,
    /// Of its logit, the natural logarithm of its probability, after which the
    /// row is divided by its sum.
    Logit,
}

/// How a number that a chain determines moves with the chain's probabilities.
///
/// It holds a weight `w(i)` for every row and a value `a(i, j)` for every
/// transition; in a direction `dP` the number moves by
///
/// ```text
/// sum over i of w(i) sum over j of dP(i, j) (a(i, j) - sum over k of P(i, k) a(i, k)).
/// ```
///
/// Taking the mean of the row away changes nothing in directions whose rows sum
/// to zero, and makes others mean the same with rows divided by their sums.
#[derive(Debug)]
pub struct Sensitivity<'a, O> {
    pub(super) chain: &'a MarkovChain<O>,
    pub(super) value: f64,
    /// `w`: how often a row is used.
    pub(super) weights: Vec<f64>,
    /// The part of `a` that depends on the state entered.
    pub(super) values: Vec<f64>,
    /// Its mean over each row.
    pub(super) expected: Vec<f64>,
    /// Entropies of the rows, in bits, where `a` has the surprisal of the
    /// transition in it too.
    pub(super) entropies: Option<Vec<f64>>,
}

/// A transition and how much a number moves with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransitionSensitivity {
    /// The state left.
    pub from: usize,
    /// The state entered.
    pub to: usize,
    /// The newest token of the state entered.
    pub token: Token,
    /// The probability of the transition.
    pub probability: f64,
    /// The change of the number for a small change of what was asked for, divided by it.
    pub derivative: f64,
}

impl<'a, O: TransitionOperator> Sensitivity<'a, O> {
    pub(super) fn new(
        chain: &'a MarkovChain<O>,
        value: f64,
        weights: Vec<f64>,
        values: Vec<f64>,
        with_surprisal: bool,
    ) -> Self {
        let mut expected = vec![0.0; chain.len()];
        chain.operator().pull_back(&values, &mut expected);
        let entropies = with_surprisal.then(|| {
            let mut entropies = vec![0.0; chain.len()];
            chain.operator().row_entropies(&mut entropies);
            entropies
        });
        Self { chain, value, weights, values, expected, entropies }
    }

    /// The number itself.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// How often each row is used: the stationary law, or the expected visits.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// `a(i, j)` less its mean over the row, for a transition of this probability.
    fn centred(&self, from: usize, to: usize, probability: f64) -> f64 {
        let state = self.values[to] - self.expected[from];
        let surprisal =
            self.entropies.as_ref().map_or(0.0, |entropies| -probability.log2() - entropies[from]);
        state + surprisal
    }

    fn weighted(&self, from: usize, of_row: f64) -> f64 {
        // A row that is never used has no say, not even where its value is infinite.
        if self.weights[from] == 0.0 { 0.0 } else { self.weights[from] * of_row }
    }

    /// The derivative as the probability of a transition, possible or not, grows at
    /// the cost of its row. For the entropy rate infinite where it was zero.
    ///
    /// # Panics
    ///
    /// If there is no such state; so do the other methods here.
    #[track_caller]
    pub fn of_probability(&self, from: usize, to: usize) -> f64 {
        let probability =
            if self.entropies.is_some() { self.chain.operator().probability(from, to) } else { 1.0 };
        self.weighted(from, self.centred(from, to, probability))
    }

    /// The derivative as the logit of a transition grows; zero where it is impossible.
    #[track_caller]
    pub fn of_logit(&self, from: usize, to: usize) -> f64 {
        let probability = self.chain.operator().probability(from, to);
        self.logit(from, to, probability)
    }

    fn logit(&self, from: usize, to: usize, probability: f64) -> f64 {
        if probability == 0.0 {
            0.0
        } else {
            self.weighted(from, probability * self.centred(from, to, probability))
        }
    }

    /// The derivative in a direction: changes `(from, to, dP)` of probabilities.
    /// Where those of a row do not sum to zero, the row is meant to be divided by
    /// its sum.
    #[track_caller]
    pub fn along(&self, direction: &[(usize, usize, f64)]) -> f64 {
        direction.iter().map(|&(from, to, change)| change * self.of_probability(from, to)).sum()
    }

    /// The possible transitions with which the number moves most, most first,
    /// ties in the order of the states. `O(transitions)`.
    pub fn strongest(&self, change: Change, count: usize) -> Vec<TransitionSensitivity> {
        let order = |a: &TransitionSensitivity, b: &TransitionSensitivity| {
            let size = b.derivative.abs().total_cmp(&a.derivative.abs());
            size.then((a.from, a.to).cmp(&(b.from, b.to)))
        };
        let mut best = Best::new(count, order);
        for from in (0..self.chain.len()).filter(|&from| self.weights[from] != 0.0) {
            best.extend(successors(self.chain.operator(), from).map(|next| {
                let (to, probability) = (next.state, next.probability);
                let derivative = match change {
                    Change::Probability => self.weighted(from, self.centred(from, to, probability)),
                    Change::Logit => self.logit(from, to, probability),
                };
                let token = self.chain.states().newest_token(to);
                TransitionSensitivity { from, to, token, probability, derivative }
            }));
        }
        best.into_sorted()
    }

    /// The variance of the number to first order, where every row is drawn with the
    /// covariance of a law with the chain's probabilities times `scale(row)`.
    pub(super) fn variance(&self, scale: impl Fn(usize) -> f64 + Sync) -> f64 {
        let of_row = |from: usize| {
            let square = |next: crate::operator::Transition| {
                next.probability * self.centred(from, next.state, next.probability).powi(2)
            };
            let within: f64 = successors(self.chain.operator(), from).map(square).sum();
            self.weights[from].powi(2) * within * scale(from)
        };
        sum_by(self.chain.len(), |from| if self.weights[from] == 0.0 { 0.0 } else { of_row(from) })
    }
}
