//! Mutual information of tokens by lag.

use rayon::prelude::*;

use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::{Law, sum_by};
use crate::solve::{MEMORY_LIMIT, check_memory, check_operations};

/// What a token tells about the token `lag` steps later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LagInformation {
    /// Steps between the two tokens.
    pub lag: usize,
    /// Mutual information `I(X_0; X_lag)`, in bits. Below about 1e-13 it is rounding.
    pub mutual_information: f64,
    /// Rational mutual information `sum p(a,b)^2 / (p(a) p(b)) - 1` (Lin &
    /// Tegmark 2017), the chi-square divergence from independence: no unit.
    pub rational: f64,
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// Mutual information of two tokens, for every lag asked for, ascending.
    ///
    /// The joint law of the tokens at times `0` and `d` is exact: the
    /// stationary law restricted to each token is pushed forward. `V` times the
    /// largest lag products, two vectors of memory per thread and `V^2` per lag.
    ///
    /// # Errors
    ///
    /// [`TooExpensive`](crate::Error::TooExpensive) beyond 10^12 multiplications, [`TooLarge`](crate::Error::TooLarge)
    /// beyond 8 GiB.
    ///
    /// # Panics
    ///
    /// If the law is over other states, or the lags are not strictly ascending.
    #[track_caller]
    pub fn mutual_information(&self, stationary: &Law, lags: &[usize]) -> Result<Vec<LagInformation>> {
        self.check_law(stationary);
        assert!(lags.is_sorted_by(|a, b| a < b), "lags must be strictly ascending");
        let v = self.states().vocabulary_size();
        let longest = lags.last().copied().unwrap_or(0);
        let needed = v as f64 * longest as f64 * self.operator().stored_entries() as f64;
        let remedy = "ask for shorter lags, or use a smaller vocabulary";
        check_operations("mutual information by lag", needed, remedy)?;
        let memory = lags.len() as u128 * (v as u128).pow(2) * size_of::<f64>() as u128;
        check_memory("the joint laws of two tokens", memory, MEMORY_LIMIT)?;
        let newest = self.newest_tokens();
        let rows: Vec<Vec<f64>> =
            (0..v).into_par_iter().map(|token| self.joint_rows(stationary, &newest, token, lags)).collect();
        let joint = |place: usize| {
            let row = |token: usize| rows[token][place * v..(place + 1) * v].iter().copied();
            (0..v).flat_map(row).collect::<Vec<f64>>()
        };
        Ok(lags.iter().enumerate().map(|(place, &lag)| information(lag, &joint(place), v)).collect())
    }

    /// `P(X_0 = token, X_d = b)` for every lag `d` and token `b`.
    fn joint_rows(&self, stationary: &Law, newest: &[u32], token: usize, lags: &[usize]) -> Vec<f64> {
        let v = self.states().vocabulary_size();
        let mut joint = vec![0.0; lags.len() * v];
        let only = |(&p, &t): (&f64, &u32)| if t as usize == token { p } else { 0.0 };
        let mut law: Vec<f64> = stationary.iter().zip(newest).map(only).collect();
        if law.iter().all(|&p| p == 0.0) {
            return joint;
        }
        let mut next = vec![0.0; law.len()];
        let mut step = 0;
        for (place, &lag) in lags.iter().enumerate() {
            while step < lag {
                self.operator().push_forward(&law, &mut next);
                std::mem::swap(&mut law, &mut next);
                step += 1;
            }
            let row = &mut joint[place * v..(place + 1) * v];
            for (p, &t) in law.iter().zip(newest) {
                row[t as usize] += p;
            }
        }
        joint
    }
}

fn information(lag: usize, joint: &[f64], v: usize) -> LagInformation {
    let mut first = vec![0.0; v];
    let mut second = vec![0.0; v];
    for (place, p) in joint.iter().enumerate() {
        first[place / v] += p;
        second[place % v] += p;
    }
    // One division after the other: their product may underflow.
    let ratio = |place: usize| joint[place] / first[place / v] / second[place % v];
    let bits = |place: usize| if joint[place] > 0.0 { joint[place] * ratio(place).log2() } else { 0.0 };
    // Squared differences instead of squares less one: nothing cancels.
    let chi = |place: usize| {
        let independent = first[place / v] * second[place % v];
        match joint[place] {
            _ if independent > 0.0 => (joint[place] - independent).powi(2) / independent,
            // What the product of the marginals underflows from, the square does too.
            together if together > 0.0 => together * ratio(place),
            _ => 0.0,
        }
    };
    LagInformation {
        lag,
        mutual_information: sum_by(joint.len(), bits).max(0.0),
        rational: sum_by(joint.len(), chi),
    }
}
