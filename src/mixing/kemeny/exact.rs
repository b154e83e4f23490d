//! Kemeny's constant of small chains, without cancellation.

use rayon::prelude::*;

use super::recurrent_class;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, successors};
use crate::prob::Law;
use crate::solve::{Observer, Silent, report};

/// States beyond which it takes too long.
const LARGEST: usize = 4096;

/// Rows below which one thread eliminates faster than several.
const PARALLEL_FROM: usize = 256;

/// What the observer is told.
const STAGE: &str = "Kemeny's constant";

/// Kemeny's constant, in both conventions.
///
/// The mean number of steps to a state drawn from the stationary law is the
/// same from every recurrent state (Kemeny & Snell, *Finite Markov Chains*, 1960,
/// theorem 4.4.10). It is the trace of the **deviation matrix**,
///
/// ```text
/// D = sum over t >= 0 of (P^t - 1 pi),      K = tr D = sum over i >= 2 of 1 / (1 - lambda_i).
/// ```
///
/// Every eigenvalue 0 of the nilpotent part of a context chain adds 1, so it is at
/// least about the number of states: it measures how hard *windows* are to
/// find, and forgetting only as far as it exceeds that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KemenyConstant {
    zero_diagonal: f64,
}

impl KemenyConstant {
    /// The mean number of steps to a state drawn from the stationary law, none if it
    /// is the one that one is in: `sum over j of pi(j) m(i, j)` with `m(j, j) = 0`.
    pub fn zero_diagonal(&self) -> f64 {
        self.zero_diagonal
    }

    /// The same with the mean *return* time for the state that one is in,
    /// `m(j, j) = 1 / pi(j)`: one more.
    pub fn return_diagonal(&self) -> f64 {
        self.zero_diagonal + 1.0
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// Kemeny's constant, of the recurrent class.
    ///
    /// `sum over j of pi(j) m(a, j)` for one state `a`, the most probable. The mean times `m(a, j)` are
    /// found by state reduction, as in Kohlas (1986): a state is removed and its
    /// traffic and the time spent in it handed on; the mean times between those that are left stay
    /// what they are. Once all but `a` and `j` are removed, `m(a, j)` is the time a
    /// stay in `a` takes over the probability that it ends in `j`. The states are removed by halves,
    /// so that all `j` take `O(N^3)` together. Nothing is ever subtracted: the
    /// result is right to a small multiple of N units of rounding, of a chain that is nearly decomposable
    /// too, provided that the stationary law is right in every component, as one by
    /// [`StationaryMethod::Gth`](crate::stationary::StationaryMethod) is.
    ///
    /// About `N^3` operations and `24 N^2` bytes for N recurrent states, at most 4,096.
    ///
    /// # Errors
    ///
    /// [`Error::SeveralRecurrentClasses`]; [`Error::TooExpensive`] beyond 4,096
    /// recurrent states, where there is [`KemenyEstimator`](super::KemenyEstimator);
    /// [`Error::Underflow`].
    ///
    /// # Panics
    ///
    /// If the stationary law is over other states.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::MarkovChain;
    /// use ndarray::array;
    ///
    /// // The other eigenvalue is 0.6.
    /// let chain = MarkovChain::from_dense(array![[0.7, 0.3], [0.1, 0.9]].view())?;
    /// let law = chain.stationary()?.converged()?;
    /// let kemeny = chain.kemeny_constant(&law)?;
    /// assert!((kemeny.zero_diagonal() - 1.0 / (1.0 - 0.6)).abs() < 1e-14);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    #[track_caller]
    pub fn kemeny_constant(&self, stationary: &Law) -> Result<KemenyConstant> {
        self.kemeny_constant_watched(stationary, &mut Silent)
    }

    /// As [`kemeny_constant`](Self::kemeny_constant), watched: progress is counted
    /// in states whose mean time is known.
    ///
    /// # Errors
    ///
    /// As `kemeny_constant`, and [`Error::Cancelled`].
    #[track_caller]
    pub fn kemeny_constant_watched(
        &self,
        stationary: &Law,
        observer: &mut dyn Observer,
    ) -> Result<KemenyConstant> {
        assert_eq!(stationary.len(), self.len(), "a law over the states of the chain");
        let mut states = recurrent_class(self)?.to_vec();
        check_size(states.len())?;
        // The reference comes first: the most probable state is entered soonest.
        let probability = |place: &usize| stationary[states[*place] as usize];
        let first = (0..states.len()).max_by(|a, b| probability(a).total_cmp(&probability(b)));
        let first = first.unwrap_or(0);
        states[..=first].rotate_right(1);
        let mut means = Means { laws: stationary, observer, sum: 0.0, done: 0, total: states.len() as u64 };
        means.add(&SemiMarkov::of(self.operator(), states))?;
        Ok(KemenyConstant { zero_diagonal: means.sum })
    }
}

fn check_size(states: usize) -> Result<()> {
    if states <= LARGEST {
        return Ok(());
    }
    Err(Error::TooExpensive {
        what: "Kemeny's constant by elimination",
        needed: (states as f64).powi(3),
        allowed: (LARGEST as f64).powi(3),
        remedy: "estimate it with KemenyEstimator",
    })
}

/// Collects `pi(j) m(a, j)`.
struct Means<'a> {
    laws: &'a Law,
    observer: &'a mut dyn Observer,
    sum: f64,
    done: u64,
    total: u64,
}

