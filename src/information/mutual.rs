//! Mutual information by lag: of tokens, of topics.

use std::ops::Range;

use super::batches::in_runs;
use super::deviations::Deviations;
use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::{Law, divergence_term, sum_by};
use crate::solve::{Observer, Silent, check_operations};
use crate::topics::Topics;

/// What a token, or a topic, tells about the one `lag` steps later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LagInformation {
    /// Steps between the two.
    pub lag: usize,
    /// Mutual information, in bits.
    pub mutual_information: f64,
    /// Rational mutual information `sum p(a,b)^2 / (p(a) p(b)) - 1` (Lin &
    /// Tegmark 2017), the chi-square divergence from independence: no unit. In
    /// nats the mutual information `I` is at most this, and at most `ln(1 + this)`.
    pub rational: f64,
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// Mutual information `I(X_0; X_d)` of two tokens, for every lag `d` asked for, ascending.
    ///
    /// Exact: for each token `a`, the deviation of the law of the state from the stationary
    /// law, given that the token was `a`, is pushed forward. One product for each of the `V`
    /// tokens and each step up to the largest lag, however many lags are asked for, up to 16 of
    /// them at a time; two vectors of memory for each of these, within 1 GiB if there are several.
    ///
    /// # Accuracy
    ///
    /// Since deviations are pushed and not laws, and the terms that are added are not
    /// negative, the tail keeps its digits: 1e-40 bits are as right as 1e-4, if all
    /// that decays does so at about one rate. Where a slower decay is not excited at all,
    /// rounding excites it, and about 1e-32 of what there was at lag 0 stays behind.
    ///
    /// # Errors
    ///
    /// [`TooExpensive`](crate::Error::TooExpensive) beyond 10^12 multiplications.
    ///
    /// # Panics
    ///
    /// If the law is over other states, or the lags are not strictly ascending.
    #[track_caller]
    pub fn mutual_information(&self, stationary: &Law, lags: &[usize]) -> Result<Vec<LagInformation>> {
        self.mutual_information_watched(stationary, lags, &mut Silent)
    }

    /// As [`mutual_information`](Self::mutual_information), watched.
    ///
    /// # Errors
    ///
    /// As there, and [`Cancelled`](crate::Error::Cancelled) when the observer breaks.
    #[track_caller]
    pub fn mutual_information_watched(
        &self,
        stationary: &Law,
        lags: &[usize],
        observer: &mut dyn Observer,
    ) -> Result<Vec<LagInformation>> {
        self.check_law(stationary);
        let v = self.states().vocabulary_size();
        let what = "mutual information of tokens by lag";
        Labels { of_state: self.newest_tokens(), count: v, what }.by_lag(self, stationary, lags, observer)
    }

    /// Mutual information `I(f(S_0); f(S_d))` of the topics of two states, for every
    /// lag `d` asked for, ascending: how long the topic is remembered.
    ///
    /// One product for each topic and each step up to the largest lag. Accuracy as of
    /// [`mutual_information`](Self::mutual_information).
    ///
    /// # Errors
    ///
    /// [`TooExpensive`](crate::Error::TooExpensive) beyond 10^12 multiplications.
    ///
    /// # Panics
    ///
    /// If the law or the topics are of another chain, or the lags are not strictly ascending.
    #[track_caller]
    pub fn topic_information(
        &self,
        topics: &Topics,
        stationary: &Law,
        lags: &[usize],
    ) -> Result<Vec<LagInformation>> {
        self.topic_information_watched(topics, stationary, lags, &mut Silent)
    }

    /// As [`topic_information`](Self::topic_information), watched.
    ///
    /// # Errors
    ///
    /// As there, and [`Cancelled`](crate::Error::Cancelled) when the observer breaks.
    #[track_caller]
    pub fn topic_information_watched(
        &self,
        topics: &Topics,
        stationary: &Law,
        lags: &[usize],
        observer: &mut dyn Observer,
    ) -> Result<Vec<LagInformation>> {
        self.check_law(stationary);
        assert_eq!(topics.states(), self.len(), "topics of the states of this chain");
        let of_state = (0..self.len()).map(|state| topics.of_state(state) as u32).collect();
        let what = "mutual information of topics by lag";
        Labels { of_state, count: topics.count(), what }.by_lag(self, stationary, lags, observer)
    }
}

