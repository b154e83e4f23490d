//! When two coupled walks meet.

use super::mean_time::MeanTime;
use super::pair_chain::PairChain;
use crate::chain::Start;
use crate::drift::sojourn::half_life;
use crate::error::Result;
use crate::passage::PassageSolver;
use crate::prob::Law;
use crate::solve::Observer;

/// The law of the time at which two coupled walks are in the same state, in steps.
#[derive(Debug, Clone, PartialEq)]
pub struct MeetingTime {
    /// `survival[n]`: the probability that the two have not met within `n` steps.
    pub survival: Vec<f64>,
    /// The mean time.
    pub mean: MeanTime,
    /// How many pairs were sampled; `None` if the law is exact.
    pub sampled: Option<usize>,
}

impl MeetingTime {
    /// The first `n` within which at least half of the pairs meet, if that was followed so far.
    pub fn half_life(&self) -> Option<usize> {
        half_life(&self.survival)
    }

    /// Solved on the chain of pairs.
    pub(super) fn exact(
        pairs: &PairChain,
        start: &Law,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let met = pairs.met()?;
        let law = pairs.chain.hitting_time_law(Start::Law(start), &met, steps)?;
        let within = |left: &mut f64, p: &f64| {
            *left -= p;
            Some(left.clamp(0.0, 1.0))
        };
        let survival = law.of_set(0).iter().scan(1.0, within).collect();
        let stage = "the mean time until two continuations meet";
        let mean = MeanTime::solve(&PassageSolver::new(), &pairs.chain, &met, start, stage, observer)?;
        Ok(Self { survival, mean, sampled: None })
    }

    /// From the times of at least two sampled pairs, those beyond the steps followed unknown.
    pub(super) fn from_sample(times: &[Option<usize>], steps: usize) -> Self {
        let n = times.len() as f64;
        let mut met_at = vec![0usize; steps + 1];
        times.iter().flatten().for_each(|&time| met_at[time] += 1);
        let left = |left: &mut usize, met: &usize| {
            *left -= met;
            Some(*left as f64 / n)
        };
        let survival = met_at.iter().scan(times.len(), left).collect();
        Self { survival, mean: MeanTime::of_sample(times, steps), sampled: Some(times.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_did_not_meet_leave_the_mean_open() {
        let open = MeetingTime::from_sample(&[Some(0), Some(2), None, Some(2)], 3);
        assert_eq!(open.survival, [0.75, 0.75, 0.25, 0.25]);
        assert_eq!((open.mean, open.half_life()), (MeanTime::AtLeast(7.0 / 4.0), Some(2)));
        let closed = MeetingTime::from_sample(&[Some(1), Some(3)], 3);
        assert_eq!(closed.mean, MeanTime::Sampled { mean: 2.0, standard_error: 1.0 });
    }
}