impl Means<'_> {
    /// Adds the terms of all states of a process but its first, the reference.
    fn add(&mut self, process: &SemiMarkov) -> Result<()> {
        let n = process.states.len();
        match n {
            1 => return Ok(()),
            2 => {
                let state = process.states[1] as usize;
                self.sum += self.laws[state] * process.holding[0] / process.leaving(0)?;
                self.done += 1;
                return report(self.observer, STAGE, self.done, Some(self.total));
            }
            _ => {}
        }
        let middle = n / 2 + 1;
        for kept in [1..middle, middle..n] {
            self.add(&process.reduced(kept)?)?;
        }
        Ok(())
    }
}

/// A chain that stays for some time in every state, on average, before it goes on.
struct SemiMarkov {
    states: Vec<u32>,
    /// Row by row; the probability of staying is not read.
    matrix: Vec<f64>,
    holding: Vec<f64>,
}

impl SemiMarkov {
    fn of<O: TransitionOperator>(operator: &O, states: Vec<u32>) -> Self {
        let n = states.len();
        let mut place = vec![u32::MAX; operator.states()];
        for (at, &state) in states.iter().enumerate() {
            place[state as usize] = at as u32;
        }
        let mut matrix = vec![0.0; n * n];
        for (row, &state) in matrix.chunks_exact_mut(n).zip(&states) {
            for to in successors(operator, state as usize) {
                // A recurrent class is closed.
                row[place[to.state] as usize] += to.probability;
            }
        }
        Self { matrix, holding: vec![1.0; n], states }
    }

    /// The process watched only while it is in the first state and those kept.
    fn reduced(&self, kept: std::ops::Range<usize>) -> Result<Self> {
        let n = self.states.len();
        let is_kept = |place: &usize| *place == 0 || kept.contains(place);
        let mut order: Vec<usize> = (0..n).filter(is_kept).collect();
        let left = order.len();
        order.extend((1..n).filter(|place| !is_kept(place)));
        let mut process = self.permuted(&order);
        for last in (left..n).rev() {
            process.remove(last, n)?;
        }
        let matrix =
            process.matrix.chunks_exact(n).take(left).flat_map(|row| &row[..left]).copied().collect();
        process.holding.truncate(left);
        process.states.truncate(left);
        Ok(Self { matrix, ..process })
    }

    fn permuted(&self, order: &[usize]) -> Self {
        let n = order.len();
        let row = |&from: &usize| order.iter().map(move |&to| self.matrix[from * n + to]);
        Self {
            matrix: order.iter().flat_map(row).collect(),
            holding: order.iter().map(|&place| self.holding[place]).collect(),
            states: order.iter().map(|&place| self.states[place]).collect(),
        }
    }

    /// Removes the last of the states that are left, in rows of `n` entries: whoever
    /// led to it goes on as it would, after the time spent there.
    fn remove(&mut self, last: usize, n: usize) -> Result<()> {
        let (rest, row) = self.matrix.split_at_mut(last * n);
        let row = &row[..last];
        let leaving = normal(row.iter().sum(), self.states[last])?;
        let (holding, removed) = self.holding.split_at_mut(last);
        let time = removed[0] / leaving;
        let hand_on = |(target, holding): (&mut [f64], &mut f64)| {
            let entering = target[last];
            if entering > 0.0 {
                let share = entering / leaving;
                target[..last].iter_mut().zip(row).for_each(|(p, q)| *p += share * q);
                *holding += entering * time;
            }
        };
        if last < PARALLEL_FROM {
            rest.chunks_exact_mut(n).zip(holding).for_each(hand_on);
        } else {
            rest.par_chunks_exact_mut(n).zip(holding).for_each(hand_on);
        }
        Ok(())
    }

    /// The probability of leaving one of two states.
    fn leaving(&self, place: usize) -> Result<f64> {
        normal(self.matrix[place * 2 + 1 - place], self.states[place])
    }
}

fn normal(leaving: f64, state: u32) -> Result<f64> {
    if leaving.is_normal() { Ok(leaving) } else { Err(Error::Underflow { state: state as usize }) }
}