/// What is read off a state: its newest token, its topic.
struct Labels {
    of_state: Vec<u32>,
    count: usize,
    what: &'static str,
}

/// What one label adds, at one lag: to the mutual information in nats, to the rational one.
type Shares = (f64, f64);

impl Labels {
    #[track_caller]
    fn by_lag<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        stationary: &Law,
        lags: &[usize],
        observer: &mut dyn Observer,
    ) -> Result<Vec<LagInformation>> {
        assert!(lags.is_sorted_by(|a, b| a < b), "lags must be strictly ascending");
        let longest = lags.last().copied().unwrap_or(0);
        let needed = self.count as f64 * longest as f64 * chain.operator().stored_entries() as f64;
        check_operations(self.what, needed, "ask for shorter lags, or for topics of fewer kinds")?;
        let mut law = vec![0.0; self.count];
        stationary.iter().zip(&self.of_state).for_each(|(p, &label)| law[label as usize] += p);
        let present: Vec<usize> = (0..self.count).filter(|&label| law[label] > 0.0).collect();
        let run = |some: Range<usize>| self.shares(&present[some], &law, chain.operator(), stationary, lags);
        let size = (chain.len(), present.len());
        let shares: Vec<Vec<Shares>> = in_runs(size, self.what, observer, run)?;
        let total =
            |place: usize, of: fn(Shares) -> f64| sum_by(present.len(), |label| of(shares[label][place]));
        let at = |(place, &lag): (usize, &usize)| LagInformation {
            lag,
            mutual_information: total(place, |share| share.0) / std::f64::consts::LN_2,
            rational: total(place, |share| share.1),
        };
        Ok(lags.iter().enumerate().map(at).collect())
    }

    /// What each of some labels at time 0 adds at every lag.
    fn shares<O: TransitionOperator>(
        &self,
        labels: &[usize],
        law: &[f64],
        operator: &O,
        stationary: &Law,
        lags: &[usize],
    ) -> Vec<Vec<Shares>> {
        let others = |label: usize| law.iter().enumerate().filter(move |&(other, _)| other != label);
        let rest: Vec<f64> = labels.iter().map(|&label| others(label).map(|(_, q)| q).sum()).collect();
        // P(label at 0, state) - P(label) P(state).
        let mut deviations = Deviations::new(stationary.len(), labels.len(), |state, column| {
            let (mass, label) = (stationary[state], labels[column]);
            if self.of_state[state] as usize == label { rest[column] * mass } else { -law[label] * mass }
        });
        let mut shares = vec![Vec::with_capacity(lags.len()); labels.len()];
        let mut step = 0;
        for &lag in lags {
            while step < lag {
                deviations.step(operator, stationary);
                step += 1;
            }
            let joint = deviations.added_up(&self.of_state, self.count);
            for ((shares, &label), joint) in shares.iter_mut().zip(labels).zip(&joint) {
                shares.push(row(law[label], law, joint));
            }
        }
        shares
    }
}

/// What a row of the joint law adds, given the law of both labels, the
/// probability of the one that the row is of, and the deviations from independence.
fn row(p: f64, law: &[f64], deviations: &[f64]) -> Shares {
    let add = |(bits, chi): Shares, (&q, &deviation): (&f64, &f64)| {
        if q == 0.0 {
            return (bits, chi);
        }
        // One division after the other: the product of the two may underflow.
        let ratio = deviation / p / q;
        (bits + divergence_term(p * q, deviation, ratio), chi + deviation * ratio)
    };
    law.iter().zip(deviations).fold((0.0, 0.0), add)
}
